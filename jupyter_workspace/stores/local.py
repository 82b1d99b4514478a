"""The store that keeps real files: sessions' folders for the user, a state folder for us.

All three classes are one object, told apart by what is done: folders, transfers, publishing. The work
itself is in `disk`, `walking` and `moves`, by blocking calls; here it is handed to threads.
"""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4
from weakref import WeakSet

from jupyter_workspace.errors import Busy, FileNotFound, Forbidden, VersionGone
from jupyter_workspace.stores import moves as moving
from jupyter_workspace.stores import spool as spooling
from jupyter_workspace.stores import walking
from jupyter_workspace.stores.base import Digest, Listing, Move, Names, Place, Stat, Walk
from jupyter_workspace.stores.beneath import Resolver, open_file
from jupyter_workspace.stores.buffers import Buffers
from jupyter_workspace.stores.disk import Disk
from jupyter_workspace.stores.faults import translated
from jupyter_workspace.stores.lanes import begun
from jupyter_workspace.stores.reading import OpenedFile
from jupyter_workspace.stores.staging import StagingFile

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Container, Sequence

    from jupyter_workspace.stores.renames import Renames

__all__ = ["LocalStore"]

_Result = TypeVar("_Result")

# Threads mostly wait for the disk; those that hash do not.
_DISK_THREADS = 16
_HASH_THREADS = max(2, min(4, os.cpu_count() or 1))


class _Threads:
    """The disk, and the threads that may touch it."""

    def __init__(
        self,
        workspace: Path,
        *,
        state_folder: str,
        resolver: Resolver | None = None,
        renames: Renames | None = None,
        server_root: Path | None = None,
    ) -> None:
        self.disk = Disk(workspace, state_folder, resolver=resolver, renames=renames, server_root=server_root)
        self._pool = ThreadPoolExecutor(_DISK_THREADS, "workspace-disk")
        self._hashers = ThreadPoolExecutor(_HASH_THREADS, "workspace-hash")
        self._closing = threading.Event()

    async def open(self) -> None:
        """Make the folders and find out what the file system can do.

        `NotADirectory`: the state folder's name belongs to something else.
        """
        await self._change(self.disk.prepare)

    async def close(self) -> None:
        """End the threads; jobs that were begun end first."""
        self._closing.set()
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        self._pool.shutdown()
        self._hashers.shutdown()

    async def _ask(self, job: Callable[..., _Result], *arguments: object) -> _Result:
        """Do what changes nothing; a caller who is cancelled does not wait for it."""
        with translated():
            return await begun(self._pool, partial(job, *arguments))

    async def _change(self, job: Callable[..., _Result], *arguments: object) -> _Result:
        """Do what changes something: a cancellation arrives after it, so that it can be taken back."""
        future = begun(self._pool, partial(job, *arguments))
        cancelled: asyncio.CancelledError | None = None
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError as cancellation:
                cancelled = cancellation
        if cancelled is not None:
            raise cancelled from future.exception()
        with translated():
            return future.result()


class _LocalFolders(_Threads):
    """See `base.Folders`."""

    async def free(self) -> tuple[int, int]:
        """See `base.Folders`."""
        return await self._ask(self.disk.free)

    async def make_session(self, session_id: str) -> bool:
        """See `base.Folders`."""
        return await self._change(self.disk.make_session, session_id)

    async def sessions_on_disk(self) -> list[str]:
        """See `base.Folders`."""
        return await self._ask(self.disk.sessions)

    async def stat(self, place: Place) -> Stat | None:
        """See `base.Folders`."""
        return await self._ask(self.disk.stat, place)

    async def list_folder(self, session_id: str, path: str) -> Listing:
        """See `base.Folders`."""
        return await self._ask(self._in_folder, Place("session", path, session_id), walking.list_folder)

    async def folder_stamp(self, session_id: str, path: str) -> tuple[int, int]:
        """See `base.Folders`."""
        return await self._ask(self._in_folder, Place("session", path, session_id), walking.folder_stamp)

    async def names(self, session_id: str, path: str) -> Names:
        """See `base.Folders`."""
        return await self._ask(self._in_folder, Place("session", path, session_id), walking.folder_names)

    async def stats(self, session_id: str, path: str, names: Sequence[str]) -> dict[str, Stat]:
        """See `base.Folders`."""
        looked_up = partial(walking.stats_of, names=names)
        return await self._ask(self._in_folder, Place("session", path, session_id), looked_up)

    def _in_folder(self, place: Place, job: Callable[[int], _Result]) -> _Result:
        with self.disk.folder(place) as folder:
            return job(folder)

    async def walk(self, session_id: str, *, ignored: Callable[[str], bool], limit: int) -> Walk:
        """See `base.Folders`."""
        return await self._ask(self._walk, Place("session", "", session_id), ignored, limit)

    def _walk(self, place: Place, ignored: Callable[[str], bool], limit: int) -> Walk:
        with self.disk.root(place) as root:
            return walking.walk(self.disk.resolver, root, ignored, limit)

    async def make_folders(self, session_id: str, path: str) -> None:
        """See `base.Folders`."""
        await self._change(self.disk.make_folders, Place("session", path, session_id))

    async def read_small(self, session_id: str, path: str, limit: int) -> bytes | None:
        """See `base.Folders`."""
        return await self._ask(self.disk.read_small, Place("session", path, session_id), limit)

    async def write_atomic(self, session_id: str, path: str, content: bytes) -> None:
        """See `base.Folders`."""
        place = Place("session", path, session_id)
        await self._change(self.disk.write_over, place, content, Place("staging", _new_name()))


