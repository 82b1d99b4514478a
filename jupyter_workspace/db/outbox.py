"""Journal lines on their way: committed with the rows they tell of, then appended to the journal.

A line that is still here at start may or may not be in its journal; it is appended again when the
journal ends before its position.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import and_, delete, insert, or_, select, update

from jupyter_workspace.db.connection import Connection
from jupyter_workspace.db.tables import outbox, sessions
from jupyter_workspace.protocol.journal import JournalEntry, encode_line

__all__ = ["Outbox", "OutboxLine"]


class OutboxLine(Struct, frozen=True):
    """A line for the journal of a session; `position` is its number there."""

    session_id: str
    position: int
    line: bytes


class Outbox:
    """The lines that this transaction adds, and those of others that still wait."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._positions: dict[str, int] = {}
        self._written = 0
        self.added: list[OutboxLine] = []
        #: the sessions whose own record was changed
        self.changed_sessions: set[str] = set()

    async def add(self, session_id: str, kind: str, body: Any) -> None:
        """Adds the next line of a session's journal."""
        if kind == "session":
            self.changed_sessions.add(session_id)
        await self._append(session_id, kind, msgspec.to_builtins(body))

    async def mark(self, session_id: str, last_sequence: int) -> None:
        """Writes down the highest sequence of a session's log: it must outlive the log itself."""
        await self._append(session_id, "sequence", {"last": last_sequence})

    async def _append(self, session_id: str, kind: str, body: dict[str, Any]) -> None:
        position = self._positions.get(session_id)
        if position is None:
            position = await self._connection.scalar(
                select(sessions.c.journal_position).where(sessions.c.session_id == session_id)
            )
        position = (position or 0) + 1
        self._positions[session_id] = position
        line = encode_line(JournalEntry(position=position, kind=kind, body=body))
        self.added.append(OutboxLine(session_id, position, line))

    async def flush(self) -> None:
        """Writes what was added; the last act before the commit."""
        new = self.added[self._written :]
        if not new:
            return
        self._written = len(self.added)
        for session_id in {line.session_id for line in new}:
            await self._connection.execute(
                update(sessions)
                .where(sessions.c.session_id == session_id)
                .values(journal_position=self._positions[session_id])
            )
        await self._connection.execute(insert(outbox), [msgspec.structs.asdict(line) for line in new])

    async def waiting(self) -> list[OutboxLine]:
        """All lines, each session's in order."""
        rows = await self._connection.execute(select(outbox).order_by(outbox.c.session_id, outbox.c.position))
        return [OutboxLine(row.session_id, row.position, row.line) for row in rows]

    async def drop(self, flushed: Mapping[str, int]) -> None:
        """Forgets the lines that are in their journals: for each session all up to this position."""
        clauses = [
            and_(outbox.c.session_id == session_id, outbox.c.position <= position)
            for session_id, position in flushed.items()
        ]
        await self._connection.execute(delete(outbox).where(or_(*clauses)))
