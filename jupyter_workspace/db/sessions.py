"""Sessions, the notebooks they belong to, and the totals of what they hold."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, delete, func, insert, select, update

from jupyter_workspace.db.connection import Connection
from jupyter_workspace.db.outbox import Outbox
from jupyter_workspace.db.selecting import has_text
from jupyter_workspace.db.tables import events, files, notebooks, sessions, versions
from jupyter_workspace.db.values import from_time, object_of, to_json, to_time
from jupyter_workspace.errors import SessionNotFound
from jupyter_workspace.models.entry import SessionEntry, SessionTotals
from jupyter_workspace.protocol.selection import SessionFilter

__all__ = ["Sessions"]

_ORDER = {
    "created_at": sessions.c.created_at,
    "updated_at": sessions.c.updated_at,
    "last_used_at": sessions.c.last_used_at,
    "name": sessions.c.folded_name,
    "status": sessions.c.status,
}

#: Each request asks for its session: putting a query together takes longer than SQLite needs to answer it.
_OF_ID = select(sessions).where(sessions.c.session_id == bindparam("session_id"))
_NOTEBOOKS_OF_ID = (
    select(notebooks.c.notebook_path)
    .where(notebooks.c.session_id == bindparam("session_id"))
    .order_by(notebooks.c.place)
)


class Sessions:
    """The sessions. What changes one also adds a line to its journal."""

    def __init__(self, connection: Connection, outbox: Outbox) -> None:
        self._connection = connection
        self._outbox = outbox

    async def find(self, session_id: str) -> SessionEntry | None:
        """The session of that id, a tombstone too; None when there never was one."""
        found = await self._of_id(session_id)
        return None if found is None else found[0]

    async def with_totals(self, session_id: str) -> tuple[SessionEntry, SessionTotals]:
        """The session, a tombstone too, and what it holds; raises SessionNotFound if there never was one."""
        found = await self._of_id(session_id)
        if found is None:
            raise SessionNotFound(session_id=session_id)
        return found

    async def of_notebook(self, notebook_path: str, owner: str | None) -> SessionEntry | None:
        """The session that a notebook belongs to; with None for the owner, the oldest of all owners'."""
        query = (
            select(notebooks.c.session_id)
            .join(sessions, sessions.c.session_id == notebooks.c.session_id)
            .where(notebooks.c.notebook_path == notebook_path)
            .order_by(sessions.c.created_at, sessions.c.session_id)
            .limit(1)
        )
        if owner is not None:
            query = query.where(sessions.c.owner == owner)
        session_id = await self._connection.scalar(query)
        return None if session_id is None else await self.find(session_id)

    async def all(self) -> list[tuple[SessionEntry, SessionTotals]]:
        """All sessions, tombstones too."""
        return await self._select()

    async def ids_of(self, owner: str) -> set[str]:
        """The ids of an owner's sessions, tombstones too."""
        rows = await self._connection.execute(select(sessions.c.session_id).where(sessions.c.owner == owner))
        return {row.session_id for row in rows}

    async def page(
        self, wanted: SessionFilter, order: tuple[tuple[str, bool], ...], limit: int, offset: int
    ) -> tuple[list[tuple[SessionEntry, SessionTotals]], int]:
        """A page of live sessions and the number of all that match."""
        where = _where(wanted)
        total = await self._connection.scalar(select(func.count()).select_from(sessions).where(where)) or 0
        columns: list[ColumnElement[Any]] = [
            _ORDER[name].desc() if descending else _ORDER[name].asc() for name, descending in order
        ]
        rows = await self._select(where, *columns, sessions.c.session_id.asc(), limit=limit, offset=offset)
        return rows, total

    async def totals(self, owner: str) -> SessionTotals:
        """What all sessions of an owner hold; the trash of deleted ones too."""
        sums = [
            func.coalesce(func.sum(sessions.c[name]), 0).label(name)
            for name in SessionTotals.__struct_fields__
        ]
        found = await self._connection.execute(select(*sums).where(sessions.c.owner == owner))
        return SessionTotals(**found.mappings().one())

    async def add(self, entry: SessionEntry) -> None:
        """Adds a session whose id was never used."""
        await self._connection.execute(
            insert(sessions).values(
                **_values(entry), journal_position=0, attachments=0, artifacts=0, live_bytes=0, trash_bytes=0
            )
        )
        await self._set_notebooks(entry)
        await self._outbox.add(entry.session_id, "session", entry)

    async def put(self, entry: SessionEntry) -> None:
        """Changes a session."""
        await self._connection.execute(
            update(sessions).where(sessions.c.session_id == entry.session_id).values(**_values(entry))
        )
        await self._set_notebooks(entry)
        await self._outbox.add(entry.session_id, "session", entry)

    async def bury(self, tombstone: SessionEntry) -> None:
        """Makes a session a tombstone: its files, versions and events leave the index."""
        for table in (files, versions, events):
            await self._connection.execute(delete(table).where(table.c.session_id == tombstone.session_id))
        await self.put(tombstone)
        await self._connection.execute(
            update(sessions)
            .where(sessions.c.session_id == tombstone.session_id)
            .values(attachments=0, artifacts=0, live_bytes=0, trash_bytes=0)
        )

    async def touch(self, session_id: str, moment: datetime) -> None:
        """Says that the session was used; not worth a line in the journal."""
        await self._connection.execute(
            update(sessions).where(sessions.c.session_id == session_id).values(last_used_at=from_time(moment))
        )

    async def journal_positions(self) -> dict[str, int]:
        """The position of the last line of each session's journal, as far as it is committed."""
        rows = await self._connection.execute(select(sessions.c.session_id, sessions.c.journal_position))
        return {row.session_id: row.journal_position for row in rows}

    async def restore(self, entry: SessionEntry, journal_position: int) -> None:
        """Puts a session as its journal has it, without a new line; its files come after."""
        await self.forget(entry.session_id)
        await self._connection.execute(
            insert(sessions).values(
                **_values(entry),
                journal_position=journal_position,
                attachments=0,
                artifacts=0,
                live_bytes=0,
                trash_bytes=0,
            )
        )
        await self._set_notebooks(entry)

    async def forget(self, session_id: str) -> None:
        """Drops all that the index knows of a session."""
        for table in (notebooks, files, versions, events, sessions):
            await self._connection.execute(delete(table).where(table.c.session_id == session_id))

    async def _set_notebooks(self, entry: SessionEntry) -> None:
        paths = entry.notebooks if entry.deleted_at is None else []
        same_owner = select(sessions.c.session_id).where(sessions.c.owner == entry.owner)
        await self._connection.execute(
            delete(notebooks).where(
                (notebooks.c.session_id == entry.session_id)
                | (notebooks.c.notebook_path.in_(paths) & notebooks.c.session_id.in_(same_owner))
            )
        )
        if paths:
            await self._connection.execute(
                insert(notebooks),
                [
                    {"notebook_path": path, "session_id": entry.session_id, "place": place}
                    for place, path in enumerate(paths)
                ],
            )

    async def _of_id(self, session_id: str) -> tuple[SessionEntry, SessionTotals] | None:
        wanted = {"session_id": session_id}
        row = (await self._connection.execute(_OF_ID, wanted)).one_or_none()
        if row is None:
            return None
        paths = await self._connection.execute(_NOTEBOOKS_OF_ID, wanted)
        return _entry(row, list(paths.scalars())), _totals(row)

    async def _select(
        self, where: ColumnElement[bool] | None = None, *order: Any, limit: int | None = None, offset: int = 0
    ) -> list[tuple[SessionEntry, SessionTotals]]:
        query = select(sessions).order_by(*order).limit(limit).offset(offset or None)
        rows = (await self._connection.execute(query if where is None else query.where(where))).all()
        paths: dict[str, list[str]] = {row.session_id: [] for row in rows}
        if paths:
            found = await self._connection.execute(
                select(notebooks.c.session_id, notebooks.c.notebook_path)
                .where(notebooks.c.session_id.in_(paths))
                .order_by(notebooks.c.place)
            )
            for row in found:
                if row.session_id in paths:
                    paths[row.session_id].append(row.notebook_path)
        return [(_entry(row, paths[row.session_id]), _totals(row)) for row in rows]


