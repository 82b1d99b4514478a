"""The ladder down which the index is opened, and what another process's lock means."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from sqlalchemy import MetaData, create_engine, inspect, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import CreateIndex

from jupyter_workspace.db import engine, tables
from jupyter_workspace.db.engine import Database
from jupyter_workspace.db.migrate import upgrade
from jupyter_workspace.errors import Busy, DiskFull, Internal
from tests.unit.opening import caught

_NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "data" / "index.sqlite"


async def opened(*args):
    database = Database(*args)
    return database, await database.open()


async def note(database, key="k"):
    async with database.transaction() as tx:
        await tx.archives.add(f"arc_{key}", "churn", [], _NOON)


async def found(database, key="k"):
    async with database.reading() as tx:
        return await tx.archives.find(f"arc_{key}", "churn", _NOON)


async def test_what_is_committed_is_there_after_the_next_opening(file):
    database, first = await opened(file)
    await note(database)
    await database.close()

    database, second = await opened(file)
    again = await found(database)
    await database.close()

    assert (first.is_empty, first.problem) == (True, None)
    assert (second.is_empty, second.problem) == (False, None)
    assert again == []
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("module", ["sqlalchemy.ext.asyncio", "sqlalchemy.dialects.postgresql"])
def test_a_file_needs_nothing_that_only_a_database_server_needs(module):
    # L9 of the faults: an idle server stays small
    code = f"import sys, jupyter_workspace.workspace; print({module!r} in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"


async def test_a_database_server_keeps_one_live_file_a_path_too(tmp_path):
    database, _ = await opened(None, f"sqlite+aiosqlite:///{tmp_path}/index.sqlite")
    await database.close()

    made = str(CreateIndex(tables.live_paths).compile(dialect=postgresql.dialect()))

    assert made.endswith("ON files (session_id, path) WHERE deleted_at IS NULL")


async def test_without_a_file_the_index_is_in_memory_as_it_was_wished():
    database, how = await opened(None)
    await note(database)

    assert (how.is_empty, how.problem, database.is_lasting) == (True, None, True)
    assert await found(database) == []
    await database.close()


async def test_an_index_can_be_named_by_a_url(tmp_path):
    database, how = await opened(None, f"sqlite+aiosqlite:///{tmp_path}/index.sqlite")
    await note(database)

    assert how.is_empty
    assert await found(database) == []
    await database.close()


# RELIABILITY F2: an index that cannot be kept degrades the service, it never stops it
async def test_a_folder_that_cannot_be_made_leaves_the_index_in_memory(tmp_path):
    (tmp_path / "data").write_text("a file in the way")

    database, how = await opened(tmp_path / "data" / "index.sqlite")
    await note(database)

    assert how.is_empty
    assert "memory only" in how.problem
    assert str(tmp_path) not in how.problem
    assert not database.is_lasting
    await database.close()


@pytest.mark.parametrize("version", [(3, 40, 1), (3, 51, 3)])
async def test_each_step_of_the_ladder_is_tried(file, monkeypatch, version):
    tried = []

    async def refuse(_self, _path, mode):
        tried.append(mode)
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(Database, "_open_file", refuse)
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)

    database, how = await opened(file)
    await database.close()

    assert tried == (["WAL", "TRUNCATE"] if version >= engine.WAL_SAFE else ["TRUNCATE"])
    assert "OperationalError" in how.problem


async def test_a_mode_that_fails_at_its_first_use_is_not_taken(file, monkeypatch):
    async def fail(_self):
        raise _sql_error("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(Database, "_probe", fail)
        database, how = await opened(file)

    assert "memory only" in how.problem
    await database.close()


def _sql_error(reason):
    return OperationalError("UPDATE", {}, sqlite3.OperationalError(reason))


async def test_a_full_disk_says_nothing_against_the_mode(file, monkeypatch):
    async def fail(_self):
        raise _sql_error("database or disk is full")

    monkeypatch.setattr(Database, "_probe", fail)

    database, how = await opened(file)

    assert how.problem is None
    await database.close()


@pytest.mark.parametrize("damage", ["nonsense", "a flipped page", "a missing parent"])
async def test_a_damaged_file_is_set_aside_and_begun_anew(file, damage):
    database, _ = await opened(file)
    await note(database)
    await database.close()
    if damage == "nonsense":
        file.write_bytes(b"nonsense" * 1000)
    elif damage == "a flipped page":
        content = bytearray(file.read_bytes())
        content[4096 * 2 : 4096 * 3] = os.urandom(4096)
        file.write_bytes(content)
    else:
        with sqlite3.connect(file) as connection:
            connection.execute("INSERT INTO notebooks VALUES ('a.ipynb', 'nowhere', 0)")
        connection.close()

    database, how = await opened(file)

    assert how.is_empty
    assert "was damaged" in how.problem
    assert file.with_name("index.sqlite.damaged").exists()
    assert await found(database) is None
    assert await database.check() == []
    await database.close()


# RELIABILITY B5: another process's lock is waited for, then it is busy, never broken
async def test_an_index_that_another_process_locks_is_busy_and_not_damaged(file, monkeypatch):
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.05)
    database, _ = await opened(file)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    busy = await caught(note(database))
    assert not engine._is_damaged(file)
    other.execute("ROLLBACK")
    other.close()
    await note(database)

    assert isinstance(busy, Busy)
    assert await found(database) == []
    await database.close()


async def test_a_short_lock_of_another_process_is_waited_for(file):
    database, _ = await opened(file)
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    waiting = asyncio.create_task(note(database))
    await asyncio.sleep(0)
    other.execute("ROLLBACK")
    other.close()

    await waiting

    assert await found(database) == []
    await database.close()


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("database is locked", Busy), ("database or disk is full", DiskFull), ("no such table", Internal)],
)
async def test_what_the_library_says_becomes_an_error_of_ours(reason, expected):
    database, _ = await opened(None)

    async def fail():
        async with database.transaction():
            raise _sql_error(reason)

    async def fail_to_read():
        async with database.reading():
            raise _sql_error(reason)

    assert isinstance(await caught(fail()), expected)
    assert isinstance(await caught(fail_to_read()), expected)
    await database.close()


async def test_a_transaction_that_fails_leaves_nothing(file):
    database, _ = await opened(file)

    async def fail():
        async with database.transaction() as tx:
            await tx.archives.add("arc_k", "churn", [], _NOON)
            raise Busy

    await caught(fail())

    assert await found(database) is None
    await database.close()


async def test_a_cancelled_transaction_leaves_nothing_and_the_next_one_goes_on(file):
    database, _ = await opened(file)
    begun = asyncio.Event()

    async def hang():
        async with database.transaction() as tx:
            await tx.archives.add("arc_k", "churn", [], _NOON)
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])
    await note(database, "next")

    assert await found(database) is None
    assert await found(database, "next") == []
    await database.close()


async def test_transactions_wait_for_each_other(file):
    database, _ = await opened(file)

    await asyncio.gather(*(note(database, str(number)) for number in range(10)))

    assert [await found(database, str(number)) for number in range(10)] == [[]] * 10
    await database.close()


async def test_a_closed_index_is_busy(file):
    database, _ = await opened(file)
    await database.close()
    await database.close()

    assert isinstance(await caught(note(database)), Busy)


def schema(connection):
    """The tables of a database, as it describes them itself."""
    reflected = MetaData()
    reflected.reflect(connection)
    found = {}
    for name, table in reflected.tables.items():
        columns = [(c.name, str(c.type), c.nullable, c.primary_key) for c in table.columns]
        keys = sorted((key.parent.name, key.target_fullname) for key in table.foreign_keys)
        indexes = sorted((i.name, tuple(c.name for c in i.columns), bool(i.unique)) for i in table.indexes)
        found[name] = (columns, keys, indexes)
    return found


def test_the_migrations_lead_to_the_tables_of_this_release(tmp_path):
    made = create_engine(f"sqlite:///{tmp_path}/made.sqlite")
    migrated = create_engine(f"sqlite:///{tmp_path}/migrated.sqlite")

    with made.begin() as connection:
        tables.metadata.create_all(connection)
        expected = schema(connection)
    with migrated.begin() as connection:
        upgrade(connection)
        revision = connection.scalar(select(tables.alembic_version.c.version_num))
        got = schema(connection)
    for each in (made, migrated):
        each.dispose()

    assert got == expected
    assert revision == tables.REVISION


async def test_an_index_of_an_older_release_is_brought_forward(file, monkeypatch):
    database, _ = await opened(file)
    await note(database)
    await database.close()
    monkeypatch.setattr(tables, "REVISION", "0002")

    database, how = await opened(file)

    assert (how.is_empty, how.problem) == (False, None)
    assert await found(database) == []
    await database.close()


async def test_an_index_of_a_newer_release_is_set_aside_and_made_again(file):
    database, _ = await opened(file)
    await note(database)
    await database.close()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()

    database, how = await opened(file)

    assert how.is_empty
    assert "newer release" in how.problem
    assert file.with_name("index.sqlite.newer").exists()
    assert await found(database) is None
    await database.close()


def test_every_table_has_a_primary_key(tmp_path):
    made = create_engine(f"sqlite:///{tmp_path}/made.sqlite")
    with made.begin() as connection:
        tables.metadata.create_all(connection)
        keys = {
            name: inspect(connection).get_pk_constraint(name)["constrained_columns"]
            for name in inspect(connection).get_table_names()
        }
    made.dispose()

    assert all(keys.values())


@pytest.mark.parametrize("bit", [0x01, 0x80])
@pytest.mark.parametrize("name", [b"provenance TEXT", b"INDEX files_path", b"CREATE TABLE sessions"])
async def test_a_damaged_schema_is_set_aside(file, bit, name):
    database, _ = await opened(file)
    await database.close()
    content = bytearray(file.read_bytes())
    content[content.index(name) + 3] ^= bit
    file.write_bytes(content)

    database, again = await opened(file)
    await note(database)
    await database.close()

    assert (again.is_empty, "damaged" in again.problem) == (True, True)
