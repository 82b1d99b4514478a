"""Digests: SHA-256, and CRC-32 by the fastest library at hand (isal is some ten times as fast as zlib)."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from jupyter_workspace.errors import Busy
from jupyter_workspace.stores.base import HEAD_BYTES, Digest

try:
    from isal.isal_zlib import crc32
except ImportError:  # pragma: no cover  (a platform without its wheel)
    from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BLOCK_BYTES", "crc32", "digest_of"]

#: Bytes read and hashed at a time.
BLOCK_BYTES = 1 << 20


def digest_of(descriptor: int, is_abandoned: Callable[[], bool]) -> tuple[Digest, os.stat_result]:
    """What a file holds, read to its end. `Busy`: it changed meanwhile, or the work was abandoned."""
    before = os.fstat(descriptor)
    sha256, crc, size, head = hashlib.sha256(), 0, 0, b""
    block = bytearray(min(BLOCK_BYTES, before.st_size + 1))
    view = memoryview(block)
    while count := os.preadv(descriptor, [block], size):
        if is_abandoned():
            raise Busy
        sha256.update(view[:count])
        crc = crc32(view[:count], crc)
        if len(head) < HEAD_BYTES:
            head += bytes(view[: min(count, HEAD_BYTES - len(head))])
        size += count
        if size > before.st_size:
            # A file that grows as fast as it is read would have no end.
            break
    after = os.fstat(descriptor)
    if (size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise Busy("The file is being written.")
    return Digest(size, sha256.hexdigest(), crc, head), after
