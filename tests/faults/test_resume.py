"""An upload that started will arrive: cuts of every kind at random offsets, then the order on the disk."""

from __future__ import annotations

import base64
import hashlib
import os
import random
import shutil
import socket
import struct
import time
from contextlib import suppress

import pytest
from faults.calling import Gone
from faults.serving import BASE_URL, TOKEN
from faults.tracing import traced

CUTS = int(os.environ.get("FAULTS_CUTS", "24"))
SEED = int(os.environ.get("FAULTS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
WAYS = ["FIN", "RST", "half-close", "stall", "kill", "kill during a checkpoint"]

TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}
PREFIX = f"{BASE_URL}api/workspace"
RESET = struct.pack("ii", 1, 0)


def begin(api, length, name="a.bin"):
    """The path of a new upload of the session `s`."""
    said = f"filename {base64.b64encode(name.encode()).decode()}"
    headers = {**TUS, "Upload-Length": str(length), "Upload-Metadata": said}
    answer = api.call("POST", "/uploads/s", headers=headers)
    assert answer.status == 201, answer.body
    return answer.headers["Location"].removeprefix(PREFIX)


def head(api, path):
    """The acknowledged offset."""
    answer = api.call("HEAD", path, headers=TUS)
    assert answer.status == 200, answer.status
    return int(answer.headers["Upload-Offset"])


def patch(api, path, offset, content):
    return api.call("PATCH", path, body=content, headers={**PIECE, "Upload-Offset": str(offset)})


class Cut:
    """A PATCH that ends somewhere in the middle."""

    def __init__(self, server, path, offset, length):
        self.server = server
        self.socket = socket.create_connection(("127.0.0.1", server.port), 30)
        lines = [
            f"PATCH {PREFIX}{path} HTTP/1.1",
            "Host: 127.0.0.1",
            f"Authorization: token {TOKEN}",
            f"Upload-Offset: {offset}",
            f"Content-Length: {length}",
            *(f"{name}: {value}" for name, value in PIECE.items()),
        ]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def send(self, content):
        with suppress(OSError):
            self.socket.sendall(content)

    def end(self, way, dice):
        """Ends it; a stalled one stays open, for the next writer to displace."""
        if way.startswith("kill"):
            time.sleep(dice.uniform(0, 0.2))
            self.server.kill()
            self.server.start()
        elif way == "RST":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        elif way == "half-close":
            self.socket.shutdown(socket.SHUT_WR)
        if way not in {"stall", "half-close"}:
            self.socket.close()


def arrive(server, api, content, way, dice):
    """Uploads with one cut, and gives the answer to the last request."""
    path = begin(api, len(content))
    done = dice.choice([0, dice.randrange(len(content))])
    if done:
        assert patch(api, path, 0, content[:done]).status == 204
    cut = dice.randrange(len(content) - done) if len(content) > done else 0
    sending = Cut(server, path, done, len(content) - done)
    sending.send(content[done : done + cut])
    if way == "kill during a checkpoint":
        assert done <= head(api, path) <= done + cut
    sending.end(way, dice)
    try:
        offset = head(api, path)
        assert done <= offset <= done + cut
        answer = patch(api, path, offset, content[offset:])
        while answer.status == 409:  # more of what was on its way has come meanwhile
            offset = head(api, path)
            answer = patch(api, path, offset, content[offset:])
        return answer
    finally:
        sending.socket.close()


def test_uploads_arrive_whatever_cuts_them(server):
    print(f"seed {SEED}: FAULTS_SEED={SEED} FAULTS_CUTS={CUTS} repeats the plan")
    dice, api = random.Random(SEED), server.api()
    assert api.send("PUT", "/sessions/s", {}).status == 201

    for number in range(CUTS):
        way = WAYS[number % len(WAYS)]
        content = dice.randbytes(dice.choice([1, 70_000, 1_048_576, 3_000_001, 9_000_000]))
        answer = arrive(server, api, content, way, dice)
        assert answer.status == 204, (number, way, len(content), answer.status, answer.body)
        record = api.get(f"/sessions/s/artifacts/{answer.headers['Upload-Attachment-Id']}").json
        assert record["sha256"] == hashlib.sha256(content).hexdigest(), (number, way)

    assert len(api.records("s")) == CUTS
    assert "Traceback" not in server.log_text()


def test_an_upload_that_was_whole_when_the_server_died_becomes_one_file(server):
    dice, api = random.Random(SEED), server.api()
    assert api.send("PUT", "/sessions/s", {}).status == 201
    for number in range(max(4, CUTS // 4)):
        content = dice.randbytes(300_000)
        path = begin(api, len(content), f"{number}.bin")
        sending = Cut(server, path, 0, len(content))
        sending.send(content)
        time.sleep(dice.uniform(0, 0.06))
        sending.end("kill", dice)

        with suppress(Gone):
            offset = head(api, path)
            if offset < len(content):
                patch(api, path, offset, content[offset:])
        until = time.monotonic() + 20
        while api.get(path).json["state"] != "done" and time.monotonic() < until:
            time.sleep(0.05)

        found = [record for record in api.records("s") if record["name"].startswith(f"{number}")]
        assert [record["name"] for record in found] == [f"{number}.bin"]
        assert found[0]["sha256"] == hashlib.sha256(content).hexdigest()
        assert api.get(path).json["attachment_id"] == found[0]["attachment_id"]


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("size", [3000, 5 << 20])
def test_bytes_then_note_then_answer(server, tmp_path, size):
    api = server.api()
    assert api.send("PUT", "/sessions/s", {}).status == 201
    path = begin(api, 2 * size)

    with traced(server, tmp_path / "trace.txt") as trace:
        assert patch(api, path, 0, os.urandom(size)).status == 204

    bytes_written = [c for c in trace.find("pwrite64", "/staging/") if ".json" not in c.arguments]
    synced = [c for c in trace.find("fdatasync|fsync", "/staging/") if ".json" not in c.arguments]
    noted, note_synced = trace.find("write", "/staging/", ".json>"), trace.find("fdatasync", ".json>")
    answered = trace.find("sendto|sendmsg|write", '"HTTP/1.1 204')
    assert max(call.ended for call in bytes_written) < synced[-1].begun
    assert synced[-1].ended < noted[-1].begun
    assert noted[-1].ended < note_synced[-1].begun
    assert note_synced[-1].ended < answered[-1].begun


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_a_new_upload_is_on_the_disk_before_its_address_is_told(server, tmp_path):
    api = server.api()
    assert api.send("PUT", "/sessions/s", {}).status == 201

    with traced(server, tmp_path / "trace.txt") as trace:
        begin(api, 10)

    folder_synced = trace.find("fsync", "/staging>")
    renamed = [call for call in trace.find("rename.*") if ".json" in call.arguments]
    answered = trace.find("sendto|sendmsg|write", '"HTTP/1.1 201')
    assert renamed[-1].ended < folder_synced[-1].begun
    assert folder_synced[-1].ended < answered[-1].begun
