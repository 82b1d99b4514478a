"""The append-only log of each session."""

from __future__ import annotations

import binascii

import msgspec
from sqlalchemy import delete, insert, select, update

from jupyter_workspace.db.connection import Connection
from jupyter_workspace.db.tables import events, sessions
from jupyter_workspace.models.event import Event

__all__ = ["Events"]

#: How many events beyond the window are let stand, so that not every append must delete.
_SLACK = 256


class Events:
    """Events by session and sequence."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def next_sequences(self, session_id: str, count: int) -> int:
        """Takes `count` sequences, never to be used again, and gives the first of them."""
        last = await self._connection.scalar(
            update(sessions)
            .where(sessions.c.session_id == session_id)
            .values(last_sequence=sessions.c.last_sequence + count)
            .returning(sessions.c.last_sequence)
        )
        return int(last) - count + 1

    async def append(self, new: list[Event]) -> None:
        """Adds events whose sequences were taken in this transaction."""
        rows = []
        for event in new:
            payload = msgspec.json.encode(event)
            rows.append(
                {
                    "session_id": event.session_id,
                    "sequence": event.sequence,
                    "payload": payload,
                    "crc32": binascii.crc32(payload),
                }
            )
        await self._connection.execute(insert(events), rows)

    async def rows(self, session_id: str, cursor: int, limit: int) -> list[tuple[int, bytes | None]]:
        """At most `limit` events with a higher sequence, in order, each as (sequence, JSON).

        Instead of its JSON an event that was damaged on the disk has None.
        """
        found = await self._connection.execute(
            select(events.c.sequence, events.c.payload, events.c.crc32)
            .where(events.c.session_id == session_id, events.c.sequence > cursor)
            .order_by(events.c.sequence)
            .limit(limit)
        )
        return [
            (row.sequence, row.payload if binascii.crc32(row.payload) == row.crc32 else None) for row in found
        ]

    async def bounds(self, session_id: str) -> tuple[int, int]:
        """(oldest sequence still kept, highest sequence ever); (1, 0) when there never was one."""
        row = (
            await self._connection.execute(
                select(sessions.c.oldest_sequence, sessions.c.last_sequence).where(
                    sessions.c.session_id == session_id
                )
            )
        ).first()
        return (1, 0) if row is None else (row.oldest_sequence, row.last_sequence)

    async def prune(self, session_id: str, window: int) -> None:
        """Lets go of events beyond the newest `window`."""
        oldest, last = await self.bounds(session_id)
        floor = last - window + 1
        if floor - oldest <= min(_SLACK, window // 100):
            return
        await self._connection.execute(
            delete(events).where(events.c.session_id == session_id, events.c.sequence < floor)
        )
        await self._connection.execute(
            update(sessions).where(sessions.c.session_id == session_id).values(oldest_sequence=floor)
        )
