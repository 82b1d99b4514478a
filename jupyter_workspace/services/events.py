"""One log, many readers: append in a transaction, read after a cursor, wait for more.

Readers are woken after the commit and then read the log like everybody else; nothing is handed to
them directly. Whoever reads first after a commit asks the database, all others share that answer, so
a thousand readers at the end of a log cost one query, and each event is encoded once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from jupyter_workspace.errors import Busy, SessionNotFound, WorkspaceError
from jupyter_workspace.models.entry import Change
from jupyter_workspace.models.event import Event
from jupyter_workspace.models.service import Problem
from jupyter_workspace.protocol.query import Filters
from jupyter_workspace.services.ledger import Ledger
from jupyter_workspace.services.settings import Actor
from jupyter_workspace.services.tail import KEPT, Record, Slice, Tail, first_run, last_run

__all__ = ["EventLog", "Page", "event_of"]

T = TypeVar("T")

#: Events fetched at once for a reader that is far behind.
CHUNK = 500

#: Events fetched of a log that nobody has read yet.
FIRST = 100

#: Sessions whose newest events are kept in memory when nobody waits for more of them.
TAILS = 64


class Page(Struct, frozen=True, kw_only=True):
    """An `EventPage` whose events are encoded already."""

    events: list[msgspec.Raw]
    next_cursor: int
    has_more: bool
    timed_out: bool
    reset: bool


class _News:
    """The next commit to a session's log, and how many readers wait for it."""

    def __init__(self) -> None:
        self.came = asyncio.Event()
        self.waiting = 0


