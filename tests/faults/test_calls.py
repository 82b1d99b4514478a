"""C3 and B3: the n-th system call of a kind is the last one, or fails. Nothing acknowledged is lost by it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from faults.chaos import Client
from faults.invariants import check_agreement, check_all, check_content, check_database
from faults.truth import Truth

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

#: Up to which call of a thread the sweep goes; 12 by hand before a release.
DEPTH = int(os.environ.get("FAULTS_DEPTH", "2"))

CALLS = ["fsync", "fdatasync", "renameat2", "unlinkat", "pwrite64", "ftruncate"]

FAULTS = [
    ("fsync", "EIO"),
    ("fsync", "ENOSPC"),
    ("fdatasync", "EIO"),
    ("pwrite64", "ENOSPC"),
    ("pwrite64", "EIO"),
    ("renameat2", "EIO"),
    ("renameat2", "ENOSPC"),
    ("ftruncate", "EIO"),
    ("openat", "EMFILE"),
    ("pwrite64", "EDQUOT"),
]

ROLES = ["put", "form", "forms", "register", "replace", "delete"]


@contextmanager
def injected(server, what):
    """strace does `what` to the server while the block runs, or until the server is dead."""
    strace = subprocess.Popen(
        ["strace", "-f", "-qq", "-e", f"inject={what}", "-o", "/dev/null", "-p", str(server.pid)],
        stderr=subprocess.PIPE,
    )
    try:
        wait_until_traced(server)
        yield
    finally:
        if strace.poll() is None:
            strace.send_signal(signal.SIGINT)
        strace.wait(20)
        strace.stderr.close()


def wait_until_traced(server):
    deadline = time.monotonic() + 20
    while "TracerPid:\t0" in (status := Path(f"/proc/{server.pid}/status").read_text()):
        assert time.monotonic() < deadline, status
        time.sleep(0.01)


@pytest.fixture
def clients(server):
    """One client for each kind of request, with files that it may change."""
    assert server.api().send("PUT", "/sessions/chaos", {}).status == 201
    chaos = SimpleNamespace(server=server, truth=Truth())
    made = [Client(chaos, role, f"calls-{number}") for number, role in enumerate(ROLES)]
    for client in made:
        for _ in range(6):
            client.do_put()
    yield made
    for client in made:
        client.api.close()


def one_of_each(clients):
    """All requests one after the other, in a thread; gives the thread and what went wrong in it."""
    failures = []

    def run():
        try:
            for client in clients:
                client.step()
        except Exception as error:  # noqa: BLE001  (whatever it is, the test must hear of it)
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, failures


def test_a_kill_at_the_nth_call_loses_nothing(server, clients):
    kills = dict.fromkeys(CALLS, 0)

    for call in CALLS:
        for number in range(1, DEPTH + 1):
            with injected(server, f"{call}:signal=KILL:when={number}"):
                thread, failures = one_of_each(clients)
                while thread.is_alive() and server.is_running:
                    time.sleep(0.01)
            if not server.is_running:
                kills[call] += 1
                server.kill()
                check_database(server)
                server.start()
            thread.join(70)
            assert not thread.is_alive()
            assert not failures, failures[0]
        check_agreement(server, server.api(), clients[0].truth)

    print(f"kills at {kills}")
    assert min(kills.values()) > 0
    check_all(server, clients[0].truth)


def test_an_error_of_the_nth_call_is_never_taken_for_success(server, clients):
    truth = clients[0].truth
    for client in clients:
        client.no_answers = {500, 503, 507}

    for call, error in FAULTS:
        for number in range(1, DEPTH + 1):
            with injected(server, f"{call}:error={error}:when={number}"):
                thread, failures = one_of_each(clients)
                thread.join(70)
                assert not thread.is_alive()
                assert not failures, (call, error, number, failures[0])
            assert server.is_running
        # What could not be deleted for want of descriptors goes with the next upload.
        clients[0].step()
        check_agreement(server, server.api(), truth)

    check_content(server, server.api(), truth, 20)
    server.stop()
    check_database(server)
    server.start()
    check_agreement(server, server.api(), truth)
