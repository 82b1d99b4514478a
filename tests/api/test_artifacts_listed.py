"""Lists of files: what is in them, their order, their pages."""

from __future__ import annotations

import time

import pytest
from api.wire import query


@pytest.fixture(scope="module")
def listed(server):
    """A session of files of several kinds; tests only read it."""
    session = server.session()
    for name, content, folder in [
        ("Beta.csv", b"22", "attachments"), ("alpha.png", b"\x89PNG\r\n\x1a\n", ""), ("gamma.txt", b"4444", "plots"),
        ("delta.tar.gz", b"1", "plots2"), ("100%_done.txt", b"", "plots/deep"),
    ]:  # fmt: skip
        session.saved(name, content, dir=folder)
        time.sleep(0.005)
    session.made("made.csv", b"333")
    return session


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({}, ["made.csv", "100%_done.txt", "delta.tar.gz", "gamma.txt", "alpha.png", "Beta.csv"]),
        ({"ordering": "created_at"}, ["Beta.csv", "alpha.png", "gamma.txt", "delta.tar.gz", "100%_done.txt", "made.csv"]),
        ({"ordering": "size"}, ["100%_done.txt", "delta.tar.gz", "Beta.csv", "made.csv", "gamma.txt", "alpha.png"]),
        ({"ordering": "-size", "limit": 2}, ["alpha.png", "gamma.txt"]),
        ({"kind": "artifact"}, ["made.csv"]),
        ({"kind": "attachment", "limit": 1}, ["100%_done.txt"]),
        ({"include_mime": "image/"}, ["alpha.png"]),
        ({"include_mime": "TEXT/CSV"}, ["made.csv", "Beta.csv"]),
        ({"include_ext": "gz,.CSV"}, ["made.csv", "delta.tar.gz", "Beta.csv"]),
        ({"q": "ET"}, ["Beta.csv"]),
        ({"q": "%"}, ["100%_done.txt"]),
        ({"q": "_"}, ["100%_done.txt"]),
        ({"q": "nothing like it"}, []),
        ({"path": "plots"}, ["100%_done.txt", "gamma.txt"]),
        ({"path": "plots/"}, ["100%_done.txt", "gamma.txt"]),
        ({"path": "plot"}, []),
        ({"path": ""}, ["made.csv", "100%_done.txt", "delta.tar.gz", "gamma.txt", "alpha.png", "Beta.csv"]),
        ({"path": "plots", "include_ext": "txt", "q": "gam"}, ["gamma.txt"]),
        ({"offset": 4}, ["alpha.png", "Beta.csv"]),
        ({"offset": 100}, []),
        ({"limit": 10**6, "q": "a", "kind": "artifact"}, ["made.csv"]),
    ],
)  # fmt: skip
def test_a_list_has_what_was_asked_for_in_its_order(listed, parameters, names):
    # S2-24 S2-38 S2-40 S2-42 C18; API 5, 11.10
    assert [record["name"] for record in listed.files(**parameters)] == names


def test_a_nul_is_part_of_no_name(listed):
    # API 1 Names; SQLite ends a pattern there
    assert listed.files(q="\0") == []


def test_a_page_says_how_much_there_is(listed):
    # S2-39 S2-42 C18; API 1 Paging
    page = listed.call("GET", "/artifacts?limit=4").json()
    last = listed.call("GET", "/artifacts?limit=4&offset=4").json()

    assert (len(page["artifacts"]), page["total"], page["has_more"]) == (4, 6, True)
    assert (len(last["artifacts"]), last["total"], last["has_more"]) == (2, 6, False)


@pytest.mark.parametrize(
    "order", ["name", "-name", "modified_at", "path", "mime", "-created_at", "size,name", "mime,-size"]
)
def test_each_order_is_stable_over_pages(listed, order):
    # C18; API 1 Paging, 11.10
    whole = [record["attachment_id"] for record in listed.files(ordering=order)]

    paged = [
        record["attachment_id"]
        for n in range(6)
        for record in listed.files(ordering=order, limit=1, offset=n)
    ]

    assert paged == whole
    assert len(set(whole)) == 6


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"), ("limit", "-1"), ("limit", "x"), ("limit", ""), ("limit", "1.0"), ("offset", "-1"), ("offset", "x"), ("offset", ""),
        ("offset", str(2**63)), ("ordering", "bogus"), ("ordering", ""), ("ordering", "name,name"), ("ordering", "--name"), ("kind", "x"),
        ("kind", ""), ("next", "bogus"), ("next", "AAAA"),
    ],
)  # fmt: skip
def test_a_bad_parameter_of_a_list_is_refused(listed, name, value):
    # S2-39 C17; API 1 Parameters, 11.9
    answer = listed.call("GET", f"/artifacts?{name}={value}")

    assert (answer.status, answer.code, answer.json()["parameter"]) == (400, "parameter_invalid", name)


@pytest.mark.parametrize("order", [None, "name", "-size,path"])
def test_pages_by_cursor_have_each_earlier_file_once_while_others_come_and_go(session, order):
    # S2-38 C18; API 5 keyset paging, 11.53
    early = [session.saved(f"{n}.csv")["attachment_id"] for n in range(7)]
    seen, cursor, rounds = [], "", 0
    while cursor is not None:
        page = session.call("GET", f"/artifacts{query(limit=2, next=cursor, ordering=order)}").json()
        seen += [record["attachment_id"] for record in page["artifacts"]]
        cursor = page["next"]
        rounds += 1
        session.saved(f"late {rounds}.csv")
        assert rounds < 20

    assert sorted(file_id for file_id in seen if file_id in early) == sorted(early)
    assert len(seen) == len(set(seen))


def test_the_list_over_all_sessions(server, listed):
    # S2-23; API 5 GET /artifacts
    other = server.session()
    other.saved("alpha.png", b"\x89PNG\r\n\x1a\n")

    found = server.call("GET", "/artifacts?q=alpha.png&limit=1000").json()["artifacts"]

    assert {record["session_id"] for record in found} >= {listed.id, other.id}
    assert all(record["name"] == "alpha.png" for record in found)


def test_an_empty_session_id_does_not_widen_anything(server):
    # S2-25; API 11.2
    assert server.call("GET", "/sessions//artifacts").status == 404
    assert server.call("GET", "/uploads/").status == 404


def test_files_of_one_session_are_not_found_through_another(server, session):
    # S2-21 S2-22 S2-24 S2-51 C15; API 1 Ids
    other = server.session(f"{session.id}x")
    record = session.saved("a.csv")

    for file_id in (record["attachment_id"], record["artifact_id"]):
        assert other.file(file_id).status == 404
        assert other.content(file_id).status == 404
        assert other.call("DELETE", f"/artifacts/{file_id}").status == 404
        assert other.call("POST", f"/artifacts/{file_id}/restore").status == 404
    assert session.file(record["attachment_id"]).json() == record
