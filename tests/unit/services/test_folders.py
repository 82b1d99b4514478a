import os
import unicodedata

import pytest

from jupyter_workspace.errors import (
    FileNotFound,
    IsSession,
    NotADirectory,
    NotEmpty,
    ParameterInvalid,
    PathEscapes,
    SessionClosed,
    SessionNotFound,
)
from jupyter_workspace.models.artifact import Register
from jupyter_workspace.models.session import SessionChange, SessionNew
from jupyter_workspace.protocol.selection import FileFilter
from jupyter_workspace.services import folders as folding
from jupyter_workspace.services import reconcile as reconciling
from jupyter_workspace.services.artifacts import Page
from jupyter_workspace.services.folders import parse_where
from jupyter_workspace.services.settings import Actor
from tests.unit.opening import ADA, caught, events, indexed, session, upload, write

BOB = Actor(owner="bob", name="bob")
NAMES = (("name", False),)


@pytest.fixture
async def churn(workspace, opener):
    await session(workspace)
    return opener.folder()


async def listed(
    workspace, path, *, actor=ADA, text=None, order=NAMES, limit=100, offset=0, allow_hidden=False
):
    where = parse_where(path, allow_hidden=allow_hidden)
    return await workspace.folders.page(actor, where, text=text, order=order, limit=limit, offset=offset)


async def names(workspace, path, **how):
    return [item.name for item in (await listed(workspace, path, **how)).items]


async def delete(workspace, path, *, recursive=False, permanent=False, actor=ADA):
    where = parse_where(path, allow_hidden=True)
    await workspace.folders.delete(actor, where, recursive=recursive, permanent=permanent)


# S3-12, S3-13, S1-16, S1-18: the root lists the sessions and nothing else
@pytest.mark.parametrize("path", ["", "."])
async def test_the_root_lists_the_sessions(workspace, churn, opener, path):
    await session(workspace, "other")
    await workspace.sessions.create(BOB, SessionNew(session_id="bobs"))
    await session(workspace, "gone")
    await workspace.sessions.delete(ADA, "gone", with_files=False)
    write(opener.root / "workspace", "plain/a.txt")

    root = await listed(workspace, path)

    assert (root.base, [item.path for item in root.items], root.total) == (".", ["churn", "other"], 2)
    assert [(crumb.label, crumb.path) for crumb in root.crumbs] == [("/", "")]
    assert all(item.is_dir and item.size is None for item in root.items)
    assert await names(workspace, path, text="CHU") == ["churn"]
    assert await names(workspace, path, order=(("name", True),), limit=1) == ["other"]


# S1-17, S1-19, S1-20, S3-16, S3-17, S3-20, C25: no absolute path anywhere
async def test_a_folder_is_listed_with_crumbs_and_ids(workspace, churn):
    entry = await upload(workspace, "a.csv", b"1,2", folder="data/raw")
    write(churn, "data/raw/unknown.txt", b"12345")

    folder = await listed(workspace, "churn/data/raw/")

    assert folder.base == "churn/data/raw"
    assert [(crumb.label, crumb.path) for crumb in folder.crumbs] == [
        ("/", ""),
        ("churn", "churn"),
        ("data", "churn/data"),
        ("raw", "churn/data/raw"),
    ]
    known, unknown = folder.items
    assert (known.path, known.attachment_id, known.size, known.mime) == (
        "churn/data/raw/a.csv",
        entry.attachment_id,
        3,
        "text/csv",
    )
    assert (unknown.path, unknown.attachment_id, unknown.size, unknown.mime) == (
        "churn/data/raw/unknown.txt",
        None,
        5,
        "text/plain",
    )


# S3-18, S0-102: folders first, each by lower-case name
async def test_folders_come_first_then_lower_case_names(workspace, churn):
    for name in ("b.txt", "A.txt", "a.txt", "C/x", "d/x"):
        write(churn, name)

    assert await names(workspace, "churn") == ["C", "d", "A.txt", "a.txt", "b.txt"]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("size", ["folder", "b.txt", "a.csv", "c"]),
        ("modified_at", ["folder", "c", "b.txt", "a.csv"]),
        ("mime", ["folder", "c", "a.csv", "b.txt"]),
        ("name", ["folder", "a.csv", "b.txt", "c"]),
    ],
)
async def test_a_folder_is_listed_by_any_field_either_way(workspace, churn, field, expected):
    (churn / "folder").mkdir()
    for moment, (name, content) in enumerate([("c", b"333"), ("b.txt", b"1"), ("a.csv", b"22")]):
        os.utime(write(churn, name, content), (moment, moment))

    assert await names(workspace, "churn", order=((field, False),)) == expected
    down = await names(workspace, "churn", order=((field, True),))
    assert down == ["folder", *reversed(expected[1:])]


