"""The token that kernels get: it opens this API, and nothing else."""

from __future__ import annotations

import json

import pytest

from jupyter_workspace.handlers.routes import ROUTES


def connection(server):
    (path,) = (server.data / "jupyter_workspace").glob("*.connection.json")
    return path


def kernel(server):
    return {"X-Jupyter-Workspace-Token": json.loads(connection(server).read_text())["token"]}


def ask(server, method, path, body=None, headers=None):
    return server.call(method, path, body, {**kernel(server), **(headers or {})}, anonymous=True)


def test_a_kernel_may_do_all_that_a_notebook_needs(server, session):
    # S0-98 S0-103; API 9, 11.8
    put = ask(server, "PUT", f"/uploads/{session.id}?name=a.csv", b"abc")
    att = put.json()["attachment_id"]

    answers = [
        ask(server, "GET", "/"),
        ask(server, "GET", "/sessions"),
        ask(server, "POST", "/sessions/resolve", b'{"notebook_path": "kernel.ipynb"}'),
        ask(server, "GET", f"/sessions/{session.id}/artifacts"),
        ask(server, "GET", f"/sessions/{session.id}/artifacts/{att}?mode=stream"),
        ask(server, "GET", f"/sessions/{session.id}/artifact-events?wait_seconds=0"),
        ask(server, "GET", f"/sessions/{session.id}/download"),
        ask(server, "PATCH", f"/sessions/{session.id}/artifacts/{att}", b'{"name": "b.csv"}'),
    ]

    assert put.status == 201
    assert {answer.status for answer in answers} <= {200, 201}


def test_a_kernels_requests_need_no_xsrf_token(server, session):
    # S1-29 C14; API 11.8
    answer = ask(
        server, "PUT", f"/uploads/{session.id}?name=a.csv", b"abc", {"Cookie": "_xsrf=x; username-x=y"}
    )

    assert answer.status == 201


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "api/contents"), ("PUT", "api/contents/x.txt"), ("GET", "api/kernels"), ("POST", "api/kernels"), ("GET", "api/sessions"),
        ("GET", "api/terminals"), ("GET", "api/me"), ("GET", "files/x.txt"), ("GET", "lab"), ("GET", "tree"), ("POST", "api/shutdown"),
        ("GET", "api/config/x"), ("GET", "view/x"), ("GET", "nbconvert/html/x.ipynb"),
    ],
)  # fmt: skip
def test_the_token_opens_nothing_else(server, target, method):
    # C14; API 9
    token = kernel(server)["X-Jupyter-Workspace-Token"]
    body = None if method == "GET" else b"{}"

    answers = [
        server.request(method, target, body, kernel(server)),
        server.request(method, target, body, {"Authorization": f"token {token}"}),
        server.request("GET", f"{target}?token={token}"),
    ]

    assert {answer.status for answer in answers} <= {302, 401, 403, 404, 405}


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "X-Jupyter-Workspace-Tokens"])
def test_the_token_is_sent_in_its_own_header_only(server, name):
    # API 9
    token = kernel(server)["X-Jupyter-Workspace-Token"]
    value = f"token {token}" if name == "Authorization" else f"token={token}"

    assert server.call("GET", "/sessions", None, {name: value}, anonymous=True).status == 403
    assert server.call("GET", f"/sessions?token={token}", anonymous=True).status == 403


@pytest.mark.parametrize(
    "change", [str.upper, lambda token: token[:-1], lambda token: f"{token}x", lambda _: "", lambda _: "é"]
)
def test_another_token_is_no_token(server, change):
    # S4-21 C14; API 9
    token = change(kernel(server)["X-Jupyter-Workspace-Token"])

    answer = server.call("GET", "/sessions", None, {"X-Jupyter-Workspace-Token": token}, anonymous=True)

    assert answer.status == 403


def test_what_only_an_administrator_may_a_kernel_may_not(server):
    # C14; API 11.8
    for row in (row for row in ROUTES if row.resource == "admin"):
        assert ask(server, row.method, row.path.replace("{session_id}", "x")).status == 403


def test_the_token_is_kept_where_only_its_user_can_read_it(server):
    # C14; API 9
    path = connection(server)

    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    assert not path.is_relative_to(server.root)


def test_the_token_is_long_and_not_the_servers(server):
    # C14; API 9
    token = kernel(server)["X-Jupyter-Workspace-Token"]

    assert len(token) >= 32
    assert token != server.token


def test_the_token_of_one_server_is_worth_nothing_on_another(server, guarded):
    # C14; API 9
    assert (
        guarded.call("GET", "/sessions", None, {**kernel(server), "X-Person": ""}, anonymous=True).status
        == 403
    )


def test_a_kernel_sees_the_sessions_of_its_server(guarded):
    # API 11.1, 11.8
    mine = guarded.session()

    assert ask(guarded, "GET", f"/sessions/{mine.id}").status == 200


def test_the_token_is_in_no_answer(server, session):
    # C25; API 1 Errors
    token = kernel(server)["X-Jupyter-Workspace-Token"]

    for path in ("/", "/sessions", "/usage", f"/sessions/{session.id}", "/nowhere"):
        assert token not in ask(server, "GET", path).text()
