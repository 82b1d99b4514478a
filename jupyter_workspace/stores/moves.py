"""The moves of a publication: done in order, all or none, and on the disk when they are done.

What counts is the inode: a move is done when its target has it, whatever a crash or another program
left behind. A reader may see single moves of a batch before the last one; a service commits after all.
"""

from __future__ import annotations

import errno
import logging
import os
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from jupyter_workspace.errors import Busy, WorkspaceError
from jupyter_workspace.stores.base import Move, Place
from jupyter_workspace.stores.beneath import look, sync_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_workspace.stores.disk import Disk

__all__ = ["apply", "is_done", "undo"]

_log = logging.getLogger(__name__)


def apply(disk: Disk, moves: Sequence[Move]) -> None:
    """See `Publishing.apply`."""
    done: list[Move] = []
    try:
        for move in moves:
            _apply_one(disk, move)
            done.append(move)
        _sync(disk, moves)
    except BaseException:
        undo(disk, done)
        raise


def _make_parent(disk: Disk, place: Place) -> None:
    disk.make_folders(Place(place.area, place.path.rpartition("/")[0], place.session_id))


def _apply_one(disk: Disk, move: Move) -> None:
    _make_parent(disk, move.target)
    with disk.parent(move.source) as (source_folder, source), disk.parent(move.target) as (folder, target):
        status = look(source_folder, source)
        if status is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        if status.st_ino != move.inode:
            raise Busy("Another file has taken this one's place.")
        rename = disk.renames.exchange if move.exchange else disk.renames.no_replace
        rename(source, target, source_folder=source_folder, target_folder=folder)
        moved = look(folder, target)
        if moved is None or moved.st_ino != move.inode:
            # Swapped between the look and the rename: what was moved is not ours to move.
            with suppress(OSError):
                rename(target, source, source_folder=folder, target_folder=source_folder)
            raise Busy("Another file has taken this one's place.")


def _sync(disk: Disk, moves: Sequence[Move]) -> None:
    """Sync each folder once, where things came to lie before where they came from.

    So a power cut between the two leaves a second name at worst, and never no name. A name that is
    left in the staging area does no harm: the sweeper takes it. So that folder is not synced.
    """
    with ExitStack() as opened:
        seen: set[tuple[int, int]] = set()
        for move in reversed(moves):
            for place in (move.target, move.source):
                if place.area == "staging":
                    continue
                folder, _ = opened.enter_context(disk.parent(place))
                status = os.fstat(folder)
                if (status.st_dev, status.st_ino) not in seen:
                    seen.add((status.st_dev, status.st_ino))
                    sync_folder(folder)


def is_done(disk: Disk, move: Move) -> bool:
    """See `Publishing.is_done`."""
    seen = disk.stat(move.target)
    return seen is not None and seen.inode == move.inode


def undo(disk: Disk, moves: Sequence[Move]) -> None:
    """See `Publishing.undo`; what cannot be taken back is logged and left."""
    touched: list[Move] = []
    for move in reversed(moves):
        try:
            if _undo_one(disk, move):
                touched.append(move)
        except (OSError, WorkspaceError):
            _log.warning("A move could not be taken back: %s", move, exc_info=True)
    # Here the source is where things come to lie.
    for move in touched:
        try:
            _sync(disk, [Move(move.target, move.source, move.inode)])
        except (OSError, WorkspaceError):
            _log.warning("A move was taken back, but may not be on the disk: %s", move, exc_info=True)


def _undo_one(disk: Disk, move: Move) -> bool:
    if not is_done(disk, move):
        return move.exchange and _end_exchange(disk, move)
    _make_parent(disk, move.source)
    with disk.parent(move.source) as (source_folder, source), disk.parent(move.target) as (folder, target):
        status = look(source_folder, source)
        if status is not None and status.st_ino == move.inode:
            # A rename that was made of link and unlink, and cut off between them.
            os.unlink(target, dir_fd=folder)
        elif move.exchange and status is not None:
            disk.renames.exchange(target, source, source_folder=folder, target_folder=source_folder)
        elif not move.exchange:
            disk.renames.no_replace(target, source, source_folder=folder, target_folder=source_folder)
        else:
            return False
    return True


def _end_exchange(disk: Disk, move: Move) -> bool:
    """Give a target back that an exchange without hard links had set aside when it was cut off."""
    with disk.parent(move.source) as (source_folder, source), disk.parent(move.target) as (folder, target):
        status = look(source_folder, source)
        if status is None or status.st_ino == move.inode or look(folder, target) is not None:
            return False
        disk.renames.no_replace(source, target, source_folder=source_folder, target_folder=folder)
    return True
