"""Uploads and downloads over a line that drops and a server that is killed, with the real client."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from api.cutting import Cut, Line, sometimes
from api.running import BASE_URL, Server

from jupyter_workspace import errors
from jupyter_workspace.client import connection, patience
from jupyter_workspace.client.async_client import AsyncClient
from jupyter_workspace.client.client import Client

pytestmark = pytest.mark.slow

MIB = 1 << 20
SIZE = 20 * MIB + 12345
#: Each is an upload over a line that drops several times.
SEEDS = range(4)


@pytest.fixture(autouse=True)
def impatient(monkeypatch, tmp_path):
    """Notes of unfinished uploads of this test's own; silence is noticed sooner."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(connection, "SILENCE_SECONDS", 2.0)
    monkeypatch.setattr(patience, "FIRST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(patience, "LONGEST_PAUSE_SECONDS", 1.0)


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    path = tmp_path_factory.mktemp("big") / "big.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.fixture(scope="module")
def own_server(tmp_path_factory):
    """A server that may be killed."""
    made = Server(tmp_path_factory.mktemp("killed") / "home")
    made.start()
    yield made
    made.stop()


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def through(line):
    return f"http://127.0.0.1:{line.port}{BASE_URL}"


def new_session(server):
    return server.session(f"t-{uuid.uuid4().hex[:10]}").id


def assert_whole(server, session_id, record, path):
    assert record.sha256 == sha256(path)
    with Client(server.url, server.token) as client:
        assert client.list_files(session_id).total == 1
    stored = server.root / "workspace" / session_id / record.path
    assert sha256(stored) == record.sha256


@pytest.mark.parametrize("seed", SEEDS)
def test_an_upload_over_a_line_that_drops_arrives(server, big, seed):
    session_id = new_session(server)

    with Line(server.port, sometimes(seed, 12 * MIB)) as line, Client(through(line), server.token) as client:
        record = client.upload(session_id, big)

    assert_whole(server, session_id, record, big)


async def test_the_async_client_arrives_too(server, big):
    session_id = new_session(server)
    done = []

    with Line(server.port, sometimes(99, 12 * MIB)) as line:
        async with AsyncClient(through(line), server.token) as client:
            record = await client.upload(session_id, big, on_progress=done.append)

    assert_whole(server, session_id, record, big)
    assert done[-1] == SIZE


@pytest.mark.parametrize("how", ["fin", "reset", "stall"])
def test_each_kind_of_cut_costs_a_part_at_most(server, big, how):
    cuts = iter([None, Cut(10 * MIB, how)])
    session_id = new_session(server)

    with Line(server.port, lambda: next(cuts, None)) as line, Client(through(line), server.token) as client:
        # The first connection asks for the version; the upload begins on a second one.
        client.get_service()
        client.close()
        with Client(through(line), server.token) as other:
            record = other.upload(session_id, big)
        assert line.cuts == 1

    assert_whole(server, session_id, record, big)


def test_a_proxy_with_a_limit_of_a_mebibyte_lets_it_through(server, big):
    session_id = new_session(server)

    with Line(server.port, limit=MIB) as line, Client(through(line), server.token) as client:
        record = client.upload(session_id, big)
        assert 1 <= line.refusals <= 4

    assert_whole(server, session_id, record, big)


def test_small_files_pass_such_a_proxy_too(server, tmp_path):
    session_id = new_session(server)
    path = tmp_path / "small.bin"
    path.write_bytes(os.urandom(3 * MIB))

    with Line(server.port, limit=MIB) as line, Client(through(line), server.token) as client:
        record = client.upload(session_id, path)

    assert_whole(server, session_id, record, path)


def test_an_upload_outlives_kills_of_the_server(own_server, big):
    kills = 2
    session_id = new_session(own_server)
    killed = []

    def kill_sometimes(done):
        if len(killed) < kills and done > (len(killed) + 1) * SIZE // (kills + 2):
            killed.append(done)
            own_server.kill()
            own_server.start()

    with Client(own_server.url, own_server.token) as client:
        record = client.upload(session_id, big, on_progress=kill_sometimes)

    assert len(killed) == kills
    assert_whole(own_server, session_id, record, big)


PROGRAM = """
import sys
from jupyter_workspace.client.client import Client
url, token, session_id, path, limit = sys.argv[1:]
def stop(done):
    if 0 < int(limit) <= done:
        import os, signal
        os.kill(os.getpid(), signal.SIGKILL)
    print(done, flush=True)
with Client(url, token) as client:
    record = client.upload(session_id, path, on_progress=stop)
    print(record.sha256)
"""


def program(server, session_id, path, *, killed_at=0, cache=None):
    here = {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, server.url, server.token, session_id, str(path), str(killed_at)],
        env={**os.environ, **here, **({"XDG_CACHE_HOME": str(cache)} if cache else {})},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_client_that_was_killed_goes_on_where_it_stopped(server, big):
    session_id = new_session(server)
    killed = program(server, session_id, big, killed_at=18 * MIB)
    assert killed.returncode == -signal.SIGKILL

    second = program(server, session_id, big)

    *done, digest = second.stdout.split()
    # The first part was acknowledged, perhaps more.
    assert int(done[0]) >= 16 * MIB
    assert digest == sha256(big)
    with Client(server.url, server.token) as client:
        assert client.list_files(session_id).total == 1


def test_two_programs_that_go_on_with_one_upload_make_one_right_file(server, big, tmp_path):
    # issue 5: two writers on one upload, never a wrong byte. As from two machines: neither sees the other's lock.
    session_id = new_session(server)
    caches = [tmp_path / "one", tmp_path / "two"]
    program(server, session_id, big, killed_at=18 * MIB, cache=caches[0])
    shutil.copytree(*caches)

    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda cache: program(server, session_id, big, cache=cache), caches))

    digests = [one.stdout.split()[-1] for one in both]
    assert digests == [sha256(big)] * 2
    with Client(server.url, server.token) as client:
        (record,) = client.list_files(session_id).artifacts
    assert_whole(server, session_id, record, big)


