"""tus 1.0, rule by rule, over raw sockets: what a piece must be, and what is left when it is not."""

from __future__ import annotations

import hashlib

import pytest
from api.resuming import BAD_NUMBERS, PIECE, Resumable, begun, checksum, metadata
from api.wire import chunked

STRANGE_IDS = {
    "never given": "upl_" + "a" * 26,
    "slashes": "..%2f..%2fetc%2fpasswd",
    "NUL": "upl_%00",
    "overlong UTF-8": "%c0%ae%c0%ae",
    "5000 bytes": "a" * 5000,
    "dots": "%2e%2e",
    "a file's": "att_" + "a" * 26,
    "emoji": "%F0%9F%98%80",
    "full-width": "upl_%EF%BC%91",
    "backslash": "..%5cupl",
    "newline": "upl_%0d%0aX-Evil:%201",
}


@pytest.fixture(scope="module")
def server(uploading):
    return uploading


# PATCH


def test_pieces_become_a_file(session):
    # S1-12 C9; API 4, 11.22
    upload = begun(session, 11, Upload_Metadata=metadata(filename="a.txt", filetype="text/x-own"))

    first = upload.patch(0, b"hello ")
    last = upload.patch(6, b"world")

    record = session.attachments()[0]
    assert (first.status, first.headers["Upload-Offset"]) == (204, "6")
    assert "Upload-Attachment-Id" not in first.headers
    assert (last.status, last.headers["Upload-Offset"]) == (204, "11")
    assert last.headers["Upload-Attachment-Id"] == record["attachment_id"]
    assert "Upload-Expires" in first.headers
    assert "Upload-Expires" in last.headers
    assert record["sha256"] == hashlib.sha256(b"hello world").hexdigest()
    assert (record["name"], record["declared_mime"], record["source"]) == ("a.txt", "text/x-own", "upload")
    assert (session.folder / "attachments/a.txt").read_bytes() == b"hello world"
    assert [event["change_type"] for event in session.events()] == ["created"]


@pytest.mark.parametrize("offset", ["1", "4", "6", "11", "9999999999"])
def test_a_wrong_offset_changes_nothing(session, offset):
    # API 4; RELIABILITY 2.1 PATCH
    upload = begun(session, 11)
    upload.patch(0, b"hello")

    answer = upload.patch(offset, b"xyz")

    assert (answer.status, answer.code) == (409, "offset_mismatch")
    assert answer.json()["offset"] == 5
    assert upload.offset() == 5


@pytest.mark.parametrize("name", BAD_NUMBERS)
def test_an_offset_that_is_no_number_changes_nothing(session, name):
    # S17
    upload = begun(session, 5)

    answer = upload.patch(BAD_NUMBERS[name], b"x")

    assert answer.status == 400
    assert upload.offset() == 0


def test_an_offset_must_be_given(session):
    upload = begun(session, 5)

    answer = upload.call("PATCH", b"x", **PIECE)

    assert answer.status == 400
    assert answer.json()["parameter"] == "Upload-Offset"


@pytest.mark.parametrize(
    "kind", ["application/octet-stream", "text/plain", "", "application/offset+octet-streams"]
)
def test_another_content_type_changes_nothing(session, kind):
    upload = begun(session, 5)

    answer = upload.patch(0, b"x", **{"Content-Type": kind})

    assert answer.status == 415
    assert upload.offset() == 0


def test_a_content_type_may_have_parameters(session):
    upload = begun(session, 5)

    assert upload.patch(0, b"x", **{"Content-Type": "Application/Offset+Octet-Stream; x=y"}).status == 204


def test_an_empty_piece_changes_nothing(session):
    upload = begun(session, 5)

    answer = upload.patch(0)

    assert (answer.status, answer.headers["Upload-Offset"]) == (204, "0")


@pytest.mark.parametrize("sent", [6, 3_000_000])
def test_more_than_the_length_is_refused_and_not_stored(session, sent):
    # RELIABILITY 1.1 TestUploadLengthExceeded
    upload = begun(session, 5)

    answer = upload.patch(0, bytes(sent))

    assert answer.status == 413
    assert upload.offset() == 0


def test_more_than_the_length_in_chunks_is_refused_and_not_stored(session):
    # RELIABILITY 2.2
    upload = begun(session, 5)
    upload.patch(0, b"12")

    answer = upload.patch(2, chunked(b"34", b"567890"), **{"Transfer-Encoding": "chunked"})

    assert answer.status == 413
    assert upload.offset() == 2


def test_a_piece_may_come_in_chunks(session):
    upload = begun(session, 5)

    answer = upload.patch(0, chunked(b"1", b"2345"), **{"Transfer-Encoding": "chunked"})

    assert answer.status == 204
    assert session.attachments()[0]["size"] == 5


@pytest.mark.parametrize("name", STRANGE_IDS)
@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE", "GET"])
def test_an_id_that_was_never_given_is_not_found(session, name, method):
    # API 11.46; RELIABILITY 2.2, S1
    upload = Resumable(session, f"/uploads/{session.id}/{STRANGE_IDS[name]}")

    answer = upload.call(method, b"x", **PIECE, Upload_Offset="0")

    assert answer.status == 404
    assert "Upload-Offset" not in answer.headers
    assert "X-Evil" not in answer.headers


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE", "GET"])
def test_the_upload_of_another_session_is_not_found(server, session, method):
    # S12
    upload = begun(server.session(), 5)
    stolen = Resumable(session, f"/uploads/{session.id}/{upload.id}")

    answer = stolen.call(method, b"x", **PIECE, Upload_Offset="0")

    assert answer.status == 404
    assert upload.offset() == 0


