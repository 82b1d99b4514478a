"""Through nginx, with request buffering and without, and with its limit of 1 MiB a request."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import threading
import time

import pytest
from api.cutting import Cut, Line
from api.javascript import upload_command
from api.listening import said, streaming, subscribed, told
from api.resuming import begun
from api.running import BASE_URL
from tusclient.client import TusClient

from jupyter_workspace.client import patience
from jupyter_workspace.client.async_client import AsyncClient
from jupyter_workspace.client.client import Client

MIB = 1 << 20
SIZE = 20 * MIB + 12345
#: Below nginx's limit, as the page on clients advises.
CHUNK = 1_000_000
COMMAND = [sys.executable, "-c", "from jupyter_workspace.cli.main import main; main()"]


@pytest.fixture(autouse=True)
def impatient(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(patience, "FIRST_PAUSE_SECONDS", 0.1)


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    path = tmp_path_factory.mktemp("big") / "big.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def assert_arrived(session, path):
    """The session has this file and no other, on the disk too."""
    (record,) = session.attachments()
    assert record["sha256"] == digest(path) == digest(session.folder / record["path"])


def endpoint(front, session):
    return f"{front.url}api/workspace/uploads/{session.id}"


# Uploads: issue 5, RELIABILITY B16


def test_the_command_line_uploads_and_downloads(front, session, big, tmp_path):
    run = [*COMMAND, "--url", front.url, "--json"]
    environment = {**os.environ, "JUPYTER_TOKEN": front.token}

    up = subprocess.run([*run, "upload", session.id, big], env=environment, capture_output=True, check=True)
    back = tmp_path / "back.bin"
    down = [*run, "download", session.id, "attachments/big.bin", back]
    subprocess.run(down, env=environment, capture_output=True, check=True)

    assert json.loads(up.stdout)["sha256"] == digest(big) == digest(back)
    assert_arrived(session, big)


@pytest.mark.parametrize("size", [MIB, MIB + 1, 3 * MIB, SIZE])
def test_the_library_finds_the_limit_whatever_the_size(front, session, big, tmp_path, size):
    # The first request of 3 MiB is refused whole, the first part of 20 MiB too.
    path = tmp_path / "some.bin"
    path.write_bytes(big.read_bytes()[:size])

    with Client(front.url, front.token) as client:
        client.upload(session.id, path)

    assert_arrived(session, path)


def test_the_asynchronous_library_finds_it_too(front, session, big):
    async def upload():
        async with AsyncClient(front.url, front.token) as client:
            await client.upload(session.id, big)

    asyncio.run(upload())

    assert_arrived(session, big)


def test_tuspy_uploads_in_chunks_below_the_limit(front, session, big):
    client = TusClient(endpoint(front, session), headers=front.login)

    with big.open("rb") as stream:
        client.uploader(file_stream=stream, chunk_size=CHUNK, metadata={"filename": "tuspy.bin"}).upload()

    assert_arrived(session, big)


def test_tus_js_client_uploads_in_chunks_below_the_limit(front, session, big):
    options = {
        "endpoint": endpoint(front, session),
        "headers": front.login,
        "path": str(big),
        "chunkSize": CHUNK,
        "metadata": {"filename": "js.bin"},
    }

    subprocess.run(upload_command(options), capture_output=True, timeout=60, check=True)

    assert_arrived(session, big)


def test_an_upload_outlives_a_restart_of_nginx(front, session, big, nginx):
    restarted = []

    def restart(done):
        if done > 4 * MIB and not restarted:
            restarted.append(done)
            nginx.stop()
            nginx.start()

    with Client(front.url, front.token) as client:
        client.upload(session.id, big, on_progress=restart)

    assert restarted
    assert_arrived(session, big)


def test_transfers_outlive_a_restart_of_the_server_behind_nginx(front, nginx, behind, session, big, tmp_path):
    # B16: meanwhile nginx answers 502 in the server's place. A restart takes long: one for each of the two.
    is_upload = front.port == nginx.ports["unbuffered"]
    starting = []

    def kill(done):
        if done > 2 * MIB and not starting:
            behind.kill()
            starting.append(threading.Timer(1.0, behind.start))
            starting[0].start()

    with Client(front.url, front.token) as client:
        record = client.upload(session.id, big, on_progress=kill if is_upload else None)
        progress = None if is_upload else kill
        path = client.download(session.id, record.artifact_id, tmp_path / "back.bin", on_progress=progress)
    starting[0].join()

    assert_arrived(session, big)
    assert digest(path) == digest(big)


def test_what_came_before_a_cut_is_kept_or_none_of_it(front, session):
    """nginx passes a broken request on if it does not buffer, and else not: an offset is never a guess."""
    upload = begun(session, 900_000)
    content = os.urandom(900_000)
    with front.wire() as wire:
        wire.send(upload.opening(0, len(content)) + content[:500_000])
        kept = upload.settled(500_000, 1.0)

    assert kept in {0, 500_000}
    answer = upload.patch(kept, content[kept:])
    while answer.status == 409:
        kept = answer.json()["offset"]
        answer = upload.patch(kept, content[kept:])
    assert answer.status == 204
    assert session.attachments()[0]["sha256"] == hashlib.sha256(content).hexdigest()


def test_a_whole_request_above_the_limit_is_refused_by_nginx_alone(front, session):
    answer = session.put("a.bin", bytes(2 * MIB))

    assert answer.status == 413
    assert session.names() == []


# Downloads


def test_a_download_goes_on_after_the_line_broke(front, behind, session, big, tmp_path):
    record = copy_of(session, behind).saved("big.bin", big.read_bytes())
    asked = iter([None, Cut(250, "fin")])
    # The first connection asks for the version; the second is cut in the middle of the answer.
    with Line(front.port, lambda: next(asked, None)) as line:
        address = f"http://127.0.0.1:{line.port}{BASE_URL}"
        with Client(address, front.token) as client:
            client.get_service()
        with Client(address, front.token) as client:
            path = client.download(session.id, record["artifact_id"], tmp_path / "back.bin")
        assert line.cuts == 1

    assert digest(path) == digest(big)


def copy_of(session, server):
    """The same session, asked without the proxy."""
    return type(session)(server, session.id)


def test_a_range_is_passed_on(front, session):
    record = session.saved("a.bin", b"0123456789")

    answer = session.content(record["attachment_id"], Range="bytes=3-5")

    assert (answer.status, answer.body) == (206, b"345")


# News


def test_an_event_stream_tells_at_once(front, session):
    # S0-47: through a proxy that buffers answers
    with streaming(session) as stream:
        stream.take()
        start = time.monotonic()
        session.saved("a.csv")
        events = stream.events(1)

    assert [event["name"] for event in events] == ["a.csv"]
    assert time.monotonic() - start < 5


def test_a_socket_tells_at_once(front, session):
    with subscribed(session, "?after=0") as socket:
        assert said(socket)["type"] == "connected"
        session.saved("a.csv")

        assert [event["name"] for event in told(socket, 1)] == ["a.csv"]


def test_a_socket_of_a_page_of_this_host_is_opened(front, session):
    # The origin is compared with the Host that nginx passes on.
    origin = f"http://127.0.0.1:{front.port}"

    with subscribed(session, "?after=0", origin=origin) as socket:
        assert said(socket)["type"] == "connected"


def test_a_poll_waits_and_hears(front, session):
    heard = []
    reader = threading.Thread(target=lambda: heard.extend(session.events(wait_seconds=20, after=0)))
    reader.start()
    time.sleep(0.2)

    session.saved("a.csv")
    reader.join(30)

    assert [event["name"] for event in heard] == ["a.csv"]


# Smuggling


SECOND = b"GET /user/ada/api/workspace/usage HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + SECOND),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n" + SECOND),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", b"hello" + SECOND),
        ("Content-Length: 5, 5\r\n", b"hello" + SECOND),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", b"0\r\n\r\n" + SECOND),
        ("Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n" + SECOND),
        ("Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n", b"hello" + SECOND),
        ("X-Folded: a\r\n Content-Length: 0\r\nContent-Length: 5, 0\r\n", b"hello" + SECOND),
        ("Content-Length : 5\r\nContent-Length: 0\r\n", b"hello" + SECOND),
    ],
    ids=["CL+TE", "TE+CL", "two CL", "CL list", "two TE", "odd TE", "folded TE", "folded CL", "blank CL"],
)
def test_a_body_of_two_ends_hides_no_second_request(front, session, framing, body):
    # RELIABILITY S19: refused, and one answer at most
    head = front.head("PUT", f"/uploads/{session.id}?name=a", {"Connection": "keep-alive"})
    with front.wire(5) as wire:
        wire.send(head.removesuffix(b"\r\n") + framing.encode() + b"\r\n" + body)

        assert wire.answer("PUT").status in {400, 501}
        assert wire.is_closed()

    assert session.names() == []
