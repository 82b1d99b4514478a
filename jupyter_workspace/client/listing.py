"""The files of a session as a list that asks the server when it is looked at, page by page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import overload

from jupyter_workspace.client import display, lookup
from jupyter_workspace.client.handle import FileHandle
from jupyter_workspace.client.place import Place
from jupyter_workspace.models.file import File, FileKind, FileList

__all__ = ["Files"]

#: Rows that a cell shows.
SHOWN = 20


class Files:
    """Attachments or artifacts in the order in which they came, the newest last.

    Nothing is kept: each look gives the present state. `files[0]`, `files[-1]` and `files[:3]` go by
    position, `files["sales.csv"]` by id, path or name.
    """

    def __init__(self, place: Place, kind: FileKind) -> None:
        self._place = place
        self._kind = kind

    def _page(self, offset: int, limit: int, ordering: str = "created_at") -> FileList:
        return self._place.client.list_files(
            self._place.session_id, kind=self._kind, ordering=ordering, offset=offset, limit=limit
        )

    def _newest(self) -> tuple[list[File], int]:
        """The last rows of the list, in its order, and how many there are in all."""
        page = self._page(0, SHOWN, "-created_at")
        return page.artifacts[::-1], page.total

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
        files, total = self._newest()
        return display.files_text(files, total) if files else f"<no {self._kind}s yet>"

    def _repr_html_(self) -> str:
        files, total = self._newest()
        if not files:
            return f"<i>no {self._kind}s yet</i>"
        return display.file_table(files, [self._place.url(file) for file in files], total)
