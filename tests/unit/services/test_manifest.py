import asyncio
import json

import pytest

from jupyter_workspace.errors import Busy
from jupyter_workspace.services import manifest as manifests
from tests.unit.opening import ADA, FailsAt, session, upload, write

PATH = "attachments/attachments_manifest.json"


def read(opener):
    return json.loads((opener.folder() / PATH).read_bytes())


# S0-05, S0-11, S0-20, API 11.34: the session's attachments by id, equal to the database
async def test_the_manifest_lists_what_came_in(workspace, opener):
    await session(workspace)
    first = await upload(workspace, "a.csv", metadata={"a": 1})
    await upload(workspace, "made.csv", kind="artifact", folder="")

    await workspace.manifests.flush()

    manifest = read(opener)
    assert manifest["session_id"] == "churn"
    assert list(manifest["attachments"]) == [first.attachment_id]
    entry = manifest["attachments"][first.attachment_id]
    assert (
        entry["source"],
        entry["workspace_path"],
        entry["storage"],
        entry["sha256"],
        entry["metadata"],
    ) == (
        "upload",
        "attachments/a.csv",
        "local",
        first.sha256,
        {"a": 1},
    )


async def test_a_session_without_attachments_gets_no_manifest_and_keeps_one(workspace, opener):
    await session(workspace)
    await workspace.manifests.flush()
    assert not (opener.folder() / PATH).exists()
    entry = await upload(workspace, "a.csv")
    await workspace.manifests.flush()

    await workspace.artifacts.delete(ADA, "churn", [entry.attachment_id], permanent=False)
    await workspace.manifests.flush()

    assert read(opener)["attachments"] == {}


# S0-31, API 11.34: at every clean stop
async def test_the_manifest_is_written_at_a_clean_stop(opener):
    async with opener() as workspace:
        await session(workspace)
        entry = await upload(workspace, "a.csv")

    assert list(read(opener)["attachments"]) == [entry.attachment_id]


async def test_the_manifest_follows_within_a_moment(workspace, opener, monkeypatch):
    monkeypatch.setattr(manifests, "QUIET_SECONDS", 0)
    written = asyncio.Event()
    flush = workspace.manifests.flush

    async def noted():
        await flush()
        written.set()

    monkeypatch.setattr(workspace.manifests, "flush", noted)
    task = asyncio.create_task(workspace.manifests.run())
    await session(workspace)
    await upload(workspace, "a.csv")
    await asyncio.wait_for(written.wait(), 10)
    task.cancel()
    await asyncio.wait([task])
    await flush()

    assert len(read(opener)["attachments"]) == 1


# S0-28: one that does not parse is reported and preserved
async def test_a_damaged_manifest_is_kept_aside_and_reported(workspace, opener):
    write(opener.folder(), PATH, b"{ somebody's edits")
    await session(workspace)
    await upload(workspace, "a.csv")

    await workspace.manifests.flush()

    aside = opener.folder() / "attachments/.attachments_manifest.json.damaged"
    assert aside.read_bytes() == b"{ somebody's edits"
    assert len(read(opener)["attachments"]) == 1
    [problem] = workspace.problems()
    assert (problem.code, problem.session_id) == ("manifest_damaged", "churn")


# API 11.34: a reserved name, never read through us
async def test_a_manifest_that_somebody_changed_is_written_anew(workspace, opener):
    await session(workspace)
    await upload(workspace, "a.csv")
    await workspace.manifests.flush()
    write(opener.folder(), PATH, b"{}")

    workspace.manifests.changed(frozenset({"churn"}))
    await workspace.manifests.flush()

    assert len(read(opener)["attachments"]) == 1
    assert workspace.problems() == []


async def test_an_unchanged_manifest_is_left_as_it_is(workspace, opener):
    await session(workspace)
    await upload(workspace, "a.csv")
    await workspace.manifests.flush()
    before = (opener.folder() / PATH).stat()

    workspace.manifests.changed(frozenset({"churn"}))
    await workspace.manifests.flush()

    assert (opener.folder() / PATH).stat() == before


# S0-05, API 11.34
async def test_a_manifest_takes_over_what_did_not_change(workspace, opener, monkeypatch):
    await session(workspace)
    for name in ("a.csv", "b.csv", "c.csv"):
        entry = await upload(workspace, name)
    await workspace.manifests.flush()
    asked = []
    record_of = manifests.record_of
    monkeypatch.setattr(manifests, "record_of", lambda entry: asked.append(entry.path) or record_of(entry))

    await upload(workspace, "d.csv")
    await workspace.manifests.flush()
    await workspace.artifacts.delete(ADA, "churn", [entry.attachment_id], permanent=False)
    await workspace.manifests.flush()

    assert asked == ["attachments/d.csv"]
    before = (opener.folder() / PATH).stat()
    workspace.manifests.changed(frozenset({"churn"}))
    await workspace.manifests.flush()
    assert (opener.folder() / PATH).stat() == before
    paths = [entry["workspace_path"] for entry in read(opener)["attachments"].values()]
    assert sorted(paths) == ["attachments/a.csv", "attachments/b.csv", "attachments/d.csv"]