class _LocalTransfers(_Threads):
    """See `base.Transfers`."""

    def __init__(
        self,
        workspace: Path,
        *,
        state_folder: str,
        resolver: Resolver | None = None,
        renames: Renames | None = None,
        server_root: Path | None = None,
    ) -> None:
        super().__init__(
            workspace,
            state_folder=state_folder,
            resolver=resolver,
            renames=renames,
            server_root=server_root,
        )
        self._buffers = Buffers()
        self._staged: WeakSet[StagingFile] = WeakSet()

    async def open_read(self, place: Place) -> OpenedFile:
        """See `base.Transfers`."""
        file = OpenedFile(self._pool, partial(self.disk.open_read, place))
        await file.open()
        return file

    async def digest(self, place: Place) -> tuple[Digest, Stat]:
        """See `base.Transfers`."""
        abandoned = threading.Event()
        try:
            return await self._ask(
                self.disk.digest, place, lambda: abandoned.is_set() or self._closing.is_set()
            )
        finally:
            abandoned.set()

    async def sync(self, place: Place) -> None:
        """See `base.Transfers`."""
        await self._ask(self.disk.sync, place)

    async def stage(self) -> StagingFile:
        """See `base.Transfers`."""
        if self.disk.left_behind:
            await self._change(self._remove_left_behind)
        return self._staging(_new_name())

    def _remove_left_behind(self) -> None:
        with self.disk.root(Place("staging", "")) as folder:
            for name in list(self.disk.left_behind):
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=folder)
                self.disk.left_behind.discard(name)

    def _staging(self, name: str) -> StagingFile:
        staging = StagingFile(
            self.disk, name, buffers=self._buffers, writers=self._pool, hashers=self._hashers
        )
        self._staged.add(staging)
        return staging

    async def stage_bytes(self, content: bytes) -> StagingFile:
        """See `base.Transfers`."""
        staging = await self.stage()
        try:
            await staging.write(content)
            await staging.finish()
        except BaseException:
            await staging.discard()
            raise
        return staging

    async def stage_copy(self, root: Path, path: str, admit: Callable[[int], Awaitable[None]]) -> StagingFile:
        """See `base.Transfers`."""
        source = OpenedFile(self._pool, partial(self._open_elsewhere, root, path))
        await source.open()
        async with source:
            staging = await self._clone_of(source)
            if staging is None:
                await admit(source.stat.size)
                staging = await self._copy_of(source)
            return staging

    def _open_elsewhere(self, root: Path, path: str) -> tuple[int, os.stat_result]:
        folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return open_file(self.disk.resolver, folder, path)
        finally:
            os.close(folder)

    async def _clone_of(self, source: OpenedFile) -> StagingFile | None:
        """A file that shares the blocks of the source; None when that cannot be."""
        if not self.disk.shares_blocks or (descriptor := await source.duplicate()) is None:
            return None
        staging = await self.stage()
        try:
            await staging.clone(descriptor)
        except OSError:
            await staging.discard()
            return None
        except BaseException:
            await staging.discard()
            raise
        return staging

    async def _copy_of(self, source: OpenedFile) -> StagingFile:
        staging = await self.stage()
        try:
            async for chunk in source.chunks():
                await staging.write(chunk)
            await staging.finish()
        except VersionGone as gone:
            await staging.discard()
            raise Busy("The file is being written.") from gone
        except BaseException:
            await staging.discard()
            raise
        return staging

    async def resume(self, name: str, size: int) -> StagingFile:
        """See `base.Transfers`."""
        if name.startswith(".") or "/" in name:
            raise FileNotFound
        staging = self._staging(name)
        await staging.reopen(size)
        return staging


