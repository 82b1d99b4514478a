"""One unfinished upload: its bytes, the note beside them, and the one request that may add to it.

The offset in `entry` is acknowledged: so many bytes are on the disk, and the note says so. It never goes
down. Whoever wants to write waits for its turn; a writer that has sent nothing for a while loses it, since
behind a broken line there is often nobody any more, and the same client is waiting to go on.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from msgspec.structs import replace

from jupyter_workspace.errors import (
    FileTooLarge,
    ParameterInvalid,
    UploadGone,
    UploadLocked,
    WorkspaceError,
)
from jupyter_workspace.models.upload import UploadEntry, UploadEvent, state_after
from jupyter_workspace.protocol.notes import encode_note, encode_progress
from jupyter_workspace.protocol.tus import Checksum, check_offset
from jupyter_workspace.services.ingest import Arrival
from jupyter_workspace.services.parts import Parts
from jupyter_workspace.services.room import Reservation
from jupyter_workspace.stores.base import Place, Staging

__all__ = ["Held", "Spooled", "Writer"]

_log = logging.getLogger(__name__)

#: After so many seconds without a byte a writer gives way to another.
STALL_SECONDS = 2.0

#: How long a request waits for its turn, in seconds.
TURN_SECONDS = 5.0

#: How often a waiting request looks whether a writer that was at work has stalled, in seconds.
LOOK_SECONDS = 0.25

#: While bytes come they are acknowledged after so many bytes or seconds, whichever is first.
CHECKPOINT_BYTES = 64 * 2**20
CHECKPOINT_SECONDS = 5.0


#: So long the room of an upload is kept when no byte comes, in seconds; then what has come counts.
HOLD_SECONDS = 900.0


class Held(Arrival):
    """An arrival whose bytes stay when it is refused: they belong to the upload."""

    async def discard(self) -> None:
        """Nothing; see `Spooled.erase`."""


class Writer:
    """One request that adds bytes to an upload."""

    def __init__(
        self, upload: Spooled, checksum: Checksum | None, hang_up: Callable[[], None], now: float
    ) -> None:
        self.upload = upload
        self.over = asyncio.Event()
        self.is_checked = checksum is not None
        self._checksum = checksum
        self._hash = hashlib.new(checksum.algorithm, usedforsecurity=False) if checksum else None
        self._hang_up = hang_up
        self._last_byte = now
        self._turn = asyncio.Lock()
        self._settled: asyncio.Task[None] | None = None
        self._view = memoryview(b"")
        self._is_too_long = False

    async def write(self, data: bytes) -> None:
        """Takes bytes, in order.

        Raises UploadLocked when another request has the upload now, FileTooLarge beyond its length,
        QuotaExceeded or DiskFull.
        """
        async with self._at_work(len(data)) as arrival:
            if self._hash is not None:
                self._hash.update(data)
            await arrival.write(data)

    def view(self) -> memoryview:
        """Memory to read bytes into, for `advance`."""
        self._view = self._arrival().staging.view()
        return self._view

    async def advance(self, count: int) -> None:
        """Takes the first `count` bytes of the last view; raises as `write` does."""
        async with self._at_work(count) as arrival:
            if self._hash is not None:
                self._hash.update(self._view[:count])
            await arrival.advance(count)

    def stalled_since(self) -> float | None:
        """When it began to wait for bytes of its client; None while it works on some."""
        return None if self._turn.locked() else self._last_byte

    async def finish(self) -> None:
        """Acknowledges all that came; raises ChecksumMismatch, UploadLocked, or a fault of the disk."""
        if self._settled is not None:
            raise UploadLocked("Another request took over this upload.")
        self._settled = asyncio.create_task(self._settle(is_whole=True))
        await asyncio.shield(self._settled)

    async def leave(self) -> None:
        """Acknowledges what came before the line broke, unless only all of it could be verified."""
        if self._settled is None:
            self._settled = asyncio.create_task(self._settle(is_whole=False))
        await asyncio.wait([self._settled])
        with suppress(asyncio.CancelledError):
            self._settled.exception()

    async def give_way(self) -> None:
        """Ends the request that writes, for another one."""
        self._hang_up()
        await self.leave()

    def _arrival(self) -> Held:
        if self._settled is not None or self.upload.arrival is None:
            raise UploadLocked("Another request took over this upload.")
        return self.upload.arrival

    @asynccontextmanager
    async def _at_work(self, count: int) -> AsyncIterator[Held]:
        async with self._turn:
            arrival = self._arrival()
            length = self.upload.entry.length
            if length is not None and arrival.staging.size + count > length:
                self._is_too_long = True
                raise FileTooLarge("More bytes came than the upload has.", limit=length)
            yield arrival
        self._last_byte = self.upload.monotonic()
        if not self.is_checked:
            self.upload.checkpoint()

    async def _settle(self, *, is_whole: bool) -> None:
        try:
            async with self._turn:
                if is_whole and self._checksum is not None and self._hash is not None:
                    self._checksum.check(self._hash.digest())
                if self._is_too_long or (self.is_checked and not is_whole):
                    await self.upload.roll_back()
                else:
                    await self.upload.acknowledge()
        except WorkspaceError as error:
            if is_whole:
                await self.upload.roll_back()
                raise
            _log.warning("What came of upload %s is lost: %s", self.upload.entry.upload_id, error)
        finally:
            # The request and its handler are a circle: what this holds on to would stay for long.
            self._view = memoryview(b"")
            self.upload.release()
            self.over.set()
        if not is_whole and self.upload.is_to_be_finished:
            # The last bytes came, and their client left before the answer.
            self.upload.on_complete(self.upload)


class Spooled:
    """An upload that has not ended.

    staging: None after a restart, until somebody writes. expiry: how long it is kept without a byte.
    on_complete: called when all bytes have come and no request is left to make a file of them.
    """

    def __init__(
        self,
        parts: Parts,
        entry: UploadEntry,
        reservation: Reservation,
        staging: Staging | None,
        *,
        expiry: timedelta,
        on_complete: Callable[[Spooled], object],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.entry = entry
        self.reservation = reservation
        self.on_complete = on_complete
        self.monotonic = monotonic
        self.arrival = None if staging is None else Held(staging, reservation)
        self.finishing: asyncio.Task[None] | None = None
        #: at which of `Spools.session_changes` its session was last seen to take files
        self.session_seen_at: int | None = None
        self._parts = parts
        self._expiry = expiry
        self._writer: Writer | None = None
        self._note_turn = asyncio.Lock()
        self._checkpoint: asyncio.Task[None] | None = None
        self._acknowledged_at = monotonic()
        self._expires_after = self._acknowledged_at + (entry.expires_at - parts.clock()).total_seconds()

    @property
    def is_to_be_finished(self) -> bool:
        """Whether all its bytes have come and nobody makes a file of them yet."""
        return self.entry.state == "open" and self.entry.is_complete and not self.entry.is_part

    @property
    def is_expired(self) -> bool:
        """Whether its time is over, by a clock that nobody can set."""
        is_idle = self._writer is None and self.entry.state == "open"
        return is_idle and self.monotonic() >= self._expires_after

    # Whose turn it is

    async def take(self, offset: int, checksum: Checksum | None, hang_up: Callable[[], None]) -> Writer:
        """The right to add bytes at an offset.

        hang_up: ends the connection of the request when it has to give way. Raises OffsetMismatch;
        UploadLocked when another request has been writing for too long; UploadGone when the bytes are lost.
        """
        if offset < self.entry.offset:
            check_offset(offset, self.entry.offset)
        await self._wait_for_turn()
        writer = self._writer = Writer(self, checksum, hang_up, self.monotonic())
        try:
            check_offset(offset, self.entry.offset)
            state_after(self.entry.state, "grown")
            await self.open()
        except BaseException:
            self.release()
            writer.over.set()
            raise
        return writer

    async def _wait_for_turn(self) -> None:
        deadline = self.monotonic() + TURN_SECONDS
        while (writer := self._writer) is not None:
            now, since = self.monotonic(), writer.stalled_since()
            if now >= deadline:
                raise UploadLocked
            if since is not None and now >= since + STALL_SECONDS:
                await writer.give_way()
                continue
            until = min(deadline, now + LOOK_SECONDS if since is None else since + STALL_SECONDS)
            with suppress(TimeoutError):
                await asyncio.wait_for(writer.over.wait(), max(until - now, 0.01))

    def release(self) -> None:
        """Lets the next one write."""
        self._writer = None

    def lapse(self) -> None:
        """Gives up the room of what did not come, when nothing has come for long.

        A client that missed the answer to its creation never comes back, and would hold it until the end.
        """
        is_idle = self._writer is None and self.entry.state == "open"
        if is_idle and self.monotonic() - self._acknowledged_at >= HOLD_SECONDS:
            self.reservation.lapse()

    async def end_writing(self) -> None:
        """Ends the request that writes, if there is one."""
        while self._writer is not None:
            await self._writer.give_way()

    # Its bytes

    async def open(self) -> Held:
        """The bytes, to be added to; raises UploadGone when they are lost."""
        if self.arrival is not None and self.arrival.staging.size != self.entry.offset:
            await self.roll_back()
        if self.arrival is None:
            try:
                staging = await self._parts.store.resume(self.entry.spool, self.entry.offset)
            except FileNotFoundError as gone:
                raise UploadGone("The bytes of this upload are lost.", hint="Begin it again.") from gone
            self.arrival = Held(staging, self.reservation)
        return self.arrival

    async def acknowledge(self) -> None:
        """Brings all that came to the disk, and says so in the note; what it takes in memory is given back.

        After an error the bytes behind the last acknowledged one do not count.
        """
        await self._last_checkpoint()
        if self.arrival is None:
            return
        async with self._note_turn:
            self._acknowledged_at = self.monotonic()
            staging = self.arrival.staging
            if staging.size > self.entry.offset:
                entry = self._noted(staging.size)
                await staging.park(encode_progress(entry))
                self._take_note(entry)
            else:
                await staging.park()

    async def report(self) -> None:
        """Acknowledges what came so far of what is being written, without disturbing the writer."""
        writer = self._writer
        if writer is not None and not writer.is_checked:
            self._begin_checkpoint()
            await self._last_checkpoint()

    def checkpoint(self) -> None:
        """Acknowledges what came so far, in the background, if it is time to."""
        if self.arrival is not None and (
            self.arrival.staging.size - self.entry.offset >= CHECKPOINT_BYTES
            or self.monotonic() - self._acknowledged_at >= CHECKPOINT_SECONDS
        ):
            self._begin_checkpoint()

    def _begin_checkpoint(self) -> None:
        if self._checkpoint is None or self._checkpoint.done():
            self._checkpoint = asyncio.create_task(self._flush())

    async def _last_checkpoint(self) -> None:
        if self._checkpoint is not None:
            await asyncio.wait([self._checkpoint])

    async def _flush(self) -> None:
        arrival = self.arrival
        if arrival is None:
            return
        try:
            await self._grown(await arrival.staging.flush())
        except WorkspaceError as error:
            # The writer meets the same fault, and tells its client.
            _log.warning("Upload %s cannot be flushed: %s", self.entry.upload_id, error)

    async def roll_back(self) -> None:
        """Forgets the bytes behind the acknowledged ones."""
        await self._last_checkpoint()
        arrival, self.arrival = self.arrival, None
        if arrival is not None:
            try:
                await arrival.staging.park()
            except WorkspaceError:
                _log.debug("The bytes of upload %s were not brought to the disk.", self.entry.upload_id)

    async def _grown(self, size: int) -> None:
        async with self._note_turn:
            self._acknowledged_at = self.monotonic()
            if size > self.entry.offset:
                entry = self._noted(size)
                await self._parts.store.append_note(entry.spool, encode_progress(entry))
                self._take_note(entry)

    def _noted(self, size: int) -> UploadEntry:
        """As the note is to say when so many bytes are on the disk."""
        return replace(self.entry, offset=size, expires_at=self._parts.clock() + self._expiry)

    def _take_note(self, entry: UploadEntry) -> None:
        """Believes what the note says now."""
        self.entry = entry
        self._expires_after = self.monotonic() + self._expiry.total_seconds()

    async def expire_within(self, remaining: timedelta) -> None:
        """Lets it expire sooner, since it has served."""
        async with self._note_turn:
            sooner = min(self.entry.expires_at, self._parts.clock() + remaining)
            self.entry = replace(self.entry, expires_at=sooner)
            self._expires_after = min(self._expires_after, self.monotonic() + remaining.total_seconds())
            await self._parts.store.append_note(self.entry.spool, encode_progress(self.entry))

    # What is known of it

    async def declare(self, length: int) -> None:
        """Says how long it is, once.

        Raises ParameterInvalid when it was told otherwise before or is longer already, FileTooLarge,
        QuotaExceeded, DiskFull.
        """
        if self.entry.length == length:
            return
        if self.entry.length is not None or length < self.entry.offset:
            message = f"The upload has {self.entry.offset} bytes and its length cannot become {length}."
            raise ParameterInvalid(message, parameter="Upload-Length")
        await self.reservation.cover(length)
        async with self._note_turn:
            entry = replace(self.entry, length=length)
            await self._parts.store.put_note(entry.spool, encode_note(entry))
            self.entry = entry

    def become(self, event: UploadEvent) -> None:
        """Takes the next state of the table; raises UploadLocked when there is none."""
        self.entry = replace(self.entry, state=state_after(self.entry.state, event) or self.entry.state)

    async def erase(self) -> None:
        """Removes bytes and note, and gives the room back."""
        self.reservation.release()
        await self._last_checkpoint()
        store = self._parts.store
        await store.drop_note(self.entry.spool)
        if self.arrival is not None:
            await self.arrival.staging.discard()
        await store.remove(Place("staging", self.entry.spool))
