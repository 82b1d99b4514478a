import asyncio
import io
import json
import os
import threading
import zipfile

import pytest

from jupyter_workspace.errors import ArchiveNotFound, Busy, FileNotFound, SessionNotFound, VersionGone
from jupyter_workspace.protocol.query import Filters
from jupyter_workspace.protocol.selection import FileFilter
from jupyter_workspace.services import archives as archiving
from jupyter_workspace.services.settings import Actor
from tests.unit.opening import ADA, FailsAt, caught, session, sha256, upload, write

WHOLE = FileFilter(session_id="churn")


@pytest.fixture
async def churn(workspace, opener):
    await session(workspace)
    return opener.folder()


async def all_of(archive, start=0, stop=None):
    stop = archive.size if stop is None else stop
    return b"".join([chunk async for chunk in archive.chunks(start, stop)])


async def unpacked(archive):
    packed = zipfile.ZipFile(io.BytesIO(await all_of(archive)))
    assert packed.testzip() is None
    return {name: packed.read(name) for name in packed.namelist()}


async def of_session(workspace, **wanted):
    return await workspace.archives.of_session(ADA, FileFilter(session_id="churn", **wanted))


# S0-83, S0-85, C5, API 6: one top folder, UTF-8 names, the manifest last, originals untouched
async def test_a_zip_has_every_file_of_the_session_and_a_manifest(workspace, churn):
    await upload(workspace, "ü.csv", b"1")
    write(churn, "plots/new.txt", b"not yet known")
    (churn / "empty").mkdir()
    write(churn, ".hidden", b"secret")

    archive = await of_session(workspace)
    files = await unpacked(archive)

    assert archive.name == "churn.zip"
    assert list(files) == [
        "churn/attachments/",
        "churn/empty/",
        "churn/plots/",
        "churn/attachments/ü.csv",
        "churn/plots/new.txt",
        "churn/attachments_manifest.json",
    ]
    assert files["churn/plots/new.txt"] == b"not yet known"
    assert (churn / "attachments/ü.csv").read_bytes() == b"1"
    manifest = json.loads(files["churn/attachments_manifest.json"])
    assert manifest["pending"] == []
    assert {file["path"]: file["sha256"] for file in manifest["files"]} == {
        "attachments/ü.csv": sha256(b"1"),
        "plots/new.txt": sha256(b"not yet known"),
    }


# API 6, 11.55: the same files are the same zip, byte by byte, so a broken download goes on
async def test_the_zip_of_unchanged_files_is_the_same_and_has_ranges(workspace, churn, clock):
    entry = await upload(workspace, "a.csv", b"0123456789" * 100)
    await upload(workspace, "b.csv", b"b")
    first = await of_session(workspace)
    whole = await all_of(first)
    clock.forward(days=1)

    second = await of_session(workspace)

    assert (second.etag, second.size, second.modified) == (first.etag, first.size, first.modified)
    assert len(whole) == first.size
    parts = [
        await all_of(second, start, min(start + 333, second.size)) for start in range(0, second.size, 333)
    ]
    assert b"".join(parts) == whole
    write(churn, "attachments/a.csv", b"changed")
    third = await of_session(workspace)
    assert third.etag != first.etag
    assert entry.path in json.dumps([entry.path])


async def test_compressed_it_is_smaller_and_holds_the_same(workspace, churn):
    await upload(workspace, "a.csv", bytes(100_000))
    (churn / "empty").mkdir()
    archive = await of_session(workspace)

    packed = b"".join([chunk async for chunk in archive.deflated()])

    assert len(packed) < archive.size / 10
    content = zipfile.ZipFile(io.BytesIO(packed))
    assert content.read("churn/attachments/a.csv") == bytes(100_000)
    assert "churn/empty/" in content.namelist()


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"kind": "attachment"}, ["attachments/a.csv"]),
        ({"filters": Filters(("text/",), ("txt",))}, ["plots/b.txt"]),
        ({"prefix": "plots"}, ["plots/", "plots/deep/", "plots/b.txt", "plots/deep/c.bin"]),
        ({"prefix": "plots/b.txt"}, ["plots/b.txt"]),
        ({"prefix": "empty"}, ["empty/"]),
    ],
)
async def test_a_part_of_a_session_is_zipped(workspace, churn, wanted, expected):
    await upload(workspace, "a.csv")
    await upload(workspace, "b.txt", kind="artifact", folder="plots")
    await upload(workspace, "c.bin", kind="artifact", folder="plots/deep")
    (churn / "empty").mkdir()

    files = await unpacked(await of_session(workspace, **wanted))

    assert [name.removeprefix("churn/") for name in files][:-1] == expected


