"""What staging costs beside the least that it could: bytes written, and bytes hashed.

    python tests/bench/bench_staging.py [MiB] [folder]

Prints medians of five rounds, each measured in turn in one process, and the ratios. `sync` is the
plain write with its fsync. The goal: staging takes about as long as the longer of the two, not as both.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from jupyter_workspace.stores.base import Move, Place
from jupyter_workspace.stores.local import LocalStore

if TYPE_CHECKING:
    from collections.abc import Callable

_ROUNDS = 5
_BLOCK = os.urandom(4 << 20)
_SMALL = os.urandom(64 << 10)


def _plain_write(folder: Path, blocks: int, sync: bool) -> None:
    target = folder / "plain"
    descriptor = os.open(target, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    for _ in range(blocks):
        os.write(descriptor, _BLOCK)
    if sync:
        os.fsync(descriptor)
    os.close(descriptor)
    target.unlink()


def _plain_hash(blocks: int) -> None:
    sha256 = hashlib.sha256()
    for _ in range(blocks):
        sha256.update(_BLOCK)


async def _written(store: LocalStore, blocks: int, chunk: int) -> None:
    staging = await store.stage()
    whole = memoryview(_BLOCK)
    for _ in range(blocks):
        for start in range(0, len(_BLOCK), chunk):
            await staging.write(whole[start : start + chunk])
    await staging.finish()
    await staging.discard()


async def _read_into(store: LocalStore, blocks: int) -> None:
    """As a socket does: 256 KiB at a time straight into the block."""
    staging = await store.stage()
    whole, left = memoryview(_BLOCK), blocks * len(_BLOCK)
    while left:
        free = staging.view()
        count = min(len(free), left, 256 << 10)
        free[:count] = whole[:count]
        left -= count
        await staging.advance(count)
    await staging.finish()
    await staging.discard()


async def _small(store: LocalStore, count: int, at_once: int) -> None:
    async def one(number: int) -> None:
        staging = await store.stage_bytes(_SMALL)
        target = Place("session", f"attachments/{number}", "bench")
        await store.apply([Move(staging.place, target, staging.inode)])

    await store.make_session("bench")
    for start in range(0, count, at_once):
        await asyncio.gather(*(one(number) for number in range(start, start + at_once)))
    trash = Place("trash", "bench")
    with store.disk.parent(Place("session", "attachments", "bench")) as (folder, name):
        inode = os.stat(name, dir_fd=folder).st_ino
    await store.apply([Move(Place("session", "attachments", "bench"), trash, inode)])
    await store.remove(trash)


def _clock(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    blocks = int(sys.argv[1] if len(sys.argv) > 1 else 1024) // 4
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as root:
        folder = Path(root)
        store = LocalStore(folder / "workspace", state_folder=".state")
        with asyncio.Runner() as runner:
            runner.run(store.open())
            works: dict[str, Callable[[], object]] = {
                "plain write": lambda: _plain_write(folder, blocks, False),
                "plain write, sync": lambda: _plain_write(folder, blocks, True),
                "plain sha256": lambda: _plain_hash(blocks),
                "staging, 64 KiB writes": lambda: runner.run(_written(store, blocks, 64 << 10)),
                "staging, 1 MiB writes": lambda: runner.run(_written(store, blocks, 1 << 20)),
                "staging, read into": lambda: runner.run(_read_into(store, blocks)),
                "200 x 64 KiB published": lambda: runner.run(_small(store, 200, 1)),
                "200 x 64 KiB, 16 at once": lambda: runner.run(_small(store, 192, 16)),
            }
            seconds = {name: [] for name in works}
            for _ in range(_ROUNDS):
                for name, work in works.items():
                    seconds[name].append(_clock(work))
            runner.run(store.close())
    figures = {name: median(rounds) for name, rounds in seconds.items()}
    floor = max(figures["plain write, sync"], figures["plain sha256"])
    for name, figure in figures.items():
        print(f"{name:28} {figure:7.3f} s   {figure / floor:5.2f} x the longer of sync and sha256")


if __name__ == "__main__":
    main()
