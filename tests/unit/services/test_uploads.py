"""Resumable uploads from making to end, in one life of the server."""

import asyncio
import hashlib

import pytest

from jupyter_workspace.db.uploads import Uploads as Rows
from jupyter_workspace.errors import (
    Busy,
    ChecksumMismatch,
    DigestMismatch,
    DiskFull,
    FileTooLarge,
    Forbidden,
    Infected,
    NameInvalid,
    NameTaken,
    NotADirectory,
    OffsetMismatch,
    ParameterInvalid,
    QuotaExceeded,
    ScanUnavailable,
    SessionClosed,
    SessionNotFound,
    TypeRefused,
    UploadGone,
    UploadLocked,
    UploadNotFound,
)
from jupyter_workspace.models.session import SessionChange
from jupyter_workspace.protocol.tus import Checksum, Creation
from jupyter_workspace.services import spooled
from jupyter_workspace.services import spools as spools_module
from jupyter_workspace.services.settings import Actor
from tests.unit.opening import (
    ADA,
    FailsAt,
    FakeScanner,
    caught,
    content_of,
    events,
    session,
    sha256,
    upload,
)
from tests.unit.services.resumable import (
    Monotonic,
    begun,
    is_in,
    made,
    nothing_staged,
    patched,
    record,
    report,
    spools,
    until,
)


def checksum(content):
    return Checksum("sha1", hashlib.sha1(content, usedforsecurity=False).digest())


async def until_indexed(workspace):
    """Waits until the index was written, or could not be."""
    await asyncio.wait([workspace.spools._indexing])


# To make one


async def test_an_upload_becomes_a_file_with_its_last_bytes(workspace, opener):
    # S1-12
    await session(workspace)
    entry = await made(workspace, 10, filename="a.txt", filetype="text/x-own", sha256=sha256(b"helloworld"))

    first = await patched(workspace, entry, 0, b"hello")
    before = await events(workspace)
    last = await patched(workspace, entry, 5, b"world")

    assert (first.state, first.offset, first.attachment_id) == ("open", 5, None)
    assert before == []
    assert (last.state, last.offset) == ("done", 10)
    assert await content_of(workspace, last.attachment_id) == b"helloworld"
    assert [event["attachment_id"] for event in await events(workspace)] == [last.attachment_id]
    await nothing_staged(opener)


async def test_an_upload_is_kept_from_its_making_on(workspace, opener, clock):
    await session(workspace)

    entry = await made(workspace, 10)

    assert spools(opener) == [entry.spool]
    assert entry.spool in opener.staging()
    assert (await record(workspace, entry)).state == "open"
    assert (entry.expires_at - clock.now).days == 7


async def test_an_upload_that_cannot_be_noted_leaves_nothing(workspace, opener, monkeypatch):
    await session(workspace)
    monkeypatch.setattr(workspace.parts.store, "put_note", FailsAt(None, DiskFull()))

    error = await caught(made(workspace, 10))

    assert isinstance(error, DiskFull)
    await nothing_staged(opener)


@pytest.mark.parametrize(
    ("metadata", "refusal"),
    [
        ({"filename": "../x"}, NameInvalid),
        ({"sha256": "00"}, ParameterInvalid),
        ({"on_conflict": "never"}, ParameterInvalid),
        ({"filename": "a.exe"}, TypeRefused),
        ({"filename": "there.csv", "on_conflict": "error"}, NameTaken),
    ],
)
async def test_what_would_be_refused_at_the_end_is_refused_at_the_beginning(opener, metadata, refusal):
    async with opener(in_memory=True, deny_types=(".exe",)) as workspace:
        await session(workspace)
        await upload(workspace, "there.csv")

        assert isinstance(await caught(made(workspace, 10, **metadata)), refusal)
        await nothing_staged(opener)


async def test_a_folder_must_not_be_a_file(workspace):
    await session(workspace)
    await upload(workspace, "there.csv")

    error = await caught(made(workspace, 10, dir="attachments/there.csv"))
    entry = await made(workspace, 0, dir="", filename="top", on_conflict="error")

    assert isinstance(error, NotADirectory)
    assert entry.state == "done"


