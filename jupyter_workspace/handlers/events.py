"""The news of a session, by long poll and as an event stream."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated

from msgspec import Meta, Struct

from jupyter_workspace.handlers.streaming import BEAT_SECONDS, StreamingHandler
from jupyter_workspace.protocol.query import CLAMP, Filters, parse_filters
from jupyter_workspace.protocol.sse import cursor_frame, event_frame
from jupyter_workspace.services.tail import Slice

__all__ = ["EventsHandler"]


class EventsQuery(Struct, frozen=True, kw_only=True):
    """After which sequence, how long, how many, and which (API.md, section 5)."""

    after: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    wait_seconds: Annotated[float, Meta(ge=0, le=60)] = 25.0
    limit: Annotated[int, Meta(ge=1, le=100, extra_json_schema=CLAMP)] = 25
    include_mime: str | None = None
    include_ext: str | None = None
    max_size: Annotated[int, Meta(gt=0, le=2**63 - 1)] | None = None


class EventsHandler(StreamingHandler):
    """`/sessions/{session_id}/artifact-events`."""

    async def get(self, session_id: str) -> None:
        """The events after a cursor, or the next ones to come: a page of them, or all for ever."""
        query = self.query(EventsQuery)
        filters = parse_filters(query.include_mime, query.include_ext, query.max_size)
        await self.workspace.parts.log.require(self.actor, session_id)
        self.set_header("Vary", "Accept")
        if self.wants_stream():
            after = self.last_event_id()
            frames = self._frames(session_id, query.after if after is None else after, filters)
            await self.while_connected(self.stream(frames))
        else:
            await self.while_connected(self._poll(session_id, query, filters))

    async def _poll(self, session_id: str, query: EventsQuery, filters: Filters) -> None:
        page = await self.workspace.parts.log.poll(
            session_id,
            after=query.after,
            wait_seconds=query.wait_seconds,
            limit=query.limit,
            filters=filters,
        )
        self.answer(page)

    async def _frames(self, session_id: str, cursor: int, filters: Filters) -> AsyncGenerator[bytes, None]:
        log = self.workspace.parts.log
        while True:
            part = await log.next(session_id, cursor, BEAT_SECONDS)
            cursor = part.cursor(cursor)
            yield _frames_of(part, filters)


def _frames_of(part: Slice, filters: Filters) -> bytes:
    """The frames that tell of a slice; at their end the client knows how far it has come."""
    if part.reset:
        return event_frame("reset", b'{"cursor":%d}' % part.last, part.last)
    if not part.records:
        return b""
    wanted = [record for record in part.records if record.matches(filters)]
    frames = [event_frame("artifact_created", record.payload, record.sequence) for record in wanted]
    if not wanted or wanted[-1] is not part.records[-1]:
        frames.append(cursor_frame(part.records[-1].sequence))
    return b"".join(frames)
