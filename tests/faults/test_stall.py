"""Bodies that never end: nothing of them is left, and nothing of them is kept open."""

from __future__ import annotations

import os
import socket
import struct
import time

import pytest
from faults.invariants import check_descriptors, check_log, within_grace
from faults.serving import BASE_URL, TOKEN
from faults.truth import Truth

STALL_SECONDS = 2.0
MIB = 2**20


@pytest.fixture
def server(make_server):
    server = make_server(options=[f"--JupyterWorkspace.stall_timeout={STALL_SECONDS}"])
    server.start()
    assert server.api().send("PUT", "/sessions/s", {}).status == 201
    return server


def begin(server, sent, *, length=8 * MIB, as_form=False, chunked=False):
    """An upload of which only the first `sent` bytes are on the wire."""
    method, query, kind = (
        ("POST", "", "multipart/form-data; boundary=b") if as_form else ("PUT", "?name=a", "x/y")
    )
    body = b"--b\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\n" if as_form else b""
    body = (body + os.urandom(sent))[:sent]
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {length}"
    if chunked:
        body = f"{length:x}\r\n".encode() + body
    stream = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    stream.sendall(
        f"{method} {BASE_URL}api/workspace/uploads/s{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: token {TOKEN}\r\nContent-Type: {kind}\r\n{framing}\r\n\r\n".encode()
        + body
    )
    return stream


def finish(stream):
    stream.close()


def reset(stream):
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()


def half_close(stream):
    stream.shutdown(socket.SHUT_WR)
    wait_for_end(stream)
    stream.close()


def stall(stream):
    begun = time.monotonic()
    wait_for_end(stream)
    assert time.monotonic() - begun < STALL_SECONDS + 3, "the stalled connection stayed open"
    stream.close()


def wait_for_end(stream):
    try:
        while stream.recv(65536):
            pass
    except ConnectionResetError:
        pass


def nothing_is_left(server):
    return not list((server.state / "staging").iterdir())


@pytest.mark.parametrize("end", [finish, reset, half_close, stall])
@pytest.mark.parametrize("form", [{}, {"as_form": True}, {"chunked": True}], ids=["raw", "form", "chunked"])
def test_a_body_that_breaks_off_leaves_nothing(server, end, form):
    streams = [begin(server, sent, **form) for sent in [0, 1, 70, 64 << 10, MIB, 3 * MIB]]
    time.sleep(0.2)

    for stream in streams:
        end(stream)

    within_grace("staged bytes were left", lambda: nothing_is_left(server))
    api = server.api()
    assert api.records("s") == []
    assert api.events("s") == []
    usage = api.get("/usage").json
    assert usage["used_bytes"] == usage["file_count"] == 0
    check_log(server)


def test_a_hundred_broken_uploads_leave_no_descriptor_and_no_memory(server):
    for stream in [begin(server, MIB) for _ in range(10)]:
        reset(stream)
    within_grace("staged bytes were left", lambda: nothing_is_left(server))
    before = server.memory()

    for number in range(10):
        streams = [begin(server, MIB + number, as_form=bool(number % 2)) for _ in range(10)]
        for stream in streams:
            [finish, reset][number % 2](stream)

    within_grace("staged bytes were left", lambda: nothing_is_left(server))
    check_descriptors(server, server.api(), Truth("s"))
    assert server.memory() - before < 32 * MIB
    check_log(server)


def test_a_slow_sender_is_no_stalled_one(server):
    stream = begin(server, 0, length=10)

    for _ in range(10):
        time.sleep(STALL_SECONDS / 4)
        stream.sendall(b"x")

    assert stream.recv(65536).startswith(b"HTTP/1.1 201")
    stream.close()


def test_a_stalled_sender_gives_its_room_back(make_server):
    options = [
        f"--JupyterWorkspace.stall_timeout={STALL_SECONDS}",
        "--JupyterWorkspace.max_session_size=1000000",
    ]
    server = make_server(options=options)
    server.start()
    api = server.api()
    assert api.send("PUT", "/sessions/s", {}).status == 201
    stream = begin(server, 1000, length=900_000)
    time.sleep(0.2)

    refused = api.upload("s", "b.bin", bytes(500_000))
    stall(stream)
    taken = api.upload("s", "b.bin", bytes(500_000))

    assert (refused.status, refused.code) == (507, "quota_exceeded")
    assert taken.status == 201
