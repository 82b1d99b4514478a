"""tus 1.0, rule by rule, over raw sockets: what makes an upload, and what makes none."""

from __future__ import annotations

import base64
import time
from email.utils import parsedate_to_datetime

import pytest
from api.resuming import (
    BAD_NUMBERS,
    PIECE,
    PREFIX,
    VERSION,
    Resumable,
    begun,
    checksum,
    create,
    creation,
    metadata,
    notes_of,
)

BAD_METADATA = {
    "twice the same key": "a QQ==,a QQ==",
    "no base64": "a %%%",
    "unpadded": "a QQ=",
    "empty key": ",a QQ==",
    "only a value": " QQ==",
    "a blank too many": "a QQ== QQ==",
    "64 KiB": "a " + base64.b64encode(bytes(48_000)).decode(),
    "no UTF-8": "a " + base64.b64encode(b"\xff\xfe").decode(),
}


@pytest.fixture(scope="module")
def server(uploading):
    return uploading


# Creation


def test_a_new_upload_is_empty_and_keeps_what_was_said_of_it(session):
    # API 4; RELIABILITY 2.1 HEAD, creation, expiration
    said = metadata(filename="a b.txt", filetype="text/plain", own="", flag=None)

    answer = create(session, creation(11, Upload_Metadata=said))
    upload = Resumable(session, answer.headers["Location"].removeprefix(PREFIX))
    seen = upload.head().headers

    assert answer.status == 201
    assert answer.headers["Location"] == f"{PREFIX}/uploads/{session.id}/{upload.id}"
    assert upload.id.startswith("upl_")
    assert seen["Upload-Offset"] == "0"
    assert seen["Upload-Length"] == "11"
    assert seen["Cache-Control"] == "no-store"
    assert seen["Upload-Metadata"] == f"{metadata(filename='a b.txt', filetype='text/plain')},own,flag"
    assert "Upload-Defer-Length" not in seen
    left = parsedate_to_datetime(seen["Upload-Expires"]).timestamp() - time.time()
    assert 6.9 * 86400 < left < 7.1 * 86400
    assert session.attachments() == []
    assert session.events() == []


@pytest.mark.parametrize("name", BAD_NUMBERS)
def test_a_length_that_is_no_number_makes_nothing(session, name):
    # RELIABILITY 2.2 S17
    answer = create(session, {**VERSION, "Upload-Length": BAD_NUMBERS[name]})

    assert answer.status == 400
    assert answer.json()["parameter"] == "Upload-Length"


@pytest.mark.parametrize("digits", ["\uff11", "\u0663"])
def test_digits_of_other_scripts_are_no_number(server, session, digits):
    # S17
    head = server.head(
        "POST", f"/uploads/{session.id}", {**VERSION, "Upload-Length": "@", "Content-Length": "0"}
    )
    with server.wire() as wire:
        wire.send(head.replace(b"@", digits.encode()))

        answer = wire.answer()

    assert answer.status == 400


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Upload-Defer-Length": "2"},
        {"Upload-Defer-Length": ""},
        {"Upload-Defer-Length": "1", "Upload-Length": "5"},
    ],
)
def test_a_length_is_given_or_deferred(session, headers):
    answer = create(session, {**VERSION, **headers})

    assert answer.status == 400
    assert answer.code == "parameter_invalid"


def test_a_length_beyond_the_disk_is_refused_before_a_byte(session):
    # API 11.23
    answer = create(session, creation(2**62))

    assert answer.status == 507
    assert answer.code == "disk_full"


@pytest.mark.parametrize("name", BAD_METADATA)
def test_metadata_that_is_malformed_makes_nothing(session, name):
    # RELIABILITY 2.2
    answer = create(session, creation(5, Upload_Metadata=BAD_METADATA[name]))

    assert answer.status == 400
    assert answer.json().get("parameter", "Upload-Metadata") == "Upload-Metadata"


def test_empty_metadata_is_no_metadata(session):
    # RELIABILITY 2.5, F8: tuspy sends the header without a value
    upload = begun(session, 1, Upload_Metadata="")

    answer = upload.patch(0, b"x")

    assert answer.status == 204
    assert session.attachments()[0]["name"] == "upload.bin"


@pytest.mark.parametrize(
    ("values", "status", "code"),
    [
        ({"filename": "../a"}, 400, "name_invalid"),
        ({"filename": ""}, 400, "name_invalid"),
        ({"filename": "a\nb"}, 400, "name_invalid"),
        ({"filename": "n" * 256}, 400, "name_invalid"),
        ({"filename": ".hidden"}, 400, "name_invalid"),
        ({"filename": "attachments_manifest.json"}, 400, "name_invalid"),
        ({"dir": "../other"}, 400, "path_escapes"),
        ({"dir": "/etc"}, 400, "path_escapes"),
        ({"on_conflict": "maybe"}, 400, "parameter_invalid"),
        ({"sha256": "abc"}, 400, "parameter_invalid"),
        ({"sha256": "g" * 64}, 400, "parameter_invalid"),
    ],
)
def test_a_target_that_cannot_be_is_refused_before_a_byte(session, values, status, code):
    # API 4, 11.42
    answer = create(session, creation(5, Upload_Metadata=metadata(**values)))

    assert (answer.status, answer.code) == (status, code)


