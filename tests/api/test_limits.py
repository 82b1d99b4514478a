"""How much may come in, and of what kind; and what is left behind when it may not: nothing."""

from __future__ import annotations

import base64
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from api.running import Session, leftovers, staged
from api.wire import chunked, file_part, form, form_type, text_part

FILE, SESSION, USER = 100_000, 250_000, 600_000


@pytest.fixture
def session(limited):
    made = limited.session()
    yield made
    made.call("PATCH", json_body={"status": "active"})
    made.call("DELETE", "?files=1")


def left_nothing(session):
    assert (session.names(), session.attachments(), session.events()) == ([], [], [])
    assert leftovers(session.server) == []


def test_a_file_of_just_the_limit_is_taken(session):
    # S4-02 S2-87 C16; API 4 Limits
    assert session.put("a.bin", bytes(FILE)).status == 201
    assert session.post(file_part(bytes(FILE), "b.bin")).status == 201


def test_a_file_beyond_the_limit_is_refused_from_its_declared_length(limited, session):
    # S0-95 S4-02 S2-47 S2-87 C16; API 4 Limits, 11.23
    with limited.wire() as wire:
        wire.send(limited.head("PUT", f"/uploads/{session.id}?name=a", {"Content-Length": str(FILE + 1)}))
        began = time.monotonic()
        answer = limited.checked(wire.answer("PUT"))

    assert (answer.status, answer.code) == (413, "file_too_large")
    assert (answer.json()["limit"], answer.json()["requested"]) == (FILE, FILE + 1)
    assert time.monotonic() - began < 1.5
    left_nothing(session)


def test_a_file_beyond_the_limit_is_refused_while_it_comes(session):
    # S0-95 S2-47 S4-14 C16; API 4 Limits
    answer = session.server.call(
        "PUT",
        f"/uploads/{session.id}?name=a",
        chunked(*[bytes(10_000)] * 12),
        {"Transfer-Encoding": "chunked"},
    )

    assert (answer.status, answer.code) == (413, "file_too_large")
    left_nothing(session)


def test_an_endless_upload_is_ended(limited, session):
    # S2-47 C16; API 4 Limits, 11.42
    with limited.wire() as wire:
        wire.send(limited.head("PUT", f"/uploads/{session.id}?name=a", {"Transfer-Encoding": "chunked"}))
        sent = 0
        try:
            while sent < 50 * 2**20:
                wire.send(b"10000\r\n" + bytes(65536) + b"\r\n")
                sent += 65536
        except OSError:
            pass

    assert sent < 20 * 2**20
    left_nothing(session)


def test_a_file_of_a_form_beyond_the_limit_is_refused_with_all_others(session):
    # S0-95 S3-32 C3 C16; API 4 Limits
    parts = [file_part(bytes(size), f"{size}.bin", field="files") for size in (10, FILE + 1, 20)]

    answer = session.post(*parts)

    assert (answer.status, answer.code) == (413, "file_too_large")
    left_nothing(session)


