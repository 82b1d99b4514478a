"""Open uploads: who may write, what faults leave, and what a restart finds."""

import asyncio
import errno
import os

import pytest

from jupyter_workspace.db.uploads import Uploads as Rows
from jupyter_workspace.errors import (
    Busy,
    DiskFull,
    Infected,
    Internal,
    OffsetMismatch,
    QuotaExceeded,
    ScanUnavailable,
    Starting,
    UploadGone,
    UploadLocked,
    UploadNotFound,
)
from jupyter_workspace.models.session import SessionChange
from jupyter_workspace.services import spooled as spooled_module
from jupyter_workspace.services import spools as spools_module
from jupyter_workspace.stores import disk as disk_module
from jupyter_workspace.stores import staged as staged_module
from tests.unit.opening import ADA, FailsAt, FakeScanner, caught, content_of, session, sha256
from tests.unit.services.resumable import begun, is_in, made, nothing_staged, patched, record, report, until


def failing(code):
    def call(*arguments):
        raise OSError(code, os.strerror(code))

    return call


async def attachments(workspace, session_id="churn"):
    async with workspace.parts.ledger.reading() as tx:
        files, _ = await tx.files.all_of(session_id)
    return files


# Whose turn it is


@pytest.fixture
def short_waits(monkeypatch):
    monkeypatch.setattr(spooled_module, "STALL_SECONDS", 0.05)
    monkeypatch.setattr(spooled_module, "TURN_SECONDS", 0.2)
    monkeypatch.setattr(spooled_module, "LOOK_SECONDS", 0.01)


async def test_a_writer_that_sends_nothing_gives_way_and_its_bytes_stay(workspace, short_waits):
    # API 4; RELIABILITY promise 4
    await session(workspace)
    entry = await made(workspace, 10)
    hung_up = []
    stalled = await begun(workspace, entry, 0, hang=lambda: hung_up.append(True))
    await stalled.write(b"hello")

    finished = await patched(workspace, entry, 5, b"world")

    assert hung_up == [True]
    assert await content_of(workspace, finished.attachment_id) == b"helloworld"
    for late in (stalled.write(b"late"), stalled.finish()):
        assert isinstance(await caught(late), UploadLocked)
    with pytest.raises(UploadLocked):
        stalled.view()


async def test_a_new_writer_must_go_on_where_the_old_one_was(workspace, short_waits):
    await session(workspace)
    entry = await made(workspace, 10)
    stalled = await begun(workspace, entry, 0)
    await stalled.write(b"hello")

    wrong = await caught(begun(workspace, entry, 0))
    right = await begun(workspace, entry, 5)
    await right.leave()

    assert isinstance(wrong, OffsetMismatch)
    assert wrong.facts["offset"] == 5


async def test_a_writer_at_work_keeps_its_turn(workspace, short_waits, monkeypatch):
    await session(workspace)
    entry = await made(workspace, 10)
    busy = await begun(workspace, entry, 0)
    arrival = await workspace.spools.live[entry.upload_id].open()
    go, write = asyncio.Event(), arrival.write

    async def slowly(data):
        await go.wait()
        await write(data)

    monkeypatch.setattr(arrival, "write", slowly)
    writing = asyncio.ensure_future(busy.write(b"hello"))
    await asyncio.sleep(0)

    locked = await caught(begun(workspace, entry, 0))
    go.set()
    await writing

    assert isinstance(locked, UploadLocked)
    await busy.leave()
    assert (await report(workspace, entry)).offset == 5


async def test_the_next_writer_begins_as_soon_as_the_last_has_ended(workspace):
    await session(workspace)
    entry = await made(workspace, 10)
    first = await begun(workspace, entry, 0)
    await first.write(b"hello")

    second = asyncio.ensure_future(patched(workspace, entry, 5, b"world"))
    await asyncio.sleep(0)
    await first.finish()

    assert (await second).state == "done"


async def test_one_who_waited_for_an_upload_that_ended_meanwhile_is_refused(workspace):
    await session(workspace)
    entry = await made(workspace, 5)
    first = await begun(workspace, entry, 0)
    await first.write(b"hello")
    upload = workspace.spools.live[entry.upload_id]

    second = asyncio.ensure_future(upload.take(5, None, lambda: None))
    await asyncio.sleep(0)
    await workspace.uploads.complete("churn", entry.upload_id, first)

    assert isinstance(await caught(second), UploadLocked)


# What is acknowledged


