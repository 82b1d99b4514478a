"""tus 1.0 where it meets HTTP and the limits: connections, framing, odd headers, what is too much."""

from __future__ import annotations

import pytest
from api.resuming import PIECE, PREFIX, VERSION, begun, checksum, create, creation, metadata
from api.wire import chunked

#: Of the server `limited`.
MOST = 100_000


@pytest.fixture
def small(limited):
    """A session with small limits; gone with the test, since all count."""
    made = limited.session()
    yield made
    made.call("DELETE", "?files=1")


def part(session, content):
    upload = begun(session, len(content), Upload_Concat="partial")
    if content:
        upload.patch(0, content)
    return f"{PREFIX}{upload.path}"


def whole(session, *urls, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {**VERSION, "Upload-Concat": f"final;{' '.join(urls)}", **named}


# Connections


def test_pieces_may_follow_each_other_without_waiting_for_answers(server, session):
    upload = begun(session, 10)

    with server.wire() as wire:
        look = server.head("HEAD", upload.path, VERSION)
        wire.send(upload.opening(0, 4) + b"0123" + look + upload.opening(4, 6) + b"456789" + look)
        answers = [wire.answer(method) for method in ("PATCH", "HEAD", "PATCH", "HEAD")]

    assert [answer.status for answer in answers] == [204, 200, 204, 200]
    assert [answer.headers["Upload-Offset"] for answer in answers] == ["4", "4", "10", "10"]
    assert (session.folder / "attachments/upload.bin").read_bytes() == b"0123456789"


def test_a_refused_piece_is_not_taken_for_the_next_request(server, session):
    # API 11.42: answered, and then closed
    upload = begun(session, 100)
    inner = server.head("DELETE", upload.path, VERSION)

    with server.wire() as wire:
        wire.send(upload.opening(7, len(inner)) + inner)
        answer = wire.answer("PATCH")
        closed = wire.is_closed()

    assert (answer.status, answer.headers["Connection"]) == (409, "close")
    assert closed
    assert upload.offset() == 0


@pytest.mark.parametrize(("offset", "first"), [(0, b" 100 "), (3, b" 409 ")])
def test_a_piece_that_waits_to_continue_is_told_to_unless_it_is_refused(server, session, offset, first):
    # API 11.42
    upload = begun(session, 5)

    with server.wire() as wire:
        wire.send(upload.opening(offset, 5, Expect="100-continue"))
        head = wire.receive_head()

    assert first in head
    assert head.count(b"HTTP/1.1") == 1


def test_a_client_of_http_1_0_may_send_a_piece(server, session):
    upload = begun(session, 5)

    with server.wire() as wire:
        wire.send(upload.opening(0, 5).replace(b"HTTP/1.1", b"HTTP/1.0") + b"hello")
        answer = wire.answer("PATCH")

    assert (answer.status, answer.headers["Upload-Offset"]) == (204, "5")


def test_a_piece_without_any_length_is_empty(server, session):
    upload = begun(session, 5)
    head = server.head("PATCH", upload.path, {**VERSION, **PIECE, "Upload-Offset": "0"})

    with server.wire() as wire:
        wire.send(head)
        answer = wire.answer("PATCH")

    assert (answer.status, answer.headers["Upload-Offset"]) == (204, "0")


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        ({"Transfer-Encoding": "chunked", "Content-Length": "5"}, chunked(b"hello")),
        ({"Transfer-Encoding": "chunked"}, b"5\r\nhel"),
        ({"Transfer-Encoding": "chunked"}, b"zz\r\nhello\r\n0\r\n\r\n"),
        (
            {"Transfer-Encoding": "chunked", "Trailer": "Upload-Checksum"},
            b"0\r\nUpload-Checksum: sha1 QQ==\r\n\r\n",
        ),
        ({"Content-Length": "5, 6"}, b"hello"),
        ({"Content-Length": "-5"}, b"hello"),
    ],
    ids=["two framings", "cut chunk", "no size", "trailer", "two lengths", "negative"],
)
def test_a_piece_whose_end_cannot_be_told_never_completes_an_upload(server, session, framing, body):
    # S19; checksum-trailer is not offered
    upload = begun(session, 5)
    head = server.head("PATCH", upload.path, {**VERSION, **PIECE, "Upload-Offset": "0", **framing})

    with server.wire(5) as wire:
        wire.send(head + body)
        wire.socket.shutdown(1)
        closed = wire.is_closed() or b" 400 " in wire.receive_head() or wire.is_closed()

    assert closed
    assert upload.record()["state"] == "open"
    assert session.attachments() == []


@pytest.mark.parametrize("header", ["Upload-Offset: 3", "Upload-Length: 7", "Tus-Resumable: 1.0.0"])
def test_a_header_that_comes_twice_is_refused(server, session, header):
    upload = begun(session)
    opening = upload.opening(0, 5, Upload_Length="5").removesuffix(b"\r\n")

    with server.wire() as wire:
        wire.send(opening + header.encode() + b"\r\n\r\nhello")
        answer = wire.answer("PATCH")

    assert answer.status in {400, 412}
    assert upload.offset() == 0


# Odd headers


