"""People with a cookie: login, XSRF, origins."""

from __future__ import annotations

import re
import secrets

import pytest
from api.running import Server, leftovers
from api.wire import file_part, form, form_type
from jupyter_server.auth.security import passwd

PASSWORD = secrets.token_hex(8)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A server with a password, whose cookie names show who asks."""
    made = Server(
        tmp_path_factory.mktemp("password") / "home",
        **{
            "PasswordIdentityProvider.hashed_password": passwd(PASSWORD, algorithm="sha1"),
            "ServerApp.allow_unauthenticated_access": False,
        },
    )
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def cookies(server):
    """The cookies of somebody who gave the password."""
    page = server.request("GET", "login")
    jar = cookies_of(page)
    body = f"_xsrf={jar['_xsrf'].replace('|', '%7C')}&password={PASSWORD}".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": as_header(jar)}
    answer = server.request("POST", "login", body, headers)
    assert answer.status == 302, answer.text()
    return jar | cookies_of(answer)


def cookies_of(answer):
    found = {}
    for line in answer.headers.get_all("Set-Cookie", []):
        name, _, value = line.partition(";")[0].partition("=")
        found[name] = value
    return found


def as_header(jar):
    return "; ".join(f"{name}={value}" for name, value in jar.items())


def ask(server, method, path, jar, body=None, **headers):
    sent = {"Cookie": as_header(jar), **{name.replace("_", "-"): value for name, value in headers.items()}}
    return server.call(method, path, body, sent, anonymous=True)


@pytest.fixture
def session(server):
    return server.session()


def test_a_cookie_and_its_xsrf_token_may_write(server, session, cookies):
    # C14 S3-02; API 1 Authentication
    by_header = ask(
        server, "PUT", f"/uploads/{session.id}?name=a", cookies, b"x", X_XSRFToken=cookies["_xsrf"]
    )
    by_query = ask(
        server,
        "PUT",
        f"/uploads/{session.id}?name=b&_xsrf={cookies['_xsrf'].replace('|', '%7C')}",
        cookies,
        b"x",
    )

    assert (by_header.status, by_query.status) == (201, 201)


def test_a_cookie_alone_may_read(server, session, cookies):
    # C14; API 1 Authentication
    answer = ask(server, "GET", f"/sessions/{session.id}", cookies, X_XSRFToken=cookies["_xsrf"])

    assert answer.status == 200


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_cookie_without_its_xsrf_token_may_not_write(server, session, cookies, method):
    # C14; API 1 Authentication, 11.3
    headers = {"Cookie": as_header(cookies), "Content-Length": str(2**40)}

    with server.wire() as wire:
        wire.send(server.head(method, f"/uploads/{session.id}", headers, anonymous=True))
        answer = server.checked(wire.answer(method))

    assert answer.status == 403
    assert (session.names(), leftovers(server)) == ([], [])


@pytest.mark.parametrize("token", ["x", "", "2|aaaaaaaa|aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|1600000000"])
def test_a_forged_xsrf_token_may_not_write(server, session, cookies, token):
    # C14; API 1 Authentication
    answer = ask(server, "PUT", f"/uploads/{session.id}?name=a", cookies, b"x", X_XSRFToken=token)

    assert answer.status == 403
    assert session.names() == []


@pytest.mark.parametrize("token", ["forged", "2|aaaaaaaa|aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|1600000000"])
def test_a_pair_that_somebody_made_up_is_no_login(server, session, token):
    # C14; API 1 Authentication
    answer = ask(server, "PUT", f"/uploads/{session.id}?name=a", {"_xsrf": token}, b"x", X_XSRFToken=token)

    assert answer.status == 403
    assert session.names() == []


def test_a_token_that_is_not_the_cookies_may_not_write(server, session, cookies):
    # C14; API 1 Authentication
    jar = {**cookies, "_xsrf": "2|aaaaaaaa|aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|1600000000"}

    answer = ask(server, "PUT", f"/uploads/{session.id}?name=a", jar, b"x", X_XSRFToken=cookies["_xsrf"])

    assert answer.status == 403
    assert session.names() == []


def test_a_form_with_the_token_as_its_first_part_is_no_way_round(server, session, cookies):
    # C14; API 1 Authentication: it is decided before the body is read
    body = form(file_part(cookies["_xsrf"].encode(), None, field="_xsrf"), file_part(b"x"))
    sent = {"Cookie": as_header(cookies), **form_type()}

    answer = server.call("POST", f"/uploads/{session.id}", body, sent, anonymous=True)

    assert answer.status == 403
    assert session.names() == []


def test_a_token_needs_no_xsrf(session):
    # S1-29 C14; API 1 Authentication
    assert session.put("a.csv").status == 201


def test_a_foreign_page_may_not_write_with_a_cookie(server, session, cookies):
    # C14; API 11.5
    answer = ask(
        server, "PUT", f"/uploads/{session.id}?name=a", cookies, b"x",
        X_XSRFToken=cookies["_xsrf"], Origin="https://evil.example",
    )  # fmt: skip

    assert answer.status in {403, 404}
    assert session.names() == []


STREAM = "?mode=stream"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Referer": "https://evil.example/page"}, 403),
        ({"Referer": "https://evil.example/page", "Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-origin"}, 200),
        ({"Sec_Fetch_Site": "none"}, 200),
    ],
)
def test_a_foreign_page_may_not_embed_a_file(server, session, cookies, headers, status):
    # C13 C14; API 11.5, 11.50
    record = session.saved("a.png")

    answer = ask(
        server,
        "GET",
        f"/sessions/{session.id}/artifacts/{record['attachment_id']}{STREAM}",
        cookies,
        **headers,
    )

    assert answer.status == status


def test_a_page_of_ours_may_embed_a_file(server, session, cookies):
    # API 11.5, 11.50
    record = session.saved("a.png")
    path = f"/sessions/{session.id}/artifacts/{record['attachment_id']}{STREAM}"

    answer = ask(server, "GET", path, cookies, Referer=f"{server.url}lab")

    assert answer.status == 200


def test_a_wrong_password_gives_nothing(server, session):
    # S3-02 C14
    jar = cookies_of(server.request("GET", "login"))
    body = f"_xsrf={jar['_xsrf'].replace('|', '%7C')}&password=wrong".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": as_header(jar)}
    jar |= cookies_of(server.request("POST", "login", body, headers))

    assert ask(server, "GET", f"/sessions/{session.id}", jar, X_XSRFToken=jar["_xsrf"]).status == 403


def test_the_service_itself_is_not_for_strangers(server):
    # S3-05 S3-06 C14
    answer = server.call("GET", "/", anonymous=True)

    assert answer.status == 403
    assert not re.search("version|limits", answer.body.decode())
