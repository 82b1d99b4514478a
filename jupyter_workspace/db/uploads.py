"""Resumable uploads: the index of their notes, and what became of those that have ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import delete, insert, select

from jupyter_workspace.db.connection import Connection
from jupyter_workspace.db.tables import uploads
from jupyter_workspace.db.values import from_time
from jupyter_workspace.models.upload import UploadEntry

__all__ = ["Uploads"]


class Uploads:
    """One row an upload; the offset of an open one is that of its note, which grows without us."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, entries: Sequence[UploadEntry]) -> None:
        """Adds uploads that have no row."""
        rows = [
            {
                "upload_id": entry.upload_id,
                "session_id": entry.session_id,
                "state": entry.state,
                "payload": msgspec.json.encode(entry),
                "expires_at": from_time(entry.expires_at),
            }
            for entry in entries
        ]
        if rows:
            await self._connection.execute(insert(uploads), rows)

    async def find(self, upload_id: str) -> UploadEntry | None:
        """The upload of that id."""
        payload = await self._connection.scalar(
            select(uploads.c.payload).where(uploads.c.upload_id == upload_id)
        )
        return None if payload is None else msgspec.json.decode(payload, type=UploadEntry)

    async def unended(self) -> list[str]:
        """The ids of those that have neither become a file nor failed."""
        rows = await self._connection.execute(
            select(uploads.c.upload_id).where(uploads.c.state.in_(["open", "finishing"]))
        )
        return [row.upload_id for row in rows]

    async def drop(self, upload_ids: Sequence[str]) -> None:
        """Forgets these; those that have no row, too."""
        await self._connection.execute(delete(uploads).where(uploads.c.upload_id.in_(upload_ids)))

    async def drop_expired(self, moment: datetime) -> None:
        """Forgets those that have ended and whose time is over."""
        await self._connection.execute(
            delete(uploads).where(
                uploads.c.state.in_(["done", "failed"]), uploads.c.expires_at <= from_time(moment)
            )
        )
