"""Stored zip archives whose every byte is known before the first one is sent (PKWARE APPNOTE 6.3).

Members are not compressed and their CRC comes from the records, so the length of the archive and the place
of each byte follow from the list of members alone: an answer can have Content-Length, and a broken download
can go on at any byte. Zip64 forms are used where, and only where, the old fields are too small. Reading the
members' content is not done here.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_right
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STORED: Final = 0
UTF8_FLAG: Final = 0x800
DESCRIPTOR_FLAG: Final = 0x8
"""The sizes and the CRC follow the content instead of standing before it."""
MAX_32: Final = 0xFFFFFFFF
MAX_16: Final = 0xFFFF

_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_END64: Final = struct.Struct("<4sQ2H2I4Q")
_LOCATOR: Final = struct.Struct("<4sIQI")
_END: Final = struct.Struct("<4s4H2IH")
_TIME_EXTRA: Final = struct.Struct("<HHBi")
_EXTRA_HEAD: Final = struct.Struct("<HH")

_MADE_ON_UNIX: Final = 3 << 8 | 45
_PLAIN_VERSION, _ZIP64_VERSION = 20, 45
_FILE_MODE, _FOLDER_MODE = 0o100644, 0o040755
_FOLDER_ATTRIBUTE: Final = 0x10
_FIRST_DOS, _LAST_DOS = datetime(1980, 1, 1, tzinfo=UTC), datetime(2107, 12, 31, 23, 59, 58, tzinfo=UTC)
_BATCH: Final = 512


class Member(Struct, frozen=True, gc=False):
    """One entry of an archive.

    `name` is relative with forward slashes, a folder's without the last one. `size` is bytes, `crc32` that of
    the content, both 0 for a folder; `modified` is aware.
    """

    name: str
    size: int
    crc32: int
    modified: datetime
    is_dir: bool = False


class MemberSlice(Struct, frozen=True, gc=False):
    """Bytes `offset` to `offset + length` of the content of the member with this index."""

    index: int
    offset: int
    length: int


class Entry(Struct, frozen=True, gc=False):
    """A member as it stands in the archive: what its two headers say.

    `is_large` gives its local header the Zip64 form.
    """

    member: Member
    compressed_size: int
    crc32: int
    offset: int
    is_large: bool
    method: int = STORED
    flags: int = UTF8_FLAG


class ZipLayout:
    """Where each byte of the archive of these members is. `size` is its length in bytes.

    Raises ValueError for names that are twice there, lead out of the archive, or make one entry both file
    and folder: such an archive must not exist.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        check_members(members)
        self._members = members
        self._starts = array("Q", [0])
        self._central_starts = array("Q")
        for member in members:
            self._starts.append(self._starts[-1] + local_size(member) + member.size)
        self._central_starts.append(self._starts[-1])
        for index, member in enumerate(members):
            size = central_size(member, member.size, self._starts[index])
            self._central_starts.append(self._central_starts[-1] + size)
        central_start, central_end = self._starts[-1], self._central_starts[-1]
        self._end = end_records(len(members), central_end - central_start, central_start)
        self.size = central_end + len(self._end)

    def parts(self, start: int, stop: int) -> Iterator[bytes | MemberSlice]:
        """The bytes `start` to `stop` in order: literal ones, and slices of members' content to fill in."""
        central_start, central_end = self._starts[-1], self._central_starts[-1]
        if start >= stop:
            return
        if start < central_start:
            yield from self._content(start, min(stop, central_start))
        if start < central_end and stop > central_start:
            yield from self._directory(max(start, central_start), min(stop, central_end))
        if tail := self._end[max(start - central_end, 0) : max(stop - central_end, 0)]:
            yield tail

    def _content(self, start: int, stop: int) -> Iterator[bytes | MemberSlice]:
        index = bisect_right(self._starts, start) - 1
        while index < len(self._members) and self._starts[index] < stop:
            begin, member = self._starts[index], self._members[index]
            header = local_header(self._entry(index))
            data_begin = begin + len(header)
            if literal := header[max(start - begin, 0) : stop - begin]:
                yield literal
            first, last = max(start, data_begin), min(stop, data_begin + member.size)
            if first < last:
                yield MemberSlice(index, first - data_begin, last - first)
            index += 1

    def _directory(self, start: int, stop: int) -> Iterator[bytes]:
        index = bisect_right(self._central_starts, start) - 1
        while index < len(self._members) and self._central_starts[index] < stop:
            last = min(index + _BATCH, len(self._members))
            begin = self._central_starts[index]
            batch = b"".join(central_entry(self._entry(number)) for number in range(index, last))
            yield batch[max(start - begin, 0) : stop - begin]
            index = last

    def _entry(self, index: int) -> Entry:
        member = self._members[index]
        return Entry(member, member.size, member.crc32, self._starts[index], member.size >= MAX_32)


# Names


