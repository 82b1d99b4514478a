"""Sessions: made, found, changed, deleted, and the way from a notebook to its session."""

from __future__ import annotations

import json
import shutil
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from api.running import BASE_URL, Session
from api.wire import query

MEMBERS = {
    "session_id", "name", "description", "notebook_path", "metadata", "status", "created_at", "updated_at", "last_used_at",
    "attachments", "artifacts", "size", "path",
}  # fmt: skip


def fresh():
    return f"s-{uuid.uuid4().hex[:12]}"


def resolve(server, **body):
    return server.call("POST", "/sessions/resolve", json_body=body)


def contents(server, method, path, body=None):
    """Jupyter's own API of notebooks and folders."""
    data = None if body is None else json.dumps(body).encode()
    answer = server.request(method, f"api/contents{quote(path)}", data, server.login)
    assert answer.status < 300, answer.text()
    return json.loads(answer.body or b"null")


def notebook(server, path):
    """A new, empty notebook."""
    if "/" in path:
        contents(server, "PUT", f"/{path.rpartition('/')[0]}", {"type": "directory"})
    empty = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    contents(server, "PUT", f"/{path}", {"type": "notebook", "content": empty})
    return path


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


# The session of a notebook


def test_a_notebook_has_one_session_whoever_asks(server):
    # S2-05 C12; API 3 resolve
    path = notebook(server, f"nb-{fresh()}/Über Größe 2.ipynb")

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: resolve(server, notebook_path=path), range(16)))

    assert sorted(answer.status for answer in answers) == [200] * 15 + [201]
    assert len({answer.json()["session_id"] for answer in answers}) == 1
    record = answers[0].json()
    assert record["notebook_path"] == path
    assert record["session_id"].startswith("uber-gro")
    assert (server.root / record["path"]).is_dir()


def test_notebooks_of_one_name_in_two_folders_have_two_sessions(server):
    # API 3 resolve
    mark = fresh()
    first, second = (resolve(server, notebook_path=f"{folder}/{mark}.ipynb").json() for folder in ("a", "b"))

    assert first["session_id"] == mark
    assert second["session_id"] != mark
    assert second["session_id"].startswith(mark)


def test_a_renamed_notebook_keeps_its_session(server):
    # API 3 resolve
    mark = fresh()
    path = notebook(server, f"{mark}.ipynb")
    before = resolve(server, notebook_path=path).json()

    contents(server, "PATCH", f"/{path}", {"path": f"{mark}-renamed.ipynb"})
    after = resolve(server, notebook_path=f"{mark}-renamed.ipynb")
    old = resolve(server, notebook_path=path)

    assert (after.status, after.json()["session_id"]) == (200, before["session_id"])
    assert after.json()["path"] == before["path"]
    assert old.status == 201
    assert old.json()["session_id"] != before["session_id"]


def test_a_notebook_in_a_renamed_folder_keeps_its_session(server):
    # API 3 resolve
    mark = fresh()
    before = resolve(server, notebook_path=notebook(server, f"{mark}/deep.ipynb")).json()

    contents(server, "PATCH", f"/{mark}", {"path": f"{mark}-renamed"})
    after = resolve(server, notebook_path=f"{mark}-renamed/deep.ipynb")

    assert (after.status, after.json()["session_id"]) == (200, before["session_id"])


def test_a_copied_notebook_gets_a_session_of_its_own(server):
    # API 3 resolve
    path = notebook(server, f"{fresh()}.ipynb")
    before = resolve(server, notebook_path=path).json()

    copy = contents(server, "POST", "/", {"copy_from": path})["path"]
    after = resolve(server, notebook_path=copy)

    assert after.status == 201
    assert after.json()["session_id"] != before["session_id"]


def test_a_session_belongs_to_further_notebooks(server):
    # API 3 resolve, PATCH notebooks
    mark = fresh()
    record = resolve(server, notebook_path=f"{mark}.ipynb").json()
    answer = server.call(
        "PATCH",
        f"/sessions/{record['session_id']}",
        json_body={"notebooks": [f"{mark}.ipynb", f"{mark}-2.ipynb"]},
    )

    assert answer.status == 200
    assert resolve(server, notebook_path=f"{mark}-2.ipynb").json()["session_id"] == record["session_id"]
    assert resolve(server, notebook_path=f"{mark}.ipynb").json()["session_id"] == record["session_id"]


def test_a_notebook_is_not_taken_from_another_session(server, session):
    # API 3 PATCH notebooks
    path = f"{fresh()}.ipynb"
    resolve(server, notebook_path=path)

    assert session.call("PATCH", json_body={"notebooks": [path]}).status == 409


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"notebook_path": ""}, 400),
        ({"notebook_path": "a.ipynb", "kernel_id": "x"}, 400),
        ({"notebook_path": "../a.ipynb"}, 400),
        ({"notebook_path": "/etc/a.ipynb"}, 400),
        ({"notebook_path": 1}, 400),
        ({"bogus": 1}, 400),
        ({"kernel_id": "00000000-0000-0000-0000-000000000000"}, 404),
        ({"kernel_id": "../x"}, 404),
    ],
    ids=str,
)
def test_a_question_that_names_no_notebook_is_refused(server, body, status):
    # C17; API 3 resolve
    assert resolve(server, **body).status == status


