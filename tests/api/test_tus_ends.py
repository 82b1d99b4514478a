"""tus 1.0, rule by rule, over raw sockets: how uploads end, alone, as parts, and at once."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from api.resuming import PREFIX, VERSION, Resumable, begun, create, metadata, notes_of
from api.running import leftovers


@pytest.fixture(scope="module")
def server(uploading):
    return uploading


# Termination


def test_a_terminated_upload_is_gone_with_its_bytes(server, session):
    # RELIABILITY 2.1 termination
    upload = begun(session, 5)
    upload.patch(0, b"12")
    before = notes_of(server)

    answer = upload.call("DELETE")

    assert answer.status == 204
    assert upload.head().status == 404
    assert upload.patch(2, b"3").status == 404
    assert upload.call("DELETE").status == 404
    assert len(notes_of(server)) == len(before) - 1


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
