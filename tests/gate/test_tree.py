"""What is committed names no machine and no place to download from."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = {
    ".cfg", ".css", ".ini", ".ipynb", ".js", ".json", ".md", ".mjs", ".py", ".sh", ".toml", ".ts", ".tsx",
    ".txt", ".yaml", ".yml", ".lock", "",
}  # fmt: skip

# Written in two parts, so that this file does not find itself.
HOSTS = re.compile(
    "registry" + r"\.(?:npmjs|yarnpkg)|py" + r"thonhosted\.org|(?<!//)\bpy" + r"pi\.org/simple"
)
MACHINE = re.compile(
    "|".join(re.escape(f"{place}/") for place in (ROOT, Path(sys.prefix)))
    + r"|(?<!\w)/work"
    + "/|/tmp"
    + "/dev"
)


def committed() -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    paths = [ROOT / name for name in names.split("\0") if name]
    return [path for path in paths if path.suffix in TEXT and path.is_file()]


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in committed()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_committed_file_names_a_registry() -> None:
    assert not lines_with(HOSTS)


def test_no_committed_file_holds_a_path_of_a_machine() -> None:
    assert not lines_with(MACHINE)


def test_the_lock_file_of_the_front_end_holds_no_download_address() -> None:
    lock = (ROOT / "labextension" / "yarn.lock").read_text(encoding="utf-8")

    assert "://" not in lock
    assert "resolved" not in lock


def test_only_the_agreed_things_stand_at_the_top() -> None:
    agreed = {
        ".ci", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "docs", "examples",
        "jupyter-config", "jupyter_workspace", "labextension", "pyproject.toml", "tests",
    }  # fmt: skip

    there = {path.relative_to(ROOT).parts[0] for path in committed()}

    assert there <= agreed
