"""The database and its transactions.

SQLite is used through one connection of one thread: SQLite libraries before 3.51.3 can damage a
WAL database that several connections write to, and every close of the file by this process would
drop the locks of the others. A transaction therefore holds the connection, and waits its turn for
it. How the file is opened is found by trying (`probe`), down a ladder that ends in memory: an index
that cannot be kept degrades the service, it never stops it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from sqlalchemy import Engine, create_engine, event, insert, select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import StaticPool

from jupyter_workspace.db import tables
from jupyter_workspace.db.archives import Archives
from jupyter_workspace.db.connection import Connection, InlineConnection, NetworkConnection, is_locked
from jupyter_workspace.db.discarded import Discarded
from jupyter_workspace.db.events import Events
from jupyter_workspace.db.files import Files
from jupyter_workspace.db.intents import Intents
from jupyter_workspace.db.keys import Keys
from jupyter_workspace.db.outbox import Outbox
from jupyter_workspace.db.prints import Prints
from jupyter_workspace.db.sessions import Sessions
from jupyter_workspace.db.uploads import Uploads
from jupyter_workspace.errors import Busy, DiskFull, Internal, WorkspaceError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["DAMAGED", "Database", "Opened", "Transaction"]

DAMAGED = "The index was damaged; it has been rebuilt from the journals."

#: How long a statement waits for another process's lock, in seconds (RELIABILITY B5).
BUSY_SECONDS = 5.0

#: From this SQLite on, a WAL database is safe with a checkpoint racing a writer.
WAL_SAFE = (3, 51, 3)


class Transaction:
    """One transaction, with one repository a noun."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.outbox = Outbox(connection)
        self.sessions = Sessions(connection, self.outbox)
        self.files = Files(connection, self.outbox)
        self.discarded = Discarded(connection)
        self.prints = Prints(connection)
        self.events = Events(connection)
        self.intents = Intents(connection)
        self.keys = Keys(connection)
        self.archives = Archives(connection)
        self.uploads = Uploads(connection)
        #: what operations planned in this transaction will publish: '<session>/<path>'
        self.claimed: set[str] = set()

    async def flush(self) -> None:
        """Writes what the repositories have gathered; the last act before the commit."""
        await self.intents.flush()
        await self.files.flush()
        await self.outbox.flush()


class Opened(Struct, frozen=True, kw_only=True):
    """How the database could be opened.

    `is_empty` says that it holds nothing and must be filled from the journals; `problem` is the
    sentence for the administrator when a step of the ladder had to be taken.
    """

    is_empty: bool
    problem: str | None = None


class _MadeLaterError(Internal):
    """The tables have a form that only a later release knows."""


