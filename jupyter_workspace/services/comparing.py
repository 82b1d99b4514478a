"""What the index knows against what the disk shows: the differences are found out and published.

A file that is gone and one that appeared with the same inode, size and time, or else the same digest,
are one file that was renamed. What is new or changed is hashed. Nothing is ever moved or deleted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping

from msgspec import UNSET, Struct

from jupyter_workspace.db.prints import Print
from jupyter_workspace.errors import Busy, FileNotFound, PathEscapes, WorkspaceError
from jupyter_workspace.models.file import Source
from jupyter_workspace.services.creation import session_place
from jupyter_workspace.services.noticing import Finding, Moved, Notice, Vanished
from jupyter_workspace.services.parts import Parts
from jupyter_workspace.stores.base import Stat

__all__ = ["Comparison", "Picture", "hashed"]

_log = logging.getLogger(__name__)

#: Findings that are published together, so that a scan's news come in pieces.
BATCH = 200

#: Files hashed at the same time.
LANES = 2


class Picture(Struct, frozen=True, kw_only=True):
    """A part of a session: the entries and the files of the same paths; only differences count.

    `doubtful` paths are not forgotten when they are gone: they may be half of a rename.
    """

    known: Mapping[str, Print]
    seen: Mapping[str, Stat]
    doubtful: Collection[str] = frozenset()


async def hashed(parts: Parts, session_id: str, path: str, source: Source) -> Finding:
    """The file as it is now; raises FileNotFound, Busy when it changes meanwhile."""
    digest, stat = await parts.store.digest(session_place(session_id, path))
    return Finding(path=path, digest=digest, stat=stat, source=source, metadata=UNSET, provenance=UNSET)


class Comparison:
    """One comparison; `created`, `updated` and `deleted` count.

    `busy` are files still being written, `missing` the doubtful ones that are gone.
    """

    def __init__(self, parts: Parts, session_id: str, picture: Picture) -> None:
        self._parts = parts
        self._session_id = session_id
        self._picture = picture
        self.created = 0
        self.updated = 0
        self.deleted = 0
        self.busy: set[str] = set()
        self.missing: set[str] = set()

    async def run(self) -> None:
        """Publishes all differences."""
        # Of a large session that takes a while, in which others get their turn.
        gone, fresh, changed, same_inode = await asyncio.to_thread(_differences, self._picture)
        await self._move(same_inode)
        await self._hash(fresh, changed, gone)
        self.missing = {path for path in gone if path in self._picture.doubtful}
        await self._forget([path for path in gone if path not in self.missing])

    async def _move(self, pairs: dict[str, str]) -> None:
        items = list(pairs.items())
        for start in range(0, len(items), BATCH):
            moved = Moved(self._parts, self._session_id, items[start : start + BATCH])
            self.updated += await self._parts.publisher.publish(moved)

    async def _hash(self, fresh: list[str], changed: list[str], gone: dict[str, Print]) -> None:
        """Makes files known; what turns out to be a copy of a file that is gone takes its place in `gone`.

        While one batch is published the next is hashed.
        """
        by_digest: dict[str, list[str]] = {}
        for path, entry in gone.items():
            if entry.sha256 is not None and entry.size:
                by_digest.setdefault(entry.sha256, []).append(path)
        paths, new = [*fresh, *changed], set(fresh)
        publishing: asyncio.Task[None] | None = None
        for start in range(0, len(paths), BATCH):
            found = await self._hash_some(paths[start : start + BATCH])
            renamed: dict[str, str] = {}
            for finding in found:
                olds = by_digest.get(finding.digest.sha256, [])
                if finding.path in new and len(olds) == 1:
                    renamed[olds.pop()] = finding.path
            for old in renamed:
                del gone[old]
            if publishing is not None:
                await publishing
            publishing = asyncio.create_task(self._publish(found, renamed))
        if publishing is not None:
            await publishing

    async def _publish(self, found: list[Finding], renamed: dict[str, str]) -> None:
        await self._move(renamed)
        notice = Notice(self._parts, self._session_id, found, force=True)
        known = await self._parts.publisher.publish(notice)
        for entry, is_new in known:
            self.created += is_new
            # A file that was only touched is known by its new time, and is no news.
            before = self._picture.known.get(entry.path)
            self.updated += before is not None and before.sha256 not in {None, entry.sha256}
        self.busy |= {finding.path for finding in found} - {entry.path for entry, _ in known}

    async def _hash_some(self, paths: Iterable[str]) -> list[Finding]:
        todo = iter(paths)
        found: list[Finding] = []

        async def lane() -> None:
            for path in todo:
                try:
                    found.append(await hashed(self._parts, self._session_id, path, "watch"))
                except Busy:
                    self.busy.add(path)
                except (FileNotFound, PathEscapes):
                    continue  # gone again: the next look will see
                except WorkspaceError:
                    _log.warning("A file of session %s cannot be read.", self._session_id)

        await asyncio.gather(*(lane() for _ in range(LANES)))
        return sorted(found, key=lambda finding: finding.path)

    async def _forget(self, lost: list[str]) -> None:
        for start in range(0, len(lost), BATCH):
            vanished = Vanished(self._parts, self._session_id, lost[start : start + BATCH])
            self.deleted += await self._parts.publisher.publish(vanished)


def _differences(picture: Picture) -> tuple[dict[str, Print], list[str], list[str], dict[str, str]]:
    """What is gone, what is new, what was changed, and old to new path of what was only renamed."""
    known, seen = picture.known, picture.seen
    gone = {path: known[path] for path in known.keys() - seen.keys()}
    fresh = {path: seen[path] for path in seen.keys() - known.keys()}
    changed = [path for path in known.keys() & seen.keys() if _is_changed(known[path], seen[path])]
    by_identity = {(one.inode, one.size, one.mtime_ns): path for path, one in gone.items()}
    renamed: dict[str, str] = {}
    for path, stat in fresh.items():
        old = by_identity.pop((stat.inode, stat.size, stat.mtime_ns), None)
        if old is not None:
            renamed[old] = path
    for old, new in renamed.items():
        del gone[old], fresh[new]
    return gone, sorted(fresh), sorted(changed), renamed


def _is_changed(known: Print, seen: Stat) -> bool:
    """Whether it must be hashed: also when it never was, as after a restore of what somebody had edited."""
    if known.sha256 is None:
        return True
    return (known.size, known.mtime_ns, known.inode) != (seen.size, seen.mtime_ns, seen.inode)
