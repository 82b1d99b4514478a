"""No function longer than a screen, no file longer than a person reads in one go."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMITS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["jupyter_workspace"][
    "size"
]
MODULES = sorted(path for path in (ROOT / "jupyter_workspace").rglob("*.py") if path.name != "_version.py")
SCRIPTS = sorted(
    path for path in (ROOT / "labextension" / "src").rglob("*.ts*") if path.name != "schema.d.ts"
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", MODULES + SCRIPTS, ids=name_of)
def test_a_file_is_short_enough_to_read(path: Path) -> None:
    if name_of(path) in LIMITS["file_exceptions"]:
        pytest.skip("a table is as long as what it lists")

    lines = path.read_text(encoding="utf-8").count("\n")

    assert lines <= LIMITS["file_lines"]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_function_fits_on_a_screen(path: Path) -> None:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    tree = ast.parse(path.read_text(encoding="utf-8"))

    too_long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(tree)
        if isinstance(node, functions) and node.end_lineno - node.lineno + 1 > LIMITS["function_lines"]
    }

    assert not too_long