class _LocalSpool(_LocalTransfers):
    """See `base.Spool`."""

    async def put_note(self, name: str, content: bytes) -> None:
        """See `base.Spool`."""
        await self._change(
            self.disk.write_over, spooling.note_place(name), content, Place("staging", _new_name())
        )

    async def append_note(self, name: str, content: bytes) -> None:
        """See `base.Spool`."""
        await self._change(spooling.append_note, self.disk, name, content)

    async def drop_note(self, name: str) -> bool:
        """See `base.Spool`."""
        return await self._change(self._remove, spooling.note_place(name))

    async def notes(self) -> dict[str, bytes]:
        """See `base.Spool`."""
        return await self._ask(spooling.read_notes, self.disk)

    async def join(self, parts: Sequence[tuple[str, int]]) -> StagingFile:
        """See `base.Spool`."""
        name = _new_name()
        await self._change(spooling.join_parts, self.disk, parts, name)
        return await self.resume(name, sum(size for _, size in parts))

    def _remove(self, place: Place) -> bool:
        try:
            with self.disk.parent(place) as (folder, name):
                return walking.delete_tree(folder, name)
        except FileNotFoundError:
            return False


class _LocalPublishing(_LocalSpool):
    """See `base.Publishing`."""

    async def apply(self, moves: Sequence[Move]) -> None:
        """See `base.Publishing`."""
        await self._change(moving.apply, self.disk, moves)

    async def is_done(self, move: Move) -> bool:
        """See `base.Publishing`."""
        return await self._ask(moving.is_done, self.disk, move)

    async def undo(self, moves: Sequence[Move]) -> None:
        """See `base.Publishing`."""
        await self._change(moving.undo, self.disk, moves)

    async def remove(self, place: Place) -> bool:
        """See `base.Publishing`."""
        if place.area not in {"staging", "trash"}:
            raise Forbidden("What lies in a session's folder is moved to the trash first.")
        return await self._change(self._remove, place)

    async def sweep_staging(self, keep: Container[str]) -> int:
        """See `base.Publishing`."""
        in_work = {staging.name for staging in self._staged if not staging.is_discarded}
        names = await self.staged_names()
        owners = {name: name.removesuffix(spooling.NOTE_SUFFIX) for name in names}
        doomed = [name for name in names if owners[name] not in in_work and owners[name] not in keep]
        return sum([await self.remove(Place("staging", name)) for name in doomed])

    async def staged_names(self) -> list[str]:
        """See `base.Publishing`."""
        return await self._ask(self._names, Place("staging", ""))

    async def trash_names(self) -> list[str]:
        """See `base.Publishing`."""
        return await self._ask(self._names, Place("trash", ""))

    async def measure(self, place: Place) -> tuple[int, int]:
        """See `base.Publishing`."""
        return await self._ask(self._measure, place)

    def _measure(self, place: Place) -> tuple[int, int]:
        found = self.disk.stat(place)
        if found is None or not found.is_dir:
            return (0, 0) if found is None else (1, found.size)
        with self.disk.folder(place) as folder:
            return walking.measure(self.disk.resolver, folder)

    def _names(self, place: Place) -> list[str]:
        with self.disk.root(place) as root:
            return sorted(os.listdir(root))  # noqa: PTH208  (a descriptor, no path)

    async def ensure_ballast(self) -> None:
        """See `base.Publishing`."""
        await self._change(self.disk.ensure_ballast)

    async def drop_ballast(self) -> bool:
        """See `base.Publishing`."""
        return await self._change(self.disk.drop_ballast)


class LocalStore(_LocalPublishing, _LocalFolders):
    """The store of one workspace folder on a local or network disk; see `base.Store`.

    workspace: `<root_dir>/<workspace_dir>`, made by `open`. state_folder: the name in it that is ours.
    resolver, renames: what the file system is spoken to by; found out by trying when not given.
    server_root: the area 'root'; the workspace folder itself when not given.
    """


def _new_name() -> str:
    return uuid4().hex
