"""Names beneath a folder, found by descriptor: no link, no '..' and no swap leads out of it.

A path is never checked first and used later. A resolver gives a descriptor, and what is then done is
done with that descriptor: `os` functions get `dir_fd` and a single name, whose link they do not
follow. There are two resolvers that answer alike: the kernel's (openat2), and a walk of our own for
systems without it. Both refuse an absolute link, even one that leads back in.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from jupyter_workspace.errors import NotADirectory, PathEscapes
from jupyter_workspace.stores import syscalls
from jupyter_workspace.stores.base import Stat

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "KernelResolver",
    "Resolver",
    "WalkingResolver",
    "best_resolver",
    "look",
    "make_lasting",
    "open_file",
    "open_folder",
    "parent_of",
    "parts_of",
    "stat_of",
    "sync_folder",
]

# O_PATH opens without touching: no pipe waits, no device starts. Where it is missing, O_NONBLOCK must do.
_TOUCHLESS = getattr(os, "O_PATH", os.O_RDONLY | os.O_NONBLOCK)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

# As many links as Linux follows in one path (path_resolution(7)).
_MAX_LINKS = 40


class Resolver(Protocol):
    """Opens what lies beneath a folder."""

    def open(self, root: int, path: str, flags: int) -> int:
        """A descriptor of `path`, beneath the folder `root`; never makes a file.

        Links are followed as long as they stay beneath; with O_NOFOLLOW not the last one.
        `PathEscapes`, and what `os.open` raises, but FileNotFoundError for links in a circle.
        """


class KernelResolver:
    """Lets the kernel resolve (openat2): one call, and no moment between check and use."""

    def open(self, root: int, path: str, flags: int) -> int:
        """See `Resolver`."""
        try:
            return syscalls.open_beneath(root, path or ".", flags)
        except OSError as fault:
            if fault.errno == errno.EXDEV:
                raise PathEscapes from fault
            raise _without_circle(fault) from None


class WalkingResolver:
    """Goes component by component, holding each folder on the way, and resolves links itself."""

    def open(self, root: int, path: str, flags: int) -> int:
        """See `Resolver`."""
        trail = [os.dup(root)]
        try:
            return _walk(trail, _reversed_parts(path), flags | os.O_CLOEXEC)
        except OSError as fault:
            raise _without_circle(fault) from None
        finally:
            for descriptor in trail:
                os.close(descriptor)


def _without_circle(fault: OSError) -> OSError:
    if fault.errno != errno.ELOOP:
        return fault
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _walk(trail: list[int], pending: list[str], flags: int) -> int:
    """The descriptor at the end of `pending` (last part first), from the last folder of `trail` on."""
    links = 0
    while pending:
        part = pending.pop()
        if part == "..":
            if len(trail) == 1:
                raise PathEscapes
            os.close(trail.pop())
            continue
        try:
            descriptor = _step(trail[-1], part, flags if not pending else None)
        except OSError as fault:
            if fault.errno not in {errno.ELOOP, errno.ENOTDIR}:
                raise
            if not pending and flags & os.O_NOFOLLOW:
                raise
            pending += _beyond(trail[-1], part, fault)
            links += 1
            if links > _MAX_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from fault
            continue
        if not pending:
            return descriptor
        trail.append(descriptor)
    return os.open(".", flags & ~os.O_NOFOLLOW, dir_fd=trail[-1])


def _step(folder: int, part: str, last_flags: int | None) -> int:
    """One component further; `last_flags` None means that it must be a folder, as others follow."""
    if last_flags is None:
        return os.open(part, _TOUCHLESS | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    descriptor = os.open(part, last_flags | os.O_NOFOLLOW, dir_fd=folder)
    if last_flags & _TOUCHLESS and not last_flags & os.O_NOFOLLOW and _is_link(descriptor):
        # O_PATH with O_NOFOLLOW opens the link itself.
        os.close(descriptor)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return descriptor


def _beyond(folder: int, part: str, fault: OSError) -> list[str]:
    """The parts of a link's target, last first; the part itself when it has just become a folder."""
    try:
        target = os.readlink(part, dir_fd=folder)
    except OSError as no_link:
        if no_link.errno != errno.EINVAL:
            raise
        if stat.S_ISDIR(os.stat(part, dir_fd=folder, follow_symlinks=False).st_mode):
            return [part]
        raise fault from None
    if target.startswith("/"):
        raise PathEscapes
    return _reversed_parts(target)


