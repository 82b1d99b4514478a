"""What goes for good when its time or its room is over: trash, old keys, and what nobody knows any more."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from jupyter_workspace.errors import WorkspaceError
from jupyter_workspace.models.entry import SessionEntry
from jupyter_workspace.policy.retention import Candidate, due_by_age, due_by_size
from jupyter_workspace.services.ledger import Ledger
from jupyter_workspace.services.remnants import Remnants, is_remnant
from jupyter_workspace.services.settings import Settings
from jupyter_workspace.stores.base import Place, Store

__all__ = ["KEY_LIFE", "Trash"]

_log = logging.getLogger(__name__)

#: How often the trash is looked through, in seconds.
SWEEP_SECONDS = 3600.0

#: How long an Idempotency-Key is kept (API.md, section 4).
KEY_LIFE = timedelta(hours=24)


class Trash:
    """Ends what is in the trash."""

    def __init__(self, ledger: Ledger, store: Store, settings: Settings, remnants: Remnants) -> None:
        self._ledger = ledger
        self._store = store
        self._remnants = remnants
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
        """Purges what is due by age or size, and folders that hold nothing."""
        async with self._ledger.writing() as tx:
            await tx.keys.drop_before(now - KEY_LIFE)
        candidates = await self.candidates()
        keep = timedelta(days=self._settings.trash_days)
        due = {
            *due_by_age(candidates, now=now, keep=keep),
            *due_by_size(candidates, limit=self._settings.trash_size),
            *(remnant.name for remnant in await self._remnants.all() if not remnant.files),
        }
        if due:
            await self.purge(sorted(due))

    async def candidates(
        self, *, session: SessionEntry | None = None, owner: str | None = None
    ) -> list[Candidate]:
        """What could be purged: of one session, of the sessions of one owner, or of all."""
        session_id = None if session is None else session.session_id
        async with self._ledger.reading() as tx:
            trash = await tx.discarded.candidates(session_id=session_id, owner=owner)
            owned = None if owner is None else await tx.sessions.ids_of(owner)
        remnants = [
            remnant
            for remnant in await self._remnants.all()
            if (owned is None or remnant.session_id in owned)
            and (session_id is None or (remnant.session_id == session_id and not remnant.is_session))
        ]
        return [
            *(Candidate(key=one.artifact_id, since=one.since, size=one.size) for one in trash),
            *(Candidate(key=one.name, since=one.since, size=one.size) for one in remnants),
        ]

    async def purge(self, keys: list[str]) -> None:
        """Ends these, by their ids or names: first the index forgets them, then their bytes go.

        Not while a publication is under way: it may be bringing back the very thing that goes.
        """
        async with self._ledger.publishing:
            for name in await self._ledger.insist(lambda: self._forget(keys)):
                await self._store.remove(Place("trash", name))

    async def _forget(self, keys: list[str]) -> list[str]:
        """Takes these out of the index; gives the names of what nobody can ask for any more."""
        doomed = [key for key in keys if is_remnant(key)]
        async with self._ledger.writing() as tx:
            for entry in await tx.discarded.of(keys):
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
            known = set(await tx.discarded.ids())
        names = await self._store.trash_names()
        unknown = [name for name in names if name not in known and not is_remnant(name)]
        for name in unknown:
            await self._store.remove(Place("trash", name))
        return len(unknown)
