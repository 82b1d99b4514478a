"""Files and their replaced versions.

A file has one row in `files`, live or in the trash; each version it replaced has one in `versions`.
Every change here keeps the session's totals and adds a line to its journal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import asdict, replace
from sqlalchemy import Column, ColumnElement, Row, Table, and_, delete, func, insert, or_, select, update

from jupyter_workspace.db.connection import Connection
from jupyter_workspace.db.outbox import Outbox
from jupyter_workspace.db.selecting import inside, where_of, where_of_versions
from jupyter_workspace.db.tables import files, sessions, versions
from jupyter_workspace.db.values import from_json, from_time, object_of, to_json, to_time
from jupyter_workspace.models.entry import Entry, SessionTotals
from jupyter_workspace.models.file import FileKind, Provenance
from jupyter_workspace.protocol.query import Ordering
from jupyter_workspace.protocol.selection import FileFilter

__all__ = ["Files", "Position", "check_position", "entry_of", "position_of"]

Position = tuple[tuple[int | str, ...], str]
"""A place in a list: the values of the fields it is ordered by, and the id as tie-breaker."""

_ORDER: dict[str, Column[Any]] = {
    "created_at": files.c.created_at,
    "modified_at": files.c.modified_at,
    "name": files.c.folded_name,
    "path": files.c.path,
    "size": files.c.size,
    "mime": files.c.mime,
}

#: Rows of one statement: SQLite's limit of bound values is 32,766, and an entry has 24.
_CHUNK = 500


class Files:
    """The files of all sessions."""

    def __init__(self, connection: Connection, outbox: Outbox) -> None:
        self._connection = connection
        self._outbox = outbox
        self._added: list[Entry] = []
        self._totals: dict[str, Counter[str]] = {}
        #: (session_id, attachment_id) of each file that was added, changed or forgotten
        self.changed: set[tuple[str, str]] = set()

    async def flush(self) -> None:
        """Writes the new files and the totals that were gathered."""
        added, self._added = self._added, []
        for start in range(0, len(added), _CHUNK):
            rows = [_values(entry) for entry in added[start : start + _CHUNK]]
            await self._connection.execute(insert(files), rows)
        totals, self._totals = self._totals, {}
        for session_id, change in totals.items():
            if not any(change.values()):
                continue
            await self._connection.execute(
                update(sessions)
                .where(sessions.c.session_id == session_id)
                .values({sessions.c[name]: sessions.c[name] + by for name, by in change.items() if by})
            )

    # reading

    async def at(self, session_id: str, path: str) -> Entry | None:
        """The live file at that path."""
        return await self._one(
            files, files.c.session_id == session_id, files.c.path == path, files.c.deleted_at.is_(None)
        )

    async def find(self, session_id: str, file_id: str) -> Entry | None:
        """The file of an `att_` id, or the version of an `art_` id; the trash is searched too."""
        if file_id.startswith("att_"):
            return await self._one(files, files.c.attachment_id == file_id, files.c.session_id == session_id)
        current = await self._one(files, files.c.artifact_id == file_id, files.c.session_id == session_id)
        if current is not None:
            return current
        return await self._one(
            versions, versions.c.artifact_id == file_id, versions.c.session_id == session_id
        )

    async def with_digest(self, session_id: str, sha256: str) -> Entry | None:
        """The oldest live file with that content."""
        rows = await self._connection.execute(
            select(files)
            .where(files.c.session_id == session_id, files.c.sha256 == sha256, files.c.deleted_at.is_(None))
            .order_by(files.c.created_at, files.c.attachment_id)
            .limit(1)
        )
        row = rows.first()
        return None if row is None else entry_of(row)

    async def holder(self, session_id: str, inode: int, size: int, mtime_ns: int) -> str | None:
        """The `att_` id of a file, live or in the trash, that consists of the very bytes with these marks."""
        marks = (files.c.inode == _signed(inode), files.c.size == size, files.c.mtime_ns == mtime_ns)
        found = await self._one(files, files.c.session_id == session_id, *marks)
        return None if found is None else found.attachment_id

    async def snapshot_of(self, session_id: str, root_path: str) -> Entry | None:
        """The newest live file that was copied from that place under the server's root."""
        return await self._from_root(session_id, root_path, files.c.storage != "reference")

    async def reference_to(self, session_id: str, root_path: str) -> Entry | None:
        """The newest live reference to that place under the server's root, wherever it is listed."""
        return await self._from_root(session_id, root_path, files.c.storage == "reference")

    async def _from_root(self, session_id: str, root_path: str, storage: ColumnElement[bool]) -> Entry | None:
        rows = await self._connection.execute(
            select(files)
            .where(
                files.c.session_id == session_id,
                files.c.root_path == root_path,
                storage,
                files.c.deleted_at.is_(None),
            )
            .order_by(files.c.created_at.desc(), files.c.attachment_id)
            .limit(1)
        )
        row = rows.first()
        return None if row is None else entry_of(row)

    async def live(self, session_id: str, kind: FileKind | None = None) -> list[Entry]:
        """All live files of a session, or those of one kind, by path."""
        where = and_(files.c.session_id == session_id, files.c.deleted_at.is_(None))
        if kind is not None:
            where = and_(where, files.c.kind == kind)
        return await self._connection.rows(select(files).where(where).order_by(files.c.path), entry_of)

    async def beneath(self, session_id: str, folder: str) -> list[Entry]:
        """The live files in a folder and its folders."""
        where = and_(files.c.session_id == session_id, files.c.deleted_at.is_(None), inside(folder))
        return await self._connection.rows(select(files).where(where), entry_of)

    async def all_of(self, session_id: str) -> tuple[list[Entry], list[Entry]]:
        """Every file, live or in the trash, and every replaced version: what the journal also has."""
        current, replaced = [
            await self._connection.rows(select(table).where(table.c.session_id == session_id), entry_of)
            for table in (files, versions)
        ]
        return current, replaced

    async def versions_of(self, attachment_id: str) -> list[Entry]:
        """The replaced versions of a file, oldest first."""
        rows = await self._connection.execute(
            select(versions).where(versions.c.attachment_id == attachment_id).order_by(versions.c.version)
        )
        return [entry_of(row) for row in rows]

    async def page(
        self, wanted: FileFilter, order: Ordering, limit: int, offset: int
    ) -> tuple[list[Entry], int]:
        """A page of live files, and the number of all that match."""
        where = where_of(wanted)
        total = await self._count_of(wanted, where)
        columns = [_ORDER[name].desc() if descending else _ORDER[name].asc() for name, descending in order]
        page = select(files).where(where).order_by(*columns, files.c.attachment_id)
        return await self._connection.rows(page.limit(limit).offset(offset), entry_of), total

    async def beyond(
        self, wanted: FileFilter, order: Ordering, position: Position, limit: int
    ) -> tuple[list[Entry], int]:
        """The page beyond a place in a list that is ordered so, and the total."""
        where = where_of(wanted)
        total = await self._count_of(wanted, where)
        columns = [
            *((_ORDER[name], descending) for name, descending in order),
            (files.c.attachment_id, False),
        ]
        further: list[ColumnElement[bool]] = []
        same: list[ColumnElement[bool]] = []
        for (column, descending), value in zip(columns, (*position[0], position[1]), strict=True):
            further.append(and_(*same, column < value if descending else column > value))
            same.append(column == value)
        # Said apart from the rest, the first is what an index is searched for; within an `or` it is not.
        first, is_down = columns[0]
        bound = first <= position[0][0] if is_down else first >= position[0][0]
        ordered = [column.desc() if descending else column.asc() for column, descending in columns]
        page = select(files).where(where, bound, or_(*further)).order_by(*ordered)
        return await self._connection.rows(page.limit(limit), entry_of), total

    async def matching(self, wanted: FileFilter) -> list[Entry]:
        """All live files that match; of chosen `art_` ids also the replaced versions of live files.

        The bytes of such a version may be gone (`kept`).
        """
        if wanted.chosen is None:
            return await self._connection.rows(select(files).where(where_of(wanted)), entry_of)
        found: list[Entry] = []
        for start in range(0, len(wanted.chosen), _CHUNK):
            part = replace(wanted, chosen=wanted.chosen[start : start + _CHUNK])
            found += await self._connection.rows(select(files).where(where_of(part)), entry_of)
            found += await self._connection.rows(select(versions).where(where_of_versions(part)), entry_of)
        return list({entry.artifact_id: entry for entry in found}.values())

    async def _count_of(self, wanted: FileFilter, where: ColumnElement[bool]) -> int:
        if wanted.is_whole_session:
            kept = {"attachment": sessions.c.attachments, "artifact": sessions.c.artifacts}
            total = select(
                kept[wanted.kind] if wanted.kind else sessions.c.attachments + sessions.c.artifacts
            )
            of_session = sessions.c.session_id == wanted.session_id
            return int(await self._connection.scalar(total.where(of_session)) or 0)
        counted = select(func.count()).select_from(files).where(where)
        return (await self._connection.rows(counted, lambda row: int(row[0])))[0]

    async def at_paths(self, session_id: str, paths: Sequence[str]) -> dict[str, Entry]:
        """The live files at these paths, by path."""
        found: dict[str, Entry] = {}
        for start in range(0, len(paths), _CHUNK):
            chunk = select(files).where(
                files.c.session_id == session_id,
                files.c.deleted_at.is_(None),
                files.c.path.in_(paths[start : start + _CHUNK]),
            )
            found |= {entry.path: entry for entry in await self._connection.rows(chunk, entry_of)}
        return found

    async def listed_at(self, session_id: str, paths: Sequence[str]) -> dict[str, tuple[str, str]]:
        """(attachment_id, mime) by path of the live files that stand at these paths."""
        found: dict[str, tuple[str, str]] = {}
        for start in range(0, len(paths), _CHUNK):
            chunk = select(files.c.path, files.c.attachment_id, files.c.mime).where(
                files.c.session_id == session_id,
                files.c.deleted_at.is_(None),
                files.c.storage == "local",
                files.c.path.in_(paths[start : start + _CHUNK]),
            )
            for path, attachment_id, mime in await self._connection.rows(chunk, tuple):
                found[path] = (attachment_id, mime)
        return found

    async def taken_names(self, session_id: str, paths: Iterable[str]) -> set[str]:
        """Which of these paths a live file has."""
        rows = await self._connection.execute(
            select(files.c.path).where(
                files.c.session_id == session_id, files.c.deleted_at.is_(None), files.c.path.in_(list(paths))
            )
        )
        return {row.path for row in rows}

    # writing

    async def add(self, entry: Entry) -> None:
        """Adds a file; it is written with the others of this transaction."""
        self._added.append(entry)
        self._count(None, entry)
        self.changed.add((entry.session_id, entry.attachment_id))
        await self._outbox.add(entry.session_id, "file", entry)

    async def put(self, before: Entry, after: Entry) -> None:
        """Changes a file's row; both have the same `attachment_id`."""
        await self._connection.execute(
            update(files).where(files.c.attachment_id == before.attachment_id).values(**_values(after))
        )
        self._count(before, after)
        self.changed.add((after.session_id, after.attachment_id))
        await self._outbox.add(after.session_id, "file", after)

    async def drop(self, entry: Entry) -> None:
        """Forgets a file and all its versions."""
        for version in await self.versions_of(entry.attachment_id):
            await self.drop_version(version)
        await self._connection.execute(delete(files).where(files.c.attachment_id == entry.attachment_id))
        self._count(entry, None)
        self.changed.add((entry.session_id, entry.attachment_id))
        await self._outbox.add(entry.session_id, "file_gone", {"attachment_id": entry.attachment_id})

    async def put_version(self, before: Entry | None, after: Entry) -> None:
        """Adds or changes a replaced version; `before` is its row as it was, if it had one."""
        if before is None:
            await self._connection.execute(insert(versions).values(**_values(after)))
        else:
            await self._connection.execute(
                update(versions).where(versions.c.artifact_id == after.artifact_id).values(**_values(after))
            )
        self._count(before, after)
        await self._outbox.add(after.session_id, "version", after)

    async def drop_version(self, entry: Entry) -> None:
        """Forgets a replaced version."""
        await self._connection.execute(delete(versions).where(versions.c.artifact_id == entry.artifact_id))
        self._count(entry, None)
        await self._outbox.add(entry.session_id, "version_gone", {"artifact_id": entry.artifact_id})

    async def restore(self, session_id: str, current: list[Entry], replaced: list[Entry]) -> None:
        """Puts all files of a session as its journal has them, without new lines."""
        for table, entries in ((files, current), (versions, replaced)):
            for start in range(0, len(entries), _CHUNK):
                rows = [_values(entry) for entry in entries[start : start + _CHUNK]]
                await self._connection.execute(insert(table), rows)
        totals = SessionTotals.of(current, replaced)
        await self._connection.execute(
            update(sessions).where(sessions.c.session_id == session_id).values(**asdict(totals))
        )

    def _count(self, before: Entry | None, after: Entry | None) -> None:
        for entry, sign in ((before, -1), (after, 1)):
            if entry is None:
                continue
            change = self._totals.setdefault(entry.session_id, Counter())
            if entry.kept == "trash":
                change["trash_bytes"] += sign * entry.owned_bytes
            elif entry.kept == "live" and entry.deleted_at is None:
                change["attachments" if entry.kind == "attachment" else "artifacts"] += sign
                change["live_bytes"] += sign * entry.owned_bytes

    async def _one(self, table: Table, *where: ColumnElement[bool]) -> Entry | None:
        row = (await self._connection.execute(select(table).where(*where))).first()
        return None if row is None else entry_of(row)


