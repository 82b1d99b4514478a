"""A staging file as threads see it: the descriptor and the digests. `staging` says when what is done."""

from __future__ import annotations

import hashlib
import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from jupyter_workspace.errors import Busy, FileNotFound, WorkspaceError
from jupyter_workspace.stores import syscalls
from jupyter_workspace.stores.base import HEAD_BYTES, Digest, Place
from jupyter_workspace.stores.checksums import BLOCK_BYTES, crc32, digest_of
from jupyter_workspace.stores.disk import Disk, write_all
from jupyter_workspace.stores.spool import append_note

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["StagedFile"]

_log = logging.getLogger(__name__)


class StagedFile:
    """The file itself, and its digests; each method is a job of one of the two lanes."""

    def __init__(self, disk: Disk, place: Place) -> None:
        self.place = place
        self.inode = 0
        self.is_abandoned = False
        self.is_untouched = True
        self._disk = disk
        self._descriptor = -1
        self._sha256 = hashlib.sha256()
        self._crc = 0
        self._head = b""
        self._hashed = 0
        self._is_resumed = False

    def _open(self, extra_flags: int = os.O_CREAT | os.O_EXCL) -> None:
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | extra_flags
        with self._disk.parent(self.place) as (folder, name):
            self._descriptor = os.open(name, flags, 0o600, dir_fd=folder)

    def _ensure_open(self) -> None:
        if self._descriptor < 0:
            self._open(os.O_CREAT | os.O_EXCL if self.is_untouched else 0)
            self.is_untouched = False

    def make(self) -> None:
        """Make the file, with nothing in it."""
        self._ensure_open()
        self.close()

    def write(self, content: memoryview, offset: int) -> None:
        """Write a block, and begin to bring it to the disk."""
        if self.is_abandoned:
            return
        self._ensure_open()
        try:
            write_all(self._descriptor, content, offset)
        except OSError:
            self.is_abandoned = True
            raise
        syscalls.start_writeback(self._descriptor, offset, len(content))
        if not self._is_resumed:
            # In this lane, as it is the faster one.
            self._crc = crc32(content, self._crc)

    def hash(self, content: memoryview) -> None:
        """Go on with the digest; blocks come in their order."""
        if self.is_abandoned:
            return
        if len(self._head) < HEAD_BYTES:
            self._head += bytes(content[: HEAD_BYTES - len(self._head)])
        self._sha256.update(content)
        if self._is_resumed:
            # The lane of writes does not know the bytes before it.
            self._crc = crc32(content, self._crc)
        self._hashed += len(content)

    def end_hashes(self) -> None:
        """The last job of its lane, to be waited for."""

    def digest(self) -> Digest:
        """The digest of all that was hashed, for when both lanes are done: each makes a part of it."""
        return Digest(self._hashed, self._sha256.hexdigest(), self._crc, self._head)

    def take_whole(self, content: memoryview) -> Digest:
        """All of a small file at once."""
        self.write(content, 0)
        self.hash(content)
        self.seal()
        return self.digest()

    def flush(self, rest: bytes, offset: int) -> None:
        """Write what is still in memory, and wait for the disk."""
        # What was closed is on the disk; a look that comes after `park` must not open it again.
        is_parked = self._descriptor < 0 and not self.is_untouched
        if self.is_abandoned or (is_parked and not rest):
            return
        self._ensure_open()
        try:
            write_all(self._descriptor, memoryview(rest), offset)
        except OSError:
            self.is_abandoned = True
            raise
        try:
            os.fdatasync(self._descriptor)
        except OSError:
            # What a failed sync left out is not told, so nothing of this file counts any more.
            self.remove()
            raise

    def park(self, note: bytes) -> None:
        """Wait for the disk, close, and only then say so in the note beside the file."""
        self.flush(b"", 0)
        self.close()
        if note and not self.is_abandoned:
            append_note(self._disk, self.place.path, note)

    def seal(self) -> None:
        """Sync and close; a file whose sync fails is removed, as nobody knows what it holds."""
        if self.is_abandoned:
            return
        self._ensure_open()
        try:
            os.fchmod(self._descriptor, self._disk.file_mode)
            os.fsync(self._descriptor)
            self.inode = os.fstat(self._descriptor).st_ino
        except OSError:
            self.remove()
            raise
        self.close()

    def close(self) -> None:
        """Close; the file stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def remove(self) -> None:
        """Close and delete; a name that is gone was moved to where it belongs."""
        self.is_abandoned = True
        self.close()
        if self.is_untouched:
            return
        try:
            with self._disk.parent(self.place) as (folder, name), suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
        except (OSError, WorkspaceError) as fault:
            _log.warning("A staging file cannot be removed now (%s): %s", fault, self.place.path)
            self._disk.left_behind.add(self.place.path)

    def clone(self, source: int) -> Digest:
        """Share the blocks of another file, hash them, sync and close; closes `source`, too."""
        try:
            self._ensure_open()
            syscalls.share_blocks(self._descriptor, source)
            digest, _ = digest_of(self._descriptor, lambda: self.is_abandoned)
            self.seal()
        finally:
            os.close(source)
        return digest

    def reopen(self, size: int) -> None:
        """Cut the file to `size` bytes, to be written on; what it holds is hashed by `hash_to`."""
        self._open(0)
        self.is_untouched = False
        self._is_resumed = True
        if os.fstat(self._descriptor).st_size < size:
            self.close()
            raise FileNotFound("The upload's bytes are gone.")
        os.ftruncate(self._descriptor, size)

    def hash_to(self, size: int) -> None:
        """Go on with the digest, by reading, until it has the first `size` bytes of the file."""
        if self.is_abandoned:
            return
        with self._disk.parent(self.place) as (folder, name):
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            for block in _blocks(descriptor, self._hashed, size):
                self.hash(block)
        finally:
            os.close(descriptor)


def _blocks(descriptor: int, offset: int, size: int) -> Iterator[memoryview]:
    block = memoryview(bytearray(min(BLOCK_BYTES, max(size - offset, 0))))
    while offset < size:
        count = os.preadv(descriptor, [block[: size - offset]], offset)
        if not count:
            raise Busy("The upload's bytes were changed.")
        yield block[:count]
        offset += count
