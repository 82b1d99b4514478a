"""What the service says of itself and of the room that is left."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

__all__ = ["API_VERSION", "Features", "Limits", "Problem", "Service", "SessionUsage", "Usage"]

#: Rises when a client that speaks the old one can no longer work.
API_VERSION = 1


class Limits(Struct, frozen=True, kw_only=True):
    """Limits in bytes; 0 means none. The part sizes are for resumable uploads."""

    max_file_size: int
    max_session_size: int
    max_user_size: int
    min_part_size: int
    max_part_size: int


class Features(Struct, frozen=True, kw_only=True):
    """What works on this server."""

    tus: bool
    links: bool
    runs: bool
    scan: bool
    quota: bool
    previews: bool
    data_uri: bool
    url_sources: bool
    watch: bool


class Problem(Struct, frozen=True, kw_only=True):
    """Something a person should know: a stable code and a sentence."""

    code: str
    message: str
    session_id: str | None = None


class Service(Struct, frozen=True, kw_only=True):
    """The answer of `GET /`; `workspace_dir` is relative to the server's root."""

    name: str
    version: str
    api_version: int
    status: Literal["ok", "rebuilding", "degraded"]
    problems: list[Problem]
    limits: Limits
    features: Features
    workspace_dir: str


class SessionUsage(Struct, frozen=True, kw_only=True):
    """What one session uses, in bytes."""

    session_id: str
    used_bytes: int
    trash_bytes: int
    file_count: int


class Usage(Struct, frozen=True, kw_only=True):
    """What the user uses, in bytes; `limit_bytes` 0 means no limit, and then the percentage is 0."""

    used_bytes: int
    limit_bytes: int
    used_percent: float
    file_count: int
    trash_bytes: int
    sessions: list[SessionUsage]
