"""Streams and sockets whose clients do not read, or are gone: by hand, since over a wire it takes minutes."""

import asyncio
import logging
from types import SimpleNamespace

import pytest
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

from jupyter_workspace.errors import Busy, Internal, SessionNotFound
from jupyter_workspace.handlers import socket as sockets
from jupyter_workspace.handlers import streaming
from jupyter_workspace.handlers.socket import SocketHandler
from jupyter_workspace.handlers.streaming import StreamingHandler
from jupyter_workspace.services.tail import Slice


class Pipe:
    """The end of a connection; `takes` says whether the client reads."""

    def __init__(self, *, takes=True):
        self.takes = takes
        self.is_closed = False
        self.socket = SimpleNamespace(setsockopt=lambda *_: None)

    def writing(self):
        return not self.takes

    def closed(self):
        return self.is_closed

    def close(self):
        self.is_closed = True


def streaming_handler(pipe, flushed=None):
    handler = StreamingHandler.__new__(StreamingHandler)
    handler.sent = []
    handler.is_finished = False
    handler.write = handler.sent.append
    handler.flush = flushed or (lambda: asyncio.get_running_loop().create_future())
    handler.set_header = lambda name, value: None
    handler._stream = lambda: pipe
    handler.application = SimpleNamespace(settings={})

    def finish(**_said):
        handler.is_finished = True

    handler.finish = finish
    return handler


async def frames(*pieces, error=None):
    for piece in pieces:
        yield piece
    if error is not None:
        raise error


async def test_a_client_that_takes_its_frames_gets_all_of_them():
    handler = streaming_handler(Pipe())

    await handler.stream(frames(b"a", b"", b"b"))

    assert handler.sent[1:] == [b"a", b": \n\n", b"b"]
    assert handler.is_finished


# API 7 and RELIABILITY L3: a slow reader is cut off, and nothing piles up behind it
async def test_a_client_that_does_not_read_is_cut_off(monkeypatch):
    monkeypatch.setattr(streaming, "SLOW_SECONDS", 0.01)
    pipe = Pipe(takes=False)
    handler = streaming_handler(pipe)

    await handler.stream(frames(b"a", b"b"))

    assert pipe.is_closed
    assert len(handler.sent) == 1
    assert not handler.is_finished


async def test_a_client_that_is_gone_ends_its_stream():
    pipe = Pipe()
    pipe.close()

    async def flushed():
        raise StreamClosedError

    handler = streaming_handler(pipe, flushed)
    await handler.stream(frames(b"a"))

    assert not handler.is_finished


@pytest.mark.parametrize("error", [SessionNotFound(), Busy()])
async def test_a_stream_ends_when_there_is_nothing_more_to_tell(error):
    handler = streaming_handler(Pipe())

    await handler.stream(frames(b"a", error=error))

    assert handler.is_finished


class Log:
    """Gives what a test wants, then waits."""

    def __init__(self, *parts, backlog=(0, 0)):
        self.parts = list(parts)
        self.waiting = backlog

    async def next(self, session_id, cursor, seconds):
        if not self.parts:
            await asyncio.Event().wait()
        part = self.parts.pop(0)
        if isinstance(part, Exception):
            raise part
        return part

    async def backlog(self, session_id, cursor):
        return self.waiting


def socket_handler(log, *, takes=True):
    handler = SocketHandler.__new__(SocketHandler)
    handler.workspace = SimpleNamespace(parts=SimpleNamespace(log=log))
    handler.ws_connection = SimpleNamespace(stream=Pipe(takes=takes))
    handler.sent, handler.pings, handler.closes = [], [], []
    handler.application = SimpleNamespace(settings={})

    def write_message(message):
        handler.sent.append(bytes(message))
        sent = asyncio.get_running_loop().create_future()
        if takes:
            sent.set_result(None)
        return sent

    handler.write_message = write_message
    handler.ping = lambda: handler.pings.append(1)
    handler.close = lambda code, reason: handler.closes.append((code, reason))
    return handler


QUIET = Slice(records=[], last=0)


# S4-24: after 300 s of silence the server shows that it lives
async def test_a_quiet_socket_is_pinged_and_told_that_the_server_lives():
    handler = socket_handler(Log(*[QUIET] * 10, SessionNotFound()))
    handler.ping = lambda: (handler.pings.append(1), handler.on_pong(b""))

    await handler._tell_until_closed("churn")

    assert sockets.PING_SECONDS * sockets.SILENCE == 300
    assert len(handler.pings) == 10
    assert handler.sent[1] == b'{"type":"pong"}'
    assert handler.closes == [(1000, "session_not_found")]


async def test_a_client_that_answers_no_ping_is_taken_to_be_gone():
    handler = socket_handler(Log(*[QUIET] * 9))

    await handler._tell_until_closed("churn")

    assert len(handler.pings) == sockets.PATIENCE
    assert handler.closes == [(1013, "cursor=0")]


@pytest.mark.parametrize("backlog", [(1001, 0), (0, 2**20 + 1)])
async def test_a_socket_is_closed_when_too_much_waits_behind_it(monkeypatch, backlog):
    monkeypatch.setattr(sockets, "CHECK_SECONDS", 0.01)
    handler = socket_handler(Log(backlog=backlog), takes=False)

    await handler._tell_until_closed("churn")

    assert handler.closes == [(1013, "cursor=0")]


async def test_a_socket_is_closed_when_one_message_is_not_taken_for_long(monkeypatch):
    monkeypatch.setattr(sockets, "CHECK_SECONDS", 0.01)
    monkeypatch.setattr(sockets, "SLOW_SECONDS", 0.03)
    handler = socket_handler(Log(), takes=False)

    await handler._tell_until_closed("churn")

    assert handler.closes == [(1013, "cursor=0")]


async def test_a_message_that_is_taken_late_is_taken(monkeypatch):
    monkeypatch.setattr(sockets, "CHECK_SECONDS", 0.01)
    handler = socket_handler(Log(SessionNotFound()), takes=False)
    sent = asyncio.get_running_loop().create_future()
    handler.write_message = lambda message: sent
    asyncio.get_running_loop().call_later(0.05, sent.set_result, None)

    await handler._tell_until_closed("churn")

    assert handler.closes == [(1000, "session_not_found")]


async def test_a_socket_of_a_stopping_server_says_where_to_go_on():
    handler = socket_handler(Log(Slice(records=[], last=7, reset=True), Busy()))

    await handler._tell_until_closed("churn")

    assert handler.sent[1] == b'{"type":"reset","cursor":7}'
    assert handler.closes == [(1001, "cursor=7")]


async def test_a_socket_that_is_gone_ends_its_reader():
    handler = socket_handler(Log())

    def gone(message):
        raise WebSocketClosedError

    handler.write_message = gone
    await handler._tell_until_closed("churn")
    await handler.on_message('{"type": "ping"}')

    assert handler.closes == []


async def test_a_reader_that_fails_is_logged_and_its_socket_closed(caplog):
    handler = socket_handler(Log(ValueError("broken")))
    handler.set_nodelay = lambda wanted: None

    with caplog.at_level(logging.ERROR):
        handler.open("churn")
        await asyncio.wait([handler._reader])
        await asyncio.sleep(0)

    assert handler.closes == [(1001, "cursor=0")]
    assert isinstance(handler._reader.exception(), ValueError)
    handler.on_close()


async def test_a_failure_of_the_index_closes_the_socket():
    handler = socket_handler(Log(Internal()))

    await handler._tell_until_closed("churn")

    assert handler.closes == [(1001, "cursor=0")]
