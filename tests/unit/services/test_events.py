"""One log, many readers: cursors, waiting, damage, and what a thousand readers cost."""

import asyncio
from contextlib import asynccontextmanager

import msgspec
import pytest
from sqlalchemy import text

from jupyter_workspace.errors import Busy, SessionNotFound
from jupyter_workspace.models.entry import Change
from jupyter_workspace.protocol.query import Filters
from jupyter_workspace.services import announcing, manifest
from jupyter_workspace.services import events as module
from jupyter_workspace.services.events import event_of
from jupyter_workspace.services.settings import Actor
from tests.unit.opening import ADA, caught, session, upload

EVERYTHING = Filters()


@pytest.fixture(autouse=True)
def others_at_rest(monkeypatch):
    """Nobody else reads the index because of what a test does: the manifest's and the bus's reader wait."""
    monkeypatch.setattr(announcing, "PAUSE_SECONDS", 3600)
    monkeypatch.setattr(manifest, "QUIET_SECONDS", 3600)


@pytest.fixture
async def log(workspace):
    await session(workspace)
    return workspace.parts.log


async def fill(workspace, count, session_id="churn"):
    for number in range(count):
        await upload(workspace, f"{number}.csv", session_id=session_id)


def sequences(part):
    return [record.sequence for record in part.records]


async def statement(workspace, sql):
    async with workspace.parts.ledger.writing() as tx:
        await tx.connection.execute(text(sql))


def forget(log):
    """As after a restart: nothing is in memory."""
    log._tails.clear()


@pytest.fixture
def queries(workspace, monkeypatch):
    """How often the index was read."""
    count = []
    reading = workspace.parts.ledger.reading

    @asynccontextmanager
    async def counted():
        count.append(1)
        async with reading() as tx:
            yield tx

    monkeypatch.setattr(workspace.parts.ledger, "reading", counted)
    return count


# S0-34, S0-49
async def test_only_later_events_are_read_in_order(workspace, log):
    await fill(workspace, 4)

    assert sequences(await log.read("churn", 0)) == [1, 2, 3, 4]
    assert sequences(await log.read("churn", 2)) == [3, 4]
    assert sequences(await log.read("churn", 4)) == []
    assert sequences(await log.read("churn", 1, 2)) == [2, 3]
    assert await log.end("churn") == 4


# S0-52: cursors are valid after a restart
async def test_what_is_not_in_memory_is_read_from_the_index(workspace, log, monkeypatch):
    monkeypatch.setattr(module, "FIRST", 2)
    await fill(workspace, 6)
    forget(log)

    assert sequences(await log.read("churn", 0)) == [1, 2, 3, 4, 5, 6]
    assert sequences(await log.read("churn", 4)) == [5, 6]
    assert sequences(await log.read("churn", 1, 3)) == [2, 3, 4]


async def test_a_reader_far_behind_is_given_what_it_missed_in_pieces(workspace, log, monkeypatch):
    monkeypatch.setattr(module, "FIRST", 1)
    monkeypatch.setattr(module, "CHUNK", 2)
    await fill(workspace, 6)
    forget(log)
    cursor, seen = 0, []

    while len(seen) < 6:
        part = await log.read("churn", cursor)
        seen += sequences(part)
        cursor = part.cursor(cursor)

    assert seen == [1, 2, 3, 4, 5, 6]


# S0-61: found by the soak, as a reset and an event that came twice
async def test_a_reader_far_behind_is_not_ahead_of_a_commit_whose_journal_is_being_written(
    workspace, log, monkeypatch
):
    monkeypatch.setattr(module, "FIRST", 2)
    await fill(workspace, 5)
    forget(log)
    await log.end("churn")
    ledger, parts, cursor = workspace.parts.ledger, [], 1
    append = ledger.journals.append

    async def appended(*line):
        nonlocal cursor
        for _ in range(2):
            parts.append(await log.read("churn", cursor))
            cursor = parts[-1].cursor(cursor)
        await append(*line)

    with monkeypatch.context() as patch:
        patch.setattr(ledger.journals, "append", appended)
        await upload(workspace, "more.csv")
    parts.append(await log.read("churn", cursor))

    assert not any(part.reset for part in parts)
    assert [sequence for part in parts for sequence in sequences(part)] == [2, 3, 4, 5, 6]


