"""One log, many readers: append in a transaction, read after a cursor, wait for more.

Readers are woken after the commit and then read the log like everybody else; nothing is handed to
them directly. The newest events of a session are kept in memory, so that a thousand readers that
wait at its end cost one query.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from jupyter_workspace.errors import SessionNotFound
from jupyter_workspace.models.entry import Change
from jupyter_workspace.models.event import Event, EventPage
from jupyter_workspace.protocol.query import Filters
from jupyter_workspace.services.ledger import Ledger

__all__ = ["EventLog", "Slice", "event_of"]

#: Events fetched at once.
CHUNK = 500

#: Sessions whose newest events are kept in memory.
TAILS = 256


class Slice(Struct, frozen=True, kw_only=True):
    """Events after a cursor; `reset` when the cursor cannot be served, and then `last` is the new one."""

    events: list[Event]
    last: int
    reset: bool = False


class EventLog:
    """The log of each session."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._news: dict[str, asyncio.Event] = {}
        self._tails: OrderedDict[str, Slice] = OrderedDict()
        ledger.on_commit(self._wake)

    def now(self) -> datetime:
        """The time of an event that is being written."""
        return self._clock()

    async def read(self, session_id: str, after: int, limit: int = CHUNK) -> Slice:
        """At most `limit` events with a higher sequence than `after`.

        after: 0 for the oldest that is kept; another cursor that is older than the log, or newer, resets.
        Raises SessionNotFound when the session is gone.
        """
        tail = self._tails.get(session_id)
        if tail is not None and (
            after == tail.last or (tail.events and tail.events[0].sequence - 1 <= after <= tail.last)
        ):
            skip = after - (tail.events[0].sequence - 1) if tail.events else 0
            return Slice(events=tail.events[skip : skip + limit], last=tail.last)
        async with self._ledger.reading() as tx:
            session = await tx.sessions.find(session_id)
            if session is None or session.deleted_at is not None:
                raise SessionNotFound
            oldest, last = session.oldest_sequence, session.last_sequence
            if after > last or 0 < after < oldest - 1:
                return Slice(events=[], last=last, reset=True)
            events = await tx.events.after(session_id, after, limit)
            if len(events) < limit:
                self._keep(session_id, Slice(events=events, last=last))
        return Slice(events=events, last=last)

    async def wait(self, session_id: str, cursor: int, seconds: float) -> None:
        """Returns when the log has gone beyond `cursor`, or the session changed, or the time is over."""
        news = self._news.setdefault(session_id, asyncio.Event())
        tail = self._tails.get(session_id)
        if tail is None or tail.last > cursor:
            return
        try:
            await asyncio.wait_for(news.wait(), seconds)
        except TimeoutError:
            return

    async def poll(
        self, session_id: str, *, after: int, wait_seconds: float, limit: int, filters: Filters
    ) -> EventPage:
        """The long poll of API.md, section 5.

        An event that does not match neither ends the wait nor is offered again.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_seconds
        cursor = after
        found: list[Event] = []
        while True:
            part = await self.read(session_id, cursor)
            if part.reset:
                return EventPage(events=[], next_cursor=part.last, has_more=False, timed_out=True, reset=True)
            for event in part.events:
                cursor = event.sequence
                if filters.matches(mime=event.mime, name=event.name, size=event.size):
                    found.append(event)
                    if len(found) == limit:
                        return _page(found, cursor, part.last)
            if part.events and cursor < part.last:
                continue
            left = deadline - loop.time()
            if found or left <= 0:
                return _page(found, cursor, part.last)
            await self.wait(session_id, max(cursor, part.last), left)

    def _keep(self, session_id: str, tail: Slice) -> None:
        self._tails[session_id] = tail
        self._tails.move_to_end(session_id)
        while len(self._tails) > TAILS:
            self._tails.popitem(last=False)

    def _wake(self, changed: frozenset[str]) -> None:
        for session_id in changed:
            self._tails.pop(session_id, None)
            news = self._news.pop(session_id, None)
            if news is not None:
                news.set()


def _page(found: list[Event], cursor: int, last: int) -> EventPage:
    return EventPage(
        events=found, next_cursor=cursor, has_more=last > cursor, timed_out=not found, reset=False
    )


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
