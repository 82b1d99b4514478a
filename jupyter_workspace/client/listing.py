"""The files of a session as a list that asks the server when it is looked at, page by page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import overload

from jupyter_workspace.client import display, lookup
from jupyter_workspace.client.handle import FileHandle
from jupyter_workspace.client.place import Place
from jupyter_workspace.models.file import FileKind, FileList

__all__ = ["Files"]

#: Rows that a cell shows.
SHOWN = 20


class Files:
    """Attachments or artifacts, newest first. Nothing is kept: each look gives the present state.

    `files[0]`, `files[-1]` and `files[:3]` go by position, `files["sales.csv"]` by id, path or name.
    """

    def __init__(self, place: Place, kind: FileKind) -> None:
        self._place = place
        self._kind = kind

    def _page(self, offset: int, limit: int) -> FileList:
        return self._place.client.list_files(
            self._place.session_id, kind=self._kind, offset=offset, limit=limit
        )

    def __len__(self) -> int:
        return self._page(0, 1).total

    def __iter__(self) -> Iterator[FileHandle]:
        for file in self._place.client.each_file(self._place.session_id, kind=self._kind):
            yield FileHandle(file, self._place)

    @overload
    def __getitem__(self, key: int | str) -> FileHandle: ...
    @overload
    def __getitem__(self, key: slice) -> list[FileHandle]: ...
    def __getitem__(self, key: int | str | slice) -> FileHandle | list[FileHandle]:
        """One by position (IndexError), or by id, path or name (FileNotFound, AmbiguousName)."""
        if isinstance(key, slice):
            return list(self)[key]
        if isinstance(key, str):
            return FileHandle(lookup.find(self._place, key, self._kind), self._place)
        position = key if key >= 0 else len(self) + key
        found = self._page(position, 1).artifacts if position >= 0 else []
        if not found:
            raise IndexError(f"There is no {self._kind} at position {key}.")
        return FileHandle(found[0], self._place)

    def __contains__(self, key: object) -> bool:
        if isinstance(key, FileHandle):
            return any(key.attachment_id == file.attachment_id for file in self)
        wanted = os.fspath(key) if isinstance(key, str | os.PathLike) else None
        return any(wanted in {file.attachment_id, file.path, file.name} for file in self)

    def __repr__(self) -> str:
        page = self._page(0, SHOWN)
        if not page.artifacts:
            return f"<no {self._kind}s yet>"
        return display.files_text(page.artifacts, page.total)

    def _repr_html_(self) -> str:
        page = self._page(0, SHOWN)
        if not page.artifacts:
            return f"<i>no {self._kind}s yet</i>"
        return display.file_table(
            page.artifacts, [self._place.url(file) for file in page.artifacts], page.total
        )