async def test_a_long_log_is_kept_in_memory_only_at_its_end(workspace, log, monkeypatch):
    monkeypatch.setattr(module, "KEPT", 3)
    for number in range(5):
        await upload(workspace, f"{number}.csv")
        await log.read("churn", number)

    assert [record.sequence for record in log._tails["churn"].records] == [3, 4, 5]
    assert sequences(await log.read("churn", 0)) == [1, 2, 3, 4, 5]


async def test_more_events_at_once_than_memory_keeps_are_all_read(workspace, log, monkeypatch):
    monkeypatch.setattr(module, "KEPT", 3)
    await log.read("churn", 0)
    await fill(workspace, 7)

    assert sequences(await log.read("churn", 0)) == [1, 2, 3, 4, 5, 6, 7]
    assert sequences(await log.read("churn", 5)) == [6, 7]


# S0-51
@pytest.mark.parametrize("cursor", [3, 99, 2**63 - 1])
async def test_a_cursor_of_the_future_is_reset(workspace, log, cursor):
    await fill(workspace, 2)

    part = await log.read("churn", cursor)

    assert (part.reset, part.last, sequences(part), part.cursor(cursor)) == (True, 2, [], 2)


# S0-50
async def test_a_cursor_older_than_the_log_is_reset_and_the_beginning_never_is(opener):
    async with opener(in_memory=True, event_window=2) as workspace:
        await session(workspace)
        log = workspace.parts.log
        await fill(workspace, 4)
        await statement(workspace, "DELETE FROM events WHERE sequence < 3")
        await statement(workspace, "UPDATE sessions SET oldest_sequence = 3")
        forget(log)

        assert (await log.read("churn", 1)).reset
        assert sequences(await log.read("churn", 2)) == [3, 4]
        assert sequences(await log.read("churn", 0)) == [3, 4]


# S0-59
async def test_the_log_of_a_session_that_is_not_there_is_not_found(workspace, log):
    assert isinstance(await caught(log.read("nowhere", 0)), SessionNotFound)
    assert isinstance(await caught(log.require(ADA, "nowhere")), SessionNotFound)
    assert isinstance(await caught(log.end("nowhere")), SessionNotFound)


async def test_the_log_of_somebody_elses_session_is_not_found(workspace, log):
    stranger = Actor(owner="eve", name="eve")

    assert await log.require(ADA, "churn") is None
    assert isinstance(await caught(log.require(stranger, "churn")), SessionNotFound)


# API 11.33: sequences outlive a session
async def test_a_session_made_again_goes_on_counting_and_tells_nothing_old(workspace, log):
    await fill(workspace, 2)
    await log.read("churn", 0)
    await workspace.sessions.delete(ADA, "churn", with_files=True)
    await session(workspace)
    await upload(workspace, "new.csv")

    assert (await log.read("churn", 1)).reset
    assert sequences(await log.read("churn", 0)) == [3]


async def damage(workspace, log, sequence):
    await statement(workspace, f"UPDATE events SET payload = x'7b' WHERE sequence = {sequence}")
    forget(log)


# S16 of the faults: a log that was damaged on the disk says so to its readers instead of failing
async def test_a_damaged_event_resets_those_who_come_to_it(workspace, log, monkeypatch):
    monkeypatch.setattr(module, "FIRST", 2)
    await fill(workspace, 6)
    await damage(workspace, log, 3)

    assert sequences(await log.read("churn", 1)) == [2]
    assert (await log.read("churn", 2)).reset
    assert sequences(await log.read("churn", 3)) == [4, 5, 6]
    assert [problem.code for problem in workspace.problems()] == ["events_damaged"]


async def test_a_beginning_that_is_damaged_is_passed_over(workspace, log, monkeypatch):
    monkeypatch.setattr(module, "FIRST", 1)
    await fill(workspace, 4)
    await damage(workspace, log, 1)

    assert sequences(await log.read("churn", 0)) == [2, 3, 4]


async def test_a_log_of_which_nothing_can_be_read_resets(workspace, log, monkeypatch):
    monkeypatch.setattr(module, "FIRST", 0)
    await fill(workspace, 2)
    await damage(workspace, log, 1)
    await damage(workspace, log, 2)

    assert (await log.read("churn", 0)).reset


async def test_damage_among_the_newest_events_is_met_by_those_behind_it_only(workspace, log):
    await fill(workspace, 5)
    await damage(workspace, log, 3)

    assert sequences(await log.read("churn", 3)) == [4, 5]
    assert (await log.read("churn", 2)).reset
    assert [problem.code for problem in workspace.problems()] == ["events_damaged"]


