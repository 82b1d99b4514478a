"""What the operating system says, in the words of `errors`: the one place where the two meet."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jupyter_workspace.errors import (
    Busy,
    DiskFull,
    FileNotFound,
    FileTooLarge,
    Forbidden,
    Internal,
    NameInvalid,
    NameTaken,
    NotADirectory,
    WorkspaceError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["translate", "translated"]

_MEANING: dict[int, tuple[type[WorkspaceError], str | None]] = {
    errno.ENOENT: (FileNotFound, None),
    errno.ELOOP: (FileNotFound, "The links at this path lead nowhere."),
    errno.ENXIO: (FileNotFound, None),
    errno.ENODEV: (FileNotFound, None),
    errno.ENOTDIR: (NotADirectory, None),
    errno.EISDIR: (NameTaken, "A folder has this path."),
    errno.EEXIST: (NameTaken, None),
    errno.ENOTEMPTY: (NameTaken, None),
    errno.ENAMETOOLONG: (NameInvalid, "The path is too long for the server's disk."),
    errno.EILSEQ: (NameInvalid, "The server's disk cannot store this name."),
    errno.EINVAL: (NameInvalid, "The server's disk cannot store this name."),
    errno.ENOSPC: (DiskFull, None),
    errno.EDQUOT: (DiskFull, "The disk quota of this server is used up."),
    errno.EFBIG: (FileTooLarge, "The file is larger than the server's disk allows."),
    errno.EACCES: (Forbidden, "The server may not do this with the file or its folder."),
    errno.EPERM: (Forbidden, "The server may not do this with the file or its folder."),
    errno.EROFS: (Forbidden, "The server's disk is read-only."),
    errno.EMFILE: (Busy, "The server has too many files open."),
    errno.ENFILE: (Busy, "The server has too many files open."),
    errno.ENOMEM: (Busy, "The server is out of memory."),
    errno.EAGAIN: (Busy, "The folder is being changed too fast."),
    errno.EBUSY: (Busy, "The file is in use."),
    errno.ESTALE: (Busy, "The server's disk is not reachable."),
    errno.ETIMEDOUT: (Busy, "The server's disk is not reachable."),
    errno.ENOTCONN: (Busy, "The server's disk is not reachable."),
    errno.EXDEV: (Internal, "The folder lies on another disk than the workspace."),
    errno.EIO: (Internal, "The server's disk reports an error."),
}


def translate(fault: Exception) -> WorkspaceError:
    """The error of ours for a foreign one; ours are given back as they are.

    The system's own message is left out: it would name a path of the server.
    """
    if isinstance(fault, WorkspaceError):
        return fault
    if isinstance(fault, UnicodeError):
        return NameInvalid("This name cannot be written as UTF-8.")
    leaf, message = _MEANING.get(getattr(fault, "errno", None) or 0, (Internal, "The server's disk failed."))
    return leaf(message)


@contextmanager
def translated() -> Iterator[None]:
    """Whatever the system raises within leaves as an error of ours."""
    try:
        yield
    except WorkspaceError:
        raise
    except (OSError, UnicodeError) as fault:
        raise translate(fault) from fault