# API 11.41: unknown ids and folders 404; S0-87
async def test_what_is_not_there_cannot_be_zipped(workspace, churn):
    entry = await upload(workspace, "a.csv")
    await workspace.artifacts.delete(ADA, "churn", [entry.attachment_id], permanent=False)
    bob = Actor(owner="bob", name="bob")

    for refused in (
        of_session(workspace, prefix="nothing"),
        of_session(workspace, chosen=[entry.attachment_id]),
        workspace.archives.of_folder(ADA, "churn", "nothing"),
        workspace.archives.keep(ADA, "churn", ["att_" + "0" * 26]),
    ):
        assert isinstance(await caught(refused), FileNotFound)
    assert isinstance(await caught(workspace.archives.of_session(bob, WHOLE)), SessionNotFound)


# S1-26, C6, API 8: a folder's zip is named after the folder
async def test_a_folder_is_zipped_from_itself_on(workspace, churn):
    await upload(workspace, "a.csv", folder="data/raw")
    await upload(workspace, "b.csv", folder="data/raw/deep")
    await upload(workspace, "c.csv", folder="data")

    archive = await workspace.archives.of_folder(ADA, "churn", "data/raw")
    whole = await workspace.archives.of_folder(ADA, "churn", "")

    assert archive.name == "raw.zip"
    assert list(await unpacked(archive)) == [
        "raw/deep/",
        "raw/a.csv",
        "raw/deep/b.csv",
        "raw/attachments_manifest.json",
    ]
    assert whole.name == "churn.zip"


# API 6: large selections, kept for an hour
async def test_a_selection_can_be_downloaded_for_an_hour(workspace, churn, clock):
    first, second = await upload(workspace, "a.csv", b"a"), await upload(workspace, "b.csv", b"b")
    await upload(workspace, "c.csv", b"c")

    key = await workspace.archives.keep(ADA, "churn", [first.attachment_id, second.artifact_id])
    files = await unpacked(await workspace.archives.kept(ADA, "churn", key))
    clock.forward(minutes=61)
    error = await caught(workspace.archives.kept(ADA, "churn", key))
    await workspace.archives.keep(ADA, "churn", [first.attachment_id])
    clock.forward(minutes=-60)

    assert [name for name in files if name.endswith(".csv")] == [
        "churn/attachments/a.csv",
        "churn/attachments/b.csv",
    ]
    assert isinstance(error, ArchiveNotFound)
    assert isinstance(await caught(workspace.archives.kept(ADA, "churn", key)), ArchiveNotFound)


# API 11.41: a member that changes meanwhile breaks the connection, never completes; S0-88
async def test_a_member_that_changes_meanwhile_breaks_the_download(workspace, churn):
    await upload(workspace, "a.csv", b"12345")
    archive = await of_session(workspace)
    write(churn, "attachments/a.csv", b"54321")

    assert isinstance(await caught(all_of(archive)), VersionGone)


# API 11.41: what is still unrecorded is named as pending
async def test_what_is_not_recorded_yet_is_pending(workspace, churn, monkeypatch):
    await upload(workspace, "a.csv", b"a", folder="data")
    await upload(workspace, "b.csv", b"b", folder="data")
    write(churn, "data/b.csv", b"being written")
    write(churn, "data/c.csv", b"being written")
    write(churn, "data/odd.", b"no upload could have this name")
    write(churn, "other.csv", b"being written")
    monkeypatch.setattr(workspace.parts.store, "digest", FailsAt(None, Busy()))

    whole = await of_session(workspace)
    folder = await workspace.archives.of_folder(ADA, "churn", "data")

    assert json.loads(whole._manifest)["pending"] == ["data/b.csv", "data/c.csv", "other.csv"]
    assert json.loads(folder._manifest)["pending"] == ["b.csv", "c.csv"]