async def test_an_event_that_is_no_event_counts_as_damaged(workspace, log):
    await fill(workspace, 3)
    await statement(workspace, "UPDATE events SET payload = x'7b7d', crc32 = 2745614147 WHERE sequence = 2")
    forget(log)

    assert sequences(await log.read("churn", 0)) == [1] or (await log.read("churn", 1)).reset


async def test_an_event_that_is_missing_counts_as_damaged(workspace, log):
    await fill(workspace, 3)
    await statement(workspace, "DELETE FROM events WHERE sequence = 2")
    forget(log)

    assert sequences(await log.read("churn", 0)) == [1]
    assert (await log.read("churn", 1)).reset


# S0-47, S0-60
async def test_a_new_event_wakes_who_waits(workspace, log):
    waiting = asyncio.create_task(log.next("churn", 0, 30))
    await asyncio.sleep(0)
    await upload(workspace, "a.csv")

    async with asyncio.timeout(5):
        assert sequences(await waiting) == [1]


async def test_what_is_there_already_is_not_waited_for(workspace, log):
    await fill(workspace, 1)

    async with asyncio.timeout(5):
        assert sequences(await log.next("churn", 0, 60)) == [1]
        assert (await log.next("churn", 7, 60)).reset


async def test_several_who_wait_are_all_let_go(workspace, log):
    waiting = [asyncio.create_task(log.next("churn", 0, wait)) for wait in (0.01, 30)]
    await asyncio.sleep(0.1)
    assert [one.done() for one in waiting] == [True, False]
    log.close()

    async with asyncio.timeout(5):
        assert isinstance(await caught(waiting[1]), Busy)


async def test_a_wait_ends_with_its_time(workspace, log):
    part = await log.next("churn", 0, 0.01)

    assert (sequences(part), part.reset, part.cursor(0)) == ([], False, 0)
    assert log._news == {}


async def test_a_wait_for_what_is_there_already_ends_at_once(workspace, log):
    await fill(workspace, 1)
    await log.read("churn", 0)

    async with asyncio.timeout(5):
        await log.wait("churn", 0, 60)
        await log.wait("unknown", 0, 60)


# API 11.39
async def test_a_wait_ends_when_the_session_is_deleted(workspace, log):
    waiting = asyncio.create_task(log.next("churn", 0, 30))
    await asyncio.sleep(0)
    await workspace.sessions.delete(ADA, "churn", with_files=False)

    async with asyncio.timeout(5):
        assert isinstance(await caught(waiting), SessionNotFound)


async def test_a_commit_of_another_session_wakes_nobody(workspace, log):
    await session(workspace, "other")
    waiting = asyncio.create_task(log.next("churn", 0, 0.2))
    await asyncio.sleep(0)
    await upload(workspace, "a.csv", session_id="other")

    assert sequences(await waiting) == []


async def test_a_thousand_readers_cost_one_query_for_a_commit(workspace, log, queries):
    await log.read("churn", 0)
    waiting = [asyncio.create_task(log.next("churn", 0, 30)) for _ in range(1000)]
    await asyncio.sleep(0)
    await upload(workspace, "a.csv")
    queries.clear()
    async with asyncio.timeout(10):
        parts = await asyncio.gather(*waiting)

    assert {tuple(sequences(part)) for part in parts} == {(1,)}
    assert len({id(part.records[0].payload) for part in parts}) == 1
    assert len(queries) <= 1


async def test_readers_that_come_back_to_the_same_place_share_a_query(workspace, log, queries, monkeypatch):
    monkeypatch.setattr(module, "FIRST", 1)
    await fill(workspace, 5)
    forget(log)
    await log.end("churn")
    queries.clear()

    parts = await asyncio.gather(*(log.read("churn", 1) for _ in range(100)))

    assert {tuple(sequences(part)) for part in parts} == {(2, 3, 4, 5)}
    assert len(queries) == 1


async def test_a_reader_that_goes_away_takes_no_other_along(workspace, log):
    await fill(workspace, 1)
    forget(log)
    first = asyncio.create_task(log.read("churn", 0))
    second = asyncio.create_task(log.read("churn", 0))
    await asyncio.sleep(0)
    first.cancel()

    assert sequences(await second) == [1]


