"""What all answers have in common."""

from __future__ import annotations

import http.client
import re
from contextlib import suppress

import pytest
from api.running import BASE_URL
from api.wire import file_part, query, text_part


def test_every_location_is_a_path_under_the_base(server, session):
    # API 1 Success, 11.18
    # Outside the session, where nobody lists it first.
    outside = f"{session.id}.csv"
    (server.root / outside).write_text("x")
    answers = [
        server.call("POST", "/sessions", json_body={}),
        server.call("POST", "/sessions/resolve", json_body={"notebook_path": f"{session.id}.ipynb"}),
        session.put("a.csv"),
        session.call("POST", "/artifacts", json_body={"root_path": outside}),
    ]
    for answer in answers:
        location = answer.headers["Location"]
        assert location.startswith(f"{BASE_URL}api/workspace/sessions/")
        assert server.request("GET", location.removeprefix(BASE_URL), headers=server.login).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/sessions/unknown", 404), ("GET", "/sessions/-", 400), ("GET", "/nowhere", 404), ("PUT", "/usage", 405),
        ("GET", "/sessions?limit=x", 400), ("POST", "/sessions", 400), ("PUT", "/uploads/unknown", 404), ("PATCH", "/sessions/unknown", 404),
    ],
)  # fmt: skip
def test_every_error_has_a_message_a_reason_and_a_code(server, method, path, status):
    # C28 S3-01; API 1 Errors, 11.14
    body = b"[]" if method == "POST" else b'{"name": "x"}' if method != "GET" else None

    answer = server.call(method, path, body)

    error = answer.json()
    assert answer.status == status
    assert answer.headers["Content-Type"].startswith("application/json")
    assert error["message"].endswith(".")
    assert error["reason"] == answer.reason
    assert re.fullmatch("[a-z_]+", error["code"])
    assert "Location" not in answer.headers


def test_answers_are_not_kept_by_caches(server, session):
    # S3-01
    record = session.saved("a.csv")

    assert "no-store" in session.call("GET").headers["Cache-Control"]
    assert "no-cache" in session.content(record["attachment_id"]).headers["Cache-Control"]


def test_numbers_and_booleans_have_one_form(server, session):
    # C17; API 11.49
    for value in ("1", "true", "0", "false"):
        assert session.call("DELETE", f"/artifacts/att_{'a' * 26}?permanent={value}").status == 404
    for value in ("TRUE", "yes", "on", "", "1.0", "\u0661"):
        assert session.call("DELETE", f"/artifacts/att_{'a' * 26}{query(permanent=value)}").status == 400


def test_a_query_that_is_no_utf_8_is_refused(server):
    # C17; API 1 Parameters
    answer = server.call("GET", "/sessions?q=%ff")

    assert (answer.status, answer.json()["parameter"]) == (400, "q")


def test_reading_changes_nothing(server, session):
    # API 1 GET, HEAD
    record = session.saved("a.csv", b"abc")
    before = {name: value for name, value in session.call("GET").json().items() if name != "last_used_at"}
    events = session.poll().json()

    for path in (
        "",
        "/artifacts",
        f"/artifacts/{record['attachment_id']}",
        f"/artifacts/{record['attachment_id']}?mode=stream",
        "/download",
        "/trash",
    ):
        session.call("GET", path)

    assert {
        name: value for name, value in session.call("GET").json().items() if name != "last_used_at"
    } == before
    assert session.poll().json() == events


def test_a_large_json_body_is_refused(server):
    # C16; API 11.42
    with server.wire() as wire:
        wire.send(server.head("POST", "/sessions", {"Content-Length": str(9 * 2**20)}) + b'{"name": "')
        with suppress(OSError):
            for _ in range(9):
                wire.send(b"x" * 2**20)
        answer = None
        with suppress(OSError, http.client.HTTPException):
            answer = server.checked(wire.answer("POST"))

    assert answer is None or answer.status in {400, 413}


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "", "application/x-www-form-urlencoded"]
)
def test_json_is_read_whatever_it_is_called(server, content_type):
    # S1-29
    answer = server.call("POST", "/sessions", b'{"name": "x"}', {"Content-Type": content_type})

    assert answer.status == 201


@pytest.mark.parametrize("depth", [99, 100, 600, 970, 980, 990, 5000])
def test_json_of_any_depth_is_taken_or_refused(session, depth):
    # API 1 Errors: what is near the interpreter's own bound is read again by code that stands deeper
    deep = b'{"a":' * depth + b"1" + b"}" * depth
    file_id = session.saved("a.csv")["attachment_id"]
    expected = 200 if depth < 100 else 400

    assert session.call("PATCH", f"/artifacts/{file_id}", b'{"metadata":%s}' % deep).status == expected
    assert session.call("PATCH", "", b'{"metadata":%s}' % deep).status == expected
    answer = session.post(file_part(b"x"), text_part("metadata", deep))
    assert answer.status == (201 if depth <= 100 else 400)
    assert session.call("GET", "/artifacts").status == 200


def test_a_preflight_is_answered_as_jupyter_does(server):
    # S3-10; API 11.4
    answer = server.call("OPTIONS", "/sessions", anonymous=True)

    assert answer.status in {200, 204}


def test_two_requests_follow_each_other_on_one_connection(server, session):
    # API 11.3: only refusals in the middle of a body close it
    with server.wire() as wire:
        for n in range(3):
            wire.send(server.head("PUT", f"/uploads/{session.id}?name={n}", {"Content-Length": "3"}) + b"abc")
            assert wire.answer("PUT").status == 201
        wire.send(server.head("GET", "/sessions/unknown"))
        assert wire.answer().status == 404
        wire.send(server.head("GET", f"/sessions/{session.id}"))
        assert wire.answer().status == 200


def test_every_answer_of_this_run_was_looked_through(server):
    # C25 S3-23 S2-56; API 1 Errors: `checked` looks at each one as it comes
    assert server.answers > 0