class EventLog:
    """The log of each session."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._news: dict[str, _News] = {}
        self._tails: OrderedDict[str, Tail] = OrderedDict()
        self._flights: dict[tuple[str, int | None, int], asyncio.Task[Any]] = {}
        self._waking: set[asyncio.Task[None]] = set()
        self._commits = 0
        self._closed = False
        self.problems: dict[str, Problem] = {}
        ledger.on_commit(self._wake)

    def now(self) -> datetime:
        """The time of an event that is being written."""
        return self._clock()

    # reading

    async def require(self, actor: Actor, session_id: str) -> None:
        """Returns when this actor may read the log; raises SessionNotFound."""
        tail = await self._tail(session_id)
        if not actor.may_see(tail.owner):
            raise SessionNotFound(session_id=session_id)

    async def end(self, session_id: str) -> int:
        """The highest sequence so far, 0 when nothing has happened; raises SessionNotFound."""
        return (await self._tail(session_id)).last

    async def backlog(self, session_id: str, cursor: int) -> tuple[int, int]:
        """(events, bytes of those in memory) that a reader at this cursor has not been given yet."""
        tail = await self._tail(session_id)
        size = sum(len(record.payload) for record in tail.records if record.sequence > cursor)
        return max(tail.last - cursor, 0), size

    async def read(self, session_id: str, after: int, limit: int = CHUNK) -> Slice:
        """At most `limit` events with a higher sequence than `after`.

        after: 0 for the oldest that is kept. A cursor that is older than the log or newer resets, and so
        does one whose next event was damaged on the disk. Raises SessionNotFound when the session is
        gone, Busy when the server stops.
        """
        tail = await self._tail(session_id)
        start = max(after, tail.oldest - 1) if after == 0 else after
        if start > tail.last or start < tail.oldest - 1:
            return Slice(records=[], last=tail.last, reset=True)
        if start >= tail.floor:
            return tail.after(start, limit)
        expected = None if after == 0 else start + 1
        records = await self._once(
            (session_id, after, self._commits), lambda: self._far_behind(session_id, start, expected)
        )
        # While the journal of a commit is written the index is ahead of the tail. A reader that was ahead,
        # too, would have a cursor of the future at its next look.
        known = [record for record in records[:limit] if record.sequence <= tail.last]
        return Slice(records=known, last=tail.last, reset=not records)

    async def next(self, session_id: str, cursor: int, seconds: float) -> Slice:
        """What follows a cursor, waited for if need be; empty when `seconds` pass without news."""
        part = await self.read(session_id, cursor)
        if part.records or part.reset:
            return part
        await self.wait(session_id, cursor, seconds)
        return await self.read(session_id, cursor)

    async def wait(self, session_id: str, cursor: int, seconds: float) -> None:
        """Returns when the log has gone beyond `cursor`, or the session changed, or the time is over."""
        tail = self._tails.get(session_id)
        if tail is None or tail.is_stale or tail.last > cursor or self._closed:
            return
        news = self._news.setdefault(session_id, _News())
        news.waiting += 1
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await news.came.wait()
        finally:
            news.waiting -= 1
            if not news.waiting and self._news.get(session_id) is news:
                del self._news[session_id]

    async def poll(
        self, session_id: str, *, after: int, wait_seconds: float, limit: int, filters: Filters
    ) -> Page:
        """The long poll of API.md, section 5.

        An event that does not match neither ends the wait nor is offered again.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_seconds
        cursor = after
        found: list[msgspec.Raw] = []
        while True:
            part = await self.read(session_id, cursor)
            if part.reset:
                return Page(events=[], next_cursor=part.last, has_more=False, timed_out=True, reset=True)
            for record in part.records:
                cursor = record.sequence
                if record.matches(filters):
                    found.append(msgspec.Raw(record.payload))
                    if len(found) == limit:
                        return _page(found, cursor, part.last)
            if part.records and cursor < part.last:
                continue
            left = deadline - loop.time()
            if found or left <= 0:
                return _page(found, cursor, part.last)
            await self.wait(session_id, cursor, left)

    def close(self) -> None:
        """Ends every wait; from now on reading raises Busy."""
        self._closed = True
        while self._news:
            self._news.popitem()[1].came.set()

    # the tails

    async def _tail(self, session_id: str) -> Tail:
        if self._closed:
            raise Busy("The server is stopping.")
        tail = self._tails.get(session_id)
        if tail is not None and not tail.is_stale:
            self._tails.move_to_end(session_id)
            return tail
        return await self._once((session_id, None, self._commits), lambda: self._refreshed(session_id))

    async def _refreshed(self, session_id: str) -> Tail:
        """The tail with what was committed since; one query, whoever waits for it."""
        commits = self._commits
        async with self._ledger.reading() as tx:
            session = await tx.sessions.find(session_id)
            if session is None or session.deleted_at is not None:
                self._tails.pop(session_id, None)
                raise SessionNotFound(session_id=session_id)
            old = self._tails.get(session_id)
            last, oldest = session.last_sequence, session.oldest_sequence
            known = [] if old is None else [one for one in old.records if oldest <= one.sequence]
            start = max(old.last if old else last - FIRST, last - KEPT, oldest - 1)
            rows = await tx.events.rows(session_id, start, KEPT) if start < last else []
        tail = Tail(
            owner=session.owner,
            oldest=oldest,
            last=last,
            records=last_run(known, rows)[-KEPT:],
            is_stale=commits != self._commits,
        )
        if len(rows) != max(last - start, 0) or any(payload is None for _, payload in rows):
            self._report(session_id)
        self._keep(session_id, tail)
        return tail

    async def _far_behind(self, session_id: str, start: int, expected: int | None) -> list[Record]:
        """Events for a reader whose cursor is older than what is in memory; none when they are damaged."""
        async with self._ledger.reading() as tx:
            rows = await tx.events.rows(session_id, start, CHUNK)
        records = first_run(rows, expected)
        if len(records) != len(rows):
            self._report(session_id)
        return records

    async def _once(self, key: tuple[str, int | None, int], load: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `load` gives, asked for once by all who want it before the next commit."""
        flight: asyncio.Task[T] | None = self._flights.get(key)
        if flight is None:
            flight = asyncio.get_running_loop().create_task(load())
            self._flights[key] = flight
            flight.add_done_callback(lambda task: self._landed(key, task))
        return await asyncio.shield(flight)

    def _landed(self, key: tuple[str, int | None, int], flight: asyncio.Task[Any]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # those who wait for it have it; perhaps nobody does any more

    def _keep(self, session_id: str, tail: Tail) -> None:
        self._tails[session_id] = tail
        self._tails.move_to_end(session_id)
        if len(self._tails) > TAILS:
            idle = [one for one in self._tails if one not in self._news and one != session_id]
            for one in idle[: len(self._tails) - TAILS]:
                del self._tails[one]

    def _wake(self, changed: frozenset[str]) -> None:
        self._commits += 1
        for session_id in changed:
            tail = self._tails.get(session_id)
            if tail is not None:
                tail.is_stale = True
            news = self._news.pop(session_id, None)
            if news is not None:
                self._waking.add(waking := asyncio.ensure_future(self._bring(session_id, news)))
                waking.add_done_callback(self._waking.discard)

    async def _bring(self, session_id: str, news: _News) -> None:
        """Reads what came, once for all who wait for it, and wakes them then."""
        try:
            await self._tail(session_id)
        except WorkspaceError:
            pass  # each of them finds out by itself
        finally:
            news.came.set()

    def _report(self, session_id: str) -> None:
        message = "Some events of the session could not be read; its readers were told to list the files."
        self.problems[session_id] = Problem(code="events_damaged", message=message, session_id=session_id)


def _page(found: list[msgspec.Raw], cursor: int, last: int) -> Page:
    return Page(events=found, next_cursor=cursor, has_more=last > cursor, timed_out=not found, reset=False)


def event_of(change: Change, *, sequence: int, event_id: str, moment: datetime) -> Event:
    """The event that tells of a change."""
    entry = change.after or change.before
    if entry is None or change.event is None:
        raise ValueError(change)
    return Event(
        sequence=sequence,
        event_id=event_id,
        change_type=change.event,
        session_id=entry.session_id,
        artifact_id=entry.artifact_id,
        attachment_id=entry.attachment_id,
        node_id=_node(change),
        kind=entry.kind,
        source=entry.source,
        name=entry.name,
        path=entry.path,
        size=entry.size,
        mime=entry.mime,
        hash=None if entry.sha256 is None else f"sha256:{entry.sha256}",
        timestamp=moment.timestamp(),
        provenance=entry.provenance,
    )


def _node(change: Change) -> str | None:
    """What made the file: the cell, else the run."""
    entry = change.after or change.before
    provenance = None if entry is None else entry.provenance
    return None if provenance is None else provenance.cell_id or provenance.run_id
