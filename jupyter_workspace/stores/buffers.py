"""Memory for bytes on their way to the disk, shared by all uploads of a store."""

from __future__ import annotations

__all__ = ["BLOCKS_EACH", "FIRST_BYTES", "SMALL_BYTES", "Buffers"]

#: The first buffer of an upload; it grows, so that many small uploads need little.
FIRST_BYTES = 16 << 10

#: Up to here a body is gathered whole, and written and hashed in one go.
SMALL_BYTES = 1 << 20

#: So many blocks one upload has at most: one being filled, one written, one hashed.
BLOCKS_EACH = 3

# Size of a block (bytes) while no more than so many bytes are given out.
_SIZES = ((4 << 20, 32 << 20), (1 << 20, 48 << 20))
_LEAST = 256 << 10


class Buffers:
    """Gives blocks out: large ones while few are wanted, smaller ones when many are.

    Nobody waits for a block, so nobody can wait for ever. For the event loop's thread only.
    """

    def __init__(self) -> None:
        self._given_out = 0

    def take(self) -> bytearray:
        """A block of 4 MiB, 1 MiB or 256 KiB."""
        size = next((size for size, bound in _SIZES if self._given_out + size <= bound), _LEAST)
        self._given_out += size
        return bytearray(size)

    def give_back(self, block: bytearray) -> None:
        """Take a block back that `take` gave."""
        self._given_out -= len(block)
