"""The user edits the folder behind our back; the index follows."""

import os
import unicodedata

import pytest

from jupyter_workspace.db import prints
from jupyter_workspace.errors import Busy, FileNotFound, Internal, SessionClosed, SessionNotFound
from jupyter_workspace.models.artifact import Register, ScanResult
from jupyter_workspace.models.session import SessionChange
from jupyter_workspace.services import comparing
from jupyter_workspace.services.creation import session_place
from jupyter_workspace.services.noticing import Finding, Moved, Notice, Vanished
from tests.unit.opening import (
    ADA,
    FailsAt,
    caught,
    content_of,
    events,
    indexed,
    session,
    upload,
    write,
)


@pytest.fixture
async def churn(workspace, opener):
    await session(workspace)
    return opener.folder()


async def scan(workspace, session_id="churn"):
    found = await workspace.reconcile.scan(session_id)
    return (found.created, found.updated, found.deleted)


async def told(workspace):
    return [(event["change_type"], event["path"]) for event in await events(workspace)]


async def paths(workspace):
    return sorted(entry.path for entry in (await indexed(workspace))[2].values())


def put_time(path, ns):
    os.utime(path, ns=(ns, ns))


# S0-62, S0-65, S0-66
async def test_files_that_come_change_and_go_are_noticed(workspace, churn):
    write(churn, "plots/a.txt", b"1")
    write(churn, "attachments/in.csv", b"1")

    assert await scan(workspace) == (2, 0, 0)
    write(churn, "plots/a.txt", b"22")
    assert await scan(workspace) == (0, 1, 0)
    (churn / "plots/a.txt").unlink()
    assert await scan(workspace) == (0, 0, 1)
    assert await scan(workspace) == (0, 0, 0)

    told_of = await events(workspace)
    assert [(e["change_type"], e["path"]) for e in told_of] == [
        ("created", "attachments/in.csv"),
        ("created", "plots/a.txt"),
        ("updated", "plots/a.txt"),
        ("deleted", "plots/a.txt"),
    ]
    assert [event["kind"] for event in told_of[:2]] == ["attachment", "artifact"]
    assert {event["source"] for event in told_of} == {"watch"}
    assert told_of[1]["attachment_id"] == told_of[3]["attachment_id"]
    assert (told_of[3]["size"], told_of[3]["hash"]) == (2, told_of[2]["hash"])


# S0-63: touching a file without changing its bytes is no news
async def test_a_touched_file_is_no_news(workspace, churn):
    path = write(churn, "a.txt", b"1")
    await scan(workspace)
    put_time(path, 10**18)

    assert await scan(workspace) == (0, 0, 0)
    assert len(await events(workspace)) == 1
    assert [entry.mtime_ns for entry in (await indexed(workspace))[2].values()] == [10**18]


# C4, API 11.35: hidden names, caches and the manifest never; S0-67
async def test_what_is_hidden_or_reserved_never_becomes_an_artifact(workspace, churn):
    for path in (
        ".hidden",
        ".dir/a.txt",
        "__pycache__/a.pyc",
        "deep/.ipynb_checkpoints/a.ipynb",
        "deep/__pycache__/a.pyc",
        "attachments/attachments_manifest.json",
    ):
        write(churn, path)
    write(churn, "sub/attachments/x.csv")

    assert await scan(workspace) == (1, 0, 0)
    assert await paths(workspace) == ["sub/attachments/x.csv"]


# S0-72, S3-15: links are never followed
async def test_links_and_special_files_are_left_out(workspace, churn, opener):
    secret = write(opener.root, "secret.txt")
    (churn / "link.txt").symlink_to(secret)
    (churn / "out").symlink_to(opener.root)
    os.mkfifo(churn / "pipe")

    assert await scan(workspace) == (0, 0, 0)


# API 11.35, 11.19: names no upload could have are reported, not listed
async def test_names_that_no_upload_could_have_are_reported(workspace, churn):
    write(churn, "good.txt")
    odd = write(churn, "ends in dot.")
    unreadable = write(churn, os.fsdecode(b"b\xff"))

    await scan(workspace)
    [problem] = workspace.problems()
    odd.unlink()
    unreadable.unlink()
    await scan(workspace)

    assert (problem.code, problem.session_id) == ("names_unlisted", "churn")
    assert problem.message.startswith("2 file(s)")
    assert workspace.problems() == []
    assert await paths(workspace) == ["good.txt"]


