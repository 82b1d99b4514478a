"""The composition root: the one place that knows which part is which.

`open_workspace` turns settings into parts, starts what runs in the background, and ends it in the
reverse order. The status says how far the start has come: reads wait for 'opening' to end, writes for
'rebuilding', too.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

from msgspec import Struct

from jupyter_workspace.db.engine import DAMAGED, Database
from jupyter_workspace.errors import Starting, WorkspaceError
from jupyter_workspace.integrations.base import (
    Bus,
    NoBus,
    NoNotebooks,
    NoScanner,
    Notebooks,
    Scanner,
    Watcher,
)
from jupyter_workspace.integrations.previewer import Previewer
from jupyter_workspace.integrations.watcher import FolderWatcher
from jupyter_workspace.models.service import Problem
from jupyter_workspace.policy.naming import STATE_FOLDER, new_token
from jupyter_workspace.services.announcing import Announcing
from jupyter_workspace.services.archives import Archives
from jupyter_workspace.services.artifacts import Artifacts
from jupyter_workspace.services.delivery import Delivery
from jupyter_workspace.services.events import EventLog
from jupyter_workspace.services.folders import Folders
from jupyter_workspace.services.ingest import Ingest
from jupyter_workspace.services.ledger import Ledger
from jupyter_workspace.services.manifest import Manifests
from jupyter_workspace.services.parts import Parts
from jupyter_workspace.services.previews import Previews
from jupyter_workspace.services.publisher import Publisher
from jupyter_workspace.services.reconcile import Reconcile
from jupyter_workspace.services.recovery import UNREADABLE, Recovery
from jupyter_workspace.services.registration import Registration
from jupyter_workspace.services.remnants import Remnants
from jupyter_workspace.services.room import Room
from jupyter_workspace.services.sessions import Sessions
from jupyter_workspace.services.settings import Settings
from jupyter_workspace.services.spools import Spools
from jupyter_workspace.services.trash import Trash
from jupyter_workspace.services.uploads import Uploads
from jupyter_workspace.services.watching import Watching
from jupyter_workspace.stores.beneath import make_lasting
from jupyter_workspace.stores.journals import JournalFiles
from jupyter_workspace.stores.local import LocalStore
from jupyter_workspace.stores.locks import FolderLock
from jupyter_workspace.stores.previews import PreviewFiles

__all__ = ["Places", "Workspace", "open_workspace"]

_log = logging.getLogger(__name__)
T = TypeVar("T")

#: How long a clean stop may take before tasks are cancelled, in seconds.
STOP_SECONDS = 8.0

#: Made previews are kept up to this many bytes.
PREVIEW_BYTES = 256 * 2**20

#: How long a background task that failed rests before it is started again, in seconds.
PAUSE_SECONDS = 1.0

_NO_LOCKS = "The disk has no file locks. Make sure that only one server uses this workspace folder."


class Places(Struct, frozen=True, kw_only=True):
    """Where things are on this machine: the server's root, and the index (a file, or a URL)."""

    root: Path
    database_file: Path | None = None
    database_url: str | None = None


@dataclass(kw_only=True)
class Workspace:
    """An open workspace: its services, and how it is."""

    parts: Parts
    database: Database
    sessions: Sessions
    artifacts: Artifacts
    registration: Registration
    ingest: Ingest
    room: Room
    spools: Spools
    uploads: Uploads
    delivery: Delivery
    folders: Folders
    previews: Previews
    archives: Archives
    reconcile: Reconcile
    watching: Watching | None
    announcing: Announcing
    manifests: Manifests
    trash: Trash
    recovery: Recovery
    status: Literal["rebuilding", "ok", "degraded"] = "rebuilding"
    notices: list[Problem]
    _started: asyncio.Event = field(default_factory=asyncio.Event)

    def problems(self) -> list[Problem]:
        """All that a person should know."""
        return [
            *self.notices,
            *self.recovery.problems,
            *self.reconcile.problems.values(),
            *(self.watching.problems.values() if self.watching is not None else ()),
            *self.parts.log.problems.values(),
            *self.manifests.problems.values(),
        ]

    def set_status(self, status: Literal["ok", "degraded"]) -> None:
        """Says that the start is over: from now on there may be writes."""
        self.status = status
        self._started.set()

    async def writable(self, seconds: float) -> None:
        """Returns when there may be writes; raises Starting when that takes longer than `seconds`."""
        try:
            await asyncio.wait_for(self._started.wait(), seconds)
        except TimeoutError as error:
            raise Starting from error


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id(prefix: str) -> str:
    return f"{prefix}_{new_token(os.urandom(16))}"


