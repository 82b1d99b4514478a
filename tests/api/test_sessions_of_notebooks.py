"""The way from a notebook to its session, and the notebooks that a session lists."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from api.running import fresh


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


# The notebooks that a session lists


def test_a_notebook_that_is_named_twice_is_listed_once(session):
    # API 3; found by fuzzing: the index refused the second row with a 500
    answer = session.call("PATCH", json_body={"notebooks": ["twice.ipynb", "twice.ipynb"]})

    assert answer.status == 200
    assert answer.json()["notebooks"] == ["twice.ipynb"]


@pytest.mark.parametrize("path", ["", "."])
def test_a_notebook_without_a_path_is_refused(server, session, path):
    # API 3
    assert session.call("PATCH", json_body={"notebooks": [path]}).code == "body_invalid"
    assert server.call("POST", "/sessions", json_body={"notebook_path": path}).code == "body_invalid"
    assert server.call("POST", "/sessions/resolve", json_body={"notebook_path": path}).code == "body_invalid"


def test_a_body_that_names_another_session_than_the_address_is_refused(server, session):
    # API 1 Ids
    answer = server.call("PUT", f"/sessions/{session.id}", json_body={"session_id": "another"})

    assert (answer.status, answer.code) == (400, "body_invalid")
