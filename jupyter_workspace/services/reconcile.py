"""The disk is what the user edits behind our back; here the index follows it.

`scan` compares a whole session with its folder, now. `rescan` does the same but leaves alone what was
written a moment ago, and `look` compares just some paths: these two are for the watcher, which comes
again. Which folders a session has is remembered from each of them, for whoever watches folders.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from msgspec.structs import replace

from jupyter_workspace.db.engine import Transaction
from jupyter_workspace.db.prints import Print
from jupyter_workspace.errors import Busy, FileNotFound, NotADirectory, PathEscapes, SessionNotFound
from jupyter_workspace.models.artifact import ScanResult
from jupyter_workspace.models.entry import Entry
from jupyter_workspace.models.service import Problem
from jupyter_workspace.policy.naming import is_ignored, is_legal, is_reserved
from jupyter_workspace.services.comparing import Comparison, Picture, hashed
from jupyter_workspace.services.creation import is_unchanged, joined, session_place
from jupyter_workspace.services.noticing import Notice, Vanished
from jupyter_workspace.services.parts import Parts
from jupyter_workspace.stores.base import Stat, Walk

__all__ = ["QUIET_SECONDS", "Reconcile", "is_watched"]

_log = logging.getLogger(__name__)

#: A file that was not written to for this long, in seconds, is taken to be finished (API.md, 11.35).
QUIET_SECONDS = 0.5

#: A folder that appears with more files than this is left to a scan of the whole session.
LARGE_FOLDER = 2000

#: So are more folders than this that came or went together.
MANY_FOLDERS = 20


class _TooMuch(Exception):
    """There is more to look at than a look is for."""


class Reconcile:
    """Brings index and disk together."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._turns: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[ScanResult]] = set()
        self.problems: dict[str, Problem] = {}
        self._missing: dict[str, set[str]] = {}
        #: the folders beneath each session's own, as they were last seen
        self.folders: dict[str, frozenset[str]] = {}

    # whole sessions

    async def scan(self, session_id: str) -> ScanResult:
        """Compares one session with its folder; one comparison of a session at a time.

        A scan that met its limit reports no deletions: it does not know what it did not see.
        Raises SessionNotFound.
        """
        async with self._turn(session_id):
            return (await self._scan(session_id, ()))[0]

    async def rescan(self, session_id: str) -> bool:
        """The same, but for files that are not settled; whether there were any. Raises SessionNotFound."""
        async with self._turn(session_id):
            return bool(await self._scan_settled(session_id))

    async def survey(self, session_id: str) -> None:
        """Finds out which folders there are, and nothing else."""
        await self._walk(session_id)

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

    async def _scan_settled(self, session_id: str) -> set[str]:
        """The files that were left out, because somebody writes to them."""
        walk = await self._walk(session_id)
        unsettled = self._unsettled(walk.files)
        _, busy = await self._scan(session_id, unsettled, walk)
        return unsettled | busy

    async def _scan(
        self, session_id: str, unsettled: Collection[str], walk: Walk | None = None
    ) -> tuple[ScanResult, set[str]]:
        """What was found, and what is still being written."""
        walk = walk or await self._walk(session_id)
        async with self._session(session_id) as tx:
            referred = await tx.prints.referred(session_id)
        known = await self._prints(session_id)
        seen = await self._listable(session_id, walk, referred)
        if walk.truncated:
            known = {path: entry for path, entry in known.items() if path in seen}
        comparison = Comparison(self._parts, session_id, _without(unsettled, known, seen))
        await comparison.run()
        result = ScanResult(
            created=comparison.created,
            updated=comparison.updated,
            deleted=comparison.deleted,
            truncated=walk.truncated,
        )
        return result, comparison.busy

    async def _prints(self, session_id: str) -> dict[str, Print]:
        """What the index knows of the files in the folder.

        It is read in pieces, between which others write. That is no harm: whatever the disk then seems to
        say is looked at again where it is published.
        """
        known: dict[str, Print] = {}
        after: str | None = ""
        while after is not None:
            async with self._parts.ledger.reading() as tx:
                part, after = await tx.prints.in_folder(session_id, after)
            known.update(part)
        return known

    async def _walk(self, session_id: str) -> Walk:
        try:
            walk = await self._parts.store.walk(
                session_id, ignored=_is_ignored, limit=self._parts.settings.scan_limit
            )
        except FileNotFound:
            # The user deleted the whole folder: all its files are gone, the session is not.
            walk = Walk(files={}, folders=[], unreadable=0, truncated=False)
        self.folders[session_id] = frozenset(walk.folders)
        return walk

    async def _listable(self, session_id: str, walk: Walk, referred: Collection[str]) -> dict[str, Stat]:
        """The files that can be listed.

        Names that no upload could have, and paths under which a reference is listed, are a problem to report.
        """
        seen = await asyncio.to_thread(_legal, walk.files)
        for path in seen.keys() & referred:
            del seen[path]
        illegal = len(walk.files) - len(seen) + walk.unreadable
        key = f"unlisted {session_id}"
        if illegal:
            message = f"{illegal} file(s) have names that cannot be listed, or those of references."
            self.problems[key] = Problem(code="names_unlisted", message=message, session_id=session_id)
        else:
            self.problems.pop(key, None)
        return seen

    def _unsettled(self, files: dict[str, Stat]) -> set[str]:
        """Files written to less than `QUIET_SECONDS` ago; a time in the future says nothing."""
        now = int(self._parts.clock().timestamp() * 1e9)
        quiet = int(QUIET_SECONDS * 1e9)
        return {path for path, stat in files.items() if 0 <= now - stat.mtime_ns < quiet}

    @asynccontextmanager
    async def _session(self, session_id: str) -> AsyncIterator[Transaction]:
        """A transaction to read in; raises SessionNotFound."""
        async with self._parts.ledger.reading() as tx:
            session = await tx.sessions.find(session_id)
            if session is None or session.deleted_at is not None:
                raise SessionNotFound(session_id=session_id)
            yield tx

    @asynccontextmanager
    async def _turn(self, session_id: str) -> AsyncIterator[None]:
        async with self._turns.setdefault(session_id, asyncio.Lock()):
            try:
                yield
            except SessionNotFound:
                self.folders.pop(session_id, None)
                self._missing.pop(session_id, None)
                raise

    # single paths

    async def look(self, session_id: str, paths: Collection[str]) -> tuple[set[str], set[str]]:
        """Compares just these paths, folders with all they hold; gives those to look at again.

        First files that are not settled, then files that are gone: only when one of these is asked for a
        second time is it forgotten, since until then its new name may come. Raises SessionNotFound.
        """
        async with self._turn(session_id):
            missing = self._missing.pop(session_id, set())
            try:
                seen, folders = await self._seen_at(session_id, paths)
            except _TooMuch:
                return await self._scan_settled(session_id), set()
            unsettled = self._unsettled(seen)
            async with self._session(session_id) as tx:
                entries = [*(await tx.files.at_paths(session_id, [*missing.union(paths)])).values()]
                for folder in folders:
                    entries += await tx.files.beneath(session_id, folder)
            for entry in entries:
                if entry.storage == "reference":
                    seen.pop(entry.path, None)
            known = {entry.path: Print.of(entry) for entry in entries if entry.storage == "local"}
            picture = _without(unsettled, known, seen)
            doubtful = known.keys() - missing.intersection(paths)
            comparison = Comparison(self._parts, session_id, replace(picture, doubtful=doubtful))
            await comparison.run()
            if comparison.missing:
                self._missing[session_id] = comparison.missing
            return unsettled | comparison.busy, comparison.missing

    async def note(self, session_id: str, path: str) -> None:
        """Makes known what is at a path and in it, however fresh; forgets nothing. Raises SessionNotFound."""
        if not is_watched(path):
            return
        async with self._turn(session_id):
            try:
                seen, folders = await self._seen_at(session_id, [path])
            except _TooMuch:
                await self._scan(session_id, ())
                return
            async with self._session(session_id) as tx:
                entries = [*(await tx.files.at_paths(session_id, [path])).values()]
                for folder in folders:
                    entries += await tx.files.beneath(session_id, folder)
            listed = {entry.path for entry in entries}
            fresh = {path: stat for path, stat in seen.items() if path not in listed}
            await Comparison(self._parts, session_id, Picture(known={}, seen=fresh)).run()

    async def _seen_at(self, session_id: str, paths: Collection[str]) -> tuple[dict[str, Stat], list[str]]:
        """The files at these paths and in these folders, and the folders among them, gone ones too."""
        seen: dict[str, Stat] = {}
        present: set[str] = set()
        by_folder: dict[str, list[str]] = {}
        for path in paths:
            folder, _, name = path.rpartition("/")
            by_folder.setdefault(folder, []).append(name)
        for folder, names in by_folder.items():
            for name, stat in (await self._stats(session_id, folder, names)).items():
                path = joined(folder, name)
                if stat.is_dir:
                    present.add(path)
                    await self._seen_in(session_id, path, seen, present)
                elif _is_file(stat) and is_legal(name):
                    seen[path] = stat
        old = self.folders.get(session_id, frozenset())
        gone = old.intersection(paths) - present
        folders = [path for path in gone | present.intersection(paths) if not _is_beneath(path, gone)]
        if len(folders) > MANY_FOLDERS:
            raise _TooMuch
        if gone or present - old:
            kept = {path for path in old if path not in gone and not _is_beneath(path, gone)}
            self.folders[session_id] = frozenset(kept | present)
        return seen, folders

    async def _seen_in(self, session_id: str, folder: str, seen: dict[str, Stat], folders: set[str]) -> None:
        """Adds what a folder holds; raises _TooMuch when that is a lot."""
        pending = [folder]
        while pending:
            inner = pending.pop()
            try:
                listing = await self._parts.store.list_folder(session_id, inner)
            except (FileNotFound, NotADirectory, PathEscapes):
                continue
            for name, stat in listing.entries:
                path = joined(inner, name)
                if _is_ignored(path):
                    continue
                if stat.is_dir:
                    folders.add(path)
                    pending.append(path)
                elif _is_file(stat) and all(map(is_legal, path.split("/"))):
                    seen[path] = stat
                if len(seen) + len(folders) > LARGE_FOLDER:
                    raise _TooMuch

    async def _stats(self, session_id: str, folder: str, names: list[str]) -> dict[str, Stat]:
        try:
            return await self._parts.store.stats(session_id, folder, names)
        except (FileNotFound, NotADirectory, PathEscapes):
            return {}

    async def refresh(self, entry: Entry) -> Entry:
        """The file as it is on the disk now, known again if it changed.

        Raises FileNotFound when it is gone, Busy when it is being written.
        """
        try:
            found = await self._parts.store.stat(session_place(entry.session_id, entry.path))
        except PathEscapes:
            # A link stands in the place of one of its folders.
            found = None
        if found is None or not _is_file(found):
            await self._parts.publisher.publish(Vanished(self._parts, entry.session_id, [entry.path]))
            raise FileNotFound(path=entry.path)
        if is_unchanged(entry, found) and entry.sha256 is not None:
            return entry
        finding = await hashed(self._parts, entry.session_id, entry.path, "watch")
        notice = Notice(self._parts, entry.session_id, [finding], force=True)
        known = await self._parts.publisher.publish(notice)
        if not known:
            raise Busy("The file is being changed.")
        return known[0][0]