def _values(entry: Entry) -> dict[str, Any]:
    return {
        "attachment_id": entry.attachment_id,
        "artifact_id": entry.artifact_id,
        "session_id": entry.session_id,
        "kind": entry.kind,
        "path": entry.path,
        "name": entry.name,
        "folded_name": entry.name.casefold(),
        "size": entry.size,
        "mime": entry.mime,
        "declared_mime": entry.declared_mime,
        "sha256": entry.sha256,
        "crc32": entry.crc32,
        "source": entry.source,
        "storage": entry.storage,
        "root_path": entry.root_path,
        "version": entry.version,
        "created_at": from_time(entry.created_at),
        "modified_at": from_time(entry.modified_at),
        "metadata": to_json(entry.metadata),
        "provenance": None if entry.provenance is None else to_json(entry.provenance),
        "inode": _signed(entry.inode),
        "mtime_ns": entry.mtime_ns,
        "deleted_at": from_time(entry.deleted_at),
        "kept": entry.kept,
    }


def position_of(entry: Entry, order: Ordering) -> Position:
    """The place of an entry in a list that is ordered so."""
    values = _values(entry)
    return tuple(values[_ORDER[name].name] for name, _ in order), entry.attachment_id


def check_position(position: Position, order: Ordering) -> Position:
    """The place itself, if a list that is ordered so can have it; else ValueError."""
    values, _ = position
    for value, (name, _) in zip(values, order, strict=True):
        fits = isinstance(value, str) or -(2**63) <= value < 2**63
        if not fits or type(value) is not _ORDER[name].type.python_type:
            raise ValueError(name)
    return position


def _signed(inode: int) -> int:
    """Some file systems number with 64 bits without a sign, a column has 63."""
    return inode - (1 << 64) if inode >= 1 << 63 else inode


def entry_of(row: Row[Any]) -> Entry:
    """The entry of a row of `files` or `versions`."""
    return Entry(
        attachment_id=row.attachment_id,
        artifact_id=row.artifact_id,
        session_id=row.session_id,
        kind=row.kind,
        path=row.path,
        size=row.size,
        mime=row.mime,
        declared_mime=row.declared_mime,
        sha256=row.sha256,
        crc32=row.crc32,
        source=row.source,
        storage=row.storage,
        root_path=row.root_path,
        version=row.version,
        created_at=to_time(row.created_at),  # type: ignore[arg-type]
        modified_at=to_time(row.modified_at),  # type: ignore[arg-type]
        metadata=object_of(row.metadata),
        provenance=None if row.provenance is None else from_json(row.provenance, Provenance),
        inode=row.inode % (1 << 64),
        mtime_ns=row.mtime_ns,
        deleted_at=to_time(row.deleted_at),
        kept=row.kept,
    )
