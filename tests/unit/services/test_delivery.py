import os
from datetime import UTC, datetime

import pytest

from jupyter_workspace.errors import Busy, FileNotFound, SessionNotFound, VersionGone
from jupyter_workspace.models.artifact import Register
from jupyter_workspace.services.settings import Actor
from tests.unit.opening import ADA, FailsAt, caught, content_of, events, session, upload, write


@pytest.fixture
async def churn(workspace, opener):
    await session(workspace)
    return opener.folder()


async def opened(workspace, file_id, actor=ADA):
    return await workspace.delivery.open(actor, "churn", file_id)


# S0-76, S2-37, API 6: exactly the stored bytes, a strong ETag of their digest, the time of the last change
async def test_a_file_is_given_as_it_was_stored(workspace, churn):
    entry = await upload(workspace, "a.csv", b"1,2")
    os.utime(churn / "attachments/a.csv", (10**9, 10**9))

    content = await opened(workspace, entry.attachment_id)
    async with content.file as file:
        chunks = [chunk async for chunk in file.chunks()]

    assert b"".join(chunks) == b"1,2"
    assert (content.size, content.etag) == (3, f'"{entry.sha256}"')
    assert content.modified == datetime.fromtimestamp(10**9, UTC)


# API 11.24
async def test_a_replaced_version_is_given_until_it_is_purged(workspace, churn):
    old = await upload(workspace, "a.csv", b"old")
    await upload(workspace, "a.csv", b"new", on_conflict="replace")

    assert await content_of(workspace, old.artifact_id) == b"old"
    await workspace.trash.purge([old.artifact_id])
    assert isinstance(await caught(opened(workspace, old.artifact_id)), VersionGone)


# S0-80: bytes gone from the disk
async def test_bytes_that_are_gone_are_not_found(workspace, churn):
    entry = await upload(workspace, "a.csv", b"1")
    (churn / "attachments/a.csv").unlink()

    assert isinstance(await caught(opened(workspace, entry.attachment_id)), FileNotFound)
    assert (await events(workspace))[-1]["change_type"] == "deleted"


async def test_bytes_that_are_gone_from_the_trash_are_a_version_that_is_gone(workspace, churn, opener):
    old = await upload(workspace, "a.csv", b"old")
    await upload(workspace, "a.csv", b"new", on_conflict="replace")
    (opener.state / "trash" / old.artifact_id).unlink()

    assert isinstance(await caught(opened(workspace, old.artifact_id)), VersionGone)


async def test_bytes_in_the_trash_that_are_not_those_of_the_version_are_not_given(workspace, churn, opener):
    old = await upload(workspace, "a.csv", b"old")
    await upload(workspace, "a.csv", b"new", on_conflict="replace")
    (opener.state / "trash" / old.artifact_id).write_bytes(b"other")

    assert isinstance(await caught(opened(workspace, old.artifact_id)), VersionGone)


# API 11.26: compared with the record, hashed again first if it differs
async def test_a_file_changed_behind_our_back_is_given_as_it_is_now(workspace, churn):
    entry = await upload(workspace, "a.csv", b"old")
    write(churn, "attachments/a.csv", b"edited")

    content = await opened(workspace, entry.attachment_id)
    await content.file.close()

    assert (content.entry.version, content.size) == (2, 6)
    assert content.etag == f'"{content.entry.sha256}"'
    assert (await events(workspace))[-1]["change_type"] == "updated"
    assert isinstance(await caught(opened(workspace, entry.artifact_id)), VersionGone)


async def test_a_version_that_was_just_overwritten_is_gone_for_who_wants_that_one(workspace, churn):
    entry = await upload(workspace, "a.csv", b"old")
    write(churn, "attachments/a.csv", b"edited")

    assert isinstance(await caught(opened(workspace, entry.artifact_id)), VersionGone)


