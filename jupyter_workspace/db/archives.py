"""Selections that can be downloaded as a zip for an hour."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import delete, insert, select

from jupyter_workspace.db.connection import Connection
from jupyter_workspace.db.tables import archives
from jupyter_workspace.db.values import from_time

__all__ = ["Archives"]


class Archives:
    """The ids that a large selection stands for."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, archive_id: str, session_id: str, file_ids: list[str], moment: datetime) -> None:
        """Keeps a selection."""
        await self._connection.execute(
            insert(archives).values(
                archive_id=archive_id,
                session_id=session_id,
                payload=msgspec.json.encode(file_ids),
                created_at=from_time(moment),
            )
        )

    async def find(self, archive_id: str, session_id: str, since: datetime) -> list[str] | None:
        """The ids of a selection that was made after `since`."""
        payload = await self._connection.scalar(
            select(archives.c.payload).where(
                archives.c.archive_id == archive_id,
                archives.c.session_id == session_id,
                archives.c.created_at >= from_time(since),
            )
        )
        return None if payload is None else msgspec.json.decode(payload, type=list[str])

    async def drop_before(self, moment: datetime) -> None:
        """Forgets the selections whose time is over."""
        await self._connection.execute(delete(archives).where(archives.c.created_at < from_time(moment)))
