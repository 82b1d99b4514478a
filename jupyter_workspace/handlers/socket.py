"""The news of a session over a WebSocket (API.md, section 7; RFC 6455).

A socket is one more reader of the log: it has a cursor, waits, reads, and tells. One message at a time
is on its way to the client, so nothing piles up here; how far the log has run ahead of a client that
does not read is what decides when it is cut off.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Annotated, Any
from urllib.parse import urlsplit

from msgspec import Meta, Struct
from tornado.concurrent import Future
from tornado.web import RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from jupyter_workspace.errors import BodyInvalid, ParameterInvalid, SessionNotFound, WorkspaceError
from jupyter_workspace.handlers.base import WorkspaceHandler
from jupyter_workspace.protocol import subscription

__all__ = ["SocketHandler"]

#: Events in one message.
BATCH = 100

#: A reader is too slow when it has left one message unread for this long, in seconds,
SLOW_SECONDS = 30.0
#: or when meanwhile so many events, or bytes, wait behind that message.
SLOW_EVENTS = 1000
SLOW_BYTES = 2**20
#: How often a message that is not taken is looked at, in seconds.
CHECK_SECONDS = 1.0
#: What the operating system may hold for one reader, in bytes. Tornado drops the line 5 s after the close
#: frame, so a reader that is told to come back must be able to read all that lies before it in that time.
SEND_BUFFER_BYTES = 2**17

#: A quiet socket is pinged this often, in seconds: proxies close what is silent for longer.
PING_SECONDS = 30.0
#: So many pings without an answer, and the client is gone;
PATIENCE = 3
#: so many quiet ones in a row, and a message shows that the server is alive: 300 s.
SILENCE = 10


class SubscribeQuery(Struct, frozen=True, kw_only=True):
    """After which sequence; from now on when it is not given."""

    after: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None


class _TooSlow(Exception):
    """The client does not read."""


class SocketHandler(WorkspaceHandler, WebSocketHandler):
    """`/sessions/{session_id}/subscribe`."""

    _reader: asyncio.Task[None] | None = None
    _cursor = 0
    _unanswered = 0
    _quiet = 0

    # the handshake

    async def get(self, session_id: str) -> None:
        """Becomes a socket; whatever speaks against it is said in plain HTTP before."""
        if self.request.headers.get("Upgrade", "").lower() != "websocket":
            raise ParameterInvalid("This address is a WebSocket.", parameter="Upgrade")
        query = self.query(SubscribeQuery)
        log = self.workspace.parts.log
        await log.require(self.actor, session_id)
        self._cursor = await log.end(session_id) if query.after is None else query.after
        await WebSocketHandler.get(self, session_id)

    def check_origin(self, origin_to_satisfy_tornado: str = "") -> bool:
        """Whether the page that asks may: as for the server's own API, but `*` admits no cookies.

        A browser asks no permission before it opens a socket, and sends its cookies along.
        """
        if self.allow_origin != "*" or self.token_authenticated:
            return super().check_origin(origin_to_satisfy_tornado)
        origin, host = self.request.headers.get("Origin"), self.request.headers.get("Host", "")
        return origin is None or urlsplit(origin).netloc.lower() == host.lower()

    def finish(self, *args: Any, **kwargs: Any) -> Future[None]:
        """Ends the answer; that of a successful handshake has neither type nor content."""
        if self.get_status() == 101:  # noqa: PLR2004  (Switching Protocols)
            return RequestHandler.finish(self)
        return super().finish(*args, **kwargs)

    @property
    def max_message_size(self) -> int:
        """In bytes; what clients have to say is short."""
        return subscription.MAX_MESSAGE_BYTES

    @property
    def ping_interval(self) -> float | None:
        """None: `_rest` pings, with the timer that every reader has anyway."""
        return None

    # the socket

    def open(self, session_id: str) -> None:
        """Begins to tell."""
        self.set_nodelay(True)
        pipe = None if self.ws_connection is None else self.ws_connection.stream
        # A client may have left while its handshake was answered.
        if pipe is not None and not pipe.closed():
            pipe.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._reader = asyncio.get_running_loop().create_task(self._tell_until_closed(session_id))
        self._reader.add_done_callback(self._ended)

    async def on_message(self, message: str | bytes) -> None:
        """Answers what the client says; the next message is read when the answer was taken."""
        self._unanswered = 0
        await self._send_quietly(self._reply(message))

    def on_pong(self, data: bytes) -> None:  # noqa: ARG002
        """The client is there."""
        self._unanswered = 0

    def on_close(self) -> None:
        """Stops reading; nothing else ends with a socket."""
        if self._reader is not None:
            self._reader.cancel()

    def _reply(self, content: str | bytes) -> bytes:
        try:
            message = subscription.parse_message(content)
            if message.type != "ping":
                raise BodyInvalid(f"{message.type[:40]!a} is no type of message.")
        except WorkspaceError as error:
            return subscription.failure(error)
        return subscription.pong()

    async def _tell_until_closed(self, session_id: str) -> None:
        """The one reader of this socket, and all the ways in which it ends."""
        try:
            await self._tell(session_id)
        except WebSocketClosedError:
            return
        except SessionNotFound as error:
            await self._send_quietly(subscription.failure(error))
            self.close(subscription.NORMAL, error.code)
        except _TooSlow:
            self.log.info("A reader of session %s was too slow at event %d.", session_id, self._cursor)
            self.close(subscription.TRY_AGAIN_LATER, subscription.cursor_reason(self._cursor))
        except WorkspaceError:
            self.close(subscription.GOING_AWAY, subscription.cursor_reason(self._cursor))

    def _ended(self, reader: asyncio.Task[None]) -> None:
        if not reader.cancelled() and (error := reader.exception()) is not None:
            self.log.error("A socket failed.", exc_info=error)
            self.close(subscription.GOING_AWAY, subscription.cursor_reason(self._cursor))

    async def _tell(self, session_id: str) -> None:
        log = self.workspace.parts.log
        await self._send(session_id, subscription.connected(session_id, self._cursor))
        while True:
            part = await log.next(session_id, self._cursor, PING_SECONDS)
            if part.reset or part.records:
                self._quiet = 0
            if part.reset:
                self._cursor = part.last
                await self._send(session_id, subscription.reset(part.last))
            elif not part.records:
                await self._rest(session_id)
            for start in range(0, len(part.records), BATCH):
                some = part.records[start : start + BATCH]
                self._cursor = some[-1].sequence
                events = [record.payload for record in some]
                await self._send(session_id, subscription.news(session_id, events, self._cursor))

    async def _rest(self, session_id: str) -> None:
        """Nothing happened for a while; asks whether the client is still there."""
        self._quiet += 1
        self._unanswered += 1
        if self._unanswered > PATIENCE:
            raise _TooSlow
        self.ping()
        if self._quiet % SILENCE == 0:
            await self._send(session_id, subscription.pong())

    async def _send(self, session_id: str, message: bytes) -> None:
        """Returns when the client has taken the message; raises _TooSlow when it does not."""
        sent = asyncio.ensure_future(self.write_message(message))
        sent.add_done_callback(_ignored)
        # Mostly the operating system has taken all of it by now, and there is nothing to wait for.
        pipe = None if self.ws_connection is None else self.ws_connection.stream
        if pipe is not None and not pipe.writing():
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SLOW_SECONDS
        while not sent.done():
            await asyncio.wait([sent], timeout=CHECK_SECONDS)
            if sent.done():
                break
            events, size = await self.workspace.parts.log.backlog(session_id, self._cursor)
            if events > SLOW_EVENTS or size > SLOW_BYTES or loop.time() > deadline:
                raise _TooSlow
        sent.result()

    async def _send_quietly(self, message: bytes) -> None:
        """Sends what does not matter when the client is gone."""
        try:
            await self.write_message(message)
        except WebSocketClosedError:
            return


def _ignored(sent: asyncio.Future[None]) -> None:
    """Takes note of how a message ended which nobody may be waiting for any more.

    It must not be cancelled instead: Tornado asks every future of a stream for its exception.
    """
    if not sent.cancelled():
        sent.exception()
