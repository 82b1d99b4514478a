"""Byte ranges, entity tags and dates of HTTP (RFC 9110, sections 5.6.7, 8.8, 13 and 14).

All positions are bytes, `stop` is exclusive. Opening files is not done here.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from jupyter_workspace.errors import RangeInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Range = tuple[int, int]
"""(start, stop) with 0 <= start < stop <= size."""

MAX_RANGES: Final = 16
"""More ranges than this in one request get the whole file (API.md, 11.40)."""

_MAX_ELEMENTS: Final = 100
_BEYOND: Final = 2**63
_SPEC: Final = re.compile(r"([0-9]*)-([0-9]*)")
_ETAG: Final = re.compile(r'(?:W/)?"[!#-~\x80-\U0010ffff]*"')


def parse_range(header: str | None, size: int) -> list[Range] | None:
    """The ranges of a file of `size` bytes that a Range header asks for, sorted and merged.

    None means the whole file: no header, a malformed one, another unit than bytes, or more than
    `MAX_RANGES`. Raises RangeInvalid, with the fact `size`, when no byte that was asked for exists.
    """
    asked = _asked_ranges(header)
    if not asked:
        return None
    if not size and any(first is None for first, _ in asked):
        return None  # the last n bytes of nothing: it exists, but no Content-Range can say so
    satisfiable = [found for first, last in asked if (found := _within(first, last, size))]
    if not satisfiable:
        raise RangeInvalid(f"The file has {size} bytes; none of the asked ones exists.", size=size)
    return None if len(asked) > MAX_RANGES else _merged(satisfiable)


def requested_ranges(
    range_header: str | None, if_range: str | None, *, size: int, etag: str, modified: datetime
) -> list[Range] | None:
    """What to send of a file: `parse_range`, unless If-Range says that the client has another version."""
    if if_range is not None and not if_range_matches(if_range, etag, modified):
        return None
    return parse_range(range_header, size)


def _asked_ranges(header: str | None) -> list[tuple[int | None, int | None]]:
    unit, equals, text = (header or "").partition("=")
    if unit.strip().lower() != "bytes" or not equals or text.count(",") > _MAX_ELEMENTS:
        return []
    asked: list[tuple[int | None, int | None]] = []
    for element in text.split(","):
        spec = element.strip(" \t")
        if not spec:  # RFC 9110, 5.6.1.2: a recipient ignores empty list elements
            continue
        match = _SPEC.fullmatch(spec)
        if match is None:
            return []
        first, last = _number(match[1]), _number(match[2])
        if (first is None and last is None) or (first is not None and last is not None and last < first):
            return []
        asked.append((first, last))
    return asked


def _number(digits: str) -> int | None:
    if not digits:
        return None
    significant = digits.lstrip("0") or "0"
    return int(significant) if len(significant) < len(str(_BEYOND)) else _BEYOND


def _within(first: int | None, last: int | None, size: int) -> Range | None:
    if first is None:
        start, stop = max(size - (last or 0), 0), size
    else:
        start, stop = first, size if last is None else min(last + 1, size)
    return (start, stop) if start < stop else None


def _merged(ranges: list[Range]) -> list[Range]:
    merged: list[Range] = []
    for start, stop in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        else:
            merged.append((start, stop))
    return merged


def content_range(start: int, stop: int, size: int) -> str:
    """The Content-Range of a part of a file (RFC 9110, 14.4)."""
    return f"bytes {start}-{stop - 1}/{size}"


def unsatisfied_range(size: int) -> str:
    """The Content-Range of a 416 answer (RFC 9110, 14.4)."""
    return f"bytes */{size}"


class ByteRanges:
    """The frame of a multipart/byteranges body (RFC 9110, 14.6), its length known beforehand.

    boundary: 1 to 70 letters and digits that do not occur in the file, so take random ones.
    """

    def __init__(self, ranges: Sequence[Range], *, size: int, mime: str, boundary: str) -> None:
        self._ranges = ranges
        heads = [
            f"\r\n--{boundary}\r\nContent-Type: {mime}\r\n"
            f"Content-Range: {content_range(start, stop, size)}\r\n\r\n".encode()
            for start, stop in ranges
        ]
        self._frames = [heads[0].removeprefix(b"\r\n"), *heads[1:], f"\r\n--{boundary}--\r\n".encode()]
        self.content_type = f"multipart/byteranges; boundary={boundary}"
        self.length = sum(map(len, self._frames)) + sum(stop - start for start, stop in ranges)

    def parts(self) -> Iterator[bytes | Range]:
        """The body in order: bytes to send as they are, and ranges of the file to send."""
        for frame, found in zip(self._frames, self._ranges, strict=False):
            yield frame
            yield found
        yield self._frames[-1]


# Entity tags and preconditions


def strong_etag(sha256: str) -> str:
    """The entity tag of bytes with this digest (hex)."""
    return f'"{sha256}"'


def etag_of_stat(inode: int, size: int, mtime_ns: int) -> str:
    """The entity tag of a file whose digest is not known yet (API.md, 11.26)."""
    return f'"{inode:x}-{size:x}-{mtime_ns:x}"'


def none_match(header: str | None, etag: str) -> bool:
    """Whether If-None-Match names this tag, so that the client has these very bytes (RFC 9110, 13.1.2)."""
    if header is None:
        return False
    known = (tag.removeprefix("W/") for tag in _ETAG.findall(header))
    return header.strip() == "*" or etag.removeprefix("W/") in known


def modified_since(header: str | None, modified: datetime) -> bool:
    """Whether the file changed after If-Modified-Since; True when that is absent or no date."""
    since = parse_http_date(header)
    return since is None or modified.replace(microsecond=0) > since


def is_unmodified(
    if_none_match: str | None, if_modified_since: str | None, *, etag: str, modified: datetime
) -> bool:
    """Whether to answer a GET or HEAD with 304; If-None-Match alone decides when it is there (13.2.2)."""
    if if_none_match is not None:
        return none_match(if_none_match, etag)
    return not modified_since(if_modified_since, modified)


def is_another_version(
    if_match: str | None, if_unmodified_since: str | None, *, etag: str, modified: datetime
) -> bool:
    """Whether to answer with 412: the caller wants a version that this is not (RFC 9110, 13.1.1, 13.1.4).

    If-Match alone decides when it is there, and only by strong tags.
    """
    if if_match is not None:
        return if_match.strip() != "*" and etag not in _ETAG.findall(if_match)
    latest = parse_http_date(if_unmodified_since)
    return latest is not None and modified.replace(microsecond=0) > latest


def if_range_matches(header: str, etag: str, modified: datetime) -> bool:
    """Whether If-Range names exactly this version, by a strong tag or its date (RFC 9110, 13.1.5)."""
    value = header.strip()
    if value.startswith(('"', "W/")):
        return value == etag and not value.startswith("W/")
    return parse_http_date(value) == modified.replace(microsecond=0)


# Dates


def http_date(moment: datetime) -> str:
    """The moment in the form that HTTP prefers, `Sun, 06 Nov 1994 08:49:37 GMT`; it must be aware."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def parse_http_date(value: str | None) -> datetime | None:
    """The moment (UTC) of an HTTP date in any of its three forms; None for no date."""
    try:
        moment = parsedate_to_datetime(value or "")
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
