"""Each row of the route table: who may, what an id must be, what another method gets."""

from __future__ import annotations

import ast
import re
import time
from pathlib import Path

import pytest
from api.provoking import HANDSHAKE, HOW, OF_THE_SCANNER, Place
from api.resuming import PIECE, VERSION
from api.running import leftovers
from api.wire import file_part, form, form_type

from jupyter_workspace.handlers.routes import PREFIX, ROUTES
from jupyter_workspace.policy.access import RESOURCES

KNOWN = {
    "artifact_id": "att_" + "a" * 26,
    "archive_id": "arc_" + "a" * 26,
    "upload_id": "upl_" + "a" * 26,
    "run_id": "run_" + "a" * 26,
    "link_id": "lnk_" + "a" * 26,
    "token": "a" * 40,
}
MALFORMED = {
    "session_id": (
        "-begins-with-a-dash",
        "a" * 129,
        "caf%C3%A9",
        "a.b",
        "a%20b",
        "a%2Fb",
        "a%0A",
        "%2e%2e",
        "resolve%00",
        "%FF",
    ),
    "artifact_id": (
        "att_%FF",
        "att_",
        "art_UPPERCASE00000000000000",
        "upl_" + "a" * 26,
        "sales.csv",
        "att_..%2F..%2Fx",
        "att_" + "a" * 26 + "%0A",
    ),
    "archive_id": ("arc_", "arc_..%2f", "x", "%ff%ff"),
    "run_id": ("run_", "x"),
    "link_id": ("lnk_", "x"),
    "upload_id": ("upl_", "x", "upl_..%2fx", "%FF"),
}
#: Bodies that fit, where an empty one does not.
FITTING = {
    "change_session": b'{"name": "x"}',
    "change_artifact": b'{"metadata": {}}',
    "create_archive": b'{"artifact_ids": ["att_aaaaaaaaaaaaaaaaaaaaaaaaaa"]}',
    "register_artifact": b'{"path": "x.csv"}',
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
BODIED = ("POST", "PUT", "PATCH")


def name_of(row):
    return f"{row.method} {row.path}"


def address(row, **ids):
    return re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1]) or KNOWN[found[1]], row.path)


def names_in(row):
    return re.findall(r"\{(\w+)\}", row.path)


def is_open(row):
    """The one route that a stranger may ask (API 11.4)."""
    return row.path == "/links/{token}"


EACH = pytest.mark.parametrize("row", [row for row in ROUTES if not is_open(row)], ids=name_of)
LOCKED = [row for row in ROUTES if not is_open(row)]
TAKING = pytest.mark.parametrize("row", [row for row in LOCKED if row.method in BODIED], ids=name_of)


def body_of(row):
    """A body that would be taken, if the request were."""
    if "multipart/form-data" in row.media:
        return form(file_part(b"secret")), form_type()
    if row.media:
        return b"secret", {"Content-Type": "application/octet-stream"}
    return FITTING.get(row.operation, b"{}"), {"Content-Type": "application/json"}


def asked(server, row, ids, headers=None, *, anonymous=False):
    body, own = body_of(row) if row.method in BODIED else (None, {})
    if row.path.endswith("/subscribe"):
        own = HANDSHAKE
    if "{upload_id}" in row.path:
        own = {**VERSION, **PIECE, "Upload-Offset": "0"}
    return server.call(row.method, address(row, **ids), body, {**own, **(headers or {})}, anonymous=anonymous)


@EACH
def test_a_stranger_is_refused(server, session, row):
    # S0-97 S3-04 S1-04 S4-12 C14; API 1 Authentication
    before = session.names(), leftovers(server)

    answer = asked(server, row, {"session_id": session.id}, anonymous=True)

    assert answer.status == 403
    assert row.method == "HEAD" or answer.code == "forbidden"
    assert (session.names(), leftovers(server)) == before


@EACH
def test_a_wrong_token_is_refused(server, session, row):
    # S1-04 S4-21 C14; API 1 Authentication
    headers = {"Authorization": "token wrong", "X-Jupyter-Workspace-Token": "wrong"}

    answer = asked(server, row, {"session_id": session.id}, headers, anonymous=True)

    assert answer.status == 403
    assert session.names() == []


