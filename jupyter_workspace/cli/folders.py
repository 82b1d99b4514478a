"""Folders of this machine as they are uploaded: the tree kept, junk left out and named."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

__all__ = ["UNREADABLE", "Chosen", "Skipped", "choose"]

#: What programs leave in folders for themselves; names that begin with a dot are left out, too.
JUNK = frozenset({"Thumbs.db", "desktop.ini", "__MACOSX", "__pycache__", "Icon\r"})

#: The reason of what should have been uploaded and could not be looked into.
UNREADABLE = "it cannot be read"


class Chosen(NamedTuple):
    """A file to upload, and the folder below the target folder into which it goes ('' for itself)."""

    path: Path
    folder: str
    size: int


class Skipped(NamedTuple):
    """What is not uploaded, and why, in words."""

    path: Path
    reason: str


def choose(paths: Sequence[Path]) -> tuple[list[Chosen], list[Skipped]]:
    """The files that these paths mean, in order, and what was left out.

    A file is taken as it is, whatever its name. A folder is taken with its name and its tree; links to
    folders are left out, for they may lead in a circle.
    """
    chosen: list[Chosen] = []
    skipped: list[Skipped] = []
    for path in paths:
        for one in _below(path) if path.is_dir() else [_file(path, "")]:
            chosen.append(one) if isinstance(one, Chosen) else skipped.append(one)
    return chosen, skipped


def _below(top: Path) -> Iterator[Chosen | Skipped]:
    root = top.resolve()
    unreadable: list[OSError] = []
    for place, folders, files in os.walk(root, onerror=unreadable.append):
        here = Path(place)
        inside = PurePosixPath(root.name, *here.relative_to(root).parts)
        for name in sorted(folders):
            if reason := _reason(here / name):
                folders.remove(name)
                yield Skipped(here / name, reason)
        folders.sort()
        for name in sorted(files):
            if reason := _reason(here / name):
                yield Skipped(here / name, reason)
            else:
                yield _file(here / name, str(inside))
    for error in unreadable:
        yield Skipped(Path(error.filename), UNREADABLE)


def _reason(path: Path) -> str | None:
    if path.name.startswith("."):
        return "hidden"
    if path.name in JUNK:
        return "junk"
    if path.is_symlink() and path.is_dir():
        return "a link to a folder"
    return None if path.is_dir() or path.is_file() else "no file"


def _file(path: Path, folder: str) -> Chosen:
    try:
        size = path.stat().st_size
    except OSError:
        # Gone meanwhile, perhaps: that is told when its turn comes.
        size = 0
    return Chosen(path, folder, size)
