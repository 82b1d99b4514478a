"""What the tests of a store share: the ways there are to its promises, and short words."""

from __future__ import annotations

from jupyter_workspace.stores.base import Move, Place
from jupyter_workspace.stores.beneath import KernelResolver, WalkingResolver
from jupyter_workspace.stores.renames import KernelRenames, PortableRenames

WAYS = {
    "kernel": (KernelResolver, KernelRenames),
    "portable": (WalkingResolver, PortableRenames),
}


def at(path):
    return Place("session", path, "churn")


async def published(store, path, content):
    staging = await store.stage_bytes(content)
    move = Move(staging.place, at(path), staging.inode)
    await store.apply([move])
    return move


async def content_of(store, place):
    async with await store.open_read(place) as file:
        return b"".join([chunk async for chunk in file.chunks()])


async def rest_of(chunks, read=None):
    async for chunk in chunks:
        if read is not None:
            read.append(chunk)


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
