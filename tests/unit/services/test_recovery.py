"""Index and journals after a crash or damage: what the next start makes of the two."""

import shutil
import sqlite3

import pytest

from jupyter_workspace.errors import SessionNotFound
from jupyter_workspace.models.session import SessionChange
from jupyter_workspace.protocol.journal import JournalEntry, encode_line
from jupyter_workspace.services import recovery as recovering
from jupyter_workspace.services.replay import replay
from tests.unit.opening import ADA, FailsAt, caught, content_of, events, indexed, session, upload, write


@pytest.fixture
async def left(opener):
    """What a server left: a session with a file, one in the trash and one with an old version."""
    async with opener() as workspace:
        await session(workspace, name="Churn", notebook_path="churn.ipynb")
        await upload(workspace, "a.csv", b"a", metadata={"rows": 1})
        doomed = await upload(workspace, "deleted.csv", b"deleted")
        await workspace.artifacts.delete(ADA, "churn", [doomed.attachment_id], permanent=False)
        await upload(workspace, "twice.csv", b"once")
        await upload(workspace, "twice.csv", b"twice", on_conflict="replace")
        return await indexed(workspace)


def lose_index(opener):
    opener.database.unlink()


def change_index(opener, statement, *values):
    with sqlite3.connect(opener.database) as connection:
        connection.execute(statement, values)
    connection.close()


def change_journal(opener, change):
    opener.journal().write_bytes(change(opener.journal().read_bytes()))


def messages(workspace):
    return [problem.message for problem in workspace.problems()]


async def agrees(workspace, opener):
    _, _, files, versions = await indexed(workspace)
    state = replay("churn", opener.journal().read_bytes())
    return (state.files, state.versions, state.damaged) == (files, versions, 0)


async def test_a_start_after_a_clean_stop_changes_nothing(opener, left):
    journal = opener.journal().read_bytes()

    async with opener() as workspace:
        found = await indexed(workspace)
        problems = workspace.problems()

    assert found == left
    assert problems == []
    assert opener.journal().read_bytes() == journal


# API 1: losing the index never loses a file
async def test_a_lost_index_is_made_again_from_the_journals(opener, left):
    lose_index(opener)

    async with opener() as workspace:
        found = await indexed(workspace)
        kept = [event["sequence"] for event in await events(workspace)]

    assert (found[0].name, found[0].notebooks) == ("Churn", ["churn.ipynb"])
    assert found[1:] == left[1:]
    assert kept == []
    assert [problem.code for problem in workspace.problems()] == ["index_rebuilt"]


# RELIABILITY C8: bytes that changed on the disk may leave a readable file whose values make no sense
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE files SET metadata = '{'",
        "UPDATE files SET version = 'second'",
        "UPDATE sessions SET created_at = 'yesterday'",
        "UPDATE sessions SET last_sequence = 'many'",
        "UPDATE files SET provenance = X'FF'",
    ],
)
async def test_an_index_of_unreadable_values_is_made_again_from_the_journals(opener, left, statement):
    change_index(opener, statement)

    async with opener() as workspace:
        found = await indexed(workspace)
        codes = {problem.code for problem in workspace.problems()}

    assert found[1:] == left[1:]
    assert codes & {"index_degraded", "index_rebuilt"}


# S0-49, S0-51, S0-52, API 11.33: sequences go on after a rebuild, older cursors are reset
async def test_sequences_go_on_after_a_rebuild(opener, left):
    last = left[0].last_sequence
    lose_index(opener)

    async with opener() as workspace:
        await upload(workspace, "b.csv", b"b")
        [event] = await events(workspace, after=0)
        older = await workspace.parts.log.read("churn", 1)
        future = await workspace.parts.log.read("churn", last + 100)

    assert event["sequence"] > last
    assert (older.reset, future.reset) == (True, True)


async def test_a_lost_journal_is_written_anew_from_the_index(opener, left):
    opener.journal().unlink()

    async with opener() as workspace:
        found = await indexed(workspace)
        is_good = await agrees(workspace, opener)

    assert found == left
    assert is_good
    assert "written anew" in messages(workspace)[0]


async def test_a_journal_that_is_behind_the_index_is_written_anew(opener, left):
    change_journal(opener, lambda journal: journal[: journal.rindex(b"\n", 0, -1) + 1])

    async with opener() as workspace:
        assert await indexed(workspace) == left
        assert await agrees(workspace, opener)


