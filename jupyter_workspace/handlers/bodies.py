"""Where the bytes of a request's body go."""

from __future__ import annotations

from typing import Protocol

from jupyter_workspace.errors import BodyInvalid

__all__ = ["JsonSink", "NoBody", "Sink"]

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
