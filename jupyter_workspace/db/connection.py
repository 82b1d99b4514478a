"""How repositories speak to the database: one small interface, two ways behind it.

SQLite answers from memory, in microseconds, while handing a statement to a thread and its answer back
costs ten times that, and a publication has dozens of statements. So single statements run at once, where
they are asked; only what can wait for a disk or for another process goes to the one thread of the
database: beginning, committing, and reading many rows. A statement that meets another process's lock does
not wait for it here, it goes to the thread, too. PostgreSQL is asked over its own asynchronous driver.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sqlalchemy import Connection as SyncConnection
from sqlalchemy import CursorResult, Executable, Row
from sqlalchemy.exc import OperationalError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["Connection", "InlineConnection", "NetworkConnection", "is_locked"]

T = TypeVar("T")

#: Lists of values longer than this are written in the thread.
MANY = 50


class Connection(Protocol):
    """A transaction under way."""

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """The result of a statement that concerns few rows; its rows are read at once."""

    async def scalar(self, statement: Executable) -> Any:
        """The first column of the first row, None without one."""

    async def rows(self, statement: Executable, made: Callable[[Row[Any]], T]) -> list[T]:
        """What is made of the rows of a statement that may have, or look at, many."""

    async def run_sync(self, job: Callable[[SyncConnection], T]) -> T:
        """What a blocking job gives, in a thread."""


class NetworkConnection:
    """A transaction of a server."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """See `Connection`."""
        return await self._connection.execute(statement, parameters)

    async def scalar(self, statement: Executable) -> Any:
        """See `Connection`."""
        return await self._connection.scalar(statement)

    async def rows(self, statement: Executable, made: Callable[[Row[Any]], T]) -> list[T]:
        """See `Connection`."""
        return [made(row) for row in await self._connection.execute(statement)]

    async def run_sync(self, job: Callable[[SyncConnection], T]) -> T:
        """See `Connection`."""
        return await self._connection.run_sync(job)


class InlineConnection:
    """A transaction of SQLite.

    thread: the database's only one. patience: how long a statement waits there for another process's
    lock, in seconds; here it never waits.
    """

    def __init__(self, connection: SyncConnection, thread: Executor, patience: float) -> None:
        self._connection = connection
        self._thread = thread
        self._patience = patience

    async def begin(self) -> None:
        """Begins to write; waits for another process that does."""
        # IMMEDIATE: a transaction that reads first and writes later could otherwise fail half-way.
        await self.run_sync(lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))

    async def commit(self) -> None:
        """Commits, durably."""
        await self.run_sync(SyncConnection.commit)

    async def rollback(self) -> None:
        """Takes back what was not committed."""
        await self.run_sync(SyncConnection.rollback)

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """See `Connection`."""
        if isinstance(parameters, list) and len(parameters) > MANY:
            return await self.run_sync(lambda connection: connection.execute(statement, parameters))
        try:
            return self._connection.execute(statement, parameters)
        except OperationalError as error:
            if not is_locked(error):
                raise
        return await self.run_sync(lambda connection: connection.execute(statement, parameters))

    async def scalar(self, statement: Executable) -> Any:
        """See `Connection`."""
        return (await self.execute(statement)).scalar()

    async def rows(self, statement: Executable, made: Callable[[Row[Any]], T]) -> list[T]:
        """See `Connection`."""
        return await self.run_sync(lambda connection: [made(row) for row in connection.execute(statement)])

    async def run_sync(self, job: Callable[[SyncConnection], T]) -> T:
        """See `Connection`; runs to its end even when the caller is cancelled: there is one connection."""

        def patiently() -> T:
            self._set_patience(self._patience)
            try:
                return job(self._connection)
            finally:
                self._set_patience(0)

        done = asyncio.get_running_loop().run_in_executor(self._thread, patiently)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            await asyncio.wait([done])
            raise

    def _set_patience(self, seconds: float) -> None:
        self._connection.exec_driver_sql(f"PRAGMA busy_timeout={int(seconds * 1000)}")


def is_locked(error: OperationalError) -> bool:
    """Whether another process has the database."""
    reason = str(error.orig)
    return "locked" in reason or "busy" in reason
