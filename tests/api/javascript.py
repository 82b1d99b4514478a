"""Programs of Node's registry, installed once into `build/` for all lanes."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "build" / "javascript"
UPLOAD = Path(__file__).parent / "clients" / "upload.mjs"
SECONDS = 180


def installed(*packages: str) -> Path:
    """A folder with these in its node_modules, each as name@version; skips where that cannot be."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node and npm are not installed")
    folder = FOLDER / "+".join(packages).replace("/", "-")
    if not (folder / "node_modules").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        made = subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", *packages],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if made.returncode:
            shutil.rmtree(folder)
            pytest.skip(f"{' '.join(packages)} cannot be installed: {made.stderr[-300:]}")
    return folder


def upload_command(options: dict[str, Any]) -> list[str]:
    """The command that uploads a file with tus-js-client; `upload.mjs` says which options there are."""
    return ["node", str(UPLOAD), str(installed("tus-js-client@4")), json.dumps(options)]
