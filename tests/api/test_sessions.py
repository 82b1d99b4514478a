"""Sessions: made, found, changed, deleted, and the way from a notebook to its session."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from api.running import BASE_URL, Session, fresh
from api.wire import query

MEMBERS = {
    "session_id", "name", "description", "notebook_path", "metadata", "status", "created_at", "updated_at", "last_used_at",
    "attachments", "artifacts", "size", "path",
}  # fmt: skip


# Made and found


def test_a_session_is_made_with_its_folder(server):
    # S2-04 S3-12 S3-46 S4-15 S4-16 C12; API 3, 11.11
    session_id = fresh()
    wanted = {
        "session_id": session_id,
        "name": "Churn",
        "description": "d",
        "metadata": {"a": 1},
        "notebook_path": f"{session_id}.ipynb",
    }

    answer = server.call("POST", "/sessions", json_body=wanted)

    record = answer.json()
    assert answer.status == 201
    assert answer.headers["Location"] == f"{BASE_URL}api/workspace/sessions/{session_id}"
    assert set(record) >= MEMBERS
    assert {name: record[name] for name in wanted} == wanted
    assert (record["status"], record["attachments"], record["artifacts"], record["size"]) == (
        "active",
        0,
        0,
        0,
    )
    assert record["path"] == f"workspace/{session_id}"
    assert (server.root / record["path"]).is_dir()
    for name in ("created_at", "updated_at", "last_used_at"):
        assert record[name].endswith("Z")
    assert server.call("GET", f"/sessions/{session_id}").json() == record


def test_a_session_without_a_name_is_called_by_its_id(server):
    # API 11.11
    session_id = fresh()

    assert server.call("PUT", f"/sessions/{session_id}").json()["name"] == session_id


def test_a_session_without_an_id_gets_one(server):
    # C12 C32; API 3
    first, second = (
        server.call("POST", "/sessions", json_body={"name": "Über Größe!"}).json() for _ in range(2)
    )

    assert first["session_id"] != second["session_id"]
    assert first["name"] == second["name"] == "Über Größe!"


@pytest.mark.parametrize(
    "session_id", ["a", "_a", "0", "a-", "A_b-9", "x" * 128, "123e4567-e89b-12d3-a456-426614174000", "CON"]
)
def test_ids_of_all_allowed_forms(server, session_id):
    # S0-86 C32; API 1 Ids
    answer = server.call("PUT", f"/sessions/{session_id}")

    assert answer.status in {200, 201}
    assert (server.root / "workspace" / session_id).is_dir()


@pytest.mark.parametrize(
    "session_id", ["", "-a", "a b", "a.b", "a/b", "..", "é", "x" * 129, "a\n", "resolve", ".a", "a\0"]
)
def test_ids_of_no_allowed_form(server, session_id):
    # S0-86 S2-72 S3-44 C32; API 1 Ids, 11.46
    answer = server.call("POST", "/sessions", json_body={"session_id": session_id})

    assert (answer.status, answer.code) == (400, "id_invalid")


def test_an_id_that_is_taken_is_a_conflict(server, session):
    # C12; API 3
    answer = server.call("POST", "/sessions", json_body={"session_id": session.id, "name": "other"})

    assert (answer.status, answer.code) == (409, "session_exists")
    assert session.call("GET").json()["name"] == session.id


def test_put_is_idempotent(server):
    # S2-05 C12; API 3
    session_id = fresh()

    first = server.call("PUT", f"/sessions/{session_id}", json_body={"name": "one"})
    second = server.call("PUT", f"/sessions/{session_id}", json_body={"name": "two"})

    assert (first.status, second.status) == (201, 200)
    assert second.json()["name"] == "one"
    assert "Location" in first.headers


def test_put_is_free_of_races(server):
    # S2-05 C12; API 3
    session_id = fresh()

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: server.call("PUT", f"/sessions/{session_id}"), range(16)))

    assert sorted(answer.status for answer in answers) == [200] * 15 + [201]
    assert len({answer.json()["created_at"] for answer in answers}) == 1


def test_of_many_who_make_one_session_one_does(server):
    # C12; API 3
    session_id = fresh()

    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(
                lambda _: server.call("POST", "/sessions", json_body={"session_id": session_id}), range(16)
            )
        )

    assert sorted(answer.status for answer in answers) == [201] + [409] * 15


@pytest.mark.parametrize(
    "body",
    [
        {"bogus": 1},
        {"name": 1},
        {"metadata": []},
        [],
        "x",
        {"notebook_path": 1},
        {"description": None},
        {"name": "a\0"},
        {"description": "\0"},
    ],
    ids=str,
)
def test_a_body_that_does_not_fit_makes_no_session(server, body):
    # C17; API 11.9
    session_id = fresh()

    for answer in (
        server.call("POST", "/sessions", json_body=body),
        server.call("PUT", f"/sessions/{session_id}", json_body=body),
    ):
        assert (answer.status, answer.code) == (400, "body_invalid")
    assert server.call("GET", f"/sessions/{session_id}").status == 404


def test_an_upload_to_an_unknown_session_makes_none(server):
    # S0-13 S2-06 C11 C12; API 3
    session_id = fresh()

    assert Session(server, session_id).put("a.csv").status == 404
    assert not (server.root / "workspace" / session_id).exists()


# Changed


def test_a_session_is_changed_and_its_id_and_folder_stay(session):
    # API 3 PATCH
    change = {"name": "New", "description": "text", "metadata": {"k": [1]}, "status": "completed"}

    answer = session.call("PATCH", json_body=change)

    assert answer.status == 200
    assert {name: answer.json()[name] for name in change} == change
    assert session.call("GET").json() == answer.json()
    assert session.folder.is_dir()


def test_a_closed_session_opens_again(session):
    # S4-17 S4-18; API 3
    for status in ("completed", "abandoned"):
        session.call("PATCH", json_body={"status": status})
        assert session.put("a.csv").code == "session_closed"
    session.call("PATCH", json_body={"status": "active"})

    assert session.put("a.csv").status == 201


@pytest.mark.parametrize(
    "body",
    [{}, {"status": "closed"}, {"status": None}, {"session_id": "x"}, {"name": 1}, {"created_at": "x"}, {"metadata": None}, {"notebooks": "x"}, {"name": "\0"}, []],
    ids=str,
)  # fmt: skip
def test_a_change_that_cannot_be_is_refused(session, body):
    # C17; API 3, 11.9
    before = session.call("GET").json()

    answer = session.call("PATCH", json_body=body)

    assert (answer.status, answer.code) == (400, "body_invalid")
    assert session.call("GET").json() == before


def test_counts_and_size_follow_the_files(session):
    # S2-42 S2-48; API 11.11
    session.saved("a.csv", b"123")
    session.saved("b.csv", b"1234")
    made = session.made("c.csv", b"12345")
    record = session.call("GET").json()
    session.call("DELETE", f"/artifacts/{made['attachment_id']}")
    after = session.call("GET").json()

    assert (record["attachments"], record["artifacts"], record["size"]) == (2, 1, 12)
    assert (after["attachments"], after["artifacts"], after["size"]) == (2, 0, 7)


# Listed


@pytest.fixture(scope="module")
def listed(server):
    """Three sessions whose names share a mark that no other has."""
    mark = uuid.uuid4().hex[:8]
    for name, status in (("b", "active"), ("C", "completed"), ("a", "active")):
        body = {
            "session_id": f"{mark}-{name}",
            "name": f"{name} {mark}",
            "description": f"Über 100% {mark}",
            "notebook_path": f"{mark}/{name}.ipynb",
        }
        assert server.call("POST", "/sessions", json_body=body).status == 201
        server.call("PATCH", f"/sessions/{mark}-{name}", json_body={"status": status})
    return mark


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({}, ["a", "C", "b"]),
        ({"ordering": "created_at"}, ["b", "C", "a"]),
        ({"ordering": "-created_at"}, ["a", "C", "b"]),
        ({"ordering": "status,created_at"}, ["b", "a", "C"]),
        ({"ordering": "-status,-created_at"}, ["C", "a", "b"]),
        ({"ordering": "last_used_at"}, None),
        ({"ordering": "updated_at"}, ["b", "C", "a"]),
        ({"status": "completed"}, ["C"]),
        ({"status": "abandoned"}, []),
        ({"limit": 1}, ["a"]),
        ({"limit": 1, "offset": 2}, ["b"]),
        ({"limit": 10**9}, ["a", "C", "b"]),
    ],
)  # fmt: skip
def test_sessions_are_listed_as_asked(server, listed, parameters, names):
    # S3-41 S4-16 C18; API 3, 11.10
    page = server.call("GET", f"/sessions{query(q=listed.upper(), **parameters)}").json()

    found = [session["name"].partition(" ")[0] for session in page["sessions"]]
    assert found == names or (names is None and sorted(found) == ["C", "a", "b"])
    assert page["total"] == (3 if "status" not in parameters else len(names))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("über 100% {}", 3),
        ("C {}", 1),
        ("c {}", 1),
        ("% {}", 3),
        ("_ {}", 0),
        ("no {}", 0),
        ("\0", 0),
        ("\0 {}", 0),
    ],
)
def test_sessions_are_found_by_a_part_of_what_they_say(server, listed, text, count):
    # API 3 q
    page = server.call("GET", f"/sessions{query(q=text.format(listed))}").json()

    assert page["total"] == count


def test_sessions_are_found_by_their_notebook(server, listed):
    # API 3 notebook_path
    page = server.call("GET", f"/sessions{query(notebook_path=f'{listed}/C.ipynb')}").json()

    assert [session["session_id"] for session in page["sessions"]] == [f"{listed}-C"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("ordering", "bogus"), ("ordering", "size"), ("ordering", ""), ("status", "open"), ("status", ""), ("limit", "0"), ("limit", "a"), ("offset", "-1")],
)  # fmt: skip
def test_a_bad_parameter_of_the_list_is_refused(server, name, value):
    # C17; API 1 Parameters
    answer = server.call("GET", f"/sessions?{name}={value}")

    assert (answer.status, answer.json()["parameter"]) == (400, name)


def test_another_persons_sessions_are_not_listed(guarded):
    # S2-51 S3-04 S3-08 S4-19 C15; API 11.1
    mine = guarded.session()
    mine.saved("a.csv", b"12345")

    def seen(person, path):
        return guarded.call("GET", path, headers={"X-Person": person}).json()

    assert mine.id in [session["session_id"] for session in seen("ada", "/sessions?limit=1000")["sessions"]]
    assert mine.id not in [
        session["session_id"] for session in seen("bob", "/sessions?limit=1000")["sessions"]
    ]
    assert seen("bob", "/artifacts")["artifacts"] == []
    assert seen("bob", "/usage")["used_bytes"] == 0
    assert mine.id not in [item["name"] for item in seen("bob", "/files")["items"]]


def test_an_id_that_somebody_else_has_is_taken(guarded):
    # S3-08 C15; API 11.1
    mine = guarded.session()
    bob = {"X-Person": "bob"}

    made = guarded.call("POST", "/sessions", headers=bob, json_body={"session_id": mine.id})
    ensured = guarded.call("PUT", f"/sessions/{mine.id}", headers=bob)

    assert (made.status, made.code) == (409, "session_exists")
    assert (ensured.status, ensured.code) == (409, "session_exists")
    assert mine.call("GET").status == 200


def test_another_persons_files_are_not_found_by_path(guarded):
    # S2-51 C15; API 11.1, 8
    mine = guarded.session()
    record = mine.saved("a.csv", b"mine alone")
    bob = {"X-Person": "bob"}

    for method, path, body in [
        ("GET", f"/files{query(path=mine.id)}", None),
        ("GET", f"/files/download{query(path=record['files_path'])}", None),
        ("GET", f"/files/download{query(path=mine.id)}", None),
        ("POST", "/files/delete", {"path": record["files_path"]}),
    ]:
        answer = guarded.call(method, path, headers=bob, json_body=body)
        assert answer.status == 404
        assert b"mine alone" not in answer.body
    assert mine.content(record["attachment_id"]).body == b"mine alone"
