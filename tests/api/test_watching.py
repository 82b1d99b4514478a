"""What is written into a session's folder without a call of ours."""

import os
import shutil
import time

import pytest
from api.running import Server

#: A settled file is known after this, in seconds (API 11.35), on a machine that has other work, too.
SOON = 5
PATIENCE = 60


def until(session, count, after=0):
    """The first `count` events after a cursor, waited for."""
    found = []
    end = time.monotonic() + PATIENCE
    while len(found) < count:
        assert time.monotonic() < end, f"{len(found)} of {count}: {[event['path'] for event in found][-5:]}"
        page = session.poll(after=after, wait_seconds=5, limit=100).json()
        found += page["events"]
        after = page["next_cursor"]
    return found


def changes(events):
    return [(event["change_type"], event["path"]) for event in events]


# S0-62
def test_a_file_is_known_soon_after_it_was_closed(session):
    start = time.monotonic()
    (session.folder / "a.txt").write_text("made here")
    (event,) = until(session, 1)

    assert time.monotonic() - start < SOON
    assert (event["path"], event["source"], event["kind"], event["hash"] is not None) == (
        "a.txt",
        "watch",
        "artifact",
        True,
    )


# S0-64 as API 11.35 has it: what is there when a folder is adopted is announced
def test_files_of_an_adopted_folder_are_announced(server):
    folder = server.root / "workspace/adopted"
    (folder / "in").mkdir(parents=True)
    (folder / "in/a.txt").write_text("old")

    session = server.session("adopted")

    assert changes(until(session, 1)) == [("created", "in/a.txt")]


def test_uploads_registrations_and_files_of_code_are_told_once_each(session):
    for number in range(10):
        session.saved(f"up{number}.csv")
        session.made(f"reg{number}.txt", b"%d" % number)
        (session.folder / f"found{number}.txt").write_bytes(b"found %d" % number)

    found = changes(until(session, 30))
    time.sleep(2)

    assert len(set(found)) == 30
    assert len(session.events(limit=100)) == 30


# S0-69, S0-72
def test_what_cannot_or_must_not_be_read_is_passed_over(session, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("not yours")
    (session.folder / "link.txt").symlink_to(secret)
    (session.folder / "all").symlink_to("/")
    os.mkfifo(session.folder / "pipe")
    (session.folder / ".hidden.txt").write_text("x")
    (session.folder / "__pycache__").mkdir()
    (session.folder / "__pycache__/a.pyc").write_text("x")
    (session.folder / "seen.txt").write_text("x")

    assert changes(until(session, 1)) == [("created", "seen.txt")]
    time.sleep(1.5)
    assert len(session.events()) == 1


@pytest.mark.slow
def test_a_reader_sees_each_event_once_over_a_kill_while_files_are_written(tmp_path):
    # S0-52, S0-61; issue: no gap, no double
    server = Server(tmp_path / "home")
    server.start()
    try:
        session = server.session()
        seen = []
        for batch in range(3):
            for number in range(40):
                (session.folder / f"{batch}-{number:02}.txt").write_text(f"{batch} {number}")
            seen += until(session, 10, after=len(seen))
            server.kill()
            (session.folder / f"{batch}-unwatched.txt").write_text("while no server ran")
            server.start()
        seen += until(session, 123 - len(seen), after=len(seen))
        rest = session.poll(after=len(seen), wait_seconds=2).json()
    finally:
        server.stop()

    assert rest["events"] == []
    assert [event["sequence"] for event in seen] == list(range(1, 124))
    assert len(set(changes(seen))) == 123


@pytest.mark.slow
def test_a_session_is_followed_by_comparing_where_nothing_can_be_watched(tmp_path):
    server = Server(
        tmp_path / "home", **{"JupyterWorkspace.watch_polling": True, "JupyterWorkspace.rescan_interval": 1}
    )
    server.start()
    try:
        session = server.session()
        path = session.folder / "a.txt"
        path.write_text("1")
        assert changes(until(session, 1)) == [("created", "a.txt")]
        path.rename(session.folder / "b.txt")
        assert changes(until(session, 1, after=1)) == [("updated", "b.txt")]
        shutil.rmtree(session.folder)
        assert changes(until(session, 1, after=2)) == [("deleted", "b.txt")]
    finally:
        server.stop()


@pytest.mark.slow
def test_watching_can_be_switched_off(tmp_path):
    server = Server(tmp_path / "home", **{"JupyterWorkspace.watch": False})
    server.start()
    try:
        session = server.session()
        (session.folder / "a.txt").write_text("1")
        time.sleep(3)
        assert session.events() == []
        assert server.call("GET", "/").json()["features"]["watch"] is False
        assert session.call("POST", "/scan").json()["created"] == 1
    finally:
        server.stop()
