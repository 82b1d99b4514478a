"""A session: the folder of files that belongs to a notebook."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

__all__ = ["Resolve", "Session", "SessionChange", "SessionList", "SessionNew", "SessionStatus"]

#: What a person reads; no database takes a NUL in it.
Text = Annotated[str, Meta(pattern=r"^[^\x00]*$")]

SessionStatus = Literal["active", "completed", "abandoned"]


class Session(Struct, frozen=True, kw_only=True):
    """A session's record (API.md, fine print 11).

    `attachments` and `artifacts` are counts of live files, `size` their bytes, `path` the session's
    folder relative to the server's root. `notebooks` are the paths of all notebooks it belongs to;
    `notebook_path` is the first of them.
    """

    session_id: str
    name: str
    description: str
    notebook_path: str | None
    notebooks: list[str]
    metadata: dict[str, Any]
    status: SessionStatus
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime
    attachments: int
    artifacts: int
    size: int
    path: str


class SessionList(Struct, frozen=True, kw_only=True):
    """A page of sessions."""

    sessions: list[Session]
    total: int
    has_more: bool


class SessionNew(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller may say of a new session; `name` defaults to the id."""

    session_id: str | UnsetType = UNSET
    name: Text | UnsetType = UNSET
    description: Text = ""
    notebook_path: str | None = None
    metadata: dict[str, Any] = {}


class SessionChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller may change of a session; what is not given stays."""

    name: Text | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET
    status: SessionStatus | UnsetType = UNSET
    notebooks: list[str] | UnsetType = UNSET


class Resolve(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose session is asked for: exactly one of the two is given."""

    kernel_id: str | UnsetType = UNSET
    notebook_path: str | UnsetType = UNSET
