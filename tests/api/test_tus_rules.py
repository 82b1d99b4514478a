"""tus 1.0, rule by rule, over raw sockets: what a request must be, and what is left when it is not."""

from __future__ import annotations

import base64
import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime

import pytest
from api.resuming import PIECE, PREFIX, VERSION, Resumable, begun, checksum, create, creation, metadata
from api.running import Server, leftovers
from api.wire import chunked, form, form_type

BAD_NUMBERS = {
    "negative": "-1",
    "fraction": "1.5",
    "hexadecimal": "0x1",
    "signed": "+0",
    "over 64 bits": str(2**64 + 1),
    "64 bits": str(2**63),
    "30 digits": "9" * 30,
    "empty": "",
    "exponent": "1e3",
    "underscore": "1_0",
    "words": "ten",
    "two": "1, 2",
}
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
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("tus") / "home", **{"JupyterWorkspace.stall_timeout": 8})
    made.start()
    yield made
    assert "Traceback" not in made.log.read_text()
    made.stop()


@pytest.fixture
def session(server):
    return server.session()


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
    spool = set(leftovers_of(server))

    session.call("DELETE")

    assert upload.head().status == 404
    until = time.monotonic() + 5
    while spool <= set(leftovers_of(server)) and time.monotonic() < until:
        time.sleep(0.02)
    assert not spool <= set(leftovers_of(server))


def leftovers_of(server):
    """The notes of open uploads."""
    folder = server.root / "workspace/.jupyter_workspace/staging"
    return [path.name for path in folder.iterdir() if path.name.endswith(".json")]


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


# Termination


def test_a_terminated_upload_is_gone_with_its_bytes(server, session):
    # RELIABILITY 2.1 termination
    upload = begun(session, 5)
    upload.patch(0, b"12")
    before = leftovers_of(server)

    answer = upload.call("DELETE")

    assert answer.status == 204
    assert upload.head().status == 404
    assert upload.patch(2, b"3").status == 404
    assert upload.call("DELETE").status == 404
    assert len(leftovers_of(server)) == len(before) - 1


# After the end


def test_a_finished_upload_tells_so_for_a_while(session):
    # API 11.22; RELIABILITY F7
    upload = begun(session, 5)
    done = upload.patch(0, b"hello")

    again, late, more = upload.patch(5), upload.patch(0, b"hello"), upload.patch(5, b"x")

    assert upload.offset() == 5
    assert again.status == 204
    assert again.headers["Upload-Attachment-Id"] == done.headers["Upload-Attachment-Id"]
    assert late.status == 409
    assert more.status == 413
    assert upload.record()["state"] == "done"
    assert upload.record()["attachment_id"] == done.headers["Upload-Attachment-Id"]
    assert len(session.attachments()) == 1


def test_a_record_tells_of_an_open_upload(session):
    # API 4
    upload = begun(session)
    upload.patch(0, b"12")

    record = upload.record()

    expires_at = record.pop("expires_at")
    assert record == {"upload_id": upload.id, "state": "open", "offset": 2, "length": None}
    assert expires_at.endswith("Z")


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


# Concatenation


def part(session, content):
    upload = begun(session, len(content), Upload_Concat="partial")
    upload.patch(0, content)
    return upload


def whole(session, *urls, **values):
    headers = {**VERSION, "Upload-Concat": f"final;{' '.join(urls)}", "Upload-Metadata": metadata(**values)}
    return create(session, headers)


@pytest.mark.parametrize("form_of", ["path", "absolute"])
def test_parts_become_a_file_and_can_be_used_again(server, session, form_of):
    # RELIABILITY 2.1 concatenation
    base = PREFIX if form_of == "path" else f"http://127.0.0.1:{server.port}{PREFIX}"
    parts = [part(session, b"hello "), part(session, b"world")]
    urls = [f"{base}{upload.path}" for upload in parts]

    first = whole(session, *urls, filename="a.txt")
    second = whole(session, urls[1], urls[1], filename="b.txt")

    made = Resumable(session, first.headers["Location"].removeprefix(PREFIX))
    seen = made.head().headers
    assert (first.status, second.status) == (201, 201)
    assert (session.folder / "attachments/a.txt").read_bytes() == b"hello world"
    assert (session.folder / "attachments/b.txt").read_bytes() == b"worldworld"
    assert seen["Upload-Concat"] == f"final;{' '.join(urls)}"
    assert seen["Upload-Length"] == "11"
    assert parts[0].head().headers["Upload-Concat"] == "partial"
    assert made.patch(11, b"x").status == 403
    assert sorted(record["name"] for record in session.attachments()) == ["a.txt", "b.txt"]


def test_a_part_is_no_file_by_itself(session):
    upload = part(session, b"hello")

    assert session.attachments() == []
    assert upload.offset() == 5
    assert upload.record()["state"] == "open"


def test_large_parts_are_put_together(session):
    content = [bytes([number]) * 1_300_000 for number in range(3)]
    urls = [f"{PREFIX}{part(session, piece).path}" for piece in content]

    answer = whole(session, *urls, filename="large", sha256=hashlib.sha256(b"".join(content)).hexdigest())

    assert answer.status == 201
    assert (session.folder / "attachments/large").read_bytes() == b"".join(content)


@pytest.mark.parametrize(
    "value",
    [
        "final;",
        "final",
        "",
        "partial;x",
        "final;http://evil.example/user/ada/api/workspace/uploads/s/upl_aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "final;/etc/passwd",
        "final;file:///etc/passwd",
        "final;../../etc",
        "final;http://[::1",
        "final;%00",
    ],
)
def test_what_is_no_part_of_the_session_cannot_be_put_together(session, value):
    # RELIABILITY 2.2
    answer = create(session, {**VERSION, "Upload-Concat": value})

    assert answer.status == 400
    assert session.attachments() == []


def test_only_complete_parts_of_the_same_session_are_put_together(server, session):
    foreign = part(server.session(), b"x")
    unfinished, ordinary = begun(session, 5, Upload_Concat="partial"), begun(session, 5)
    unknown = f"{PREFIX}/uploads/{session.id}/upl_{'a' * 26}"

    for url in (*(f"{PREFIX}{upload.path}" for upload in (foreign, unfinished, ordinary)), unknown):
        assert whole(session, url).status == 400


def test_a_whole_has_no_length_of_its_own(session):
    url = f"{PREFIX}{part(session, b'x').path}"

    answer = create(session, {**VERSION, "Upload-Concat": f"final;{url}", "Upload-Length": "1"})

    assert answer.status == 400


# Several at once


def test_of_eight_equal_pieces_at_once_one_is_taken(session):
    # RELIABILITY 2.2: two writers, never a wrong byte
    upload = begun(session, 900_000)
    pieces = [bytes([number]) * 300_000 for number in range(8)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda piece: upload.patch(0, piece), pieces))

    winners = [piece for piece, answer in zip(pieces, answers, strict=True) if answer.status == 204]
    assert len(winners) == 1
    assert {answer.status for answer in answers} <= {204, 409, 423}
    assert upload.offset() == 300_000
    upload.patch(300_000, bytes(600_000))
    assert session.attachments()[0]["sha256"] == hashlib.sha256(winners[0] + bytes(600_000)).hexdigest()


def test_nothing_stays_in_the_staging_area_but_open_uploads(server):
    for folder in list(server.call("GET", "/sessions?limit=1000").json()["sessions"]):
        server.call("DELETE", f"/sessions/{folder['session_id']}")

    assert leftovers(server) == []
