"""Messages of the socket of API.md, section 7: what the server says, and what a client may say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from jupyter_workspace.errors import BodyInvalid, WorkspaceError

MAX_MESSAGE_BYTES: Final = 64 * 1024
"""Largest message of a client; a larger one closes the socket with 1009 (RFC 6455, 7.4.1)."""

NORMAL: Final = 1000
GOING_AWAY: Final = 1001
TRY_AGAIN_LATER: Final = 1013
"""Close codes: the session is gone; the server stops; the reader was too slow."""


class Message(Struct, frozen=True):
    """What a client said; members that are not known here are ignored."""

    type: str


def parse_message(content: str | bytes) -> Message:
    """The message; raises BodyInvalid when it is no JSON, no object, or has no `type`."""
    if isinstance(content, bytes):
        raise BodyInvalid("Messages are text; this one is binary.")
    try:
        return msgspec.json.decode(content, type=Message)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BodyInvalid(
            f"The message does not fit: {error}.", hint='Send an object such as {"type": "ping"}.'
        ) from error


def connected(session_id: str, cursor: int) -> bytes:
    """The first message: events after `cursor` follow."""
    return msgspec.json.encode({"type": "connected", "session_id": session_id, "cursor": cursor})


def news(session_id: str, events: Sequence[bytes], next_cursor: int) -> bytes:
    """Events, each encoded already; `next_cursor` is the `after` to come back with."""
    return b'{"type":"artifact_created","session_id":%s,"events":[%s],"next_cursor":%d}' % (
        msgspec.json.encode(session_id),
        b",".join(events),
        next_cursor,
    )


def reset(cursor: int) -> bytes:
    """The cursor cannot be served: list again, events after this one follow."""
    return msgspec.json.encode({"type": "reset", "cursor": cursor})


def pong() -> bytes:
    """The answer to `ping`, and a sign of life after a long silence."""
    return b'{"type":"pong"}'


def failure(error: WorkspaceError) -> bytes:
    """What was wrong with a message; the socket stays."""
    return msgspec.json.encode({"type": "error", "code": error.code, "message": error.message})


def cursor_reason(cursor: int) -> str:
    """The reason in a close frame: where a reader that was cut off goes on."""
    return f"cursor={cursor}"