async def test_a_look_acknowledges_what_is_being_written(workspace, opener):
    await session(workspace)
    entry = await made(workspace, 10)
    writer = await begun(workspace, entry, 0)
    await writer.write(b"hello")

    seen = await report(workspace, entry)
    await writer.write(b"world")
    finished = await workspace.uploads.complete("churn", entry.upload_id, writer)

    assert seen.offset == 5
    assert await content_of(workspace, finished.attachment_id) == b"helloworld"


@pytest.mark.parametrize("limit", ["CHECKPOINT_BYTES", "CHECKPOINT_SECONDS"])
async def test_a_long_request_is_acknowledged_while_it_runs(workspace, monkeypatch, limit):
    monkeypatch.setattr(spooled_module, limit, 0)
    await session(workspace)
    entry = await made(workspace, 10)
    writer = await begun(workspace, entry, 0)

    for letter in (b"h", b"e", b"l", b"l", b"o"):
        await writer.write(letter)

    async def acknowledged():
        return workspace.spools.live[entry.upload_id].entry.offset == 5

    await until(acknowledged)
    await writer.write(b"world")
    assert (await workspace.uploads.complete("churn", entry.upload_id, writer)).state == "done"


async def test_nothing_is_told_that_is_not_noted(workspace, monkeypatch):
    # RELIABILITY B1
    await session(workspace)
    entry = await made(workspace, 10)
    await patched(workspace, entry, 0, b"he")
    with monkeypatch.context() as patch:
        patch.setattr(staged_module, "append_note", failing(errno.ENOSPC))
        refused = await caught(patched(workspace, entry, 2, b"llo"))
        left = await begun(workspace, entry, 2)
        await left.write(b"lost")
        await left.leave()
        seen = await report(workspace, entry)

    finished = await patched(workspace, entry, 2, b"lloworld")

    assert isinstance(refused, DiskFull)
    assert seen.offset == 2
    assert await content_of(workspace, finished.attachment_id) == b"helloworld"


async def test_a_full_disk_loses_nothing_that_was_told(workspace, monkeypatch):
    # RELIABILITY B1: resumable at the acknowledged offset once there is room again
    await session(workspace)
    entry = await made(workspace, 10)
    await patched(workspace, entry, 0, b"hello")
    with monkeypatch.context() as patch:
        patch.setattr(disk_module.os, "pwrite", failing(errno.ENOSPC))
        refused = await caught(patched(workspace, entry, 5, b"world"))

    finished = await patched(workspace, entry, 5, b"world")

    assert isinstance(refused, DiskFull)
    assert await content_of(workspace, finished.attachment_id) == b"helloworld"


async def test_what_a_failed_sync_left_is_not_believed(workspace, monkeypatch, caplog):
    # RELIABILITY B3: after a failed fsync the file is discarded
    await session(workspace)
    entry = await made(workspace, 10)
    await patched(workspace, entry, 0, b"hello")
    writer = await begun(workspace, entry, 5)
    await writer.write(b"wor")
    with monkeypatch.context() as patch:
        patch.setattr(staged_module.os, "fdatasync", failing(errno.EIO))
        seen = await report(workspace, entry)
        await writer.leave()

    lost = await caught(begun(workspace, entry, 5))

    assert seen.offset == 5
    assert isinstance(lost, UploadGone)
    assert "is lost" in caplog.text


async def test_a_sync_that_failed_once_is_not_forgotten(workspace, monkeypatch):
    # RELIABILITY B3: the next sync says that all is well, of a file that is not there any more
    await session(workspace)
    entry = await made(workspace, 10)
    await patched(workspace, entry, 0, b"hello")
    writer = await begun(workspace, entry, 5)
    await writer.write(b"wor")
    with monkeypatch.context() as patch:
        patch.setattr(staged_module.os, "fdatasync", failing(errno.EIO))
        await report(workspace, entry)

    refused = await caught(writer.write(b"ld"))
    await writer.leave()

    assert isinstance(refused, Internal)
    assert (await report(workspace, entry)).offset == 5


async def test_an_upload_whose_bytes_are_lost_at_the_end_fails(workspace, opener, monkeypatch):
    await session(workspace)
    entry = await made(workspace, 5)
    monkeypatch.setattr(workspace.spools, "outcome", FailsAt(workspace.spools.outcome, Internal(), 1))
    await caught(patched(workspace, entry, 0, b"hello"))
    workspace.spools.live[entry.upload_id].arrival = None
    (opener.state / "staging" / entry.spool).unlink()

    error = await caught(patched(workspace, entry, 5))

    assert isinstance(error, UploadGone)