def test_a_file_that_only_looks_the_same_is_sent_from_the_beginning(server, tmp_path, big):
    session_id = new_session(server)
    path = tmp_path / "same.bin"
    path.write_bytes(big.read_bytes())
    before = path.stat()
    program(server, session_id, path, killed_at=18 * MIB)

    # Between the places that are looked at, with the same size and time.
    with path.open("r+b") as file:
        file.seek(5 * MIB)
        file.write(b"other bytes")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with Client(server.url, server.token) as client:
        record = client.upload(session_id, path)

    assert_whole(server, session_id, record, path)


def test_the_same_file_again_is_another_file(server, big):
    session_id = new_session(server)

    with Client(server.url, server.token) as client:
        first, second = client.upload(session_id, big), client.upload(session_id, big)

    assert (first.path, second.path) == ("attachments/big.bin", "attachments/big (1).bin")
    assert first.sha256 == second.sha256


def test_a_refusal_is_told_before_a_byte_is_sent(server, big):
    session_id = new_session(server)
    done = []

    with Client(server.url, server.token) as client:
        client.upload(session_id, big)
        with pytest.raises(errors.NameTaken):
            client.upload(session_id, big, on_conflict="error", on_progress=done.append)

    assert done == []


def test_a_download_over_a_line_that_drops_arrives(server, big, tmp_path):
    session_id = new_session(server)
    with Client(server.url, server.token) as client:
        record = client.upload(session_id, big)

    for seed in range(3):
        with Line(server.port, drops_down(seed)) as line, Client(through(line), server.token) as client:
            path = client.download(session_id, record.artifact_id, tmp_path / f"{seed}.bin")
        assert sha256(path) == record.sha256


def drops_down(seed):
    """Cuts some connections a moment after their request, in the middle of the answer."""
    plan = sometimes(seed, 2000)
    return lambda: cut._replace(how="fin") if (cut := plan()) else None


def test_a_server_that_stays_away_leaves_an_upload_that_goes_on_later(own_server, big, monkeypatch):
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.3)
    session_id = new_session(own_server)

    def kill(done):
        if done > 17 * MIB and own_server.process.poll() is None:
            own_server.kill()

    with Client(own_server.url, own_server.token) as client:
        with pytest.raises(errors.ServerUnreachable):
            client.upload(session_id, big, on_progress=kill)
        own_server.start()
        done = []
        until = time.monotonic() + 10
        record = client.upload(session_id, big, on_progress=done.append)
        assert time.monotonic() < until

    assert done[0] >= 16 * MIB
    assert_whole(own_server, session_id, record, big)
