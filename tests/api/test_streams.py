"""The log as an event stream (API 5, 11.37): `curl -N -H "Accept: text/event-stream"`."""

import time

import pytest
from api.listening import streaming
from api.wire import head_of

#: More than the longest silence that is promised (API 5), in seconds.
SILENCE = 16


def names(events):
    return [event["name"] for event in events]


def test_a_stream_opens_with_a_comment_and_how_long_to_wait_before_coming_back(session):
    with streaming(session) as stream:
        while b"retry" not in stream.raw:
            stream.take()

        assert stream.answer.status == 200
        assert stream.answer.getheader("Content-Type") == "text/event-stream"
        assert stream.answer.getheader("Cache-Control") == "no-cache"
        assert stream.answer.getheader("X-Accel-Buffering") == "no"
        assert stream.answer.getheader("Content-Encoding") is None
        assert stream.raw.startswith(b":")
        assert b"\nretry: 3000\n\n" in stream.raw


def test_a_frame_is_one_event_with_its_sequence(session):
    record = session.saved("a.csv")

    with streaming(session) as stream:
        ((kind, event, cursor),) = stream.frames(1)

    assert kind == "artifact_created"
    assert cursor == "1"
    assert event == session.events()[0]
    assert event["artifact_id"] == record["artifact_id"]


# S0-47, S0-57: what happens while the stream is open comes at once, in the log's order
def test_what_happens_comes_while_the_stream_is_open(session):
    with streaming(session) as stream:
        stream.take()
        start = time.monotonic()
        for number in range(5):
            session.saved(f"{number}.csv")
        events = stream.events(5)
        took = time.monotonic() - start

    assert names(events) == [f"{number}.csv" for number in range(5)]
    assert [event["sequence"] for event in events] == [1, 2, 3, 4, 5]
    assert took < 5


@pytest.mark.parametrize("content", [b"", b"\n\r\n", "ü\u2028".encode()])
def test_the_data_of_an_event_is_one_line_whatever_its_file_is_called(session, content):
    session.saved("caf\u00e9 \u2028.csv", content)

    with streaming(session) as stream:
        (event,) = stream.events(1)

    assert event["name"] == "caf\u00e9 \u2028.csv"


# S0-34, S0-61
def test_after_and_the_last_event_id_say_where_to_go_on_and_the_latter_wins(session):
    for number in range(4):
        session.saved(f"{number}.csv")

    with streaming(session, query="?after=2") as by_parameter:
        assert names(by_parameter.events(2)) == ["2.csv", "3.csv"]
    with streaming(session, {"Last-Event-ID": "3"}, "?after=1") as by_header:
        assert names(by_header.events(1)) == ["3.csv"]
    with streaming(session, {"Last-Event-ID": ""}, "?after=3") as empty:
        assert names(empty.events(1)) == ["3.csv"]


@pytest.mark.parametrize("cursor", ["x", "-1", "1.0", "1e3", "\u0661", "1 2", str(2**63), "9" * 400])
def test_a_last_event_id_of_no_log_of_ours_is_refused(session, cursor):
    # S16 of the faults: garbage is never taken for a cursor
    headers = {"Accept": "text/event-stream", "Last-Event-ID": cursor.encode().decode("latin-1")}

    answer = session.call("GET", "/artifact-events", headers=headers)

    assert (answer.status, answer.code) == (400, "parameter_invalid")
    assert answer.json()["parameter"] == "Last-Event-ID"


# S0-51
def test_a_cursor_that_cannot_be_served_is_reset(session):
    session.saved("a.csv")

    with streaming(session, {"Last-Event-ID": "77"}) as stream:
        assert stream.frames(1) == [("reset", {"cursor": 1}, "1")]
        session.saved("b.csv")
        assert names(stream.events(1)) == ["b.csv"]


# S0-40, S0-41, S0-42, S0-45
def test_filters_apply_and_the_cursor_moves_past_what_does_not_match(session):
    session.saved("a.csv")
    session.saved("b.png")

    with streaming(session, query="?include_ext=csv&max_size=10") as stream:
        assert names(stream.events(1)) == ["a.csv"]
        stream.until(2)
        session.saved("c.txt")
        stream.until(3)
        session.saved("d.csv", b"x" * 11)
        stream.until(4)
        session.saved("e.csv")

        assert names(stream.events(1)) == ["e.csv"]
        assert stream.raw.count(b"id: 3\n\n") == 1


