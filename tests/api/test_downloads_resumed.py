"""Downloads whose program is killed: the next one goes on, two never mix, and nothing stays behind."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from api.cutting import Line
from api.running import BASE_URL

pytestmark = pytest.mark.slow

MIB = 1 << 20
SIZE = 24 * MIB
SECONDS = 120

PROGRAM = """
import os, signal, sys
from jupyter_workspace.client.client import Client
verb, url, token, session_id, what, target, limit = sys.argv[1:]
def stop(done):
    if 0 < int(limit) <= done:
        os.kill(os.getpid(), signal.SIGKILL)
    print(done, flush=True)
with Client(url, token) as client:
    if verb == "zip":
        client.zip_session(session_id, target, on_progress=stop)
    else:
        client.download(session_id, what, target, on_progress=stop)
"""


def begin(verb, server, session, what, target, killed_at=0, url=None):
    """The download, in a program of its own."""
    words = (verb, url or server.url, server.token, session.id, what, str(target), str(killed_at))
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
    )


def run(*arguments, **options):
    """Exit code, and how many bytes were on hand from time to time."""
    program = begin(*arguments, **options)
    told, _ = program.communicate(timeout=SECONDS)
    return program.returncode, [int(word) for word in told.split()]


def put(session, content, **parameters):
    said = "&".join(f"{name}={value}" for name, value in {"name": "big.bin", **parameters}.items())
    answer = session.server.call("PUT", f"/uploads/{session.id}?{said}", content)
    assert answer.status in {200, 201}
    return answer.json()


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "here"
    made.mkdir()
    return made


@pytest.fixture
def big(session):
    return put(session, os.urandom(SIZE))


def test_a_download_whose_program_was_killed_goes_on_and_leaves_nothing(server, session, big, folder):
    target = folder / "big.bin"
    kills = [8 * MIB, 17 * MIB]
    for limit in kills:
        code, done = run("file", server, session, big["attachment_id"], target, killed_at=limit)
        assert code == -signal.SIGKILL
        assert limit == kills[0] or done[0] >= limit - 10 * MIB, "it began again"
    assert not target.exists()

    with Line(server.port) as line:
        url = f"http://127.0.0.1:{line.port}{BASE_URL}"
        code, done = run("file", server, session, big["attachment_id"], target, url=url)

    assert code == 0
    assert done[0] >= 16 * MIB
    assert SIZE - done[0] <= line.passed_down <= SIZE - done[0] + 64 * 1024
    assert hashlib.sha256(target.read_bytes()).hexdigest() == big["sha256"]
    assert list(folder.iterdir()) == [target]


def test_what_was_replaced_meanwhile_is_fetched_from_the_beginning(server, session, big, folder):
    target = folder / "big.bin"
    run("file", server, session, big["attachment_id"], target, killed_at=8 * MIB)
    newer = put(session, os.urandom(SIZE), on_conflict="replace")

    code, done = run("file", server, session, big["attachment_id"], target)

    assert newer["attachment_id"] == big["attachment_id"]
    assert code == 0
    assert done[1] < 8 * MIB
    assert hashlib.sha256(target.read_bytes()).hexdigest() == newer["sha256"]
    assert list(folder.iterdir()) == [target]


def test_a_zip_whose_program_was_killed_goes_on(server, session, big, folder):
    target = folder / "all.zip"
    run("zip", server, session, "", target, killed_at=9 * MIB)

    code, done = run("zip", server, session, "", target)

    assert code == 0
    assert done[0] >= 8 * MIB
    with zipfile.ZipFile(target) as found:
        assert found.testzip() is None
    assert list(folder.iterdir()) == [target]
    assert big["size"] == SIZE


def test_two_downloads_of_one_target_at_once_do_not_mix(server, session, big, folder):
    target = folder / "big.bin"
    run("file", server, session, big["attachment_id"], target, killed_at=6 * MIB)
    programs = [begin("file", server, session, big["attachment_id"], target) for _ in range(3)]

    codes = []
    readers = [threading.Thread(target=program.communicate) for program in programs]
    for reader in readers:
        reader.start()
    for reader, program in zip(readers, programs, strict=True):
        reader.join(SECONDS)
        codes.append(program.returncode)

    assert codes == [0, 0, 0]
    assert hashlib.sha256(target.read_bytes()).hexdigest() == big["sha256"]
    assert list(folder.iterdir()) == [target]
