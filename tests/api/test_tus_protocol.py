"""tus 1.0, rule by rule, over raw sockets: versions, what is offered, methods."""

from __future__ import annotations

import pytest
from api.resuming import PIECE, Resumable, begun, create, creation
from api.wire import form, form_type


@pytest.fixture(scope="module")
def server(uploading):
    return uploading


# Versions


@pytest.mark.parametrize("version", ["0.2.2", "1.0.1", "2.0.0", "", "1.0.0, 1.0.0", None])
def test_another_version_is_refused_and_ours_named(session, version):
    # API 11.21; RELIABILITY 2.1 all
    upload = begun(session, 5)
    headers = {**creation(5), "Tus-Resumable": version}
    headers = {name: value for name, value in headers.items() if value is not None}

    answers = [create(session, headers)]
    for method in ("HEAD", "PATCH", "DELETE"):
        sent = {**PIECE, "Upload-Offset": "0"} | ({} if version is None else {"Tus-Resumable": version})
        answers.append(session.server.call(method, upload.path, None, sent))

    for answer in answers:
        assert answer.status == 412
        assert answer.headers["Tus-Version"] == "1.0.0"
        assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert upload.offset() == 0


@pytest.mark.parametrize("where", ["collection", "upload"])
@pytest.mark.parametrize("version", [{}, {"Tus-Resumable": "1.0.0"}, {"Tus-Resumable": "9"}])
def test_options_tell_what_is_offered_whatever_version_is_asked(session, where, version):
    # API 11.21; RELIABILITY 2.1 OPTIONS
    path = f"/uploads/{session.id}" if where == "collection" else begun(session, 5).path

    answer = session.server.call("OPTIONS", path, None, version)

    assert answer.status == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Extension"].split(",") == [
        "creation",
        "creation-with-upload",
        "creation-defer-length",
        "expiration",
        "checksum",
        "termination",
        "concatenation",
    ]
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256"
    assert "Tus-Max-Size" not in answer.headers


def test_every_answer_names_the_version(session):
    upload = begun(session, 5)

    answers = [
        upload.head(),
        upload.patch(3, b"x"),
        upload.patch(0, b"12"),
        upload.call("DELETE"),
        upload.head(),
    ]

    assert [answer.status for answer in answers] == [200, 409, 204, 204, 404]
    assert {answer.headers["Tus-Resumable"] for answer in answers} == {"1.0.0"}


def test_a_form_is_no_tus(session):
    answer = session.post(body=form(), headers=form_type())

    assert answer.code == "file_missing"
    assert "Tus-Resumable" not in answer.headers


# Methods


@pytest.mark.parametrize("method", ["PATCH", "HEAD", "DELETE"])
def test_a_post_may_stand_for_another_method(session, method):
    # API 11.21
    upload = begun(session, 5)

    answer = upload.call("POST", b"", **PIECE, Upload_Offset="0", X_HTTP_Method_Override=method)

    assert answer.status == {"PATCH": 204, "HEAD": 200, "DELETE": 204}[method]
    assert upload.head().status == (404 if method == "DELETE" else 200)


def test_a_post_that_stands_for_a_head_of_nothing_is_answered(session):
    gone = Resumable(session, f"/uploads/{session.id}/upl_{'a' * 26}")

    answer = gone.call("POST", b"", X_HTTP_Method_Override="HEAD")

    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.parametrize(
    ("method", "override"), [("POST", ""), ("POST", "PUT"), ("PUT", ""), ("GET", "DELETE")]
)
def test_no_other_method_is_taken(session, method, override):
    upload = begun(session, 5)

    answer = upload.call(method, b"", X_HTTP_Method_Override=override)

    assert answer.status == (200 if method == "GET" else 405)
    assert upload.offset() == 0


def test_the_override_does_not_work_elsewhere(session):
    record = session.saved("a.txt")

    answer = session.call(
        "POST", f"/artifacts/{record['attachment_id']}", b"", {"X-HTTP-Method-Override": "DELETE"}
    )

    assert answer.status == 405
    assert session.file(record["attachment_id"]).status == 200
