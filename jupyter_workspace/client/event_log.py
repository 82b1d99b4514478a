"""Flows of a session's event log: one poll, and all events in order by polling again."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from jupyter_workspace import errors
from jupyter_workspace.client.wire import (
    PATIENCE_SECONDS,
    Flow,
    Found,
    Pause,
    Request,
    Stream,
    ask,
    decoded,
    filters_of,
    query,
    route,
)
from jupyter_workspace.models.event import Event, EventPage

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["follow_events", "poll_events"]

#: A followed event log outlives a restart of the server, and a quarter of an hour without it.
RECONNECTS = 60
FIRST_RECONNECT_SECONDS = 0.5
LONGEST_RECONNECT_SECONDS = 15.0


def poll_events(
    session_id: str,
    *,
    after: int = 0,
    wait_seconds: float | None = None,
    limit: int | None = None,
    include_mime: Iterable[str] | None = None,
    include_ext: Iterable[str] | None = None,
    max_size: int | None = None,
) -> Flow[EventPage]:
    """The events after a cursor; waits up to `wait_seconds` (0 to 60) when there are none."""
    parameters = query(
        after=after,
        wait_seconds=wait_seconds,
        limit=limit,
        include_mime=include_mime,
        include_ext=include_ext,
        max_size=max_size,
    )
    request = Request(
        "GET",
        route("sessions", session_id, "artifact-events"),
        parameters,
        patience_seconds=PATIENCE_SECONDS + (wait_seconds or 0),
        repeatable=True,
    )
    return decoded((yield from ask(request)), EventPage)


def follow_events(
    session_id: str,
    *,
    after: int = 0,
    follow: bool = False,
    wait_seconds: float = 25,
    include_mime: Iterable[str] | None = None,
    include_ext: Iterable[str] | None = None,
    max_size: int | None = None,
) -> Stream[Event]:
    """The events after a cursor, in order; with `follow` also those to come, without an end.

    A cursor that the server can no longer serve gives a UserWarning (list the files again); the stream
    goes on from the present. A followed stream outlives a restart of the server.
    """
    filters = filters_of(include_mime, include_ext)
    cursor, failures = after, 0
    while True:
        try:
            page = yield from poll_events(
                session_id,
                after=cursor,
                wait_seconds=wait_seconds if follow else 0,
                limit=100,
                max_size=max_size,
                **filters,
            )
        except (errors.ServerUnreachable, errors.Unavailable):
            failures += 1
            if not follow or failures > RECONNECTS:
                raise
            yield Pause(min(FIRST_RECONNECT_SECONDS * 2**failures, LONGEST_RECONNECT_SECONDS))
            continue
        failures = 0
        if page.reset:
            warnings.warn(
                f"The events after {cursor} are no longer kept: list the files again.", stacklevel=2
            )
        for event in page.events:
            yield Found(event)
        cursor = page.next_cursor
        if not (follow or page.has_more):
            return
