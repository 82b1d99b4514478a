"""The command line as a program of its own: its encoding, its ends, what it watches."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from api.running import Server
from api.wire import query

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("alone")]


SECONDS = 60

CAFE = "caf\u00e9.csv"


def test_a_terminal_that_has_no_such_letters_shows_their_numbers(server, sid):
    server.call("PUT", f"/uploads/{sid}{query(name=CAFE)}", b"x")

    listing = program(
        "--url", server.url, "--token", server.token, "ls", sid, PYTHONIOENCODING="ascii", PYTHONUTF8="0"
    )

    out, err = listing.communicate(timeout=SECONDS)
    assert (listing.returncode, err) == (0, "")
    assert "caf\\xe9.csv" in out


def program(*words, **environment):
    code = "from jupyter_workspace.cli.main import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        env={**os.environ, **environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_reader_that_has_read_enough_sees_no_error(server, sid):
    # More than a pipe holds, so that the listing cannot be done before its reader has left.
    for number in range(4):
        record = server.call("PUT", f"/uploads/{sid}?name={number}.csv", b"x").json()
        said = json.dumps({"metadata": {"note": "x" * 50_000}}).encode()
        server.call("PATCH", f"/sessions/{sid}/artifacts/{record['attachment_id']}", said)
    listing = program("--url", server.url, "--token", server.token, "ls", sid, "--json")

    listing.stdout.read(1000)
    listing.stdout.close()

    with listing.stderr:
        assert listing.stderr.read() == ""
    assert listing.wait(SECONDS) == 1


def test_what_happens_is_watched_over_a_restart_of_the_server(tmp_path):
    server = Server(tmp_path / "home")
    server.start()
    server.session("w")
    server.call("PUT", "/uploads/w?name=1.csv", b"x")
    watching = program("--url", server.url, "--token", server.token, "watch", "w", "--after", "0", "--json")
    seen = []
    reader = threading.Thread(target=lambda: [seen.append(json.loads(line)) for line in watching.stdout])
    reader.start()
    try:
        server.kill()
        server.start()
        server.call("PUT", "/uploads/w?name=2.png", b"x")
        server.call("PUT", "/uploads/w?name=3.csv", b"x")
        for _ in range(600):
            if len(seen) == 3:
                break
            reader.join(0.1)
    finally:
        watching.send_signal(signal.SIGINT)
        watching.wait(SECONDS)
        reader.join(SECONDS)
        server.stop()
        watching.stdout.close()
        watching.stderr.close()

    assert [(event["sequence"], event["name"]) for event in seen] == [
        (1, "1.csv"),
        (2, "2.png"),
        (3, "3.csv"),
    ]
    assert watching.returncode == 130


def test_watching_begins_with_what_comes(server, sid):
    server.call("PUT", f"/uploads/{sid}?name=before.csv", b"x")
    watching = program("--url", server.url, "--token", server.token, "watch", sid, "--ext", "csv")
    try:
        first = []
        reader = threading.Thread(target=lambda: first.append(watching.stdout.readline()))
        reader.start()
        for number in range(300):
            server.call("PUT", f"/uploads/{sid}?name=after-{number}.csv", b"x")
            reader.join(0.2)
            if first:
                break
    finally:
        watching.send_signal(signal.SIGINT)
        watching.wait(SECONDS)
        watching.stdout.close()
        watching.stderr.close()

    assert "attachments/after-" in first[0]
