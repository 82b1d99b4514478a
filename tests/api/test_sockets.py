"""The log over a WebSocket (API 7, 11.38)."""

import json
import signal
import time
from socket import SO_RCVBUF, SOL_SOCKET

import pytest
import websocket
from api.listening import SECONDS, refusal, said, socket_url, subscribed, told
from api.running import BASE_URL, Server

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def kernel_login(server):
    (found,) = server.data.glob("jupyter_workspace/*.connection.json")
    return {"X-Jupyter-Workspace-Token": json.loads(found.read_text())["token"]}


# S4-23
def test_the_first_message_names_the_session_and_the_cursor(session):
    session.saved("a.csv")

    with subscribed(session) as socket:
        assert said(socket) == {"type": "connected", "session_id": session.id, "cursor": 1}


# S0-57: the same data as by poll, in the same order
def test_events_come_as_they_happen_and_are_those_of_the_log(session):
    with subscribed(session) as socket:
        said(socket)
        for number in range(5):
            session.saved(f"{number}.csv")
        events = told(socket, 5)

    assert events == session.events()


def test_without_after_only_what_comes_from_now_on_is_told(session):
    session.saved("old.csv")

    with subscribed(session) as socket:
        said(socket)
        session.saved("new.csv")
        (event,) = told(socket, 1)

    assert event["name"] == "new.csv"


# S0-61
def test_with_after_what_was_missed_is_told_first(session):
    for number in range(3):
        session.saved(f"{number}.csv")

    with subscribed(session, "?after=1") as socket:
        assert said(socket)["cursor"] == 1
        events = told(socket, 2)

    assert [event["sequence"] for event in events] == [2, 3]


# S0-51
def test_a_cursor_that_cannot_be_served_is_reset(session):
    session.saved("a.csv")

    with subscribed(session, "?after=99") as socket:
        said(socket)
        assert said(socket) == {"type": "reset", "cursor": 1}
        session.saved("b.csv")
        assert told(socket, 1)[0]["name"] == "b.csv"


# S4-24
def test_a_ping_is_answered(session):
    with subscribed(session) as socket:
        said(socket)
        socket.send('{"type": "ping"}')

        assert said(socket) == {"type": "pong"}


# S4-25, S16 of the faults
@pytest.mark.parametrize(
    "message",
    [
        "",
        "{",
        "[]",
        "3",
        "null",
        '"ping"',
        "{}",
        '{"type": 1}',
        '{"type": "dance"}',
        '{"type": "ping", "x": NaN}',
        '{"type": "\\ud800"}',
        "[" * 60_000,
        '{"type": ' + "9" * 10_000 + "}",
    ],
)
def test_a_message_that_says_nothing_is_answered_with_an_error_and_the_socket_stays(session, message):
    with subscribed(session) as socket:
        said(socket)
        socket.send(message)
        answer = said(socket)
        session.saved("a.csv")

        assert (answer["type"], answer["code"]) == ("error", "body_invalid")
        assert answer["message"]
        assert told(socket, 1)[0]["name"] == "a.csv"


def test_bytes_are_no_message(session):
    with subscribed(session) as socket:
        said(socket)
        socket.send_binary(b'{"type": "ping"}')

        assert said(socket)["code"] == "body_invalid"


def test_a_huge_message_closes_the_socket(session):
    with subscribed(session) as socket:
        said(socket)
        socket.send("x" * 70_000)

        # The close frame (1009) may be lost: what we sent is not read to its end.
        with pytest.raises((websocket.WebSocketConnectionClosedException, ConnectionError)):
            closed(socket)


# S4-26
def test_several_sockets_of_a_session_all_hear(session):
    with subscribed(session) as first, subscribed(session) as second, subscribed(session) as gone:
        for socket in (first, second, gone):
            said(socket)
        gone.shutdown()
        session.saved("a.csv")

        assert told(first, 1) == told(second, 1)


# S0-58
def test_an_event_that_no_socket_took_is_in_the_log(session):
    with subscribed(session) as socket:
        said(socket)
        socket.shutdown()
    session.saved("a.csv")

    assert [event["name"] for event in session.events()] == ["a.csv"]


# S4-27: losing a socket cancels nothing
def test_a_lost_socket_leaves_the_others_and_the_server_alone(server, session):
    with subscribed(session) as kept:
        said(kept)
        for _ in range(10):
            with subscribed(session) as socket:
                said(socket)
                socket.sock.close()
        session.saved("a.csv")

        assert told(kept, 1)
    assert "Traceback" not in server.log.read_text()[-2000:]


def test_clients_that_left_before_they_were_answered_are_no_error(server, session):
    # S4-26
    said_so_far = len(server.log.read_bytes())
    server.process.send_signal(signal.SIGSTOP)
    try:
        for _ in range(20):
            with server.wire() as wire:
                wire.send(server.head("GET", f"/sessions/{session.id}/subscribe", UPGRADE))
    finally:
        server.process.send_signal(signal.SIGCONT)

    assert session.saved("a.csv")
    with subscribed(session, "?after=0") as socket:
        said(socket)
        assert told(socket, 1)[0]["name"] == "a.csv"
    assert "Traceback" not in server.log.read_bytes()[said_so_far:].decode()


# S4-21
def test_a_stranger_is_refused_at_the_handshake(session):
    status, body = refusal(session.server, session.id, headers={})

    assert (status, body["code"]) == (403, "forbidden")


# S4-22
def test_an_unknown_session_is_refused_at_the_handshake(server):
    status, body = refusal(server, "nowhere")

    assert (status, body["code"]) == (404, "session_not_found")


