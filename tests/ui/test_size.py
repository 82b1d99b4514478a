"""A very large file by picker and by drag: the same bytes arrive, and nobody's memory grows with them.

UI_LARGE_MIB=1024 is the size that was measured; the gate sends less.
"""

from __future__ import annotations

import hashlib
import json
import os

import psutil
import pytest
from playwright.sync_api import expect
from ui.panel import PICTURES

MIB = 1024 * 1024
LARGE_MIB = int(os.environ.get("UI_LARGE_MIB", "128"))
#: What buffers, parts on their way and a collector that is late may take, however large the file is.
GROWTH_MIB = 200


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A file of random bytes, and its SHA-256."""
    path = tmp_path_factory.mktemp("large") / "large.bin"
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(LARGE_MIB):
            digest.update(block := os.urandom(MIB))
            file.write(block)
    return path, digest.hexdigest()


def memory(processes: list[psutil.Process]) -> float:
    """What processes hold for themselves, in MiB."""
    return (
        sum(one.memory_info().rss - one.memory_info().shared for one in processes if one.is_running()) / MIB
    )


def watched(server) -> dict[str, list[psutil.Process]]:
    """The server, and those of the browser that began below this process."""
    mine = psutil.Process().children(recursive=True)
    servers = [one for one in mine if str(server.root) in " ".join(one.cmdline())]
    renderers = [one for one in mine if any("--type=renderer" in word for word in one.cmdline())]
    return {"server": servers, "browser": renderers}


@pytest.mark.parametrize("way", ["picker", "drag"])
def test_a_very_large_file_arrives_whole_and_no_memory_grows(panel, server, large, way):
    path, sha256 = large
    notebook = server.notebook(f"large-{way}{os.urandom(3).hex()}.ipynb")
    panel.open(notebook)
    expect(panel.root).to_contain_text("Drop files or folders here")
    processes = watched(server)
    assert all(processes.values())
    before = {name: memory(some) for name, some in processes.items()}

    if way == "picker":
        panel.pick(path)
    else:
        panel.drop([path])
    peak = dict(before)
    for _ in range(LARGE_MIB * 20):
        panel.page.wait_for_timeout(100)
        for name, some in processes.items():
            peak[name] = max(peak[name], memory(some))
        if panel.row("large.bin").is_visible():
            break

    record = server.files(server.session(notebook))["attachments/large.bin"]
    grown = {name: round(peak[name] - before[name]) for name in peak}
    (PICTURES / f"large-{way}.json").write_text(json.dumps({"mib": LARGE_MIB, "grown_mib": grown}))
    assert (record["sha256"], record["size"]) == (sha256, LARGE_MIB * MIB)
    assert max(grown.values()) < GROWTH_MIB, grown
