"""Bars on a terminal: how far, how fast, how long still. Nothing where nobody looks."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

__all__ = ["Bars"]


class Bars:
    """One bar a transfer, on standard error, and only if that is a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        console = console or Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
            TimeRemainingColumn(compact=True),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def bar(self, name: str, total: int | None) -> Callable[[int], None]:
        """A new bar; it is told how many bytes are done. `total` in bytes, None while unknown."""
        task = self._progress.add_task(name, total=total)

        def done(count: int) -> None:
            self._progress.update(task, completed=count)

        return done