def _reversed_parts(path: str) -> list[str]:
    if path.startswith("/"):
        raise PathEscapes
    return [part for part in reversed(path.split("/")) if part not in {"", "."}]


def _is_link(descriptor: int) -> bool:
    return stat.S_ISLNK(os.fstat(descriptor).st_mode)


def best_resolver() -> Resolver:
    """The kernel's resolver where it works (Linux 5.6; some containers forbid it), else ours."""
    with suppress(OSError):
        root = os.open("/", _FOLDER)
        try:
            os.close(syscalls.open_beneath(root, ".", _FOLDER))
        finally:
            os.close(root)
        return KernelResolver()
    return WalkingResolver()


def parts_of(path: str) -> list[str]:
    """The components of a relative path; '' has none. `PathEscapes`: '..' or absolute."""
    if path.startswith("/") or "\0" in path:
        raise PathEscapes
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise PathEscapes
    return parts


@contextmanager
def open_folder(resolver: Resolver, root: int, path: str) -> Iterator[int]:
    """The descriptor of a folder beneath `root`; `NotADirectory` when it is something else."""
    try:
        folder = resolver.open(root, "/".join(parts_of(path)), _FOLDER)
    except NotADirectoryError as fault:
        raise NotADirectory from fault
    try:
        yield folder
    finally:
        os.close(folder)


@contextmanager
def parent_of(resolver: Resolver, root: int, path: str) -> Iterator[tuple[int, str]]:
    """The folder that holds the last name of `path`, and that name; `PathEscapes` when it has none."""
    parts = parts_of(path)
    if not parts:
        raise PathEscapes("This path names no file.")
    with open_folder(resolver, root, "/".join(parts[:-1])) as folder:
        yield folder, parts[-1]


def open_file(resolver: Resolver, root: int, path: str) -> tuple[int, os.stat_result]:
    """A regular file, open for reading, and what the disk says of it; links that stay beneath count.

    FileNotFoundError for everything that is no regular file: it is looked at without opening it, so
    that no pipe waits and no device starts.
    """
    name = "/".join(parts_of(path))
    seen = resolver.open(root, name, _TOUCHLESS)
    try:
        _must_be_regular(os.fstat(seen))
    finally:
        os.close(seen)
    descriptor = resolver.open(root, name, _READ)
    try:
        # It may have become something else between the two.
        status = os.fstat(descriptor)
        _must_be_regular(status)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, status


def _must_be_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def look(folder: int, name: str) -> os.stat_result | None:
    """What the disk says of one name of a folder, a link itself; None when nothing is there."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def stat_of(status: os.stat_result) -> Stat:
    """The same in our words."""
    kind = stat.S_IFMT(status.st_mode)
    return Stat(
        status.st_size,
        status.st_mtime_ns,
        status.st_ino,
        kind == stat.S_IFDIR,
        kind == stat.S_IFLNK,
        kind not in {stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK},
    )


def sync_folder(folder: int) -> None:
    """Bring a folder's entries to the disk; some network file systems have no such thing and say EINVAL."""
    try:
        os.fsync(folder)
    except OSError as fault:
        if fault.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise


def make_lasting(folder: Path, mode: int = 0o777) -> None:
    """Make a folder with its parents, each of whose names is then on the disk.

    Also when it was there: whoever made it may not have got this far. Above it nothing is looked at,
    and a parent that we may not read is left to its owner.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()] or [folder]
    folder.mkdir(mode, parents=True, exist_ok=True)
    for path in reversed(made):
        with suppress(PermissionError):
            parent = os.open(path.parent, _FOLDER)
            try:
                sync_folder(parent)
            finally:
                os.close(parent)