# API 11.19: files a kernel made in NFD are kept as they are
async def test_a_name_in_nfd_is_noticed_in_its_own_form(workspace, churn):
    name = unicodedata.normalize("NFD", "é.txt")
    write(churn, name)

    await scan(workspace)

    assert await paths(workspace) == [name]


async def test_a_renamed_file_keeps_its_ids(workspace, churn):
    path = write(churn, "a.txt", b"1")
    await scan(workspace)
    [before] = (await indexed(workspace))[2]
    path.rename(churn / "b.txt")

    assert await scan(workspace) == (0, 1, 0)
    assert list((await indexed(workspace))[2]) == [before]
    assert (await told(workspace))[-1] == ("updated", "b.txt")


# A copy that took the place of the original: another inode, the same bytes.
async def test_a_file_that_was_copied_and_removed_keeps_its_ids(workspace, churn):
    path = write(churn, "a.txt", b"the same")
    await scan(workspace)
    [before] = (await indexed(workspace))[2]
    write(churn, "b.txt", b"the same")
    path.unlink()

    assert await scan(workspace) == (0, 1, 0)
    assert list((await indexed(workspace))[2]) == [before]
    assert await content_of(workspace, before) == b"the same"


@pytest.mark.parametrize("content", [b"", b"twice"])
async def test_a_copy_of_one_of_several_that_are_gone_is_a_new_file(workspace, churn, content):
    for name in ("a", "b"):
        write(churn, name, content)
    await scan(workspace)
    for name in ("a", "b"):
        (churn / name).unlink()
    # Later, so that no identity is mistaken for that of a file that is gone.
    put_time(write(churn, "c", content), 10**18)

    assert await scan(workspace) == (1, 0, 2)


async def test_a_file_that_was_swapped_for_another_is_a_new_version(workspace, churn):
    first, second = write(churn, "a.txt", b"1"), write(churn, "b.txt", b"22")
    await scan(workspace)
    before = {entry.path: entry.attachment_id for entry in (await indexed(workspace))[2].values()}
    first.rename(churn / "c.txt")
    second.rename(first)
    (churn / "c.txt").rename(second)

    assert await scan(workspace) == (0, 2, 0)
    assert {e.path: e.attachment_id for e in (await indexed(workspace))[2].values()} == before


# API 11.26: the disk is noted in a closed session too
async def test_a_closed_sessions_folder_is_still_followed(workspace, churn):
    await workspace.sessions.change(ADA, "churn", SessionChange(status="completed"))
    write(churn, "a.txt")

    assert await scan(workspace) == (1, 0, 0)


async def test_only_what_the_disk_shows_is_noted_in_a_closed_session(workspace, churn):
    write(churn, "a.txt")
    digest, stat = await workspace.parts.store.digest(session_place("churn", "a.txt"))
    finding = Finding(path="a.txt", digest=digest, stat=stat, source="register")
    await workspace.sessions.change(ADA, "churn", SessionChange(status="completed"))

    error = await caught(workspace.parts.publisher.publish(Notice(workspace.parts, "churn", [finding])))

    assert isinstance(error, SessionClosed)


# S0-68, S0-71, API 11.35: a truncated scan reports no deletions
async def test_a_scan_that_meets_its_limit_reports_no_deletions(opener):
    async with opener(in_memory=True, scan_limit=2) as workspace:
        await session(workspace)
        for name in "ab":
            write(opener.folder(), name)
        await scan(workspace)
        for name in "cdefg":
            write(opener.folder(), name)
        (opener.folder() / "a").unlink()

        found = await workspace.reconcile.scan("churn")

    assert isinstance(found, ScanResult)
    assert (found.truncated, found.deleted) == (True, 0)


async def test_a_folder_that_is_gone_takes_its_files_along(workspace, churn):
    write(churn, "a.txt").unlink()
    await upload(workspace, "b.txt", folder="")
    (churn / "b.txt").unlink()
    churn.rmdir()

    assert await scan(workspace) == (0, 0, 1)


async def test_a_session_that_is_not_there_cannot_be_scanned(workspace, churn):
    assert isinstance(await caught(workspace.reconcile.scan("nowhere")), SessionNotFound)
    await workspace.sessions.delete(ADA, "churn", with_files=False)
    assert isinstance(await caught(workspace.reconcile.scan("churn")), SessionNotFound)


