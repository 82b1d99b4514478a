"""The news of a session by long poll."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from api.running import sha256
from api.wire import file_part

MEMBERS = {
    "sequence", "event_id", "change_type", "session_id", "artifact_id", "attachment_id", "node_id", "kind",
    "source", "name", "path", "size", "mime", "hash", "timestamp", "provenance",
}  # fmt: skip


@contextmanager
def polling(session, **parameters):
    """A poll that waits in a thread while the block runs."""
    with ThreadPoolExecutor(1) as pool:
        began = time.monotonic()
        waiting = pool.submit(session.poll, **parameters)
        time.sleep(0.3)
        yield lambda: (waiting.result().json(), time.monotonic() - began)


def test_a_new_session_has_no_events(session):
    # S0-33 S0-36 S0-43 S0-44; API 5
    assert session.poll().json() == {
        "events": [], "next_cursor": 0, "has_more": False, "timed_out": True, "reset": False,
    }  # fmt: skip


def test_an_event_tells_all_of_its_file(session):
    # S0-53 S0-54 S0-55 S0-56 C8; API 5 Event
    before = time.time()
    record = session.saved("a.csv", b"abc")

    (event,) = session.events()

    assert set(event) == MEMBERS
    assert event["sequence"] == 1
    assert event["change_type"] == "created"
    assert event["hash"] == f"sha256:{sha256(b'abc')}"
    assert before - 1 <= event["timestamp"] <= time.time() + 1
    same = ("session_id", "artifact_id", "attachment_id", "kind", "source", "name", "path", "size", "mime")
    assert {name: event[name] for name in same} == {name: record[name] for name in same}


def test_each_change_is_one_event(session):
    # S0-49 S0-56 S0-65; API 5, 11.30
    record = session.saved("a.csv", b"1")
    att = record["attachment_id"]
    session.put("a.csv", b"2", on_conflict="replace")
    session.call("PATCH", f"/artifacts/{att}", json_body={"name": "b.csv"})
    session.call("DELETE", f"/artifacts/{att}")
    session.call("POST", f"/artifacts/{att}/restore")

    events = session.events()

    assert [event["change_type"] for event in events] == [
        "created",
        "updated",
        "updated",
        "deleted",
        "created",
    ]
    assert [event["sequence"] for event in events] == [1, 2, 3, 4, 5]
    assert [event["name"] for event in events] == ["a.csv", "a.csv", "b.csv", "b.csv", "b.csv"]
    assert {event["attachment_id"] for event in events} == {att}
    assert len({event["event_id"] for event in events}) == 5
    assert (
        events[1]["artifact_id"]
        == events[2]["artifact_id"]
        == events[4]["artifact_id"]
        != record["artifact_id"]
    )
    assert (events[3]["size"], events[3]["hash"]) == (1, f"sha256:{sha256(b'2')}")


def test_only_later_events_come(session):
    # S0-34; API 5
    for n in range(4):
        session.saved(f"{n}.csv")

    page = session.poll(after=2).json()

    assert [event["sequence"] for event in page["events"]] == [3, 4]
    assert (page["next_cursor"], page["has_more"], page["timed_out"]) == (4, False, False)


def test_a_limit_cuts_the_page(session):
    # S0-37 S0-48; API 5
    for n in range(3):
        session.saved(f"{n}.csv")

    first = session.poll(limit=2).json()
    second = session.poll(limit=2, after=first["next_cursor"]).json()

    assert ([event["sequence"] for event in first["events"]], first["next_cursor"], first["has_more"]) == (
        [1, 2],
        2,
        True,
    )
    assert ([event["sequence"] for event in second["events"]], second["next_cursor"], second["has_more"]) == (
        [3],
        3,
        False,
    )


def test_a_higher_sequence_counts_as_more_even_if_it_does_not_match(session):
    # S0-48; API 5
    session.saved("a.csv")
    session.saved("b.txt")

    page = session.poll(limit=1, include_ext="csv").json()

    assert (page["next_cursor"], page["has_more"], page["timed_out"]) == (1, True, False)


def test_the_cursor_moves_past_what_does_not_match(session):
    # S0-43 S0-45; API 5
    session.saved("a.csv")
    session.saved("b.csv")

    page = session.poll(include_ext="png").json()

    assert page == {"events": [], "next_cursor": 2, "has_more": False, "timed_out": True, "reset": False}


def test_the_cursor_moves_past_what_comes_after_the_last_match(session):
    # S0-45; API 5
    session.saved("a.csv")
    session.saved("b.txt")

    page = session.poll(include_ext="csv").json()

    assert ([event["name"] for event in page["events"]], page["next_cursor"], page["has_more"]) == (
        ["a.csv"],
        2,
        False,
    )


def test_without_news_the_cursor_stays(session):
    # S0-44; API 5
    session.saved("a.csv")

    page = session.poll(after=1, wait_seconds=0.2).json()

    assert page == {"events": [], "next_cursor": 1, "has_more": False, "timed_out": True, "reset": False}


def test_a_poll_waits_as_long_as_it_was_told(session):
    # S0-35 S0-44; API 5
    began = time.monotonic()

    page = session.poll(wait_seconds=1).json()

    assert page["timed_out"]
    assert 0.9 <= time.monotonic() - began < 4


def test_a_match_wakes_the_poll_at_once(session):
    # S0-47 S0-60 S0-99; API 5
    with polling(session, wait_seconds=20) as result:
        session.saved("a.csv")
        page, took = result()

    assert [event["name"] for event in page["events"]] == ["a.csv"]
    assert not page["timed_out"]
    assert took < 5


def test_what_does_not_match_does_not_end_the_wait(session):
    # S0-46 S0-45; API 5
    with polling(session, wait_seconds=20, include_mime="image/") as result:
        session.saved("a.csv")
        time.sleep(0.2)
        session.saved("b.png", b"\x89PNG\r\n\x1a\n....")
        page, took = result()

    assert [event["name"] for event in page["events"]] == ["b.png"]
    assert page["next_cursor"] == 2
    assert took < 6


def test_a_wait_that_ends_without_a_match_moves_the_cursor(session):
    # S0-45 S0-46; API 5
    with polling(session, wait_seconds=1.5, include_mime="image/") as result:
        session.saved("a.csv")
        page, took = result()

    assert (page["events"], page["next_cursor"], page["timed_out"]) == ([], 1, True)
    assert took >= 1.4


def test_many_polls_wait_and_the_server_still_answers(session):
    # S0-60; API 5
    with ThreadPoolExecutor(40) as pool:
        waiting = [pool.submit(session.poll, wait_seconds=20) for _ in range(40)]
        time.sleep(0.5)
        began = time.monotonic()
        session.saved("a.csv")
        took = time.monotonic() - began
        pages = [poll.result().json() for poll in waiting]

    assert took < 3
    assert {page["next_cursor"] for page in pages} == {1}


def test_events_of_another_session_wake_nobody(server, session):
    # S2-24; API 5
    other = server.session(f"{session.id}2")

    with polling(session, wait_seconds=1) as result:
        other.saved("a.csv")
        page, _ = result()

    assert page["events"] == []
    assert page["next_cursor"] == 0


PNG = b"\x89PNG\r\n\x1a\n...."


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"include_mime": "image/"}, ["p.png"]),
        ({"include_mime": "IMAGE"}, ["p.png"]),
        ({"include_mime": "image/png"}, ["p.png"]),
        ({"include_mime": " text/csv , ,image/"}, ["a.csv", "p.png"]),
        ({"include_mime": "mage"}, []),
        ({"include_mime": ""}, ["a.csv", "p.png", "big.tar.gz", "none"]),
        ({"include_ext": "csv"}, ["a.csv"]),
        ({"include_ext": ".CSV,Png"}, ["a.csv", "p.png"]),
        ({"include_ext": "gz"}, ["big.tar.gz"]),
        ({"include_ext": "tar.gz"}, []),
        ({"include_ext": "none"}, []),
        ({"max_size": 3}, ["a.csv", "none"]),
        ({"max_size": 2}, []),
        ({"include_mime": "text/", "include_ext": "png"}, []),
        ({"include_mime": "image/", "include_ext": "png", "max_size": 12}, ["p.png"]),
    ],
)  # fmt: skip
def test_filters_choose_and_are_all_to_agree(session, filters, names):
    # S0-39 S0-40 S0-41 S0-42 S0-100; API 5
    for name, content in (("a.csv", b"abc"), ("p.png", PNG), ("big.tar.gz", b"12345"), ("none", b"abc")):
        session.saved(name, content)

    page = session.poll(**filters).json()

    assert [event["name"] for event in page["events"]] == names
    assert page["next_cursor"] == 4
    assert page["timed_out"] == (not names)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("after", "-1"), ("after", "1.0"), ("after", "x"), ("after", ""), ("after", "nan"), ("after", "+1"),
        ("after", "٣"), ("after", str(2**63)), ("after", "1e3"), ("after", " 1"), ("after", "0x1"), ("after", "1_0"),
        ("wait_seconds", "-1"), ("wait_seconds", "60.1"), ("wait_seconds", "61"), ("wait_seconds", "nan"),
        ("wait_seconds", "inf"), ("wait_seconds", "-inf"), ("wait_seconds", "infinity"), ("wait_seconds", ""),
        ("wait_seconds", "1e1"), ("wait_seconds", "x"), ("wait_seconds", "NaN"),
        ("limit", "0"), ("limit", "-1"), ("limit", "1.5"), ("limit", "x"), ("limit", ""), ("limit", "inf"),
        ("max_size", "0"), ("max_size", "-5"), ("max_size", "nan"), ("max_size", "x"), ("max_size", ""),
        ("max_size", "1.5"),
    ],
)  # fmt: skip
def test_a_bad_parameter_is_refused_by_name(session, name, value):
    # S0-35 S0-37 S0-38 S0-39 C17; API 5, 1 Parameters, 11.9, 11.49
    answer = session.poll(**{name: value})

    assert (answer.status, answer.code, answer.json()["parameter"]) == (400, "parameter_invalid", name)


@pytest.mark.parametrize(
    "parameters",
    [
        {"after": 2**63 - 1},
        {"limit": 101},
        {"limit": 10**9},
        {"limit": 1},
        {"wait_seconds": "0.01"},
        {"max_size": 1},
        {"unknown": "x"},
    ],
    ids=str,
)
def test_bounds_belong_to_what_is_allowed(session, parameters):
    # S0-35 S0-37 C17; API 5, 11.9, 11.33
    assert session.poll(**parameters).status == 200


def test_a_limit_above_the_highest_is_the_highest(session):
    # S0-37 C17; API 1 Parameters
    session.post(*(file_part(b"x", f"{n}.csv", field="files") for n in range(100)))
    session.saved("last.csv")

    page = session.poll(limit=1000).json()

    assert len(page["events"]) == 100
    assert page["has_more"]


def test_a_cursor_of_the_future_is_reset(session):
    # S0-51 C30; API 5, 11.33
    session.saved("a.csv")
    began = time.monotonic()

    page = session.poll(after=2, wait_seconds=20).json()

    assert page == {"events": [], "next_cursor": 1, "has_more": False, "timed_out": True, "reset": True}
    assert time.monotonic() - began < 5


def test_a_cursor_at_the_end_is_not_of_the_future(session):
    # S0-51; API 11.33
    session.saved("a.csv")

    assert session.poll(after=1).json()["reset"] is False


def test_polling_an_unknown_session_is_not_found(server):
    # S0-59; API 5
    answer = server.call("GET", "/sessions/unknown/artifact-events?wait_seconds=20")

    assert (answer.status, answer.code) == (404, "session_not_found")


def test_a_poll_ends_when_its_session_is_deleted(session):
    # API 11.39
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(session.poll, wait_seconds=30)
        time.sleep(0.3)
        session.call("DELETE")
        began = time.monotonic()
        answer = waiting.result()

    assert (answer.status, answer.code) == (404, "session_not_found")
    assert time.monotonic() - began < 1


def test_sequences_go_on_in_a_session_that_is_made_again(session):
    # S0-49; API 5, 11.32, 11.33
    session.saved("a.csv")
    session.saved("b.csv")
    session.call("DELETE", "?files=1")
    session.server.call("PUT", f"/sessions/{session.id}")
    session.saved("c.csv")

    old = session.poll(after=1).json()
    fresh = session.poll(after=0).json()

    assert old["reset"]
    assert [event["name"] for event in fresh["events"]] == ["c.csv"]
    assert fresh["events"][0]["sequence"] > 2
    assert not fresh["reset"]


def test_an_upload_and_its_event_come_together(session):
    # S0-58 S0-99; API 4, 5
    for n in range(10):
        record = session.saved(f"{n}.csv")
        assert session.events(after=n)[0]["artifact_id"] == record["artifact_id"]


def test_touching_a_file_is_no_event(session):
    # S0-63; API 11.26
    session.made("a.csv", b"abc")
    (session.folder / "a.csv").write_bytes(b"abc")

    session.call("POST", "/scan")

    assert [event["change_type"] for event in session.events()] == ["created"]


def test_what_a_cell_made_is_named_in_its_event(session):
    # S0-53 S0-55; API 5 Event
    session.made(
        "a.csv", b"abc", provenance={"cell_id": "c1", "execution_count": 7, "notebook_path": "n.ipynb"}
    )

    (event,) = session.events()

    assert event["node_id"] == "c1"
    assert event["kind"] == "artifact"
    assert event["provenance"]["execution_count"] == 7
