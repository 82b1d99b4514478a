"""What outlives the server's process: one that is killed, and one that is stopped and loses its index."""

from __future__ import annotations

import json
import secrets
import time
from types import SimpleNamespace

import pytest

DAMAGED = "{ this is no manifest"


def kernel(server):
    (path,) = (server.data / "jupyter_workspace").glob("*.connection.json")
    return {"X-Jupyter-Workspace-Token": json.loads(path.read_text())["token"]}


def state(session):
    return [
        session.call("GET").json(),
        session.files(ordering="path"),
        session.call("GET", "/trash").json(),
        session.poll().json(),
    ]


def filled(server):
    """A session with a file, an old version, a deleted file, and something said of itself."""
    session = server.session()
    session.saved("a.csv", b"old", dir="deep")
    session.put("a.csv", b"abc", dir="deep", on_conflict="replace")
    record = session.saved("b.csv", b"12345")
    session.call("PATCH", f"/artifacts/{record['attachment_id']}", json_body={"metadata": {"k": 1}})
    session.call("DELETE", f"/artifacts/{session.saved('c.csv')['attachment_id']}")
    session.call("PATCH", json_body={"name": "kept", "metadata": {"k": 1}})
    return session


def buried(server):
    """A session that was deleted; its folder stands there."""
    session = server.session()
    session.saved("a.csv", b"abc")
    session.call("DELETE")
    return session


@pytest.fixture(scope="module")
def killed(server):
    """A server after kill -9, and what was known before."""
    session, gone = filled(server), buried(server)
    key = {"Idempotency-Key": secrets.token_hex(8)}
    known = SimpleNamespace(
        session=session,
        gone=gone,
        key=key,
        answer=session.put("key.csv", b"abc", headers=key),
        token=kernel(server),
    )
    known.state = state(session)
    server.kill()
    server.restart()
    return known


@pytest.fixture(scope="module")
def rebuilt(server):
    """A server that was stopped, and started without its index and with a damaged manifest."""
    session, gone = filled(server), buried(server)
    known = SimpleNamespace(session=session, gone=gone, files=session.files(ordering="path"))
    server.stop()
    manifest = session.folder / "attachments/attachments_manifest.json"
    known.manifest = manifest.read_text()
    manifest.write_text(DAMAGED)
    (database,) = (server.data / "jupyter_workspace").glob("*.sqlite")
    for path in database.parent.glob(f"{database.name}*"):
        path.unlink()
    server.restart()
    return known


def test_everything_is_as_it_was(killed):
    # S0-52 S2-01 S0-91; API 1 Durable
    assert state(killed.session) == killed.state
    for record in killed.session.files():
        assert killed.session.content(record["attachment_id"]).status == 200


def test_cursors_are_valid(killed):
    # S0-49 S0-52 S0-61 C22; API 5
    later = killed.session.poll(after=1).json()
    last = killed.state[3]["next_cursor"]
    killed.session.saved("later.csv")

    assert [event["sequence"] for event in later["events"]] == [*range(2, last + 1)]
    assert not later["reset"]
    assert [event["sequence"] for event in killed.session.events(after=last)] == [last + 1]


def test_a_key_still_stands_for_its_answer(killed):
    # S0-52; API 11.52
    again = killed.session.put("key.csv", b"abc", headers=killed.key)

    assert (again.status, again.json()) == (killed.answer.status, killed.answer.json())
    assert killed.session.names().count("attachments/key.csv") == 1
    assert "attachments/key (1).csv" not in killed.session.names()


def test_a_deleted_session_does_not_come_back(killed, rebuilt):
    # API 11.32
    for gone in (killed.gone, rebuilt.gone):
        assert gone.call("GET").status == 404
        assert (gone.folder / "attachments/a.csv").read_bytes() == b"abc"


def test_the_kernels_token_is_the_same(server, killed):
    # S0-52; API 9
    answer = server.call("GET", f"/sessions/{killed.session.id}", None, killed.token, anonymous=True)

    assert kernel(server) == killed.token
    assert answer.status == 200


def test_a_lost_index_is_made_again_from_the_journals(rebuilt):
    # S0-28 S0-30; API 1 On disk, 11.33, 11.34
    session = rebuilt.session

    assert session.files(ordering="path") == rebuilt.files
    assert session.call("GET").json()["name"] == "kept"
    for record in rebuilt.files:
        assert session.content(record["attachment_id"]).status == 200
    assert session.call("GET", "/trash").json()["total"] == 2


def test_sequences_go_on_after_the_index_was_lost(rebuilt):
    # S0-49; API 11.33
    rebuilt.session.saved("later.csv")

    (event,) = [event for event in rebuilt.session.events(limit=100) if event["name"] == "later.csv"]

    assert event["sequence"] > 6


def test_the_manifest_is_right_at_a_clean_stop(rebuilt):
    # S0-05 S0-30; API 11.34
    for record in rebuilt.files:
        assert record["attachment_id"] in rebuilt.manifest


def test_a_damaged_manifest_is_kept_and_reported(server, rebuilt):
    # S0-28 S0-29 S0-30; API 11.34
    session = rebuilt.session
    path = session.folder / "attachments/attachments_manifest.json"
    until = time.monotonic() + 5
    while path.read_text().startswith(DAMAGED) and time.monotonic() < until:
        time.sleep(0.05)

    problems = server.call("GET", "/").json()["problems"]

    assert rebuilt.files[0]["attachment_id"] in json.dumps(json.loads(path.read_text()))
    assert session.id in [problem["session_id"] for problem in problems]
    others = [other for other in server.workspace.rglob("*") if other.is_file() and other != path]
    assert any(other.read_bytes() == DAMAGED.encode() for other in others)
