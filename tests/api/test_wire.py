"""Requests that are no proper HTTP, and connections that end when nobody expects it."""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from api.running import leftovers
from api.wire import chunked


def raw(server, data):
    """The status that these bytes get; None when the connection is just closed."""
    with server.wire(10) as wire:
        wire.send(data)
        with contextlib.suppress(OSError, http.client.HTTPException):
            return wire.answer("PUT").status
    return None


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Length": "abc"}, b"x"),
        ({"Content-Length": "-1"}, b"x"),
        ({"Content-Length": "+3"}, b"abc"),
        ({"Content-Length": "3, 4"}, b"abc"),
        ({"Content-Length": "0x3"}, b"abc"),
        ({"Content-Length": "9" * 5000}, b"abc"),
        ({"Content-Length": "3", "Transfer-Encoding": "chunked"}, chunked(b"abc")),
        ({"Transfer-Encoding": "chunked"}, b"zz\r\nabc\r\n"),
        ({"Transfer-Encoding": "chunked"}, b"-3\r\nabc\r\n0\r\n\r\n"),
        ({"Transfer-Encoding": "chunked"}, b"3\r\nabcd\r\n0\r\n\r\n"),
        ({"Transfer-Encoding": "gzip, chunked"}, chunked(b"abc")),
        ({"Transfer-Encoding": "identity"}, b"abc"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_body_whose_end_cannot_be_told_is_not_taken(server, session, headers, body):
    # S0-16; API 1 Durable
    status = raw(server, server.head("PUT", f"/uploads/{session.id}?name=a", headers) + body)

    assert status in {None, 400, 501, 507}
    assert (session.names(), leftovers(server)) == ([], [])
    assert server.call("GET", "/").status == 200


def test_the_last_chunk_counts(server, session):
    # S0-16; API 4 PUT
    head = server.head("PUT", f"/uploads/{session.id}?name=a", {"Transfer-Encoding": "chunked"})

    assert raw_and_gone(server, head + b"3\r\nabc\r\n") is None
    assert (session.names(), leftovers(server)) == ([], [])


def raw_and_gone(server, data):
    """Sends, and says no more."""
    with server.wire(2) as wire:
        wire.send(data)
        wire.socket.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError, http.client.HTTPException):
            return wire.answer("PUT").status
    return None


def test_a_connection_that_is_reset_in_a_download_harms_nobody(server, session):
    # S0-60; API 6
    att = session.saved("big.bin", bytes(8_000_000))["attachment_id"]

    for _ in range(5):
        with server.wire() as wire:
            wire.send(server.head("GET", f"/sessions/{session.id}/artifacts/{att}?mode=stream"))
            wire.socket.recv(1000)
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert len(session.content(att).body) == 8_000_000


def test_connections_that_are_reset_in_uploads_leave_nothing(server, session):
    # S0-16 S2-33; API 4
    def broken(number):
        with server.wire() as wire:
            head = server.head("PUT", f"/uploads/{session.id}?name={number}", {"Content-Length": "3000000"})
            wire.send(head + bytes(1_500_000))
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(broken, range(16)))

    assert leftovers(server) == []
    assert (session.names(), session.attachments(), session.events()) == ([], [], [])


def test_a_poll_whose_client_is_gone_harms_nobody(server, session):
    # S0-60; API 5
    for _ in range(20):
        with server.wire() as wire:
            wire.send(server.head("GET", f"/sessions/{session.id}/artifact-events?wait_seconds=60"))
            time.sleep(0.01)

    session.saved("a.csv")

    assert len(session.events()) == 1


def test_a_slow_reader_does_not_hold_up_the_others(server, session):
    # S0-60; API 6
    att = session.saved("big.bin", bytes(20_000_000))["attachment_id"]

    with contextlib.ExitStack() as stack:
        for _ in range(4):
            wire = stack.enter_context(server.wire())
            wire.send(server.head("GET", f"/sessions/{session.id}/artifacts/{att}?mode=stream"))
        began = time.monotonic()
        answer = session.put("fast.csv")
        took = time.monotonic() - began

    assert answer.status == 201
    assert took < 5


def test_a_file_that_changes_while_it_is_sent_is_not_sent_to_the_end(server, session):
    # S0-82 S2-36; API 11.26
    record = session.made("live.bin", bytes(30_000_000))

    with server.wire() as wire:
        wire.send(
            server.head("GET", f"/sessions/{session.id}/artifacts/{record['attachment_id']}?mode=stream")
        )
        wire.receive_head()
        (session.folder / "live.bin").write_bytes(b"\1" * 30_000_000)
        got = bytearray()
        with contextlib.suppress(OSError):
            while piece := wire.socket.recv(65536):
                got += piece

    assert len(got) < 30_000_000 or bytes(got) in {bytes(30_000_000), b"\1" * 30_000_000}


def test_a_compressed_body_is_kept_as_it_came(session):
    # S0-76; API 4 PUT
    answer = session.put("a.gz", b"\x1f\x8bxyz", headers={"Content-Encoding": "gzip"})

    assert answer.status == 201
    assert session.content(answer.json()["attachment_id"]).body == b"\x1f\x8bxyz"


def test_a_download_is_not_compressed_on_its_way(server, session):
    # S0-82; API 6
    content = b"a" * 100_000
    att = session.saved("a.txt", content)["attachment_id"]

    answer = session.content(att, **{"Accept-Encoding": "gzip, deflate, br"})

    assert "Content-Encoding" not in answer.headers
    assert answer.body == content
    assert answer.headers["Content-Length"] == "100000"
