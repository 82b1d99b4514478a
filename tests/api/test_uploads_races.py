"""Uploads at the same time, and beside what the user does meanwhile."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from api.running import assert_settles, leftovers, staged


def test_twenty_uploads_of_one_name_get_twenty_names(session):
    # S0-12 S2-21 C1; API 4 exclusive creation
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: session.put("same.csv", b"%d" % n), range(20)))

    records = [answer.json() for answer in answers]
    assert {answer.status for answer in answers} == {201}
    assert {record["name"] for record in records} == {"same.csv", *(f"same ({n}).csv" for n in range(1, 20))}
    assert [session.content(record["attachment_id"]).body for record in records] == [
        b"%d" % n for n in range(20)
    ]
    assert [event["sequence"] for event in session.events(limit=100)] == [*range(1, 21)]


def test_of_twenty_uploads_that_want_just_this_name_one_wins(session):
    # S2-31 C1; API 4 exclusive creation
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: session.put("one.csv", b"%d" % n, on_conflict="error"), range(20)))

    assert sorted(answer.status for answer in answers) == [201] + [409] * 19
    winner = next(answer.json() for answer in answers if answer.status == 201)
    assert session.content(winner["attachment_id"]).body in [b"%d" % n for n in range(20)]
    assert session.names() == ["attachments/one.csv"]


def test_twenty_uploads_that_replace_each_other_end_as_one_file(session):
    # S2-34 C1; API 4 on_conflict
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: session.put("r.csv", b"%d" % n, on_conflict="replace"), range(20)))

    assert sorted(answer.status for answer in answers) == [200] * 19 + [201]
    assert len({answer.json()["attachment_id"] for answer in answers}) == 1
    assert sorted(answer.json()["version"] for answer in answers) == [*range(1, 21)]
    assert session.names() == ["attachments/r.csv"]


def test_an_upload_does_not_hold_up_other_requests(server, session):
    # S0-60 S0-09; API 4
    with server.wire() as wire:
        wire.send(server.head("PUT", f"/uploads/{session.id}?name=slow", {"Content-Length": "9"}) + b"x")
        began = time.monotonic()
        other = session.put("fast.csv")
        took = time.monotonic() - began

    assert other.status == 201
    assert took < 5


@pytest.mark.parametrize(("mode", "status"), [("rename", 201), ("error", 409), ("replace", 201)])
def test_a_file_that_nobody_told_us_of_is_never_lost(session, mode, status):
    # S0-12 C1; API 4 exclusive creation
    (session.folder / "attachments").mkdir(exist_ok=True)
    (session.folder / "attachments/mine.csv").write_bytes(b"made by the user")

    answer = session.put("mine.csv", b"sent", on_conflict=mode)

    assert answer.status == status
    trash = [
        path for path in (session.server.workspace / ".jupyter_workspace/trash").iterdir() if path.is_file()
    ]
    kept = [path for path in (session.folder / "attachments").glob("mine*") if path.is_file()]
    assert b"made by the user" in [path.read_bytes() for path in (*kept, *trash)]
    here = (session.folder / "attachments/mine.csv").read_bytes()
    assert here == (b"sent" if mode == "replace" else b"made by the user")
    if mode == "replace":
        (old,) = session.call("GET", "/trash").json()["trash"]
        assert (old["name"], old["size"]) == ("mine.csv", 16)


def test_an_upload_whose_session_is_deleted_meanwhile_leaves_nothing(server, session):
    # S0-16 S2-33; API 11.32
    with server.wire() as wire:
        wire.send(server.head("PUT", f"/uploads/{session.id}?name=late", {"Content-Length": "2000000"}))
        wire.send(bytes(1_500_000))
        assert_settles(lambda: len(staged(server)), 1)
        assert session.call("DELETE", "?files=1").status == 204
        wire.send(bytes(500_000))
        answer = wire.answer("PUT")

    assert (answer.status, answer.code) == (404, "session_not_found")
    assert not session.folder.exists()
    assert leftovers(server) == []


def test_an_upload_whose_session_is_closed_meanwhile_leaves_nothing(server, session):
    # S4-18; API 3
    with server.wire() as wire:
        wire.send(server.head("PUT", f"/uploads/{session.id}?name=late", {"Content-Length": "2000000"}))
        wire.send(bytes(1_500_000))
        assert_settles(lambda: len(staged(server)), 1)
        session.call("PATCH", json_body={"status": "abandoned"})
        wire.send(bytes(500_000))
        answer = wire.answer("PUT")

    assert (answer.status, answer.code) == (409, "session_closed")
    assert (session.names(), leftovers(server)) == ([], [])


def test_a_folder_that_appears_meanwhile_does_not_swallow_the_file(session):
    # S3-35 C1; API 11.16
    (session.folder / "attachments/a.csv").mkdir(parents=True)

    renamed = session.put("a.csv", b"x")
    refused = session.put("a.csv", b"x", on_conflict="replace")

    assert (renamed.status, renamed.json()["name"]) == (201, "a (1).csv")
    assert refused.status == 409
    assert (session.folder / "attachments/a.csv").is_dir()


def test_a_piece_of_a_file_is_not_taken_for_the_whole(session):
    # API 4; RFC 9110, 14.5 partial PUT
    answer = session.put("a.csv", b"abc", headers={"Content-Range": "bytes 0-2/9"})

    assert (answer.status, answer.code) == (400, "parameter_invalid")
    assert answer.json()["parameter"] == "Content-Range"
    assert session.names() == []
