"""Sizes: may these bytes come in? Each function takes facts in bytes and answers, or raises.

A limit of 0 means that there is none (API.md, section 4 and *Configuration*). Measuring what is used and
reserving it is not done here.
"""

from __future__ import annotations

from typing import Final, Literal

from jupyter_workspace.errors import DiskFull, FileTooLarge, QuotaExceeded

Scope = Literal["session", "user"]

MAX_FILE_PARTS: Final = 100
"""The most files that one form may bring (API.md, 11.17)."""


def check_file_size(requested: int, limit: int) -> None:
    """Raise FileTooLarge when a file of `requested` bytes is larger than `limit`."""
    if 0 < limit < requested:
        message = f"The file has {requested} bytes; at most {limit} are accepted."
        raise FileTooLarge(message, limit=limit, requested=requested)


def form_limit(file_limit: int) -> int:
    """The number of bytes above which a form is refused by its length alone (API.md, 11.51)."""
    return file_limit * MAX_FILE_PARTS


def check_quota(scope: Scope, *, used: int, limit: int, requested: int, reclaimable: int = 0) -> None:
    """Raise QuotaExceeded when `requested` more bytes do not fit beside the `used` ones.

    `reclaimable` of those would give way if that were enough; its fact `free` counts them as such.
    """
    free = limit - used + reclaimable
    if limit > 0 and requested > free:
        message = (
            f"{requested} bytes more do not fit: {used} of {limit} bytes of the {scope}'s quota are used."
        )
        raise QuotaExceeded(
            message, used=used, limit=limit, requested=requested, free=max(free, 0), scope=scope
        )


def check_disk(*, free: int, headroom: int, requested: int) -> None:
    """Raise DiskFull when `requested` bytes would leave less than `headroom` of the `free` ones."""
    if requested > max(free - headroom, 0):
        raise DiskFull(requested=requested)


def headroom(trait_bytes: int, disk_bytes: int) -> int:
    """The bytes of a disk to keep free: the trait's, but at most 2 % of it (API.md, 11.56)."""
    return min(trait_bytes, disk_bytes // 50)