# C18, S3-19, C4
async def test_a_folder_is_listed_page_by_page_without_what_is_hidden(workspace, churn):
    for name in (".hidden", "a", "B", "c", "attachments/attachments_manifest.json", "ends."):
        write(churn, name)

    first = await listed(workspace, "churn", limit=2)
    second = await listed(workspace, "churn", limit=2, offset=2)

    assert [item.name for item in first.items + second.items] == ["attachments", "a", "B", "c"]
    assert (first.total, first.has_more, second.has_more) == (4, True, False)
    assert await names(workspace, "churn/attachments") == []
    assert await names(workspace, "churn", text="b") == ["B"]


async def test_hidden_names_are_listed_where_the_server_allows_them(opener):
    async with opener(in_memory=True, allow_hidden=True) as workspace:
        await session(workspace)
        write(opener.folder(), ".hidden")

        assert await names(workspace, "churn", allow_hidden=True) == [".hidden"]


async def test_a_list_is_made_again_when_the_folder_changes(workspace, churn, monkeypatch):
    monkeypatch.setattr(folding, "KEPT_FOLDERS", 1)
    write(churn, "a")
    write(churn, "deep/b")
    assert await names(workspace, "churn") == ["deep", "a"]
    assert await names(workspace, "churn/deep") == ["b"]
    (churn / "a").rename(churn / "c")

    assert await names(workspace, "churn") == ["deep", "c"]


# S3-22: what cannot be looked at is left out; links are described themselves
async def test_links_and_pipes_are_listed_without_a_size(workspace, churn, opener):
    (churn / "link").symlink_to(opener.root)
    os.mkfifo(churn / "pipe")

    items = (await listed(workspace, "churn")).items

    assert [(item.name, item.is_dir, item.size, item.mime) for item in items] == [
        ("link", False, None, None),
        ("pipe", False, None, None),
    ]


async def test_a_name_that_goes_meanwhile_is_left_out(workspace, churn, monkeypatch):
    write(churn, "a")
    write(churn, "b")
    stats = workspace.parts.store.stats

    async def gone(*args):
        (churn / "a").unlink()
        return await stats(*args)

    monkeypatch.setattr(workspace.parts.store, "stats", gone)

    assert await names(workspace, "churn") == ["b"]


# S1-23, S3-21 (404), C19, S1-22: missing 404, a file 400
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("churn/nothing", FileNotFound),
        ("churn/a.txt", NotADirectory),
        ("churn/.hidden", FileNotFound),
        ("nowhere", SessionNotFound),
        ("not an id", SessionNotFound),
        (".jupyter_workspace", FileNotFound),
        # S1-03, S3-14, S2-27: traversal is refused
        ("churn/../..", PathEscapes),
        ("/etc", PathEscapes),
        ("churn\\a", PathEscapes),
    ],
)
async def test_what_is_no_folder_cannot_be_listed(workspace, churn, path, expected):
    write(churn, "a.txt")

    async def ask():
        await listed(workspace, path)

    assert isinstance(await caught(ask()), expected)


async def test_another_owners_folder_is_not_found(workspace, churn):
    for refused in (
        listed(workspace, "churn", actor=BOB),
        delete(workspace, "churn/a", actor=BOB),
        workspace.folders.file_at(BOB, parse_where("churn/a", allow_hidden=False)),
    ):
        assert isinstance(await caught(refused), SessionNotFound)


async def file_at(workspace, path):
    return await workspace.folders.file_at(ADA, parse_where(path, allow_hidden=False))


# S3-24, S1-25, S1-28: a file by its path, known or not
async def test_a_file_is_found_by_its_path(workspace, churn, opener):
    entry = await upload(workspace, "a.csv")
    nfd = unicodedata.normalize("NFD", "é.txt")
    write(churn, nfd, b"12")

    unknown = await file_at(workspace, f"churn/{nfd}")
    content = await workspace.delivery.open_entry(unknown, exact=False)
    async with content.file as file:
        sent = await file.read(0, 10)

    assert await file_at(workspace, "churn/attachments/a.csv") == entry
    assert (unknown.attachment_id, unknown.size, unknown.path) == ("", 2, nfd)
    assert sent == b"12"
    for folder in ("", "churn", "churn/attachments"):
        assert await file_at(workspace, folder) is None


