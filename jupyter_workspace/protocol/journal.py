r"""Lines of a session's journal: one JSON object a line, behind the CRC-32 of its bytes.

    5f0c2a91 {"position":7,"kind":"file","body":{…}}\n

What a kind means, and where the lines are kept, is not decided here. A crash can tear the last line, and a
line that is later appended to a torn one ends up behind it: the reader finds it there.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_LINE_BYTES: Final = 16 * 1024 * 1024
"""A longer line is damage: it could only be there if line ends were lost."""

_START: Final = re.compile(rb'[0-9a-f]{8} \{"position":')
_MAX_TRIES: Final = 8


class JournalEntry(Struct, frozen=True):
    """One line. `position` is 1 in a new journal and rises by 1; `body` is any JSON object."""

    position: Annotated[int, Meta(ge=1)]
    kind: str
    body: dict[str, Any]


class BadLine(Struct, frozen=True):
    """Bytes that are no line: where they begin, how many, and whether the end of the data cut them."""

    offset: int
    length: int
    torn: bool


_decoder: Final = msgspec.json.Decoder(JournalEntry)


def encode_line(entry: JournalEntry) -> bytes:
    """The line with its end; ValueError when it is longer than `MAX_LINE_BYTES`."""
    text = msgspec.json.encode(entry)
    if len(text) > MAX_LINE_BYTES - 10:
        message = f"a line of {len(text)} bytes is too long for a journal"
        raise ValueError(message)
    return b"%08x %s\n" % (zlib.crc32(text), text)


def read_lines(data: Iterable[bytes]) -> Iterator[JournalEntry | BadLine]:
    """Every line of a journal that comes in pieces of any size; no bad line hides a good one.

    A line without its end was never promised to anybody, so it is torn even if it can be read.
    """
    for offset, line, length, is_ended in _split(data):
        if not is_ended:
            yield BadLine(offset, length, torn=True)
            continue
        entry, start = _find(line)
        if entry is None:
            yield BadLine(offset, length, torn=False)
            continue
        if start:
            yield BadLine(offset, start, torn=False)
        yield entry


def last_position(data: bytes) -> int:
    """The position of the last line that can be read, 0 without one; a long journal is not read for it."""
    end = data.rfind(b"\n") + 1
    while end:
        start = data.rfind(b"\n", 0, end - 1) + 1
        entry, _ = _find(data[start : end - 1])
        if entry is not None:
            return entry.position
        end = start
    return 0


def _split(data: Iterable[bytes]) -> Iterator[tuple[int, bytes, int, bool]]:
    pending, length, offset = bytearray(), 0, 0
    for chunk in data:
        first, *others = chunk.split(b"\n")
        pending += first[: MAX_LINE_BYTES - len(pending)]
        length += len(first)
        for other in others:
            yield offset, bytes(pending), length, True
            offset += length + 1
            pending, length = bytearray(other[:MAX_LINE_BYTES]), len(other)
    if length:
        yield offset, bytes(pending), length, False


def _find(line: bytes) -> tuple[JournalEntry | None, int]:
    """The entry that the line ends with and where it begins there."""
    if entry := _decoded(line):
        return entry, 0
    for _, match in zip(range(_MAX_TRIES), _START.finditer(line, 1), strict=False):
        if entry := _decoded(line[match.start() :]):
            return entry, match.start()
    return None, 0


def _decoded(line: bytes) -> JournalEntry | None:
    text = line[9:]
    if line[:9] != b"%08x " % zlib.crc32(text):
        return None
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
