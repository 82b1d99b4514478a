"""Where the bytes of a request's body go."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from jupyter_workspace.errors import BodyInvalid

__all__ = ["BlockSink", "JsonSink", "NoBody", "Sink"]

#: Largest JSON body, in bytes.
JSON_BYTES = 8 * 2**20


class Sink(Protocol):
    """Takes a body, piece by piece."""

    #: whether all that is expected has come
    is_complete: bool

    async def feed(self, data: bytes) -> None:
        """Takes bytes, in order; raises a WorkspaceError to refuse the rest."""

    async def discard(self) -> None:
        """Forgets what came; may be called at any time, and again."""


@runtime_checkable
class BlockSink(Sink, Protocol):
    """A sink that lends its own memory, so that bytes of the socket need not be copied."""

    def view(self) -> memoryview:
        """The free part of the present block, never empty."""

    async def advance(self, count: int) -> None:
        """Takes the first `count` bytes of the last view; raises as `feed` does."""


class NoBody:
    """For rows without a body: what comes all the same is ignored."""

    is_complete = False

    async def feed(self, data: bytes) -> None:
        """Ignores it."""

    async def discard(self) -> None:
        """There is nothing."""


class JsonSink:
    """Gathers a JSON body."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.is_complete = False

    async def feed(self, data: bytes) -> None:
        """Takes bytes up to `JSON_BYTES`."""
        if len(self.content) + len(data) > JSON_BYTES:
            raise BodyInvalid(f"The body is larger than {JSON_BYTES} bytes.")
        self.content += data

    async def discard(self) -> None:
        """Forgets them."""
        self.content.clear()