def test_a_form_is_refused_from_its_length_only_when_no_form_could_be_that_long(limited, session):
    # API 11.51
    headers = {**form_type(), "Content-Length": str(FILE * 101 + 10 * 2**20)}

    with limited.wire() as wire:
        wire.send(limited.head("POST", f"/uploads/{session.id}", headers))
        answer = limited.checked(wire.answer("POST"))

    assert (answer.status, answer.code) == (413, "file_too_large")
    assert session.post(*(file_part(bytes(FILE // 2), f"{n}", field="files") for n in range(4))).status == 201


def test_a_session_holds_no_more_than_its_limit(session):
    # S2-88 C16; API 4 Limits, 11.54
    session.saved("a.bin", bytes(FILE))
    session.saved("b.bin", bytes(FILE))

    answer = session.put("c.bin", bytes(FILE))

    facts = answer.json()
    assert (answer.status, answer.code, facts["scope"]) == (507, "quota_exceeded", "session")
    assert (facts["used"], facts["limit"], facts["requested"]) == (2 * FILE, SESSION, FILE)
    assert session.names() == ["attachments/a.bin", "attachments/b.bin"]
    assert leftovers(session.server) == []
    assert session.put("c.bin", bytes(SESSION - 2 * FILE)).status == 201


def test_a_user_has_no_more_than_the_limit(limited):
    # S2-88 S2-90 C16; API 4 Limits, 11.54
    others = [limited.session() for _ in range(3)]
    try:
        for other in others:
            other.saved("a.bin", bytes(FILE))
            other.saved("b.bin", bytes(FILE - 1000))

        answer = others[0].put("c.bin", bytes(45_000))

        assert (answer.status, answer.code, answer.json()["scope"]) == (507, "quota_exceeded", "user")
        assert answer.json()["limit"] == USER
        assert others[1].content(others[1].attachments()[0]["attachment_id"]).status == 200
    finally:
        for other in others:
            other.call("DELETE", "?files=1")


def test_uploads_at_once_do_not_break_a_limit_together(session):
    # S2-91 C16; API 4 Limits
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: session.put(f"{n}.bin", bytes(60_000)), range(8)))

    statuses = [answer.status for answer in answers]
    assert statuses.count(201) == 4
    assert statuses.count(507) == 4
    assert session.call("GET").json()["size"] == 240_000
    assert len(session.names()) == 4


def test_a_replaced_file_is_never_refused_for_its_own_old_version(session):
    # S2-88; API 11.25
    session.saved("a.bin", bytes(FILE))
    session.saved("b.bin", bytes(FILE))

    for n in range(5):
        assert session.put("a.bin", bytes([n]) * FILE, on_conflict="replace").status == 200
        parts = [text_part("on_conflict", "replace"), file_part(bytes([n]) * FILE, "b.bin")]
        assert session.post(*parts).status == 200
        assert session.post(*reversed(parts)).status in {200, 507}
    assert session.call("GET").json()["size"] == 2 * FILE


def test_a_replace_is_no_way_past_a_limit(session):
    # S2-88; API 11.25
    session.saved("a.bin", bytes(FILE))
    session.saved("b.bin", bytes(FILE))
    parts = [
        text_part("on_conflict", "replace"),
        file_part(bytes(FILE), "b.bin"),
        text_part("dir", "elsewhere"),
    ]

    assert session.post(*parts).status == 507
    assert session.put("c.bin", bytes(FILE), on_conflict="replace").status == 507
    assert session.call("GET").json()["size"] == 2 * FILE


def test_the_trash_gives_way_before_an_upload_is_refused(session):
    # C20; API 11.25
    for n in range(6):
        att = session.saved(f"{n}.bin", bytes(FILE))["attachment_id"]
        assert session.call("DELETE", f"/artifacts/{att}").status == 204

    assert session.call("GET", "/trash").json()["total"] < 6


def test_a_file_larger_than_the_disk_is_refused_from_its_length(server):
    # S4-10 C16; API 4 Limits, 11.23
    session = server.session()
    for method, headers in (("PUT", {}), ("POST", form_type())):
        with server.wire() as wire:
            wire.send(
                server.head(method, f"/uploads/{session.id}", {**headers, "Content-Length": str(2**50)})
            )
            answer = server.checked(wire.answer(method))
        assert (answer.status, answer.code) == (507, "disk_full")
    left_nothing(session)


@pytest.mark.parametrize("name", ["a.exe", "A.EXE", "a.html", "a.htm"])
def test_a_type_that_is_not_wanted_is_refused(session, name):
    # S2-92 C16b; API 4 Limits
    for answer in (session.put(name, b"x"), session.post(file_part(b"x", name))):
        assert (answer.status, answer.code) == (415, "type_refused")
    left_nothing(session)


def test_one_file_of_a_refused_type_refuses_the_form(session):
    # S3-32 C3 C16b; API 4
    answer = session.post(file_part(b"x", "a.csv", field="files"), file_part(b"x", "b.exe", field="files"))

    assert answer.status == 415
    left_nothing(session)


def test_a_declared_type_does_not_help(session):
    # S0-10 C16a C16b; API 1
    assert session.put("a.exe", b"x", headers={"Content-Type": "text/csv"}).status == 415
    assert session.put("a.csv", b"<html>", headers={"Content-Type": "text/html"}).status == 201


def test_an_upload_that_stalls_is_ended(limited, session):
    # S0-16; API Configuration stall_timeout
    with limited.wire(10) as wire:
        wire.send(
            limited.head("PUT", f"/uploads/{session.id}?name=a", {"Content-Length": "90000"}) + bytes(80_000)
        )
        began = time.monotonic()
        assert wire.is_closed()
        took = time.monotonic() - began

    assert 1 < took < 6
    left_nothing(session)


def test_slow_is_not_stalled(limited, session):
    # API Configuration stall_timeout
    with limited.wire() as wire:
        wire.send(limited.head("PUT", f"/uploads/{session.id}?name=a", {"Content-Length": "4"}))
        for byte in b"abcd":
            time.sleep(0.6)
            wire.send(bytes([byte]))
        answer = wire.answer("PUT")

    assert answer.status == 201


def test_small_files_come_as_a_data_uri_when_asked_for_and_allowed(session):
    # S0-78 S0-79 C16; API 5 mode=meta
    small, large = session.saved("a.png", b"\x89PNG\r\n\x1a\n"), session.saved("b.bin", bytes(1001))

    uri = session.file(small["attachment_id"], data_uri=1).json()["data_uri"]

    assert (
        uri
        == f"data:image/png;base64,{base64.b64encode(bytes([0x89]) + b'PNG' + bytes([13, 10, 26, 10])).decode()}"
    )
    assert "data_uri" not in session.file(large["attachment_id"], data_uri=1).json()
    assert "data_uri" not in session.file(small["attachment_id"]).json()


def test_attachments_are_cleaned_when_a_session_is_closed(limited, session):
    # S0-92 S0-93 C21; API Configuration clean_attachments_on_close
    session.saved("in.csv", b"came in")
    kept = session.made("out.csv", b"was made")

    session.call("PATCH", json_body={"status": "completed"})

    until = time.monotonic() + 5
    while session.names() != ["out.csv"] and time.monotonic() < until:
        time.sleep(0.05)
    assert session.names() == ["out.csv"]
    assert session.attachments() == []
    assert session.content(kept["attachment_id"]).body == b"was made"


def test_attachments_stay_when_a_session_is_closed_elsewhere(server):
    # S0-91 S0-93 C21
    session = server.session()
    session.saved("in.csv", b"came in")

    session.call("PATCH", json_body={"status": "completed"})

    assert session.names() == ["attachments/in.csv"]


def test_a_cursor_older_than_the_window_is_reset(session):
    # S0-50 S0-52 C30; API 5, 11.33
    session.post(*(file_part(b"x", f"{n}.csv", field="files") for n in range(30)))

    old = session.poll(after=5).json()
    fresh = session.poll(after=0, limit=100).json()

    assert old == {"events": [], "next_cursor": 30, "has_more": False, "timed_out": True, "reset": True}
    assert not fresh["reset"]
    assert [event["sequence"] for event in fresh["events"]] == [*range(21, 31)]
    assert session.poll(after=20, limit=100).json()["events"] == fresh["events"]
    assert session.poll(after=19).json()["reset"]


def test_hidden_names_are_served_where_the_server_allows_them(session):
    # C4 S3-34; API 1 Hidden
    record = session.saved(".env", b"x", dir=".config")

    assert record["path"] == ".config/.env"
    assert session.content(record["attachment_id"]).body == b"x"
    for folder in (".jupyter_workspace", "a/.jupyter_workspace", ".JUPYTER_workspace"):
        assert session.put("a", dir=folder).status == 400
    assert session.put(".jupyter_workspace").status == 400


def test_pages_of_an_allowed_origin_may_read_what_they_need(limited, session):
    # S3-10 S0-101; API 11.44
    headers = {"Origin": "https://lab.example"}

    answer = session.call("GET", headers=headers)

    exposed = {name.strip().lower() for name in answer.headers["Access-Control-Expose-Headers"].split(",")}
    assert exposed >= {"location", "etag", "content-range"}
    assert answer.headers["Access-Control-Allow-Origin"] == "https://lab.example"


def test_other_origins_are_told_nothing(server):
    # S3-10 S0-101; API 11.44
    answer = server.call("GET", "/", headers={"Origin": "https://lab.example"})

    assert "Access-Control-Expose-Headers" not in answer.headers


def test_nothing_is_staged_when_all_is_done(limited):
    # S0-16 S0-89
    assert leftovers(limited) == []
    assert staged(limited) == []


def test_a_refused_form_is_answered_though_more_is_coming(limited, session):
    # API 11.42
    body = form(text_part("metadata", "["), file_part(bytes(90_000)), file_part(bytes(FILE + 1), "b"))

    answer = session.server.call("POST", f"/uploads/{session.id}", body, form_type())

    assert answer.status in {400, 413}
    left_nothing(session)


def test_a_session_of_another_server_is_unknown(limited, server):
    # S2-03
    assert Session(limited, server.session().id).put("a.csv").status == 404
