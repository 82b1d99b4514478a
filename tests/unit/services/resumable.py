"""Short words for resumable uploads in unit tests."""

from __future__ import annotations

import asyncio

from jupyter_workspace.protocol.tus import Creation, Patch
from tests.unit.opening import ADA


class Monotonic:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def hang_up():
    """A connection that is closed without a word."""


async def made(workspace, length=10, *, concat=None, parts=(), session_id="churn", **metadata):
    wanted = Creation(length=length, metadata=metadata, concat=concat, parts=tuple(parts))
    return await workspace.uploads.create(ADA, session_id, wanted, list(parts))


async def begun(workspace, entry, offset, *, length=None, checksum=None, body=None, hang=hang_up):
    patch = Patch(offset, length, checksum)
    return await workspace.uploads.begin(ADA, entry.session_id, entry.upload_id, patch, body, hang)


async def patched(workspace, entry, offset, content=b"", **said):
    writer = await begun(workspace, entry, offset, body=len(content), **said)
    if writer is not None and content:
        await writer.write(content)
    return await workspace.uploads.complete(entry.session_id, entry.upload_id, writer)


async def record(workspace, entry):
    return await workspace.uploads.get(ADA, entry.session_id, entry.upload_id)


async def report(workspace, entry):
    return await workspace.uploads.report(ADA, entry.session_id, entry.upload_id)


async def until(condition):
    """Lets others work until it is so."""
    async with asyncio.timeout(10):
        while not await condition():  # noqa: ASYNC110  (what is waited for tells nobody)
            await asyncio.sleep(0)


async def is_in(workspace, entry, state):
    async def look():
        return (await record(workspace, entry)).state == state

    await until(look)


async def nothing_staged(opener):
    """Waits until the staging area is empty: a manifest may just be on its way through it."""

    async def empty():
        return opener.staging() == []

    await until(empty)


def spools(opener):
    """The names of the uploads that lie in the staging area."""
    return sorted(name.removesuffix(".json") for name in opener.staging() if name.endswith(".json"))
