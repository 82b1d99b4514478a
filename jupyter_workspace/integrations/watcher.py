"""Folders watched by the operating system, through watchfiles.

Folders are watched one by one and not as trees: the library follows links when it descends, and would
tell of each byte that is written to our own state folder. It is asked at the caller's own rhythm
instead of in a loop that wakes up twenty times a second, and at rest by a thread of its own, so that the
event loop does not wake up for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Collection, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import watchfiles

from jupyter_workspace.integrations.base import WatchFailed

__all__ = ["FolderWatcher"]

#: In milliseconds: how long a call waits for a burst of changes to end, and at most.
STEP = 1
DEBOUNCE = 20

#: At rest the system is asked this often, in seconds.
LOOK_SECONDS = 1.0

#: How often watching is tried again when a folder goes in the moment it is to be watched.
TRIES = 5


class FolderWatcher:
    """Watches folders beneath `base`; see `base.Watcher`."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._changes: Generator[set[watchfiles.main.FileChange], None, None] | None = None
        # A generator is not to be entered twice at the same time: one thread, one after the other.
        self._thread: ThreadPoolExecutor | None = None
        self._kept: set[str] = set()
        self._failure: WatchFailed | None = None
        self._stirred = Event()

    async def watch(self, folders: Collection[str]) -> None:
        """See `base.Watcher`."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "workspace-watch")
        await asyncio.get_running_loop().run_in_executor(self._thread, self._watch, list(folders))

    def _watch(self, folders: list[str]) -> None:
        old, self._changes, self._failure = self._changes, None, None
        try:
            self._changes = self._begin(folders)
        except (OSError, RuntimeError) as error:
            # watchfiles has a RuntimeError of its own for what it cannot name.
            raise WatchFailed(type(error).__name__) from error
        finally:
            # Only now, so that between the two nothing goes unheard that is not in the new ones' scan.
            if old is not None:
                old.close()

    def _begin(self, folders: list[str]) -> Generator[set[watchfiles.main.FileChange], None, None] | None:
        for _ in range(TRIES):
            there = [path for folder in folders if (path := self._base / folder).is_dir()]
            if not there:
                return None
            changes = watchfiles.watch(
                *there,
                watch_filter=None,
                debounce=DEBOUNCE,
                step=STEP,
                rust_timeout=STEP,
                yield_on_timeout=True,
                recursive=False,
            )
            with contextlib.suppress(FileNotFoundError):
                next(changes)
                return changes
        return None

    async def heard(self) -> set[str]:
        """See `base.Watcher`."""
        if self._changes is None:
            return set()
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._heard)

    def _heard(self) -> set[str]:
        kept, self._kept = self._kept, set()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        return kept | self._taken()

    def _taken(self) -> set[str]:
        if self._changes is None:
            return set()
        start = len(str(self._base)) + 1
        try:
            changes = next(self._changes, set())
        except (OSError, RuntimeError) as error:
            raise WatchFailed(type(error).__name__) from error
        return {path[start:].replace("\\", "/") for _, path in changes}

    async def rest(self, seconds: float) -> None:
        """See `base.Watcher`."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "workspace-watch")
        await asyncio.get_running_loop().run_in_executor(self._thread, self._rest, seconds)

    def _rest(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        try:
            while not self._kept and (left := end - time.monotonic()) > 0:
                if self._stirred.wait(min(LOOK_SECONDS, left)):
                    break
                self._kept = self._taken()
        except WatchFailed as error:
            self._failure = error  # for whoever asks what was heard
        self._stirred.clear()

    def stir(self) -> None:
        """See `base.Watcher`."""
        self._stirred.set()

    async def close(self) -> None:
        """See `base.Watcher`."""
        if self._thread is not None:
            self.stir()
            await self.watch([])
            thread, self._thread = self._thread, None
            thread.shutdown()


# Its debug lines would fill the server's log at every hint.
logging.getLogger("watchfiles").setLevel(logging.WARNING)