async def test_a_file_that_is_being_written_is_busy(workspace, churn, monkeypatch):
    entry = await upload(workspace, "a.csv", b"old")
    write(churn, "attachments/a.csv", b"edited")
    monkeypatch.setattr(workspace.parts.store, "digest", FailsAt(None, Busy()))

    assert isinstance(await caught(opened(workspace, entry.attachment_id)), Busy)


# API 11.26: without a known digest the ETag comes from inode, size and time
async def test_a_file_that_nobody_hashed_has_an_etag_of_what_the_disk_says(workspace, churn):
    entry = await upload(workspace, "a.csv", b"old")
    write(churn, "attachments/a.csv", b"edited")
    new = await upload(workspace, "a.csv", b"new", on_conflict="replace")
    async with workspace.parts.ledger.reading() as tx:
        unknown = next(v for v in await tx.files.versions_of(entry.attachment_id) if v.kept == "trash")

    content = await opened(workspace, unknown.artifact_id)
    await content.file.close()

    assert unknown.sha256 is None
    assert content.etag.startswith('"')
    assert content.etag != f'"{new.sha256}"'


async def test_a_file_that_changes_whenever_it_is_opened_is_busy(workspace, churn, monkeypatch):
    entry = await upload(workspace, "a.csv", b"old")
    store = workspace.parts.store
    open_read = store.open_read

    async def changed(place):
        write(churn, "attachments/a.csv", b"edited")
        return await open_read(place)

    monkeypatch.setattr(store, "open_read", changed)

    assert isinstance(await caught(opened(workspace, entry.attachment_id)), Busy)


# API 4: a replace is atomic, so a reader gets the old version as long as the record names it
async def test_a_version_that_left_for_the_trash_before_the_record_says_so_is_given(workspace, churn, opener):
    entry = await upload(workspace, "a.csv", b"old")
    (churn / "attachments/a.csv").rename(opener.state / "trash" / entry.artifact_id)
    write(churn, "attachments/a.csv", b"new")

    for file_id in (entry.attachment_id, entry.artifact_id):
        assert await content_of(workspace, file_id) == b"old"


async def test_an_old_record_of_a_version_whose_bytes_are_gone_is_told_so(workspace, churn):
    entry = await upload(workspace, "a.csv", b"old")
    write(churn, "attachments/a.csv", b"edited")
    await content_of(workspace, entry.attachment_id)

    assert isinstance(await caught(workspace.delivery.open_entry(entry, exact=True)), VersionGone)


async def test_an_old_record_leads_to_the_file_as_it_is_now(workspace, churn):
    entry = await upload(workspace, "a.csv", b"old")
    new = await upload(workspace, "a.csv", b"new", on_conflict="replace")
    await workspace.trash.purge([entry.artifact_id])

    content = await workspace.delivery.open_entry(entry, exact=False)
    await content.file.close()

    assert content.entry == new


# S0-72, S2-55
@pytest.mark.parametrize("place", ["attachments", "attachments/a.csv"])
async def test_a_link_in_the_place_of_a_file_or_its_folder_is_no_file(workspace, churn, tmp_path, place):
    entry = await upload(workspace, "a.csv", b"old")
    (churn / place).rename(tmp_path / "away")
    (churn / place).symlink_to(tmp_path / "away")

    assert isinstance(await caught(opened(workspace, entry.attachment_id)), FileNotFound)
    assert (await events(workspace))[-1]["change_type"] == "deleted"


async def test_a_reference_to_a_file_that_is_gone_is_not_found(workspace, churn, opener):
    outside = write(opener.root, "x.bin")
    [[entry, _]] = await workspace.registration.register(
        ADA, "churn", [Register(root_path="x.bin", copy=False)]
    )
    outside.unlink()

    assert isinstance(await caught(opened(workspace, entry.attachment_id)), FileNotFound)


# S4-12, S2-51
async def test_a_file_is_given_only_to_who_may_see_its_session(workspace, churn):
    entry = await upload(workspace, "a.csv")
    bob = Actor(owner="bob", name="bob")

    assert isinstance(await caught(opened(workspace, entry.attachment_id, bob)), SessionNotFound)