async def test_an_index_that_is_behind_the_journal_follows_it(opener, left):
    old = opener.database.with_suffix(".old")
    shutil.copy(opener.database, old)
    async with opener() as workspace:
        await upload(workspace, "later.csv", b"later")
        later = await indexed(workspace)
    shutil.copy(old, opener.database)

    async with opener() as workspace:
        found = await indexed(workspace)

    assert found[2:] == later[2:]


# S0-29: one bad line hides no other
async def test_a_damaged_line_costs_its_file_at_most_when_the_index_is_lost(opener, left):
    def flip(journal):
        lines = journal.splitlines(keepends=True)
        place = next(n for n, line in enumerate(lines) if b'"attachments/a.csv"' in line)
        lines[place] = lines[place].replace(b"a.csv", b"b.csv")
        return b"".join(lines)

    change_journal(opener, flip)
    lose_index(opener)

    async with opener() as workspace:
        paths = {entry.path for entry in (await indexed(workspace))[2].values()}
        await workspace.reconcile.scan("churn")
        again = {entry.path for entry in (await indexed(workspace))[2].values()}

    assert paths == {"attachments/deleted.csv", "attachments/twice.csv"}
    assert again == paths | {"attachments/a.csv"}
    assert any("1 line(s)" in message for message in messages(workspace))


async def test_a_damaged_line_is_mended_from_the_index(opener, left):
    change_journal(
        opener, lambda journal: journal.replace(b'"a.csv"', b'"b.csv"', 1).replace(b"rows", b"rowx")
    )

    async with opener() as workspace:
        assert await indexed(workspace) == left
        assert await agrees(workspace, opener)


async def test_a_torn_last_line_is_no_damage(opener, left):
    change_journal(opener, lambda journal: journal + b'5f0c2a91 {"position":9')

    async with opener() as workspace:
        assert workspace.problems() == []
        await upload(workspace, "b.csv")
        assert await agrees(workspace, opener)


# A journal that was copied over its own end, or put together from two copies, must not turn back the time.
async def test_lines_that_are_there_twice_say_nothing_new(opener, left):
    lines = opener.journal().read_bytes().splitlines(keepends=True)
    once = replay("churn", b"".join(lines))

    for count in range(1, len(lines) + 1):
        twice = replay("churn", b"".join([*lines, *lines[:count]]))
        assert (twice.files, twice.versions, twice.session) == (once.files, once.versions, once.session)
        assert (twice.position, twice.last_sequence, twice.damaged) == (once.position, once.last_sequence, 0)


async def test_a_journal_that_was_copied_behind_itself_is_as_good_as_before(opener, left):
    change_journal(opener, lambda journal: journal + journal[: journal.rindex(b'"kind":"version"') + 1])
    lose_index(opener)

    async with opener() as workspace:
        found = await indexed(workspace)
        await upload(workspace, "b.csv")
        assert await agrees(workspace, opener)

    assert found[2:] == left[2:]


async def test_lines_of_another_session_and_of_unknown_kinds_are_damage(opener, left):
    entry = next(iter(left[2].values()))
    lines = [
        JournalEntry(position=90, kind="file", body={"attachment_id": 1}),
        JournalEntry(position=91, kind="session", body={"session_id": "other"}),
        JournalEntry(position=92, kind="riddle", body={}),
        JournalEntry(position=93, kind="file_gone", body={}),
        JournalEntry(position=94, kind="sequence", body={"last": "many"}),
    ]
    change_journal(opener, lambda journal: journal + b"".join(map(encode_line, lines)))

    state = replay("churn", opener.journal().read_bytes())

    assert state.damaged == 5
    assert entry.attachment_id in state.files


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE files SET sha256 = 'flipped' WHERE path = 'attachments/a.csv'",
        "UPDATE files SET metadata = '{\"rows\":2}' WHERE path = 'attachments/a.csv'",
        "UPDATE files SET metadata = '{' WHERE path = 'attachments/a.csv'",
        "UPDATE sessions SET live_bytes = 1",
        "DELETE FROM files WHERE path = 'attachments/a.csv'",
        "UPDATE sessions SET name = 'Chum'",
        "DELETE FROM versions",
    ],
)
async def test_a_row_that_changed_by_itself_is_mended_from_the_journal(opener, left, statement):
    change_index(opener, statement)

    async with opener() as workspace:
        found = await indexed(workspace)

    assert found[1:] == left[1:]
    assert found[0].name == "Churn"


