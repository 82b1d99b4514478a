"""A file as a notebook holds it: its record, its bytes, and a card that shows it in a cell."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar, overload

from jupyter_workspace.client import display
from jupyter_workspace.client.place import Place
from jupyter_workspace.models.file import File, FileKind, Media, Provenance, Source, Storage

__all__ = ["FileHandle"]

T = TypeVar("T")


class _Member(Generic[T]):
    """An attribute that the record has."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, handle: None, owner: type) -> _Member[T]: ...
    @overload
    def __get__(self, handle: FileHandle, owner: type) -> T: ...
    def __get__(self, handle: FileHandle | None, owner: type) -> T | _Member[T]:
        if handle is None:
            return self
        value: T = getattr(handle.record, self._name)
        return value


class FileHandle:
    """A file of a session. Its attributes are those of the record (`models.file.File`).

    It can stand where a path is taken: `pandas.read_csv(ws.attachments["sales.csv"])`.
    """

    attachment_id = _Member[str]()
    artifact_id = _Member[str]()
    session_id = _Member[str]()
    kind = _Member[FileKind]()
    name = _Member[str]()
    path = _Member[str]()
    files_path = _Member[str]()
    size = _Member[int]()
    mime = _Member[str]()
    sha256 = _Member[str | None]()
    media = _Member[Media]()
    source = _Member[Source]()
    storage = _Member[Storage]()
    version = _Member[int]()
    created_at = _Member[datetime]()
    modified_at = _Member[datetime]()
    metadata = _Member[dict[str, Any]]()
    provenance = _Member[Provenance | None]()
    declared_mime = _Member[str | None]()

    def __init__(self, record: File, place: Place) -> None:
        self.record = record
        self._place = place

    @property
    def id(self) -> str:
        """The file's id for life: its `attachment_id`."""
        return self.record.attachment_id

    @property
    def local_path(self) -> Path | None:
        """Where the file lies on this machine; None when it does not."""
        return self._place.local(self.record)

    def fetch(self) -> Path:
        """A path with the content: the file itself, or a downloaded copy in the cache."""
        self._place.note_read(self.record)
        return self.local_path or self._place.fetched(self.record)

    def __fspath__(self) -> str:
        return os.fspath(self.fetch())

    def open(self) -> BinaryIO:
        """The content, open for reading as bytes."""
        return self.fetch().open("rb")

    def read_bytes(self) -> bytes:
        """The content, all of it in memory."""
        return self.fetch().read_bytes()

    def read_text(self, encoding: str = "utf-8") -> str:
        """The content as text."""
        return self.fetch().read_text(encoding)

    def download(self, to: str | os.PathLike[str] = ".") -> Path:
        """The path of a checked copy; `to` is a file, or a folder that exists."""
        return self._place.client.fetch(self.record, Path(to))

    def delete(self, *, permanent: bool = False) -> None:
        """Moves the file to the trash, or removes it for good."""
        self._place.client.delete_file(self.session_id, self.attachment_id, permanent=permanent)

    @property
    def url(self) -> str:
        """The path-absolute URL of this version's record, for a browser that shows the notebook."""
        return self._place.url(self.record)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FileHandle) and other.record == self.record

    def __hash__(self) -> int:
        return hash(self.artifact_id)

    def __repr__(self) -> str:
        return display.file_text(self.record)

    def _repr_html_(self) -> str:
        return display.file_card(self.record, self.url)
