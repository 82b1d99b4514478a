import pytest

from jupyter_workspace.errors import DiskFull
from jupyter_workspace.services.replay import replay
from tests.unit.opening import ADA, FailsAt, caught, indexed, session, upload, write


def lines(opener):
    return replay("churn", opener.journal().read_bytes())


async def waiting(workspace):
    async with workspace.parts.ledger.reading() as tx:
        return await tx.outbox.waiting()


@pytest.mark.parametrize("fault", [OSError("no room"), DiskFull()])
async def test_a_journal_that_cannot_be_written_keeps_no_upload_from_being_saved(
    workspace, opener, monkeypatch, fault
):
    await session(workspace)
    journals = workspace.parts.ledger.journals
    before = lines(opener).position
    with monkeypatch.context() as patch:
        patch.setattr(journals, "append", FailsAt(None, fault))

        entry = await upload(workspace, "a.csv")

    assert lines(opener).position == before
    await upload(workspace, "b.csv")
    assert entry.attachment_id in lines(opener).files
    assert lines(opener).damaged == 0


async def test_lines_that_a_dead_server_did_not_append_are_appended_at_start(opener, monkeypatch):
    async with opener() as workspace:
        await session(workspace)
        monkeypatch.setattr(workspace.parts.ledger.journals, "append", FailsAt(None, OSError()))
        await upload(workspace, "a.csv")
        found = await indexed(workspace)

    async with opener() as workspace:
        assert workspace.problems() == []
        assert await indexed(workspace) == found

    assert lines(opener).files == found[2]


async def test_lines_that_are_in_the_journal_already_are_not_appended_twice(opener):
    async with opener() as workspace:
        await session(workspace)
        await upload(workspace, "a.csv")
        assert await waiting(workspace)
    count = lines(opener).lines

    async with opener() as workspace:
        await upload(workspace, "b.csv")

    assert lines(opener).lines == count + 2


async def test_lines_stay_in_the_outbox_until_they_are_in_the_journal(workspace, monkeypatch):
    await session(workspace)
    with monkeypatch.context() as patch:
        patch.setattr(workspace.parts.ledger.journals, "append", FailsAt(None, OSError()))
        await upload(workspace, "a.csv")
        await upload(workspace, "b.csv")
    kept = await waiting(workspace)

    for name in ("c.csv", "d.csv"):
        await upload(workspace, name)

    assert [line.position for line in kept] == [2, 3, 4, 5]
    assert not set(kept) & set(await waiting(workspace))


async def test_the_outbox_is_emptied_by_the_next_change(workspace):
    await session(workspace)
    await upload(workspace, "a.csv")
    before = await waiting(workspace)

    await workspace.sessions.delete(ADA, "churn", with_files=False)
    after = await waiting(workspace)

    assert not set(before) & set(after)


async def test_readers_are_told_after_the_commit_and_only_of_what_changed(workspace):
    told = []
    workspace.parts.ledger.on_commit(told.append)

    await session(workspace, "one")
    await session(workspace, "two")
    async with workspace.parts.ledger.writing():
        pass
    await caught(upload(workspace, "a.csv", session_id="three"))

    assert told == [frozenset({"one"}), frozenset({"two"})]


# RELIABILITY F2: the last step of the ladder; what is acknowledged must outlive the index in memory
async def test_an_index_in_memory_is_in_the_journal_before_it_is_committed(opener, monkeypatch):
    opener.database = write(opener.root, "a file", b"") / "index.sqlite"
    async with opener() as workspace:
        await session(workspace)
        assert "in memory only" in workspace.problems()[0].message
        journals = workspace.parts.ledger.journals
        with monkeypatch.context() as patch:
            patch.setattr(journals, "append", FailsAt(None, DiskFull()))
            error = await caught(upload(workspace, "a.csv"))
        entry = await upload(workspace, "b.csv")
        assert list((await indexed(workspace))[2]) == [entry.attachment_id]

    assert isinstance(error, DiskFull)
    assert list(lines(opener).files) == [entry.attachment_id]


async def test_lines_that_cannot_be_appended_at_start_either_go_with_the_next_change(opener, monkeypatch):
    async with opener() as workspace:
        await session(workspace)
        journals = type(workspace.parts.ledger.journals)
        monkeypatch.setattr(workspace.parts.ledger.journals, "append", FailsAt(None, OSError()))
        first = await upload(workspace, "a.csv")
    with monkeypatch.context() as patch:
        patch.setattr(journals, "append", FailsAt(None, OSError()))
        patch.setattr(journals, "replace", FailsAt(None, OSError()))
        opening = opener()
        workspace = await opening.__aenter__()

    second = await upload(workspace, "b.csv")
    await opening.__aexit__(None, None, None)

    assert lines(opener).files.keys() == {first.attachment_id, second.attachment_id}
    assert lines(opener).damaged == 0


async def test_a_full_disk_is_told_when_no_room_was_set_aside(workspace, monkeypatch):
    async def make_room():
        return False

    monkeypatch.setattr(workspace.parts.ledger, "_make_room", make_room)
    failing = FailsAt(None, DiskFull())

    assert isinstance(await caught(workspace.parts.ledger.insist(failing)), DiskFull)
    assert failing.count == 1
