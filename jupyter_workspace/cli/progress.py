"""Bars on a terminal: how far, how fast, how long still. Nothing where nobody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
    """One bar a transfer that runs, on standard error, and only if that is a terminal.

    sizes: bytes of each file when there are several; then one bar more is for all of them together.
    """

    def __init__(self, sizes: Sequence[int] = (), console: Console | None = None) -> None:
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
        self._files = len(sizes)
        self._ended = 0
        self._all = self._progress.add_task(self._told, total=sum(sizes)) if self._files > 1 else None

    @property
    def _told(self) -> str:
        return f"{self._ended} of {self._files} files"

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

    @contextmanager
    def bar(self, name: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """A bar while a transfer runs; it is told how many bytes are done.

        total: bytes, None while unknown. The bar of a single transfer stays when it has ended.
        """
        task = self._progress.add_task(name, total=total)
        before = 0

        def done(count: int) -> None:
            nonlocal before
            self._progress.update(task, completed=count)
            if self._all is not None:
                self._progress.advance(self._all, count - before)
            before = count

        try:
            yield done
        finally:
            if self._all is not None:
                self._ended += 1
                self._progress.remove_task(task)
                self._progress.update(self._all, description=self._told)
