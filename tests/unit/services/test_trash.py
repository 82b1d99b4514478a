import asyncio

import pytest

from jupyter_workspace.errors import Busy
from jupyter_workspace.models.entry import Answer
from jupyter_workspace.services import trash as sweeping
from tests.unit.opening import ADA, FailsAt, indexed, session, upload, write


async def trashed(workspace, name, content=b"x"):
    entry = await upload(workspace, name, content)
    await workspace.artifacts.delete(ADA, "churn", [entry.attachment_id], permanent=False)
    return entry


# S2-10, API Configuration: trash_days
@pytest.mark.parametrize("days", [0, 30])
async def test_what_lay_in_the_trash_for_its_days_goes_for_good(opener, clock, days):
    async with opener(in_memory=True, trash_days=days) as workspace:
        await session(workspace)
        await session(workspace, "other")
        write(opener.folder("other"), "a.txt")
        old = await trashed(workspace, "old.csv")
        await workspace.sessions.delete(ADA, "other", with_files=True)
        clock.forward(days=20)
        await trashed(workspace, "new.csv")
        clock.forward(days=10)

        await workspace.trash.sweep(clock())
        _, totals, files, _ = await indexed(workspace)

    assert (old.attachment_id in files) is (days == 0)
    assert len(opener.trash()) == (3 if days == 0 else 1)
    assert totals.trash_bytes == len(files)


async def test_the_oldest_goes_first_when_the_trash_is_too_large(opener, clock):
    async with opener(in_memory=True, trash_size=5) as workspace:
        await session(workspace)
        kept = []
        for number in range(4):
            clock.forward(seconds=1)
            kept.append((await trashed(workspace, f"{number}", b"22")).artifact_id)

        await workspace.trash.sweep(clock())

    assert opener.trash() == kept[2:]


async def test_a_version_that_is_purged_stays_in_the_record(workspace, opener):
    await session(workspace)
    old = await upload(workspace, "a.csv", b"old")
    await upload(workspace, "a.csv", b"new", on_conflict="replace")

    await workspace.trash.purge([old.artifact_id, "art_unknown"])

    assert opener.trash() == []
    _, totals, files, versions = await indexed(workspace)
    assert versions[old.artifact_id].kept == "gone"
    assert (totals.live_bytes, totals.trash_bytes, len(files)) == (3, 0, 1)


async def test_a_file_that_is_purged_takes_its_versions_along(workspace, opener):
    await session(workspace)
    await upload(workspace, "a.csv", b"old")
    new = await upload(workspace, "a.csv", b"new", on_conflict="replace")
    await workspace.artifacts.delete(ADA, "churn", [new.attachment_id], permanent=False)

    await workspace.trash.purge([new.artifact_id])

    assert opener.trash() == []
    assert (await indexed(workspace))[2:] == ({}, {})


# API 4: an Idempotency-Key is kept for 24 hours
async def test_keys_go_after_their_day(workspace, clock):
    async with workspace.parts.ledger.writing() as tx:
        answer = Answer(key="k", owner="server", fingerprint="f", entries=[], created_at=clock())
        await tx.keys.add(answer)

    found = []
    for hours in (23, 2):
        clock.forward(hours=hours)
        await workspace.trash.sweep(clock())
        async with workspace.parts.ledger.reading() as tx:
            found.append(await tx.keys.find("k", "server"))

    assert found == [answer, None]


@pytest.mark.parametrize("name", ["session.x.y", "session.٣.y", "art_unknown", "other.12.y"])
async def test_only_folders_of_sessions_say_in_their_names_since_when_they_are_there(workspace, opener, name):
    write(opener.state, f"trash/{name}")

    assert await workspace.trash.drop_unknown() == 1
    assert opener.trash() == []


async def test_the_trash_is_swept_now_and_then_whatever_happens(workspace, clock, monkeypatch, caplog):
    monkeypatch.setattr(sweeping, "SWEEP_SECONDS", 0)
    done = asyncio.Event()
    calls = []

    async def sweep(_now):
        calls.append(_now)
        if len(calls) == 1:
            raise Busy
        done.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(workspace.trash, "sweep", sweep)
    task = asyncio.create_task(workspace.trash.run())
    await asyncio.wait_for(done.wait(), 10)
    task.cancel()
    await asyncio.wait([task])

    assert "could not be swept" in caplog.text


async def test_bytes_that_cannot_be_removed_are_found_at_the_next_start(opener, monkeypatch):
    async with opener() as workspace:
        await session(workspace)
        entry = await trashed(workspace, "a.csv")
        monkeypatch.setattr(workspace.parts.store, "remove", FailsAt(None, Busy()))
        with pytest.raises(Busy):
            await workspace.trash.purge([entry.artifact_id])
    assert opener.trash() == [entry.artifact_id]

    async with opener():
        pass

    assert opener.trash() == []
