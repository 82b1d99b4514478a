"""Publications that were promised and are not finished."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select

from jupyter_workspace.db.connection import Connection
from jupyter_workspace.db.tables import intents
from jupyter_workspace.models.entry import Intent

__all__ = ["Intents"]

_log = logging.getLogger(__name__)


class Intents:
    """The intents; few at any time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._added: list[dict[str, Any]] = []

    def add(self, intent: Intent) -> None:
        """Promises a publication."""
        payload = msgspec.json.encode(intent)
        self._added.append(
            {"intent_id": intent.intent_id, "session_id": intent.session_id, "payload": payload}
        )

    async def flush(self) -> None:
        """Writes what was added."""
        if self._added:
            await self._connection.execute(insert(intents), self._added)
            self._added = []

    async def drop(self, intent_ids: list[str]) -> None:
        """Ends them: they were finished or taken back."""
        if not intent_ids:
            return
        await self._connection.execute(delete(intents).where(intents.c.intent_id.in_(intent_ids)))

    async def all(self) -> list[Intent]:
        """Those that a dead server left behind; one that cannot be read any more is forgotten."""
        found, lost = [], []
        for row in await self._connection.execute(select(intents.c.intent_id, intents.c.payload)):
            try:
                found.append(msgspec.json.decode(row.payload, type=Intent))
            except msgspec.DecodeError:
                _log.warning("The intent %s cannot be read; a scan will find what it left.", row.intent_id)
                lost.append(row.intent_id)
        await self.drop(lost)
        return found