def test_limit_and_wait_do_not_apply_but_must_be_right(session):
    for number in range(3):
        session.saved(f"{number}.csv")

    with streaming(session, query="?limit=1&wait_seconds=0") as stream:
        assert names(stream.events(3)) == ["0.csv", "1.csv", "2.csv"]
        assert stream.quiet()
    answer = session.call("GET", "/artifact-events?wait_seconds=nan", headers={"Accept": "text/event-stream"})
    assert (answer.status, answer.json()["parameter"]) == (400, "wait_seconds")


@pytest.mark.parametrize(
    ("accept", "is_stream"),
    [
        ("text/event-stream", True),
        ("Text/Event-Stream; charset=utf-8", True),
        ("application/json;q=0.5, text/event-stream", True),
        ("*/*", False),
        ("application/json", False),
        ("text/event-stream;q=0.1, application/json", False),
        ("text/event-stream;q=0", False),
        ("", False),
    ],
)
def test_who_asks_for_a_stream_gets_one_and_others_a_page(session, accept, is_stream):
    with streaming(session, {"Accept": accept}, "?wait_seconds=0") as reader:
        kind = reader.answer.getheader("Content-Type")

    assert kind.startswith("text/event-stream") is is_stream


# S0-59
def test_a_stream_of_an_unknown_session_is_not_found(server):
    answer = server.call("GET", "/sessions/nowhere/artifact-events", headers={"Accept": "text/event-stream"})

    assert (answer.status, answer.code) == (404, "session_not_found")


def test_a_stranger_gets_no_stream(session):
    answer = session.call("GET", "/artifact-events", headers={"Accept": "text/event-stream"}, anonymous=True)

    assert (answer.status, answer.code) == (403, "forbidden")


# API 11.39
def test_a_stream_ends_when_its_session_is_deleted(session):
    session.saved("a.csv")
    with streaming(session) as stream:
        stream.events(1)
        start = time.monotonic()
        assert session.call("DELETE").status == 204

        assert stream.rest() == []
        assert time.monotonic() - start < 2


def test_a_stream_hears_nothing_of_other_sessions(server, session):
    # S12 of the faults
    other = server.session()

    with streaming(session) as stream:
        other.saved("theirs.csv")
        assert stream.quiet()
        session.saved("ours.csv")
        assert names(stream.events(1)) == ["ours.csv"]


# S0-52, S0-61: each reader goes on after a kill, without a gap and without a double
def test_a_reader_goes_on_where_it_was_after_a_kill(server):
    session = server.session()
    session.saved("a.csv")
    with streaming(session) as stream:
        before = stream.events(1)
        cursor = stream.cursor
        server.kill()
    server.start()
    session.saved("b.csv")

    with streaming(session, {"Last-Event-ID": cursor}) as stream:
        after = stream.events(1)

    assert [event["sequence"] for event in before + after] == [1, 2]
    assert names(before + after) == ["a.csv", "b.csv"]


def test_a_client_that_leaves_is_forgotten(server, session):
    with streaming(session) as stream:
        stream.take()
    session.saved("a.csv")
    session.saved("b.csv")

    assert server.call("GET", "/").status == 200
    assert "Traceback" not in server.log.read_text()[-2000:]


def test_a_poll_whose_client_leaves_is_forgotten(server, session):
    target = server.address(f"/sessions/{session.id}/artifact-events?wait_seconds=60")
    for _ in range(5):
        with server.wire() as wire:
            wire.send(head_of("GET", target, server.port, list(server.login.items())))
            time.sleep(0.05)
    session.saved("a.csv")

    assert server.call("GET", "/").status == 200
    assert "Traceback" not in server.log.read_text()[-2000:]


@pytest.mark.slow
def test_a_quiet_stream_shows_that_it_lives(session):
    with streaming(session) as stream:
        while b"retry" not in stream.raw:
            stream.take()
        opened = len(stream.raw)
        stream._connection.sock.settimeout(SILENCE)

        assert stream.take()
        assert stream.raw[opened:].startswith(b":")
