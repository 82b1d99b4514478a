"""How answers look in a terminal: tables for people, one JSON value a line for programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from jupyter_workspace.errors import WorkspaceError

__all__ = ["Output", "shown_path", "size_of"]

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP = 1024

#: Where no person looks no name is cut in two.
PIPE_COLUMNS = 10_000


class Output:
    """Where answers go. With `as_json` each is one line of JSON on standard output."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        # A file may be called `[red].csv` or `:smile:.txt`.
        self._console = Console(
            markup=False, emoji=False, highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS
        )

    def rows(self, values: Iterable[Any], columns: Sequence[str]) -> None:
        """Shows records: `columns` are their members, or 'size' for a size in words."""
        if self.as_json:
            for value in values:
                self.value(value)
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(
                column.replace("_", " "), overflow="fold", justify="right" if column == "size" else "left"
            )
        for value in values:
            table.add_row(*(_shown(column, getattr(value, column)) for column in columns))
        self._console.print(table)

    def value(self, value: Any) -> None:
        """Shows one value as a line of JSON, in UTF-8 whatever the terminal's language (RFC 8259, 8.1)."""
        sys.stdout.flush()
        sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
        sys.stdout.buffer.flush()

    def line(self, text: str, value: Any) -> None:
        """Says a sentence to a person, or the value behind it to a program."""
        if self.as_json:
            self.value(value)
        else:
            click.echo(text)

    def note(self, text: str) -> None:
        """Says something beside the answer, on standard error."""
        click.echo(text, err=True)

    def beside(self, text: str, value: Any) -> None:
        """The same beside the answer: on standard error, a sentence or a line of JSON."""
        self.note(msgspec.json.encode(value).decode() if self.as_json else text)

    def error(self, error: WorkspaceError | OSError, *, of: str | None = None) -> None:
        """Says what went wrong, on standard error: in a sentence, or as a line of JSON.

        of: the file that it is about. The code of an error of this machine's is `local_file`.
        """
        if isinstance(error, WorkspaceError):
            code, message, hint = error.code, error.message, error.hint
        else:
            code, message, hint = "local_file", error.strerror or str(error), None
        told = {"code": code, "message": message, "hint": hint, "of": of}
        words = " ".join(word for word in (message, hint) if word)
        self.beside(
            f"{f'{of}: ' if of else ''}{code}: {words}", {name: word for name, word in told.items() if word}
        )


def shown_path(path: Path) -> str:
    """A path as it can be printed: bytes that are no UTF-8 are escaped."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _shown(column: str, value: Any) -> str:
    if column == "size":
        return size_of(value)
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return "" if value is None else str(value)


def size_of(count: int) -> str:
    """A number of bytes in words: 1024-based, one decimal from KiB on."""
    size = float(count)
    for unit in _UNITS:
        if size < _STEP or unit == _UNITS[-1]:
            break
        size /= _STEP
    return f"{count} B" if unit == _UNITS[0] else f"{size:.1f} {unit}"
