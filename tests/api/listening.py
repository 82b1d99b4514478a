"""Readers of a session's news: an event stream and a WebSocket, read as they come over the wire."""

from __future__ import annotations

import http.client
import json
import select
import time
from contextlib import contextmanager

import websocket

from jupyter_workspace.protocol.sse import FrameReader

SECONDS = 30.0
PATIENCE = 0.7


class Stream:
    """An open event stream."""

    def __init__(self, server, session_id, headers=None, query=""):
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
        target = server.address(f"/sessions/{session_id}/artifact-events{query}")
        sent = {"Accept": "text/event-stream", **server.login, **(headers or {})}
        self._connection.request("GET", target, headers=sent)
        self.answer = self._connection.getresponse()
        self.raw = b""
        self._reader = FrameReader()
        self._frames = []

    def close(self):
        self.answer.close()
        self._connection.close()

    @property
    def cursor(self):
        return self._reader.cursor

    def take(self):
        """The next piece, b'' at the end."""
        piece = self.answer.read1(65536)
        self.raw += piece
        self._frames += self._reader.feed(piece)
        return piece

    def taken(self):
        """The whole frames that have come and were not given before."""
        found, self._frames = self._frames, []
        return found

    def frames(self, count):
        """The next `count` frames, each as (event, data, cursor)."""
        while len(self._frames) < count:
            assert self.take(), f"the stream ended: {self.raw[-500:]}"
        found, self._frames = self._frames[:count], self._frames[count:]
        return [(frame.event, json.loads(frame.data), frame.cursor) for frame in found]

    def events(self, count):
        return [data for _, data, _ in self.frames(count)]

    def until(self, cursor):
        """Reads until the client knows that it has come that far."""
        while self.cursor != str(cursor):
            assert self.take(), "the stream ended"

    def rest(self):
        """What still comes, until the server ends the stream."""
        while self.take():
            pass
        return self.taken()

    def quiet(self, seconds=PATIENCE):
        """Whether no frame comes for a while."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([self._connection.sock], [], [], left)[0]:
                self.take()
        return not self._frames


@contextmanager
def streaming(session, headers=None, query="", server=None):
    stream = Stream(server or session.server, session.id, headers, query)
    try:
        yield stream
    finally:
        stream.close()


def socket_url(server, session_id, query=""):
    return f"ws://127.0.0.1:{server.port}{server.address(f'/sessions/{session_id}/subscribe{query}')}"


@contextmanager
def subscribed(session, query="", headers=None, **options):
    """An open socket, its first message read."""
    server = session.server
    login = server.login if headers is None else headers
    opened = websocket.create_connection(
        socket_url(server, session.id, query),
        header=[f"{name}: {value}" for name, value in login.items()],
        timeout=SECONDS,
        **options,
    )
    try:
        yield opened
    finally:
        opened.shutdown()


def refusal(server, session_id, query="", headers=None, **options):
    """(status, body) of a handshake that is refused."""
    login = server.login if headers is None else headers
    try:
        opened = websocket.create_connection(
            socket_url(server, session_id, query),
            header=[f"{name}: {value}" for name, value in login.items()],
            timeout=SECONDS,
            **options,
        )
    except websocket.WebSocketBadStatusException as error:
        return error.status_code, json.loads(error.resp_body)
    opened.shutdown()
    raise AssertionError("the handshake was not refused")


def said(socket):
    """The next message."""
    return json.loads(socket.recv())


def told(socket, count):
    """The events of the next messages, at least `count`."""
    found = []
    while len(found) < count:
        message = said(socket)
        assert message["type"] == "artifact_created", message
        found += message["events"]
        assert message["next_cursor"] == found[-1]["sequence"]
    return found
