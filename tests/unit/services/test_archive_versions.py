"""Old versions in zips: served until they are purged. API 5, 6, 11.24"""

import io
import json
import zipfile

import pytest

from jupyter_workspace.errors import FileNotFound, VersionGone
from jupyter_workspace.protocol.query import Filters
from jupyter_workspace.protocol.selection import FileFilter
from tests.unit.opening import ADA, caught, session, upload, write


@pytest.fixture
async def versions(workspace):
    """Three versions of `attachments/a.csv`, the newest last."""
    await session(workspace)
    return [
        await upload(workspace, "a.csv", content, on_conflict="replace")
        for content in (b"one", b"two", b"three")
    ]


async def zipped(workspace, *file_ids, **wanted):
    archive = await workspace.archives.of_session(
        ADA, FileFilter(session_id="churn", chosen=list(file_ids), **wanted)
    )
    content = b"".join([chunk async for chunk in archive.chunks(0, archive.size)])
    packed = zipfile.ZipFile(io.BytesIO(content))
    assert packed.testzip() is None
    return {name.removeprefix("churn/"): packed.read(name) for name in packed.namelist()}


async def test_a_replaced_version_can_be_chosen(workspace, versions):
    files = await zipped(workspace, versions[0].artifact_id)

    assert files.pop("attachments_manifest.json")
    assert files == {"attachments/a.csv": b"one"}


async def test_versions_of_one_file_stand_beside_it_under_numbers(workspace, versions):
    ids = [entry.artifact_id for entry in versions]

    files = await zipped(workspace, *ids, versions[0].attachment_id)

    manifest = json.loads(files.pop("attachments_manifest.json"))
    assert files == {
        "attachments/a.csv": b"three",
        "attachments/a (1).csv": b"two",
        "attachments/a (2).csv": b"one",
    }
    assert sorted(record["artifact_id"] for record in manifest["files"]) == sorted(ids)


async def test_a_kept_selection_serves_a_version_that_is_replaced_meanwhile(workspace, versions):
    archive_id = await workspace.archives.keep(ADA, "churn", [versions[-1].artifact_id])
    await upload(workspace, "a.csv", b"four", on_conflict="replace")

    archive = await workspace.archives.kept(ADA, "churn", archive_id)

    assert b"three" in b"".join([chunk async for chunk in archive.chunks(0, archive.size)])


async def test_a_filter_holds_for_versions_too(workspace, versions):
    chosen = versions[0].artifact_id

    fitting = await zipped(workspace, chosen, filters=Filters(include_ext=("csv",)), prefix="attachments")
    other = await zipped(workspace, chosen, filters=Filters(include_ext=("txt",)))
    made = await zipped(workspace, chosen, kind="artifact")

    assert [len(files) for files in (fitting, other, made)] == [2, 1, 1]


async def test_a_version_whose_bytes_are_gone_is_refused(workspace, opener, versions):
    await workspace.trash.purge([versions[0].artifact_id])
    write(opener.folder(), "attachments/a.csv", b"edited")
    await workspace.reconcile.scan("churn")

    for entry in (versions[0], versions[2]):
        assert isinstance(await caught(zipped(workspace, entry.artifact_id)), VersionGone)
        keeping = workspace.archives.keep(ADA, "churn", [entry.artifact_id])
        assert isinstance(await caught(keeping), VersionGone)


async def test_no_version_of_a_deleted_file_can_be_chosen(workspace, versions):
    await workspace.artifacts.delete(ADA, "churn", [versions[2].attachment_id], permanent=False)

    for file_id in (*(entry.artifact_id for entry in versions), versions[0].attachment_id):
        assert isinstance(await caught(zipped(workspace, file_id)), FileNotFound)


# API 6: large selections; SQLite takes 32,766 values in a statement
async def test_a_selection_may_be_larger_than_a_statement(workspace, opener, versions):
    for number in range(1200):
        write(opener.folder(), f"made/{number}.txt", b"")
    await workspace.reconcile.scan("churn")
    async with workspace.parts.ledger.reading() as tx:
        ids = [entry.attachment_id for entry in await tx.files.live("churn")]

    files = await zipped(workspace, *ids, *(entry.artifact_id for entry in versions))

    assert len(files) == 1201 + 2 + 1