async def test_a_type_that_only_its_bytes_can_prove_is_let_in_by_its_name(opener):
    async with opener(in_memory=True, allow_types=("image/",)) as workspace:
        await session(workspace)
        entry = await made(workspace, 4, filename="a.png")

        error = await caught(patched(workspace, entry, 0, b"text"))

        assert isinstance(error, TypeRefused)
        assert (await record(workspace, entry)).code == "type_refused"


async def test_nothing_is_made_for_strangers_and_closed_sessions(workspace):
    await session(workspace)
    entry = await made(workspace, 10)
    eve = Actor(owner="eve", name="eve")
    wanted = (entry.session_id, entry.upload_id)

    assert isinstance(await caught(workspace.uploads.report(eve, *wanted)), SessionNotFound)
    await workspace.sessions.change(ADA, "churn", SessionChange(status="completed"))
    assert isinstance(await caught(made(workspace, 10)), SessionClosed)
    assert isinstance(await caught(made(workspace, 10, session_id="nobody")), SessionNotFound)


async def test_the_first_bytes_may_not_be_more_than_all(workspace):
    await session(workspace)
    wanted = Creation(length=4, metadata={})

    error = await caught(workspace.uploads.create(ADA, "churn", wanted, body_length=5))

    assert isinstance(error, FileTooLarge)


# Room


async def test_room_is_reserved_until_the_upload_ends(opener):
    # S0-92 quota reserved at creation
    async with opener(in_memory=True, max_session_size=100) as workspace:
        await session(workspace)
        first = await made(workspace, 60)
        refused = await caught(made(workspace, 60))
        await workspace.uploads.terminate(ADA, "churn", first.upload_id)

        second = await made(workspace, 60)
        finished = await patched(workspace, second, 0, bytes(60))

        assert isinstance(refused, QuotaExceeded)
        assert finished.state == "done"
        assert isinstance(await caught(made(workspace, 60)), QuotaExceeded)
        assert (await made(workspace, 40)).state == "open"


async def test_a_length_that_is_told_late_must_fit_too(opener):
    async with opener(in_memory=True, max_file_size=10) as workspace:
        await session(workspace)
        entry = await made(workspace, None)

        too_long = await caught(begun(workspace, entry, 0, length=11))
        while_coming = await caught(patched(workspace, entry, 0, bytes(11)))
        fits = await patched(workspace, entry, 0, bytes(10), length=10)

        assert isinstance(too_long, FileTooLarge)
        assert isinstance(while_coming, FileTooLarge)
        assert fits.state == "done"


async def test_a_piece_that_cannot_fit_is_refused_by_its_length(workspace):
    # API 11.42
    await session(workspace)
    entry = await made(workspace, None)

    assert isinstance(await caught(begun(workspace, entry, 0, body=2**60)), DiskFull)


async def test_the_room_of_parts_goes_over_to_the_whole(opener):
    async with opener(in_memory=True, max_session_size=100) as workspace:
        await session(workspace)
        parts = [await made(workspace, 40, concat="partial") for _ in range(2)]
        for part in parts:
            await patched(workspace, part, 0, bytes(40))
        ids = [part.upload_id for part in parts]

        too_much = await caught(made(workspace, None, concat="final", parts=[*ids, ids[0]]))
        still_held = await caught(made(workspace, 30))
        whole = await made(workspace, None, concat="final", parts=ids)

        assert isinstance(too_much, QuotaExceeded)
        assert isinstance(still_held, QuotaExceeded)
        assert whole.state == "done"


# To add to one


async def test_only_the_right_offset_is_taken(workspace):
    await session(workspace)
    entry = await made(workspace, 10)
    await patched(workspace, entry, 0, b"hello")

    for offset in (0, 4, 6):
        assert isinstance(await caught(begun(workspace, entry, offset)), OffsetMismatch)

    assert (await report(workspace, entry)).offset == 5