@pytest.mark.parametrize(
    "path",
    ["resolve.ipynb", "日本語.ipynb", "….ipynb", "-.ipynb", "x" * 200 + ".ipynb", "no-suffix", "a b.ipynb"],
)
def test_every_notebook_name_makes_an_id_that_can_be(server, path):
    # C32; API 3 resolve
    record = resolve(server, notebook_path=f"{fresh()}/{path}").json()

    assert server.call("GET", f"/sessions/{record['session_id']}").json() == record
    assert len(record["session_id"]) <= 128


# Deleted and made again


def test_a_deleted_session_leaves_its_folder_as_a_plain_one(server, session):
    # S3-52 S4-17 C20; API 3 DELETE, 11.32
    session.saved("a.csv", b"abc")

    answer = session.call("DELETE")

    assert (answer.status, answer.body) == (204, b"")
    for path in ("", "/artifacts", "/download", "/artifact-events", "/trash"):
        assert session.call("GET", path).status == 404
    assert (session.folder / "attachments/a.csv").read_bytes() == b"abc"
    assert session.call("DELETE").status == 404
    assert session.id not in [
        item["session_id"] for item in server.call("GET", "/sessions?limit=1000").json()["sessions"]
    ]


def test_a_session_is_deleted_with_its_files(session):
    # S2-16 C20; API 3 DELETE
    session.saved("a.csv", b"abc")

    assert session.call("DELETE", "?files=1").status == 204
    assert not session.folder.exists()


def test_a_session_made_again_adopts_its_folder(session):
    # S0-64; API 11.32, 11.35
    before = session.saved("a.csv", b"abc")
    session.call("DELETE")
    session.server.call("PUT", f"/sessions/{session.id}")

    (after,) = session.files()

    assert (after["path"], after["sha256"]) == (before["path"], before["sha256"])
    assert after["attachment_id"] != before["attachment_id"]
    assert session.file(before["attachment_id"]).status == 404
    assert [event["change_type"] for event in session.events()] == ["created"]


def test_a_plain_folder_is_left_alone_until_it_is_made_a_session(server):
    # API 11.32, 11.35
    session = Session(server, fresh())
    (session.folder / "data").mkdir(parents=True)
    (session.folder / "data/a.csv").write_text("x")
    unknown = session.call("GET").status

    made = server.call("PUT", f"/sessions/{session.id}")

    assert (unknown, made.status, made.json()["artifacts"]) == (404, 201, 1)
    assert [record["path"] for record in session.files()] == ["data/a.csv"]
    assert [event["change_type"] for event in session.events()] == ["created"]


def test_a_file_in_the_way_of_a_session_is_an_error(server):
    # C29; API 3
    session = Session(server, fresh())
    session.folder.parent.mkdir(exist_ok=True)
    session.folder.write_text("mine")

    answer = server.call("PUT", f"/sessions/{session.id}")

    assert answer.status in {400, 409}
    assert session.folder.read_text() == "mine"
    session.folder.unlink()


def test_a_session_whose_folder_was_removed_has_no_files_and_goes_on(session):
    # S0-66; API 11.26, 11.35
    session.saved("a.csv")
    shutil.rmtree(session.folder)

    session.call("POST", "/scan")

    assert session.files() == []
    assert session.put("b.csv").status == 201
    assert session.names() == ["attachments/b.csv"]


def test_two_people_have_a_session_each_of_one_notebook(guarded):
    # S2-51 S3-08 C15; API 3 resolve, 11.1
    path = f"{fresh()}.ipynb"

    mine = resolve(guarded, notebook_path=path)
    again = resolve(guarded, notebook_path=path)
    theirs = guarded.call(
        "POST", "/sessions/resolve", headers={"X-Person": "bob"}, json_body={"notebook_path": path}
    )

    assert (mine.status, again.status, theirs.status) == (201, 200, 201)
    assert mine.json()["session_id"] == again.json()["session_id"] != theirs.json()["session_id"]


def test_a_kernel_and_its_person_find_the_same_session(guarded):
    # S2-05 C12; API 3 resolve, 11.1, 11.8
    first, second = f"{fresh()}.ipynb", f"{fresh()}.ipynb"
    (connection,) = (guarded.data / "jupyter_workspace").glob("*.connection.json")
    token = {"X-Jupyter-Workspace-Token": json.loads(connection.read_text())["token"]}

    def by_kernel(path):
        return guarded.call(
            "POST", "/sessions/resolve", headers=token, json_body={"notebook_path": path}, anonymous=True
        )

    pairs = [
        (by_kernel(first), resolve(guarded, notebook_path=first)),
        (resolve(guarded, notebook_path=second), by_kernel(second))[::-1],
    ]

    for kernel, person in pairs:
        assert {kernel.status, person.status} == {200, 201}
        assert kernel.json()["session_id"] == person.json()["session_id"]
        assert guarded.call("GET", f"/sessions/{person.json()['session_id']}").status == 200
