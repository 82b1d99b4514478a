"""Bytes on their way in: gathered in blocks, written and hashed beside each other in threads.

    caller -> block being filled -> (full) -> lane of writes:  pwrite, crc32
                                           -> lane of hashes:  sha256

A block is free again when both are done with it; there are at most three, so a caller who is faster
than the disk waits. A file of a former life is hashed by reading it, behind the writes: what it holds
already can be much, and nobody is to wait for that before the end.

A body that fits into the first block goes to the disk in one turn of a thread: created, written, hashed
and synced. The descriptor belongs to the lane of writes alone: whatever is cancelled, its closing comes
after the last write.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from jupyter_workspace.errors import Busy, Internal, WorkspaceError
from jupyter_workspace.stores.base import Digest, Place
from jupyter_workspace.stores.buffers import BLOCKS_EACH, FIRST_BYTES, SMALL_BYTES, Buffers
from jupyter_workspace.stores.faults import translate, translated
from jupyter_workspace.stores.lanes import Lane, outcome
from jupyter_workspace.stores.staged import StagedFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor, Future

    from jupyter_workspace.stores.disk import Disk

__all__ = ["StagingFile"]

_Result = TypeVar("_Result")

#: So many bytes are read and hashed before other uploads have their turn.
HASH_STEP = 64 << 20


class StagingFile:
    """See `base.Staging`. The file is made by the first job that needs it."""

    def __init__(
        self, disk: Disk, name: str, *, buffers: Buffers, writers: Executor, hashers: Executor
    ) -> None:
        self.name = name
        self.size = 0
        self._buffers = buffers
        self._file = StagedFile(disk, Place("staging", name))
        self._writes = Lane(writers)
        self._hashes = Lane(hashers)
        self._block = bytearray(0)
        self._used = 0
        self._handed_over = 0
        self._sent = 0
        self._has_jobs = False
        self._blocks: list[bytearray] = []
        self._free: list[bytearray] = []
        self._jobs_left: dict[int, int] = {}
        self._freed = asyncio.Event()
        self._failure: BaseException | None = None
        self._digest: Digest | None = None
        self._is_resumed = False
        self._to_be_hashed = 0
        self.is_discarded = False

    @property
    def place(self) -> Place:
        """See `base.Staging`."""
        return self._file.place

    @property
    def inode(self) -> int:
        """See `base.Staging`."""
        return self._file.inode

    # Taking bytes

    def view(self) -> memoryview:
        """See `base.Staging`."""
        if self._used == len(self._block):
            self._grow(FIRST_BYTES)
        return memoryview(self._block)[self._used :]

    def _grow(self, at_least: int) -> None:
        """Make the first block larger; later ones are handed over when they are full."""
        grown = bytearray(min(max(4 * len(self._block), at_least), SMALL_BYTES))
        grown[: self._used] = self._block
        self._block = grown

    async def advance(self, count: int) -> None:
        """See `base.Staging`."""
        self._used += count
        self.size += count
        if self._used == len(self._block) and (self._blocks or self._used >= SMALL_BYTES):
            self._hand_over()
            await self._next_block()
        self._raise_failure()

    async def write(self, data: bytes | memoryview) -> None:
        """See `base.Staging`."""
        rest = memoryview(data)
        if self._used == len(self._block) == 0:
            self._grow(max(FIRST_BYTES, len(rest)))
        while rest:
            free = self.view()
            count = min(len(free), len(rest))
            free[:count] = rest[:count]
            rest = rest[count:]
            await self.advance(count)

    def _hand_over(self) -> None:
        """Have the present block written and hashed."""
        block, content = self._block, memoryview(self._block)[: self._used]
        jobs = [self._submit(partial(self._file.write, content, self._handed_over))]
        if not self._is_resumed:
            jobs.append(self._hashes.submit(partial(self._file.hash, content)))
        self._jobs_left[id(block)] = len(jobs)
        loop = asyncio.get_running_loop()
        for job in jobs:
            job.add_done_callback(partial(self._report, loop, block))
        self._handed_over += self._used
        self._sent = max(self._sent, self._handed_over)
        self._block, self._used = bytearray(0), 0

    def _report(self, loop: asyncio.AbstractEventLoop, block: bytearray, job: Future[None]) -> None:
        """In a job's thread: tell the loop. A loop that is closed has nobody waiting."""
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._release, block, job.exception())

    def _release(self, block: bytearray, fault: BaseException | None) -> None:
        if fault is not None:
            self._fail(fault)
        self._jobs_left[id(block)] -= 1
        if self._jobs_left[id(block)] == 0:
            del self._jobs_left[id(block)]
            # The first, small block is not used again.
            if any(block is known for known in self._blocks):
                self._free.append(block)
        self._freed.set()

    async def _next_block(self) -> None:
        while self._failure is None:
            if self._free:
                self._block = self._free.pop()
                return
            if len(self._blocks) < BLOCKS_EACH:
                self._block = self._buffers.take()
                self._blocks.append(self._block)
                return
            self._freed.clear()
            await self._freed.wait()

    def _raise_failure(self) -> None:
        if isinstance(self._failure, Exception):
            raise translate(self._failure) from self._failure
        if self.is_discarded:
            raise Internal("The upload was discarded.")

    # Bringing them to the disk

    def _submit(self, job: Callable[[], _Result]) -> Future[_Result]:
        self._has_jobs = True
        return self._writes.submit(job)

    async def make(self) -> None:
        """See `base.Staging`."""
        with translated():
            await outcome(self._submit(self._file.make))

    async def flush(self) -> int:
        """See `base.Staging`."""
        self._raise_failure()
        size, start = self.size, self._sent
        # A copy, as the writer goes on; these bytes are written again with their whole block.
        rest = bytes(memoryview(self._block)[start - self._handed_over : self._used])
        self._sent = size
        await self._synced(self._submit(partial(self._file.flush, rest, start)))
        return size

    async def _synced(self, job: Future[None]) -> None:
        """Waits for a job that syncs; when it fails that is kept, as nothing of the file counts any more."""
        try:
            with translated():
                await outcome(job)
        except WorkspaceError as fault:
            self._fail(fault)
            raise
        self._raise_failure()

    async def park(self, note: bytes = b"") -> int:
        """See `base.Staging`; one job for all, as each costs a change of threads."""
        try:
            self._raise_failure()
            if self._used:
                # Hashed too, so that no block is needed until more comes.
                self._hand_over()
            parked = self._submit(partial(self._file.park, note))
            if not self._is_resumed:
                await outcome(self._hashes.submit(self._file.end_hashes))
            await self._synced(parked)
            if self._is_resumed:
                # By reading, so not before all was written.
                self._hash_by_reading()
        except BaseException:
            await outcome(self._submit(self._file.close))
            raise
        finally:
            self._give_blocks_back()
        return self.size

    async def finish(self) -> Digest:
        """See `base.Staging`."""
        if self._digest is not None:
            return self._digest
        try:
            self._raise_failure()
            with translated():
                self._digest = await self._finish()
        except Exception:
            # Not after a cancellation: an upload that is to go on in the next life keeps its bytes.
            await self.discard()
            raise
        self._give_blocks_back()
        return self._digest

    async def _finish(self) -> Digest:
        content = memoryview(self._block)[: self._used]
        if self._handed_over == 0:
            return await outcome(self._submit(partial(self._file.take_whole, content)))
        if self._used:
            self._hand_over()
        # The sync runs beside the last hashes.
        sealed = self._submit(self._file.seal)
        if self._is_resumed:
            await outcome(sealed)
            self._hash_by_reading()
        await outcome(self._hashes.submit(self._file.end_hashes))
        await outcome(sealed)
        self._raise_failure()
        return self._file.digest()

    async def discard(self) -> None:
        """See `base.Staging`."""
        was_discarded, self.is_discarded = self.is_discarded, True
        if was_discarded:
            return
        self._file.is_abandoned = True
        self._give_blocks_back()
        if self._has_jobs:
            # When the server is stopping, the sweep of the next start removes it.
            with suppress(Busy):
                await outcome(self._submit(self._file.remove))

    def _give_blocks_back(self) -> None:
        for block in self._blocks:
            self._buffers.give_back(block)
        self._blocks, self._free, self._block, self._used = [], [], bytearray(0), 0

    # Bytes that are already on a disk

    async def clone(self, source: int) -> None:
        """Finish as a file that shares the blocks of another, whose descriptor is closed by this.

        After an OSError these two cannot share, and this one is of no more use.
        """
        self._digest = await outcome(self._submit(partial(self._file.clone, source)))
        self.size = self._digest.size

    async def reopen(self, size: int) -> None:
        """Go on after the first `size` bytes of a file that is there; they are hashed meanwhile."""
        self._is_resumed = True
        with translated():
            await outcome(self._submit(partial(self._file.reopen, size)))
        self.size = self._handed_over = self._sent = size
        self._hash_by_reading()

    def _hash_by_reading(self) -> None:
        """Have all that was written hashed, a step at a time so that others are hashed meanwhile."""
        loop = asyncio.get_running_loop()
        while self._to_be_hashed < self._handed_over:
            self._to_be_hashed = min(self._to_be_hashed + HASH_STEP, self._handed_over)
            step = self._hashes.submit(partial(self._file.hash_to, self._to_be_hashed))
            step.add_done_callback(partial(self._report_step, loop))

    def _report_step(self, loop: asyncio.AbstractEventLoop, job: Future[None]) -> None:
        if fault := job.exception():
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._fail, fault)

    def _fail(self, fault: BaseException) -> None:
        self._failure = self._failure or fault
        self._freed.set()
