"""Fails when tests reach less of the package than pyproject.toml asks for.

Reads `coverage json` output: `python tests/gate/coverage_floor.py build/coverage.json`.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def room_of(path: str) -> str:
    """The package or module directly below `jupyter_workspace` that a file belongs to."""
    parts = Path(path).parts
    return parts[len(parts) - parts[::-1].index("jupyter_workspace")].removesuffix(".py")


def percent_of(report: dict, room: str) -> float:
    """How much of a room is reached, lines and branches together."""
    parts = [facts["summary"] for path, facts in report["files"].items() if room_of(path) == room]
    whole = sum(part["num_statements"] + part.get("num_branches", 0) for part in parts)
    reached = sum(part["covered_lines"] + part.get("covered_branches", 0) for part in parts)
    return 100 * reached / whole if whole else 100.0


def misses(report: dict, floor: dict) -> list[str]:
    """What falls short, one sentence each."""
    found = []
    for path, facts in sorted(report["files"].items()):
        lines, branches = facts["missing_lines"], facts.get("missing_branches", [])
        if room_of(path) in floor["full"] and (lines or branches):
            found.append(f"{path}: not reached: lines {lines}, branches {branches}")
    for room, least in floor.get("rooms", {}).items():
        reached = percent_of(report, room)
        if reached < least:
            found.append(f"{room}: {reached:.2f} % is reached, {least} % are asked for")
    overall = report["totals"]["percent_covered"]
    if overall < floor["overall"]:
        found.append(
            f"overall: {overall:.2f} % of the package is reached, {floor['overall']} % are asked for"
        )
    return found


def main() -> None:
    report = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = misses(report, settings["tool"]["jupyter_workspace"]["coverage"])
    rooms = settings["tool"]["jupyter_workspace"]["coverage"].get("rooms", {})
    for room in rooms:
        print(f"coverage of {room}: {percent_of(report, room):.2f} %")
    print(*found, f"coverage: {report['totals']['percent_covered']:.2f} %", sep="\n")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
