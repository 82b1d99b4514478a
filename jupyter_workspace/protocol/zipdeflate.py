"""Compressed zip archives, written as their members are read (PKWARE APPNOTE 6.3, data descriptors).

For `compress=deflate`: smaller than a stored archive, but its length is known only at the end. ISA-L
compresses several times as fast as zlib; zlib stands in where it is not installed.
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec

from jupyter_workspace.protocol.zipstream import (
    DESCRIPTOR_FLAG,
    MAX_32,
    STORED,
    UTF8_FLAG,
    Entry,
    Member,
    central_entry,
    end_records,
    is_safe_name,
    local_header,
)

try:
    from isal import isal_zlib as codec
except ImportError:
    import zlib as codec  # type: ignore[no-redef]

DEFLATED: Final = 8
LEVEL: Final = 1
"""ISA-L's levels are 0 to 3; above 1 they cost twice the time for a few per cent."""

_RAW_DEFLATE: Final = -15
_LARGE: Final = MAX_32 - (MAX_32 >> 6)
"""From here on a member has the Zip64 form: what cannot be compressed grows a little."""


class DeflateZip:
    """Writes one archive: for each member `begin`, `write` its content, `end`; then `finish`.

    Each call gives the bytes to send next, which may be none. Only what the central directory needs is
    kept of a member. Raises ValueError for an unsafe name or one that comes twice, and from `end` when a
    member's content did not have the size that was announced: then the answer must be broken off.
    """

    def __init__(self, level: int = LEVEL) -> None:
        self._level = level
        self._names: set[str] = set()
        self._entries: list[Entry] = []
        self._position = 0
        self._size = self._compressed = self._crc = 0

    def begin(self, member: Member) -> bytes:
        """The header of the next member; its `crc32` need not be known."""
        if not is_safe_name(member.name) or member.name in self._names:
            message = f"the member name {member.name!a} is unsafe or comes twice"
            raise ValueError(message)
        self._names.add(member.name)
        self._compressor = codec.compressobj(self._level, DEFLATED, _RAW_DEFLATE)
        self._size = self._compressed = self._crc = 0
        method, flags = (STORED, UTF8_FLAG) if member.is_dir else (DEFLATED, UTF8_FLAG | DESCRIPTOR_FLAG)
        self._entry = Entry(member, 0, 0, self._position, member.size >= _LARGE, method, flags)
        return self._sent(local_header(self._entry))

    def write(self, data: bytes | bytearray | memoryview) -> bytes:
        """The compressed form of the next bytes of the member's content."""
        view = memoryview(data)
        self._size += view.nbytes
        self._crc = codec.crc32(view, self._crc)
        return self._compressed_bytes(self._compressor.compress(view))

    def end(self) -> bytes:
        """What follows the member's content."""
        member = self._entry.member
        if self._size != member.size:
            message = f"{member.name!a} has {self._size} bytes instead of {member.size}"
            raise ValueError(message)
        if member.is_dir:
            self._entries.append(self._entry)
            return b""
        rest = self._compressed_bytes(self._compressor.flush())
        entry = msgspec.structs.replace(self._entry, compressed_size=self._compressed, crc32=self._crc)
        self._entries.append(entry)
        # APPNOTE, 4.3.9.2: the sizes have eight bytes when the local header has the Zip64 extra.
        form = "<4sI2Q" if self._entry.is_large else "<4sI2I"
        return rest + self._sent(struct.pack(form, b"PK\x07\x08", self._crc, self._compressed, self._size))

    def finish(self) -> bytes:
        """The central directory and the end of the archive."""
        directory = b"".join(map(central_entry, self._entries))
        return directory + end_records(len(self._entries), len(directory), self._position)

    def _compressed_bytes(self, data: bytes) -> bytes:
        self._compressed += len(data)
        return self._sent(data)

    def _sent(self, data: bytes) -> bytes:
        self._position += len(data)
        return data