@asynccontextmanager
async def open_workspace(
    settings: Settings,
    places: Places,
    *,
    scanner: Scanner | None = None,
    notebooks: Notebooks | None = None,
    bus: Bus | None = None,
    clock: Callable[[], datetime] = _now,
    new_id: Callable[[str], str] = _new_id,
) -> AsyncIterator[Workspace]:
    """An open workspace; everything it started has ended when the block is left.

    The block is entered as soon as sessions can be read; `status` says when they can be written.
    """
    base = places.root / settings.workspace_dir
    store = LocalStore(base, state_folder=STATE_FOLDER, server_root=places.root)
    journals = JournalFiles(base / STATE_FOLDER)
    database = Database(places.database_file, places.database_url)
    previewer = Previewer()
    lock = FolderLock(base / STATE_FOLDER)
    await store.open()
    try:
        is_locked = await lock.take()
        if places.database_file is not None and places.database_url is None:
            # With the name of its folder the index would go. What else is wrong there the index tells.
            with contextlib.suppress(OSError):
                await asyncio.to_thread(make_lasting, places.database_file.parent, 0o700)
        opened = await database.open()
        outside = _Outside(
            root=places.root,
            scanner=scanner or NoScanner(),
            notebooks=notebooks or NoNotebooks(),
            bus=bus or NoBus(),
            watcher=None if settings.watch_polling else FolderWatcher(base),
            previewer=previewer,
            preview_files=PreviewFiles(base / STATE_FOLDER, PREVIEW_BYTES),
            clock=clock,
            new_id=new_id,
        )
        workspace = _assemble(settings, store, Ledger(database, journals, store.drop_ballast), outside)
        if opened.problem is not None:
            workspace.notices.append(Problem(code="index_degraded", message=opened.problem))
        if not is_locked:
            workspace.notices.append(Problem(code="no_locks", message=_NO_LOCKS))
        tasks = [asyncio.create_task(_start(workspace), name="jupyter_workspace.start")]
        try:
            yield workspace
        finally:
            await _stop(workspace, tasks)
    finally:
        await previewer.close()
        await database.close()
        await journals.close()
        await store.close()
        lock.release()


@dataclass(frozen=True, kw_only=True)
class _Outside:
    """What comes from outside: other programs, time and chance."""

    root: Path
    scanner: Scanner
    notebooks: Notebooks
    bus: Bus
    watcher: Watcher | None
    previewer: Previewer
    preview_files: PreviewFiles
    clock: Callable[[], datetime]
    new_id: Callable[[str], str]


def _assemble(settings: Settings, store: LocalStore, ledger: Ledger, outside: _Outside) -> Workspace:
    log = EventLog(ledger, outside.clock)
    parts = Parts(
        settings=settings,
        root=outside.root,
        store=store,
        ledger=ledger,
        publisher=Publisher(ledger, store, log, settings, outside.new_id),
        log=log,
        clock=outside.clock,
        new_id=outside.new_id,
    )
    remnants = Remnants(store)
    trash = Trash(ledger, store, settings, remnants)
    reconcile = Reconcile(parts)
    sessions = Sessions(parts, reconcile.scan, outside.notebooks, remnants)
    delivery = Delivery(parts, reconcile)
    room = Room(ledger, store, settings, trash, remnants)
    ingest = Ingest(parts, room, outside.scanner)
    spools = Spools(parts, room, ingest)
    return Workspace(
        parts=parts,
        database=ledger.database,
        sessions=sessions,
        artifacts=Artifacts(parts, trash, delivery),
        registration=Registration(parts, ingest, outside.notebooks),
        ingest=ingest,
        room=room,
        spools=spools,
        uploads=Uploads(parts, room, spools),
        delivery=delivery,
        folders=Folders(parts, reconcile),
        previews=Previews(delivery, outside.previewer, outside.preview_files, outside.clock),
        archives=Archives(parts, delivery, reconcile),
        reconcile=reconcile,
        watching=Watching(parts, reconcile, outside.watcher) if settings.watch else None,
        announcing=Announcing(parts, outside.bus),
        manifests=Manifests(parts),
        trash=trash,
        recovery=Recovery(ledger, ledger.journals),
        notices=[],
    )


