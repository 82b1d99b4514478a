"""The user moves things as people and their tools do; ids follow, and nothing is left out."""

import os
import shutil

import pytest

from jupyter_workspace.errors import Forbidden
from tests.unit.opening import FailsAt, events, indexed, session, upload, write

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


@pytest.fixture
async def churn(workspace, opener):
    await session(workspace)
    return opener.folder()


async def scan(workspace, session_id="churn"):
    found = await workspace.reconcile.scan(session_id)
    return (found.created, found.updated, found.deleted)


async def ids(workspace, session_id="churn"):
    """The `att_` ids of the live files by path."""
    return {entry.path: entry.attachment_id for entry in (await indexed(workspace, session_id))[2].values()}


# API 11.26: ids follow by inode
async def test_a_file_that_left_a_link_behind_keeps_its_ids(workspace, churn):
    write(churn, "model.pkl")
    await scan(workspace)
    before = await ids(workspace)

    (churn / "model.pkl").rename(churn / "model-1.pkl")
    (churn / "model.pkl").symlink_to("model-1.pkl")

    assert await scan(workspace) == (0, 1, 0)
    assert await ids(workspace) == {"model-1.pkl": before["model.pkl"]}
    assert await scan(workspace) == (0, 0, 0)


async def test_a_folder_that_left_a_link_behind_keeps_its_files_ids(workspace, churn):
    write(churn, "plots/a.png")
    await scan(workspace)
    before = await ids(workspace)

    (churn / "plots").rename(churn / "old plots")
    (churn / "plots").symlink_to("old plots")

    assert await scan(workspace) == (0, 1, 0)
    assert await ids(workspace) == {"old plots/a.png": before["plots/a.png"]}


async def test_a_file_that_made_way_for_a_folder_of_its_name_keeps_its_ids(workspace, churn):
    write(churn, "data", b"1")
    await scan(workspace)
    before = await ids(workspace)

    (churn / "data").rename(churn / "data.bak")
    (churn / "data").mkdir()
    (churn / "data.bak").rename(churn / "data/part-0")

    assert await scan(workspace) == (0, 1, 0)
    assert await ids(workspace) == {"data/part-0": before["data"]}


async def test_a_folders_only_file_that_took_its_name_keeps_its_ids(workspace, churn):
    write(churn, "data/one", b"1")
    await scan(workspace)
    before = await ids(workspace)

    (churn / "data/one").rename(churn / "one")
    (churn / "data").rmdir()
    (churn / "one").rename(churn / "data")

    assert await scan(workspace) == (0, 1, 0)
    assert await ids(workspace) == {"data": before["data/one"]}


async def test_a_file_that_made_way_for_a_pipe_keeps_its_ids(workspace, churn):
    write(churn, "data", b"1")
    await scan(workspace)
    before = await ids(workspace)

    (churn / "data").rename(churn / "other")
    os.mkfifo(churn / "data")

    assert await scan(workspace) == (0, 1, 0)
    assert await ids(workspace) == {"other": before["data"]}


async def test_a_copy_with_a_link_in_the_originals_place_keeps_its_ids(workspace, churn):
    write(churn, "data", b"123")
    await scan(workspace)
    before = await ids(workspace)

    shutil.copyfile(churn / "data", churn / "other")
    (churn / "data").unlink()
    (churn / "data").symlink_to("other")

    assert await scan(workspace) == (0, 1, 0)
    assert await ids(workspace) == {"other": before["data"]}


async def test_a_link_to_another_folder_brings_none_of_its_files_back(workspace, churn):
    write(churn, "run-1/out.csv", b"1")
    write(churn, "run-2/out.csv", b"22")
    await scan(workspace)
    before = await ids(workspace)

    shutil.rmtree(churn / "run-1")
    (churn / "run-1").symlink_to("run-2")

    assert await scan(workspace) == (0, 0, 1)
    assert await ids(workspace) == {"run-2/out.csv": before["run-2/out.csv"]}


async def test_a_file_behind_a_link_to_what_is_never_listed_stays(workspace, churn):
    (churn / ".cache").mkdir()
    (churn / "cache").symlink_to(".cache")
    await upload(workspace, "a.csv", folder="cache")

    assert await scan(workspace) == (0, 0, 0)
    assert list(await ids(workspace)) == ["cache/a.csv"]


# Programs write under a passing name, and rename when they are done; API 1: name and signature decide the type.
@pytest.mark.parametrize(
    ("name", "mime"),
    [
        ("plot.png", "image/png"),
        ("plot.jpg", "application/octet-stream"),
        ("plot.csv", "text/csv"),
        ("in/plot.part", "application/octet-stream"),
    ],
)
async def test_a_file_gets_the_type_of_its_new_name(workspace, churn, name, mime):
    write(churn, "plot.part", PNG)
    write(churn, "in/other", b"1")
    await scan(workspace)

    (churn / "plot.part").rename(churn / name)

    assert await scan(workspace) == (0, 1, 0)
    [found] = [entry for entry in (await indexed(workspace))[2].values() if entry.path == name]
    assert found.mime == mime
    assert (await events(workspace))[-1]["mime"] == mime


async def test_a_file_that_cannot_be_read_gets_the_type_that_its_name_alone_gives(
    workspace, churn, monkeypatch
):
    write(churn, "plot.part", PNG)
    await scan(workspace)
    monkeypatch.setattr(workspace.parts.store, "open_read", FailsAt(None, Forbidden()))

    (churn / "plot.part").rename(churn / "plot.png")

    assert await scan(workspace) == (0, 1, 0)
    [found] = (await indexed(workspace))[2].values()
    assert found.mime == "application/octet-stream"