async def test_logs_that_nobody_waits_for_are_forgotten(workspace, log, monkeypatch):
    monkeypatch.setattr(module, "TAILS", 2)
    waiting = asyncio.create_task(log.next("churn", 0, 30))
    await asyncio.sleep(0)
    for name in ("b", "c", "d"):
        await session(workspace, name)
        await log.read(name, 0)

    assert "churn" in log._tails
    assert len(log._tails) == 2
    waiting.cancel()


async def test_what_waits_behind_a_cursor_is_counted(workspace, log):
    await fill(workspace, 3)

    events, size = await log.backlog("churn", 1)

    assert events == 2
    assert size == sum(len(record.payload) for record in (await log.read("churn", 1)).records)
    assert await log.backlog("churn", 9) == (0, 0)


async def test_a_stopping_server_lets_its_readers_go(workspace, log):
    waiting = asyncio.create_task(log.next("churn", 0, 30))
    await asyncio.sleep(0)
    log.close()

    async with asyncio.timeout(5):
        assert isinstance(await caught(waiting), Busy)
    assert isinstance(await caught(log.read("churn", 0)), Busy)


async def test_readers_of_an_index_that_fails_are_told(workspace, log, monkeypatch):
    await log.read("churn", 0)
    waiting = asyncio.create_task(log.next("churn", 0, 30))
    await asyncio.sleep(0)

    @asynccontextmanager
    async def fails():
        raise Busy
        yield

    monkeypatch.setattr(workspace.parts.ledger, "reading", fails)
    log._wake(frozenset({"churn"}))

    async with asyncio.timeout(5):
        assert isinstance(await caught(waiting), Busy)


# the poll


async def poll(log, after=0, wait=0.0, limit=25, filters=EVERYTHING):
    page = await log.poll("churn", after=after, wait_seconds=wait, limit=limit, filters=filters)
    return msgspec.json.decode(msgspec.json.encode(page))


def names(page):
    return [event["name"] for event in page["events"]]


# S0-33, S0-36, S0-43, S0-44
async def test_a_poll_without_news_times_out_where_it_stood(workspace, log):
    assert await poll(log) == {
        "events": [],
        "next_cursor": 0,
        "has_more": False,
        "timed_out": True,
        "reset": False,
    }


# S0-37, S0-48
async def test_a_limit_cuts_a_page(workspace, log):
    await fill(workspace, 3)

    page = await poll(log, limit=2)

    assert (names(page), page["next_cursor"], page["has_more"]) == (["0.csv", "1.csv"], 2, True)


# S0-39, S0-40, S0-41, S0-42, S0-45
async def test_a_poll_moves_past_what_does_not_match(workspace, log):
    await fill(workspace, 2)
    await upload(workspace, "a.png", b"\x89PNG\r\n\x1a\n")

    page = await poll(log, filters=Filters(include_ext=("csv",), max_size=100))
    nothing = await poll(log, filters=Filters(include_ext=("exe",)))

    assert (names(page), page["next_cursor"], page["timed_out"]) == (["0.csv", "1.csv"], 3, False)
    assert (names(nothing), nothing["next_cursor"], nothing["timed_out"]) == ([], 3, True)


# S0-46
async def test_what_does_not_match_does_not_end_the_wait(workspace, log):
    waiting = asyncio.create_task(poll(log, wait=30, filters=Filters(include_ext=("png",))))
    await asyncio.sleep(0)
    await upload(workspace, "a.csv")
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await upload(workspace, "a.png")

    async with asyncio.timeout(5):
        page = await waiting
    assert (names(page), page["next_cursor"]) == (["a.png"], 2)


async def test_a_poll_goes_on_over_many_that_do_not_match(workspace, log, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 2)
    monkeypatch.setattr(module, "FIRST", 1)
    await fill(workspace, 5)
    await upload(workspace, "a.png")
    forget(log)

    page = await poll(log, filters=Filters(include_ext=("png",)))

    assert (names(page), page["next_cursor"]) == (["a.png"], 6)


async def test_a_poll_with_a_cursor_of_the_future_is_reset(workspace, log):
    await fill(workspace, 1)

    page = await poll(log, after=5, wait=30)

    assert (page["reset"], page["timed_out"], page["next_cursor"], page["events"]) == (True, True, 1, [])


def test_there_is_no_event_of_no_change(clock):
    with pytest.raises(ValueError, match="Change"):
        event_of(Change(before=None, after=None), sequence=1, event_id="evt_1", moment=clock())