async def test_more_than_the_length_is_not_taken(workspace):
    await session(workspace)
    entry = await made(workspace, 10)
    announced = await caught(begun(workspace, entry, 0, body=11))
    writer = await begun(workspace, entry, 0)
    await writer.write(b"12345")

    surplus = await caught(writer.write(b"678901"))
    await writer.leave()

    assert isinstance(announced, FileTooLarge)
    assert isinstance(surplus, FileTooLarge)
    assert (await report(workspace, entry)).offset == 0


async def test_a_writer_may_read_into_the_blocks_themselves(workspace):
    await session(workspace)
    entry = await made(workspace, 5)
    writer = await begun(workspace, entry, 0, checksum=checksum(b"hello"))

    writer.view()[:5] = b"hello"
    await writer.advance(5)
    finished = await workspace.uploads.complete("churn", entry.upload_id, writer)

    assert await content_of(workspace, finished.attachment_id) == b"hello"


async def test_an_upload_that_has_ended_is_not_abandoned(workspace):
    await session(workspace)
    entry = await made(workspace, 5)
    writer = await begun(workspace, entry, 0)
    writer.view()[:5] = b"hello"
    await writer.advance(5)
    finished = await workspace.uploads.complete_new("churn", entry.upload_id, writer)

    await workspace.uploads.abandon(entry.upload_id)

    assert (await record(workspace, entry)).attachment_id == finished.attachment_id


async def test_a_wrong_checksum_throws_the_piece_away(workspace):
    await session(workspace)
    entry = await made(workspace, 10)
    await patched(workspace, entry, 0, b"hello")

    error = await caught(patched(workspace, entry, 5, b"wurst", checksum=checksum(b"world")))
    finished = await patched(workspace, entry, 5, b"world", checksum=checksum(b"world"))

    assert isinstance(error, ChecksumMismatch)
    assert await content_of(workspace, finished.attachment_id) == b"helloworld"


async def test_a_cut_piece_is_kept_unless_it_has_a_checksum(workspace):
    await session(workspace)
    plain, checked = await made(workspace, 10), await made(workspace, 10)

    for entry, said in ((plain, None), (checked, checksum(b"hello"))):
        writer = await begun(workspace, entry, 0, checksum=said)
        await writer.write(b"hel")
        await writer.leave()
        await writer.leave()

    assert (await report(workspace, plain)).offset == 3
    assert (await report(workspace, checked)).offset == 0


async def test_last_bytes_whose_client_left_make_a_file_all_the_same(workspace):
    await session(workspace)
    entry = await made(workspace, 5)
    writer = await begun(workspace, entry, 0)
    await writer.write(b"hello")

    await writer.leave()

    await is_in(workspace, entry, "done")


async def test_a_length_is_told_once(workspace):
    await session(workspace)
    entry = await made(workspace, None)
    await patched(workspace, entry, 0, b"hello")

    too_short = await caught(begun(workspace, entry, 5, length=4))
    await patched(workspace, entry, 5, b" ", length=11)
    another = await caught(begun(workspace, entry, 6, length=12))
    finished = await patched(workspace, entry, 6, b"world", length=11)

    assert isinstance(too_short, ParameterInvalid)
    assert isinstance(another, ParameterInvalid)
    assert await content_of(workspace, finished.attachment_id) == b"hello world"


# Parts


async def test_parts_are_put_together_and_stay(workspace, monkeypatch):
    await session(workspace)
    parts = [await made(workspace, 5, concat="partial", filename="/never/used") for _ in range(2)]
    await patched(workspace, parts[0], 0, b"hello")
    await patched(workspace, parts[1], 0, b"world")
    ids = [part.upload_id for part in parts]

    whole = await made(workspace, None, concat="final", parts=ids, filename="a")
    again = await made(workspace, None, concat="final", parts=[ids[1]] * 3, filename="b")

    assert await content_of(workspace, whole.attachment_id) == b"helloworld"
    assert await content_of(workspace, again.attachment_id) == b"worldworldworld"
    assert whole.concat == f"final;{' '.join(ids)}"
    assert isinstance(await caught(begun(workspace, whole, 10)), Forbidden)
    assert (await report(workspace, parts[0])).offset == 5


