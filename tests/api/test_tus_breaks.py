"""Broken lines, slow clients and two writers: what a resumable upload is for."""

from __future__ import annotations

import hashlib
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from api.resuming import (
    PIECE,
    PREFIX,
    VERSION,
    Resumable,
    begun,
    checksum,
    content_of,
    creation,
    metadata,
    notes_of,
)
from api.running import Server

STALL_TIMEOUT = 4

RESET = struct.pack("ii", 1, 0)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Server(
        tmp_path_factory.mktemp("breaks") / "home", **{"JupyterWorkspace.stall_timeout": STALL_TIMEOUT}
    )
    made.start()
    yield made
    assert "Traceback" not in made.log.read_text()
    made.stop()


@pytest.fixture
def session(server):
    return server.session()


@pytest.fixture
def sending_of():
    """Begins a PATCH; its connection is closed with the test."""
    made = []

    def begin(*args, **headers):
        made.append(Sending(*args, **headers))
        return made[-1]

    yield begin
    for sending in made:
        sending.wire.socket.close()


class Sending:
    """A PATCH whose body is sent by and by."""

    def __init__(self, upload: Resumable, offset: int, length: int, **headers: str):
        self.wire = upload.server.wire()
        self.wire.send(upload.opening(offset, length, **headers))

    def end(self, how: str) -> None:
        """Ends the connection in the middle."""
        if how == "half-close":
            self.wire.socket.shutdown(socket.SHUT_WR)
        elif how == "RST":
            # What the server has not read yet is lost with a reset.
            time.sleep(0.3)
            self.wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.wire.socket.close()
        else:
            self.wire.socket.close()


def ended(upload):
    """The record of an upload, once it has ended."""
    until = time.monotonic() + 5
    while (record := upload.record())["state"] in {"open", "finishing"} and time.monotonic() < until:
        time.sleep(0.02)
    return record


def finished(session, upload, content, offset):
    """Sends the rest, and checks the whole."""
    answer = upload.patch(offset, content[offset:])
    assert answer.status == 204, answer.text()
    record = session.file(answer.headers["Upload-Attachment-Id"]).json()
    assert record["sha256"] == hashlib.sha256(content).hexdigest()
    return record


@pytest.mark.parametrize("how", ["FIN", "RST", "half-close"])
@pytest.mark.parametrize("cut", [1, 65_536, 700_000, 1_048_576, 3_000_001])
@pytest.mark.parametrize("size", [900_000, 5_000_000])
def test_what_came_before_a_cut_is_kept(session, how, cut, size, sending_of):
    # RELIABILITY 1.1, 2.1 PATCH, B9
    cut, content = min(cut, size - 1), content_of(size)
    upload = begun(session, size)
    sending = sending_of(upload, 0, size)
    sending.wire.send(content[:cut])

    sending.end(how)
    offset = upload.settled(cut)

    assert offset == cut
    finished(session, upload, content, offset)


