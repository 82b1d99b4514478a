"""The log of every session, announced on a bus: a reader like any other, from now on."""

from __future__ import annotations

import asyncio
import logging

from jupyter_workspace.errors import SessionNotFound, WorkspaceError
from jupyter_workspace.integrations.base import Bus
from jupyter_workspace.services.parts import Parts

__all__ = ["Announcing"]

_log = logging.getLogger(__name__)

#: Commits within this many seconds are read together: the bus is for news, not for throughput.
PAUSE_SECONDS = 0.02


class Announcing:
    """Reads and announces; one task, owned by `open_workspace`. Nothing ever waits for it."""

    def __init__(self, parts: Parts, bus: Bus) -> None:
        self._parts = parts
        self._bus = bus
        self._changed: set[str] = set()
        self._work = asyncio.Event()
        self._cursors: dict[str, int] = {}
        parts.ledger.on_commit(self._note)

    def _note(self, changed: frozenset[str]) -> None:
        self._changed |= changed
        self._work.set()

    async def begin(self) -> None:
        """Puts every cursor at the end of its log: what happened before is no news."""
        async with self._parts.ledger.reading() as tx:
            self._cursors = {entry.session_id: entry.last_sequence for entry, _ in await tx.sessions.all()}

    async def run(self) -> None:
        """Announces until cancelled."""
        while True:
            await self._work.wait()
            self._work.clear()
            await asyncio.sleep(PAUSE_SECONDS)
            while self._changed:
                await self._announce(self._changed.pop())

    async def _announce(self, session_id: str) -> None:
        cursor = self._cursors.get(session_id, 0)
        try:
            while (part := await self._parts.log.read(session_id, cursor)).records or part.reset:
                for record in part.records:
                    self._bus.announce(record.payload)
                    # Each event goes through a validator and to every listener: others take turns.
                    await asyncio.sleep(0)
                self._cursors[session_id] = cursor = part.cursor(cursor)
        except SessionNotFound:
            self._cursors.pop(session_id, None)
        except WorkspaceError as error:
            # The cursor stands where it was: after the next change of this session all is announced.
            _log.info("Session %s cannot be announced now: %s", session_id, error)