async def test_what_is_no_complete_part_is_not_put_together(workspace):
    await session(workspace)
    await session(workspace, "other")
    ordinary, unfinished = await made(workspace, 5), await made(workspace, 5, concat="partial")
    foreign = await made(workspace, 0, concat="partial", session_id="other")

    for part_id in (ordinary.upload_id, unfinished.upload_id, foreign.upload_id, "upl_none"):
        error = await caught(made(workspace, None, concat="final", parts=[part_id]))
        assert isinstance(error, ParameterInvalid)


async def test_parts_that_were_used_expire_soon(workspace, opener):
    await session(workspace)
    workspace.spools._monotonic = monotonic = Monotonic()
    part = await made(workspace, 5, concat="partial")
    await patched(workspace, part, 0, b"hello")
    await made(workspace, None, concat="final", parts=[part.upload_id])

    monotonic.now += 3601
    await workspace.spools.sweep()

    assert isinstance(await caught(record(workspace, part)), UploadNotFound)
    await nothing_staged(opener)


# To finish one


async def test_bytes_that_are_not_those_announced_fail_the_upload(workspace, opener):
    await session(workspace)
    entry = await made(workspace, 5, sha256=sha256(b"other"))

    error = await caught(patched(workspace, entry, 0, b"hello"))

    assert isinstance(error, DigestMismatch)
    assert (await record(workspace, entry)).state == "failed"
    assert isinstance(await caught(report(workspace, entry)), UploadGone)
    assert isinstance(await caught(begun(workspace, entry, 5)), UploadGone)
    await nothing_staged(opener)


async def test_an_infected_upload_fails(opener):
    async with opener(in_memory=True, scanner=FakeScanner(Infected(), b"evil")) as workspace:
        await session(workspace)
        entry = await made(workspace, 8)
        await patched(workspace, entry, 0, b"..ev")

        error = await caught(patched(workspace, entry, 4, b"il.."))

        assert isinstance(error, Infected)
        assert (await record(workspace, entry)).code == "infected"
        await nothing_staged(opener)


async def test_an_upload_without_a_verdict_keeps_its_bytes_and_is_tried_again(opener):
    # API 11.22
    scanner = FakeScanner(ScanUnavailable())
    async with opener(in_memory=True, scanner=scanner) as workspace:
        await session(workspace)
        asked, swept = await made(workspace, 5), await made(workspace, 5)

        errors = [await caught(patched(workspace, entry, 0, b"hello")) for entry in (asked, swept)]
        between = await record(workspace, asked)
        told = await report(workspace, asked)
        again = await caught(patched(workspace, asked, 5))
        scanner.marker = b"never"
        finished = await patched(workspace, asked, 5)
        await workspace.spools.sweep()
        await is_in(workspace, swept, "done")

        assert all(isinstance(error, ScanUnavailable) for error in (*errors, again))
        # HEAD says that nothing is missing, and only an empty PATCH goes on.
        assert (between.state, between.offset, told.offset) == ("open", 5, 5)
        assert await content_of(workspace, finished.attachment_id) == b"hello"


async def test_an_upload_that_is_made_whole_and_has_no_verdict_is_forgotten(opener):
    async with opener(in_memory=True, scanner=FakeScanner(ScanUnavailable())) as workspace:
        await session(workspace)

        empty = await caught(made(workspace, 0))
        entry = await made(workspace, 5)
        writer = await begun(workspace, entry, 0)
        await writer.write(b"hello")
        first = await caught(workspace.uploads.complete_new("churn", entry.upload_id, writer))

        assert isinstance(empty, ScanUnavailable)
        assert isinstance(first, ScanUnavailable)
        await nothing_staged(opener)
        assert isinstance(await caught(record(workspace, entry)), UploadNotFound)


