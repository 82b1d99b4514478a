"""Uploads that were begun and not ended, kept so that a client that is started again goes on with them.

A note is found by a fingerprint of what is sent and where, which samples the content; before it is
trusted, the whole content must have the digest that it names. A note is forgotten when its upload has
ended: what was uploaded once is uploaded again when it is asked for again.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import BinaryIO, Self

import msgspec
from msgspec import Struct

from jupyter_workspace.client import locks

__all__ = ["Note", "Unfinished", "fingerprint"]

SAMPLE_BYTES = 64 * 1024

#: Servers keep unfinished uploads for a week, unless their administrator says otherwise.
KEPT_SECONDS = 14 * 86400.0


class Note(Struct, frozen=True):
    """An upload that was begun; `sha256` is the hex digest that the server was promised."""

    upload_id: str
    sha256: str


def fingerprint(path: Path, *meant: str | None) -> str:
    """What tells this file, meant for this place, from any other; may block.

    Size, time, and the beginning, middle and end of the content. `meant` says where it is to go.
    """
    digest = hashlib.sha256("\0".join(word or "" for word in meant).encode())
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        digest.update(f"\0{path.resolve()}\0{found.st_size}\0{found.st_mtime_ns}\0".encode())
        for start in (0, found.st_size // 2, max(found.st_size - SAMPLE_BYTES, 0)):
            file.seek(start)
            digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()


class Unfinished:
    """The note of one upload; while it is open, no other process goes on with the same upload."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path

    @classmethod
    def at(cls, folder: Path, mark: str) -> Self | None:
        """The note for a fingerprint, made if there is none; None while another process has it."""
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        path = folder / f"{mark}.json"
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        if not locks.take(file):
            file.close()
            return None
        return cls(file, path)

    def read(self) -> Note | None:
        """What is noted, None if nothing is."""
        self._file.seek(0)
        try:
            return msgspec.json.decode(self._file.read(), type=Note)
        except msgspec.DecodeError:
            # New, or not written to its end.
            return None

    def write(self, note: Note) -> None:
        """Notes it, on the disk."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(msgspec.json.encode(note))
        self._file.flush()
        os.fsync(self._file.fileno())

    def forget(self) -> None:
        """The upload has ended."""
        self._file.truncate(0)

    def close(self) -> None:
        """Lets others have it; what says nothing goes. A second time does nothing."""
        if self._file.closed:
            return
        if os.fstat(self._file.fileno()).st_size:
            self._file.close()
        else:
            locks.remove(self._file, self._path)


def _sweep(folder: Path) -> None:
    """Removes notes of uploads that no server keeps any more."""
    for path in folder.glob("*.json"):
        try:
            if time.time() - path.stat().st_mtime > KEPT_SECONDS:
                path.unlink()
        except (FileNotFoundError, PermissionError):
            # Another process ended that upload, or has it open where that keeps a file from being removed.
            continue
