"""Files by path: the workspace folder as a tree whose first level are the sessions.

A folder of 100,000 files is listed by its names, which are kept sorted as long as the folder does not
change; only the page that is shown is looked at.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from jupyter_workspace.db.engine import Transaction
from jupyter_workspace.errors import (
    FileNotFound,
    IsSession,
    NotADirectory,
    NotEmpty,
    ParameterInvalid,
    SessionNotFound,
)
from jupyter_workspace.models.entry import Entry, SessionEntry
from jupyter_workspace.models.file import Crumb, FileItem, Folder
from jupyter_workspace.policy.content import guess_mime
from jupyter_workspace.policy.naming import (
    is_hidden,
    is_legal,
    is_reserved,
    is_session_id,
    read_path,
    split_path,
    to_nfc,
)
from jupyter_workspace.services.changes import Remove
from jupyter_workspace.services.creation import session_place
from jupyter_workspace.services.lookup import open_session, require_open_session, require_session
from jupyter_workspace.services.parts import Parts
from jupyter_workspace.services.publisher import Plan, Steady
from jupyter_workspace.services.reconcile import Reconcile
from jupyter_workspace.services.remnants import rest_name
from jupyter_workspace.services.settings import Actor
from jupyter_workspace.services.spelling import as_written
from jupyter_workspace.stores.base import Move, Place, Stat

__all__ = ["Folders", "Where", "parse_target", "parse_where"]

#: So long a deletion waits for files to become known that nobody has listed yet, in seconds.
NOTE_SECONDS = 5.0

#: Folders whose sorted names are kept.
KEPT_FOLDERS = 64


class Where(Struct, frozen=True, kw_only=True):
    """A path taken apart: the session (None: the root) and the path in it ('' is its folder)."""

    session_id: str | None
    path: str


class _Names(Struct, frozen=True, kw_only=True):
    """The sorted names of a folder, folders first."""

    stamp: tuple[int, int]
    entries: list[tuple[str, bool]]


def parse_where(path: str, *, allow_hidden: bool) -> Where:
    """What a path under the workspace folder names; raises PathEscapes, FileNotFound for hidden ones."""
    return _where(read_path(path, allow_hidden=allow_hidden), path)


def parse_target(path: str, *, allow_hidden: bool) -> Where:
    """The same for a folder that is to be written to; raises PathEscapes, NameInvalid for hidden ones."""
    return _where(split_path(path, allow_hidden=allow_hidden), path)


def _where(components: tuple[str, ...], path: str) -> Where:
    if not components:
        return Where(session_id=None, path="")
    if not is_session_id(components[0]):
        raise SessionNotFound(path=path)
    return Where(session_id=components[0], path="/".join(components[1:]))


class Folders:
    """Lists and deletes by path."""

    def __init__(self, parts: Parts, reconcile: Reconcile) -> None:
        self._parts = parts
        self._reconcile = reconcile
        self._names: OrderedDict[tuple[str, str], _Names] = OrderedDict()

    async def page(
        self,
        actor: Actor,
        where: Where,
        *,
        text: str | None,
        order: tuple[tuple[str, bool], ...],
        limit: int,
        offset: int,
    ) -> Folder:
        """A page of a folder: folders first, then by lower-case name unless `order` says otherwise.

        Raises SessionNotFound, FileNotFound, NotADirectory.
        """
        if where.session_id is None:
            items = await self._roots(actor)
            items = [item for item in items if text is None or _has(item.name, text)]
            return _folder(where, _sorted(items, order)[offset : offset + limit], len(items), offset)
        async with self._parts.ledger.reading() as tx:
            await require_session(tx, actor, where.session_id)
        session_id, path = where.session_id, await self.as_written(where.session_id, where.path)
        where = replace(where, path=path)
        names = await self._sorted_names(session_id, path)
        if text is not None:
            names = [entry for entry in names if _has(entry[0], text)]
        if order and order != (("name", False),):
            items = _sorted(await self._items(session_id, path, names), order)
            return _folder(where, items[offset : offset + limit], len(items), offset)
        part = await self._items(session_id, path, names[offset : offset + limit])
        return _folder(where, part, len(names), offset)

    async def _roots(self, actor: Actor) -> list[FileItem]:
        async with self._parts.ledger.reading() as tx:
            rows = [entry for entry, _ in await tx.sessions.all()]
        return [
            _session_item(entry) for entry in rows if entry.deleted_at is None and actor.may_see(entry.owner)
        ]

    async def _sorted_names(self, session_id: str, path: str) -> list[tuple[str, bool]]:
        key = (session_id, path)
        stamp = await self._parts.store.folder_stamp(session_id, path)
        kept = self._names.get(key)
        if kept is None or kept.stamp != stamp:
            found = await self._parts.store.names(session_id, path)
            shown = [entry for entry in found.entries if self._is_shown(path, entry[0])]
            shown.sort(key=lambda entry: (not entry[1], entry[0].lower(), entry[0]))
            kept = _Names(stamp=found.stamp, entries=shown)
            self._names[key] = kept
        self._names.move_to_end(key)
        while len(self._names) > KEPT_FOLDERS:
            self._names.popitem(last=False)
        return kept.entries

    def _is_shown(self, folder: str, name: str) -> bool:
        components = (*folder.split("/"), name) if folder else (name,)
        if is_reserved(components) or not is_legal(name):
            return False
        return self._parts.settings.allow_hidden or not is_hidden(name)

    async def _items(self, session_id: str, path: str, names: Sequence[tuple[str, bool]]) -> list[FileItem]:
        stats = await self._parts.store.stats(session_id, path, [name for name, _ in names])
        paths = {name: f"{path}/{name}" if path else name for name, _ in names}
        async with self._parts.ledger.reading() as tx:
            known = await tx.files.listed_at(session_id, list(paths.values()))
        return [
            _item(session_id, paths[name], stats[name], known.get(paths[name]))
            for name, _ in names
            if name in stats
        ]

    async def file_at(self, actor: Actor, where: Where) -> Entry | None:
        """The file at a path, known or not; None for a folder.

        Raises SessionNotFound, FileNotFound.
        """
        if where.session_id is None:
            return None
        async with self._parts.ledger.reading() as tx:
            await require_session(tx, actor, where.session_id)
            path = await self.as_written(where.session_id, where.path)
            known = await tx.files.at(where.session_id, path)
        if known is not None and known.storage != "reference":
            return known
        if not path:
            return None
        found = await self._found(where.session_id, path)
        if found.is_dir:
            return None
        if found.is_link or found.is_special:
            raise FileNotFound(path=path)
        return self._unrecorded(where.session_id, path, found)

    async def as_written(self, session_id: str, path: str) -> str:
        """The path as it is on the disk."""
        return await as_written(self._parts.store, session_id, path)

    async def _found(self, session_id: str, path: str) -> Stat:
        if is_reserved(tuple(path.split("/"))):
            raise FileNotFound(path=path)
        try:
            found = await self._parts.store.stat(session_place(session_id, path))
        except NotADirectory as error:
            raise FileNotFound(path=path) from error
        if found is None:
            raise FileNotFound(path=path)
        return found

    def _unrecorded(self, session_id: str, path: str, found: Stat) -> Entry:
        """An entry for a file that has no row yet: enough to send it."""
        modified = datetime.fromtimestamp(found.mtime_ns // 10**9, UTC)
        return Entry(
            attachment_id="",
            artifact_id="",
            session_id=session_id,
            kind="artifact",
            path=path,
            size=found.size,
            mime=guess_mime(path.rpartition("/")[2], b""),
            declared_mime=None,
            sha256=None,
            crc32=None,
            source="watch",
            storage="local",
            root_path=None,
            version=1,
            created_at=modified,
            modified_at=modified,
            metadata={},
            provenance=None,
            inode=found.inode,
            mtime_ns=found.mtime_ns,
        )

    async def delete(self, actor: Actor, where: Where, *, recursive: bool, permanent: bool) -> None:
        """Deletes what is at a path: a file, a link (itself), an empty folder, or with all it holds.

        Raises ParameterInvalid for the root, IsSession for a session's own folder, NotEmpty, FileNotFound.
        """
        if where.session_id is None:
            raise ParameterInvalid("The workspace folder itself cannot be deleted.", parameter="path")
        async with self._parts.ledger.reading() as tx:
            await require_open_session(tx, actor, where.session_id)
        if not where.path:
            raise IsSession(session_id=where.session_id)
        path = await self.as_written(where.session_id, where.path)
        await self._found(where.session_id, path)
        if not permanent:
            # Only what is listed can be taken back from the trash.
            with suppress(TimeoutError):
                async with asyncio.timeout(NOTE_SECONDS):
                    await self._reconcile.note(where.session_id, path)
        doomed = await self._parts.publisher.publish(
            _RemovePath(self._parts, where.session_id, path, recursive=recursive, permanent=permanent)
        )
        for place in doomed:
            await self._parts.store.remove(place)


class _RemovePath(Steady):
    """What is at a path goes to the trash: recorded files one by one, the rest as it stands."""

    def __init__(self, parts: Parts, session_id: str, path: str, *, recursive: bool, permanent: bool) -> None:
        self.session_id = session_id
        self._parts = parts
        self._path = path
        self._recursive = recursive
        self._permanent = permanent

    async def plan(self, tx: Transaction) -> Plan[list[Place]]:
        """The places in the trash whose bytes nobody can ask for any more; raises FileNotFound, NotEmpty."""
        await open_session(tx, self.session_id)
        place = session_place(self.session_id, self._path)
        found = await self._parts.store.stat(place)
        if found is None:
            raise FileNotFound(path=self._path)
        if found.is_dir and not self._recursive and await self._holds_something():
            raise NotEmpty(path=self._path)
        at_path = await tx.files.at(self.session_id, self._path)
        inside = await tx.files.beneath(self.session_id, self._path) if found.is_dir else []
        known = [entry for entry in [at_path, *inside] if entry is not None and entry.storage == "local"]
        removal = Remove(
            self._parts,
            self.session_id,
            [entry.attachment_id for entry in known],
            permanent=self._permanent,
        )
        plan = await removal.plan(tx)
        moves, doomed = list(plan.moves), list(plan.result)
        if at_path is None or at_path.storage == "reference" or not found.is_regular:
            moves.append(self._rest(place, found, doomed))
        return Plan(result=doomed, moves=moves, changes=plan.changes)

    async def _holds_something(self) -> bool:
        """Whether the folder is not empty; asked here, where no upload can come between."""
        names = await self._parts.store.names(self.session_id, self._path)
        entries = [name for name, _ in names.entries if not is_reserved((*self._path.split("/"), name))]
        return bool(entries or names.unreadable)

    def _rest(self, place: Place, found: Stat, doomed: list[Place]) -> Move:
        """The move of what has no row: a folder with what else it holds, a link, an unrecorded file."""
        name = rest_name(self.session_id, self._parts.clock(), self._parts.new_id("pth"))
        target = Place("trash", name)
        if self._permanent or found.is_link:
            doomed.append(target)
        return Move(place, target, found.inode)


def _has(name: str, text: str) -> bool:
    """Whether a text is part of a name, in any case and any normal form."""
    return to_nfc((text.casefold(),))[0] in to_nfc((name.casefold(),))[0]


def _session_item(entry: SessionEntry) -> FileItem:
    return FileItem(
        name=entry.session_id,
        is_dir=True,
        size=None,
        mime=None,
        modified_at=entry.updated_at,
        path=entry.session_id,
        attachment_id=None,
    )


def _item(session_id: str, path: str, stat: Stat, known: tuple[str, str] | None) -> FileItem:
    """One item; known: its attachment_id and mime, None for a file without a record."""
    name = path.rpartition("/")[2]
    attachment_id, mime = known or (None, guess_mime(name, b""))
    return FileItem(
        name=name,
        is_dir=stat.is_dir,
        size=stat.size if stat.is_regular else None,
        mime=mime if stat.is_regular else None,
        modified_at=datetime.fromtimestamp(stat.mtime_ns / 10**9, UTC),
        path=f"{session_id}/{path}",
        attachment_id=attachment_id,
    )


def _sorted(items: list[FileItem], order: tuple[tuple[str, bool], ...]) -> list[FileItem]:
    """Folders first; among themselves by the fields, the last of them first, since sorting is stable."""
    items = sorted(items, key=lambda item: (item.name.lower(), item.name))
    for field, descending in reversed(order):
        items.sort(key=lambda item: _sort_key(item, field), reverse=descending)
    return sorted(items, key=lambda item: not item.is_dir)


def _sort_key(item: FileItem, field: str) -> str | int | float:
    match field:
        case "size":
            return item.size or 0
        case "modified_at":
            return item.modified_at.timestamp()
        case "mime":
            return item.mime or ""
        case _:
            return item.name.lower()


def _folder(where: Where, items: list[FileItem], total: int, offset: int) -> Folder:
    components = [] if where.session_id is None else [where.session_id, *filter(None, where.path.split("/"))]
    crumbs = [Crumb(label="/", path="")]
    crumbs += [
        Crumb(label=name, path="/".join(components[: place + 1])) for place, name in enumerate(components)
    ]
    return Folder(
        base="/".join(components) or ".",
        crumbs=crumbs,
        items=items,
        total=total,
        has_more=offset + len(items) < total,
    )
