"""The disk is what the user edits behind our back; here the index follows it.

A scan walks a session's folder and compares. A file that is gone and one that appeared with the same
inode, size and time, or else the same digest, are one file that was renamed. What is new or changed
is hashed; what is still being written is left for the next scan. Nothing is ever moved or deleted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence

from msgspec import UNSET

from jupyter_workspace.errors import Busy, FileNotFound, PathEscapes, SessionNotFound, WorkspaceError
from jupyter_workspace.models.artifact import ScanResult
from jupyter_workspace.models.entry import Entry
from jupyter_workspace.models.file import Source
from jupyter_workspace.models.service import Problem
from jupyter_workspace.policy.naming import is_ignored, is_legal, is_reserved
from jupyter_workspace.services.creation import is_unchanged, session_place
from jupyter_workspace.services.noticing import Finding, Moved, Notice, Vanished
from jupyter_workspace.services.parts import Parts
from jupyter_workspace.stores.base import Stat, Walk

__all__ = ["Reconcile"]

_log = logging.getLogger(__name__)

#: Findings that are published together, so that a scan's news come in pieces.
BATCH = 200

#: Files hashed at the same time.
LANES = 2


class Reconcile:
    """Brings index and disk together."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._turns: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[ScanResult]] = set()
        self.problems: dict[str, Problem] = {}

    async def scan(self, session_id: str) -> ScanResult:
        """Compares one session with its folder; one scan of a session at a time.

        A scan that met its limit reports no deletions: it does not know what it did not see.
        Raises SessionNotFound.
        """
        async with self._turns.setdefault(session_id, asyncio.Lock()):
            return await self._scan(session_id)

    def scan_soon(self, session_id: str) -> asyncio.Task[ScanResult]:
        """A scan that goes on whether or not somebody waits for it."""
        task = asyncio.get_running_loop().create_task(self.scan(session_id))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def close(self) -> None:
        """Ends the scans under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[ScanResult]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.info("A scan ended early: %s", task.exception())

    async def refresh(self, entry: Entry) -> Entry:
        """The file as it is on the disk now, known again if it changed.

        Raises FileNotFound when it is gone, Busy when it is being written.
        """
        store = self._parts.store
        found = await store.stat(session_place(entry.session_id, entry.path))
        if found is None or found.is_dir or found.is_special or found.is_link:
            await self._parts.publisher.publish(Vanished(self._parts, entry.session_id, [entry.path]))
            raise FileNotFound(path=entry.path)
        if is_unchanged(entry, found) and entry.sha256 is not None:
            return entry
        finding = await self._hashed(entry.session_id, entry.path, "watch")
        notice = Notice(self._parts, entry.session_id, [finding], force=True)
        known = await self._parts.publisher.publish(notice)
        if not known:
            raise Busy("The file is being changed.")
        return known[0][0]

    async def _scan(self, session_id: str) -> ScanResult:
        walk = await self._walk(session_id)
        async with self._parts.ledger.reading() as tx:
            session = await tx.sessions.find(session_id)
            if session is None or session.deleted_at is not None:
                raise SessionNotFound(session_id=session_id)
            known = {
                entry.path: entry for entry in await tx.files.live(session_id) if entry.storage == "local"
            }
        seen = self._seen(session_id, walk)
        gone = {} if walk.truncated else {path: entry for path, entry in known.items() if path not in seen}
        fresh = [path for path in seen if path not in known]
        changed = [
            path for path, entry in known.items() if path in seen and not is_unchanged(entry, seen[path])
        ]
        moved = await self._renamed(session_id, gone, {path: seen[path] for path in fresh})
        fresh = [path for path in fresh if path not in moved.values()]
        created, updated, more_moved = await self._hash_all(
            session_id, [*fresh, *changed], set(fresh), gone, moved
        )
        lost = [path for path in gone if path not in moved and path not in more_moved]
        deleted = 0
        for start in range(0, len(lost), BATCH):
            vanished = Vanished(self._parts, session_id, lost[start : start + BATCH])
            deleted += await self._parts.publisher.publish(vanished)
        return ScanResult(
            created=created,
            updated=updated + len(moved) + len(more_moved),
            deleted=deleted,
            truncated=walk.truncated,
        )

    async def _walk(self, session_id: str) -> Walk:
        try:
            return await self._parts.store.walk(
                session_id, ignored=_is_ignored, limit=self._parts.settings.scan_limit
            )
        except FileNotFound:
            # The user deleted the whole folder: all its files are gone, the session is not.
            return Walk(files={}, folders=[], unreadable=0, truncated=False)

    def _seen(self, session_id: str, walk: Walk) -> dict[str, Stat]:
        """The files that can be listed; names that no upload could have are a problem to report."""
        seen = {path: stat for path, stat in walk.files.items() if all(map(is_legal, path.split("/")))}
        illegal = len(walk.files) - len(seen) + walk.unreadable
        key = f"unlisted {session_id}"
        if illegal:
            message = f"{illegal} file(s) have names that cannot be listed."
            self.problems[key] = Problem(code="names_unlisted", message=message, session_id=session_id)
        else:
            self.problems.pop(key, None)
        return seen

    async def _renamed(
        self, session_id: str, gone: dict[str, Entry], fresh: dict[str, Stat]
    ) -> dict[str, str]:
        """Old path to new path of files that kept inode, size and time."""
        by_identity = {(entry.inode, entry.size, entry.mtime_ns): path for path, entry in gone.items()}
        pairs: dict[str, str] = {}
        for path, stat in fresh.items():
            old = by_identity.pop((stat.inode, stat.size, stat.mtime_ns), None)
            if old is not None:
                pairs[old] = path
        await self._publish_moves(session_id, pairs)
        return pairs

    async def _publish_moves(self, session_id: str, pairs: dict[str, str]) -> None:
        items = list(pairs.items())
        for start in range(0, len(items), BATCH):
            await self._parts.publisher.publish(Moved(self._parts, session_id, items[start : start + BATCH]))

    async def _hash_all(
        self,
        session_id: str,
        paths: Sequence[str],
        fresh: set[str],
        gone: dict[str, Entry],
        moved: dict[str, str],
    ) -> tuple[int, int, dict[str, str]]:
        """(files made known, files known anew, old to new path of copies whose original is gone)."""
        by_digest: dict[str, list[str]] = {}
        for path, entry in gone.items():
            if path not in moved and entry.sha256 is not None and entry.size:
                by_digest.setdefault(entry.sha256, []).append(path)
        created = updated = 0
        pairs: dict[str, str] = {}
        for start in range(0, len(paths), BATCH):
            found = await self._hash_some(session_id, paths[start : start + BATCH])
            renamed = {}
            for finding in found:
                olds = by_digest.get(finding.digest.sha256, [])
                if finding.path in fresh and len(olds) == 1:
                    renamed[olds.pop()] = finding.path
            await self._publish_moves(session_id, renamed)
            pairs |= renamed
            known = await self._parts.publisher.publish(Notice(self._parts, session_id, found, force=True))
            created += sum(is_new for _, is_new in known)
            updated += sum(not is_new and entry.path not in renamed.values() for entry, is_new in known)
        return created, updated, pairs

    async def _hash_some(self, session_id: str, paths: Iterable[str]) -> list[Finding]:
        todo = iter(paths)
        found: list[Finding] = []

        async def lane() -> None:
            for path in todo:
                try:
                    found.append(await self._hashed(session_id, path, "watch"))
                except (Busy, FileNotFound, PathEscapes):
                    continue  # still being written, or gone again: the next scan will see
                except WorkspaceError:
                    _log.warning("A file of session %s cannot be read.", session_id)

        await asyncio.gather(*(lane() for _ in range(LANES)))
        return sorted(found, key=lambda finding: finding.path)

    async def _hashed(self, session_id: str, path: str, source: Source) -> Finding:
        digest, stat = await self._parts.store.digest(session_place(session_id, path))
        return Finding(path=path, digest=digest, stat=stat, source=source, metadata=UNSET, provenance=UNSET)


def _is_ignored(path: str) -> bool:
    return is_ignored(path.rpartition("/")[2]) or is_reserved(tuple(path.split("/")))
