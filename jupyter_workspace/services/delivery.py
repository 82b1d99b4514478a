"""The way out. Every byte of a file that leaves the server is opened here.

What the record says is compared with the disk first; a file that was changed behind our back is known
again before it is sent, and one that changes while it is sent breaks the transfer. While a file is being
replaced, the disk is for a moment ahead of the record: then the version that the record names is sent from
the trash, where it lies already, so that a reader always gets one of the two.
"""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from jupyter_workspace.db.engine import Transaction
from jupyter_workspace.errors import (
    Busy,
    FileNotFound,
    NotADirectory,
    PathEscapes,
    VersionGone,
    WorkspaceError,
)
from jupyter_workspace.models.entry import Entry
from jupyter_workspace.protocol.ranges import etag_of_stat, strong_etag
from jupyter_workspace.services.creation import is_unchanged, session_place
from jupyter_workspace.services.lookup import find_file, require_session
from jupyter_workspace.services.parts import Parts
from jupyter_workspace.services.publisher import Plan, Steady
from jupyter_workspace.services.reconcile import Reconcile
from jupyter_workspace.services.settings import Actor
from jupyter_workspace.stores.base import OpenFile, Place

__all__ = ["Content", "Delivery"]

#: How often a file may turn out to be another one while it is opened.
TRIES = 5


class Content(Struct, frozen=True, kw_only=True):
    """A file opened to be sent; whoever has it closes `file`. `size` is in bytes."""

    entry: Entry
    file: OpenFile
    etag: str
    modified: datetime

    @property
    def size(self) -> int:
        """The length of the whole content in bytes."""
        return self.file.stat.size


class Delivery:
    """The one door out."""

    def __init__(self, parts: Parts, reconcile: Reconcile) -> None:
        self._parts = parts
        self._reconcile = reconcile

    async def open(self, actor: Actor, session_id: str, file_id: str) -> Content:
        """The content of a file (`att_`: as it is now) or of a version (`art_`).

        Raises FileNotFound, and VersionGone when that version's bytes are no longer kept.
        """
        async with self._parts.ledger.reading() as tx:
            await require_session(tx, actor, session_id)
            entry = await find_file(tx, session_id, file_id)
        return await self.open_entry(entry, exact=file_id.startswith("art_"))

    async def open_entry(self, entry: Entry, *, exact: bool) -> Content:
        """The content of an entry; with `exact` no newer version will do.

        An entry without ids is a file that has no row yet: it is sent as it stands.
        """
        if entry.kept == "gone":
            raise VersionGone(artifact_id=entry.artifact_id)
        if entry.kept == "trash":
            return _content(entry, await self._opened(entry, Place("trash", entry.artifact_id)))
        if entry.storage == "reference":
            return _content(entry, await self._referred(entry))
        if not entry.attachment_id:
            return _content(entry, await self._opened(entry, session_place(entry.session_id, entry.path)))
        return await self._live(entry, exact=exact)

    async def _live(self, entry: Entry, *, exact: bool) -> Content:
        problem: WorkspaceError = Busy("The file is being changed.")
        for _ in range(TRIES):
            found = await self._as_recorded(entry)
            if found is not None:
                return _content(entry, found)
            latest = await self._latest(entry, exact=exact)
            if latest.kept == "gone":
                raise VersionGone(artifact_id=entry.artifact_id)
            if latest == entry:
                try:
                    latest = await self._reconcile.refresh(entry)
                except (Busy, FileNotFound) as error:
                    problem = error
                    continue
                if exact and latest.artifact_id != entry.artifact_id:
                    raise VersionGone(artifact_id=entry.artifact_id)
            entry = latest
        raise problem

    async def _as_recorded(self, entry: Entry) -> OpenFile | None:
        """The very file of the record, where it belongs or already in the trash."""
        if entry.sha256 is None:
            return None
        for place in (session_place(entry.session_id, entry.path), Place("trash", entry.artifact_id)):
            try:
                file = await self._parts.store.open_read(place)
            except (FileNotFound, NotADirectory, PathEscapes):
                continue
            if is_unchanged(entry, file.stat):
                return file
            await file.close()
        return None

    async def _latest(self, entry: Entry, *, exact: bool) -> Entry:
        """The record once all that is being published is told."""
        await self._parts.publisher.publish(_Turn(entry.session_id))
        async with self._parts.ledger.reading() as tx:
            return await find_file(tx, entry.session_id, entry.artifact_id if exact else entry.attachment_id)

    async def _referred(self, entry: Entry) -> OpenFile:
        """The file that a reference points to, if it is still the one that was recorded."""
        file = await self._parts.store.open_read(Place("root", entry.root_path or ""))
        if (file.stat.size, file.stat.mtime_ns) != (entry.size, entry.mtime_ns):
            await file.close()
            raise VersionGone("The file was changed since it was registered.", hint="Register it again.")
        return file

    async def _opened(self, entry: Entry, place: Place) -> OpenFile:
        try:
            file = await self._parts.store.open_read(place)
        except FileNotFound as error:
            raise VersionGone(artifact_id=entry.artifact_id) from error
        if (file.stat.size, file.stat.mtime_ns) != (entry.size, entry.mtime_ns):
            await file.close()
            raise VersionGone(artifact_id=entry.artifact_id)
        return file


class _Turn(Steady):
    """Nothing, in its turn: when it is done, all that was published before it is in the index."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id

    async def plan(self, tx: Transaction) -> Plan[None]:  # noqa: ARG002
        """Changes nothing."""
        return Plan(result=None)


def _content(entry: Entry, file: OpenFile) -> Content:
    stat = file.stat
    etag = (
        etag_of_stat(stat.inode, stat.size, stat.mtime_ns)
        if entry.sha256 is None
        else strong_etag(entry.sha256)
    )
    modified = datetime.fromtimestamp(stat.mtime_ns // 10**9, UTC)
    return Content(entry=entry, file=file, etag=etag, modified=modified)
