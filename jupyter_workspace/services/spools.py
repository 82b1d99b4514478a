"""The open uploads of this server: finished, ended, swept, and found again after a restart.

The note beside an upload's bytes is what a restart believes; the table `uploads` is its index and keeps
what became of uploads that have ended. So no request waits for the table: its rows are written soon
after, many in one transaction, and only then the note of an ended upload goes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from jupyter_workspace.db.engine import Transaction
from jupyter_workspace.errors import Busy, OutOfSpace, Starting, Unavailable, UploadNotFound, WorkspaceError
from jupyter_workspace.models.entry import SessionEntry
from jupyter_workspace.models.upload import UploadEntry, UploadEvent, UploadState
from jupyter_workspace.protocol.notes import decode_note
from jupyter_workspace.services.finishing import publish, published
from jupyter_workspace.services.ingest import Ingest
from jupyter_workspace.services.parts import Parts
from jupyter_workspace.services.room import Reservation, Room
from jupyter_workspace.services.spooled import Spooled
from jupyter_workspace.stores.base import Place, Staging

__all__ = ["Spools"]

_log = logging.getLogger(__name__)

#: So long the last request of an upload waits for it to become a file, in seconds (API.md, 11.22).
FINISH_SECONDS = 25.0

#: How often uploads are looked through, in seconds.
SWEEP_SECONDS = 30.0

#: How long a stop waits for uploads that are being finished, in seconds.
STOP_SECONDS = 2.0

#: How long a request waits for the uploads to be known after a start, in seconds.
PATIENCE = 25.0


class Spools:
    """Holds a `Spooled` for each upload that has not ended."""

    def __init__(
        self, parts: Parts, room: Room, ingest: Ingest, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.live: dict[str, Spooled] = {}
        self.expiry = timedelta(seconds=parts.settings.upload_expiry)
        self._parts = parts
        self._room = room
        self._ingest = ingest
        self._monotonic = monotonic
        self._tasks: set[asyncio.Task[None]] = set()
        self._unindexed: dict[str, UploadEntry | None] = {}
        self._indexing: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        #: how many changes of sessions' own records there were: what was known before one may be wrong now
        self.session_changes = 0
        parts.ledger.on_session_commit(self._on_session_commit)

    def add(self, entry: UploadEntry, reservation: Reservation, staging: Staging | None) -> Spooled:
        """Holds an upload; staging: None when its bytes are not open yet."""
        upload = self.live[entry.upload_id] = Spooled(
            self._parts,
            entry,
            reservation,
            staging,
            expiry=self.expiry,
            on_complete=self._finish_soon,
            monotonic=self._monotonic,
        )
        self._index(entry.upload_id, entry)
        return upload

    async def stored(self, session_id: str, upload_id: str) -> UploadEntry:
        """The upload of a session, open or ended; raises UploadNotFound."""
        upload = self.live.get(upload_id)
        if upload is not None:
            entry: UploadEntry | None = upload.entry
        elif upload_id in self._unindexed:
            entry = self._unindexed[upload_id]
        else:
            async with self._parts.ledger.reading() as tx:
                entry = await tx.uploads.find(upload_id)
        if entry is None or entry.session_id != session_id:
            raise UploadNotFound(upload_id=upload_id)
        return entry

    # To end one

    async def outcome(self, upload: Spooled) -> None:
        """Waits for a complete upload to become a file, but not for ever; raises why it did not."""
        task = self._finish_soon(upload)
        await asyncio.wait([task], timeout=FINISH_SECONDS)
        if task.cancelled():
            raise Busy("The server is stopping; the upload goes on after its next start.")
        if task.done():
            task.result()

    def _finish_soon(self, upload: Spooled) -> asyncio.Task[None]:
        if upload.finishing is None or upload.finishing.done():
            upload.become("completed")
            upload.finishing = self._spawn(self._finish(upload))
        return upload.finishing

    async def _finish(self, upload: Spooled) -> None:
        try:
            arrival = await upload.open()
            attachment_id = await publish(self._parts, self._ingest, upload.entry, arrival)
        except (Unavailable, OutOfSpace):
            # The bytes stay; an empty PATCH or the next sweep tries again.
            upload.become("postponed")
            raise
        except WorkspaceError as error:
            self._end(upload, "refused", code=error.code)
            raise
        except BaseException:
            upload.become("postponed")
            raise
        self._end(upload, "accepted", attachment_id=attachment_id)

    def _end(
        self,
        upload: Spooled,
        event: UploadEvent,
        *,
        attachment_id: str | None = None,
        code: str | None = None,
    ) -> None:
        upload.become(event)
        now = self._parts.clock()
        upload.entry = replace(upload.entry, finished_at=now, attachment_id=attachment_id, code=code)
        upload.reservation.release()
        self._index(upload.entry.upload_id, upload.entry)

    async def forget(self, upload_id: str) -> None:
        """Ends an upload of which nothing is to be known any more."""
        upload = self.live.pop(upload_id, None)
        self._index(upload_id, None)
        if upload is not None:
            await upload.end_writing()
            await upload.erase()

    # The index

    def _index(self, upload_id: str, entry: UploadEntry | None) -> None:
        """Has the row of an upload written, or dropped, soon."""
        self._unindexed[upload_id] = entry
        if self._indexing is None or self._indexing.done():
            self._indexing = self._spawn(self._write_index())

    async def _write_index(self) -> None:
        """Writes what is to be written; when that fails the next sweep tries again, and the notes stay."""
        while rows := dict(self._unindexed):
            async with self._parts.ledger.writing() as tx:
                await tx.uploads.drop(list(rows))
                await tx.uploads.add([entry for entry in rows.values() if entry is not None])
            changed = self._unindexed
            self._unindexed = {key: changed[key] for key in changed if changed[key] is not rows.get(key, key)}
            await self._let_go()

    async def _let_go(self) -> None:
        """Ends what is known to have ended: its row tells of it."""
        for upload_id, upload in list(self.live.items()):
            if upload.entry.finished_at is not None and upload_id not in self._unindexed:
                await upload.erase()
                self.live.pop(upload_id, None)

    # While the server runs

    async def run(self) -> None:
        """Looks through the uploads now and then, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self.sweep()
            except WorkspaceError:
                _log.exception("The uploads could not be swept.")

    async def sweep(self) -> None:
        """Forgets what has expired, and tries again to finish what could not be."""
        for upload_id, upload in list(self.live.items()):
            if upload.is_expired:
                await self.forget(upload_id)
            elif upload.is_to_be_finished:
                self._finish_soon(upload)
            else:
                upload.lapse()
        await self._write_index()
        async with self._parts.ledger.writing() as tx:
            await tx.uploads.drop_expired(self._parts.clock())

    def _on_session_commit(self, session_ids: frozenset[str]) -> None:
        self.session_changes += 1
        for session_id in session_ids & {upload.entry.session_id for upload in self.live.values()}:
            self._spawn(self._check_session(session_id))

    async def _check_session(self, session_id: str) -> None:
        """Ends the open uploads of a session that takes no more files."""
        async with self._parts.ledger.reading() as tx:
            session = await tx.sessions.find(session_id)
        for upload in list(self.live.values()):
            code = _why_closed(session, upload.entry)
            if upload.entry.session_id == session_id and upload.entry.state == "open" and code is not None:
                await upload.end_writing()
                self._end(upload, "abandoned", code=code)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, WorkspaceError):
            _log.error("An upload could not be ended.", exc_info=error)

    async def close(self) -> None:
        """Acknowledges what came so far; what is being finished goes on after the next start."""
        await asyncio.gather(*(upload.end_writing() for upload in list(self.live.values())))
        tasks = list(self._tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._write_index()

    # After a restart

    async def known(self) -> None:
        """Waits until the uploads of the last server are known: no client may think its own lost.

        Raises Starting when that takes too long.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                await self._ready.wait()
        except TimeoutError as late:
            raise Starting from late

    async def restore(self) -> frozenset[str]:
        """Finds the uploads that a dead server left; gives the names of their staging files."""
        store = self._parts.store
        names = set(await store.staged_names())
        async with self._parts.ledger.reading() as tx:
            forgotten = set(await tx.uploads.unended())
            for spool, note in (await store.notes()).items():
                entry = decode_note(note)
                if entry is not None and entry.spool == spool:
                    await self._take_up(tx, entry, is_there=spool in names)
        for upload_id in forgotten - self.live.keys() - self._unindexed.keys():
            self._index(upload_id, None)
        self._ready.set()
        for upload in list(self.live.values()):
            if upload.is_to_be_finished:
                self._finish_soon(upload)
        return frozenset(upload.entry.spool for upload in self.live.values())

    async def _take_up(self, tx: Transaction, entry: UploadEntry, *, is_there: bool) -> None:
        """Goes on with an upload, or keeps how it ended; what is of no more use is left to the sweep."""
        stored = await tx.uploads.find(entry.upload_id)
        if stored is not None and stored.finished_at is not None:
            return
        now = self._parts.clock()
        session = await tx.sessions.find(entry.session_id)
        attachment_id = await self._ended_before(tx, entry, is_there=is_there) if entry.is_complete else None
        code = _why_closed(session, entry)
        if attachment_id is not None or code is not None:
            state: UploadState = "failed" if attachment_id is None else "done"
            ended = replace(entry, state=state, finished_at=now, attachment_id=attachment_id, code=code)
            self._index(entry.upload_id, ended)
        elif session is not None and is_there and now < entry.expires_at:
            held = self._room.hold(session, max(entry.length or 0, entry.offset), entry.offset)
            self.add(entry, held, None)

    async def _ended_before(self, tx: Transaction, entry: UploadEntry, *, is_there: bool) -> str | None:
        """The file that the upload became, or was about to, just before the server died."""
        known = await published(tx, entry)
        # An index that was lost has taken the keys with it. The journal still knows the bytes of files: under
        # the staging name it can be those of the new file, or of the one that was swapped for it.
        is_to_be_asked = known is None and is_there
        found = await self._parts.store.stat(Place("staging", entry.spool)) if is_to_be_asked else None
        if found is None:
            return known
        return await tx.files.holder(entry.session_id, found.inode, found.size, found.mtime_ns)


def _why_closed(session: SessionEntry | None, entry: UploadEntry) -> str | None:
    """Why a session takes nothing of this upload any more; None when it does."""
    if session is None or session.deleted_at is not None or session.created_at > entry.created_at:
        return "session_not_found"
    return None if session.status == "active" else "session_closed"
