"""Unfinished uploads on the disk, by blocking calls: the notes beside the bytes, and parts put together."""

from __future__ import annotations

import os
from collections.abc import Sequence

from jupyter_workspace.errors import FileNotFound
from jupyter_workspace.stores.base import Place
from jupyter_workspace.stores.checksums import BLOCK_BYTES
from jupyter_workspace.stores.disk import Disk, write_all

__all__ = ["NOTE_SUFFIX", "append_note", "join_parts", "note_place", "read_notes"]

#: What a note's name has more than that of its staging file.
NOTE_SUFFIX = ".json"

#: So much is asked of one call that copies inside the system.
_COPY_BYTES = 64 << 20

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def note_place(name: str) -> Place:
    """Where the note of a staging file is."""
    return Place("staging", f"{name}{NOTE_SUFFIX}")


def append_note(disk: Disk, name: str, content: bytes) -> None:
    """Add to a note, durably."""
    with disk.parent(note_place(name)) as (folder, note):
        descriptor = os.open(note, _APPEND, dir_fd=folder)
    try:
        while content:
            content = content[os.write(descriptor, content) :]
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def read_notes(disk: Disk) -> dict[str, bytes]:
    """All notes, by the names of their staging files."""
    notes: dict[str, bytes] = {}
    with disk.root(Place("staging", "")) as staging:
        for name in os.listdir(staging):  # noqa: PTH208  (a descriptor, no path)
            if name.endswith(NOTE_SUFFIX):
                with os.fdopen(os.open(name, _READ, dir_fd=staging), "rb") as note:
                    notes[name.removesuffix(NOTE_SUFFIX)] = note.read()
    return notes


def join_parts(disk: Disk, parts: Sequence[tuple[str, int]], target: str) -> None:
    """Make a new staging file of the first bytes of others, in order.

    The system shares their blocks where the file system can, else it copies them without us. FileNotFound:
    a part is gone or too short.
    """
    with disk.root(Place("staging", "")) as staging:
        descriptor = os.open(target, _NEW, 0o600, dir_fd=staging)
        try:
            offset = 0
            for name, size in parts:
                source = os.open(name, _READ, dir_fd=staging)
                try:
                    _copy(source, descriptor, size, offset)
                finally:
                    os.close(source)
                offset += size
        except BaseException:
            os.unlink(target, dir_fd=staging)
            raise
        finally:
            os.close(descriptor)


def _copy(source: int, target: int, size: int, offset: int) -> None:
    done = 0
    while done < size:
        count = _copy_some(source, target, min(size - done, _COPY_BYTES), done, offset + done)
        if not count:
            raise FileNotFound("A part's bytes are gone.")
        done += count


def _copy_some(source: int, target: int, count: int, start: int, offset: int) -> int:
    try:
        return os.copy_file_range(source, target, count, start, offset)
    except (AttributeError, OSError):
        # Not on this system, or not between these files: ENOSYS, EXDEV, EINVAL, EOPNOTSUPP. A real fault
        # of the disk comes again below.
        block = os.pread(source, min(count, BLOCK_BYTES), start)
        write_all(target, memoryview(block), offset)
        return len(block)
