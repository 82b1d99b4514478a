"""The way in. Every byte that becomes a file of a session comes through here.

    arrive    a session that takes files, room for the declared length, a staging file
    write     bytes, within limits that are checked while they come
    admit     digest, name, type, verdict of the scanner; then the publisher

Whatever goes wrong, what was staged is discarded and its room given back.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence

from msgspec import Struct

from jupyter_workspace.errors import Busy, DigestMismatch
from jupyter_workspace.integrations.base import Scanner
from jupyter_workspace.models.entry import Answer, Entry, SessionEntry
from jupyter_workspace.policy.content import check_type, guess_mime
from jupyter_workspace.policy.limits import check_file_size, form_limit
from jupyter_workspace.services.creation import Candidate, Creation, Incoming
from jupyter_workspace.services.parts import Parts
from jupyter_workspace.services.room import Reservation, Room
from jupyter_workspace.stores.base import Digest, Staging

__all__ = ["Arrival", "Ingest", "Saved"]


class Saved(Struct, frozen=True, kw_only=True):
    """What was made of the candidates, in their order; `is_new` when any of them is a new file."""

    entries: list[Entry]
    is_new: bool


class Arrival:
    """A file on its way in."""

    def __init__(self, staging: Staging, reservation: Reservation) -> None:
        self.staging = staging
        self._reservation = reservation

    async def write(self, data: bytes | memoryview) -> None:
        """Takes bytes, in order.

        Raises FileTooLarge, QuotaExceeded or DiskFull as soon as a limit is passed.
        """
        await self._reservation.cover(self.staging.size + len(data))
        await self.staging.write(data)
        self._reservation.written = self.staging.size

    async def advance(self, count: int) -> None:
        """Takes `count` bytes that were read into the staging's own memory; raises as `write` does."""
        await self._reservation.cover(self.staging.size + count)
        await self.staging.advance(count)
        self._reservation.written = self.staging.size

    async def room_for(self, size: int) -> None:
        """Checks that `size` bytes in all may come, before they do."""
        await self._reservation.cover(size)

    async def belong_to(self, session: SessionEntry, candidate: Candidate) -> None:
        """Says which session the file is for, and checks that it has room; raises QuotaExceeded."""
        await self._reservation.belong_to(session, candidate.replaced_path)

    async def discard(self) -> None:
        """Removes what was staged; may be called again, and after `admit`."""
        self._reservation.release()
        await self.staging.discard()


class Ingest:
    """The one door in."""

    def __init__(self, parts: Parts, room: Room, scanner: Scanner) -> None:
        self._parts = parts
        self._room = room
        self._scanner = scanner

    async def arrive(
        self, session: SessionEntry | None, declared_size: int | None, replaces: str | None = None
    ) -> Arrival:
        """A place for the bytes of one file.

        session: None when that is not known yet; `Arrival.belong_to` says it later, and the path of the
        file that gives way. declared_size: bytes, None when unknown. Raises FileTooLarge, QuotaExceeded
        or DiskFull.
        """
        reservation = await self._room.reserve(session, declared_size or 0, replaces)
        try:
            return Arrival(await self._parts.store.stage(), reservation)
        except BaseException:
            reservation.release()
            raise

    async def check_form(self, declared_size: int | None) -> None:
        """Refuses a form by its length alone: one that could not even come from the most files allowed.

        declared_size: bytes, None when unknown. Raises FileTooLarge or DiskFull.
        """
        if declared_size is not None:
            check_file_size(declared_size, form_limit(self._parts.settings.max_file_size))
            await self._room.check_disk(declared_size)

    async def arrive_as_copy(
        self, session: SessionEntry, root_path: str, replaces: str | None = None
    ) -> Arrival:
        """An arrival with the bytes of a file elsewhere under the root, as they are now.

        Raises FileTooLarge, QuotaExceeded or DiskFull before a byte is copied, and what
        `Transfers.stage_copy` raises.
        """
        reservation = await self._room.reserve(session, 0, replaces)
        staging = None
        try:
            staging = await self._parts.store.stage_copy(self._parts.root, root_path, reservation.renew)
            reservation.written = staging.size
            await reservation.renew(staging.size)
        except BaseException:
            reservation.release()
            if staging is not None:
                await staging.discard()
            raise
        return Arrival(staging, reservation)

    async def admit(
        self, session_id: str, arrivals: Sequence[tuple[Candidate, Arrival]], answer: Answer | None = None
    ) -> Saved:
        """Makes files of them: all or none.

        answer: what to keep for the request's Idempotency-Key; its ids are filled in here.
        Raises DigestMismatch, TypeRefused, Infected, ScanUnavailable, NameTaken, NotADirectory,
        SessionClosed, SessionNotFound; whatever it raises, nothing is left behind.
        """
        try:
            incoming = [await self.checked(candidate, arrival) for candidate, arrival in arrivals]
            creation = Creation(self._parts, session_id, incoming, answer)
            done = await self._parts.publisher.publish(creation)
            return Saved(entries=[entry for entry, _ in done], is_new=any(new for _, new in done))
        finally:
            for _, arrival in arrivals:
                await arrival.discard()

    async def checked(self, candidate: Candidate, arrival: Arrival) -> Incoming:
        """The candidate with its bytes hashed, allowed and clean; raises as `admit` does."""
        digest = await arrival.staging.finish()
        await self._check_digests(candidate.digests, arrival.staging, digest)
        mime = guess_mime(candidate.name, digest.head)
        settings = self._parts.settings
        check_type(candidate.name, mime, allow=settings.allow_types, deny=settings.deny_types)
        await self._scanner.check(lambda: self._staged(arrival.staging), digest.size)
        stat = await self._parts.store.stat(arrival.staging.place)
        if stat is None:
            raise Busy("What was staged is gone.")
        return Incoming(candidate=candidate, place=arrival.staging.place, stat=stat, digest=digest, mime=mime)

    async def _staged(self, staging: Staging) -> AsyncIterator[bytes]:
        async with await self._parts.store.open_read(staging.place) as content:
            async for chunk in content.chunks():
                yield chunk

    async def _check_digests(self, declared: Mapping[str, bytes], staging: Staging, digest: Digest) -> None:
        computed = {"sha-256": digest.sha256}
        if "sha-512" in declared:
            computed["sha-512"] = await self._sha512(staging)
        for algorithm, value in computed.items():
            expected = declared.get(algorithm)
            if expected is not None and expected.hex() != value:
                raise DigestMismatch(declared=expected.hex(), computed=value)

    async def _sha512(self, staging: Staging) -> str:
        """Read again what was staged: few senders ask for this one, and all would pay for it on the way."""
        hashing = hashlib.sha512()
        async for chunk in self._staged(staging):
            await asyncio.to_thread(hashing.update, chunk)
        return hashing.hexdigest()