# S0-69: a file that cannot be read is skipped and fails nothing
@pytest.mark.parametrize("fault", [Busy(), FileNotFound(), Internal()])
async def test_a_file_that_cannot_be_read_is_left_for_the_next_scan(workspace, churn, monkeypatch, fault):
    write(churn, "a.txt")
    write(churn, "b.txt")
    store = workspace.parts.store
    with monkeypatch.context() as patch:
        patch.setattr(store, "digest", FailsAt(store.digest, fault, 1))
        assert await scan(workspace) == (1, 0, 0)

    assert await scan(workspace) == (1, 0, 0)


async def test_more_files_than_a_batch_takes_are_all_noticed(workspace, churn, monkeypatch):
    monkeypatch.setattr(comparing, "BATCH", 3)
    for number in range(8):
        write(churn, f"{number}.txt", b"%d" % number)
    assert await scan(workspace) == (8, 0, 0)
    (churn / "new").mkdir()
    for number in range(4):
        (churn / f"{number}.txt").rename(churn / f"new/{number}.txt")
    for number in range(4, 8):
        (churn / f"{number}.txt").unlink()

    assert await scan(workspace) == (0, 4, 4)


@pytest.mark.parametrize("chunk", [1, 2, 3, 4])
async def test_what_is_known_is_read_in_pieces_of_any_size(workspace, churn, monkeypatch, chunk):
    monkeypatch.setattr(prints, "_CHUNK", chunk)
    for name in ("a", "b/a", "b/b"):
        write(churn, name, name.encode())
    assert await scan(workspace) == (3, 0, 0)
    (churn / "b/a").unlink()

    assert await scan(workspace) == (0, 0, 1)
    assert await paths(workspace) == ["a", "b/b"]


async def test_references_are_no_files_of_the_folder(workspace, churn, opener):
    write(opener.root, "x.bin")
    await workspace.registration.register(ADA, "churn", [Register(root_path="x.bin", copy=False)])

    assert await scan(workspace) == (0, 0, 0)
    vanished = Vanished(workspace.parts, "churn", ["references/x.bin", "nothing.txt"])
    assert await workspace.parts.publisher.publish(vanished) == 0


async def test_what_is_back_by_now_neither_vanishes_nor_moves(workspace, churn):
    await upload(workspace, "a.txt", folder="")
    await upload(workspace, "b.txt", folder="")
    (churn / "b.txt").unlink()
    publish = workspace.parts.publisher.publish

    assert await publish(Vanished(workspace.parts, "churn", ["a.txt"])) == 0
    pairs = [("a.txt", "c.txt"), ("nothing.txt", "d.txt"), ("b.txt", "a.txt")]
    assert await publish(Moved(workspace.parts, "churn", pairs)) == 0


# API 11.26: compared before it is sent
async def test_a_file_that_is_gone_is_found_out_when_it_is_asked_for(workspace, churn):
    entry = await upload(workspace, "a.txt", folder="")
    (churn / "a.txt").unlink()

    assert isinstance(await caught(workspace.reconcile.refresh(entry)), FileNotFound)
    assert (await told(workspace))[-1] == ("deleted", "a.txt")


async def test_a_folder_in_place_of_a_file_is_no_file(workspace, churn):
    entry = await upload(workspace, "a.txt", folder="")
    (churn / "a.txt").unlink()
    (churn / "a.txt").mkdir()

    assert isinstance(await caught(workspace.reconcile.refresh(entry)), FileNotFound)


async def test_an_unchanged_file_is_not_hashed_again(workspace, churn, monkeypatch):
    entry = await upload(workspace, "a.txt", folder="")
    monkeypatch.setattr(workspace.parts.store, "digest", FailsAt(None, Internal()))

    assert await workspace.reconcile.refresh(entry) == entry


async def test_scans_that_nobody_waits_for_end_with_the_workspace(workspace, churn, caplog):
    task = workspace.reconcile.scan_soon("churn")
    failing = workspace.reconcile.scan_soon("nowhere")

    assert isinstance(await caught(failing), SessionNotFound)
    await workspace.reconcile.close()

    assert task.done()


async def test_a_survey_knows_the_folders_and_notices_nothing(workspace, churn):
    write(churn, "a/b/c.txt")

    await workspace.reconcile.survey("churn")

    assert workspace.reconcile.folders["churn"] == frozenset({"a", "a/b"})
    assert await told(workspace) == []
