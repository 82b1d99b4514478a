"""What a session only refers to keeps its place in the list, whatever the user puts on the disk there."""

import pytest

from jupyter_workspace.errors import NameTaken
from jupyter_workspace.models.artifact import ArtifactChange, Register
from jupyter_workspace.protocol.query import Filters
from jupyter_workspace.protocol.selection import FileFilter
from jupyter_workspace.services.artifacts import Page
from jupyter_workspace.services.folders import Where
from tests.unit.opening import ADA, caught, content_of, session, upload, write


@pytest.fixture
async def referring(workspace, opener):
    """A session with the reference `references/x.bin` to a file of five bytes."""
    await session(workspace)
    write(opener.root, "x.bin", b"12345")
    body = Register(root_path="x.bin", copy=False)
    [(entry, _)] = await workspace.registration.register(ADA, "churn", [body])
    return entry


async def scanned(workspace):
    found = await workspace.reconcile.scan("churn")
    return found.created, found.updated, found.deleted


async def listed(workspace, kind=None):
    wanted = FileFilter(session_id="churn", kind=kind, filters=Filters())
    return await workspace.artifacts.page(ADA, wanted, Page())


# API 11.28: the record stays a reference; the file beside it is reported, and never listed in its place
async def test_a_file_that_appears_where_a_reference_is_listed_does_not_become_it(
    workspace, opener, referring
):
    write(opener.folder(), "references/x.bin", b"in the folder")

    first = await scanned(workspace)
    second = await scanned(workspace)

    assert (first, second) == ((0, 0, 0), (0, 0, 0))
    assert await workspace.artifacts.find(ADA, "churn", referring.attachment_id) == referring
    assert await content_of(workspace, referring.attachment_id) == b"12345"
    assert [problem.code for problem in workspace.reconcile.problems.values()] == ["names_unlisted"]
    (opener.folder() / "references/x.bin").unlink()
    await scanned(workspace)
    assert workspace.reconcile.problems == {}


async def test_a_watched_file_does_not_become_the_reference_of_its_path(workspace, opener, clock, referring):
    write(opener.folder(), "references/x.bin", b"in the folder")
    clock.forward(days=36500)  # the file is settled

    assert await workspace.reconcile.look("churn", ["references/x.bin"]) == (set(), set())
    assert await workspace.reconcile.look("churn", ["references"]) == (set(), set())
    assert await workspace.artifacts.find(ADA, "churn", referring.attachment_id) == referring


async def test_a_file_renamed_onto_the_path_of_a_reference_leaves_the_list(workspace, opener, referring):
    await upload(workspace, "a.txt", folder="")
    (opener.folder() / "references").mkdir()
    (opener.folder() / "a.txt").rename(opener.folder() / "references/x.bin")

    assert await scanned(workspace) == (0, 0, 1)
    assert await scanned(workspace) == (0, 0, 0)
    assert await workspace.artifacts.find(ADA, "churn", referring.attachment_id) == referring


async def test_a_file_at_the_path_of_a_reference_cannot_be_registered(workspace, opener, referring):
    write(opener.folder(), "references/x.bin", b"in the folder")

    error = await caught(workspace.registration.register(ADA, "churn", [Register(path="references/x.bin")]))

    assert isinstance(error, NameTaken)
    assert await workspace.artifacts.find(ADA, "churn", referring.attachment_id) == referring


async def test_the_file_at_the_path_of_a_reference_is_listed_and_deleted_as_itself(
    workspace, opener, referring
):
    write(opener.folder(), "references/x.bin", b"in the folder")
    where = Where(session_id="churn", path="references")
    page = await workspace.folders.page(ADA, where, text=None, order=(), limit=10, offset=0)
    file = Where(session_id="churn", path="references/x.bin")
    await workspace.folders.delete(ADA, file, recursive=False, permanent=False)

    assert [(item.name, item.attachment_id) for item in page.items] == [("x.bin", None)]
    assert not (opener.folder() / "references/x.bin").exists()
    assert await workspace.artifacts.find(ADA, "churn", referring.attachment_id) == referring


async def test_a_reference_is_replaced_where_a_file_of_the_user_stands(workspace, opener, referring):
    write(opener.folder(), "references/x.bin", b"in the folder")

    entry = await upload(workspace, "x.bin", b"new", folder="references", on_conflict="replace")

    assert (entry.attachment_id, entry.storage) == (referring.attachment_id, "local")
    assert await content_of(workspace, entry.attachment_id) == b"new"
    trash = await workspace.artifacts.trash(ADA, "churn", Page())
    assert [(file.path, file.size) for file in trash.trash] == [("references/x.bin", 13)]


# API 1: the total is that of all pages, references with them and the trash without
@pytest.mark.parametrize(("kind", "count"), [(None, 3), ("attachment", 1), ("artifact", 2)])
async def test_a_total_counts_what_all_pages_show(workspace, opener, referring, kind, count):
    await upload(workspace, "in.csv")
    write(opener.folder(), "made.txt", b"1")
    for name in ("gone.txt", "deleted.txt"):
        write(opener.folder(), name, name.encode())
    await scanned(workspace)
    (opener.folder() / "gone.txt").unlink()
    await scanned(workspace)
    [doomed] = [file for file in (await listed(workspace)).artifacts if file.name == "deleted.txt"]
    await workspace.artifacts.delete(ADA, "churn", [doomed.attachment_id], permanent=False)

    page = await listed(workspace, kind)

    assert (page.total, len(page.artifacts)) == (count, count)


# API 11.27, 11.28
@pytest.mark.parametrize("content", [b"12345", b"other bytes"])
async def test_a_reference_that_was_moved_in_the_list_is_found_again(workspace, opener, referring, content):
    await workspace.artifacts.edit(
        ADA, "churn", referring.attachment_id, ArtifactChange(path="models/own.bin")
    )
    write(opener.root, "x.bin", content)

    body = Register(root_path="x.bin", copy=False)
    [(entry, is_new)] = await workspace.registration.register(ADA, "churn", [body])

    assert (entry.attachment_id, entry.path, is_new) == (referring.attachment_id, "models/own.bin", False)
    assert (await listed(workspace)).total == 1