@pytest.mark.parametrize("cursor", ["-1", "x", "1.5", "", str(2**63), "9" * 300])
def test_a_bad_cursor_is_refused_at_the_handshake(session, cursor):
    status, body = refusal(session.server, session.id, f"?after={cursor}")

    assert (status, body["parameter"]) == (400, "after")


def test_a_request_that_is_no_handshake_is_refused(session):
    answer = session.call("GET", "/subscribe")

    assert (answer.status, answer.json()["parameter"]) == (400, "Upgrade")


# S4-22, API 11.38
def test_a_deleted_session_says_so_and_closes(session):
    with subscribed(session) as socket:
        said(socket)
        session.call("DELETE")
        start = time.monotonic()

        assert said(socket)["code"] == "session_not_found"
        opcode, data = socket.recv_data()
        assert (opcode, int.from_bytes(data[:2], "big")) == (websocket.ABNF.OPCODE_CLOSE, 1000)
        assert time.monotonic() - start < 2


def test_code_in_a_kernel_may_listen(server, session):
    with subscribed(session, headers=kernel_login(server)) as socket:
        assert said(socket)["type"] == "connected"


def cookie_of(server):
    """The cookie that a browser has once it was logged in."""
    answer = server.request("GET", "api/status", headers=server.login)
    return "; ".join(cookie.partition(";")[0] for cookie in answer.headers.get_all("Set-Cookie"))


# S10 of the faults: a page of another site cannot listen with the user's cookie
@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://example.com",
        "http://127.0.0.1.example.com:{port}",
        "http://x127.0.0.1:{port}",
        "http://127.0.0.1:{port}.example.com",
        "http://127.0.0.1:1",
        "http://127.0.0.1",
    ],
)
def test_a_page_of_another_site_is_refused(server, session, origin):
    cookie = {"Cookie": cookie_of(server)}

    status, body = refusal(server, session.id, headers=cookie, origin=origin.format(port=server.port))

    assert status in {403, 404}
    assert body["code"] in {"forbidden", "route_not_found"}


def test_a_page_of_the_server_may_listen(server, session):
    cookie = {"Cookie": cookie_of(server)}

    with subscribed(session, headers=cookie, origin=f"http://127.0.0.1:{server.port}") as socket:
        assert said(socket)["type"] == "connected"


@pytest.fixture(scope="module")
def open_server(tmp_path_factory):
    """A server that lets pages of any site ask."""
    made = Server(tmp_path_factory.mktemp("open") / "home", **{"ServerApp.allow_origin": "*"})
    made.start()
    yield made
    made.stop()


def test_any_origin_does_not_mean_any_page_with_the_users_cookie(open_server):
    session = open_server.session()
    cookie = {"Cookie": cookie_of(open_server)}

    status, _ = refusal(open_server, session.id, headers=cookie, origin="https://example.com")

    assert status in {403, 404}
    with subscribed(session, origin="https://example.com") as by_token:
        assert said(by_token)["type"] == "connected"


# S0-61, API 7: a slow reader is cut off with the cursor to go on from, and loses nothing
@pytest.mark.slow
def test_a_reader_that_does_not_read_is_cut_off_and_loses_nothing(server):
    session = server.session()
    total = 4000
    with subscribed(session, sockopt=[(SOL_SOCKET, SO_RCVBUF, 65536)]) as socket:
        said(socket)
        for number in range(total):
            (session.folder / f"{number:05}-{'x' * 150}.txt").write_bytes(b"x")
        session.call("POST", "/scan")
        logged(server, f"A reader of session {session.id} was too slow")

        seen, code, reason = read_to_the_close(socket)

    assert (code, reason) == (1013, f"cursor={seen[-1]['sequence']}")
    assert len(seen) < total
    with subscribed(session, f"?after={seen[-1]['sequence']}") as socket:
        said(socket)
        seen += told(socket, total - len(seen))
    assert [event["sequence"] for event in seen] == list(range(1, total + 1))


def closed(socket):
    """Raises what a client meets that reads on."""
    while True:
        socket.recv_data()


def logged(server, sentence):
    until = time.monotonic() + 60
    while sentence not in server.log.read_text():
        assert time.monotonic() < until, f"never logged: {sentence}"
        time.sleep(0.1)


def read_to_the_close(socket):
    """(events, code, reason)."""
    seen = []
    while True:
        opcode, data = socket.recv_data()
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            return seen, int.from_bytes(data[:2], "big"), data[2:].decode()
        seen += json.loads(data)["events"]


def test_every_event_is_on_the_bus_of_the_server(server, session):
    # API 5: received by /api/events/subscribe
    bus = websocket.create_connection(
        f"ws://127.0.0.1:{server.port}{BASE_URL}api/events/subscribe",
        header=[f"{name}: {value}" for name, value in server.login.items()],
        timeout=SECONDS,
    )
    try:
        for number in range(3):
            session.saved(f"{number}.csv")
        got = []
        while len(got) < 3:
            event = json.loads(bus.recv())
            if event["schema_id"].endswith("/artifact/v1") and event["session_id"] == session.id:
                got.append(event)
    finally:
        bus.shutdown()

    assert [
        {name: event[name] for name in wanted} for event, wanted in zip(got, session.events(), strict=True)
    ] == session.events()
    assert got[0]["schema_id"] == "https://events.jupyter-workspace.dev/artifact/v1"


def test_the_socket_is_named_in_the_document(server):
    document = server.call("GET", "/openapi.json").json()

    assert "/sessions/{session_id}/subscribe" in json.dumps(document)
    assert socket_url(server, "x").startswith("ws://")
