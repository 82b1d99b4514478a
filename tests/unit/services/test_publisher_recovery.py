"""A server that dies in the middle of a publication: what the next one makes of it."""

import contextlib

import pytest

from jupyter_workspace.errors import FileNotFound
from jupyter_workspace.services.changes import Edit, Remove, RestoreFrom
from jupyter_workspace.services.creation import Candidate, Creation
from jupyter_workspace.services.folders import _RemovePath
from jupyter_workspace.services.replay import replay
from jupyter_workspace.services.sessions import _Deletion
from tests.unit.opening import (
    ADA,
    caught,
    content_of,
    events,
    indexed,
    session,
    sha256,
    staged,
    upload,
    write,
)


class Died(Exception):
    """Stands for a kill -9."""


async def incoming(workspace, name, content, **said):
    arrival = await staged(workspace, content)
    candidate = Candidate(name=name, folder="attachments", **said)
    return await workspace.ingest.checked(candidate, arrival)


async def create(workspace):
    return Creation(workspace.parts, "churn", [await incoming(workspace, "new.csv", b"new")])


async def create_many(workspace):
    files = [await incoming(workspace, f"{n}.csv", b"%d" % n) for n in range(3)]
    return Creation(workspace.parts, "churn", files)


async def replace(workspace):
    files = [await incoming(workspace, "a.csv", b"new", on_conflict="replace")]
    return Creation(workspace.parts, "churn", files)


async def replace_foreign(workspace):
    files = [await incoming(workspace, "foreign.csv", b"new", on_conflict="replace")]
    return Creation(workspace.parts, "churn", files)


async def rename(workspace):
    return Edit(workspace.parts, "churn", await id_of(workspace, "a.csv"), path="b/c.csv", metadata=None)


async def delete(workspace):
    return Remove(workspace.parts, "churn", [await id_of(workspace, "a.csv")], permanent=False)


async def restore(workspace):
    return RestoreFrom(workspace.parts, "churn", await id_of(workspace, "deleted.csv"), "error")


async def restore_version(workspace):
    return RestoreFrom(workspace.parts, "churn", await id_of(workspace, "twice.csv", version=1), "error")


async def delete_folder(workspace):
    return _RemovePath(workspace.parts, "churn", "attachments", recursive=True, permanent=False)


async def delete_session(workspace):
    return _Deletion(workspace.parts, "churn", with_files=True)


async def id_of(workspace, name, version=None):
    _, _, files, versions = await indexed(workspace)
    if version is not None:
        return next(e.artifact_id for e in versions.values() if e.version == version)
    return next(e.attachment_id for e in files.values() if e.name == name)


async def furnish(workspace, opener):
    """A session with a file, one in the trash, one with an old version, and one that nobody registered."""
    await session(workspace)
    await upload(workspace, "a.csv", b"a")
    deleted = await upload(workspace, "deleted.csv", b"deleted")
    await workspace.artifacts.delete(ADA, "churn", [deleted.attachment_id], permanent=False)
    await upload(workspace, "twice.csv", b"once")
    await upload(workspace, "twice.csv", b"twice", on_conflict="replace")
    write(opener.folder(), "attachments/foreign.csv", b"foreign")


async def die(workspace, operation, after_moves):
    """Publishes up to a number of moves, then the process is gone; gives whether all moves were made."""
    plans = []
    apply = workspace.parts.store.apply

    async def apply_some(moves):
        plans.append(moves)
        for move in moves[:after_moves]:
            await apply([move])
        raise Died

    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(workspace.parts.store, "apply", apply_some)
        await caught(workspace.parts.publisher.publish(operation))
    # A dead server does not end its intents.
    workspace.parts.publisher._dead_intents.clear()
    return len(plans[0]) <= after_moves


def forgetful(workspace):
    """The publisher of a server that dies: nothing is written after the moves."""

    async def nothing(_jobs):
        raise Died

    workspace.parts.publisher._finish = nothing