async def test_totals_that_are_wrong_are_counted_anew_when_the_journal_is_lost_too(opener, left):
    change_index(opener, "UPDATE sessions SET live_bytes = 1")
    opener.journal().unlink()

    async with opener() as workspace:
        assert (await indexed(workspace))[1:] == left[1:]
        assert await agrees(workspace, opener)


async def test_a_session_that_neither_index_nor_journal_can_tell_of_is_reported(opener, left):
    change_index(opener, "UPDATE files SET metadata = '{'")
    opener.journal().write_bytes(b"nonsense\n")

    async with opener() as workspace:
        assert [problem.session_id for problem in workspace.problems()] == ["churn"]
        assert not workspace.recovery.is_complete
    assert (opener.folder() / "attachments/a.csv").read_bytes() == b"a"


async def test_a_journal_without_a_readable_line_keeps_the_trash_from_being_emptied(opener, left):
    opener.journal().write_bytes(b"nonsense\n")
    lose_index(opener)
    trash = opener.trash()

    async with opener() as workspace:
        error = await caught(workspace.sessions.get(ADA, "churn"))
        assert not workspace.recovery.is_complete

    assert isinstance(error, SessionNotFound)
    assert opener.trash() == trash


async def test_bytes_in_the_trash_that_no_row_knows_go_at_start(opener, left):
    write(opener.state, "trash/art_unknown", b"what a crash left of a purge")

    async with opener():
        pass

    assert "art_unknown" not in opener.trash()
    assert len(opener.trash()) == 2


async def test_a_journal_that_cannot_be_read_is_reported_and_the_others_are_checked(
    opener, left, monkeypatch
):
    async with opener() as workspace:
        await session(workspace, "other")
        journals = workspace.parts.ledger.journals
        monkeypatch.setattr(journals, "read", FailsAt(journals.read, OSError("gone"), 1))

        live = await workspace.recovery.run()

    assert live == ["other"]
    assert messages(workspace) == ["The session could not be checked at start."]


async def test_a_journal_with_many_lines_to_spare_is_written_shorter(opener, left, monkeypatch):
    async with opener() as workspace:
        for number in range(8):
            await workspace.sessions.change(ADA, "churn", SessionChange(name=f"Churn {number}"))
        before = await indexed(workspace)
    lines = opener.journal().read_bytes().count(b"\n")
    position = replay("churn", opener.journal().read_bytes()).position
    monkeypatch.setattr(recovering, "SPARE_LINES", 1)

    async with opener() as workspace:
        assert (await indexed(workspace))[1:] == before[1:]
        state = replay("churn", opener.journal().read_bytes())
        await upload(workspace, "b.csv")
        assert await agrees(workspace, opener)

    assert state.lines < lines
    assert state.position == position


# API 11.32, 11.33: a deleted session stays deleted, its id can be used again, its sequences go on
@pytest.mark.parametrize("is_index_lost", [False, True])
async def test_a_deleted_session_stays_deleted_and_its_id_goes_on(opener, left, is_index_lost):
    async with opener() as workspace:
        last = (await indexed(workspace))[0].last_sequence
        await workspace.sessions.delete(ADA, "churn", with_files=False)
    if is_index_lost:
        lose_index(opener)

    async with opener() as workspace:
        assert isinstance(await caught(workspace.sessions.get(ADA, "churn")), SessionNotFound)
        await session(workspace)
        told = await events(workspace)
        new = (await indexed(workspace))[2]
        contents = {entry.path: await content_of(workspace, key) for key, entry in new.items()}

    assert not new.keys() & left[2].keys()
    assert contents == {"attachments/a.csv": b"a", "attachments/twice.csv": b"twice"}
    assert [event["change_type"] for event in told] == ["created", "created"]
    assert told[0]["sequence"] > last


async def test_an_intent_that_cannot_be_read_is_let_go(opener, left, caplog):
    change_index(opener, "INSERT INTO intents VALUES ('int_1', 'churn', ?)", b"{")

    async with opener() as workspace:
        assert workspace.status == "ok"
        async with workspace.parts.ledger.reading() as tx:
            assert await tx.intents.all() == []
        await upload(workspace, "b.csv")

    assert "int_1" in caplog.text


# The new journal must not be ahead of the index: that would be taken for a difference at each later start
async def test_a_journal_that_was_lost_before_there_was_a_file_is_written_anew_once(opener):
    async with opener() as workspace:
        await session(workspace)
        await session(workspace, "other")
    opener.journal().unlink()
    async with opener() as workspace:
        assert "written anew" in " ".join(messages(workspace))

    async with opener() as workspace:
        assert messages(workspace) == []