async def test_a_download_does_not_wait_long_for_the_scan(workspace, churn, monkeypatch):
    monkeypatch.setattr(archiving, "RESCAN_SECONDS", 0)
    goes_on = asyncio.Event()
    digest = workspace.parts.store.digest

    async def slowly(place):
        await goes_on.wait()
        return await digest(place)

    monkeypatch.setattr(workspace.parts.store, "digest", slowly)
    write(churn, "a.txt")

    archive = await of_session(workspace)
    goes_on.set()

    assert json.loads(archive._manifest)["pending"] == ["a.txt"]


async def test_the_zip_of_a_folder_that_is_gone_is_empty(workspace, churn):
    churn.rmdir()

    assert list(await unpacked(await of_session(workspace))) == ["churn/attachments_manifest.json"]


# S0-83, API 11.55: nothing of the user's is left out; what takes the manifest's name gets a number
async def test_a_file_with_the_manifests_name_stands_beside_it_with_a_number(workspace, churn):
    write(churn, "attachments_manifest.json", b"the user's")
    write(churn, "attachments_manifest (1).json", b"the user's, too")
    write(churn, "attachments/attachments_manifest.json", b"ours, on the disk")

    files = await unpacked(await of_session(workspace))

    assert list(files) == [
        "churn/attachments/",
        "churn/attachments_manifest (1).json",
        "churn/attachments_manifest (2).json",
        "churn/attachments_manifest.json",
    ]
    assert files["churn/attachments_manifest (2).json"] == b"the user's"
    listed = json.loads(files["churn/attachments_manifest.json"])["files"]
    assert len(listed) == 2


# S0-72: links are never followed out of the session
async def test_links_are_no_members(workspace, churn, opener):
    (churn / "link.txt").symlink_to(write(opener.root, "secret.txt"))
    os.mkfifo(churn / "pipe")

    assert list(await unpacked(await of_session(workspace))) == ["churn/attachments_manifest.json"]


# API 11.41: a file that was edited, deleted and restored was never hashed; it is in the zip all the same
async def test_a_restored_file_that_was_edited_before_is_a_member(workspace, churn):
    entry = await upload(workspace, "a.csv", b"old")
    write(churn, "attachments/a.csv", b"edited by hand")
    await workspace.artifacts.delete(ADA, "churn", [entry.attachment_id], permanent=False)
    restored = await workspace.artifacts.restore(ADA, "churn", entry.attachment_id, "error")

    files = await unpacked(await of_session(workspace))

    assert files["churn/attachments/a.csv"] == b"edited by hand"
    found = await workspace.artifacts.find(ADA, "churn", entry.attachment_id)
    assert (found.artifact_id, found.sha256) == (restored.artifact_id, sha256(b"edited by hand"))


async def test_a_file_that_was_never_hashed_is_pending(workspace, churn, monkeypatch):
    entry = await upload(workspace, "a.csv", b"old")
    write(churn, "attachments/a.csv", b"edited by hand")
    await workspace.artifacts.delete(ADA, "churn", [entry.attachment_id], permanent=False)
    await workspace.artifacts.restore(ADA, "churn", entry.attachment_id, "error")
    monkeypatch.setattr(workspace.parts.store, "digest", FailsAt(None, Busy()))

    archive = await of_session(workspace)

    assert json.loads(archive._manifest)["pending"] == ["attachments/a.csv"]


@pytest.mark.parametrize("how", ["session", "folder"])
async def test_a_zip_is_planned_where_nobody_waits_for_it(workspace, churn, monkeypatch, how):
    await upload(workspace, "a.csv")
    planned_in = []

    class Watched(archiving.Archive):
        def __init__(self, *given):
            planned_in.append(threading.current_thread())
            super().__init__(*given)

    monkeypatch.setattr(archiving, "Archive", Watched)

    if how == "session":
        await of_session(workspace)
    else:
        await workspace.archives.of_folder(ADA, "churn", "attachments")

    assert planned_in != [threading.main_thread()]
    assert len(planned_in) == 1