async def _start(workspace: Workspace) -> None:
    """Ends what a dead server left, then runs the background work; cancelled to stop."""
    parts = workspace.parts
    # Until that is done nothing may be written: old promises could not be told from new ones.
    live = await _at_last(lambda: parts.ledger.insist(partial(_bring_in_order, workspace)))
    workspace.set_status("degraded" if workspace.notices else "ok")
    async with asyncio.TaskGroup() as group:
        for run in (
            parts.publisher.run,
            workspace.manifests.run,
            workspace.trash.run,
            workspace.spools.run,
            workspace.room.run,
        ):
            group.create_task(_forever(run))
        group.create_task(_forever(workspace.announcing.run))
        group.create_task(_forever(partial(_follow, workspace, live)))


async def _bring_in_order(workspace: Workspace) -> list[str]:
    """Makes index, journals and disk agree; gives the ids of live sessions. May be done again."""
    failed = Problem(code="start_failed", message="The workspace could not yet be brought in order.")
    try:
        live = await _agree(workspace)
    except (WorkspaceError, OSError):
        if failed not in workspace.notices:
            workspace.notices.append(failed)
        raise
    except UNREADABLE as error:
        if not await workspace.database.start_over():
            raise
        _log.warning("The index cannot be read (%s) and is made again from the journals.", error)
        workspace.notices.append(Problem(code="index_degraded", message=DAMAGED))
        live = await _agree(workspace)
    workspace.notices = [problem for problem in workspace.notices if problem != failed]
    return live


async def _agree(workspace: Workspace) -> list[str]:
    parts = workspace.parts
    await parts.ledger.catch_up()
    live = await workspace.recovery.run()
    await workspace.announcing.begin()
    await parts.publisher.recover()
    await parts.store.sweep_staging(await workspace.spools.restore())
    if workspace.recovery.is_complete:
        await workspace.trash.drop_unknown()
    return live


async def _forever(run: Callable[[], Awaitable[None]]) -> None:
    """Runs a background task, and again when it ends."""
    while True:
        await _at_last(run)


async def _at_last(run: Callable[[], Awaitable[T]]) -> T:
    """What it gives; after a failure it is tried again: one bad round must not end the service."""
    while True:
        try:
            return await run()
        except Exception:  # noqa: BLE001  (a background task's loop)
            _log.exception("A background task failed; it is started again.")
            await asyncio.sleep(PAUSE_SECONDS)


async def _follow(workspace: Workspace, live: Sequence[str]) -> None:
    """Follows what happens in the sessions' folders, which may have changed while no server ran."""
    workspace.manifests.changed(frozenset(live))
    if workspace.watching is not None:
        await workspace.watching.run({*live, *workspace.reconcile.folders})
    for session_id in live:
        await asyncio.wait([workspace.reconcile.scan_soon(session_id)])
    await asyncio.Event().wait()


async def _stop(workspace: Workspace, tasks: list[asyncio.Task[None]]) -> None:
    with contextlib.suppress(WorkspaceError, TimeoutError):
        await asyncio.wait_for(workspace.spools.close(), STOP_SECONDS)
    workspace.parts.log.close()
    await workspace.reconcile.close()
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=STOP_SECONDS)
    with contextlib.suppress(WorkspaceError, TimeoutError):
        await asyncio.wait_for(workspace.manifests.flush(), STOP_SECONDS)
