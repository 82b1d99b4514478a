"""Behind JupyterHub: news by event stream and WebSocket, to whom they belong and to nobody else."""

from __future__ import annotations

import pytest
from api.listening import refusal, said, streaming, subscribed, told


@pytest.fixture
def session(ada_server):
    return ada_server.session()


@pytest.fixture
def as_page(ada, hub):
    """What ada's browser sends by itself with a WebSocket."""
    return {
        "headers": {"Cookie": ada.cookie_header("/user/ada/")},
        "origin": f"http://127.0.0.1:{hub.port}",
    }


# S0-47, S0-57; RELIABILITY 2.6
def test_a_stream_tells_at_once_through_the_proxy(session):
    with streaming(session) as stream:
        stream.take()
        session.saved("a.csv")

        assert [event["name"] for event in stream.events(1)] == ["a.csv"]


def test_a_stream_of_a_page_is_opened_with_the_token_in_the_address(ada, session):
    # EventSource sends no headers of its own.
    session.saved("a.csv")
    sent = {"Authorization": "", "Cookie": ada.cookie_header("/user/ada/"), "Sec-Fetch-Mode": "cors"}

    with streaming(session, sent, f"?_xsrf={ada.xsrf('/user/ada/')}") as stream:
        events = stream.events(1)
    with streaming(session, sent) as refused:
        status = refused.answer.status

    assert [event["name"] for event in events] == ["a.csv"]
    assert status == 403


def test_a_socket_tells_at_once_through_the_proxy(session):
    with subscribed(session) as socket:
        assert said(socket)["type"] == "connected"
        session.saved("a.csv")

        assert [event["name"] for event in told(socket, 1)] == ["a.csv"]


def test_a_socket_of_a_page_is_opened_by_its_cookie(session, as_page):
    with subscribed(session, **as_page) as socket:
        assert said(socket)["type"] == "connected"


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://127.0.0.1:1",
        "http://127.0.0.1.evil.example",
        "https://127.0.0.1",
    ],
)
def test_a_socket_of_a_page_of_another_site_is_not(ada_server, session, as_page, origin):
    # S10
    status, _ = refusal(ada_server, session.id, **{**as_page, "origin": origin})

    assert status in {403, 404}


def test_a_socket_of_the_other_user_is_not(ada_server, bob, session, as_page):
    # S9, S11
    stolen = "; ".join(f"{name}={value}" for (name, _), value in bob.cookies.items())

    for cookies in (bob.cookie_header("/user/ada/"), stolen, ""):
        status, _ = refusal(ada_server, session.id, **{**as_page, "headers": {"Cookie": cookies}})
        assert status == 403


def test_a_stream_of_the_other_user_is_not(ada_server, bob, session):
    stolen = "; ".join(f"{name}={value}" for (name, _), value in bob.cookies.items())

    for cookies in (stolen, ""):
        with streaming(session, {"Authorization": "", "Cookie": cookies}) as stream:
            assert stream.answer.status == 403
