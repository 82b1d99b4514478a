"""What can be uploaded: a path, bytes, or a binary file object, with its length, digest and parts."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias, cast

from jupyter_workspace import errors

__all__ = [
    "OpenContent",
    "Part",
    "PathContent",
    "Progress",
    "Source",
    "SourceChanged",
    "content_of",
    "name_of",
]

BLOCK_BYTES = 1 << 20


class SourceChanged(errors.DigestMismatch):
    """What is uploaded is not what it was when the upload began."""

    default_message = "The file changed while it was uploaded; nothing was stored."
    default_hint = "Upload it again when nothing writes to it."


class Readable(Protocol):
    """A binary file object: text is refused."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most `size`; none at the end."""
        ...


#: What can be uploaded: a path, bytes, or a binary file object (read from where it stands).
Source: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | Readable

#: Told how many bytes of a transfer are done, as often as some are.
Progress: TypeAlias = Callable[[int], None]


class Part:
    """Bytes of a file from an offset on; opened for each sending."""

    def __init__(
        self,
        opened: Callable[[int], tuple[BinaryIO, bool]],
        offset: int,
        length: int,
        on_progress: Progress | None = None,
    ) -> None:
        self._opened = opened
        self._offset = offset
        self.length: int | None = length
        self._on_progress = on_progress

    def chunks(self) -> Iterator[bytes]:
        """The bytes, exactly `length`; SourceChanged when they are not there any more."""
        file, is_ours = self._opened(self._offset)
        try:
            left = self.length or 0
            while left:
                chunk = file.read(min(BLOCK_BYTES, left))
                if not chunk:
                    raise SourceChanged
                left -= len(chunk)
                yield chunk
                if self._on_progress is not None:
                    self._on_progress(self._offset + (self.length or 0) - left)
        finally:
            if is_ours:
                file.close()


class OpenContent:
    """What a file object still has to give; in parts, and again, if the object can seek."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._is_given_up = False
        self._start: int | None = None
        self.length: int | None = None
        seekable = getattr(file, "seekable", None)
        if seekable is not None and seekable():
            self._start = self._seekable.tell()
            self.length = sum(len(chunk) for chunk in self.chunks())

    @property
    def _seekable(self) -> BinaryIO:
        return cast("BinaryIO", self._file)

    @cached_property
    def sha256(self) -> bytes | None:
        """The digest, None for what can be read only once, and when it is given up."""
        return None if self._start is None else _digest(self.chunks(), lambda: self._is_given_up)

    def give_up(self) -> None:
        """Ends a digest that is being computed in a thread."""
        self._is_given_up = True

    def chunks(self) -> Iterator[bytes]:
        """The bytes from where the object stood at first."""
        if self._start is not None:
            self._seekable.seek(self._start)
        while chunk := self._file.read(BLOCK_BYTES):
            if not isinstance(chunk, bytes | bytearray | memoryview):
                raise TypeError("Open the file in binary mode ('rb').")
            yield chunk

    def part(self, offset: int, length: int, on_progress: Progress | None = None) -> Part:
        """Some of the bytes."""
        return Part(self._at, offset, length, on_progress)

    def _at(self, offset: int) -> tuple[BinaryIO, bool]:
        self._seekable.seek((self._start or 0) + offset)
        return self._seekable, False


class PathContent:
    """A file on disk, opened for each sending."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_given_up = False
        with path.open("rb") as file:
            self.length: int | None = file.seek(0, os.SEEK_END)
            self._seen = _stamp_of(file)

    @cached_property
    def sha256(self) -> bytes | None:
        """The digest, None when it is given up; reads the whole file."""
        with self.path.open("rb") as file:
            return _digest(iter(lambda: file.read(BLOCK_BYTES), b""), lambda: self._is_given_up)

    def give_up(self) -> None:
        """Ends a digest that is being computed in a thread."""
        self._is_given_up = True

    def chunks(self) -> Iterator[bytes]:
        """The bytes of the file."""
        return self.part(0, self.length or 0).chunks()

    def part(self, offset: int, length: int, on_progress: Progress | None = None) -> Part:
        """Some of the bytes."""
        return Part(self._at, offset, length, on_progress)

    def _at(self, offset: int) -> tuple[BinaryIO, bool]:
        try:
            file = self.path.open("rb")
        except FileNotFoundError as error:
            raise SourceChanged(f"{self.path.name!r} was removed while it was uploaded.") from error
        if _stamp_of(file) != self._seen:
            file.close()
            raise SourceChanged(f"{self.path.name!r} changed while it was uploaded; nothing was stored.")
        file.seek(offset)
        return file, True


def _digest(chunks: Iterator[bytes], is_given_up: Callable[[], bool]) -> bytes | None:
    digest = hashlib.sha256()
    for chunk in chunks:
        # A program ends when its threads have ended: who stops it must not wait for a digest of 20 GiB.
        if is_given_up():
            return None
        digest.update(chunk)
    return digest.digest()


def _stamp_of(file: BinaryIO) -> tuple[int, int]:
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns


def content_of(source: Source) -> OpenContent | PathContent:
    """The bytes of a source; may block.

    FileNotFoundError, IsADirectoryError and their kin for a path; TypeError for what is no source.
    """
    if isinstance(source, str | os.PathLike):
        return PathContent(Path(source))
    if isinstance(source, bytes | bytearray | memoryview):
        return OpenContent(BytesIO(source))
    if not callable(getattr(source, "read", None)):
        raise TypeError(f"Cannot upload {type(source).__name__}: give a path, bytes or a binary file object.")
    return OpenContent(source)


def name_of(source: Source) -> str | None:
    """The name that a source has by itself."""
    if isinstance(source, str | os.PathLike):
        return Path(source).name
    name = getattr(source, "name", None)
    return Path(name).name if isinstance(name, str) else None
