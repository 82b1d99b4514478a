"""Resumable uploads, as a caller uses them: make one, add to it, look at it, end it (tus.io, 1.0)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from jupyter_workspace.errors import FileTooLarge, Forbidden, ParameterInvalid, UploadGone, WorkspaceError
from jupyter_workspace.models.entry import SessionEntry
from jupyter_workspace.models.upload import Upload, UploadEntry, state_after
from jupyter_workspace.protocol.notes import encode_note
from jupyter_workspace.protocol.tus import Creation, Patch, check_offset
from jupyter_workspace.services.finishing import candidate_of, check_candidate, check_folder
from jupyter_workspace.services.lookup import require_open_session, require_session
from jupyter_workspace.services.parts import Parts
from jupyter_workspace.services.room import Reservation, Room
from jupyter_workspace.services.settings import Actor
from jupyter_workspace.services.spooled import Spooled, Writer
from jupyter_workspace.services.spools import Spools
from jupyter_workspace.stores.base import Staging

__all__ = ["MAX_PART_BYTES", "MIN_PART_BYTES", "Uploads"]

#: Between these clients should choose the size of a request: smaller ones spend more time on being
#: acknowledged than on their bytes, larger ones lose more to a proxy that wants to see them whole.
MIN_PART_BYTES = 64 * 2**10
MAX_PART_BYTES = 64 * 2**20

#: So long a finished upload still answers HEAD, for a client that missed the last answer.
GRACE = timedelta(seconds=60)

#: So long parts are kept after they were put together: they may be used again.
PARTS_KEPT = timedelta(hours=1)


class Uploads:
    """The resumable uploads of this server; those of another owner's session are not found."""

    def __init__(self, parts: Parts, room: Room, spools: Spools) -> None:
        self._parts = parts
        self._room = room
        self._spools = spools

    # To make one

    async def create(
        self,
        actor: Actor,
        session_id: str,
        wanted: Creation,
        part_ids: Sequence[str] = (),
        *,
        body_length: int | None = None,
    ) -> UploadEntry:
        """A new upload; one of length 0, and one made of parts, becomes a file at once.

        part_ids: the uploads that a final one is made of. body_length: bytes that come with the request,
        None when it has none or does not say. Raises what `candidate_of`, `check_candidate`
        and `Room.reserve` raise, ParameterInvalid for parts that cannot be used, Forbidden for one of
        parts that brings bytes, SessionNotFound, SessionClosed; and for one that becomes a file what
        `Ingest.admit` raises.
        """
        if body_length and wanted.length is not None and body_length > wanted.length:
            raise FileTooLarge(limit=wanted.length, requested=body_length)
        if wanted.concat == "final" and wanted.brings_bytes and body_length != 0:
            raise Forbidden("An upload made of parts takes no bytes.")
        await self._spools.known()
        changes = self._spools.session_changes
        session = await self._session_for(actor, session_id, wanted)
        used = [self._part(session_id, part_id) for part_id in part_ids]
        reservation = await self._reserve(session, wanted, used)
        try:
            upload = await self._begin(session, wanted, used, reservation)
        except BaseException:
            reservation.release()
            raise
        upload.session_seen_at = changes
        if upload.is_to_be_finished:
            await self._outcome_of_new(upload)
        return upload.entry

    async def _outcome_of_new(self, upload: Spooled) -> None:
        """Waits for it to become a file; one whose address nobody was told is not tried again."""
        try:
            await self._spools.outcome(upload)
        except WorkspaceError:
            await self.abandon(upload.entry.upload_id)
            raise

    async def abandon(self, upload_id: str) -> None:
        """Forgets an open upload: its client was told no address, and will begin another."""
        upload = self._spools.live.get(upload_id)
        if upload is not None and upload.entry.state == "open":
            await self._spools.forget(upload_id)

    async def complete_new(self, session_id: str, upload_id: str, writer: Writer | None) -> UploadEntry:
        """The same as `complete`, for the request that made the upload; nothing stays when it is refused."""
        try:
            return await self.complete(session_id, upload_id, writer)
        except WorkspaceError:
            await self.abandon(upload_id)
            raise

    async def _session_for(self, actor: Actor, session_id: str, wanted: Creation) -> SessionEntry:
        async with self._parts.ledger.reading() as tx:
            session = await require_open_session(tx, actor, session_id)
            if wanted.concat == "partial":
                return session
            candidate = candidate_of(wanted.metadata, self._parts.settings)
            await check_candidate(self._parts, tx, session_id, candidate)
        # Not while the index is held: everybody else would wait for the disk, too.
        await check_folder(self._parts, session_id, candidate)
        return session

    def _part(self, session_id: str, part_id: str) -> Spooled:
        part = self._spools.live.get(part_id)
        if part is None or part.entry.session_id != session_id or not part.entry.is_part:
            raise ParameterInvalid(f"{part_id} is no part of this session.", parameter="Upload-Concat")
        if not part.entry.is_complete:
            raise ParameterInvalid(f"The part {part_id} is not complete.", parameter="Upload-Concat")
        return part

    async def _reserve(self, session: SessionEntry, wanted: Creation, used: Sequence[Spooled]) -> Reservation:
        """Room for it; what parts take of a quota goes over to the whole."""
        if not used:
            replaced = None
            if wanted.concat != "partial":
                replaced = candidate_of(wanted.metadata, self._parts.settings).replaced_path
            return await self._room.reserve(session, wanted.length or 0, replaced)
        length = sum(part.entry.offset for part in used)
        return await self._room.reserve_instead(session, length, [part.reservation for part in set(used)])

    async def _begin(
        self, session: SessionEntry, wanted: Creation, used: Sequence[Spooled], reservation: Reservation
    ) -> Spooled:
        staging = await self._staged(used)
        entry = self._entry(session, wanted, staging)
        try:
            await self._parts.store.put_note(entry.spool, encode_note(entry))
        except BaseException:
            await staging.discard()
            raise
        reservation.written = staging.size
        return self._spools.add(entry, reservation, staging)

    async def _staged(self, used: Sequence[Spooled]) -> Staging:
        """A staging file with all it holds; its name is on the disk as soon as its note is."""
        store = self._parts.store
        if not used:
            staging = await store.stage()
            await staging.make()
            return staging
        staging = await store.join([(part.entry.spool, part.entry.offset) for part in used])
        for part in set(used):
            await part.expire_within(PARTS_KEPT)
        await staging.park()
        return staging

    def _entry(self, session: SessionEntry, wanted: Creation, staging: Staging) -> UploadEntry:
        now = self._parts.clock()
        is_final = wanted.concat == "final"
        return UploadEntry(
            upload_id=self._parts.new_id("upl"),
            session_id=session.session_id,
            owner=session.owner,
            spool=staging.name,
            offset=staging.size,
            length=staging.size if is_final else wanted.length,
            metadata=wanted.metadata,
            concat=f"final;{' '.join(wanted.parts)}" if is_final else wanted.concat,
            created_at=now,
            expires_at=now + self._spools.expiry,
        )

    # To add to one

    async def begin(
        self,
        actor: Actor,
        session_id: str,
        upload_id: str,
        patch: Patch,
        body_length: int | None,
        hang_up: Callable[[], None],
    ) -> Writer | None:
        """The right to add bytes; None when all have come, so that only the end is to be waited for.

        body_length: bytes of the request's body, None when it comes in chunks. hang_up: ends the
        request when it has to give way. Raises OffsetMismatch, UploadLocked, UploadGone, UploadNotFound,
        FileTooLarge, ParameterInvalid, SessionClosed, Forbidden for an upload made of parts.
        """
        entry = await self._find(actor, session_id, upload_id, is_to_grow=True)
        if entry.is_final:
            raise Forbidden("An upload made of parts takes no bytes.")
        self._check_there(entry)
        upload = self._spools.live.get(upload_id)
        if upload is None or entry.state != "open":
            check_offset(patch.offset, entry.offset)
            _check_fits(entry, body_length)
            return None
        writer = await upload.take(patch.offset, patch.checksum, hang_up)
        try:
            if patch.length is not None:
                await upload.declare(patch.length)
            _check_fits(upload.entry, body_length)
            # Of an upload whose length is not known yet, nothing is reserved before; of any other all that
            # is to come, but not any more when nothing came for long.
            await upload.reservation.renew(upload.entry.length or 0)
            await upload.reservation.cover(upload.entry.offset + (body_length or 0))
        except BaseException:
            await writer.leave()
            raise
        return writer

    async def complete(self, session_id: str, upload_id: str, writer: Writer | None) -> UploadEntry:
        """The upload after a request that added to it; with all its bytes it is a file, or soon will be.

        Raises what `Writer.finish` and `Ingest.admit` raise.
        """
        if writer is not None:
            await writer.finish()
        upload = self._spools.live.get(upload_id) if writer is None else writer.upload
        if upload is None:
            return await self._spools.stored(session_id, upload_id)
        if upload.is_to_be_finished or upload.entry.state == "finishing":
            await self._spools.outcome(upload)
        return upload.entry

    # To look at one, and to end it

    async def report(self, actor: Actor, session_id: str, upload_id: str) -> UploadEntry:
        """The upload for HEAD: what came so far is brought to the disk; raises UploadGone, UploadNotFound."""
        entry = await self._find(actor, session_id, upload_id)
        upload = self._spools.live.get(upload_id)
        if upload is not None and entry.state == "open":
            await upload.report()
            entry = upload.entry
        self._check_there(entry)
        return entry

    async def get(self, actor: Actor, session_id: str, upload_id: str) -> Upload:
        """The upload's record; raises UploadNotFound."""
        return (await self._find(actor, session_id, upload_id)).record()

    async def terminate(self, actor: Actor, session_id: str, upload_id: str) -> None:
        """Forgets the upload; a file that it has become stays.

        Raises UploadLocked while it is finishing, UploadGone, UploadNotFound.
        """
        entry = await self._find(actor, session_id, upload_id)
        self._check_there(entry)
        state_after(entry.state, "terminated")
        await self._spools.forget(upload_id)

    async def _find(
        self, actor: Actor, session_id: str, upload_id: str, *, is_to_grow: bool = False
    ) -> UploadEntry:
        await self._spools.known()
        changes = self._spools.session_changes
        upload = self._spools.live.get(upload_id)
        if upload is not None and upload.session_seen_at == changes:
            # The index has one connection, and each request of each upload would wait for it.
            entry = upload.entry
            if entry.session_id == session_id and actor.may_see(entry.owner):
                return entry
        async with self._parts.ledger.reading() as tx:
            if is_to_grow:
                await require_open_session(tx, actor, session_id)
                if upload is not None and upload.entry.session_id == session_id:
                    upload.session_seen_at = changes
            else:
                await require_session(tx, actor, session_id)
        return await self._spools.stored(session_id, upload_id)

    def _check_there(self, entry: UploadEntry) -> None:
        is_late = entry.finished_at is not None and self._parts.clock() - entry.finished_at > GRACE
        if entry.state == "failed" or is_late:
            raise UploadGone(upload_id=entry.upload_id)


def _check_fits(entry: UploadEntry, body_length: int | None) -> None:
    if body_length and entry.length is not None and entry.offset + body_length > entry.length:
        raise FileTooLarge(
            "More bytes are announced than the upload has.",
            limit=entry.length,
            requested=entry.offset + body_length,
        )
