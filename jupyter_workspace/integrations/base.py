"""The protocols behind which other programs stand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Protocol

__all__ = ["NoNotebooks", "NoScanner", "Notebooks", "Scanner"]


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