def test_bytes_that_are_not_those_announced_are_not_published(session):
    # RELIABILITY 1.3; API 11.20, 11.22
    said = metadata(filename="a", sha256=hashlib.sha256(b"other").hexdigest())
    upload = begun(session, 5, Upload_Metadata=said)

    answer = upload.patch(0, b"hello")

    assert (answer.status, answer.code) == (400, "digest_mismatch")
    assert upload.record()["state"] == "failed"
    assert upload.record()["code"] == "digest_mismatch"
    assert upload.head().status == 410
    assert upload.patch(5).status == 410
    assert session.attachments() == []


def test_bytes_that_are_those_announced_are_published(session):
    said = metadata(filename="a", sha256=hashlib.sha256(b"hello").hexdigest().upper())

    answer = begun(session, 5, Upload_Metadata=said).patch(0, b"hello")

    assert answer.status == 204


@pytest.mark.parametrize(
    ("conflict", "names"),
    [("rename", ["attachments/a (1).txt", "attachments/a.txt"]), ("replace", ["attachments/a.txt"])],
)
def test_a_name_that_is_taken_is_dealt_with_as_asked(session, conflict, names):
    # API 4 on_conflict
    session.saved("a.txt", b"old")
    said = metadata(filename="a.txt", on_conflict=conflict)

    begun(session, 3, Upload_Metadata=said).patch(0, b"new")

    assert session.names() == names
    assert (session.folder / names[0]).read_bytes() == b"new"


def test_a_name_that_was_taken_meanwhile_is_refused_at_the_end(session):
    upload = begun(session, 3, Upload_Metadata=metadata(filename="a.txt", on_conflict="error"))
    session.saved("a.txt", b"old")

    answer = upload.patch(0, b"new")

    assert (answer.status, answer.code) == (409, "name_taken")
    assert upload.record()["code"] == "name_taken"


def test_a_folder_is_made(session):
    begun(session, 1, Upload_Metadata=metadata(filename="a", dir="deep/er")).patch(0, b"x")

    assert session.names() == ["deep/er/a"]


# Deferred length


def test_a_length_may_come_with_a_later_piece_once(session):
    # RELIABILITY 2.1 defer-length
    upload = begun(session)
    upload.patch(0, b"hello ")
    before = upload.head().headers

    answer = upload.patch(6, b"wor", Upload_Length="11")
    after = upload.head().headers
    again = upload.patch(9, b"", Upload_Length="12")
    last = upload.patch(9, b"ld", Upload_Length="11")

    assert (before["Upload-Defer-Length"], before["Upload-Length"]) == ("1", None)
    assert answer.status == 204
    assert (after["Upload-Defer-Length"], after["Upload-Length"]) == (None, "11")
    assert again.status == 400
    assert last.status == 204
    assert session.attachments()[0]["size"] == 11


@pytest.mark.parametrize("length", ["5", "0"])
def test_a_length_less_than_what_came_is_refused(session, length):
    upload = begun(session)
    upload.patch(0, b"hello ")

    answer = upload.patch(6, b"", Upload_Length=length)

    assert answer.status == 400
    assert upload.offset() == 6


def test_a_length_may_come_without_bytes_at_the_end(session):
    upload = begun(session)
    upload.patch(0, b"hello")

    answer = upload.patch(5, b"", Upload_Length="5")

    assert answer.status == 204
    assert answer.headers["Upload-Attachment-Id"]


def test_a_piece_longer_than_the_length_it_tells_is_refused(session):
    upload = begun(session)

    answer = upload.patch(0, b"hello", Upload_Length="4")

    assert answer.status == 413
    assert upload.offset() == 0


# Checksum


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
@pytest.mark.parametrize("size", [5, 2_500_000])
def test_a_piece_with_its_checksum_is_taken(session, algorithm, size):
    content = bytes(size)
    upload = begun(session, size)

    answer = upload.patch(0, content, **checksum(content, algorithm))

    assert answer.status == 204
    assert session.attachments()[0]["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("size", [5, 2_500_000])
def test_a_damaged_piece_is_thrown_away(session, size):
    # RELIABILITY 1.3 ocis#1755, 2.1 checksum
    good, bad = b"a" * size, b"b" * size
    upload = begun(session, 3 * size)
    upload.patch(0, good)

    answer = upload.patch(size, bad, **checksum(good))
    offset = upload.offset()
    upload.patch(size, good, **checksum(good))
    upload.patch(2 * size, good)

    assert answer.status == 460
    assert answer.reason == "Checksum Mismatch"
    assert offset == size
    assert session.attachments()[0]["sha256"] == hashlib.sha256(3 * good).hexdigest()


@pytest.mark.parametrize(
    "value", ["md5 XrY7u+Ae7tCTyyK7j1rNww==", "sha1", "sha1 %%%", "sha1 QQ==", "", "sha1QQ=="]
)
def test_a_checksum_that_cannot_be_checked_is_refused(session, value):
    upload = begun(session, 5)

    answer = upload.patch(0, b"hello", Upload_Checksum=value)

    assert answer.status == 400
    assert upload.offset() == 0
