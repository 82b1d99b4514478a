import asyncio

import pytest

from jupyter_workspace.db.events import Events
from jupyter_workspace.errors import (
    Busy,
    DiskFull,
    FileNotFound,
    Internal,
    NameTaken,
    SessionNotFound,
)
from jupyter_workspace.models.entry import Answer
from jupyter_workspace.services import publisher as publishing
from jupyter_workspace.services.changes import Edit, Remove
from jupyter_workspace.services.creation import Candidate, Creation
from jupyter_workspace.services.publisher import Plan
from tests.unit.opening import (
    ADA,
    FailsAt,
    caught,
    content_of,
    events,
    indexed,
    session,
    staged,
    upload,
    write,
)


async def creation(workspace, name, content=b"new", *, answer=None, folder="attachments", **said):
    arrival = await staged(workspace, content)
    candidate = Candidate(name=name, folder=folder, **said)
    return Creation(workspace.parts, "churn", [await workspace.ingest.checked(candidate, arrival)], answer)


async def together(workspace, *operations):
    publish = workspace.parts.publisher.publish
    return await asyncio.gather(*(publish(each) for each in operations), return_exceptions=True)


async def intents(workspace):
    async with workspace.parts.ledger.reading() as tx:
        return await tx.intents.all()


# S0-49: sequences rise by 1 however many publish at once
async def test_files_that_come_together_are_told_in_one_commit(workspace):
    await session(workspace)
    operations = [await creation(workspace, f"{n}.csv") for n in range(10)]
    commits = []
    workspace.parts.ledger.on_commit(commits.append)

    await together(workspace, *operations)

    assert commits == [frozenset({"churn"})]
    assert [event["sequence"] for event in await events(workspace)] == list(range(1, 11))


async def test_more_operations_than_a_batch_takes_are_all_done(workspace, monkeypatch):
    monkeypatch.setattr(publishing, "BATCH", 3)
    await session(workspace)
    operations = [await creation(workspace, f"{n}.csv") for n in range(8)]

    await together(workspace, *operations)

    assert len((await indexed(workspace))[2]) == 8


# C1
async def test_of_two_that_want_the_same_name_in_one_batch_one_is_numbered(workspace):
    await session(workspace)
    operations = [await creation(workspace, "a.csv", content) for content in (b"1", b"2")]

    done = await together(workspace, *operations)

    assert [result[0][0].path for result in done] == ["attachments/a.csv", "attachments/a (1).csv"]


# C1
async def test_of_two_that_insist_on_a_name_in_one_batch_one_is_refused(workspace):
    await session(workspace)
    operations = [await creation(workspace, "a.csv", on_conflict="error") for _ in range(2)]

    first, second = await together(workspace, *operations)

    assert first[0][0].path == "attachments/a.csv"
    assert isinstance(second, NameTaken)


async def test_two_changes_of_one_file_are_made_one_after_the_other(workspace):
    await session(workspace)
    entry = await upload(workspace, "a.csv")
    edits = [
        Edit(workspace.parts, "churn", entry.attachment_id, path=path, metadata=None)
        for path in ("b.csv", "c.csv")
    ]

    done = await together(workspace, *edits)

    assert [result.path for result in done] == ["b.csv", "c.csv"]


async def test_a_deletion_of_the_session_and_an_upload_never_share_a_batch(workspace):
    await session(workspace)
    operation = await creation(workspace, "a.csv")

    deleted, uploaded = await asyncio.gather(
        workspace.sessions.delete(ADA, "churn", with_files=True),
        workspace.parts.publisher.publish(operation),
        return_exceptions=True,
    )

    assert deleted is None
    assert isinstance(uploaded, SessionNotFound) or uploaded[0][1]


async def test_an_upload_before_the_deletion_in_the_queue_is_deleted_with_the_session(workspace, opener):
    await session(workspace)
    operation = await creation(workspace, "a.csv")

    uploading = asyncio.create_task(workspace.parts.publisher.publish(operation))
    deleting = asyncio.create_task(workspace.sessions.delete(ADA, "churn", with_files=True))
    uploaded, _ = await asyncio.gather(uploading, deleting)

    assert uploaded[0][1]
    assert not opener.folder().exists()