def check_members(members: Sequence[Member]) -> None:
    """Raise ValueError when one name is unsafe, or two of them cannot stand beside each other."""
    files: set[str] = set()
    folders: set[str] = set()
    for member in members:
        kind = folders if member.is_dir else files
        if not is_safe_name(member.name) or member.name in kind:
            message = f"the member name {member.name!a} is unsafe or comes twice"
            raise ValueError(message)
        kind.add(member.name)
    for name in (*files, *folders):
        parent = name
        while parent := parent.rpartition("/")[0]:
            folders.add(parent)
    if clash := files & folders:
        message = f"{min(clash)!a} is both a file and a folder"
        raise ValueError(message)


def is_safe_name(name: str) -> bool:
    """Whether an archive may hold an entry of this name: relative, inside, at most 65,534 bytes, no NUL."""
    components = name.split("/")
    if {"", ".", ".."} & set(components) or "\\" in name or "\0" in name:
        return False
    try:
        return len(name.encode("utf-8")) < MAX_16
    except UnicodeEncodeError:
        return False


# Records


def _wire_name(member: Member) -> bytes:
    return f"{member.name}/".encode() if member.is_dir else member.name.encode()


def local_size(member: Member) -> int:
    """The length of a member's local header."""
    zip64 = _EXTRA_HEAD.size + 16 if member.size >= MAX_32 else 0
    return _LOCAL.size + len(_wire_name(member)) + _TIME_EXTRA.size + zip64


def central_size(member: Member, compressed_size: int, offset: int) -> int:
    """The length of a member's entry in the central directory."""
    large = sum(value >= MAX_32 for value in (member.size, compressed_size, offset))
    zip64 = _EXTRA_HEAD.size + 8 * large if large else 0
    return _CENTRAL.size + len(_wire_name(member)) + _TIME_EXTRA.size + zip64


def local_header(entry: Entry) -> bytes:
    """What stands before a member's content (APPNOTE, 4.3.7)."""
    member, name = entry.member, _wire_name(entry.member)
    sizes = (0, 0) if entry.flags & DESCRIPTOR_FLAG else (member.size, entry.compressed_size)
    extra = _time_extra(member.modified)
    if entry.is_large:  # 4.5.3: in a local header both sizes are there or none
        extra += _zip64_extra(*sizes)
        sizes = (MAX_32, MAX_32)
    head = _LOCAL.pack(
        b"PK\x03\x04",
        _ZIP64_VERSION if entry.is_large else _PLAIN_VERSION,
        entry.flags,
        entry.method,
        *_dos_time(member.modified),
        entry.crc32,
        sizes[1],
        sizes[0],
        len(name),
        len(extra),
    )
    return head + name + extra


def central_entry(entry: Entry) -> bytes:
    """A member's entry in the central directory (APPNOTE, 4.3.12)."""
    member, name = entry.member, _wire_name(entry.member)
    values = (member.size, entry.compressed_size, entry.offset)
    large = [value for value in values if value >= MAX_32]
    extra = _time_extra(member.modified) + (_zip64_extra(*large) if large else b"")
    size, compressed, offset = (min(value, MAX_32) for value in values)
    head = _CENTRAL.pack(
        b"PK\x01\x02",
        _MADE_ON_UNIX,
        _ZIP64_VERSION if large else _PLAIN_VERSION,
        entry.flags,
        entry.method,
        *_dos_time(member.modified),
        entry.crc32,
        compressed,
        size,
        len(name),
        len(extra),
        0,
        0,
        0,
        _FOLDER_MODE << 16 | _FOLDER_ATTRIBUTE if member.is_dir else _FILE_MODE << 16,
        offset,
    )
    return head + name + extra


def end_records(count: int, central_length: int, central_start: int) -> bytes:
    """What stands behind the central directory (APPNOTE, 4.3.14 to 4.3.16)."""
    large = b""
    if count >= MAX_16 or max(central_length, central_start) >= MAX_32:
        places = (count, count, central_length, central_start)
        large = _END64.pack(b"PK\x06\x06", _END64.size - 12, _MADE_ON_UNIX, _ZIP64_VERSION, 0, 0, *places)
        large += _LOCATOR.pack(b"PK\x06\x07", 0, central_start + central_length, 1)
    counts = (min(count, MAX_16),) * 2
    return large + _END.pack(
        b"PK\x05\x06", 0, 0, *counts, min(central_length, MAX_32), min(central_start, MAX_32), 0
    )


def _zip64_extra(*values: int) -> bytes:
    return _EXTRA_HEAD.pack(0x0001, 8 * len(values)) + struct.pack(f"<{len(values)}Q", *values)


def _time_extra(modified: datetime) -> bytes:
    # The DOS fields have no time zone; this extra has Unix seconds, which unzip and 7z prefer.
    seconds = min(max(int(modified.timestamp()), -(2**31)), 2**31 - 1)
    return _TIME_EXTRA.pack(0x5455, 5, 1, seconds)


def _dos_time(modified: datetime) -> tuple[int, int]:
    moment = min(max(modified.astimezone(UTC), _FIRST_DOS), _LAST_DOS)
    time = moment.hour << 11 | moment.minute << 5 | moment.second // 2
    return time, (moment.year - 1980) << 9 | moment.month << 5 | moment.day
