"""Reading and deleting whole trees, by blocking calls, without following one link."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from uuid import uuid4

from jupyter_workspace.stores.base import Listing, Names, Stat, Walk
from jupyter_workspace.stores.beneath import look, stat_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jupyter_workspace.stores.beneath import Resolver

__all__ = ["delete_tree", "list_folder", "measure", "walk"]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW


def _is_text(name: str) -> bool:
    """Whether a name is UTF-8; Python shows other bytes as surrogates."""
    return name.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in name)


def list_folder(folder: int) -> Listing:
    """The entries of the folder with that descriptor."""
    entries: list[tuple[str, Stat]] = []
    unreadable = 0
    with os.scandir(folder) as found:
        for entry in found:
            if not _is_text(entry.name):
                unreadable += 1
                continue
            # It may have gone since the folder was read.
            with suppress(FileNotFoundError):
                entries.append((entry.name, stat_of(entry.stat(follow_symlinks=False))))
    return Listing(entries, unreadable)


def folder_stamp(folder: int) -> tuple[int, int]:
    """What is equal as long as no name came to that folder, or went from it."""
    status = os.fstat(folder)
    return status.st_ino, status.st_mtime_ns


def folder_names(folder: int) -> Names:
    """The names of the folder with that descriptor, and which of them are folders."""
    # The stamp comes first: a name that comes meanwhile makes it old, not wrong.
    stamp = folder_stamp(folder)
    with os.scandir(folder) as found:
        entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
    legible = [entry for entry in entries if _is_text(entry[0])]
    return Names(legible, stamp, len(entries) - len(legible))


def stats_of(folder: int, names: Sequence[str]) -> dict[str, Stat]:
    """What these names of the folder are."""
    found: dict[str, Stat] = {}
    for name in names:
        with suppress(FileNotFoundError):
            found[name] = stat_of(os.stat(name, dir_fd=folder, follow_symlinks=False))
    return found


def walk(resolver: Resolver, root: int, ignored: Callable[[str], bool], limit: int) -> Walk:
    """All files and folders beneath `root`; see `Folders.walk`.

    One descriptor is open at a time, whatever the depth, and each folder is opened anew beneath the
    root: one that was swapped for a link since it was seen is not entered.
    """
    walking = _Walking(ignored, limit)
    while walking.pending:
        path = walking.pending.pop()
        try:
            with _opened(resolver, root, path) as folder, os.scandir(folder) as found:
                if not walking.take(f"{path}/" if path else "", found):
                    return walking.result(truncated=True)
        except (FileNotFoundError, NotADirectoryError):
            # Gone since it was seen.
            continue
        except OSError:
            if not path:
                raise
            walking.unreadable += 1
    return walking.result(truncated=False)


def measure(resolver: Resolver, root: int) -> tuple[int, int]:
    """How many files are beneath `root`, at any depth and of any kind, and their bytes.

    A folder that cannot be read counts as a file: something may be in it.
    """
    files = size = 0
    pending = [""]
    while pending:
        path = pending.pop()
        try:
            with _opened(resolver, root, path) as folder, os.scandir(folder) as found:
                for entry in found:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(f"{path}/{entry.name}" if path else entry.name)
                    else:
                        files += 1
                        size += entry.stat(follow_symlinks=False).st_size
        except OSError:
            files += 1
    return files, size


class _Walking:
    """What a walk has found so far, and the folders it has still to enter."""

    def __init__(self, ignored: Callable[[str], bool], limit: int) -> None:
        self.files: dict[str, Stat] = {}
        self.folders: list[str] = []
        self.pending = [""]
        self.unreadable = 0
        self._ignored = ignored
        self._limit = limit

    def result(self, *, truncated: bool) -> Walk:
        return Walk(self.files, self.folders, self.unreadable, truncated)

    def take(self, prefix: str, found: Iterator[os.DirEntry[str]]) -> bool:
        """Take the entries of one folder; False when the limit is met."""
        for entry in found:
            if not _is_text(entry.name):
                self.unreadable += 1
                continue
            path = prefix + entry.name
            if self._ignored(path):
                continue
            if len(self.files) + len(self.folders) >= self._limit:
                return False
            if entry.is_dir(follow_symlinks=False):
                self.folders.append(path)
                self.pending.append(path)
            elif entry.is_file(follow_symlinks=False):
                self._note(path, entry)
        return True

    def _note(self, path: str, entry: os.DirEntry[str]) -> None:
        with suppress(FileNotFoundError):
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                self.files[path] = Stat(status.st_size, status.st_mtime_ns, status.st_ino, is_dir=False)


@contextmanager
def _opened(resolver: Resolver, root: int, path: str) -> Iterator[int]:
    folder = resolver.open(root, path, _FOLDER)
    try:
        yield folder
    finally:
        os.close(folder)


def delete_tree(folder: int, name: str) -> bool:
    """Delete a file, or a folder with all it holds; False when there is no such name.

    Folders within are first moved up beside it, so that neither depth nor a path's length matters.
    """
    status = look(folder, name)
    if status is None:
        return False
    if not stat.S_ISDIR(status.st_mode):
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
        return True
    pending = [name]
    while pending:
        doomed = pending.pop()
        with suppress(FileNotFoundError):
            pending += _empty(folder, doomed)
            os.rmdir(doomed, dir_fd=folder)
    return True


def _empty(folder: int, name: str) -> list[str]:
    """Empty one folder; the folders that were in it are now beside it, under the names given."""
    inner = _open_by_force(folder, name)
    try:
        with os.scandir(inner) as found:
            entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
        moved = []
        for entry, is_dir in entries:
            if is_dir:
                beside = f".doomed-{uuid4().hex}"
                os.rename(entry, beside, src_dir_fd=inner, dst_dir_fd=folder)
                moved.append(beside)
            else:
                os.unlink(entry, dir_fd=inner)
        return moved
    finally:
        os.close(inner)


def _open_by_force(folder: int, name: str) -> int:
    """Open a folder that is to be deleted, whatever its permissions are."""
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if stat.S_ISDIR(status.st_mode) and ~status.st_mode & stat.S_IRWXU:
        os.chmod(name, stat.S_IRWXU, dir_fd=folder)
    return os.open(name, _FOLDER, dir_fd=folder)