async def test_an_operation_that_is_refused_leaves_its_batch_alone(workspace):
    await session(workspace)
    good = await creation(workspace, "a.csv")
    bad = Remove(workspace.parts, "churn", ["att_unknown"], permanent=False)

    done, refused = await together(workspace, good, bad)

    assert done[0][1]
    assert isinstance(refused, FileNotFound)


# S0-12, C1: decided by exclusive creation, not by look-then-write
async def test_a_file_that_appears_between_plan_and_move_is_planned_round(workspace, opener):
    await session(workspace)
    operation = await creation(workspace, "a.csv", b"mine")
    write(opener.folder(), "attachments/a.csv", b"somebody else's")

    [[entry, _]] = await workspace.parts.publisher.publish(operation)

    assert entry.path == "attachments/a (1).csv"
    assert (opener.folder() / "attachments/a.csv").read_bytes() == b"somebody else's"
    assert await intents(workspace) == []


# S2-31
async def test_a_file_that_appears_between_plan_and_move_refuses_who_insists(workspace, opener):
    await session(workspace)
    operation = await creation(workspace, "a.csv", b"mine", on_conflict="error")
    write(opener.folder(), "attachments/a.csv", b"somebody else's")

    error = await caught(workspace.parts.publisher.publish(operation))

    assert isinstance(error, NameTaken)
    assert (opener.folder() / "attachments/a.csv").read_bytes() == b"somebody else's"
    await upload(workspace, "b.csv")
    assert await intents(workspace) == []


async def test_a_disk_that_stays_busy_is_given_up_on(workspace, monkeypatch):
    await session(workspace)
    monkeypatch.setattr(publishing, "TRIES", 3)
    moves = FailsAt(workspace.parts.store.apply, Busy())
    monkeypatch.setattr(workspace.parts.store, "apply", moves)
    operation = await creation(workspace, "a.csv")

    error = await caught(workspace.parts.publisher.publish(operation))

    assert isinstance(error, Busy)
    assert moves.count == 4


# S2-33
async def test_a_full_disk_refuses_the_file_and_leaves_nothing(workspace, opener, monkeypatch):
    await session(workspace)
    monkeypatch.setattr(workspace.parts.store, "apply", FailsAt(workspace.parts.store.apply, DiskFull(), 1))

    error = await caught(upload(workspace, "a.csv"))

    assert isinstance(error, DiskFull)
    assert opener.staging() == []
    assert (await indexed(workspace))[2] == {}
    assert (await upload(workspace, "a.csv")).path == "attachments/a.csv"


async def test_a_fault_of_the_disk_that_nobody_foresaw_is_ours(workspace, monkeypatch, caplog):
    await session(workspace)
    monkeypatch.setattr(workspace.parts.store, "apply", FailsAt(None, RuntimeError("a bug"), 1))

    error = await caught(upload(workspace, "a.csv"))

    assert isinstance(error, Internal)
    assert "a bug" in caplog.text
    assert "a bug" not in str(error)


# S2-33: if the record cannot be stored, the bytes do not stay
@pytest.mark.parametrize(
    ("fault", "expected"), [(Busy(), Busy), (DiskFull(), DiskFull), (KeyError("a bug"), Internal)]
)
async def test_moves_are_taken_back_when_the_commit_fails(workspace, opener, monkeypatch, fault, expected):
    await session(workspace)
    old = await upload(workspace, "a.csv", b"old")
    with monkeypatch.context() as patch:
        patch.setattr(Events, "append", FailsAt(None, fault))

        error = await caught(upload(workspace, "a.csv", b"new", on_conflict="replace"))

    assert isinstance(error, expected)
    assert (opener.folder() / "attachments/a.csv").read_bytes() == b"old"
    assert await content_of(workspace, old.artifact_id) == b"old"
    assert opener.staging() == opener.trash() == []
    assert len(await intents(workspace)) == 1
    await upload(workspace, "b.csv")
    assert await intents(workspace) == []