async def test_a_finish_that_takes_long_is_not_waited_for(opener, monkeypatch):
    # API 11.22
    class Slow:
        def __init__(self):
            self.go = asyncio.Event()

        async def check(self, read, size):
            await self.go.wait()

    scanner = Slow()
    monkeypatch.setattr(spools_module, "FINISH_SECONDS", 0.01)
    async with opener(in_memory=True, scanner=scanner) as workspace:
        await session(workspace)
        entry = await made(workspace, 5)

        early = await patched(workspace, entry, 0, b"hello")
        still = await patched(workspace, entry, 5)
        locked = await caught(workspace.uploads.terminate(ADA, "churn", entry.upload_id))
        scanner.go.set()
        await is_in(workspace, entry, "done")

        assert (early.state, still.state) == ("finishing", "finishing")
        assert isinstance(locked, UploadLocked)
        assert (await report(workspace, early)).attachment_id


async def test_an_end_that_cannot_be_kept_is_kept_by_the_next_sweep(workspace, opener, monkeypatch):
    await session(workspace)
    entry = await made(workspace, 5)
    await until_indexed(workspace)
    with monkeypatch.context() as patch:
        patch.setattr(Rows, "add", FailsAt(None, Busy()))
        finished = await patched(workspace, entry, 0, b"hello")
        await until_indexed(workspace)
        again = await patched(workspace, entry, 5)
    kept = spools(opener)
    await workspace.spools.sweep()

    assert (finished.state, again.state) == ("done", "done")
    assert kept == [entry.spool]
    await nothing_staged(opener)
    assert (await record(workspace, entry)).state == "done"


async def test_a_failure_of_ours_leaves_the_upload_to_be_tried_again(workspace, monkeypatch, caplog):
    await session(workspace)
    entry = await made(workspace, 5)
    with monkeypatch.context() as patch:
        patch.setattr(workspace.ingest, "admit", FailsAt(None, RuntimeError("a bug")))
        with pytest.raises(RuntimeError):
            await patched(workspace, entry, 0, b"hello")

    finished = await patched(workspace, entry, 5)

    assert finished.state == "done"
    assert "could not be ended" in caplog.text


# After the end


async def test_a_finished_upload_is_there_for_a_minute(workspace, clock):
    # RELIABILITY F7
    await session(workspace)
    entry = await made(workspace, 5)
    done = await patched(workspace, entry, 0, b"hello")
    await until_indexed(workspace)

    again = await patched(workspace, entry, 5)
    clock.forward(seconds=61)

    assert again.attachment_id == done.attachment_id
    assert isinstance(await caught(report(workspace, entry)), UploadGone)
    assert isinstance(await caught(begun(workspace, entry, 5)), UploadGone)
    assert (await record(workspace, entry)).state == "done"


async def test_a_finished_upload_can_be_forgotten_and_its_file_stays(workspace):
    await session(workspace)
    entry = await made(workspace, 5)
    done = await patched(workspace, entry, 0, b"hello")
    await until_indexed(workspace)

    await workspace.uploads.terminate(ADA, "churn", entry.upload_id)

    assert isinstance(await caught(record(workspace, entry)), UploadNotFound)
    assert await content_of(workspace, done.attachment_id) == b"hello"


# Expiry


async def test_an_upload_expires_when_nothing_comes_for_long(workspace, opener):
    await session(workspace)
    workspace.spools._monotonic = monotonic = Monotonic()
    entry, other = await made(workspace, 10), await made(workspace, 10)

    monotonic.now += 6 * 86400
    await patched(workspace, other, 0, b"12")
    monotonic.now += 2 * 86400
    await workspace.spools.sweep()

    assert isinstance(await caught(record(workspace, entry)), UploadNotFound)
    assert (await record(workspace, other)).offset == 2
    assert spools(opener) == [other.spool]