def _without(unsettled: Collection[str], known: dict[str, Print], seen: dict[str, Stat]) -> Picture:
    """What is compared: all but the files that somebody is writing to."""
    if not unsettled:
        return Picture(known=known, seen=seen)
    return Picture(
        known={path: entry for path, entry in known.items() if path not in unsettled},
        seen={path: stat for path, stat in seen.items() if path not in unsettled},
    )


def _legal(files: dict[str, Stat]) -> dict[str, Stat]:
    """Those that an upload could have the names of."""
    return {path: stat for path, stat in files.items() if all(map(is_legal, path.split("/")))}


def _is_beneath(path: str, folders: Collection[str]) -> bool:
    """Whether one of these folders holds it, at any depth."""
    while path := path.rpartition("/")[0]:
        if path in folders:
            return True
    return False


def _is_file(stat: Stat) -> bool:
    return not (stat.is_dir or stat.is_link or stat.is_special)


def is_watched(path: str) -> bool:
    """Whether a path of a session may be that of a file, or a folder, that is listed."""
    components = path.split("/")
    return not (any(map(is_ignored, components)) or is_reserved(tuple(components)))


def _is_ignored(path: str) -> bool:
    return is_ignored(path.rpartition("/")[2]) or is_reserved(tuple(path.split("/")))
