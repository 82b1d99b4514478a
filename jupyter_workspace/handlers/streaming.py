"""Answers that have no end of their own: event streams, and polls that wait (WHATWG HTML, 9.2).

Nothing is ever queued behind a client that does not read: the next piece is written when the last one
has been taken, and a client that takes too long is cut off and resumes with its cursor.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

from tornado.iostream import StreamClosedError

from jupyter_workspace.errors import WorkspaceError
from jupyter_workspace.handlers.base import WorkspaceHandler
from jupyter_workspace.protocol.sse import MEDIA_TYPE, comment_frame, parse_last_event_id, retry_frame

__all__ = ["BEAT_SECONDS", "StreamingHandler"]

#: A client that lost its stream comes back after so many milliseconds.
RETRY_MILLISECONDS = 3000

#: Longest silence on a stream, in seconds: proxies close what is silent for longer.
BEAT_SECONDS = 12.0

#: How long a client may leave unread what was sent to it, in seconds.
SLOW_SECONDS = 30.0


class StreamingHandler(WorkspaceHandler):
    """The base of handlers that wait for news."""

    _waiting: asyncio.Task[None] | None = None

    async def while_connected(self, work: Coroutine[Any, Any, None]) -> None:
        """Does the work, but only as long as the client is there to hear of it."""
        self._waiting = asyncio.ensure_future(work)
        await asyncio.wait([self._waiting])
        if not self._waiting.cancelled():
            self._waiting.result()

    def on_connection_close(self) -> None:
        """The client is gone: nobody waits for news any more."""
        if self._waiting is not None:
            self._waiting.cancel()
        super().on_connection_close()

    def wants_stream(self) -> bool:
        """Whether the client names event streams, and does not prefer JSON (RFC 9110, 12.5.1)."""
        weights = _weights(self.request.headers.get("Accept", ""))
        weight = weights.get(MEDIA_TYPE, 0.0)
        return weight > 0 and weight >= weights.get("application/json", 0.0)

    def last_event_id(self) -> int | None:
        """The cursor that a client gives back when it resumes; raises ParameterInvalid."""
        return parse_last_event_id(self.request.headers.get("Last-Event-ID"))

    async def stream(self, frames: AsyncGenerator[bytes, None]) -> None:
        """Sends frames as they come, each once the one before it was taken; b'' stands for a sign of life.

        Ends with the frames, or when there is nothing more to tell: the session is gone, or the server
        stops. The client learns which when it comes back.
        """
        self.set_header("Content-Type", MEDIA_TYPE)
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Accel-Buffering", "no")
        try:
            await self._push(comment_frame() + retry_frame(RETRY_MILLISECONDS))
            async with contextlib.aclosing(frames):
                async for frame in frames:
                    await self._push(frame or comment_frame())
        except TimeoutError:
            self.log.info("A client did not read its event stream and was cut off.")
            self._stream().close()
            return
        except StreamClosedError:
            return
        except WorkspaceError as error:
            self.log.debug("An event stream ended: %s", error)
        self.finish(set_content_type=MEDIA_TYPE)

    async def _push(self, frames: bytes) -> None:
        self.write(frames)
        sent = self.flush()
        # Mostly the operating system has taken all of it by now, and there is nothing to wait for.
        if self._stream().writing() or self._stream().closed():
            async with asyncio.timeout(SLOW_SECONDS):
                await sent


def _weights(accept: str) -> dict[str, float]:
    """The media types that are named, each with its weight."""
    weights: dict[str, float] = {}
    for entry in accept.split(","):
        media, *parameters = (part.strip().lower() for part in entry.split(";"))
        weights[media] = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name == "q" and value.replace(".", "", 1).isdecimal():
                weights[media] = float(value)
    return weights
