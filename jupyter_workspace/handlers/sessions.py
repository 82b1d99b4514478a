"""Sessions."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct

from jupyter_workspace.errors import BodyInvalid
from jupyter_workspace.handlers.base import WorkspaceHandler
from jupyter_workspace.models.session import Resolve, SessionChange, SessionNew, SessionStatus
from jupyter_workspace.policy.naming import check_session_id
from jupyter_workspace.protocol.query import CLAMP, parse_ordering
from jupyter_workspace.protocol.selection import SessionFilter

__all__ = ["ResolveHandler", "SessionHandler", "SessionsHandler"]

ORDER = ("created_at", "updated_at", "name", "status", "last_used_at")

Limit = Annotated[int, Meta(ge=1, le=1000, extra_json_schema=CLAMP)]
Offset = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class SessionsQuery(Struct, frozen=True, kw_only=True):
    """Which sessions to list."""

    status: SessionStatus | None = None
    q: str | None = None
    notebook_path: str | None = None
    ordering: str | None = None
    limit: Limit = 100
    offset: Offset = 0


class SessionsHandler(WorkspaceHandler):
    """`/sessions`."""

    async def get(self) -> None:
        """A page of sessions."""
        query = self.query(SessionsQuery)
        wanted = SessionFilter(status=query.status, text=query.q, notebook_path=query.notebook_path)
        order = parse_ordering(query.ordering, ORDER, (("created_at", True),))
        self.answer(await self.workspace.sessions.page(self.actor, wanted, order, query.limit, query.offset))

    async def post(self) -> None:
        """A new session."""
        wanted = self.json(SessionNew)
        if isinstance(wanted.session_id, str):
            check_session_id(wanted.session_id)
        session = await self.workspace.sessions.create(self.actor, wanted)
        self.answer(session, status=201, location=f"/sessions/{session.session_id}")


class SessionQuery(Struct, frozen=True, kw_only=True):
    """How to delete a session: `files` sends its files to the trash, too."""

    files: bool = False


class SessionHandler(WorkspaceHandler):
    """`/sessions/{session_id}`."""

    async def get(self, session_id: str) -> None:
        """The session's record."""
        self.answer(await self.workspace.sessions.get(self.actor, session_id))

    async def put(self, session_id: str) -> None:
        """The session, made if there is none."""
        wanted = self.json(SessionNew)
        if wanted.session_id not in {UNSET, session_id}:
            raise BodyInvalid("The body names another session than the address.")
        session, is_new = await self.workspace.sessions.ensure(self.actor, session_id, wanted)
        location = f"/sessions/{session_id}" if is_new else None
        self.answer(session, status=201 if is_new else 200, location=location)

    async def patch(self, session_id: str) -> None:
        """The session, changed."""
        self.answer(await self.workspace.sessions.change(self.actor, session_id, self.json(SessionChange)))

    async def delete(self, session_id: str) -> None:
        """Ends the session; its files stay, or go to the trash."""
        query = self.query(SessionQuery)
        await self.workspace.sessions.delete(self.actor, session_id, with_files=query.files)
        self.no_content()


class ResolveHandler(WorkspaceHandler):
    """`/sessions/resolve`."""

    async def post(self) -> None:
        """The session of a kernel's or a path's notebook, made if there is none."""
        session, is_new = await self.workspace.sessions.resolve(self.actor, self.json(Resolve))
        location = f"/sessions/{session.session_id}" if is_new else None
        self.answer(session, status=201 if is_new else 200, location=location)
