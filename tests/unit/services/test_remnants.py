"""Folders in the trash take room as files do, and go as files do. API 4, 11.25"""

from datetime import UTC, datetime

import pytest

from jupyter_workspace.errors import QuotaExceeded
from jupyter_workspace.models.session import SessionNew
from jupyter_workspace.protocol.selection import FileFilter
from jupyter_workspace.services.artifacts import Page
from jupyter_workspace.services.folders import Where
from jupyter_workspace.services.remnants import is_remnant, rest_name, session_name
from jupyter_workspace.services.settings import Actor
from tests.unit.opening import ADA, caught, session, upload, write

BOB = Actor(owner="bob", name="bob")


async def delete_folder(workspace, path, session_id="churn"):
    where = Where(session_id=session_id, path=path)
    await workspace.folders.delete(ADA, where, recursive=True, permanent=False)


def test_their_names_say_what_they_are():
    moment = datetime(2026, 11, 21, tzinfo=UTC)

    assert session_name("churn", moment, "ses_x") == "session.1795219200.ses_x.churn"
    assert is_remnant(session_name("churn", moment, "ses_x"))
    assert is_remnant(rest_name("churn", moment, "pth_x"))
    assert not is_remnant("art_00000000000000000000000001")


async def test_a_deleted_session_counts_as_trash_of_its_owner(workspace, opener):
    await session(workspace)
    await session(workspace, "other")
    write(opener.folder("other"), "deep/made.bin", b"12345")
    (opener.folder("other") / "link").symlink_to("nowhere")

    await workspace.sessions.delete(ADA, "other", with_files=True)
    usage = await workspace.sessions.usage(ADA)
    foreign = await workspace.sessions.usage(BOB)

    assert usage.trash_bytes == 5 + len("nowhere")
    assert [(one.session_id, one.trash_bytes) for one in usage.sessions] == [("churn", 0)]
    assert foreign.trash_bytes == 0


async def test_what_is_left_of_a_deleted_folder_counts_as_trash_of_its_session(workspace, opener):
    await session(workspace)
    write(opener.folder(), "data/__pycache__/a.pyc", b"12345")

    await delete_folder(workspace, "data")
    usage = await workspace.sessions.usage(ADA)

    assert usage.trash_bytes == 5
    assert [one.trash_bytes for one in usage.sessions] == [5]


# API 11.25: limits are checked on live and trash, and the trash goes before a 507
async def test_a_deleted_session_goes_for_good_when_its_room_is_needed(opener):
    async with opener(in_memory=True, max_user_size=10) as workspace:
        await session(workspace)
        await session(workspace, "other")
        write(opener.folder("other"), "made.bin", b"12345")
        await workspace.sessions.delete(ADA, "other", with_files=True)

        await upload(workspace, "a.bin", b"12345")
        kept = opener.trash()
        await upload(workspace, "b.bin", b"12345")
        error = await caught(upload(workspace, "c.bin", b"1"))

    assert len(kept) == 1
    assert opener.trash() == []
    assert isinstance(error, QuotaExceeded)
    assert error.facts["used"] == 10


async def test_the_rest_of_a_folder_goes_for_good_when_the_room_of_its_session_is_needed(opener):
    async with opener(in_memory=True, max_session_size=10) as workspace:
        await session(workspace)
        await session(workspace, "other")
        write(opener.folder(), "data/__pycache__/a.pyc", b"12345")
        write(opener.folder("other"), "data/__pycache__/a.pyc", b"12345")
        await delete_folder(workspace, "data")
        await delete_folder(workspace, "data", "other")

        await upload(workspace, "a.bin", b"1234567890")

    assert [name.rpartition(".")[2] for name in opener.trash()] == ["other"]


# API 11.25: one user's room is not made at the cost of another's trash
async def test_the_trash_of_another_owner_stays_when_room_is_needed(opener):
    async with opener(in_memory=True, max_user_size=10) as workspace:
        await workspace.sessions.create(BOB, SessionNew(session_id="bobs"))
        write(opener.folder("bobs"), "b.bin", b"12345")
        await workspace.reconcile.scan("bobs")
        [file] = (await workspace.artifacts.page(BOB, FileFilter(session_id="bobs"), Page())).artifacts
        await workspace.artifacts.delete(BOB, "bobs", [file.attachment_id], permanent=False)
        await session(workspace)

        error = await caught(upload(workspace, "a.bin", b"12345678901"))

    assert isinstance(error, QuotaExceeded)
    assert opener.trash() == [file.artifact_id]


@pytest.mark.parametrize("size", [0, 9])
async def test_the_size_of_the_trash_bounds_folders_too(opener, clock, size):
    async with opener(in_memory=True, trash_size=size, trash_days=0) as workspace:
        for session_id in ("one", "two"):
            await session(workspace, session_id)
            write(opener.folder(session_id), "made.bin", b"12345")
            await workspace.sessions.delete(ADA, session_id, with_files=True)
            clock.forward(seconds=1)

        await workspace.trash.sweep(clock())

    kept = [name.rpartition(".")[2] for name in opener.trash()]
    assert kept == (["two"] if size else ["one", "two"])


async def test_a_folder_that_holds_no_file_does_not_stay_in_the_trash(workspace, opener, clock):
    await session(workspace)
    write(opener.folder(), "empty/deep/a.txt").unlink()
    write(opener.folder(), "full/__pycache__/a.pyc", b"")
    await delete_folder(workspace, "empty")
    await delete_folder(workspace, "full")

    await workspace.trash.sweep(clock())

    assert len(opener.trash()) == 1
