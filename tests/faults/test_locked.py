"""B5: another program holds the index. Short: wait. Long: say so, stay awake, and recover."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

from faults.invariants import check_agreement, check_database, check_log
from faults.truth import Truth

#: An event loop that waited for the lock itself would stand still for a second and more; a busy machine does for less.
STILL = 0.6
HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.readline()
"""


@contextmanager
def held(server, seconds):
    """The index is locked by another process for so long, or until the block is left."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(server.database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "held\n"
    timer = threading.Timer(seconds, holder.stdin.close)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        holder.stdin.close()
        holder.wait(10)
        holder.stdout.close()


class Pulse(threading.Thread):
    """Asks Jupyter itself for something small, again and again; the longest answer in seconds."""

    def __init__(self, server):
        super().__init__()
        self.api = server.own_api()
        self.longest = 0.0
        self.answers = 0
        self._ended = threading.Event()

    def run(self):
        while not self._ended.wait(0.02):
            begun = time.monotonic()
            assert self.api.get("", base="api").status == 200
            self.longest = max(self.longest, time.monotonic() - begun)
            self.answers += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self.join()
        self.api.close()


def prepared(server):
    truth = Truth("s")
    api = server.api()
    assert api.send("PUT", "/sessions/s", {}).status == 201
    content = b"before"
    truth.new(api.upload("s", "before.bin", content).json, content)
    return api, truth


def test_a_lock_of_a_second_is_waited_for(server):
    api, truth = prepared(server)

    with Pulse(server) as pulse, held(server, 1):
        answer = api.upload("s", "during.bin", b"during")

    assert answer.status == 201
    truth.new(answer.json, b"during")
    assert pulse.longest < STILL, f"the loop stood still for {pulse.longest:.3f} s"
    check_agreement(server, api, truth)
    check_log(server)


def test_a_client_that_sent_all_does_not_stall_while_the_server_waits(make_server):
    # S0-16: the time limit of stalled clients is for clients, not for our own work
    server = make_server(options=["--JupyterWorkspace.stall_timeout=1"])
    server.start()
    api, truth = prepared(server)

    with held(server, 2.5):
        begun = time.monotonic()
        answer = api.send("POST", "/sessions", {"session_id": "other"})
        waited = time.monotonic() - begun
    with held(server, 2.5):
        uploaded = api.upload("s", "during.bin", b"during")

    assert waited > 2
    assert (answer.status, uploaded.status) == (201, 201)
    truth.new(uploaded.json, b"during")
    check_agreement(server, api, truth)
    check_log(server)


def test_a_longer_lock_is_told_and_leaves_nothing(server):
    api, truth = prepared(server)

    with Pulse(server) as pulse, held(server, 60):
        begun = time.monotonic()
        refused = api.upload("s", "during.bin", b"during", key="k")
        waited = time.monotonic() - begun
        assert not list((server.state / "staging").iterdir())
        longest = pulse.longest
    after = api.upload("s", "during.bin", b"during", key="k")

    assert (refused.status, refused.code) == (503, "busy"), refused.body
    assert int(refused.headers["Retry-After"]) > 0
    assert 4 < waited < 20, f"refused after {waited:.1f} s"
    assert longest < STILL, f"the loop stood still for {longest:.3f} s"
    assert after.status == 201
    assert after.json["path"] == "attachments/during.bin"
    truth.new(after.json, b"during")
    check_agreement(server, api, truth)
    server.stop()
    check_database(server)
    check_log(server)


def test_an_upload_under_way_goes_on_while_the_index_is_locked(server):
    api, truth = prepared(server)
    content = bytes(range(256)) * 4096 * 8

    def slowly():
        for start in range(0, len(content), len(content) // 8):
            yield content[start : start + len(content) // 8]
            time.sleep(0.2)

    results = []

    def send():
        sending = server.own_api()
        results.append(sending.call("PUT", "/uploads/s?name=slow.bin", body=slowly()))
        sending.close()

    sending = threading.Thread(target=send)
    sending.start()
    time.sleep(0.3)
    with held(server, 2.5):
        sending.join()

    assert results[0].status == 201, results[0].body
    truth.new(results[0].json, content)
    check_agreement(server, api, truth)


def test_our_own_server_never_holds_the_index_while_it_rests(server):
    prepared(server)

    other = sqlite3.connect(server.database, timeout=0.5)
    try:
        other.execute("BEGIN EXCLUSIVE")
        other.rollback()
    finally:
        other.close()
