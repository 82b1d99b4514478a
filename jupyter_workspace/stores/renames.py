"""The two renames that publishing needs: one that replaces nothing, and one that lets two names swap.

Linux has both as one call (renameat2), but not on every file system: NFS, some FUSE and old kernels
say EINVAL or ENOSYS. `PortableRenames` makes them of what is left; between its calls a crash can
leave the old state or the new one, and sometimes a second name of a staging file, which the sweeper
of the staging area removes.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import Protocol

from jupyter_workspace.stores import syscalls

__all__ = ["KernelRenames", "PortableRenames", "Renames", "best_renames"]

# What a file system without hard links answers to link().
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS, errno.EACCES}

# Tells the name under which a new file waits while the two halves of an exchange are made.
_WAITING = ".waiting"


class Renames(Protocol):
    """Renames between two folders of one file system; names are single components."""

    def no_replace(self, source: str, target: str, *, source_folder: int, target_folder: int) -> None:
        """Rename; FileExistsError when `target` exists. Of many callers exactly one wins."""

    def exchange(self, source: str, target: str, *, source_folder: int, target_folder: int) -> None:
        """Let the names swap what they name; FileNotFoundError when one of them names nothing."""


class KernelRenames:
    """Both as single calls of the kernel; `PortableRenames` where a folder's file system refuses."""

    def __init__(self) -> None:
        self._portable = PortableRenames()

    def no_replace(self, source: str, target: str, *, source_folder: int, target_folder: int) -> None:
        """See `Renames`."""
        try:
            syscalls.rename_no_replace(
                source, target, source_folder=source_folder, target_folder=target_folder
            )
        except OSError as fault:
            if fault.errno not in {errno.EINVAL, errno.ENOSYS}:
                raise
            self._portable.no_replace(
                source, target, source_folder=source_folder, target_folder=target_folder
            )

    def exchange(self, source: str, target: str, *, source_folder: int, target_folder: int) -> None:
        """See `Renames`."""
        try:
            syscalls.exchange(source, target, source_folder=source_folder, target_folder=target_folder)
        except OSError as fault:
            if fault.errno not in {errno.EINVAL, errno.ENOSYS}:
                raise
            self._portable.exchange(source, target, source_folder=source_folder, target_folder=target_folder)


class PortableRenames:
    """Both made of link, mkdir and rename, which every system has."""

    def no_replace(self, source: str, target: str, *, source_folder: int, target_folder: int) -> None:
        """See `Renames`: the new name is made exclusively, then the old one goes."""
        status = os.stat(source, dir_fd=source_folder, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            os.mkdir(target, dir_fd=target_folder)
            # Replaces an empty folder, and nothing else: whoever filled it meanwhile keeps it.
            _rename_over_new(source, target, source_folder, target_folder, os.rmdir)
            return
        try:
            _link(source, target, source_folder, target_folder)
        except OSError as fault:
            if fault.errno not in _NO_LINKS:
                raise
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            os.close(os.open(target, flags, 0o600, dir_fd=target_folder))
            _rename_over_new(source, target, source_folder, target_folder, os.unlink)
        else:
            os.unlink(source, dir_fd=source_folder)

    def exchange(self, source: str, target: str, *, source_folder: int, target_folder: int) -> None:
        """See `Renames`.

        The new file waits beside its name; the old one gets that name as a second one; the new one
        is renamed over the old. Up to that last step the target has its old content, after it the new.
        Without hard links there is a moment in which nothing is at the target.
        """
        old = os.stat(target, dir_fd=target_folder, follow_symlinks=False)
        waiting = source + _WAITING
        os.rename(source, waiting, src_dir_fd=source_folder, dst_dir_fd=source_folder)
        try:
            self._set_old_aside(target, source, target_folder, source_folder, old)
            os.rename(waiting, target, src_dir_fd=source_folder, dst_dir_fd=target_folder)
        except BaseException:
            _take_back(source, waiting, target, source_folder, target_folder)
            raise

    @staticmethod
    def _set_old_aside(
        target: str, source: str, target_folder: int, source_folder: int, old: os.stat_result
    ) -> None:
        if not stat.S_ISDIR(old.st_mode):
            try:
                _link(target, source, target_folder, source_folder)
            except OSError as fault:
                if fault.errno not in _NO_LINKS:
                    raise
            else:
                aside = os.stat(source, dir_fd=source_folder, follow_symlinks=False)
                if aside.st_ino != old.st_ino:
                    # Another writer was there in between: what it wrote must not be replaced unseen.
                    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
                return
        os.rename(target, source, src_dir_fd=target_folder, dst_dir_fd=source_folder)


def _link(source: str, target: str, source_folder: int, target_folder: int) -> None:
    os.link(source, target, src_dir_fd=source_folder, dst_dir_fd=target_folder, follow_symlinks=False)


class _Removal(Protocol):
    def __call__(self, path: str, *, dir_fd: int) -> None: ...


def _rename_over_new(
    source: str, target: str, source_folder: int, target_folder: int, remove: _Removal
) -> None:
    """Rename over a target that we have just made, or remove that again."""
    try:
        os.rename(source, target, src_dir_fd=source_folder, dst_dir_fd=target_folder)
    except OSError:
        with suppress(OSError):
            remove(target, dir_fd=target_folder)
        raise


def _take_back(source: str, waiting: str, target: str, source_folder: int, target_folder: int) -> None:
    """Give an exchange that failed half-way its first names back."""
    try:
        os.stat(target, dir_fd=target_folder, follow_symlinks=False)
    except FileNotFoundError:
        with suppress(OSError):
            os.rename(source, target, src_dir_fd=source_folder, dst_dir_fd=target_folder)
    # Over the second name of the old file, which its first one survives.
    with suppress(OSError):
        os.rename(waiting, source, src_dir_fd=source_folder, dst_dir_fd=source_folder)


def best_renames(folder: int) -> Renames:
    """The kernel's renames where the file system of `folder` has them, found out by trying.

    folder: may be written to; nothing stays in it.
    """
    names = (".probe-a", ".probe-b")
    flags = os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        for name in names:
            os.close(os.open(name, flags, 0o600, dir_fd=folder))
        syscalls.exchange(*names, source_folder=folder, target_folder=folder)
        os.unlink(names[1], dir_fd=folder)
        syscalls.rename_no_replace(*names, source_folder=folder, target_folder=folder)
    except OSError:
        return PortableRenames()
    else:
        return KernelRenames()
    finally:
        for name in names:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