@pytest.mark.parametrize(
    "name", ["nothing", "link", "pipe", "a.txt/below", "attachments/attachments_manifest.json"]
)
async def test_what_is_no_regular_file_is_not_found(workspace, churn, name):
    write(churn, "a.txt")
    write(churn, "attachments/attachments_manifest.json")
    (churn / "link").symlink_to(churn / "a.txt")
    os.mkfifo(churn / "pipe")

    assert isinstance(await caught(file_at(workspace, f"churn/{name}")), FileNotFound)


# S3-36, S3-39: a file or an empty folder
async def test_a_file_and_an_empty_folder_go_to_the_trash(workspace, churn, opener):
    entry = await upload(workspace, "a.csv", folder="data")
    write(churn, "unknown.txt", b"unknown")

    await delete(workspace, "churn/data/a.csv")
    await delete(workspace, "churn/data")
    await delete(workspace, "churn/unknown.txt")

    assert list(churn.iterdir()) == []
    assert entry.artifact_id in opener.trash()
    assert len(opener.trash()) == 3
    told = [(event["change_type"], event["name"]) for event in await events(workspace)]
    assert told == [
        ("created", "a.csv"),
        ("deleted", "a.csv"),
        ("created", "unknown.txt"),
        ("deleted", "unknown.txt"),
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        # S3-36, S3-37, S3-38, C20
        ("churn/data", NotEmpty),
        ("churn/odd", NotEmpty),
        ("", ParameterInvalid),
        ("churn", IsSession),
        ("churn/nothing", FileNotFound),
        ("churn/data/a.csv/below", FileNotFound),
        ("churn/attachments/attachments_manifest.json", FileNotFound),
        ("nowhere/a", SessionNotFound),
    ],
)
async def test_what_cannot_be_deleted_is_refused(workspace, churn, path, expected):
    await upload(workspace, "a.csv", folder="data")
    write(churn, os.fsdecode(b"odd/b\xff"))
    write(churn, "attachments/attachments_manifest.json")

    error = await caught(delete(workspace, path))

    assert isinstance(error, expected)
    assert (churn / "data/a.csv").exists()


async def test_nothing_is_deleted_in_a_closed_session(workspace, churn):
    write(churn, "a.txt")
    await workspace.sessions.change(ADA, "churn", SessionChange(status="completed"))

    assert isinstance(await caught(delete(workspace, "churn/a.txt")), SessionClosed)


# S3-36, C20: with all it holds, on demand; files one by one, so that each can be restored
async def test_a_folder_goes_with_all_it_holds_on_demand(workspace, churn, opener):
    entry = await upload(workspace, "a.csv", b"a", folder="data")
    await upload(workspace, "b.csv", folder="data/deep")
    await upload(workspace, "c.csv", folder="data2")
    write(churn, "data/unknown.txt")

    await delete(workspace, "churn/data", recursive=True)
    restored = await workspace.artifacts.restore(ADA, "churn", entry.attachment_id, "error")

    assert (churn / "data/a.csv").read_bytes() == b"a"
    assert restored.path == "data/a.csv"
    assert (churn / "data2/c.csv").exists()
    listed = await workspace.artifacts.trash(ADA, "churn", Page())
    assert sorted(file.path for file in listed.trash) == ["data/deep/b.csv", "data/unknown.txt"]
    assert len(opener.trash()) == 3


# API 5, 11.26: what nobody listed yet is noted first, so that it can be taken back


async def test_a_folder_whose_name_differs_in_case_alone_is_another(workspace, churn):
    await upload(workspace, "a.csv", folder="Plots")
    await upload(workspace, "b.csv", folder="plots")

    await delete(workspace, "churn/plots", recursive=True)

    assert (churn / "Plots/a.csv").exists()
    assert not (churn / "plots").exists()
    listed = await workspace.artifacts.page(ADA, FileFilter(session_id="churn"), Page())
    assert [record.path for record in listed.artifacts] == ["Plots/a.csv"]


async def test_files_that_were_not_listed_can_be_restored_after_their_folder_was_deleted(workspace, churn):
    write(churn, "data/deep/fresh.txt", b"written a moment ago")

    await delete(workspace, "churn/data", recursive=True)
    [file] = (await workspace.artifacts.trash(ADA, "churn", Page())).trash
    await workspace.artifacts.restore(ADA, "churn", file.attachment_id, "error")

    assert (churn / "data/deep/fresh.txt").read_bytes() == b"written a moment ago"