class Database:
    """The index. `url` is an SQLAlchemy URL, or None for SQLite at `path`."""

    def __init__(self, path: Path | None, url: str | None = None) -> None:
        self._path = path
        self._url = url
        self._turn = asyncio.Lock()
        self._file: Engine | None = None
        self._server: AsyncEngine | None = None
        self._thread: ThreadPoolExecutor | None = None
        #: whether what is committed stays where it was wished to be
        self.is_lasting = True
        self._has_started_over = False

    async def open(self) -> Opened:
        """Opens it, makes its tables if need be, and says how that went."""
        if self._url is not None:
            return await self._open_url(self._url)
        attempts: list[str] = []
        if self._path is not None:
            for mode in ["WAL", "TRUNCATE"] if sqlite3.sqlite_version_info >= WAL_SAFE else ["TRUNCATE"]:
                try:
                    return await self._open_file(self._path, mode)
                except (DBAPIError, OSError, sqlite3.Error) as error:
                    attempts.append(f"{mode}: {type(error).__name__}")
                    await self.close()
        self._open_sqlite(":memory:", "MEMORY")
        await self._make_tables()
        if self._path is None:
            return Opened(is_empty=True)
        self.is_lasting = False
        tried = ", ".join(attempts)
        return Opened(is_empty=True, problem=f"The index is kept in memory only ({tried}).")

    async def start_over(self) -> bool:
        """Sets the file aside and begins an empty one, since it cannot be read after all.

        False when there is no file, or this was done before: then something else is wrong.
        """
        if self._path is None or self._url is not None or not self.is_lasting or self._has_started_over:
            return False
        self._has_started_over = True
        await self.close()
        await asyncio.to_thread(_set_aside, self._path, "damaged")
        await self.open()
        return True

    async def _open_url(self, url: str) -> Opened:
        from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 - 6 MiB, for a server only

        tables.know_postgresql()
        self._server = create_async_engine(url, pool_pre_ping=True)
        return Opened(is_empty=await self._make_tables())

    async def _open_file(self, path: Path, mode: str) -> Opened:
        await asyncio.to_thread(path.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
        problem = None
        if await asyncio.to_thread(_is_damaged, path):
            await asyncio.to_thread(_set_aside, path, "damaged")
            problem = DAMAGED
        self._open_sqlite(str(path), mode)
        try:
            is_empty = await self._make_tables()
        except _MadeLaterError:
            await self.close()
            await asyncio.to_thread(_set_aside, path, "newer")
            problem = "The index was made by a newer release; it has been rebuilt from the journals."
            self._open_sqlite(str(path), mode)
            is_empty = await self._make_tables()
        try:
            await self._probe()
        except OperationalError as error:
            # A full disk says nothing against the mode, and what is there can be read.
            if not _is_full(error):
                raise
        return Opened(is_empty=is_empty, problem=problem)

    async def _make_tables(self) -> bool:
        """Makes what is missing, or migrates; True when there was no table before."""
        async with self._begin() as connection:
            await connection.run_sync(tables.metadata.create_all)
            marks = tables.alembic_version
            found = await connection.scalar(select(marks.c.version_num))
            if found is None:
                await connection.execute(insert(marks).values(version_num=tables.REVISION))
            elif found > tables.REVISION:
                raise _MadeLaterError("The index was made by a newer release of jupyter_workspace.")
            elif found != tables.REVISION:
                from jupyter_workspace.db.migrate import upgrade  # noqa: PLC0415  (alembic is slow to import)

                await connection.run_sync(upgrade)
        return found is None

    async def _probe(self) -> None:
        """A real write in the wanted mode: some file systems accept a mode and fail at its first use."""
        async with self._begin() as connection:
            await connection.execute(update(tables.alembic_version).values(version_num=tables.REVISION))

    def _open_sqlite(self, path: str, mode: str) -> None:
        self._file = _sqlite_engine(path, mode)
        self._thread = ThreadPoolExecutor(1, "workspace-index")

    async def close(self) -> None:
        """Closes every connection; a transaction under way is waited for."""
        async with self._turn:
            if self._server is not None:
                await self._server.dispose()
                self._server = None
            if self._file is not None and self._thread is not None:
                await asyncio.get_running_loop().run_in_executor(self._thread, self._file.dispose)
                self._thread.shutdown()
                self._file = self._thread = None

    @asynccontextmanager
    async def _begin(self, *, to_write: bool = True) -> AsyncIterator[Connection]:
        if self._server is not None:
            async with self._server.begin() as found:
                yield NetworkConnection(found)
            return
        async with self._turn:
            if self._file is None or self._thread is None:
                raise Busy("The index is closed.")
            with self._file.connect() as single:
                connection = InlineConnection(single, self._thread, BUSY_SECONDS)
                try:
                    if to_write:
                        await connection.begin()
                    yield connection
                    if to_write:
                        await connection.commit()
                except BaseException:
                    await connection.rollback()
                    raise

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """A transaction in which nothing is changed; raises as `transaction` does."""
        try:
            async with self._begin(to_write=False) as connection:
                yield Transaction(connection)
        except DBAPIError as error:
            raise _translated(error) from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction that commits at the end of the block, or rolls back when it raises.

        Raises Busy when another process holds the database for longer than `BUSY_SECONDS`, DiskFull
        when there is no room for it.
        """
        try:
            async with self._begin() as connection:
                transaction = Transaction(connection)
                yield transaction
                await transaction.flush()
        except DBAPIError as error:
            raise _translated(error) from error

    async def check(self) -> list[str]:
        """What SQLite's own checks have to say; empty when all is well."""
        async with self._begin() as connection:
            rows = await connection.rows(text("PRAGMA integrity_check"), lambda row: str(row[0]))
            broken = await connection.rows(text("PRAGMA foreign_key_check"), str)
        return [row for row in rows if row != "ok"] + [f"foreign key: {row}" for row in broken]


def _translated(error: DBAPIError) -> WorkspaceError:
    if isinstance(error, OperationalError) and is_locked(error):
        return Busy("The index is locked by another process.")
    if _is_full(error):
        return DiskFull()
    return Internal("The index cannot be used.")


def _is_full(error: DBAPIError) -> bool:
    return "disk is full" in str(error.orig)


def _sqlite_engine(path: str, mode: str) -> Engine:
    engine = create_engine(
        f"sqlite+pysqlite:///{path}",
        poolclass=StaticPool,
        # Used by one task at a time, here or in the database's thread.
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        # The driver's own idea of when a transaction begins is switched off.
        connection.isolation_level = None
        cursor = connection.cursor()
        pragmas = [f"journal_mode={mode}", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"]
        for pragma in [*pragmas, "busy_timeout=0"]:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def _is_damaged(path: Path) -> bool:
    """Whether the file cannot be trusted; done before our own connection opens it, and by SQLite only."""
    if not path.exists():
        return False
    try:
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS)
        # What the checks say names damaged things, in whatever bytes those have now.
        connection.text_factory = bytes
        try:
            rows = connection.execute("PRAGMA integrity_check").fetchall()
            broken = connection.execute("PRAGMA foreign_key_check").fetchall()
            return rows != [(b"ok",)] or bool(broken) or not _has_all_columns(connection)
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        return not isinstance(error, sqlite3.OperationalError) or not _is_passing(str(error))
    except UnicodeDecodeError:
        # The message of an error that names a damaged thing.
        return True


def _has_all_columns(connection: sqlite3.Connection) -> bool:
    """Whether the tables of our own revision have the columns they should: names can be damaged, too."""
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    revision = tables.alembic_version.name
    if revision.encode() not in names:
        return not names
    if connection.execute(f"SELECT version_num FROM {revision}").fetchone() != (tables.REVISION.encode(),):  # noqa: S608
        return True
    for table in tables.metadata.tables.values():
        columns = {row[1] for row in connection.execute(f"PRAGMA table_info([{table.name}])")}
        if columns != {column.name.encode() for column in table.columns}:
            return False
    return True


def _is_passing(reason: str) -> bool:
    """Whether it is not the file's fault that it cannot be read just now."""
    return "locked" in reason or "disk is full" in reason


def _set_aside(path: Path, mark: str) -> None:
    """Moves a database that cannot be used out of the way, keeping the last one for whoever wants to look."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(path.with_name(f"{path.name}.{mark}{suffix}"))