def test_a_look_at_an_upload_brings_it_to_the_disk_and_disturbs_nobody(session, sending_of):
    # API 4; RELIABILITY 1.1 TestLockRelease
    content = content_of(3_000_000)
    upload = begun(session, len(content))
    sending = sending_of(upload, 0, len(content))
    sending.wire.send(content[:2_000_000])

    seen = upload.settled(2_000_000)
    sending.wire.send(content[2_000_000:])
    answer = sending.wire.answer()

    assert seen == 2_000_000
    assert answer.status == 204
    assert session.attachments()[0]["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("size", [500_000, 3_000_000])
def test_a_stalled_writer_gives_way(session, size, sending_of):
    # API 4; RELIABILITY promise 4, B9
    content = content_of(size)
    upload = begun(session, size)
    stalled = sending_of(upload, 0, size)
    stalled.wire.send(content[: size // 2])
    offset = upload.settled(size // 2)

    start = time.monotonic()
    finished(session, upload, content, offset)

    assert time.monotonic() - start < 5
    assert stalled.wire.is_closed()


def test_a_writer_at_work_does_not_give_way(session, sending_of):
    # API 4: else 423
    content = content_of(2_000_000)
    upload = begun(session, len(content))
    busy = sending_of(upload, 0, len(content))

    with ThreadPoolExecutor(1) as pool:
        busy.wire.send(content[:1000])
        offset = upload.settled(1000)
        other = pool.submit(upload.patch, offset, b"other")
        sent = 1000
        while not other.done():
            busy.wire.send(content[sent : sent + 1000])
            sent += 1000
            time.sleep(0.05)
        busy.wire.send(content[sent:])
        answer = busy.wire.answer()

    assert other.result().status == 423
    assert answer.status == 204
    assert session.attachments()[0]["sha256"] == hashlib.sha256(content).hexdigest()


def test_two_writers_never_mix_their_bytes(session, sending_of):
    # issue 5: two writers on one upload, RELIABILITY promise 4
    size = 3_000_000
    upload = begun(session, size)
    # Each word says where it belongs, and its last bit who wrote it.
    mine, theirs = (b"".join((2 * n + who).to_bytes(8, "big") for n in range(size // 8)) for who in (0, 1))

    def write(content):
        for _ in range(60):
            if session.attachments():
                return
            offset = upload.offset()
            sending = sending_of(upload, offset, size - offset)
            sending.wire.send(content[offset : offset + 200_000])
            sending.wire.socket.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, [mine, theirs]))
    offset = upload.offset()
    if offset < size:
        upload.patch(offset, mine[offset:])

    stored = (session.folder / "attachments/upload.bin").read_bytes()
    assert len(stored) == size
    assert [word >> 1 for (word,) in struct.iter_unpack(">Q", stored)] == list(range(size // 8))
    assert session.attachments()[0]["sha256"] == hashlib.sha256(stored).hexdigest()


def test_a_client_that_sends_nothing_is_cut_off_and_keeps_what_it_sent(session, sending_of):
    # RELIABILITY F5, F8, B10
    upload = begun(session, 10)
    sending = sending_of(upload, 0, 10)
    sending.wire.send(b"hello")

    start = time.monotonic()
    closed = sending.wire.is_closed()

    assert closed
    assert time.monotonic() - start < STALL_TIMEOUT + 3
    assert upload.offset() == 5


def test_a_cut_piece_with_a_checksum_is_dropped(session, sending_of):
    # RELIABILITY 2.1 checksum: a cut request has no verdict
    content = content_of(2_000_000)
    upload = begun(session, len(content))
    upload.patch(0, content[:10])
    sending = sending_of(upload, 10, len(content) - 10, **checksum(content[10:]))
    sending.wire.send(content[10:1_500_000])

    during = upload.offset()
    sending.end("FIN")
    time.sleep(0.3)

    assert during == upload.offset() == 10
    finished(session, upload, content, 10)


def test_a_creation_that_is_cut_leaves_nothing(server, session):
    sent = {**creation(10), **PIECE, "Content-Length": "10"}
    before = len(notes_of(server))
    with server.wire() as wire:
        wire.send(server.head("POST", f"/uploads/{session.id}", sent) + b"hello")
        while len(notes_of(server)) == before:
            time.sleep(0.02)

    until = time.monotonic() + 5
    while len(notes_of(server)) > before and time.monotonic() < until:
        time.sleep(0.02)
    assert len(notes_of(server)) == before


def test_the_end_of_an_upload_ends_its_writer(session, sending_of):
    upload = begun(session, 10)
    sending = sending_of(upload, 0, 10)
    sending.wire.send(b"hello")
    upload.settled(5)

    answer = upload.call("DELETE")

    assert answer.status == 204
    assert sending.wire.is_closed()
    assert upload.head().status == 404


def test_the_end_of_a_session_ends_its_writers(session, sending_of):
    # API 11.32
    upload = begun(session, 10)
    sending = sending_of(upload, 0, 10)
    sending.wire.send(b"hello")
    upload.settled(5)

    session.call("PATCH", json_body={"status": "abandoned"})

    assert sending.wire.is_closed()
    assert ended(upload)["code"] == "session_closed"


def test_a_last_piece_whose_answer_was_lost_is_not_stored_twice(session, sending_of):
    # RELIABILITY F7: the retry of a lost 204
    content = content_of(100_000)
    upload = begun(session, len(content))
    upload.patch(0, content[:50_000])
    sending = sending_of(upload, 50_000, 50_000)
    sending.wire.send(content[50_000:])
    # The retry may else be the first that the server looks at, and be taken: two connections have no order.
    assert upload.settled(len(content)) == len(content)
    sending.end("FIN")

    again = upload.patch(50_000, content[50_000:])

    assert again.status == 409
    assert upload.offset() == len(content)
    assert ended(upload)["state"] == "done"
    assert len(session.attachments()) == 1
    assert session.attachments()[0]["sha256"] == hashlib.sha256(content).hexdigest()


def test_a_retry_that_overtakes_what_it_repeats_is_not_stored_twice(session, sending_of):
    # RELIABILITY F7
    content = content_of(100_000)
    upload = begun(session, len(content))
    upload.patch(0, content[:50_000])
    sending = sending_of(upload, 50_000, 50_000)
    sending.wire.send(content[50_000:])
    sending.end("FIN")

    again = upload.patch(50_000, content[50_000:])

    assert again.status in {204, 409}
    assert upload.settled(len(content)) == len(content)
    assert ended(upload)["state"] == "done"
    assert [record["sha256"] for record in session.attachments()] == [hashlib.sha256(content).hexdigest()]


def test_uploads_outlive_a_clean_stop(server, session, sending_of):
    # C5
    content = content_of(4_000_000)
    upload = begun(session, len(content))
    partial = begun(session, 3, Upload_Concat="partial")
    partial.patch(0, b"abc")
    sending = sending_of(upload, 0, len(content))
    sending.wire.send(content[:2_500_000])
    time.sleep(0.5)

    server.restart()
    offset = upload.offset()

    assert offset == 2_500_000
    finished(session, upload, content, offset)
    url = f"{PREFIX}{partial.path}"
    headers = {**VERSION, "Upload-Concat": f"final;{url} {url}", "Upload-Metadata": metadata(filename="j")}
    assert server.call("POST", f"/uploads/{session.id}", b"", headers).status == 201
    assert (session.folder / "attachments/j").read_bytes() == b"abcabc"