@TAKING
@pytest.mark.parametrize(
    "framing", [{"Content-Length": str(2**40)}, {"Transfer-Encoding": "chunked"}], ids=str
)
def test_a_stranger_is_refused_before_the_body_comes(server, session, row, framing):
    # S0-97 C14; API 11.3, 11.42
    head = server.head(row.method, address(row, session_id=session.id), framing, anonymous=True)

    with server.wire() as wire:
        wire.send(head)
        began = time.monotonic()
        answer = server.checked(wire.answer(row.method))
        took = time.monotonic() - began

    assert answer.status == 403
    assert took < 1.5
    assert answer.headers["Connection"] == "close"
    assert leftovers(server) == []


@TAKING
def test_a_stranger_who_asks_first_is_not_told_to_go_on(server, session, row):
    # API 11.42
    framing = {"Content-Length": "6", "Expect": "100-continue"}

    with server.wire() as wire:
        wire.send(server.head(row.method, address(row, session_id=session.id), framing, anonymous=True))
        head = wire.receive_head()

    assert head.startswith(b"HTTP/1.1 403 ")


@EACH
def test_what_the_authorizer_refuses_is_refused_by_its_words(guarded, row):
    # S3-04 C14; API 1 Authorisation, 11.7
    session = guarded.session()
    words = f"{row.resource}:{row.action}"

    answer = asked(guarded, row, {"session_id": session.id}, {"X-Refuse": words})

    assert answer.status == 403
    assert answer.headers["X-Asked"] == f"jupyter_workspace:{words}"
    assert session.names() == []


@TAKING
def test_what_the_authorizer_refuses_costs_no_byte_of_the_body(guarded, row):
    # C14; API 1 Authorisation, 11.3
    session = guarded.session()
    headers = {"X-Refuse": "all", "Content-Length": str(2**40)}

    with guarded.wire() as wire:
        wire.send(guarded.head(row.method, address(row, session_id=session.id), headers))
        answer = guarded.checked(wire.answer(row.method))

    assert answer.status == 403
    assert leftovers(guarded) == []


@EACH
def test_nobody_is_refused_where_nobody_may_ask(guarded, row):
    # C14; API 1 Authentication
    answer = asked(guarded, row, {"session_id": "any"}, anonymous=True)

    assert answer.status == 403
    assert "X-Asked" not in answer.headers


@pytest.mark.parametrize(
    ("row", "name", "value"),
    [
        pytest.param(row, name, value, id=f"{name_of(row)} {name}={value[:12]}")
        for row in LOCKED
        for name in names_in(row)
        for value in MALFORMED.get(name, ())
    ],
)
def test_a_malformed_id_is_told_from_an_unknown_one(server, row, name, value):
    # S0-86 S2-72 S3-09 C11; API 1 Ids, 11.2, 11.46
    answer = asked(server, row, {"session_id": "unknown", name: value})

    assert answer.status == (404 if name == "upload_id" else 400)
    if row.method != "HEAD" and name != "upload_id":
        assert answer.code == "id_invalid"


@pytest.mark.parametrize(
    "row",
    [row for row in LOCKED if "{session_id}" in row.path and row.operation != "ensure_session"],
    ids=name_of,
)
def test_an_unknown_session_is_not_found(server, row):
    # S0-59 S0-87 S4-16 C11; API 1 Ids
    before = sorted(path.name for path in (server.root / "workspace").iterdir())

    answer = asked(server, row, {"session_id": "unknown"})

    assert answer.status == 404
    if row.method not in {"HEAD", "OPTIONS"}:
        assert answer.code == "session_not_found"
    assert sorted(path.name for path in (server.root / "workspace").iterdir()) == before


@pytest.mark.parametrize(
    "row", [row for row in LOCKED if "_id}" in row.path.partition("{session_id}")[2]], ids=name_of
)
def test_an_unknown_id_in_a_known_session_is_not_found(server, session, row):
    # S0-80 S2-15 C11; API 1 Ids
    answer = asked(server, row, {"session_id": session.id})

    assert answer.status == 404


