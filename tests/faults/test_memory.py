"""Memory stays flat: however large a file is, however many come at once, and on the way out."""

from __future__ import annotations

import hashlib
import http.client
import os
import random
import shutil
import socket
import threading
import time
from contextlib import contextmanager

import pytest
from faults.serving import BASE_URL, TOKEN

MIB = 2**20
GIB = 2**30

#: The size of the gate; 3 GiB before a release (FAULTS_LARGE_BYTES=3221225472).
LARGE = int(os.environ.get("FAULTS_LARGE_BYTES", str(GIB)))
MANY = int(os.environ.get("FAULTS_MANY_BYTES", str(256 * MIB)))
ROOM = 64 * MIB

#: Sent and received at a time.
BLOCK = MIB


def need_disk(path, size):
    free = shutil.disk_usage(path).free
    if free < size:
        pytest.skip(f"{free // GIB} GiB free, {size // GIB} GiB needed")


def blocks(size, seed):
    """Half zeros, half noise; no two blocks of noise alike."""
    noise = random.Random(seed).randbytes(BLOCK)
    for number in range(-(-size // BLOCK)):
        length = min(BLOCK, size - number * BLOCK)
        if number % 2:
            yield bytes(length)
        else:
            yield (number.to_bytes(8, "big") + noise)[:length]


@contextmanager
def memory_watched(server):
    """The memory of the server while the block runs: {'idle', 'peak', 'largest sample'} in bytes."""
    server.forget_peak()
    seen = {"idle": server.memory()}
    samples = [seen["idle"]]
    ended = threading.Event()

    def sample():
        while not ended.wait(0.05):
            samples.append(server.memory())

    sampling = threading.Thread(target=sample)
    sampling.start()
    try:
        yield seen
    finally:
        ended.set()
        sampling.join()
    seen["peak"] = server.memory("VmHWM")
    seen["sampled"] = max(samples)


def check_flat(seen, what, seconds, size):
    grown = seen["peak"] - seen["idle"]
    print(
        f"{what}: {size / MIB / seconds:.0f} MiB/s, {grown / MIB:.1f} MiB above {seen['idle'] / MIB:.0f} MiB idle"
    )
    assert grown <= ROOM, f"{what} took {grown / MIB:.1f} MiB above idle"
    assert seen["sampled"] - seen["idle"] <= ROOM


def warm_up(api):
    """What the first requests load for good is not what a large file costs."""
    assert api.send("PUT", "/sessions/s", {}).status == 201
    for number in range(3):
        assert api.upload("s", f"warm {number}.bin", os.urandom(4 * MIB)).status == 201
        assert api.upload_form("s", [("warm.bin", os.urandom(4 * MIB))], part="file").status == 201
        assert api.get("/sessions/s/download").status == 200


def head(number, session, name, length, content_type=None):
    lines = [
        f"PUT {BASE_URL}api/workspace/uploads/{session}?name={name} HTTP/1.1",
        f"Host: 127.0.0.1:{number}",
        f"Authorization: token {TOKEN}",
        f"Content-Length: {length}",
        "Connection: close",
    ]
    if content_type is not None:
        lines[0] = f"POST {BASE_URL}api/workspace/uploads/{session} HTTP/1.1"
        lines.append(f"Content-Type: {content_type}")
    return "\r\n".join([*lines, "", ""]).encode()


def send(server, name, size, seed, *, as_form):
    """Uploads by a socket, a block at a time; the record, and the digest of what was sent."""
    before, after, content_type = b"", b"", None
    if as_form:
        before = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
        after, content_type = b"\r\n--b--\r\n", "multipart/form-data; boundary=b"
    digest = hashlib.sha256()
    with socket.create_connection(("127.0.0.1", server.port), timeout=120) as sending:
        sending.sendall(head(server.port, "s", name, len(before) + size + len(after), content_type) + before)
        for block in blocks(size, seed):
            digest.update(block)
            sending.sendall(block)
        sending.sendall(after)
        response = http.client.HTTPResponse(sending)
        response.begin()
        content = response.read()
        response.close()
    assert response.status == 201, content
    return content, digest.hexdigest()


def hashed(response):
    digest, size = hashlib.sha256(), 0
    while block := response.read(BLOCK):
        digest.update(block)
        size += len(block)
    return f"{size} {digest.hexdigest()}".encode()


@pytest.mark.parametrize("as_form", [False, True], ids=["raw", "form"])
def test_a_large_file_comes_and_goes_in_flat_memory(make_server, as_form):
    server = make_server()
    need_disk(server.place, 2 * LARGE + 2 * GIB)
    server.start()
    api = server.api(timeout=300)
    warm_up(api)

    with memory_watched(server) as seen:
        begun = time.monotonic()
        record, digest = send(server, "large.bin", LARGE, 1, as_form=as_form)
        check_time = time.monotonic() - begun
    check_flat(seen, f"upload as {'form' if as_form else 'raw bytes'}", check_time, LARGE)
    assert digest.encode() in record

    file = next(record for record in api.records("s") if record["name"] == "large.bin")
    assert file["size"] == LARGE
    for what, path in [
        ("download", f"/sessions/s/artifacts/{file['artifact_id']}?mode=stream"),
        ("zip", f"/sessions/s/download?artifact_id={file['artifact_id']}"),
    ]:
        with memory_watched(server) as seen:
            begun = time.monotonic()
            answer = api.call("GET", path, take=hashed)
            check_time = time.monotonic() - begun
        assert answer.status == 200
        check_flat(seen, what, check_time, LARGE)
        size, said = answer.body.decode().split()
        assert what == "zip" or (int(size), said) == (LARGE, digest)
        assert int(answer.headers["Content-Length"]) == int(size)


def test_eight_large_uploads_at_once_take_no_more_memory_than_one(make_server):
    server = make_server()
    need_disk(server.place, 8 * MANY + 2 * GIB)
    server.start()
    warm_up(server.api())
    failures = []

    def upload(number):
        try:
            record, digest = send(server, f"{number}.bin", MANY, number, as_form=bool(number % 2))
            assert digest.encode() in record
        except Exception as error:  # noqa: BLE001  (whatever it is, the test must hear of it)
            failures.append(error)

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(8)]
    with memory_watched(server) as seen:
        begun = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        check_time = time.monotonic() - begun

    assert not failures, failures
    check_flat(seen, "eight uploads at once", check_time, 8 * MANY)


def test_a_slow_reader_does_not_make_the_server_read_ahead(make_server):
    size = 256 * MIB
    server = make_server()
    need_disk(server.place, size + 2 * GIB)
    server.start()
    api = server.api(timeout=300)
    warm_up(api)
    send(server, "large.bin", size, 1, as_form=False)
    file = next(record for record in api.records("s") if record["name"] == "large.bin")

    with memory_watched(server) as seen, socket.create_connection(("127.0.0.1", server.port)) as slow:
        path = f"{BASE_URL}api/workspace/sessions/s/artifacts/{file['artifact_id']}?mode=stream"
        slow.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: token {TOKEN}\r\n\r\n".encode()
        )
        assert slow.recv(65536).startswith(b"HTTP/1.1 200")
        time.sleep(2)

    check_flat(seen, "a reader that stopped reading", 2, 0)
