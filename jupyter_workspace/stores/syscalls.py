"""System calls that Python does not offer: openat2, renameat2, FICLONE, sync_file_range.

Each raises `OSError` as `os` would, with ENOSYS where the system has no such call. Nothing is decided
here; `beneath` and `renames` choose between these and what every system has.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys

__all__ = ["exchange", "open_beneath", "rename_no_replace", "share_blocks", "start_writeback"]

_LINUX = sys.platform.startswith("linux")
_LIBC = ctypes.CDLL(None, use_errno=True)

# The same number on every architecture but Alpha: it came after the tables were made equal.
_OPENAT2 = 437
_RENAMEAT2 = {"x86_64": 316, "aarch64": 276, "riscv64": 276, "ppc64le": 357, "s390x": 347}.get(
    platform.machine(), -1
)

_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_BENEATH = 0x08
_RENAME_NOREPLACE = 1
_RENAME_EXCHANGE = 2
_FICLONE = 0x40049409
_SYNC_FILE_RANGE_WRITE = 2

# A rename anywhere on the machine can make the kernel give up with EAGAIN (openat2(2)).
_TRIES = 64


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def _call(*arguments: object) -> int:
    if not _LINUX:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    while (result := int(_LIBC.syscall(*arguments))) < 0:
        code = ctypes.get_errno()
        if code != errno.EINTR:
            raise OSError(code, os.strerror(code))
    return result


def open_beneath(root: int, path: str, flags: int) -> int:
    """A descriptor of `path`, whose resolving never leaves the folder `root` (openat2).

    EXDEV: it would have, by '..', an absolute path or a link. Never makes a file.
    """
    how = _OpenHow(flags | os.O_CLOEXEC, 0, _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS)
    name = _encoded(path)
    for _ in range(_TRIES):
        try:
            return _call(_OPENAT2, root, name, ctypes.byref(how), ctypes.sizeof(how))
        except BlockingIOError:
            continue
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def rename_no_replace(source: str, target: str, *, source_folder: int, target_folder: int) -> None:
    """Rename, or EEXIST when `target` exists (renameat2). EINVAL, ENOSYS: not on this file system."""
    _rename(source, target, source_folder, target_folder, _RENAME_NOREPLACE)


def exchange(source: str, target: str, *, source_folder: int, target_folder: int) -> None:
    """Let two names swap what they name (renameat2). EINVAL, ENOSYS: not on this file system."""
    _rename(source, target, source_folder, target_folder, _RENAME_EXCHANGE)


def _rename(source: str, target: str, source_folder: int, target_folder: int, flags: int) -> None:
    if _RENAMEAT2 < 0:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    _call(_RENAMEAT2, source_folder, _encoded(source), target_folder, _encoded(target), flags)


def share_blocks(target: int, source: int) -> None:
    """Let an empty file share the blocks of another (FICLONE): a copy that costs nothing.

    EOPNOTSUPP, EXDEV, EINVAL, ENOTTY: not between these two.
    """
    if not _LINUX:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    import fcntl  # noqa: PLC0415  (exists on Unix only)

    fcntl.ioctl(target, _FICLONE, source)


def start_writeback(descriptor: int, offset: int, length: int) -> None:
    """Begin to bring a range to the disk without waiting, so that the sync at the end is short.

    A wish, not an order: that it cannot be done changes nothing.
    """
    if _LINUX and hasattr(_LIBC, "sync_file_range"):
        _LIBC.sync_file_range(
            descriptor, ctypes.c_int64(offset), ctypes.c_int64(length), ctypes.c_uint(_SYNC_FILE_RANGE_WRITE)
        )


def _encoded(path: str) -> bytes:
    name = os.fsencode(path)
    if b"\0" in name:
        # ctypes would end the string there: another path than the one that was checked.
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return name