async def test_a_full_disk_at_the_end_keeps_the_upload(workspace, monkeypatch):
    await session(workspace)
    entry = await made(workspace, 5)
    with monkeypatch.context() as patch:
        patch.setattr(workspace.ingest, "admit", FailsAt(None, DiskFull()))
        refused = await caught(patched(workspace, entry, 0, b"hello"))

    assert isinstance(refused, DiskFull)
    assert (await patched(workspace, entry, 5)).state == "done"


# Another life of the server


async def test_a_restart_goes_on_from_what_was_told(opener):
    # RELIABILITY promise 3
    async with opener() as workspace:
        await session(workspace)
        entry = await made(workspace, 10, filename="a", sha256=sha256(b"helloworld"))
        await patched(workspace, entry, 0, b"hello")
        busy = await made(workspace, 10)
        writer = await begun(workspace, busy, 0)
        await writer.write(b"cut")

    async with opener() as workspace:
        found, cut = await report(workspace, entry), await report(workspace, busy)
        finished = await patched(workspace, entry, 5, b"world")

        assert (found.offset, found.metadata) == (5, entry.metadata)
        assert cut.offset == 3
        assert await content_of(workspace, finished.attachment_id) == b"helloworld"


async def test_nothing_is_acknowledged_of_an_upload_that_nobody_wrote_to(opener):
    async with opener() as workspace:
        await session(workspace)
        entry = await made(workspace, 10)
        await patched(workspace, entry, 0, b"hello")

    async with opener() as workspace:
        upload = workspace.spools.live[entry.upload_id]
        await upload.acknowledge()
        upload.checkpoint()
        await upload._flush()
        await upload.roll_back()

        assert upload.arrival is None
        assert (await report(workspace, entry)).offset == 5


async def test_room_is_reserved_in_the_next_life_too(opener):
    async with opener(max_session_size=100) as workspace:
        await session(workspace)
        entry = await made(workspace, 60)
        await made(workspace, None)

    async with opener(max_session_size=100) as workspace:
        refused = await caught(made(workspace, 60))
        await workspace.uploads.terminate(ADA, "churn", entry.upload_id)

        assert isinstance(refused, QuotaExceeded)
        assert (await made(workspace, 60)).state == "open"


async def test_an_upload_that_was_whole_becomes_a_file_in_the_next_life(opener):
    async with opener(scanner=FakeScanner(ScanUnavailable())) as workspace:
        await session(workspace)
        entry = await made(workspace, 5)
        await caught(patched(workspace, entry, 0, b"hello"))

    async with opener() as workspace:
        await is_in(workspace, entry, "done")

        assert len(await attachments(workspace)) == 1


async def test_an_upload_that_was_published_is_not_published_again(opener, monkeypatch):
    # RELIABILITY C1: the server died between the file and the record of the upload
    async with opener() as workspace:
        await session(workspace)
        entry = await made(workspace, 5)
        monkeypatch.setattr(Rows, "add", FailsAt(None, Busy()))
        await patched(workspace, entry, 0, b"hello")
    monkeypatch.undo()

    async with opener() as workspace:
        found = await record(workspace, entry)

        assert found.state == "done"
        assert [file.attachment_id for file in await attachments(workspace)] == [found.attachment_id]
        await nothing_staged(opener)
        assert (await report(workspace, entry)).attachment_id == found.attachment_id


async def test_an_upload_whose_bytes_have_become_a_file_is_not_published_again_without_the_index(
    opener, monkeypatch
):
    # RELIABILITY C1: a rename that was made of link and unlink, or half of which a power cut took back
    async with opener() as workspace:
        await session(workspace)
        entry = await made(workspace, 5, filename="a")
        monkeypatch.setattr(workspace.parts.store, "drop_note", FailsAt(None, Busy()))
        await patched(workspace, entry, 0, b"hello")
    os.link(opener.folder() / "attachments/a", opener.state / "staging" / entry.spool)
    opener.database.unlink()

    async with opener() as workspace:
        found = await record(workspace, entry)

        assert [file.attachment_id for file in await attachments(workspace)] == [found.attachment_id]
        await nothing_staged(opener)
        assert await content_of(workspace, found.attachment_id) == b"hello"