async def test_a_commit_that_fails_for_a_batch_fails_for_all_of_it(workspace, opener, monkeypatch):
    await session(workspace)
    operations = [await creation(workspace, f"{n}.csv") for n in range(3)]
    with monkeypatch.context() as patch:
        patch.setattr(Events, "append", FailsAt(None, Busy()))

        done = await together(workspace, *operations)

    assert [type(error) for error in done] == [Busy, Busy, Busy]
    assert list((opener.folder() / "attachments").iterdir()) == []


async def test_a_promise_that_cannot_be_made_refuses_the_batch(workspace, monkeypatch):
    await session(workspace)
    operation = await creation(workspace, "a.csv")

    def refuse(_prefix):
        raise Busy

    monkeypatch.setattr(workspace.parts.publisher, "_new_id", refuse)

    error = await caught(workspace.parts.publisher.publish(operation))

    assert isinstance(error, Busy)


# A client that goes away does not stop a publication half way.
async def test_a_caller_that_is_cancelled_waits_until_its_files_are_at_rest(workspace, opener, monkeypatch):
    await session(workspace)
    old = await upload(workspace, "a.csv", b"old")
    apply = workspace.parts.store.apply
    uploading = asyncio.create_task(upload(workspace, "a.csv", b"new", on_conflict="replace"))

    async def cancelled_meanwhile(moves):
        uploading.cancel()
        await apply(moves[:1])
        await asyncio.sleep(0)
        await apply(moves[1:])

    monkeypatch.setattr(workspace.parts.store, "apply", cancelled_meanwhile)

    with pytest.raises(asyncio.CancelledError):
        await uploading

    assert await content_of(workspace, old.attachment_id) == b"new"
    assert await content_of(workspace, old.artifact_id) == b"old"
    assert opener.staging() == []


async def test_what_waits_when_the_server_stops_is_refused(workspace, monkeypatch):
    await session(workspace)
    publisher = publishing.Publisher(
        workspace.parts.ledger,
        workspace.parts.store,
        workspace.parts.log,
        workspace.parts.settings,
        workspace.parts.new_id,
    )
    operation = await creation(workspace, "a.csv")
    begun, goes_on = asyncio.Event(), asyncio.Event()
    apply = workspace.parts.store.apply

    async def slowly(moves):
        begun.set()
        await goes_on.wait()
        await apply(moves)

    monkeypatch.setattr(workspace.parts.store, "apply", slowly)
    running = asyncio.create_task(publisher.run())
    first = asyncio.create_task(publisher.publish(operation))
    await begun.wait()
    second = asyncio.create_task(publisher.publish(await creation(workspace, "b.csv")))
    await asyncio.sleep(0)

    running.cancel()
    goes_on.set()
    await asyncio.wait([running])

    assert (await first)[0][1]
    assert isinstance(await caught(second), Busy)
    assert isinstance(await caught(publisher.publish(operation)), Busy)


async def test_an_operation_that_changes_nothing_commits_nothing(workspace):
    await session(workspace)
    commits = []
    workspace.parts.ledger.on_commit(commits.append)

    class Nothing:
        session_id = "churn"

        async def plan(self, tx):
            return Plan(result="as it was")

    assert await workspace.parts.publisher.publish(Nothing()) == "as it was"
    assert commits == []


# API 4: Idempotency-Key
async def test_two_requests_with_one_key_in_one_batch_make_one_file(workspace, clock):
    await session(workspace)
    answer = Answer(key="k", owner="server", fingerprint="f", entries=[], created_at=clock())
    operations = [await creation(workspace, "a.csv", answer=answer) for _ in range(2)]

    first, second = await together(workspace, *operations)

    assert first == second
    assert len((await indexed(workspace))[2]) == 1
