"""The moves of a publication: done in order, all or none, and on the disk when they are done.

What counts is the inode: a move is done when its target has it, whatever a crash or another program
left behind. A reader may see single moves of a batch before the last one; a service commits after all.
"""

from __future__ import annotations

import errno
import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from jupyter_workspace.errors import Busy, WorkspaceError
from jupyter_workspace.stores.base import Move, Place
from jupyter_workspace.stores.beneath import look, sync_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_workspace.stores.disk import Disk

__all__ = ["apply", "is_done", "undo"]

_log = logging.getLogger(__name__)


class _Touched:
    """The folders that moves have changed, held open until they are synced.

    Held, because a name may lead to another folder by then.
    """

    def __init__(self) -> None:
        self._folders: dict[tuple[int, int], int] = {}
        self._order: list[tuple[int, int]] = []

    def add(self, place: Place, folder: int) -> None:
        """Note the folder of a place.

        The staging area's is left out: a name that a power cut leaves there is a second one of a
        file that lies elsewhere, and the sweeper takes it.
        """
        if place.area == "staging":
            return
        status = os.fstat(folder)
        key = (status.st_dev, status.st_ino)
        if key not in self._folders:
            self._folders[key] = os.dup(folder)
        self._order.append(key)

    def sync(self) -> None:
        """Sync each folder once, the last that was noted first.

        Where things came to lie is noted after where they came from. So a power cut between the two
        leaves a second name at worst, and never no name.
        """
        for key in dict.fromkeys(reversed(self._order)):
            sync_folder(self._folders[key])

    def close(self) -> None:
        """Let go of the folders."""
        for folder in self._folders.values():
            os.close(folder)
        self._folders.clear()


def apply(disk: Disk, moves: Sequence[Move]) -> None:
    """See `Publishing.apply`."""
    done: list[Move] = []
    touched = _Touched()
    try:
        for move in moves:
            _apply_one(disk, move, touched)
            done.append(move)
        touched.sync()
    except BaseException:
        undo(disk, done)
        raise
    finally:
        touched.close()


def _make_parent(disk: Disk, place: Place) -> None:
    disk.make_folders(Place(place.area, place.path.rpartition("/")[0], place.session_id))


def _apply_one(disk: Disk, move: Move, touched: _Touched) -> None:
    _make_parent(disk, move.target)
    with disk.parent(move.source) as (source_folder, source), disk.parent(move.target) as (folder, target):
        status = look(source_folder, source)
        if status is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        if status.st_ino != move.inode:
            raise Busy("Another file has taken this one's place.")
        rename = disk.renames.exchange if move.exchange else disk.renames.no_replace
        rename(source, target, source_folder=source_folder, target_folder=folder)
        touched.add(move.source, source_folder)
        touched.add(move.target, folder)
        moved = look(folder, target)
        if moved is None or moved.st_ino != move.inode:
            # Swapped between the look and the rename: what was moved is not ours to move.
            with suppress(OSError):
                rename(target, source, source_folder=folder, target_folder=source_folder)
            raise Busy("Another file has taken this one's place.")


def is_done(disk: Disk, move: Move) -> bool:
    """See `Publishing.is_done`."""
    seen = disk.stat(move.target)
    return seen is not None and seen.inode == move.inode


def undo(disk: Disk, moves: Sequence[Move]) -> None:
    """See `Publishing.undo`; what cannot be taken back is logged and left."""
    touched = _Touched()
    try:
        for move in reversed(moves):
            try:
                _undo_one(disk, move, touched)
            except (OSError, WorkspaceError) as fault:
                _log.warning("A move could not be taken back (%s): %s", fault, move)
        touched.sync()
    except OSError as fault:
        _log.warning("Moves were taken back, but may not be on the disk (%s): %s", fault, moves)
    finally:
        touched.close()


def _undo_one(disk: Disk, move: Move, touched: _Touched) -> None:
    was_done = is_done(disk, move)
    if not was_done and not move.exchange:
        return
    _make_parent(disk, move.source)
    with disk.parent(move.source) as (source_folder, source), disk.parent(move.target) as (folder, target):
        touched.add(move.target, folder)
        touched.add(move.source, source_folder)
        status = look(source_folder, source)
        inode = None if status is None else status.st_ino
        if not was_done:
            if inode not in {None, move.inode} and look(folder, target) is None:
                # An exchange without hard links that was cut off: the old file waits at the source.
                disk.renames.no_replace(source, target, source_folder=source_folder, target_folder=folder)
        elif inode == move.inode:
            # A rename that was made of link and unlink, and cut off between them.
            os.unlink(target, dir_fd=folder)
        elif not move.exchange:
            disk.renames.no_replace(target, source, source_folder=folder, target_folder=source_folder)
        elif inode is not None:
            disk.renames.exchange(target, source, source_folder=folder, target_folder=source_folder)
