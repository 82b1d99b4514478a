"""The same upload once more, told by its Idempotency-Key."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from api.running import digest_of


def test_the_same_key_gives_the_same_answer_and_no_second_file(session):
    # API 4 Idempotency-Key
    key = {"Idempotency-Key": secrets.token_hex(8)}

    first, second = (session.put("a.csv", b"abc", headers=key) for _ in range(2))

    assert first.status == second.status == 201
    assert first.json() == second.json()
    assert first.headers["Location"] == second.headers["Location"]
    assert session.names() == ["attachments/a.csv"]


@pytest.mark.parametrize(("name", "content"), [("b.csv", b"abc"), ("a.csv", b"abcd")])
def test_a_key_of_another_request_is_refused(session, name, content):
    # API 11.52
    key = {"Idempotency-Key": secrets.token_hex(8)}
    session.put("a.csv", b"abc", headers=key)

    answer = session.put(name, content, headers=key)

    assert (answer.status, answer.code) == (409, "key_reused")
    assert session.names() == ["attachments/a.csv"]


@pytest.mark.parametrize("on_conflict", ["error", "replace"])
def test_a_key_answers_whatever_else_the_request_says(session, on_conflict):
    # API 11.52: route, name and length tell requests apart, and nothing else
    key = {"Idempotency-Key": secrets.token_hex(8)}
    first = session.put("a.csv", b"abc", headers=key)

    again = session.put("a.csv", b"abc", on_conflict=on_conflict, headers=key)

    assert (again.status, again.json()) == (201, first.json())
    assert session.names() == ["attachments/a.csv"]


def test_a_key_in_another_session_is_refused(server, session):
    # API 11.52
    key = {"Idempotency-Key": secrets.token_hex(8)}
    session.put("a.csv", b"abc", headers=key)

    assert server.session().put("a.csv", b"abc", headers=key).code == "key_reused"


def test_a_refused_upload_does_not_use_up_its_key(session):
    # API 4 Idempotency-Key
    key = {"Idempotency-Key": secrets.token_hex(8)}
    session.put("a.csv", b"abc", headers={**key, "Repr-Digest": digest_of(b"other")})

    assert session.put("a.csv", b"abc", headers=key).status == 201


def test_concurrent_requests_of_one_key_make_one_file(session):
    # API 11.52
    key = {"Idempotency-Key": secrets.token_hex(8)}

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: session.put("a.csv", b"abc", headers=key), range(8)))

    assert {answer.status for answer in answers} == {201}
    assert len({answer.json()["attachment_id"] for answer in answers}) == 1
    assert session.names() == ["attachments/a.csv"]


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_has_a_sensible_length(session, key):
    # API 4 Idempotency-Key
    assert session.put("a.csv", headers={"Idempotency-Key": key}).status == 400
