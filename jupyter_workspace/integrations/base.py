"""The protocols behind which other programs stand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from typing import Protocol

__all__ = [
    "Bus",
    "NoBus",
    "NoNotebooks",
    "NoScanner",
    "Notebooks",
    "Previews",
    "Scanner",
    "WatchFailed",
    "Watcher",
]


class Scanner(Protocol):
    """Gives a verdict on staged bytes before anybody can see them."""

    async def check(self, read: Callable[[], AsyncIterator[bytes]], size: int) -> None:
        """Returns when the bytes are clean; raises Infected, or ScanUnavailable without a verdict.

        read: begins to give the bytes; not called by a scanner that needs none. size: in bytes.
        """


class NoScanner:
    """The scanner of a server that has none: every file counts as clean."""

    async def check(self, read: Callable[[], AsyncIterator[bytes]], size: int) -> None:
        """Says nothing against anything."""


class Notebooks(Protocol):
    """Knows which notebook a kernel runs."""

    async def path_of(self, kernel_id: str) -> str | None:
        """The notebook's path relative to the server's root; None when there is none."""


class NoNotebooks:
    """A workspace without a Jupyter server round it: no kernel runs a notebook."""

    async def path_of(self, kernel_id: str) -> str | None:
        """None."""


class WatchFailed(Exception):
    """Folders cannot be watched here; the message says why and names no path."""


class Watcher(Protocol):
    """Hears of changes in folders. What it says is a hint: it may miss some and tell of others twice.

    Paths are relative to the workspace folder and use '/'.
    """

    async def watch(self, folders: Collection[str]) -> None:
        """Listens to just these folders, not to those in them; one that is gone is left out.

        Raises WatchFailed; then it hears nothing until the next call.
        """

    async def heard(self) -> set[str]:
        """What has changed since the last call: files, and folders that came or went. WatchFailed."""

    async def rest(self, seconds: float) -> None:
        """Returns when something is to be heard, or `stir` was called, or this many seconds are over."""

    def stir(self) -> None:
        """Ends the rest that goes on, or else the next one at once."""

    async def close(self) -> None:
        """Ends; may be called again."""


class Bus(Protocol):
    """Where events of all sessions are announced to whoever else runs in this process."""

    def announce(self, event: bytes) -> None:
        """Tells of an event (the JSON of a `models.event.Event`); returns at once."""


class NoBus:
    """A workspace that nobody listens to."""

    def announce(self, event: bytes) -> None:
        """Tells nobody."""


class Previews(Protocol):
    """Decodes files that nobody trusts into small pictures of them."""

    def can(self, kind: str) -> bool:
        """Whether this kind ('image', 'pdf' or 'notebook') can be shown here."""

    async def make(
        self, kind: str, content: Callable[[], AsyncIterator[bytes]], size: int, pixels: int
    ) -> bytes:
        """WebP for 'image' and 'pdf', JSON for 'notebook'; raises TypeRefused when that is impossible.

        content: gives the bytes from the beginning, each time that it is called.
        """

    async def close(self) -> None:
        """Ends what was started."""
