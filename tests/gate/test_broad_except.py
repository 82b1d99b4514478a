"""`except Exception` has three homes: a handler's last line, a background task's loop, the CLI's main."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "jupyter_workspace").rglob("*.py"))

# Each with how many it may have, and why.
HOMES = {
    "jupyter_workspace/handlers/base.py": 3,  # admission, body and verb: an error of ours becomes an answer
    "jupyter_workspace/client/background.py": 1,  # the kernel's thread outlives whatever a job meets
    "jupyter_workspace/integrations/preview_worker.py": 1,  # whatever a decoder raises, the file has no preview
    "jupyter_workspace/cli/main.py": 1,  # a person reads a sentence
    "jupyter_workspace/services/publisher.py": 1,  # the writing task outlives a publication that fails
    "jupyter_workspace/stores/lanes.py": 1,  # a thread hands what its job raised to whoever waits for it
    "jupyter_workspace/workspace.py": 1,  # a background task outlives one bad round
}
BROAD = {"Exception", "BaseException"}


def broad_clauses(path: Path) -> list[int]:
    """The lines of clauses that catch everything, except those that only clean up and raise again."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    clauses = [node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)]
    return [clause.lineno for clause in clauses if is_broad(clause) and not raises_again(clause)]


def is_broad(clause: ast.ExceptHandler) -> bool:
    if clause.type is None:
        return True
    caught = clause.type.elts if isinstance(clause.type, ast.Tuple) else [clause.type]
    return any(isinstance(each, ast.Name) and each.id in BROAD for each in caught)


def raises_again(clause: ast.ExceptHandler) -> bool:
    last = clause.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_everything_is_caught_only_at_the_edges(path: Path) -> None:
    lines = broad_clauses(path)

    assert len(lines) <= HOMES.get(path.relative_to(ROOT).as_posix(), 0), f"broad except on lines {lines}"
