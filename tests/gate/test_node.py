"""Which Node the build uses, and when it brings its own."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).resolve().parents[2] / "labextension" / "hatch_build.py"
SPEC = importlib.util.spec_from_file_location("hatch_build", PATH)
hatch_build = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(hatch_build)


@pytest.mark.parametrize("version", [(20, 19), (20, 20), (22, 12), (23, 0), (24, 1)])
def test_a_node_that_the_bundler_accepts_will_do(version: tuple[int, int]) -> None:
    assert hatch_build.node_will_do(version)


@pytest.mark.parametrize("version", [None, (18, 20), (20, 18), (21, 7), (22, 11)])
def test_any_other_will_not(version: tuple[int, int] | None) -> None:
    assert not hatch_build.node_will_do(version)


def test_a_machine_without_node_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    assert hatch_build.installed_node() is None


def test_a_program_that_is_no_node_is_not_taken_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\necho hello\n")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert hatch_build.installed_node() is None


def test_the_version_of_a_node_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\necho v22.14.0\n")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert hatch_build.installed_node() == (22, 14)
