"""Pieces of an upload do not wait for the index, and notice all the same what is said there of its session."""

from jupyter_workspace.errors import SessionClosed, SessionNotFound
from jupyter_workspace.models.session import SessionChange
from jupyter_workspace.services.settings import Actor
from tests.unit.opening import ADA, caught, session
from tests.unit.services.resumable import begun, made, patched, report


async def test_pieces_and_looks_do_not_wait_for_the_index(workspace):
    # L1: the index has one connection, held while others publish
    await session(workspace)
    entry = await made(workspace, 10)

    async with workspace.parts.ledger.writing():
        first = await patched(workspace, entry, 0, b"he")
        second = await patched(workspace, entry, 2, b"llo")
        seen = await report(workspace, entry)

    assert (first.offset, second.offset, seen.offset) == (2, 5, 5)


async def test_another_session_s_change_is_no_obstacle(workspace):
    await session(workspace)
    await session(workspace, "other")
    entry = await made(workspace, 10)
    await workspace.sessions.change(ADA, "other", SessionChange(status="completed"))

    first = await patched(workspace, entry, 0, b"he")
    async with workspace.parts.ledger.writing():
        second = await patched(workspace, entry, 2, b"llo")

    assert (first.offset, second.offset) == (2, 5)


async def test_a_session_that_was_closed_since_takes_no_piece(workspace):
    # API 3, 11.32
    await session(workspace)
    entry = await made(workspace, 10)
    await patched(workspace, entry, 0, b"he")

    await workspace.sessions.change(ADA, "churn", SessionChange(status="completed"))

    assert isinstance(await caught(begun(workspace, entry, 2)), SessionClosed)


async def test_what_is_known_of_an_upload_is_not_told_to_others(workspace):
    # S12
    await session(workspace)
    entry = await made(workspace, 10)
    await patched(workspace, entry, 0, b"he")

    foreign = await caught(workspace.uploads.report(Actor(owner="eve", name="eve"), "churn", entry.upload_id))

    assert isinstance(foreign, SessionNotFound)
