"""Which files code wrote: two quick looks at a folder, and what lies between them.

A look costs one `scandir` a folder and one `lstat` a file; nothing is opened. Not here: when to look
(`hook.py`, `capture.py`) and what to do with what was found.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

__all__ = ["MOST_FILES", "Snapshot", "Stamp", "snapshot", "stamp", "written"]

#: Looks end here: a folder with more files is left to the server, which looks at it anyway.
MOST_FILES = 20_000

#: Made by Python and by people's programs, never by a cell for its reader.
IGNORED = frozenset({"__pycache__", "node_modules"})


class Stamp(NamedTuple):
    """What changes when a file is written; size in bytes, time in nanoseconds."""

    size: int
    mtime_ns: int
    inode: int


#: Paths relative to the folder, with '/', and the stamps of the files there.
Snapshot = Mapping[str, Stamp]


def stamp(path: str | os.PathLike[str]) -> Stamp | None:
    """The stamp of the file at a path, None when no file is there."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return Stamp(found.st_size, found.st_mtime_ns, found.st_ino)


def snapshot(
    folder: Path, *, passing_by: Collection[str] = (), most_files: int = MOST_FILES
) -> Snapshot | None:
    """All files below a folder but hidden and generated ones; None when there are too many.

    `passing_by`: relative paths of files and folders that are not looked at. Links are not followed.
    """
    found: dict[str, Stamp] = {}
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        for entry in _entries(folder / prefix):
            path = prefix + entry.name
            if entry.name.startswith(".") or entry.name in IGNORED or path in passing_by:
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(f"{path}/")
            elif entry.is_file(follow_symlinks=False) and (now := stamp(entry.path)) is not None:
                found[path] = now
        if len(found) > most_files or len(waiting) > most_files:
            return None
    return found


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError:
        # Gone meanwhile, or closed to this user: then nothing in it can be told of.
        return


def written(before: Snapshot, after: Snapshot) -> list[str]:
    """The paths of files that are new or other than before, the one that was finished first in front."""
    changed = [path for path, now in after.items() if before.get(path) != now]
    return sorted(changed, key=lambda path: (after[path].mtime_ns, path))
