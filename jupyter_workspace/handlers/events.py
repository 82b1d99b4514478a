"""The news of a session, by long poll."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from jupyter_workspace.handlers.base import WorkspaceHandler
from jupyter_workspace.protocol.query import CLAMP, parse_filters

__all__ = ["EventsHandler"]


class EventsQuery(Struct, frozen=True, kw_only=True):
    """After which sequence, how long, how many, and which (API.md, section 5)."""

    after: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    wait_seconds: Annotated[float, Meta(ge=0, le=60)] = 25.0
    limit: Annotated[int, Meta(ge=1, le=100, extra_json_schema=CLAMP)] = 25
    include_mime: str | None = None
    include_ext: str | None = None
    max_size: Annotated[int, Meta(gt=0, le=2**63 - 1)] | None = None


class EventsHandler(WorkspaceHandler):
    """`/sessions/{session_id}/artifact-events`."""

    async def get(self, session_id: str) -> None:
        """The events after a cursor, or the next ones to come."""
        query = self.query(EventsQuery)
        await self.workspace.sessions.require(self.actor, session_id)
        page = await self.workspace.parts.log.poll(
            session_id,
            after=query.after,
            wait_seconds=query.wait_seconds,
            limit=query.limit,
            filters=parse_filters(query.include_mime, query.include_ext, query.max_size),
        )
        self.answer(page)
