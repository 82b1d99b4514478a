"""What happened in a session: one row of its append-only log."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from jupyter_workspace.models.file import FileKind, Provenance, Source

__all__ = ["ChangeType", "Event", "EventPage"]

ChangeType = Literal["created", "updated", "deleted"]


class Event(Struct, frozen=True, kw_only=True):
    """One change of one file (API.md, section 5).

    `sequence` rises by 1 in a session and is never used again. `timestamp` is Unix seconds, `hash`
    is 'sha256:' + hex or None while the digest is not known, `size` is bytes.
    """

    sequence: int
    event_id: str
    change_type: ChangeType
    session_id: str
    artifact_id: str
    attachment_id: str
    node_id: str | None
    kind: FileKind
    source: Source
    name: str
    path: str
    size: int
    mime: str
    hash: str | None
    timestamp: float
    provenance: Provenance | None


class EventPage(Struct, frozen=True, kw_only=True):
    """The answer of a long poll.

    `next_cursor` is the `after` of the next call; `reset` says that the cursor cannot be served and
    that the client must list again.
    """

    events: list[Event]
    next_cursor: int
    has_more: bool
    timed_out: bool
    reset: bool
