"""A session's events as one iterates them: with `for`, or with `async for` without blocking the loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Self

from jupyter_workspace.client.async_client import AsyncClient
from jupyter_workspace.client.client import Client
from jupyter_workspace.models.event import Event

__all__ = ["EventReader"]


class EventReader(Iterator[Event]):
    """Events in order. It goes on after a lost connection and a restart of the server."""

    def __init__(self, client: Client, session_id: str, **options: Any) -> None:
        self._client = client
        self._session_id = session_id
        self._options = options
        self._events = client.events(session_id, **options)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        return next(self._events)

    async def __aiter__(self) -> AsyncIterator[Event]:
        async with AsyncClient.at(self._client.server) as client:
            async for event in client.events(self._session_id, **self._options):
                yield event