async def test_an_old_version_that_has_the_name_of_an_upload_is_not_published_without_the_index(opener):
    # RELIABILITY C1: cut off after the two had swapped their names
    async with opener(scanner=FakeScanner(ScanUnavailable(), b"new")) as workspace:
        await session(workspace)
        old = await made(workspace, 5, filename="a")
        old = await patched(workspace, old, 0, b"older")
        entry = await made(workspace, 3, filename="a", on_conflict="replace")
        await caught(patched(workspace, entry, 0, b"new"))
    target, staging = opener.folder() / "attachments/a", opener.state / "staging" / entry.spool
    target.rename(opener.root / "waiting")
    staging.rename(target)
    (opener.root / "waiting").rename(staging)
    opener.database.unlink()

    async with opener() as workspace:
        assert (await record(workspace, entry)).attachment_id == old.attachment_id
        await workspace.reconcile.scan("churn")

        assert await content_of(workspace, old.attachment_id) == b"new"
        await nothing_staged(opener)


async def test_an_upload_that_was_recorded_is_not_found_open_again(opener, monkeypatch):
    async with opener(scanner=FakeScanner(Infected())) as workspace:
        await session(workspace)
        entry = await made(workspace, 5)
        monkeypatch.setattr(workspace.parts.store, "drop_note", FailsAt(None, Busy()))
        await caught(patched(workspace, entry, 0, b"hello"))

    async with opener() as workspace:
        assert (await record(workspace, entry)).code == "infected"
        await nothing_staged(opener)


@pytest.mark.parametrize("how", ["closed", "deleted", "made anew"])
async def test_uploads_of_a_session_that_ended_in_between_have_ended(opener, clock, how):
    async with opener() as workspace:
        await session(workspace)
        entry = await made(workspace, 5)
        workspace.spools.live.clear()
        clock.forward(seconds=1)
        if how == "closed":
            await workspace.sessions.change(ADA, "churn", SessionChange(status="completed"))
        else:
            await workspace.sessions.delete(ADA, "churn", with_files=False)
        if how == "made anew":
            await session(workspace)

    async with opener() as workspace:
        await nothing_staged(opener)
        if how != "deleted":
            assert (await record(workspace, entry)).state == "failed"


async def test_uploads_that_expired_in_between_are_forgotten(opener, clock):
    async with opener() as workspace:
        await session(workspace)
        entry = await made(workspace, 5)

    clock.forward(days=8)
    async with opener() as workspace:
        assert isinstance(await caught(record(workspace, entry)), UploadNotFound)
        await nothing_staged(opener)


async def test_what_is_damaged_or_lost_on_the_disk_is_forgotten(opener):
    async with opener() as workspace:
        await session(workspace)
        noteless, damaged, renamed, lost = [await made(workspace, 5) for _ in range(4)]

    staging = opener.state / "staging"
    (staging / f"{noteless.spool}.json").unlink()
    (staging / f"{damaged.spool}.json").write_bytes(b"{}")
    (staging / f"{renamed.spool}.json").rename(staging / "other.json")
    (staging / lost.spool).unlink()

    async with opener() as workspace:
        for entry in (noteless, damaged, renamed, lost):
            assert isinstance(await caught(record(workspace, entry)), UploadNotFound)
        await nothing_staged(opener)


async def test_an_index_that_was_lost_is_filled_from_the_notes(opener):
    async with opener() as workspace:
        await session(workspace)
        entry = await made(workspace, 10)
        await patched(workspace, entry, 0, b"hello")

    opener.database.unlink()
    async with opener() as workspace:
        assert (await report(workspace, entry)).offset == 5
        async with workspace.parts.ledger.reading() as tx:
            assert await tx.uploads.unended() == [entry.upload_id]


async def test_a_client_waits_until_the_uploads_are_known(workspace, monkeypatch):
    await session(workspace)
    entry = await made(workspace, 5)
    workspace.spools._ready.clear()
    monkeypatch.setattr(spools_module, "PATIENCE", 0.01)

    assert isinstance(await caught(report(workspace, entry)), Starting)


async def test_a_stop_ends_what_is_being_finished_and_the_next_start_goes_on(opener, monkeypatch):
    monkeypatch.setattr(spools_module, "STOP_SECONDS", 0.01)

    class Never:
        async def check(self, read, size):
            await asyncio.Event().wait()

    async with opener(scanner=Never()) as workspace:
        await session(workspace)
        entry = await made(workspace, 5)
        finishing = asyncio.ensure_future(patched(workspace, entry, 0, b"hello"))
        await is_in(workspace, entry, "finishing")
        await workspace.spools.close()
        refused = await caught(finishing)

    assert isinstance(refused, Busy)
    async with opener() as workspace:
        await is_in(workspace, entry, "done")
