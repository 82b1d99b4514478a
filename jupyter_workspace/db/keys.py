"""Idempotency keys and what they stand for."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import delete, insert, select

from jupyter_workspace.db.connection import Connection
from jupyter_workspace.db.tables import keys
from jupyter_workspace.db.values import from_time
from jupyter_workspace.models.entry import Answer

__all__ = ["Keys"]


class Keys:
    """Answers by `Idempotency-Key` and owner."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, key: str, owner: str) -> Answer | None:
        """The answer that was given to that key."""
        payload = await self._connection.scalar(
            select(keys.c.payload).where(keys.c.key == key, keys.c.owner == owner)
        )
        return None if payload is None else msgspec.json.decode(payload, type=Answer)

    async def add(self, answer: Answer) -> None:
        """Keeps an answer."""
        await self._connection.execute(
            insert(keys).values(
                key=answer.key,
                owner=answer.owner,
                payload=msgspec.json.encode(answer),
                created_at=from_time(answer.created_at),
            )
        )

    async def drop_before(self, moment: datetime) -> None:
        """Forgets the keys whose time is over."""
        await self._connection.execute(delete(keys).where(keys.c.created_at < from_time(moment)))
