"""Files become known without a call of ours: a watcher gives hints, a rescan tells the truth.

A hint is a path that somebody did something to. When it was left alone for `QUIET_SECONDS` it is
looked at. A hint may be lost, silently where the system's queue overflows, so a session with hints is
compared as a whole now and then, and one without is when the stamps of its folders say that something
came or went unheard. Where folders cannot be watched, every session is compared at each interval.

What we publish ourselves is heard of, too, and found to be known already.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Coroutine
from typing import Any

from jupyter_workspace.errors import SessionNotFound, WorkspaceError
from jupyter_workspace.integrations.base import Watcher, WatchFailed
from jupyter_workspace.models.service import Problem
from jupyter_workspace.services.parts import Parts
from jupyter_workspace.services.reconcile import QUIET_SECONDS, Reconcile, is_watched

__all__ = ["Watching"]

_log = logging.getLogger(__name__)

#: Seconds between two questions to the watcher while something happens.
BUSY_SECONDS = 0.1

#: While nothing happens it tells by itself, and the loop wakes up at least and at most so often, in seconds.
REST_SECONDS = 10.0
LEAST_SECONDS = 1.0

#: For so many seconds after the last hint something counts as happening.
LINGER_SECONDS = 3.0

#: So many hints at once may be only those that the system's queue had room for.
FLOOD = 200

#: Then everything is compared this soon, in seconds, instead of at the next interval.
FLOOD_SECONDS = 3.0

#: Paths of one session that are looked at one by one; for more of them the whole is compared.
LARGE_LOOK = 1000

#: To watch other folders takes longer the more there are: at most one part in so many of the time goes to it.
WATCH_SHARE = 20

#: Folders watched at most; sessions with further ones are compared at each interval.
MOST_FOLDERS = 16_384


class Watching:
    """Keeps every session in line with its folder; one task, owned by `open_workspace`.

    watcher: None where folders are only to be compared.
    """

    def __init__(self, parts: Parts, reconcile: Reconcile, watcher: Watcher | None) -> None:
        self._parts = parts
        self._reconcile = reconcile
        self._watcher = watcher
        self._interval = parts.settings.rescan_interval
        self._hints: dict[str, dict[str, float]] = {}
        self._looking: dict[str, asyncio.Task[None]] = {}
        self._rescanning: asyncio.Task[None] | None = None
        self._suspect: set[str] = set()
        self._known: dict[str, frozenset[str]] = {}
        self._watched: frozenset[str] = frozenset()
        self._unwatched: set[str] = set()
        self._stamps: dict[str, tuple[int, int] | None] = {}
        self._last_hint = float("-inf")
        self._last_round = float("-inf")
        self._is_news = False
        self._next_watch = float("-inf")
        self._next_rescan = 0.0
        self.problems: dict[str, Problem] = {}
        parts.ledger.on_commit(self._note)

    async def run(self, sessions: Collection[str]) -> None:
        """Begins with these sessions, and goes on until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            await self.begin(sessions, loop.time())
            while True:
                await self._rest(await self.tick(loop.time()))
        finally:
            await self._stop()

    async def begin(self, sessions: Collection[str], now: float) -> None:
        """Watches the folders first and compares then, so that nothing is missed between the two."""
        for session_id in sorted(sessions):
            await self._quietly(session_id, self._reconcile.survey(session_id))
        await self._watch_folders()
        self._next_rescan = now + self._interval
        self._rescanning = asyncio.create_task(self._rescan(sessions))

    async def tick(self, now: float) -> float:
        """One round; gives the seconds until the next. now: a clock that only goes forward."""
        if self._is_news:
            self._is_news, self._last_hint = False, now
        await self._hear(now)
        for session_id in list(self._hints):
            self._look_at_due(session_id, now)
        if now >= self._next_rescan and (self._rescanning is None or self._rescanning.done()):
            self._next_rescan = now + self._interval
            self._rescanning = asyncio.create_task(self._rescan(await self._overdue()))
        return self._pause(now)

    def _pause(self, now: float) -> float:
        if self._hints or self._looking or now - self._last_hint < LINGER_SECONDS:
            return BUSY_SECONDS
        until_rescan = max(self._next_rescan - now, LEAST_SECONDS)
        if self._watcher is None:
            return until_rescan
        # What is being compared may have folders that are to be watched.
        is_comparing = self._rescanning is not None and not self._rescanning.done()
        is_behind = is_comparing or self._reconcile.folders != self._known
        return LEAST_SECONDS if is_behind else min(until_rescan, REST_SECONDS)

    async def _rest(self, seconds: float) -> None:
        if self._watcher is None or seconds <= BUSY_SECONDS:
            await asyncio.sleep(seconds)
        else:
            await self._watcher.rest(seconds)

    def _note(self, changed: frozenset[str]) -> None:
        """A session that is not watched yet will soon have folders."""
        if self._watcher is not None and not changed <= self._known.keys():
            self._is_news = True
            self._watcher.stir()

    async def settled(self) -> None:
        """Returns when what was begun so far has ended."""
        tasks = [*self._looking.values(), *([self._rescanning] if self._rescanning else [])]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _stop(self) -> None:
        for task in (*self._looking.values(), self._rescanning):
            if task is not None:
                task.cancel()
        await self.settled()
        if self._watcher is not None:
            await self._watcher.close()

    # which folders

    async def _watch_folders(self) -> frozenset[str]:
        """Watches the folders that there are now; gives those that were not watched before."""
        self._known = dict(self._reconcile.folders)
        if self._watcher is None:
            return frozenset()
        wanted: set[str] = set()
        self._unwatched = set()
        for session_id, folders in self._known.items():
            if len(wanted) + len(folders) < MOST_FOLDERS:
                wanted.update([session_id, *(f"{session_id}/{folder}" for folder in folders)])
            else:
                self._unwatched.add(session_id)
        try:
            await self._watcher.watch(wanted)
        except WatchFailed as error:
            _log.warning("Folders cannot be watched: %s", error)
            self._watched, self._unwatched = frozenset(), set(self._known)
        else:
            self._watched, new = frozenset(wanted), wanted - self._watched
            self._report()
            return frozenset(new)
        self._report()
        return frozenset()

    def _report(self) -> None:
        self.problems.pop("watch", None)
        if self._unwatched:
            message = f"{len(self._unwatched)} session(s) cannot be watched; they are compared with their "
            message += f"folders every {self._interval:g} s."
            self.problems["watch"] = Problem(code="watch_limited", message=message)

    # hints

    async def _hear(self, now: float) -> None:
        if self._watcher is None:
            return
        if now >= self._next_watch and self._reconcile.folders != self._known:
            began = time.monotonic()
            for folder in await self._watch_folders():
                # Something may have come into it before it was watched.
                session_id, _, path = folder.partition("/")
                self._hint(session_id, path, now)
            self._next_watch = now + WATCH_SHARE * (time.monotonic() - began)
        try:
            heard = await self._watcher.heard()
        except WatchFailed:
            self._watched, self._unwatched = frozenset(), set(self._known)
            self._report()
            return
        if not heard:
            self._last_round = now
            return
        self._last_hint = now
        # It may have been done right after the last round: whether it is settled is seen on the file.
        since, self._last_round = max(self._last_round, now - QUIET_SECONDS), now
        for hint in heard:
            session_id, _, path = hint.partition("/")
            if session_id in self._known and (not path or is_watched(path)):
                self._suspect.add(session_id)
                if path:
                    self._hint(session_id, path, since)
        if len(heard) >= FLOOD:
            self._flood(now)

    def _hint(self, session_id: str, path: str, now: float) -> None:
        self._hints.setdefault(session_id, {})[path] = now

    def _flood(self, now: float) -> None:
        """So much was heard at once that there may have been more: everything is compared soon."""
        self._suspect.update(self._known)
        self._next_rescan = min(self._next_rescan, now + FLOOD_SECONDS)
        message = "Many files changed at once; all sessions are being compared with their folders."
        self.problems["resync"] = Problem(code="resync", message=message)

    def _look_at_due(self, session_id: str, now: float) -> None:
        if session_id in self._looking:
            return
        hints = self._hints[session_id]
        due = {path for path, heard in hints.items() if now - heard >= QUIET_SECONDS}
        if not due:
            return
        left = {path: heard for path, heard in hints.items() if path not in due}
        if left:
            self._hints[session_id] = left
        else:
            del self._hints[session_id]
        task = asyncio.create_task(self._quietly(session_id, self._look(session_id, due, now)))
        self._looking[session_id] = task
        task.add_done_callback(lambda _: self._looking.pop(session_id, None))

    async def _look(self, session_id: str, paths: set[str], now: float) -> None:
        if len(paths) > LARGE_LOOK or "" in paths:
            await self._rescan_one(session_id)
            return
        unsettled, missing = await self._reconcile.look(session_id, paths)
        hints = self._hints.setdefault(session_id, {})
        for path in unsettled:
            hints.setdefault(path, now - QUIET_SECONDS)
        for path in missing:
            hints.setdefault(path, now)
        if not hints:
            del self._hints[session_id]

    # the truth

    async def _overdue(self) -> set[str]:
        """The sessions that have to be compared now."""
        if self._watcher is None:
            return set(self._reconcile.folders)
        suspect, self._suspect = self._suspect | self._unwatched, set()
        if not self._watched and self._known:
            await self._watch_folders()  # perhaps it can be done by now
        stamps: dict[str, tuple[int, int] | None] = {}
        for folder in self._watched:
            session_id, _, path = folder.partition("/")
            stamps[folder] = await self._stamp(session_id, path)
            if folder not in self._stamps or self._stamps[folder] != stamps[folder]:
                suspect.add(session_id)
        self._stamps = stamps
        return suspect

    async def _stamp(self, session_id: str, path: str) -> tuple[int, int] | None:
        try:
            return await self._parts.store.folder_stamp(session_id, path)
        except WorkspaceError:
            return None

    async def _rescan(self, sessions: Collection[str]) -> None:
        for session_id in sorted(sessions):
            await self._quietly(session_id, self._rescan_one(session_id))
        self.problems.pop("resync", None)

    async def _rescan_one(self, session_id: str) -> None:
        if await self._reconcile.rescan(session_id):
            self._suspect.add(session_id)

    async def _quietly(self, session_id: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except SessionNotFound:
            self._hints.pop(session_id, None)
            self._suspect.discard(session_id)
        except (WorkspaceError, OSError) as error:
            _log.warning("Session %s cannot be compared with its folder now: %s", session_id, error)
            self._suspect.add(session_id)
