"""Files being read: a descriptor, blocks read ahead in a thread, and a look at the end."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Self

from jupyter_workspace.errors import VersionGone
from jupyter_workspace.stores.base import Stat
from jupyter_workspace.stores.beneath import stat_of
from jupyter_workspace.stores.checksums import BLOCK_BYTES
from jupyter_workspace.stores.faults import translated
from jupyter_workspace.stores.lanes import Lane, outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from concurrent.futures import Executor, Future
    from types import TracebackType

__all__ = ["OpenedFile"]

#: A file up to this size is read while it is opened: one turn of a thread instead of three.
_AT_ONCE_BYTES = 256 << 10


class OpenedFile:
    """See `base.OpenFile`; `opening` opens it, in a thread: a descriptor and what the disk says of it."""

    def __init__(self, pool: Executor, opening: Callable[[], tuple[int, os.stat_result]]) -> None:
        self._lane = Lane(pool)
        self._opening = opening
        self._descriptor = -1
        self._status: os.stat_result | None = None
        self._whole: bytes | None = None

    async def open(self) -> None:
        """Open it; when this is cut off it is closed."""
        try:
            with translated():
                await outcome(self._lane.submit(self._open))
        except BaseException:
            self._lane.submit(self._close)
            raise

    def _open(self) -> None:
        self._descriptor, self._status = self._opening()
        if self._status.st_size <= _AT_ONCE_BYTES:
            content = os.pread(self._descriptor, self._status.st_size, 0)
            if not self._has_changed() and len(content) == self._status.st_size:
                self._whole = content
                self._close()

    def _has_changed(self) -> bool:
        now, before = os.fstat(self._descriptor), self._status
        return before is None or (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns)

    @property
    def stat(self) -> Stat:
        """As it was when the file was opened."""
        if self._status is None:
            raise VersionGone
        return stat_of(self._status)

    async def duplicate(self) -> int | None:
        """Another descriptor of the file, the caller's to close; None when the file was read already."""
        return await outcome(
            self._lane.submit(lambda: None if self._descriptor < 0 else os.dup(self._descriptor))
        )

    async def read(self, offset: int, length: int) -> bytes:
        """See `base.OpenFile`."""
        end = min(offset + length, self.stat.size)
        if offset >= end:
            return b""
        if self._whole is not None:
            return self._whole[offset:end]
        with translated():
            return await outcome(self._submit(offset, end, is_last=True))

    async def chunks(self, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """See `base.OpenFile`."""
        end = self.stat.size if stop is None else min(stop, self.stat.size)
        if start >= end:
            return
        if self._whole is not None:
            yield self._whole[start:end]
            return
        offset = start
        ahead = self._submit_next(offset, end)
        while offset < end:
            with translated():
                block = await outcome(ahead)
            offset += len(block)
            if offset < end:
                # Read while the caller sends this one.
                ahead = self._submit_next(offset, end)
            yield block

    def _submit_next(self, offset: int, end: int) -> Future[bytes]:
        stop = min(offset + BLOCK_BYTES, end)
        return self._submit(offset, stop, is_last=stop == end)

    def _submit(self, offset: int, stop: int, *, is_last: bool) -> Future[bytes]:
        return self._lane.submit(partial(self._read, offset, stop, is_last=is_last))

    def _read(self, offset: int, stop: int, *, is_last: bool) -> bytes:
        if self._descriptor < 0:
            raise VersionGone
        content = os.pread(self._descriptor, stop - offset, offset)
        while len(content) < stop - offset:
            more = os.pread(self._descriptor, stop - offset - len(content), offset + len(content))
            if not more:
                raise VersionGone
            content += more
        if is_last and self._has_changed():
            raise VersionGone
        return content

    async def close(self) -> None:
        """See `base.OpenFile`."""
        if self._whole is None:
            await outcome(self._lane.submit(self._close))

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
