"""The journals of the sessions: append-only files in the state folder, a lane of jobs each.

Appends that wait while the disk syncs are written and synced together.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING
from uuid import uuid4

from jupyter_workspace.errors import PathEscapes
from jupyter_workspace.stores.beneath import sync_folder
from jupyter_workspace.stores.disk import write_all
from jupyter_workspace.stores.faults import translated
from jupyter_workspace.stores.lanes import Lane, outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["JournalFiles"]

_SUFFIX = ".jsonl"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_THREADS = 4

# So many journals are kept open.
_MAX_OPEN = 64

# How much is read at a time in search of the last newline (bytes).
_TAIL_BYTES = 64 << 10


class JournalFiles:
    """See `base.Journals`; state: the state folder, which holds `journals/<session_id>.jsonl`."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "journals"
        self._pool = ThreadPoolExecutor(_THREADS, "workspace-journal")
        self._journals: dict[str, _Journal] = {}
        self._open: OrderedDict[str, None] = OrderedDict()

    def _journal(self, session_id: str) -> _Journal:
        if "/" in session_id or "\0" in session_id or session_id.startswith("."):
            raise PathEscapes
        if session_id not in self._journals:
            self._journals[session_id] = _Journal(self._pool, self._folder, session_id + _SUFFIX)
        return self._journals[session_id]

    async def append(self, session_id: str, lines: bytes) -> None:
        """See `base.Journals`."""
        journal = self._journal(session_id)
        self._open[session_id] = None
        self._open.move_to_end(session_id)
        if len(self._open) > _MAX_OPEN:
            oldest, _ = self._open.popitem(last=False)
            self._journals[oldest].submit_close()
        with translated():
            await outcome(journal.submit_append(lines))

    async def read(self, session_id: str) -> bytes:
        """See `base.Journals`."""
        with translated():
            return await outcome(self._journal(session_id).submit_read())

    async def names(self) -> list[str]:
        """See `base.Journals`."""
        with translated():
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._names)

    def _names(self) -> list[str]:
        # Without a folder there is none; names with more dots are set aside or half written.
        return sorted(file.stem for file in self._folder.glob("*" + _SUFFIX) if "." not in file.stem)

    async def replace(self, session_id: str, lines: bytes) -> None:
        """See `base.Journals`."""
        with translated():
            await outcome(self._journal(session_id).submit_replace(lines))

    async def set_aside(self, session_id: str) -> str | None:
        """See `base.Journals`."""
        with translated():
            return await outcome(self._journal(session_id).submit_set_aside())

    async def close(self) -> None:
        """See `base.Journals`."""
        for journal in self._journals.values():
            journal.submit_close()
        await asyncio.to_thread(self._pool.shutdown)


class _Journal:
    """One file. What is public submits a job, the rest are jobs."""

    def __init__(self, pool: Executor, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._lane = Lane(pool)
        self._lock = Lock()
        self._waiting: list[tuple[bytes, Future[None]]] = []
        self._descriptor = -1

    def submit_append(self, lines: bytes) -> Future[None]:
        """Have lines added with whatever else waits by then."""
        added: Future[None] = Future()
        with self._lock:
            self._waiting.append((lines, added))
        self._lane.submit(self._append_waiting)
        return added

    def submit_read(self) -> Future[bytes]:
        """Have the whole file read."""
        return self._lane.submit(self._read)

    def submit_replace(self, lines: bytes) -> Future[None]:
        """Have the file replaced."""
        return self._lane.submit(partial(self._replace, lines))

    def submit_set_aside(self) -> Future[str | None]:
        """Have the file renamed."""
        return self._lane.submit(self._set_aside)

    def submit_close(self) -> Future[None]:
        """Have the descriptor closed until it is wanted again."""
        return self._lane.submit(self._close)

    @contextmanager
    def _opened_folder(self) -> Iterator[int]:
        try:
            folder = os.open(self._folder, _FOLDER | os.O_NOFOLLOW)
        except FileNotFoundError:
            self._folder.mkdir(0o700, parents=True, exist_ok=True)
            parent = os.open(self._folder.parent, _FOLDER)
            try:
                sync_folder(parent)
            finally:
                os.close(parent)
            folder = os.open(self._folder, _FOLDER | os.O_NOFOLLOW)
        try:
            yield folder
        finally:
            os.close(folder)

    def _append_waiting(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, []
        if not batch:
            return
        try:
            self._append(b"".join(lines for lines, _ in batch))
        except OSError as fault:
            for _, added in batch:
                added.set_exception(fault)
        else:
            for _, added in batch:
                added.set_result(None)

    def _append(self, lines: bytes) -> None:
        self._ensure_open()
        length = os.fstat(self._descriptor).st_size
        try:
            write_all(self._descriptor, memoryview(lines), length)
            os.fdatasync(self._descriptor)
        except OSError:
            # What was not acknowledged is taken back; the next append begins with a new descriptor.
            with suppress(OSError):
                os.ftruncate(self._descriptor, length)
            self._close()
            raise

    def _ensure_open(self) -> None:
        if self._descriptor >= 0 and os.fstat(self._descriptor).st_nlink:
            return
        self._close()
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._opened_folder() as folder:
            try:
                self._descriptor = os.open(self._name, flags, dir_fd=folder)
                _cut_torn_line(self._descriptor)
            except FileNotFoundError:
                self._descriptor = os.open(self._name, flags | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
                sync_folder(folder)

    def _read(self) -> bytes:
        try:
            with self._opened_folder() as folder:
                descriptor = os.open(self._name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        except FileNotFoundError:
            return b""
        with open(descriptor, "rb") as file:  # noqa: PTH123  (a descriptor, no path)
            return file.read()

    def _replace(self, lines: bytes) -> None:
        waiting = f".{uuid4().hex}"
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._opened_folder() as folder:
            descriptor = os.open(waiting, flags, 0o600, dir_fd=folder)
            try:
                try:
                    write_all(descriptor, memoryview(lines), 0)
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
                os.rename(waiting, self._name, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError:
                with suppress(OSError):
                    os.unlink(waiting, dir_fd=folder)
                raise
            sync_folder(folder)
        self._close()

    def _set_aside(self) -> str | None:
        aside = f"{self._name}.aside-{uuid4().hex[:12]}"
        with self._opened_folder() as folder:
            try:
                os.rename(self._name, aside, src_dir_fd=folder, dst_dir_fd=folder)
            except FileNotFoundError:
                return None
            sync_folder(folder)
        self._close()
        return aside

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _cut_torn_line(descriptor: int) -> None:
    """Cut off what stands after the last newline: a crash was there before its end."""
    end = os.fstat(descriptor).st_size
    stop = end
    while stop > 0:
        start = max(0, stop - _TAIL_BYTES)
        newline = os.pread(descriptor, stop - start, start).rfind(b"\n")
        if newline >= 0:
            stop = start + newline + 1
            break
        stop = start
    if stop < end:
        os.ftruncate(descriptor, stop)
