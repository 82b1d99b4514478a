"""Which statements of the requirements a passing test has shown.

A test cites a statement by its id, `S0-45`, in its own lines: body, decorators, docstring, or a comment
directly above. `tests/requirements.txt` holds every id with its class. Several pytest runs add to one file.
"""

from __future__ import annotations

import ast
import fcntl
import json
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATEMENTS = ROOT / "tests" / "requirements.txt"
SHOWN = ROOT / "build" / "requirements.json"

_ID = re.compile(r"\b(?:S\d-\d{2,3}|C\d{1,2}[ab]?)\b")


def statements() -> dict[str, str]:
    """Each id with its class: core, run, agent, or rule."""
    lines = STATEMENTS.read_text(encoding="utf-8").splitlines()
    return dict(line.split() for line in lines)


@cache
def citations(path: Path) -> dict[str, frozenset[str]]:
    """The ids cited by each test function of a file, keyed by `Class.function` or `function`."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    found = {}
    for name, node in _functions(ast.parse(source)):
        text = "\n".join(lines[_first_line(node, lines) : node.end_lineno])
        found[name] = frozenset(_ID.findall(text))
    return found


def _functions(tree: ast.Module) -> list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [(node.name, node) for node in tree.body if isinstance(node, functions)]
    for owner in tree.body:
        if isinstance(owner, ast.ClassDef):
            found += [
                (f"{owner.name}.{node.name}", node) for node in owner.body if isinstance(node, functions)
            ]
    return found


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> int:
    """The index of the first of a function's own lines: decorators and the comment above belong to it."""
    index = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) - 1
    while index > 0 and lines[index - 1].lstrip().startswith("#"):
        index -= 1
    return index


def shown() -> set[str]:
    """The ids shown by the runs so far."""
    return set(json.loads(SHOWN.read_text(encoding="utf-8"))) if SHOWN.exists() else set()


def add_shown(ids: set[str]) -> None:
    """Adds what a run has shown; several may end at the same moment."""
    SHOWN.parent.mkdir(exist_ok=True)
    with SHOWN.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        known = set(json.loads(file.read() or "[]"))
        file.truncate(0)
        file.write(json.dumps(sorted(known | ids)))


def summary(ids: set[str]) -> str:
    """One line a class that the product answers for."""
    known = statements()
    lines = []
    for kind in ("core", "run", "rule"):
        all_of = {name for name, of in known.items() if of == kind}
        lines.append(
            f"requirements: {len(ids & all_of)} of {len(all_of)} [{kind}] statements shown by passing tests"
        )
    return "\n".join(lines)
