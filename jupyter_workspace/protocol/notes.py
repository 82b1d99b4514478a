"""The note beside the bytes of an unfinished upload: what a restarted server knows of it.

One JSON text for the whole upload, then one for each time that its offset grew. Each of the latter
begins with a newline, so that a line that a crash tore spoils none that is added after it.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from jupyter_workspace.models.upload import UploadEntry

__all__ = ["decode_note", "encode_note", "encode_progress"]


class _Progress(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    offset: int
    expires_at: datetime


def encode_note(entry: UploadEntry) -> bytes:
    """A whole note."""
    return msgspec.json.encode(entry)


def encode_progress(entry: UploadEntry) -> bytes:
    """What is added to the note of an upload that has grown."""
    return b"\n" + msgspec.json.encode(_Progress(offset=entry.offset, expires_at=entry.expires_at))


def decode_note(note: bytes) -> UploadEntry | None:
    """The upload with the highest offset that the note tells of; None for what is no note."""
    first, *rest = note.split(b"\n")
    try:
        entry = msgspec.json.decode(first, type=UploadEntry)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    for line in rest:
        progress = _decode_progress(line)
        if progress is not None and progress.offset >= entry.offset:
            entry = replace(entry, offset=progress.offset, expires_at=progress.expires_at)
    return entry


def _decode_progress(line: bytes) -> _Progress | None:
    try:
        return msgspec.json.decode(line, type=_Progress)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