async def disk_and_index_agree(workspace, opener):
    """Every live file is there as it was recorded, every file in the trash lies there, nothing is left."""
    found = await workspace.parts.ledger.database.check()
    assert found == []
    _, totals, files, versions = await indexed(workspace)
    live = {entry.path: entry for entry in files.values() if entry.kept == "live"}
    for path, entry in live.items():
        content = (opener.folder() / path).read_bytes()
        assert (len(content), sha256(content)) == (entry.size, entry.sha256 or sha256(content))
        assert (opener.folder() / path).stat().st_ino == entry.inode
    kept = {e.artifact_id for e in [*files.values(), *versions.values()] if e.kept == "trash"}
    assert kept == {name for name in opener.trash() if not name.startswith(("session.", "rest."))}
    assert opener.staging() == []
    assert totals.live_bytes == sum(entry.size for entry in live.values())
    state = replay("churn", opener.journal().read_bytes())
    assert (state.files, state.versions) == (files, versions)
    async with workspace.parts.ledger.reading() as tx:
        assert await tx.intents.all() == []
    sequences = [event["sequence"] for event in await events(workspace)]
    assert sequences == list(range(1, len(sequences) + 1))


#: Each operation, and after how many of its moves the server dies.
CUTS = [
    *((create, moves) for moves in (0, 1)),
    *((create_many, moves) for moves in (1, 3)),
    *((replace, moves) for moves in (0, 1, 2)),
    *((replace_foreign, moves) for moves in (1, 2)),
    *((rename, moves) for moves in (0, 1)),
    *((delete, moves) for moves in (0, 1)),
    *((restore, moves) for moves in (0, 1)),
    *((restore_version, moves) for moves in (1, 2)),
    *((delete_folder, moves) for moves in (2, 9)),
]


# S2-33, S2-36, S0-16: whatever a crash cut off is finished or taken back
@pytest.mark.parametrize(("begin", "moves"), CUTS)
async def test_a_publication_that_a_crash_cut_off_is_all_done_or_not_at_all(opener, begin, moves):
    async with opener() as workspace:
        await furnish(workspace, opener)
        before = await indexed(workspace)
        forgetful(workspace)
        is_whole = await die(workspace, await begin(workspace), moves)

    async with opener() as workspace:
        await disk_and_index_agree_but_for_foreign(workspace, opener)
        after = await indexed(workspace)

    assert (after[2] != before[2]) is is_whole


async def disk_and_index_agree_but_for_foreign(workspace, opener):
    # The scan at start is not part of what is looked at here.
    await workspace.reconcile.close()
    await disk_and_index_agree(workspace, opener)


@pytest.mark.parametrize("moves", [0, 1])
async def test_a_session_whose_deletion_a_crash_cut_off_is_there_or_gone(opener, moves):
    async with opener() as workspace:
        await furnish(workspace, opener)
        forgetful(workspace)
        is_whole = await die(workspace, await delete_session(workspace), moves)

    async with opener() as workspace:
        there = opener.folder().exists()
        error = await caught(workspace.sessions.get(ADA, "churn")) if is_whole else None

    assert there is not is_whole
    assert (error is not None) is is_whole


# S2-36: a failed overwrite keeps the old file readable
async def test_the_old_file_is_readable_after_a_replacement_that_was_taken_back(opener):
    async with opener() as workspace:
        await session(workspace)
        entry = await upload(workspace, "a.csv", b"old")
        forgetful(workspace)
        await die(workspace, await replace(workspace), 1)

    async with opener() as workspace:
        content = await content_of(workspace, entry.artifact_id)

    assert content == b"old"


async def test_a_crash_after_the_last_move_loses_neither_file_nor_event(opener):
    async with opener() as workspace:
        await session(workspace)
        forgetful(workspace)
        await die(workspace, await create(workspace), 1)

    async with opener() as workspace:
        [event] = await events(workspace)
        content = await content_of(workspace, event["attachment_id"])

    assert (event["change_type"], event["path"], content) == ("created", "attachments/new.csv", b"new")


async def test_a_crash_while_a_crash_is_mended_is_mended_too(opener):
    async with opener() as workspace:
        await session(workspace)
        forgetful(workspace)
        await die(workspace, await create(workspace), 1)
    for _ in range(2):
        async with opener() as workspace:
            found = await workspace.parts.publisher.recover()
            files = (await indexed(workspace))[2]

    assert found == 0
    assert [entry.path for entry in files.values()] == ["attachments/new.csv"]


async def test_a_file_that_the_user_removed_after_the_crash_is_not_promised_again(opener):
    async with opener() as workspace:
        await session(workspace)
        forgetful(workspace)
        await die(workspace, await create(workspace), 1)
    (opener.folder() / "attachments/new.csv").unlink()

    async with opener() as workspace:
        _, _, files, _ = await indexed(workspace)
        error = await caught(content_of(workspace, "att_none"))

    assert files == {}
    assert isinstance(error, FileNotFound)
