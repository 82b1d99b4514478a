"""What goes for good when its time or its room is over: trash, old keys, and what nobody knows any more."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from jupyter_workspace.errors import WorkspaceError
from jupyter_workspace.policy.retention import Candidate, due_by_age, due_by_size
from jupyter_workspace.services.ledger import Ledger
from jupyter_workspace.services.settings import Settings
from jupyter_workspace.stores.base import Place, Store

__all__ = ["KEY_LIFE", "Trash", "folder_name"]

_log = logging.getLogger(__name__)

#: How often the trash is looked through, in seconds.
SWEEP_SECONDS = 3600.0

#: How long an Idempotency-Key is kept (API.md, section 4).
KEY_LIFE = timedelta(hours=24)

_FOLDER = "session"


def folder_name(session_id: str, moment: datetime, token: str) -> str:
    """The name in the trash of a deleted session's folder; it says since when it is there."""
    return f"{_FOLDER}.{int(moment.timestamp())}.{token}.{session_id}"


class Trash:
    """Ends what is in the trash."""

    def __init__(self, ledger: Ledger, store: Store, settings: Settings) -> None:
        self._ledger = ledger
        self._store = store
        self._settings = settings

    async def run(self) -> None:
        """Sweeps now and then until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self.sweep(datetime.now(UTC))
            except WorkspaceError:
                _log.exception("The trash could not be swept.")

    async def sweep(self, now: datetime) -> None:
        """Purges what is due by age or size, and folders of sessions deleted long ago."""
        async with self._ledger.writing() as tx:
            await tx.keys.drop_before(now - KEY_LIFE)
            trash = await tx.files.trash()
        candidates = [
            Candidate(key=entry.artifact_id, since=entry.deleted_at or now, size=entry.size)
            for entry in trash
        ]
        keep = timedelta(days=self._settings.trash_days)
        due = {
            *due_by_age(candidates, now=now, keep=keep),
            *due_by_size(candidates, limit=self._settings.trash_size),
        }
        if due:
            await self.purge(sorted(due))
        for name in await self._store.trash_names():
            since = _since(name)
            if since is not None and keep and since + keep <= now:
                await self._store.remove(Place("trash", name))

    async def purge(self, artifact_ids: list[str]) -> None:
        """Ends these: first the index forgets them, then their bytes go.

        Not while a publication is under way: it may be bringing back the very thing that goes.
        """
        async with self._ledger.publishing:
            for artifact_id in await self._ledger.insist(lambda: self._forget(artifact_ids)):
                await self._store.remove(Place("trash", artifact_id))

    async def _forget(self, artifact_ids: list[str]) -> list[str]:
        """Takes these out of the index; gives the names of what nobody can ask for any more."""
        doomed: list[str] = []
        async with self._ledger.writing() as tx:
            wanted = set(artifact_ids)
            for entry in await tx.files.trash():
                if entry.artifact_id not in wanted:
                    continue
                current = await tx.files.find(entry.session_id, entry.attachment_id)
                if current is not None and current.artifact_id != entry.artifact_id:
                    await tx.files.put_version(entry, replace(entry, kept="gone"))
                    doomed.append(entry.artifact_id)
                elif current is not None:
                    doomed += [old.artifact_id for old in await tx.files.versions_of(entry.attachment_id)]
                    doomed.append(entry.artifact_id)
                    await tx.files.drop(entry)
        return doomed

    async def drop_unknown(self) -> int:
        """Removes bytes that no row knows: what a crash left of a purge. How many there were."""
        async with self._ledger.reading() as tx:
            known: set[str] = {entry.artifact_id for entry in await tx.files.trash()}
        unknown = [
            name for name in await self._store.trash_names() if name not in known and _since(name) is None
        ]
        for name in unknown:
            await self._store.remove(Place("trash", name))
        return len(unknown)


def _since(name: str) -> datetime | None:
    """When a folder came into the trash, by its name; None for the bytes of a file."""
    kind, _, rest = name.partition(".")
    seconds = rest.partition(".")[0]
    if kind != _FOLDER or not seconds.isascii() or not seconds.isdigit():
        return None
    return datetime.fromtimestamp(int(seconds), UTC)
