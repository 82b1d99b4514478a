"""What the repositories keep, where services do not show it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from jupyter_workspace.db.values import from_json, from_time, to_json, to_time
from jupyter_workspace.errors import SessionNotFound
from jupyter_workspace.models.entry import SessionTotals
from jupyter_workspace.protocol.selection import SessionFilter
from jupyter_workspace.services.changes import Edit
from tests.unit.opening import ADA, caught, events, indexed, session, upload


async def tell(workspace, count, attachment_id, start=0):
    for number in range(start, start + count):
        await workspace.parts.publisher.publish(
            Edit(workspace.parts, "churn", attachment_id, path=None, metadata={"n": number})
        )


# S0-50, C30, API Configuration: event_window
async def test_only_the_newest_events_are_kept_and_older_cursors_are_reset(opener):
    async with opener(in_memory=True, event_window=3) as workspace:
        await session(workspace)
        entry = await upload(workspace, "a.csv")
        await tell(workspace, 12, entry.attachment_id)

        kept = [event["sequence"] for event in await events(workspace)]
        older = await workspace.parts.log.read("churn", 1)
        found = (await indexed(workspace))[0]

    assert kept[-3:] == [11, 12, 13]
    assert len(kept) < 13
    assert older.reset
    assert (found.last_sequence, found.oldest_sequence) == (13, kept[0])


async def test_a_log_that_never_was_has_no_bounds(workspace):
    async with workspace.parts.ledger.reading() as tx:
        assert await tx.events.bounds("nowhere") == (1, 0)
        assert await tx.events.rows("nowhere", 0, 10) == []


async def test_a_session_that_never_was_is_not_found(workspace):
    async def ask():
        async with workspace.parts.ledger.reading() as tx:
            await tx.sessions.with_totals("nowhere")

    assert isinstance(await caught(ask()), SessionNotFound)


async def test_many_files_of_one_transaction_are_all_there(workspace):
    await session(workspace)
    entry = await upload(workspace, "a.csv", b"12")
    many = [
        replace(entry, attachment_id=f"att_{n}", artifact_id=f"art_{n}", path=f"many/{n:04}")
        for n in range(1200)
    ]

    async with workspace.parts.ledger.writing() as tx:
        for each in many:
            await tx.files.add(each)
    async with workspace.parts.ledger.reading() as tx:
        live = await tx.files.live("churn")
        some = await tx.files.at_paths("churn", [each.path for each in many] + ["nothing"])
        beneath = await tx.files.beneath("churn", "many")

    assert len(live) == 1201
    assert some.keys() == {each.path for each in many}
    assert len(beneath) == 1200
    assert (await indexed(workspace))[1] == SessionTotals(attachments=1201, live_bytes=2402)


@pytest.mark.parametrize("inode", [0, 2**63 - 1, 2**63, 2**64 - 1])
async def test_an_inode_of_any_file_system_is_kept(workspace, inode):
    await session(workspace)
    entry = await upload(workspace, "a.csv")
    async with workspace.parts.ledger.writing() as tx:
        await tx.files.put(entry, replace(entry, inode=inode))

    async with workspace.parts.ledger.reading() as tx:
        assert (await tx.files.at("churn", "attachments/a.csv")).inode == inode


# S2-09: (session, path) is unique among live files; S2-13: a deleted one does not block
async def test_a_path_has_one_live_file(workspace):
    await session(workspace)
    entry = await upload(workspace, "a.csv")
    twin = replace(entry, attachment_id="att_twin", artifact_id="art_twin")

    async def add(twin):
        async with workspace.parts.ledger.writing() as tx:
            await tx.files.add(twin)

    assert (await caught(add(twin))).code == "internal"
    await add(replace(twin, deleted_at=entry.created_at, kept="trash"))
    assert len((await indexed(workspace))[2]) == 2


async def test_a_filter_takes_text_literally(workspace):
    await session(workspace, "one", name="50% off_season")
    await session(workspace, "two", name="500 offers")

    async with workspace.parts.ledger.reading() as tx:
        for text, expected in (("50%", ["one"]), ("f_s", ["one"]), ("50", ["one", "two"]), ("\\", [])):
            rows, total = await tx.sessions.page(SessionFilter(text=text), (("name", False),), 10, 0)
            assert sorted(entry.session_id for entry, _ in rows) == expected
            assert total == len(expected)


async def test_the_totals_of_an_owner_are_those_of_all_sessions(workspace):
    await session(workspace)
    await session(workspace, "other")
    await upload(workspace, "a.csv", b"123")
    await upload(workspace, "a.csv", b"4", session_id="other")
    doomed = await upload(workspace, "b.csv", b"56", session_id="other")
    await workspace.artifacts.delete(ADA, "other", [doomed.attachment_id], permanent=False)

    async with workspace.parts.ledger.reading() as tx:
        assert await tx.sessions.totals("server") == SessionTotals(attachments=2, live_bytes=4, trash_bytes=2)
        assert await tx.sessions.totals("nobody") == SessionTotals()


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_time_is_kept_to_the_microsecond(moment):
    assert to_time(from_time(moment)) == moment


def test_no_time_is_kept_as_none():
    assert (from_time(None), to_time(None)) == (None, None)


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.integers(-(2**53), 2**53) | st.none()))
def test_json_is_kept_as_it_was(value):
    assert from_json(to_json(value), dict) == value