# API 4: a creation whose answer was lost holds no room until it expires
async def test_room_is_held_for_as_long_as_bytes_come(opener):
    async with opener(in_memory=True, max_session_size=10) as workspace:
        await session(workspace)
        workspace.spools._monotonic = monotonic = Monotonic()
        lost, broken = await made(workspace, 4), await made(workspace, 6)
        await patched(workspace, broken, 0, b"12")
        full = await caught(made(workspace, 1))

        monotonic.now += spooled.HOLD_SECONDS
        await workspace.spools.sweep()
        other = await made(workspace, 8)
        refused = await caught(patched(workspace, broken, 2, b"3456"))
        kept = await report(workspace, broken)
        await workspace.uploads.terminate(ADA, "churn", other.upload_id)
        finished = await patched(workspace, broken, 2, b"3456")

        assert isinstance(full, QuotaExceeded)
        assert isinstance(refused, QuotaExceeded)
        assert (kept.state, kept.offset) == ("open", 2)
        assert finished.state == "done"
        assert (await record(workspace, lost)).state == "open"


async def test_room_is_not_given_up_while_somebody_writes(opener):
    async with opener(in_memory=True, max_session_size=10) as workspace:
        await session(workspace)
        workspace.spools._monotonic = monotonic = Monotonic()
        entry = await made(workspace, 10)
        writer = await begun(workspace, entry, 0)

        monotonic.now += spooled.HOLD_SECONDS
        await workspace.spools.sweep()

        assert isinstance(await caught(made(workspace, 1)), QuotaExceeded)
        await writer.leave()


async def test_a_step_of_the_clock_lets_nothing_expire(workspace, clock):
    # RELIABILITY B6
    await session(workspace)
    entry = await made(workspace, 10)

    clock.forward(days=400)
    await workspace.spools.sweep()

    assert (await record(workspace, entry)).state == "open"


async def test_what_has_ended_is_forgotten_in_the_end(workspace, clock):
    await session(workspace)
    entry = await made(workspace, 5)
    await patched(workspace, entry, 0, b"hello")

    clock.forward(days=8)
    await workspace.spools.sweep()

    assert isinstance(await caught(record(workspace, entry)), UploadNotFound)


async def test_sweeps_go_on_after_a_bad_one(workspace, monkeypatch, caplog):
    sweep = FailsAt(workspace.spools.sweep, Busy(), 1)
    monkeypatch.setattr(workspace.spools, "sweep", sweep)
    monkeypatch.setattr(spools_module, "SWEEP_SECONDS", 0)

    task = asyncio.ensure_future(workspace.spools.run())

    async def twice():
        return sweep.count >= 2

    await until(twice)
    task.cancel()
    assert "could not be swept" in caplog.text


# Sessions that end


@pytest.mark.parametrize("how", ["closed", "deleted"])
async def test_the_end_of_a_session_ends_its_open_uploads(workspace, opener, how):
    # API 11.32
    await session(workspace)
    await session(workspace, "other")
    entry, stays = await made(workspace, 10), await made(workspace, 10, session_id="other")
    hung_up = []
    writer = await begun(workspace, entry, 0, hang=lambda: hung_up.append(True))
    await writer.write(b"hello")

    if how == "closed":
        await workspace.sessions.change(ADA, "churn", SessionChange(status="abandoned"))
    else:
        await workspace.sessions.delete(ADA, "churn", with_files=False)

    async def gone():
        return entry.upload_id not in workspace.spools.live

    await until(gone)
    assert hung_up == [True]
    assert isinstance(await caught(writer.write(b"more")), UploadLocked)
    assert (await record(workspace, stays)).state == "open"
    assert spools(opener) == [stays.spool]
    if how == "closed":
        assert (await record(workspace, entry)).code == "session_closed"


@pytest.mark.parametrize("body_length", [1, None])
async def test_an_upload_made_of_parts_brings_no_bytes(workspace, body_length):
    await session(workspace)
    part = await made(workspace, 1, concat="partial")
    await patched(workspace, part, 0, b"x")
    wanted = Creation(length=None, metadata={}, concat="final", parts=(part.upload_id,), brings_bytes=True)

    refused = await caught(
        workspace.uploads.create(ADA, "churn", wanted, [part.upload_id], body_length=body_length)
    )
    taken = await workspace.uploads.create(ADA, "churn", wanted, [part.upload_id], body_length=0)

    assert isinstance(refused, Forbidden)
    assert taken.state == "done"