@pytest.mark.parametrize(
    "row",
    [row for row in LOCKED if "{session_id}" in row.path and row.operation != "ensure_session"],
    ids=name_of,
)
def test_a_session_of_somebody_else_is_not_found(guarded, row):
    # S2-51 S3-08 S4-19 C15; API 1 Ids, 11.1
    session = guarded.session()

    answer = asked(guarded, row, {"session_id": session.id}, {"X-Person": "bob"})

    assert answer.status == 404
    assert session.names() == []


@pytest.mark.parametrize("path", sorted({row.path for row in LOCKED}))
def test_another_method_is_told_which_ones_there_are(server, session, path):
    # API 1 Errors
    here = {row.method for row in ROUTES if row.path == path}
    row = next(row for row in ROUTES if row.path == path)
    target = address(row, session_id=session.id)

    for method in sorted({*METHODS} - here):
        answer = server.call(method, target, b"{}" if method in BODIED else None)

        assert answer.status == 405, method
        assert {*answer.headers["Allow"].replace(",", " ").split()} >= here - {"OPTIONS"}
        assert method == "HEAD" or answer.code == "method_not_allowed"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "path", ["/nowhere", "/sessions/a/b/c/d", "/uploads", "/sessions//artifacts", "/%2e%2e/x"]
)
def test_whatever_else_stands_under_the_prefix_is_not_found(server, method, path):
    # S3-01; API 11.2
    answer = server.call(method, path)

    assert answer.status == 404
    assert method == "HEAD" or answer.code == "route_not_found"


def test_a_stranger_learns_nothing_of_what_is_not_there(server):
    # C14; API 1 Authentication
    answer = server.call("GET", "/nowhere", anonymous=True)

    assert answer.status == 403


def test_each_row_names_a_resource_and_an_action_of_the_contract():
    # C14; API 1 Authorisation, 11.7
    for row in ROUTES:
        reads = row.method in {"GET", "HEAD", "OPTIONS"}

        assert row.resource in RESOURCES
        assert row.action == ("read" if reads else "write") or (
            row.action == "execute" and row.resource == "runs"
        )


def test_operations_have_names_of_their_own():
    # S3-01
    names = [row.operation for row in ROUTES]

    assert len(names) == len(set(names))
    assert PREFIX == "api/workspace"


# Each error that a row names


def unknown_id(row, error):
    """The way to what is not there, which is the same for every address that names one."""
    unknown = {"session_not_found": "session_id", "upload_not_found": "upload_id"}[error.code]
    assert unknown in names_in(row)

    def ask(place):
        return asked(
            place.server, row, {"session_id": place.session.id, unknown: KNOWN.get(unknown, "unknown")}
        )

    return ask


def source_of(test):
    """The source of a test, by its file and name."""
    path, _, name = test.partition("::")
    text = (Path(__file__).parents[1] / path).read_text(encoding="utf-8")
    found = {
        node.name: node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)
    }
    return ast.get_source_segment(text, found[name])


@pytest.fixture(scope="module")
def place(server, limited, guarded):
    made = Place(server, limited, guarded)
    yield made
    made.empty()


NAMED = [(row, error) for row in ROUTES for error in dict.fromkeys(row.errors)]


@pytest.mark.parametrize(
    ("row", "error"), NAMED, ids=[f"{row.operation} {error.code}" for row, error in NAMED]
)
def test_each_error_of_the_table_can_be_had(request, place, row, error):
    # C11; API 1 Errors, 11.14
    if error.code in OF_THE_SCANNER:
        assert not place.server.call("GET", "/").json()["features"]["scan"]
        return
    way = HOW.get(row.operation, {}).get(error.code)
    if way is None:
        way = unknown_id(row, error)
    if isinstance(way, str):
        source = source_of(way)
        assert any(word in source for word in (error.code, error.__name__, str(error.status)))
        return

    answer = way(place)

    assert answer.status == error.status
    assert row.method == "HEAD" or answer.code == error.code


def test_no_way_leads_to_an_error_that_the_table_does_not_name():
    named = {row.operation: {error.code for error in row.errors} for row in ROUTES}

    assert {name: set(ways) - named[name] for name, ways in HOW.items() if set(ways) - named[name]} == {}
