"""Frames of an event stream (WHATWG HTML, *Server-sent events*), written and read."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from jupyter_workspace.errors import ParameterInvalid

MEDIA_TYPE: Final = "text/event-stream"
MAX_CURSOR: Final = 2**63 - 1
MAX_FRAME_BYTES: Final = 8 * 1024 * 1024

_LINE_END: Final = re.compile(rb"\r\n|\n|\r(?!\Z)")
_CURSOR: Final = re.compile(r"[0-9]{1,19}")


class Frame(Struct, frozen=True):
    """One event as a client sees it; `cursor` is the last id that was sent, '' before the first."""

    event: str
    data: str
    cursor: str


def event_frame(event: str, data: bytes, cursor: int | None = None) -> bytes:
    """The frame of one event. `data` is JSON on one line; ValueError when it has more than one."""
    if b"\n" in data or b"\r" in data:
        message = "the data of an event must be one line"
        raise ValueError(message)
    head = b"" if cursor is None else cursor_line(cursor)
    return b"%sevent: %s\ndata: %s\n\n" % (head, event.encode(), data)


def cursor_frame(cursor: int) -> bytes:
    """A frame that tells nothing but where the client is now: past what was filtered out."""
    return cursor_line(cursor) + b"\n"


def cursor_line(cursor: int) -> bytes:
    """The `id` line that a client gives back in Last-Event-ID."""
    return b"id: %d\n" % cursor


def comment_frame(text: str = "") -> bytes:
    """A comment: keeps proxies from closing a quiet stream."""
    return f": {' '.join(text.split())}\n\n".encode()


def retry_frame(milliseconds: int) -> bytes:
    """How long a client waits before it connects again."""
    return b"retry: %d\n\n" % milliseconds


def parse_last_event_id(header: str | None) -> int | None:
    """The cursor in a Last-Event-ID header, None without one; else ParameterInvalid naming it."""
    if not header:
        return None
    if not _CURSOR.fullmatch(header) or int(header) > MAX_CURSOR:
        message = f"{header[:30]!a} is no cursor of this stream."
        raise ParameterInvalid(message, parameter="Last-Event-ID")
    return int(header)


class FrameReader:
    """Reads a stream: `feed` each piece, in order; a frame comes out with the piece that completes it.

    `cursor` is the last id that came, also with a frame without data: what to send as Last-Event-ID.
    """

    def __init__(self) -> None:
        self.cursor = ""
        self._event = ""
        self._pending = bytearray()
        self._data: list[str] = []

    def feed(self, piece: bytes) -> list[Frame]:
        """The frames that this piece completes; ValueError when one is longer than `MAX_FRAME_BYTES`."""
        frames: list[Frame] = []
        may_end = self._pending.endswith(b"\r") or b"\n" in piece or b"\r" in piece
        self._pending += piece
        if may_end:
            *lines, rest = _LINE_END.split(bytes(self._pending))
            self._pending = bytearray(rest)
            frames = [frame for line in lines if (frame := self._take(line.decode("utf-8", "replace")))]
        if len(self._pending) + sum(map(len, self._data)) > MAX_FRAME_BYTES:
            message = "the server sent an event that is too long"
            raise ValueError(message)
        return frames

    def _take(self, line: str) -> Frame | None:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match field:
            case "event":
                self._event = value
            case "data":
                self._data.append(value)
            case "id" if "\0" not in value:
                self.cursor = value
        return None

    def _dispatch(self) -> Frame | None:
        event, data = self._event or "message", self._data
        self._event, self._data = "", []
        return Frame(event, "\n".join(data), self.cursor) if data else None