async def test_nothing_is_taken_over_from_a_manifest_that_somebody_changed(workspace, opener):
    await session(workspace)
    entry = await upload(workspace, "a.csv")
    await workspace.manifests.flush()
    text = (opener.folder() / PATH).read_bytes()
    write(opener.folder(), PATH, text.replace(b"a.csv", b"z.csv"))

    await upload(workspace, "b.csv")
    await workspace.manifests.flush()

    found = read(opener)["attachments"]
    assert len(found) == 2
    assert found[entry.attachment_id]["workspace_path"] == "attachments/a.csv"


async def test_a_session_that_is_made_again_forgets_what_its_manifest_said(workspace, opener):
    await session(workspace)
    await upload(workspace, "a.csv")
    await workspace.manifests.flush()
    await workspace.sessions.delete(ADA, "churn", with_files=False)
    (opener.folder() / "attachments/a.csv").unlink()

    await session(workspace)
    entry = await upload(workspace, "b.csv")
    await workspace.manifests.flush()

    assert list(read(opener)["attachments"]) == [entry.attachment_id]


async def test_something_far_too_large_in_its_place_is_replaced(workspace, opener, monkeypatch):
    await session(workspace)
    await upload(workspace, "a.csv")
    write(opener.folder(), PATH, b"x" * 10_000)
    monkeypatch.setattr(manifests, "LARGEST", 9000)

    await workspace.manifests.flush()

    assert len(read(opener)["attachments"]) == 1


@pytest.mark.parametrize("fault", [Busy(), OSError("no room")])
async def test_a_manifest_that_cannot_be_written_stops_nothing(workspace, monkeypatch, caplog, fault):
    await session(workspace)
    await upload(workspace, "a.csv")
    monkeypatch.setattr(workspace.parts.store, "write_atomic", FailsAt(None, fault))

    await workspace.manifests.flush()

    assert "cannot be written" in caplog.text


async def test_a_deleted_session_gets_no_manifest(workspace, opener):
    await session(workspace)
    await upload(workspace, "a.csv")
    await workspace.sessions.delete(ADA, "churn", with_files=False)

    workspace.manifests.changed(frozenset({"churn", "never was"}))
    await workspace.manifests.flush()

    assert not (opener.folder() / PATH).exists()


# API 11.34: within a second, whatever goes on elsewhere
async def test_a_session_that_goes_on_changing_keeps_no_other_waiting(workspace, monkeypatch):
    monkeypatch.setattr(manifests, "QUIET_SECONDS", 60)
    for session_id in ("quiet", "busy"):
        await session(workspace, session_id)
    await workspace.manifests.flush()
    written = []

    async def changing(session_id, ids, digest):
        written.append(session_id)
        if session_id == "busy" and len(written) < 5:
            workspace.manifests.changed(frozenset({"busy"}))

    monkeypatch.setattr(workspace.manifests, "_write", changing)
    workspace.manifests.changed(frozenset({"quiet"}))
    workspace.manifests.changed(frozenset({"busy"}))
    await workspace.manifests.flush()

    assert written.index("quiet") <= 1


# what one of them takes over may not yet have what the other adds
async def test_a_manifest_is_written_by_one_at_a_time(workspace, opener, monkeypatch):
    monkeypatch.setattr(manifests, "QUIET_SECONDS", 60)
    await session(workspace)
    await upload(workspace, "a.csv")
    await workspace.manifests.flush()
    write_it, begun, inside = workspace.manifests._write, asyncio.Event(), []

    async def alone(*arguments):
        assert not inside
        inside.append(arguments)
        begun.set()
        await write_it(*arguments)
        inside.pop()

    monkeypatch.setattr(workspace.manifests, "_write", alone)
    await upload(workspace, "b.csv")
    first = asyncio.ensure_future(workspace.manifests.flush())
    await begun.wait()
    workspace.manifests.changed(frozenset({"churn"}))
    await asyncio.gather(first, workspace.manifests.flush())

    paths = [entry["workspace_path"] for entry in read(opener)["attachments"].values()]
    assert sorted(paths) == ["attachments/a.csv", "attachments/b.csv"]
