"""The notebooks that a session lists."""

from __future__ import annotations

import pytest


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