def _where(wanted: SessionFilter) -> ColumnElement[bool]:
    clauses: list[ColumnElement[bool]] = [sessions.c.deleted_at.is_(None)]
    if wanted.owner is not None:
        clauses.append(sessions.c.owner == wanted.owner)
    if wanted.status is not None:
        clauses.append(sessions.c.status == wanted.status)
    if wanted.text is not None:
        clauses.append(has_text(sessions.c.folded_text, wanted.text))
    if wanted.notebook_path is not None:
        belongs = select(notebooks.c.session_id).where(notebooks.c.notebook_path == wanted.notebook_path)
        clauses.append(sessions.c.session_id.in_(belongs))
    return and_(*clauses)


def _values(entry: SessionEntry) -> dict[str, Any]:
    return {
        "session_id": entry.session_id,
        "owner": entry.owner,
        "name": entry.name,
        "folded_name": entry.name.casefold(),
        "folded_text": f"{entry.name}\n{entry.description}".casefold(),
        "description": entry.description,
        "metadata": to_json(entry.metadata),
        "status": entry.status,
        "created_at": from_time(entry.created_at),
        "updated_at": from_time(entry.updated_at),
        "last_used_at": from_time(entry.last_used_at),
        "deleted_at": from_time(entry.deleted_at),
        "last_sequence": entry.last_sequence,
        "oldest_sequence": entry.oldest_sequence,
    }


def _entry(row: Row[Any], paths: list[str]) -> SessionEntry:
    return SessionEntry(
        session_id=row.session_id,
        owner=row.owner,
        name=row.name,
        description=row.description,
        notebooks=paths,
        metadata=object_of(row.metadata),
        status=row.status,
        created_at=to_time(row.created_at),  # type: ignore[arg-type]
        updated_at=to_time(row.updated_at),  # type: ignore[arg-type]
        last_used_at=to_time(row.last_used_at),  # type: ignore[arg-type]
        deleted_at=to_time(row.deleted_at),
        last_sequence=row.last_sequence,
        oldest_sequence=row.oldest_sequence,
    )


def _totals(row: Row[Any]) -> SessionTotals:
    return SessionTotals(
        attachments=row.attachments,
        artifacts=row.artifacts,
        live_bytes=row.live_bytes,
        trash_bytes=row.trash_bytes,
    )