@pytest.mark.parametrize("limit", [1, 2000])
async def test_a_folder_of_many_unlisted_files_goes_to_the_trash_file_by_file(
    workspace, churn, monkeypatch, limit
):
    monkeypatch.setattr(reconciling, "LARGE_FOLDER", limit)
    await upload(workspace, "known.txt", folder="data")
    for number in range(3):
        write(churn, f"data/{number}.txt")

    await delete(workspace, "churn/data", recursive=True)

    assert (await workspace.artifacts.trash(ADA, "churn", Page())).total == 4


async def test_a_hidden_folder_goes_to_the_trash_as_it_is(opener):
    async with opener(in_memory=True, allow_hidden=True) as workspace:
        await session(workspace)
        write(opener.folder(), ".cache/a.bin")

        await delete(workspace, "churn/.cache", recursive=True)

        assert (await workspace.artifacts.trash(ADA, "churn", Page())).total == 0
        assert len(opener.trash()) == 1


async def test_a_deletion_does_not_wait_for_ever_until_files_are_listed(workspace, churn, monkeypatch):
    monkeypatch.setattr(folding, "NOTE_SECONDS", 0)
    write(churn, "data/a.txt")

    await delete(workspace, "churn/data", recursive=True)

    assert not (churn / "data").exists()
    assert (await workspace.artifacts.trash(ADA, "churn", Page())).total == 0


async def test_a_folder_deleted_for_good_leaves_nothing(workspace, churn, opener):
    await upload(workspace, "a.csv", b"1", folder="data")
    await upload(workspace, "a.csv", b"2", folder="data", on_conflict="replace")
    write(churn, "data/unknown.txt")

    await delete(workspace, "churn/data", recursive=True, permanent=True)

    assert not (churn / "data").exists()
    assert opener.trash() == []
    assert (await indexed(workspace))[2:] == ({}, {})


# S3-40: the link itself goes, not what it leads to
async def test_deleting_a_link_removes_the_link(workspace, churn, opener):
    target = write(opener.root, "precious.txt")
    folder = write(opener.root, "folder/inside.txt").parent
    (churn / "link").symlink_to(target)
    (churn / "folder").symlink_to(folder)

    await delete(workspace, "churn/link")
    await delete(workspace, "churn/folder")

    assert list(churn.iterdir()) == []
    assert target.exists()
    assert (folder / "inside.txt").exists()
    assert opener.trash() == []


async def test_a_file_whose_disk_shows_a_folder_is_deleted_with_it(workspace, churn, opener):
    await upload(workspace, "a", folder="")
    (churn / "a").unlink()
    write(churn, "a/inside.txt")

    await delete(workspace, "churn/a", recursive=True)

    assert not (churn / "a").exists()
    assert (await indexed(workspace))[1].live_bytes == 0


# S3-36: what the list shows as empty is empty, though our own manifest stands there
async def test_a_folder_that_holds_but_the_manifest_is_empty(workspace, churn):
    write(churn, "attachments/attachments_manifest.json")

    await delete(workspace, "churn/attachments")

    assert not (churn / "attachments/attachments_manifest.json").exists()


# S3-36: an upload that comes between the question and the deletion is not swept away with the folder
async def test_a_file_that_comes_at_the_last_moment_keeps_its_folder(workspace, churn, monkeypatch):
    (churn / "data").mkdir()
    publish = workspace.parts.publisher.publish

    async def late(operation):
        monkeypatch.undo()
        await upload(workspace, "a.csv", folder="data")
        return await publish(operation)

    monkeypatch.setattr(workspace.parts.publisher, "publish", late)
    error = await caught(delete(workspace, "churn/data", permanent=True))

    assert isinstance(error, NotEmpty)
    assert (churn / "data/a.csv").exists()


# API 11.28: streamed by id, not by a path that it has in lists only
async def test_a_reference_is_not_found_by_path(workspace, churn, opener):
    write(opener.root, "x.bin")
    await workspace.registration.register(ADA, "churn", [Register(root_path="x.bin", copy=False)])

    where = parse_where("churn/references/x.bin", allow_hidden=False)

    assert isinstance(await caught(workspace.folders.file_at(ADA, where)), FileNotFound)


# API 11.19: names in parameters are found exactly first, then in NFC
async def test_a_path_in_the_other_normal_form_is_found(workspace, churn):
    await upload(workspace, "\u00e9.csv", b"1", folder="\u00e9")
    other = "churn/e\u0301"

    shown = await names(workspace, other)
    found = await workspace.folders.file_at(ADA, parse_where(f"{other}/e\u0301.csv", allow_hidden=False))
    await delete(workspace, f"{other}/e\u0301.csv")

    assert shown == ["\u00e9.csv"]
    assert found.path == "\u00e9/\u00e9.csv"
    assert not (churn / "\u00e9/\u00e9.csv").exists()
