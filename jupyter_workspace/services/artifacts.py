"""What callers do with the files of a session: list, register, look at, edit, delete, restore."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import replace

from jupyter_workspace.db.engine import Transaction
from jupyter_workspace.db.files import Position, check_position, position_of
from jupyter_workspace.errors import (
    BodyInvalid,
    IdInvalid,
    ParameterInvalid,
    VersionGone,
)
from jupyter_workspace.models.artifact import ArtifactChange
from jupyter_workspace.models.entry import Entry
from jupyter_workspace.models.file import AttachmentList, Conflict, File, FileList, TrashList
from jupyter_workspace.policy.naming import (
    check_attachment_id,
    check_upload_name,
    split_path,
)
from jupyter_workspace.protocol.query import Ordering
from jupyter_workspace.protocol.selection import FileFilter
from jupyter_workspace.services.changes import Edit, Remove, RestoreFrom
from jupyter_workspace.services.delivery import Delivery
from jupyter_workspace.services.lookup import find_file, record_of, require_open_session, require_session
from jupyter_workspace.services.parts import Parts
from jupyter_workspace.services.settings import Actor
from jupyter_workspace.services.trash import Trash

__all__ = ["Artifacts", "Page"]


class Page(Struct, frozen=True, kw_only=True):
    """Which part of a list: `order` is ((field, descending), …)."""

    order: Ordering = (("created_at", True),)
    limit: int = 100
    offset: int = 0


class Artifacts:
    """The files of the actor's sessions."""

    def __init__(self, parts: Parts, trash: Trash, delivery: Delivery) -> None:
        self._parts = parts
        self._trash = trash
        self._delivery = delivery

    async def _require_open(self, actor: Actor, session_id: str) -> None:
        async with self._parts.ledger.reading() as tx:
            await require_open_session(tx, actor, session_id)

    async def page(self, actor: Actor, wanted: FileFilter, page: Page) -> FileList:
        """A page of live files, of one session or of all.

        It can be gone on with at `next`: then files that were there come exactly once, however many are
        added meanwhile.
        """
        entries, total = await self._page(actor, wanted, page)
        has_more = page.offset + len(entries) < total
        return FileList(
            artifacts=[record_of(entry) for entry in entries],
            total=total,
            has_more=has_more,
            next=_cursor(entries[-1], page.order) if has_more and entries else None,
        )

    async def beyond(self, actor: Actor, wanted: FileFilter, page: Page, cursor: str) -> FileList:
        """The page that `next` leads to; raises ParameterInvalid for a cursor that is none of this list."""
        if not cursor:
            return await self.page(actor, wanted, page)
        position = _position(cursor, page.order)
        async with self._parts.ledger.reading() as tx:
            wanted = await self._seen(tx, actor, wanted)
            entries, total = await tx.files.beyond(wanted, page.order, position, page.limit + 1)
        shown = entries[: page.limit]
        has_more = len(entries) > page.limit
        return FileList(
            artifacts=[record_of(entry) for entry in shown],
            total=total,
            has_more=has_more,
            next=_cursor(shown[-1], page.order) if has_more else None,
        )

    async def attachments(self, actor: Actor, session_id: str, page: Page) -> AttachmentList:
        """A page of what came in."""
        wanted = FileFilter(session_id=session_id, kind="attachment")
        entries, total = await self._page(actor, wanted, page)
        return AttachmentList(
            attachments=[record_of(entry) for entry in entries],
            total=total,
            has_more=page.offset + len(entries) < total,
        )

    async def _page(self, actor: Actor, wanted: FileFilter, page: Page) -> tuple[list[Entry], int]:
        async with self._parts.ledger.reading() as tx:
            wanted = await self._seen(tx, actor, wanted)
            return await tx.files.page(wanted, page.order, page.limit, page.offset)

    async def _seen(self, tx: Transaction, actor: Actor, wanted: FileFilter) -> FileFilter:
        """The filter, restricted to what the actor may see; raises SessionNotFound."""
        if wanted.session_id is not None:
            await require_session(tx, actor, wanted.session_id)
            return wanted
        return wanted if actor.sees_all else replace(wanted, owner=actor.owner)

    async def meta(self, actor: Actor, session_id: str, file_id: str, *, with_content: bool) -> File:
        """The record; `with_content` adds the data URI (RFC 2397) if the server allows it and it is small."""
        entry = await self.find(actor, session_id, file_id)
        settings = self._parts.settings
        if not (with_content and settings.inline_data_uri and entry.size <= settings.inline_data_uri_size):
            return record_of(entry)
        try:
            content = await self._delivery.open_entry(entry, exact=file_id.startswith("art_"))
        except VersionGone:
            return record_of(entry)
        record = record_of(content.entry)
        async with content.file as file:
            if content.size > settings.inline_data_uri_size:
                return record
            encoded = base64.b64encode(await file.read(0, content.size)).decode()
        return replace(record, data_uri=f"data:{record.mime};base64,{encoded}")

    async def find(self, actor: Actor, session_id: str, file_id: str) -> Entry:
        """The file, or the version; raises FileNotFound for a deleted file and all its versions."""
        async with self._parts.ledger.reading() as tx:
            await require_session(tx, actor, session_id)
            return await find_file(tx, session_id, file_id)

    async def edit(self, actor: Actor, session_id: str, file_id: str, wanted: ArtifactChange) -> Entry:
        """The file with another name, path or metadata; raises NameTaken, BodyInvalid."""
        await self._require_open(actor, session_id)
        if wanted.name is not UNSET and wanted.path is not UNSET:
            raise BodyInvalid("Give 'name' or 'path', not both.")
        if wanted.name is UNSET and wanted.path is UNSET and wanted.metadata is UNSET:
            raise BodyInvalid("There is nothing to change.", hint="Give 'name', 'path' or 'metadata'.")
        path = None
        if wanted.name is not UNSET or wanted.path is not UNSET:
            entry = await self.find(actor, session_id, file_id)
            path = self._target(entry, wanted)
        metadata: dict[str, Any] | None = None if wanted.metadata is UNSET else wanted.metadata
        return await self._parts.publisher.publish(
            Edit(self._parts, session_id, file_id, path=path, metadata=metadata)
        )

    def _target(self, entry: Entry, wanted: ArtifactChange) -> str:
        allow_hidden = self._parts.settings.allow_hidden
        if wanted.name is not UNSET:
            folder = tuple(entry.folder.split("/")) if entry.folder else ()
            name = check_upload_name(wanted.name, folder=folder, allow_hidden=allow_hidden)
            return "/".join((*folder, name))
        if wanted.path is UNSET:
            return entry.path
        *parents, name = split_path(wanted.path, allow_hidden=allow_hidden) or ("",)
        return "/".join((*parents, check_upload_name(name, folder=tuple(parents), allow_hidden=allow_hidden)))

    async def delete(
        self, actor: Actor, session_id: str, file_ids: Sequence[str], *, permanent: bool
    ) -> None:
        """To the trash with them, or away for good; what is in the trash can only go for good.

        Raises FileNotFound.
        """
        await self._require_open(actor, session_id)
        trashed = await self._trashed(session_id, file_ids) if permanent else {}
        present = [file_id for file_id in file_ids if file_id not in trashed]
        if present:
            removal = Remove(self._parts, session_id, present, permanent=permanent)
            for place in await self._parts.publisher.publish(removal):
                await self._parts.store.remove(place)
        await self._trash.purge([entry.artifact_id for entry in trashed.values()])

    async def _trashed(self, session_id: str, file_ids: Sequence[str]) -> dict[str, Entry]:
        """Those of the ids that lie in the trash."""
        async with self._parts.ledger.reading() as tx:
            found = [(file_id, await tx.files.find(session_id, file_id)) for file_id in file_ids]
        return {file_id: entry for file_id, entry in found if entry is not None and entry.kept == "trash"}

    async def trash(self, actor: Actor, session_id: str, page: Page) -> TrashList:
        """A page of the trash, what was deleted last first."""
        async with self._parts.ledger.reading() as tx:
            await require_session(tx, actor, session_id)
            entries, total = await tx.discarded.page(session_id, page.limit, page.offset)
        return TrashList(
            trash=[record_of(entry) for entry in entries],
            total=total,
            has_more=page.offset + len(entries) < total,
        )

    async def restore(self, actor: Actor, session_id: str, file_id: str, on_conflict: Conflict) -> Entry:
        """Takes a file or a version back from the trash; raises NameTaken."""
        await self._require_open(actor, session_id)
        return await self._parts.publisher.publish(RestoreFrom(self._parts, session_id, file_id, on_conflict))


def _cursor(entry: Entry, order: Ordering) -> str:
    """Where a list stands after an entry, as an opaque word."""
    content = msgspec.json.encode((order, position_of(entry, order)))
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _position(cursor: str, order: Ordering) -> Position:
    try:
        content = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        made_for, position = msgspec.json.decode(content, type=tuple[Ordering, Position])
        if made_for == order:
            check_attachment_id(position[1])
            return check_position(position, order)
    except (ValueError, IdInvalid) as error:
        raise ParameterInvalid("This is no cursor of this list.", parameter="next") from error
    raise ParameterInvalid("This cursor is of a list in another order.", parameter="next")