def test_a_file_in_the_way_of_the_folder_is_told_before_a_byte(session):
    # API 11.16
    session.saved("plain")

    answer = create(session, creation(5, Upload_Metadata=metadata(dir="attachments/plain")))

    assert (answer.status, answer.code) == (400, "not_a_directory")


def test_a_name_that_must_not_change_is_refused_before_a_byte(session):
    session.saved("a.txt")
    said = metadata(filename="a.txt", on_conflict="error")

    answer = create(session, creation(5, Upload_Metadata=said))

    assert (answer.status, answer.code) == (409, "name_taken")


def test_an_unknown_session_has_no_uploads(server):
    answer = server.call("POST", "/uploads/nobody", b"", creation(5))

    assert (answer.status, answer.code) == (404, "session_not_found")


def test_a_closed_session_takes_no_upload_and_ends_those_it_has(session):
    # API 3, 11.32
    upload = begun(session, 5)
    upload.patch(0, b"12")

    session.call("PATCH", json_body={"status": "completed"})

    assert create(session, creation(5)).code == "session_closed"
    assert upload.patch(2, b"3").code == "session_closed"
    until = time.monotonic() + 5
    while upload.record()["state"] == "open" and time.monotonic() < until:
        time.sleep(0.02)
    assert upload.record()["code"] == "session_closed"
    assert upload.head().status == 410


def test_a_deleted_session_ends_its_uploads(server, session):
    upload = begun(session, 5)
    upload.patch(0, b"12")
    spool = set(notes_of(server))

    session.call("DELETE")

    assert upload.head().status == 404
    until = time.monotonic() + 5
    while spool <= set(notes_of(server)) and time.monotonic() < until:
        time.sleep(0.02)
    assert not spool <= set(notes_of(server))


def test_an_anonymous_client_can_begin_nothing(server, session):
    # API 1, S11
    answer = server.call("POST", f"/uploads/{session.id}", b"", creation(5), anonymous=True)

    assert answer.status == 403


def test_an_empty_file_is_finished_when_it_is_made(session):
    # RELIABILITY 2.1 creation
    answer = create(session, creation(0, Upload_Metadata=metadata(filename="empty")))

    assert answer.status == 201
    assert answer.headers["Upload-Offset"] == "0"
    assert session.attachments()[0]["attachment_id"] == answer.headers["Upload-Attachment-Id"]
    assert (session.folder / "attachments/empty").read_bytes() == b""


# Creation with upload


@pytest.mark.parametrize(("length", "first"), [(5, b"hello"), (11, b"hello"), (None, b"hello"), (5, b"")])
def test_a_creation_may_bring_the_first_bytes(session, length, first):
    # RELIABILITY 2.1 creation-with-upload
    answer = create(session, {**creation(length), **PIECE}, first)

    assert answer.status == 201
    assert answer.headers["Upload-Offset"] == str(len(first))
    assert (answer.headers["Upload-Attachment-Id"] is not None) == (length == len(first))


def test_a_creation_may_not_bring_too_much(server, session):
    answer = create(session, {**creation(4), **PIECE}, b"hello")

    assert answer.status == 413
    assert session.attachments() == []


def test_the_bytes_of_a_creation_are_verified(session):
    good = create(session, {**creation(5), **PIECE, **checksum(b"hello")}, b"hello")
    bad = create(session, {**creation(5), **PIECE, **checksum(b"other")}, b"hello")

    assert good.status == 201
    assert bad.status == 460
    assert len(session.attachments()) == 1


def test_a_creation_that_waits_to_continue_is_told_to(server, session):
    # RELIABILITY 2.1 creation-with-upload; API 11.42
    sent = {**creation(5), **PIECE, "Content-Length": "5", "Expect": "100-continue"}
    with server.wire() as wire:
        wire.send(server.head("POST", f"/uploads/{session.id}", sent))
        interim = wire.receive_head()
        wire.send(b"hello")

        answer = wire.answer()

    assert b" 100 " in interim
    assert answer.status == 201


def test_a_creation_that_is_refused_is_not_told_to_continue(server):
    # API 11.42
    sent = {**creation(5), **PIECE, "Content-Length": "5", "Expect": "100-continue"}
    with server.wire() as wire:
        wire.send(server.head("POST", "/uploads/nobody", sent))

        head = wire.receive_head()

    assert b" 404 " in head
