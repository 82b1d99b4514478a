"""Each state of a resumable upload under each method; unit tests have `finishing`, which lasts but a moment."""

from __future__ import annotations

import hashlib

import pytest
from api.resuming import Resumable, begun, checksum, metadata

from jupyter_workspace.models.upload import TRANSITIONS

CONTENT = b"hello"


@pytest.fixture(scope="module")
def server(uploading):
    return uploading


def opened(session, **headers):
    upload = begun(session, len(CONTENT), **headers)
    upload.patch(0, CONTENT[:2])
    return upload


def finished_part(session):
    upload = opened(session, Upload_Concat="partial")
    upload.patch(2, CONTENT[2:])
    return upload


def done(session):
    upload = opened(session)
    upload.patch(2, CONTENT[2:])
    return upload


def failed(session):
    said = metadata(sha256=hashlib.sha256(b"other").hexdigest())
    upload = opened(session, Upload_Metadata=said)
    upload.patch(2, CONTENT[2:])
    return upload


def forgotten(session):
    upload = opened(session)
    upload.call("DELETE")
    return upload


#: What HEAD, a PATCH of the next byte, one that is empty, one of a damaged byte, DELETE and GET are answered.
METHODS = ("HEAD", "PATCH", "empty", "damaged", "DELETE", "GET")
STATES = {
    opened: ("open", 2, (200, 204, 204, 460, 204, 200)),
    finished_part: ("open", 5, (200, 413, 204, 413, 204, 200)),
    done: ("done", 5, (200, 413, 204, 413, 204, 200)),
    failed: ("failed", 5, (410, 410, 410, 410, 410, 200)),
    forgotten: (None, 2, (404, 404, 404, 404, 404, 404)),
}


def asked(upload: Resumable, method: str, offset: int):
    if method == "PATCH":
        return upload.patch(offset, b"l")
    if method == "empty":
        return upload.patch(offset)
    if method == "damaged":
        return upload.patch(offset, b"x", **checksum(b"l"))
    return upload.call(method)


def test_the_states_are_those_of_the_table():
    # issue 5: one table
    assert {state for state, _, _ in STATES.values() if state} | {"finishing"} == {s for s, _ in TRANSITIONS}


@pytest.mark.parametrize("make", STATES, ids=lambda make: make.__name__)
@pytest.mark.parametrize("method", METHODS)
def test_each_state_answers_each_method(session, make, method):
    # API 4, 11.22; RELIABILITY 2.1
    state, offset, statuses = STATES[make]
    upload = make(session)
    before = upload.record()["state"] if state else None

    answer = asked(upload, method, offset)

    assert before == state
    assert answer.status == statuses[METHODS.index(method)]
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    if state is not None and method != "DELETE":
        assert upload.record()["state"] == state
