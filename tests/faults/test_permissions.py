"""B4: what the server may not read or write. A clean refusal, never a failure of ours, and health says so."""

from __future__ import annotations

import os
import shutil
import socket
import time
from pathlib import Path

import pytest
from faults.invariants import check_agreement, check_log
from faults.test_damage import save_notebook
from faults.truth import Truth

NOBODY = 65534


@pytest.fixture
def server(make_server, tmp_path):
    """A server of an ordinary user: root may do everything."""
    is_root = os.geteuid() == 0
    server = make_server(uid=NOBODY if is_root else None)
    if is_root:
        for folder in [tmp_path, *tmp_path.parents[:3]]:
            # pytest's own folders are for its user alone; to pass through is enough.
            if folder.stat().st_uid == 0 and folder.stat().st_mode & 0o077 == 0:
                folder.chmod(0o711)
        for path in [server.place, *server.place.rglob("*")]:
            os.chown(path, NOBODY, NOBODY)
    server.start()
    assert server.api().send("PUT", "/sessions/s", {}).status == 201
    yield server
    for folder, _, _ in os.walk(server.place):
        Path(folder).chmod(0o700)


def add(server, truth, name, **where):
    content = os.urandom(100)
    answer = server.api().upload("s", name, content, **where)
    assert answer.status == 201, answer.body
    return truth.new(answer.json, content)


def test_a_folder_that_may_not_be_written_refuses_and_takes_again(server):
    truth = Truth("s")
    known = add(server, truth, "a.bin")
    folder = server.workspace / "s" / "attachments"
    folder.chmod(0o500)

    refused = [
        server.api().upload("s", "b.bin", b"b"),
        server.api().upload("s", "a.bin", b"b", on_conflict="replace"),
        server.api().delete(f"/sessions/s/artifacts/{known.attachment_id}"),
        server.api().send("PATCH", f"/sessions/s/artifacts/{known.attachment_id}", {"name": "c.bin"}),
    ]
    elsewhere = add(server, truth, "b.bin", dir="made")

    assert [(answer.status, answer.code) for answer in refused] == [(403, "forbidden")] * 4
    assert not list((server.state / "staging").iterdir())
    folder.chmod(0o700)
    assert elsewhere.path == "made/b.bin"
    add(server, truth, "b.bin")
    check_agreement(server, server.api(), truth)
    check_log(server)


def test_a_file_that_may_not_be_read_is_refused_and_stays(server):
    truth = Truth("s")
    known = add(server, truth, "a.bin")
    file = server.workspace / "s" / "attachments" / "a.bin"
    address = f"/sessions/s/artifacts/{known.attachment_id}"
    file.chmod(0)

    refused = server.api().get(address, mode="stream")
    registered = server.api().send("POST", "/sessions/s/artifacts", {"path": "attachments/a.bin"})
    scanned = server.api().send("POST", "/sessions/s/scan", {})

    assert (refused.status, refused.code) == (403, "forbidden")
    assert registered.status == 403
    assert scanned.status == 200
    file.chmod(0o600)
    assert server.api().get(address, mode="stream").status == 200
    check_agreement(server, server.api(), truth)
    check_log(server)


def test_an_index_that_may_not_be_written_degrades_and_loses_nothing(server):
    truth = Truth("s")
    add(server, truth, "a.bin")
    server.stop()
    folder = server.database.parent
    server.database.chmod(0o400)
    folder.chmod(0o500)

    described = server.start() and server.api().get("/").json

    assert described["status"] == "degraded"
    assert "index_degraded" in {problem["code"] for problem in described["problems"]}
    add(server, truth, "b.bin")
    assert save_notebook(server.api(), "saved") < 2
    server.kill()
    folder.chmod(0o700)
    server.database.chmod(0o600)
    server.start()
    check_agreement(server, server.api(), truth)
    check_log(server)


def test_a_workspace_that_may_not_be_made_is_told_and_notebooks_are_saved(server):
    server.stop()
    shutil.rmtree(server.workspace)
    (server.root / "notebooks").mkdir()
    if os.geteuid() == 0:
        os.chown(server.root / "notebooks", NOBODY, NOBODY)
    server.root.chmod(0o500)

    server.launch()
    server.wait_port()
    answer = server.api().upload("s", "a.bin", b"a")

    assert answer.status in {403, 503}, answer.body
    assert answer.code in {"forbidden", "busy", "starting"}
    assert save_notebook(server.api(), "notebooks/saved") < 2
    check_log(server)
    server.root.chmod(0o700)
    assert server.wait_ready()["status"] == "ok"


def test_descriptors_that_run_out_are_told_and_come_back(make_server):
    server = make_server(limits={"NOFILE": 128})
    server.start()
    truth = Truth("s")
    assert server.api().send("PUT", "/sessions/s", {}).status == 201
    add(server, truth, "a.bin")

    idle = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(150)]
    time.sleep(1)
    assert server.is_running
    for connection in idle:
        connection.close()
    time.sleep(0.5)

    add(server, truth, "b.bin")
    check_agreement(server, server.api(), truth)
    assert len(server.descriptors()) < 60


def test_a_file_that_is_larger_than_the_system_allows_is_refused_and_leaves_nothing(make_server):
    # B2: EFBIG, and SIGXFSZ does not end the server
    server = make_server(limits={"FSIZE": 12 << 20})
    server.start()
    api = server.api()
    truth = Truth("s")
    assert api.send("PUT", "/sessions/s", {}).status == 201

    refused = api.upload("s", "large.bin", bytes(13 << 20))
    form = api.upload_form("s", [("large.bin", bytes(13 << 20))], part="file")

    assert (refused.status, refused.code) == (413, "file_too_large")
    assert (form.status, form.code) == (413, "file_too_large")
    add(server, truth, "small.bin")
    check_agreement(server, api, truth)
    check_log(server)
