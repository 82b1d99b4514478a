"""The workspace folder and its state folder, by blocking calls: what threads of `local` work with.

Nothing is held open between two calls, so that a workspace that was moved or made anew is found again.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from jupyter_workspace.errors import Busy, FileTooLarge, NotADirectory, PathEscapes
from jupyter_workspace.stores import syscalls
from jupyter_workspace.stores.base import Digest, Place, Stat
from jupyter_workspace.stores.beneath import (
    Resolver,
    best_resolver,
    look,
    make_lasting,
    open_file,
    open_folder,
    parent_of,
    parts_of,
    stat_of,
    sync_folder,
)
from jupyter_workspace.stores.checksums import BLOCK_BYTES, digest_of
from jupyter_workspace.stores.renames import PortableRenames, Renames, best_renames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["BALLAST_BYTES", "Disk", "write_all"]

#: Room that is set aside for deleting things on a full disk.
BALLAST_BYTES = 8 << 20

_AREAS = ("staging", "trash")
_BALLAST = "ballast"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

# Folders whose own entry is known to be on the disk; forgotten all at once when there are this many.
_MAX_DURABLE = 4096


class Disk:
    """One workspace folder.

    resolver, renames: found out by trying in `prepare` when they are None.
    """

    def __init__(
        self,
        workspace: Path,
        state_folder: str,
        *,
        resolver: Resolver | None = None,
        renames: Renames | None = None,
        server_root: Path | None = None,
    ) -> None:
        self.resolver: Resolver = resolver or best_resolver()
        self.renames: Renames = renames or PortableRenames()
        #: Whether files can share blocks here (reflink).
        self.shares_blocks = False
        #: The permissions of published files: what the umask leaves of 0666.
        self.file_mode = 0o644
        self.state_folder = state_folder
        self._workspace = workspace
        self._server_root = server_root or workspace
        self._probes_renames = renames is None
        self._durable: set[tuple[int, int]] = set()
        #: Names in the staging area that could not be deleted, and are not wanted any more.
        self.left_behind: set[str] = set()

    # Folders

    def prepare(self) -> None:
        """Make the folders, and find out what the file system can do.

        `NotADirectory`: the state folder's name belongs to a file or a link.
        """
        make_lasting(self._workspace)
        with self.workspace() as workspace:
            self._own_folder(workspace, self.state_folder)
            with self._single(workspace, self.state_folder) as state:
                for area in _AREAS:
                    self._own_folder(state, area)
                self._probe(state)
            sync_folder(workspace)

    @staticmethod
    def _own_folder(parent: int, name: str) -> None:
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=parent)
        with Disk._single(parent, name) as folder:
            if stat.S_IMODE(os.fstat(folder).st_mode) & 0o077:
                os.fchmod(folder, 0o700)
        sync_folder(parent)

    def _probe(self, state: int) -> None:
        if self._probes_renames:
            self.renames = best_renames(state)
        flags = os.O_CREAT | os.O_RDWR | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        names = (".probe-a", ".probe-b")
        files = [os.open(name, flags, 0o666, dir_fd=state) for name in names]
        try:
            self.file_mode = stat.S_IMODE(os.fstat(files[0]).st_mode)
            os.write(files[0], bytes(4096))
            syscalls.share_blocks(files[1], files[0])
            self.shares_blocks = True
        except OSError:
            self.shares_blocks = False
        finally:
            for name, file in zip(names, files, strict=True):
                os.close(file)
                os.unlink(name, dir_fd=state)

    @contextmanager
    def workspace(self) -> Iterator[int]:
        """The workspace folder's descriptor."""
        with self._opened(self._workspace) as folder:
            yield folder

    @staticmethod
    @contextmanager
    def _opened(path: Path) -> Iterator[int]:
        folder = os.open(path, _FOLDER)
        try:
            yield folder
        finally:
            os.close(folder)

    @contextmanager
    def state(self) -> Iterator[int]:
        """The state folder's descriptor."""
        with self.workspace() as workspace, self._single(workspace, self.state_folder) as folder:
            yield folder

    @contextmanager
    def root(self, place: Place) -> Iterator[int]:
        """The descriptor of the folder that a place's path is relative to."""
        if place.area == "session":
            if self._is_reserved(place.session_id):
                raise PathEscapes
            with self.workspace() as workspace, self._single(workspace, place.session_id) as folder:
                yield folder
        elif place.area == "workspace":
            if self._is_reserved(place.path):
                raise PathEscapes
            with self.workspace() as workspace:
                yield workspace
        elif place.area == "root":
            with self._opened(self._server_root) as folder:
                yield folder
        else:
            with self.state() as state, self._single(state, place.area) as folder:
                yield folder

    def _is_reserved(self, session_id: str) -> bool:
        return session_id == self.state_folder or parts_of(session_id) != [session_id]

    @staticmethod
    @contextmanager
    def _single(parent: int, name: str) -> Iterator[int]:
        try:
            folder = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=parent)
        except OSError as fault:
            if fault.errno in {errno.ELOOP, errno.ENOTDIR}:
                raise NotADirectory from fault
            raise
        try:
            yield folder
        finally:
            os.close(folder)

    @contextmanager
    def parent(self, place: Place) -> Iterator[tuple[int, str]]:
        """The folder of a place's last name, and that name."""
        with self.root(place) as root, parent_of(self.resolver, root, place.path) as found:
            yield found

    @contextmanager
    def folder(self, place: Place) -> Iterator[int]:
        """The folder at a place ('' is the root itself)."""
        with self.root(place) as root, open_folder(self.resolver, root, place.path) as found:
            yield found

    def make_session(self, session_id: str) -> bool:
        """Make a session's folder, durably; False when it was there."""
        if self._is_reserved(session_id):
            raise PathEscapes
        with self.workspace() as workspace:
            try:
                os.mkdir(session_id, dir_fd=workspace)
                made = True
            except FileExistsError:
                made = False
            with self._single(workspace, session_id):
                # Also when it was there: whoever made it may not have got this far.
                sync_folder(workspace)
        return made

    def sessions(self) -> list[str]:
        """The names of all folders beside the state folder."""
        with self.workspace() as workspace, os.scandir(workspace) as entries:
            return sorted(
                entry.name
                for entry in entries
                if entry.is_dir(follow_symlinks=False) and entry.name != self.state_folder
            )

    def make_folders(self, place: Place) -> None:
        """Make a folder with its parents; the entry of each is on the disk before the next is made."""
        with self.root(place) as root:
            if self._is_durable(root, place.path):
                return
            parts = parts_of(place.path)
            for depth, part in enumerate(parts, 1):
                with open_folder(self.resolver, root, "/".join(parts[: depth - 1])) as parent:
                    with suppress(FileExistsError):
                        os.mkdir(part, dir_fd=parent)
                    try:
                        with open_folder(self.resolver, root, "/".join(parts[:depth])) as folder:
                            self._make_durable(parent, os.fstat(folder))
                    except FileNotFoundError as fault:
                        # A link that leads nowhere has the name.
                        raise NotADirectory from fault

    def _is_durable(self, root: int, path: str) -> bool:
        try:
            with open_folder(self.resolver, root, path) as folder:
                status = os.fstat(folder)
        except FileNotFoundError:
            return False
        return not parts_of(path) or (status.st_dev, status.st_ino) in self._durable

    def _make_durable(self, parent: int, status: os.stat_result) -> None:
        """Sync the entry of a folder, unless this was done before: by us, that is."""
        key = (status.st_dev, status.st_ino)
        if key in self._durable:
            return
        sync_folder(parent)
        if len(self._durable) >= _MAX_DURABLE:
            self._durable.clear()
        self._durable.add(key)

    # Files

    def stat(self, place: Place) -> Stat | None:
        """What is at a place, a link itself; None when nothing is there."""
        try:
            if not parts_of(place.path):
                with self.root(place) as root:
                    return stat_of(os.fstat(root))
            with self.parent(place) as (folder, name):
                status = look(folder, name)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return None if status is None else stat_of(status)

    def open_read(self, place: Place) -> tuple[int, os.stat_result]:
        """A regular file's descriptor, and what the disk says of it."""
        with self.root(place) as root:
            return open_file(self.resolver, root, place.path)

    def read_small(self, place: Place, limit: int) -> bytes | None:
        """The whole of a small file, None when there is none."""
        try:
            descriptor, status = self.open_read(place)
        except FileNotFoundError:
            return None
        with open(descriptor, "rb") as file:  # noqa: PTH123  (a descriptor, no path)
            if status.st_size > limit:
                raise FileTooLarge(limit=limit, requested=status.st_size)
            content = file.read(limit + 1)
        if len(content) > limit:
            raise Busy("The file is being written.")
        return content

    def digest(self, place: Place, is_abandoned: Callable[[], bool]) -> tuple[Digest, Stat]:
        """What a regular file holds, and its state then. `Busy`: it changed meanwhile."""
        descriptor, _ = self.open_read(place)
        try:
            digest, status = digest_of(descriptor, is_abandoned)
        finally:
            os.close(descriptor)
        return digest, stat_of(status)

    def sync(self, place: Place) -> None:
        """Bring a file that somebody else wrote to the disk, with its name and those of its folders."""
        *folders, _ = parts_of(place.path)
        with self.root(place) as root:
            descriptor, _ = open_file(self.resolver, root, place.path)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            with open_folder(self.resolver, root, "/".join(folders)) as folder:
                sync_folder(folder)
            # From the top, as everywhere: who finds a folder known here need not look above it.
            for depth in range(1, len(folders) + 1):
                with (
                    open_folder(self.resolver, root, "/".join(folders[: depth - 1])) as parent,
                    open_folder(self.resolver, root, "/".join(folders[:depth])) as folder,
                ):
                    self._make_durable(parent, os.fstat(folder))

    def write_over(self, place: Place, content: bytes, staged: Place) -> None:
        """Put a file in place of whatever has that name; `staged` is where it is made."""
        with self.parent(place) as (folder, name), self.parent(staged) as (staging, waiting):
            try:
                self._write_new(staging, waiting, content)
                os.rename(waiting, name, src_dir_fd=staging, dst_dir_fd=folder)
            except BaseException:
                with suppress(OSError):
                    os.unlink(waiting, dir_fd=staging)
                raise
            sync_folder(folder)

    def _write_new(self, folder: int, name: str, content: bytes) -> None:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(name, flags, 0o600, dir_fd=folder)
        try:
            write_all(descriptor, memoryview(content), 0)
            os.fchmod(descriptor, self.file_mode)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def free(self) -> tuple[int, int]:
        """Bytes that we may still write, and the size of the disk."""
        with self.workspace() as workspace:
            status = os.fstatvfs(workspace)
        return status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize

    # The ballast

    def ensure_ballast(self) -> None:
        """Set some room aside; nothing of it stays when there is not enough."""
        with self.state() as state:
            flags = os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(_BALLAST, flags, 0o600, dir_fd=state)
            try:
                # Real bytes, and no zeros: a compressing file system would keep no room for those.
                for offset in range(os.fstat(descriptor).st_size, BALLAST_BYTES, BLOCK_BYTES):
                    write_all(descriptor, memoryview(os.urandom(BLOCK_BYTES)), offset)
                os.fsync(descriptor)
            except OSError:
                os.unlink(_BALLAST, dir_fd=state)
                raise
            finally:
                os.close(descriptor)

    def drop_ballast(self) -> bool:
        """Give that room back; False when there was none."""
        with self.state() as state:
            try:
                os.unlink(_BALLAST, dir_fd=state)
            except FileNotFoundError:
                return False
        return True


def write_all(descriptor: int, block: memoryview, offset: int) -> None:
    """Write the whole of a block at an offset, however many calls the system makes of it."""
    while block:
        written = os.pwrite(descriptor, block, offset)
        block, offset = block[written:], offset + written
