"""What lies in the trash: deleted files, and versions that were replaced."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Row, Select, Table, and_, func, select, union_all

from jupyter_workspace.db.connection import Connection
from jupyter_workspace.db.files import entry_of
from jupyter_workspace.db.tables import files, sessions, versions
from jupyter_workspace.db.values import to_time
from jupyter_workspace.models.entry import Entry

__all__ = ["Discarded", "Trashed"]

#: Ids of one statement.
_CHUNK = 500


class Trashed(Struct, frozen=True):
    """As much of something in the trash as decides when it goes: `size` is what it takes, in bytes."""

    artifact_id: str
    since: datetime
    size: int


class Discarded:
    """The trash of all sessions, as the index has it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def page(self, session_id: str, limit: int, offset: int) -> tuple[list[Entry], int]:
        """A page of a session's trash, what was deleted last first, and the number of all there is."""
        both = union_all(
            *(
                _trashed(
                    select(table.c.artifact_id, table.c.deleted_at), table, table.c.session_id == session_id
                )
                for table in (files, versions)
            )
        ).subquery()
        total = await self._connection.rows(select(func.count()).select_from(both), lambda row: int(row[0]))
        newest = select(both.c.artifact_id).order_by(both.c.deleted_at.desc(), both.c.artifact_id.desc())
        ids = await self._connection.rows(newest.limit(limit).offset(offset), lambda row: str(row[0]))
        found = {entry.artifact_id: entry for entry in await self.of(ids)}
        return [found[artifact_id] for artifact_id in ids], total[0]

    async def of(self, artifact_ids: Sequence[str]) -> list[Entry]:
        """Those of these versions that lie in the trash."""
        found: list[Entry] = []
        for start in range(0, len(artifact_ids), _CHUNK):
            part = artifact_ids[start : start + _CHUNK]
            for table in (files, versions):
                query = _trashed(select(table), table, table.c.artifact_id.in_(part))
                found += await self._connection.rows(query, entry_of)
        return found

    async def candidates(self, *, session_id: str | None = None, owner: str | None = None) -> list[Trashed]:
        """What could go: of one session, of the sessions of one owner, or of all."""
        found: list[Trashed] = []
        for table in (files, versions):
            where: list[ColumnElement[bool]] = []
            if session_id is not None:
                where.append(table.c.session_id == session_id)
            if owner is not None:
                owned = select(sessions.c.session_id).where(sessions.c.owner == owner)
                where.append(table.c.session_id.in_(owned))
            since = func.coalesce(table.c.deleted_at, table.c.created_at).label("since")
            columns = select(table.c.artifact_id, since, table.c.size)
            found += await self._connection.rows(_trashed(columns, table, *where), _of_row)
        return found

    async def ids(self, session_id: str | None = None) -> list[str]:
        """The names in the trash of what one session, or any, has there."""
        return [one.artifact_id for one in await self.candidates(session_id=session_id)]


def _trashed(query: Select[Any], table: Table, *where: ColumnElement[bool]) -> Select[Any]:
    return query.where(and_(table.c.kept == "trash", *where))


def _of_row(row: Row[Any]) -> Trashed:
    return Trashed(row.artifact_id, to_time(row.since), row.size)  # type: ignore[arg-type]
