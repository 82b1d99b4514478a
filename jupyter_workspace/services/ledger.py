"""Transactions whose news reach the journals and the readers.

A transaction commits its rows together with the journal lines that tell of them. Right after the
commit the lines are appended to the journals; a line that a crash or a full disk keeps from there
stays in the outbox and is appended before any other. One transaction at a time, so that journals
have their lines in the order of the commits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

from jupyter_workspace.db.engine import Database, Transaction
from jupyter_workspace.db.outbox import OutboxLine
from jupyter_workspace.errors import DiskFull, WorkspaceError
from jupyter_workspace.protocol.journal import last_position
from jupyter_workspace.stores.base import Journals

__all__ = ["Ledger"]

_log = logging.getLogger(__name__)
T = TypeVar("T")


class Ledger:
    """The one door to the database for whatever changes it."""

    def __init__(
        self, database: Database, journals: Journals, make_room: Callable[[], Awaitable[bool]]
    ) -> None:
        self.database = database
        self.journals = journals
        self._make_room = make_room
        self._turn = asyncio.Lock()
        #: held while a batch of publications is between its plan and its end: what it planned must stay so
        self.publishing = asyncio.Lock()
        self._behind: list[OutboxLine] = []
        self._flushed: dict[str, int] = {}
        self._listeners: list[Callable[[frozenset[str]], None]] = []
        self._session_listeners: list[Callable[[frozenset[str]], None]] = []
        self._file_listeners: list[Callable[[frozenset[tuple[str, str]]], None]] = []

    def on_commit(self, listener: Callable[[frozenset[str]], None]) -> None:
        """Calls `listener` after each commit with the ids of the sessions that changed."""
        self._listeners.append(listener)

    def on_session_commit(self, listener: Callable[[frozenset[str]], None]) -> None:
        """Calls `listener` after each commit with the ids of the sessions whose own record changed."""
        self._session_listeners.append(listener)

    def on_file_commit(self, listener: Callable[[frozenset[tuple[str, str]]], None]) -> None:
        """Calls `listener` after each commit with (session_id, attachment_id) of the files that changed."""
        self._file_listeners.append(listener)

    async def insist(self, act: Callable[[], Awaitable[T]]) -> T:
        """What it gives; on a full disk it is done once more, with the room that is set aside for that.

        So files can be deleted, and their deletion written down, where nothing else can be written.
        """
        try:
            return await act()
        except DiskFull:
            if not await self._make_room():
                raise
            return await act()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Transaction]:
        """A transaction; when the block is left, its lines are in the journals too."""
        async with self._turn:
            async with self.database.transaction() as tx:
                if self._flushed:
                    await tx.outbox.drop(self._flushed)
                yield tx
                if not self.database.is_lasting:
                    await self._append_first(tx)
            self._flushed = {}
            added = tx.outbox.added
            await self._flush([*self._behind, *added] if self.database.is_lasting else [])
        if tx.outbox.changed_sessions:
            for listener in self._session_listeners:
                listener(frozenset(tx.outbox.changed_sessions))
        if tx.files.changed:
            for file_listener in self._file_listeners:
                file_listener(frozenset(tx.files.changed))
        changed = frozenset(line.session_id for line in added)
        if changed:
            for listener in self._listeners:
                listener(changed)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """A transaction in which nothing is changed."""
        async with self.database.reading() as tx:
            yield tx

    async def catch_up(self) -> None:
        """Appends what a dead server committed and did not append; called once, at start."""
        async with self.reading() as tx:
            waiting = await tx.outbox.waiting()
        missing: list[OutboxLine] = []
        for session_id, lines in _by_session(waiting).items():
            position = last_position(await self.journals.read(session_id))
            missing.extend(line for line in lines if line.position > position)
        await self._flush(missing)
        if not self._behind:
            self._flushed = _ends(waiting)

    async def _append_first(self, tx: Transaction) -> None:
        """Appends before the commit: lines that only an index in memory has would die with this process."""
        await tx.flush()
        for session_id, own in _by_session(tx.outbox.added).items():
            await self.journals.append(session_id, b"".join(line.line for line in own))

    async def _flush(self, lines: list[OutboxLine]) -> None:
        if not lines:
            return
        try:
            for session_id, own in _by_session(lines).items():
                await self.journals.append(session_id, b"".join(line.line for line in own))
        except (OSError, WorkspaceError) as error:
            self._behind = lines
            # The rows are committed, so nothing is lost: the lines wait in the outbox.
            _log.warning("The journal cannot be written; its lines are kept in the index: %s", error)
            return
        self._behind = []
        self._flushed = _ends(lines)


def _by_session(lines: Iterable[OutboxLine]) -> dict[str, list[OutboxLine]]:
    grouped: dict[str, list[OutboxLine]] = {}
    for line in lines:
        grouped.setdefault(line.session_id, []).append(line)
    return grouped


def _ends(lines: Iterable[OutboxLine]) -> dict[str, int]:
    """The last position of each session among these lines."""
    return {line.session_id: line.position for line in lines}