def test_a_creation_with_a_body_of_another_type_brings_nothing(session):
    answer = create(session, {**creation(5), "Content-Type": "text/plain"}, b"hello")

    assert (answer.status, answer.headers["Upload-Offset"]) == (201, "0")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("a QQ==, b QQ==", 201),
        ("a ", 201),
        ("a,b", 201),
        ("a QQ==,", 400),
        ("a QQ==,,b", 400),
        ("\xe9 QQ==", 400),
    ],
)
def test_metadata_is_read_with_little_patience(session, said, status):
    assert create(session, creation(5, Upload_Metadata=said)).status == status


@pytest.mark.parametrize(("length", "status"), [("5", 204), ("6", 400), ("4", 400), ("-5", 400), ("", 400)])
def test_a_length_that_is_known_cannot_be_told_otherwise(session, length, status):
    # RELIABILITY 2.1 defer-length
    upload = begun(session, 5)

    assert upload.patch(0, b"he", Upload_Length=length).status == status
    assert upload.head().headers["Upload-Length"] == "5"


@pytest.mark.parametrize(("said", "status"), [(b"", 204), (b"x", 460)])
def test_an_empty_piece_has_a_checksum_as_well(session, said, status):
    upload = begun(session, 5)

    assert upload.patch(0, b"", **checksum(said)).status == status
    assert upload.offset() == 0


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "HEAD"])
def test_the_collection_has_no_such_method(server, session, method):
    answer = server.call(method, f"/uploads/{session.id}", None, {**VERSION, **PIECE, "Upload-Offset": "0"})

    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, POST, PUT"
    assert answer.headers["Tus-Resumable"] == "1.0.0"


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "HEAD", "GET"])
def test_an_anonymous_client_learns_and_changes_nothing(server, session, method):
    # S11
    upload = begun(session, 5)
    sent = {**VERSION, **PIECE, "Upload-Offset": "0"}

    answer = server.call(method, upload.path, b"hello" if method == "PATCH" else None, sent, anonymous=True)

    assert answer.status == 403
    assert "Upload-Offset" not in answer.headers
    assert upload.offset() == 0


def test_anybody_may_ask_what_is_offered(server):
    # API 11.4
    answer = server.call("OPTIONS", "/uploads/nobody", None, {}, anonymous=True)

    assert (answer.status, answer.headers["Tus-Version"]) == (204, "1.0.0")


# Parts


def test_a_whole_of_parts_brings_no_bytes(session):
    url = part(session, b"x")

    refused = create(session, {**whole(session, url), **PIECE}, b"more")
    refused_in_chunks = create(
        session, {**whole(session, url), **PIECE, "Transfer-Encoding": "chunked"}, chunked(b"more")
    )
    taken = create(session, {**whole(session, url), **PIECE}, b"")

    assert (refused.status, refused_in_chunks.status, taken.status) == (403, 403, 201)
    assert [record["size"] for record in session.attachments()] == [1]


def test_empty_parts_are_parts(session):
    urls = [part(session, content) for content in (b"", b"ab", b"")]

    both = create(session, whole(session, *urls, Upload_Metadata=metadata(filename="both")))
    none = create(session, whole(session, urls[0], Upload_Metadata=metadata(filename="none")))

    assert (both.headers["Upload-Offset"], none.headers["Upload-Offset"]) == ("2", "0")
    assert (session.folder / "attachments/both").read_bytes() == b"ab"
    assert (session.folder / "attachments/none").read_bytes() == b""


def test_a_part_may_learn_its_length_later(session):
    upload = begun(session, Upload_Concat="partial")
    upload.patch(0, b"abc")
    url = f"{PREFIX}{upload.path}"

    early = create(session, whole(session, url))
    upload.patch(3, b"", Upload_Length="3")
    late = create(session, whole(session, url))

    assert (early.status, late.status) == (400, 201)


def test_a_whole_may_not_defer_its_length(session):
    url = part(session, b"x")

    assert create(session, whole(session, url, Upload_Defer_Length="1")).status == 400


# What is too much


def test_the_greatest_size_is_told_and_holds(limited, small):
    # RELIABILITY 2.1 creation: 413 above the maximum
    offered = limited.call("OPTIONS", f"/uploads/{small.id}").headers

    assert offered["Tus-Max-Size"] == str(MOST)
    assert create(small, creation(MOST)).status == 201
    refused = create(small, creation(MOST + 1))
    assert (refused.status, refused.code) == (413, "file_too_large")


def test_the_greatest_size_holds_for_a_length_that_comes_later(small):
    upload = begun(small)

    refused = upload.patch(0, b"", Upload_Length=str(MOST + 1))

    assert (refused.status, refused.code) == (413, "file_too_large")
    assert upload.head().headers["Upload-Defer-Length"] == "1"


@pytest.mark.parametrize("in_chunks", [False, True])
def test_the_greatest_size_holds_for_an_upload_without_a_length(small, in_chunks):
    upload = begun(small)
    upload.patch(0, bytes(MOST - 10))

    body = chunked(bytes(20)) if in_chunks else bytes(20)
    framing = {"Transfer_Encoding": "chunked"} if in_chunks else {}
    refused = upload.call("PATCH", body, Upload_Offset=str(MOST - 10), **PIECE, **framing)

    assert (refused.status, refused.code) == (413, "file_too_large")
    assert upload.offset() <= MOST


def test_the_greatest_size_holds_for_a_whole_of_parts(small):
    urls = [part(small, bytes(MOST // 2 + 1)) for _ in range(2)]

    refused = create(small, whole(small, *urls))

    assert (refused.status, refused.code) == (413, "file_too_large")
    assert small.attachments() == []
