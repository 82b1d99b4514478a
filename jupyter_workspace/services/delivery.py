"""The way out. Every byte of a file that leaves the server is opened here.

What the record says is compared with the disk first; a file that was changed behind our back is known
again before it is sent, and one that changes while it is sent breaks the transfer.
"""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from jupyter_workspace.errors import FileNotFound, VersionGone
from jupyter_workspace.models.entry import Entry
from jupyter_workspace.protocol.ranges import etag_of_stat, strong_etag
from jupyter_workspace.services.creation import session_place
from jupyter_workspace.services.lookup import find_file, require_session
from jupyter_workspace.services.parts import Parts
from jupyter_workspace.services.reconcile import Reconcile
from jupyter_workspace.services.settings import Actor
from jupyter_workspace.stores.base import OpenFile, Place

__all__ = ["Content", "Delivery"]


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
        current = await self._reconcile.refresh(entry)
        if exact and current.artifact_id != entry.artifact_id:
            raise VersionGone(artifact_id=entry.artifact_id)
        return _content(current, await self._opened(current, session_place(current.session_id, current.path)))

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


def _content(entry: Entry, file: OpenFile) -> Content:
    stat = file.stat
    etag = (
        etag_of_stat(stat.inode, stat.size, stat.mtime_ns)
        if entry.sha256 is None
        else strong_etag(entry.sha256)
    )
    modified = datetime.fromtimestamp(stat.mtime_ns // 10**9, UTC)
    return Content(entry=entry, file=file, etag=etag, modified=modified)
