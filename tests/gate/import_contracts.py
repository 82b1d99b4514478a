"""Runs the import contracts of pyproject.toml, also while some of the modules they name are still planned.

import-linter refuses a contract that names a module which does not exist. Here such a name is left out of
the check, but only if `[tool.jupyter_workspace.imports] planned` lists it: a misspelt name stays an error.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "jupyter_workspace"


def exists(module: str) -> bool:
    """Whether a module is there; one of another project always is, for this purpose."""
    if module.partition(".")[0] != PACKAGE:
        return True
    path = ROOT.joinpath(*module.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def names_in(contract: dict) -> list[str]:
    """Every module that a contract names."""
    listed = [*contract.get("source_modules", []), *contract.get("forbidden_modules", [])]
    layers = [name.strip(" ()") for layer in contract.get("layers", []) for name in layer.split("|")]
    return listed + layers


def narrowed(contract: dict) -> dict | None:
    """The contract over the modules that exist; None if nothing is left to check."""
    kept = dict(contract)
    for key in ("source_modules", "forbidden_modules"):
        if key in kept:
            kept[key] = [name for name in kept[key] if exists(name)]
    if "layers" in kept:
        parts = [[name.strip() for name in layer.split("|")] for layer in kept["layers"]]
        there = [[name for name in layer if exists(name.strip("()"))] for layer in parts]
        kept["layers"] = [" | ".join(layer) for layer in there if layer]
    enough = all(kept.get(key, True) for key in ("source_modules", "forbidden_modules", "layers"))
    return kept if enough else None


def as_toml(settings: dict, contracts: list[dict]) -> str:
    """An import-linter configuration; JSON's strings, lists and booleans are TOML's too."""
    lines = ["[tool.importlinter]", *(f"{key} = {json.dumps(value)}" for key, value in settings.items())]
    for contract in contracts:
        lines += ["[[tool.importlinter.contracts]]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in contract.items()]
    return "\n".join(lines)


def main() -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    settings = dict(tool["importlinter"])
    contracts = settings.pop("contracts")
    planned = set(tool[PACKAGE]["imports"]["planned"])
    strange = {name for each in contracts for name in names_in(each) if not exists(name)} - planned
    if strange:
        sys.exit(f"The contracts name modules that neither exist nor are planned: {sorted(strange)}")
    checked = [kept for kept in map(narrowed, contracts) if kept]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "importlinter.toml")
        config.write_text(as_toml(settings, checked), encoding="utf-8")
        command = [str(Path(sys.executable).with_name("lint-imports")), "--config", str(config), "--no-cache"]
        sys.exit(subprocess.run(command, cwd=ROOT, check=False).returncode)


if __name__ == "__main__":
    main()
