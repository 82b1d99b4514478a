"""Real clients over a line that is cut at random offsets, in every way: each upload arrives whole."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import threading

import pytest
from api.cutting import Cut, Line
from api.javascript import upload_command
from faults.serving import BASE_URL, TOKEN
from tusclient.client import TusClient

from jupyter_workspace.client import connection, patience
from jupyter_workspace.client.client import Client

CUTS = int(os.environ.get("FAULTS_CLIENT_CUTS", "12"))
SEED = int(os.environ.get("FAULTS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
WAYS = ["fin", "reset", "stall", "kill"]
MIB = 2**20
STALL_SECONDS = 2.0
LOGIN = {"Authorization": f"token {TOKEN}"}

#: A request that makes an upload is shorter: it is a piece that is cut.
AFTER_CREATION = 2000


class Plan:
    """One cut for each upload, on the first of its connections that carries so much."""

    def __init__(self, dice):
        self._dice = dice
        self._lock = threading.Lock()
        self._next = None

    def next(self, way, most):
        self._next = Cut(self._dice.randrange(AFTER_CREATION, most), way)

    def __call__(self):
        # A connection that carries less leaves the cut to the one after it.
        with self._lock:
            return self._next

    def done(self):
        with self._lock:
            self._next = None


class CuttingLine(Line):
    """Cuts once for each upload."""

    def _cut(self, near, far, how):
        self.plan.done()
        super()._cut(near, far, how)


def ours(url, path):
    with Client(url, TOKEN) as client:
        client.upload("s", path)


def tuspy(url, path):
    client = TusClient(f"{url}api/workspace/uploads/s", headers=LOGIN)
    with path.open("rb") as stream:
        uploader = client.uploader(
            file_stream=stream, chunk_size=MIB, metadata={"filename": path.name}, retries=60, retry_delay=0.2
        )
        uploader.upload()


def tus_js_client(url, path):
    options = {
        "endpoint": f"{url}api/workspace/uploads/s",
        "headers": LOGIN,
        "path": str(path),
        "chunkSize": MIB,
        "metadata": {"filename": path.name},
        "retryDelays": [200] * 60,
    }
    subprocess.run(upload_command(options), capture_output=True, timeout=120, check=True)


CLIENTS = [ours, tuspy, tus_js_client]


@pytest.fixture(autouse=True)
def impatient(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(connection, "SILENCE_SECONDS", STALL_SECONDS)
    monkeypatch.setattr(patience, "FIRST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(patience, "LONGEST_PAUSE_SECONDS", 1.0)


def test_every_upload_of_every_client_arrives_whatever_cuts_it(make_server, tmp_path):
    # issue 5: 100 of 100 (FAULTS_CLIENT_CUTS=100)
    print(f"seed {SEED}: FAULTS_SEED={SEED} FAULTS_CLIENT_CUTS={CUTS} repeats the plan")
    server = make_server(options=[f"--JupyterWorkspace.stall_timeout={STALL_SECONDS}"])
    server.start()
    api, dice = server.api(), random.Random(SEED)
    assert api.send("PUT", "/sessions/s", {}).status == 201
    plan, expected = Plan(dice), {}

    def kill():
        server.kill()
        server.start()

    with CuttingLine(server.port, plan, kill=kill) as line:
        url = f"http://127.0.0.1:{line.port}{BASE_URL}"
        for number in range(CUTS):
            client, way = CLIENTS[number % len(CLIENTS)], WAYS[number // len(CLIENTS) % len(WAYS)]
            # More than our own client sends in one request.
            path = tmp_path / f"{number}-{client.__name__}-{way}.bin"
            path.write_bytes(dice.randbytes(dice.randrange(9 * MIB, 12 * MIB)))
            expected[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
            plan.next(way, MIB)
            client(url, path)
            assert line.cuts == number + 1, path.name
            path.unlink()

    stored = {
        record["name"]: record for record in api.get("/sessions/s/artifacts?limit=1000").json["artifacts"]
    }
    assert {name: record["sha256"] for name, record in stored.items()} == expected
    assert all(
        (server.workspace / "s" / record["path"]).stat().st_size == record["size"]
        for record in stored.values()
    )
    assert "Traceback" not in server.log_text()
