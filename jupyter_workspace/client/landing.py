"""Where a download waits until all of it has come, also for a program that is started again.

The bytes lie beside their target in `.part-<target>.<once>.<version>`: the target's name as a hash, a
random word, and the ETag of what the bytes are of. So nothing else has to be kept and cleaned up. A part
is locked while a program fills it; the next download to the same target goes on with one that nobody
has, and removes the others. `.part-<target>.<once>` without a version has nothing that is worth keeping.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

from jupyter_workspace.client import locks
from jupyter_workspace.client.wire import Response

if TYPE_CHECKING:
    from jupyter_workspace.client.content import Progress

__all__ = ["Landing", "PartFile"]

BLOCK_BYTES = 1 << 20

#: Less than this is quickly fetched again, and not worth a file that stays.
LEAST_KEPT_BYTES = 1 << 20

#: Parts of other targets that nobody went on with are removed after that time.
KEPT_SECONDS = 14 * 86400.0

#: A longer tag would not fit in a file's name.
LONGEST_TAG = 120

OK = 200
PARTIAL = 206
UNSATISFIABLE = 416

_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)", re.ASCII)
_PART_NAME = re.compile(r"\.part-([0-9a-f]{16})\.[0-9a-f]{12}(?:\.([A-Za-z0-9_-]+))?", re.ASCII)


class Landing:
    """Takes the bytes of a download into an open file and knows how far it got.

    `size` is bytes on hand, `length` the whole (None while unknown), `etag` that of the version at hand;
    `on_version` is told the ETag when the bytes of another version begin.
    """

    def __init__(
        self,
        file: BinaryIO,
        on_progress: Progress | None = None,
        on_version: Callable[[str], None] = lambda _etag: None,
    ) -> None:
        self._file = file
        self._on_progress = on_progress
        self._on_version = on_version
        self._digest = hashlib.sha256()
        self._is_foreign = False
        self.size = 0
        self.length: int | None = None
        self.etag = ""

    def resume(self, etag: str) -> None:
        """Goes on behind what the file holds, which is of that version; reads all of it."""
        self._file.seek(0)
        while block := self._file.read(BLOCK_BYTES):
            self._digest.update(block)
            self.size += len(block)
        self.etag = etag
        self._tell()

    def restart(self) -> None:
        """Forgets what is on hand."""
        self._file.seek(0)
        self._file.truncate()
        self._digest = hashlib.sha256()
        self.size, self.length, self.etag = 0, None, ""

    @property
    def sha256(self) -> str:
        """The digest of the bytes on hand, in hex."""
        return self._digest.hexdigest()

    def accepts(self, head: Response) -> bool:
        """True for the whole file, and for the part that goes on where the bytes on hand end."""
        self._is_foreign = head.status == PARTIAL and not self._continues(head)
        if head.status == PARTIAL:
            return not self._is_foreign
        if head.status != OK:
            return False
        self.restart()
        self.etag = head.headers.get("etag", "")
        length = head.headers.get("content-length", "")
        self.length = int(length) if length.isdigit() else None
        self._on_version(self.etag)
        return True

    def _continues(self, head: Response) -> bool:
        match = _CONTENT_RANGE.fullmatch(head.headers.get("content-range", ""))
        if match is None or head.headers.get("etag", self.etag) != self.etag:
            return False
        start, length = int(match[1]), int(match[2])
        if start != self.size or self.length not in {None, length}:
            return False
        self.length = length
        return True

    def fits(self, answer: Response) -> bool:
        """False when an answer shows that what is on hand is no beginning of what the server has.

        416 says so unless exactly nothing follows (RFC 9110, 15.5.17).
        """
        if answer.status == UNSATISFIABLE:
            return answer.headers.get("content-range", "") == f"bytes */{self.size}"
        return not self._is_foreign

    def write(self, chunk: bytes) -> None:
        """Appends."""
        self._file.write(chunk)
        self._digest.update(chunk)
        self.size += len(chunk)
        self._tell()

    def _tell(self) -> None:
        if self._on_progress is not None:
            self._on_progress(self.size)

    @property
    def is_complete(self) -> bool:
        """Whether all announced bytes are there; always true when none were announced."""
        return self.length is None or self.size == self.length


class PartFile:
    """The file of a download that is not whole yet; while it is open, no other process goes on with it.

    `etag` is that of the version of which its bytes are, empty for a new one. All of it may block.
    """

    def __init__(self, path: Path, file: BinaryIO, etag: str) -> None:
        self._path = path
        self.file = file
        self.etag = etag

    @classmethod
    def beside(cls, target: Path) -> Self:
        """What an earlier program left for that target, else a new one; what nobody needs is removed."""
        mark = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]
        found = [part for path in _left(target.parent, mark) if (part := cls._taken(path)) is not None]
        found.sort(key=lambda part: (part._is_for(mark), part._size()))  # noqa: SLF001 - its own
        best = found.pop() if found and found[-1]._is_for(mark) else None  # noqa: SLF001
        for part in found:
            part.discard()
        return best or cls._made(target.with_name(f".part-{mark}.{secrets.token_hex(6)}"))

    @classmethod
    def _made(cls, path: Path) -> Self:
        part = cls(path, path.open("x+b"), "")
        locks.take(part.file)
        return part

    @classmethod
    def _taken(cls, path: Path) -> Self | None:
        """The part at a path, if nobody else has it."""
        try:
            # Where others may write too, a link could lead to any file of ours.
            file = os.fdopen(os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)), "r+b")
        except OSError:
            return None
        if locks.take(file) and _is_ours(file, path):
            return cls(path, file, _etag_in(path.name))
        file.close()
        return None

    def _is_for(self, mark: str) -> bool:
        return bool(self.etag) and self._path.name.startswith(f".part-{mark}.")

    def _size(self) -> int:
        return os.fstat(self.file.fileno()).st_size

    def is_of(self, etag: str) -> None:
        """Notes, in its name, of which version the bytes are that follow."""
        once = ".".join(self._path.name.split(".")[:3])
        path = self._path.with_name(once + _tag_of(etag))
        # Where an open file cannot be renamed it is not gone on with, and that is all.
        with suppress(OSError):
            self._path.rename(path)
            self._path = path

    def become(self, target: Path) -> None:
        """Moves the whole file to its place."""
        self.file.flush()
        if os.name == "nt":  # pragma: no cover - there an open file cannot be moved
            self.file.close()
        # While it is locked: else another process could take it for a part and write into the target.
        self._path.replace(target)
        self.file.close()

    def keep(self) -> None:
        """Leaves it to a later download, if that is worth it; what has become its target stays there."""
        if self.file.closed:
            return
        self.file.flush()
        if self._size() < LEAST_KEPT_BYTES or not _etag_in(self._path.name):
            self.discard()
        else:
            self.file.close()

    def discard(self) -> None:
        """Removes it."""
        locks.remove(self.file, self._path)


def _left(folder: Path, mark: str) -> Iterator[Path]:
    """The parts of that target in a folder, and those of others that are too old."""
    # Who may not list a folder may still write to it.
    with suppress(PermissionError), os.scandir(folder) as entries:
        for entry in entries:
            match = _PART_NAME.fullmatch(entry.name)
            if match is not None and (match[1] == mark or _is_old(entry)):
                yield Path(entry.path)


def _is_old(entry: os.DirEntry[str]) -> bool:
    try:
        return time.time() - entry.stat(follow_symlinks=False).st_mtime > KEPT_SECONDS
    except FileNotFoundError:
        return False


def _is_ours(file: BinaryIO, path: Path) -> bool:
    """Whether the open file still lies at that path, and nobody else can write to it."""
    found = os.fstat(file.fileno())
    try:
        # Its owner may have moved it to its target between our opening and locking it.
        is_there = os.path.samestat(found, path.stat(follow_symlinks=False))
    except FileNotFoundError:
        return False
    is_own = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return is_there and is_own and stat.S_ISREG(found.st_mode) and found.st_nlink == 1


def _tag_of(etag: str) -> str:
    """The end of a part's name; only a strong tag says that the bytes are the same (RFC 9110, 8.8.1)."""
    if not etag.startswith('"') or len(etag) > LONGEST_TAG or not etag.isascii():
        return ""
    return "." + base64.urlsafe_b64encode(etag.encode()).decode().rstrip("=")


def _etag_in(name: str) -> str:
    match = _PART_NAME.fullmatch(name)
    word = match[2] if match is not None else None
    if not word:
        return ""
    try:
        return base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)).decode("ascii")
    except ValueError:
        return ""
