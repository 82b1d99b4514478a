"""Content of one file: ranges, conditions, names, and what a browser may do with it."""

from __future__ import annotations

import hashlib
import secrets
from email.utils import parsedate_to_datetime

import pytest
from api.running import sha256
from api.wire import query
from werkzeug.http import parse_options_header

CONTENT = bytes(range(256)) * 40


SIZE = len(CONTENT)


@pytest.fixture(scope="module")
def stored(server):
    """A session with a file in it, for tests that only read."""
    session = server.session()
    return session, session.saved("data.bin", CONTENT)


def ask(stored, method="GET", tail="", **headers):
    session, record = stored
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return session.call(method, f"/artifacts/{record['attachment_id']}?mode=stream{tail}", headers=sent)


def test_the_stored_bytes_come_back(stored):
    # S0-76 S0-82 S1-25; API 6
    answer = ask(stored)

    assert answer.status == 200
    assert answer.body == CONTENT
    assert answer.headers["Content-Length"] == str(SIZE)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["ETag"] == f'"{sha256(CONTENT)}"'
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert parsedate_to_datetime(answer.headers["Last-Modified"])


def test_either_id_gives_the_file(stored):
    # S0-76 C10; API 5
    session, record = stored

    assert session.content(record["artifact_id"]).body == CONTENT


def test_metadata_has_no_body_of_the_file(stored):
    # S0-74 S0-75 S0-79; API 5
    session, record = stored

    assert session.file(record["attachment_id"]).json() == record
    assert session.file(record["artifact_id"], mode="meta").json() == record
    assert "data_uri" not in session.file(record["attachment_id"], data_uri=1).json()


@pytest.mark.parametrize("name", ["mode", "download", "data_uri"])
@pytest.mark.parametrize("value", ["", "x", "True", "STREAM", "yes", "2"])
def test_another_mode_is_refused(stored, name, value):
    # S0-74 C17; API 5, 11.49
    session, record = stored

    answer = session.file(record["attachment_id"], **{name: value})

    assert (answer.status, answer.code, answer.json()["parameter"]) == (400, "parameter_invalid", name)


def test_head_says_what_get_would(stored):
    # S0-82; API 6
    got, asked = ask(stored), ask(stored, "HEAD")

    assert (asked.status, asked.body) == (200, b"")
    for name in (
        "Content-Length",
        "Content-Type",
        "ETag",
        "Last-Modified",
        "Content-Disposition",
        "Accept-Ranges",
    ):
        assert asked.headers[name] == got.headers[name]


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, SIZE),
        ("bytes=-1", SIZE - 1, SIZE),
        ("bytes=-100", SIZE - 100, SIZE),
        (f"bytes=-{SIZE * 2}", 0, SIZE),
        (f"bytes=0-{SIZE - 1}", 0, SIZE),
        (f"bytes=0-{SIZE * 10}", 0, SIZE),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
        ("bytes=5-5", 5, 6),
        ("BYTES=1-2", 1, 3),
        ("bytes= 1-2", 1, 3),
        ("bytes=1-2,", 1, 3),
        ("bytes=00001-00002", 1, 3),
        (f"bytes=1-{'9' * 50}", 1, SIZE),
        ("bytes=0-4,3-9", 0, 10),
        ("bytes=0-4,5-9", 0, 10),
        (f"bytes=0-4,{SIZE}-", 0, 5),
    ],
)  # fmt: skip
def test_a_range_gives_its_bytes(stored, asked, start, stop):
    # S0-82; API 6, 11.40
    answer = ask(stored, Range=asked)

    assert answer.status == 206
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{SIZE}"
    assert answer.headers["Content-Length"] == str(stop - start)
    assert answer.body == CONTENT[start:stop]
    assert answer.headers["ETag"] == f'"{sha256(CONTENT)}"'


@pytest.mark.parametrize(
    "asked", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 5}", "bytes=-0", f"bytes={'9' * 30}-"]
)
def test_a_range_beyond_the_end_is_unsatisfiable(stored, asked):
    # S0-82; API 6, 11.40
    answer = ask(stored, Range=asked)

    assert (answer.status, answer.code) == (416, "range_invalid")
    assert answer.headers["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "asked",
    ["bytes", "bytes=", "bytes=x", "bytes=1", "bytes=a-b", "bytes=5-1", "bytes=--1", "bytes=1-2-3", "items=0-1", "bytes=0x0-1",
     "bytes=\u0660-\u0661".encode().decode("latin-1"), "bytes=1-2,x", "bytes=-", "0-1", "bytes=1.0-2", "bytes:0-1"],
)  # fmt: skip
def test_a_malformed_range_is_ignored(stored, asked):
    # S0-82; API 6, 11.40
    answer = ask(stored, Range=asked)

    assert (answer.status, answer.body) == (200, CONTENT)


def test_several_ranges_come_as_parts_or_as_the_whole(stored):
    # S0-82; API 11.40
    answer = ask(stored, Range="bytes=0-9,100-109,-10")

    assert answer.status in {200, 206}
    if answer.status == 206:
        kind, options = parse_options_header(answer.headers["Content-Type"])
        parts = answer.body.split(b"--" + options["boundary"].encode())[1:-1]
        assert kind == "multipart/byteranges"
        assert [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts] == [
            CONTENT[0:10], CONTENT[100:110], CONTENT[-10:],
        ]  # fmt: skip
        assert int(answer.headers["Content-Length"]) == len(answer.body)


def test_very_many_ranges_are_not_served(stored):
    # API 11.40; RELIABILITY S17
    many = ",".join(f"{n}-{n}" for n in range(0, 400, 2))

    answer = ask(stored, Range=f"bytes={many}")

    assert answer.status == 200
    assert answer.body == CONTENT


def test_ranges_of_an_empty_file(session):
    # S0-82; API 11.40
    att = session.saved("empty.bin", b"")["attachment_id"]

    assert session.content(att).status == 200
    assert session.content(att, Range="bytes=0-").status == 416
    assert session.content(att, Range="bytes=0-").headers["Content-Range"] == "bytes */0"
    assert session.content(att, Range="bytes=-5").status in {200, 416}


def test_head_with_a_range(stored):
    # S0-82; API 6
    answer = ask(stored, "HEAD", Range="bytes=0-9")

    assert (answer.status, answer.body) == (206, b"")
    assert (answer.headers["Content-Length"], answer.headers["Content-Range"]) == ("10", f"bytes 0-9/{SIZE}")


@pytest.mark.parametrize(
    ("condition", "status"),
    [("{etag}", 206), ('"other"', 200), ("W/{etag}", 200), ("{date}", 206), ("Sat, 01 Jan 2000 00:00:00 GMT", 200), ("nonsense", 200)],
)  # fmt: skip
def test_if_range_goes_on_only_with_the_same_file(stored, condition, status):
    # S0-82; API 6
    known = ask(stored, "HEAD").headers
    condition = condition.format(etag=known["ETag"], date=known["Last-Modified"])

    answer = ask(stored, Range="bytes=10-19", If_Range=condition)

    # A date in the same second as the change is weak, and then the whole file is right, too (RFC 9110, 13.1.5).
    assert answer.status == status or (answer.status == 200 and condition == known["Last-Modified"])
    assert answer.body == (CONTENT[10:20] if answer.status == 206 else CONTENT)


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ("{etag}", 304),
        ("W/{etag}", 304),
        ("*", 304),
        ('"a", {etag}', 304),
        ('"other"', 200),
        ("nonsense", 200),
    ],
)
def test_if_none_match_spares_the_body(stored, condition, status):
    # S0-82; API 6
    etag = ask(stored, "HEAD").headers["ETag"]

    for method in ("GET", "HEAD"):
        answer = ask(stored, method, If_None_Match=condition.format(etag=etag))
        assert answer.status == status
        assert answer.headers["ETag"] == etag
        if status == 304:
            assert answer.body == b""


@pytest.mark.parametrize(("condition", "status"), [("{etag}", 206), ("*", 206), ('"other"', 412)])
def test_a_download_that_wants_one_version_gets_no_other(stored, condition, status):
    # RFC 9110, 13.1.1: Firefox goes on with a download by If-Match
    etag = ask(stored, "HEAD").headers["ETag"]

    for method in ("GET", "HEAD"):
        answer = ask(stored, method, If_Match=condition.format(etag=etag), Range="bytes=10-19")
        assert answer.status == status
    if status == 412:
        assert ask(stored, If_Match='"other"').code == "precondition_failed"


def test_if_modified_since_spares_the_body_unless_a_tag_says_otherwise(stored):
    # API 6
    date = ask(stored, "HEAD").headers["Last-Modified"]

    assert ask(stored, If_Modified_Since=date).status == 304
    assert ask(stored, If_Modified_Since="Sat, 01 Jan 2000 00:00:00 GMT").status == 200
    assert ask(stored, If_Modified_Since=date, If_None_Match='"other"').status == 200


def test_a_download_goes_on_where_it_broke_off(session):
    # S0-82; API 6
    content = secrets.token_bytes(3_000_000)
    att = session.saved("big.bin", content)["attachment_id"]
    got = session.content(att, Range="bytes=0-999999").body
    while len(got) < len(content):
        got += session.content(att, Range=f"bytes={len(got)}-{len(got) + 999_998}").body

    assert hashlib.sha256(got).hexdigest() == sha256(content)


def test_two_requests_on_one_connection(server, stored):
    # API 6
    session, record = stored
    path = f"/sessions/{session.id}/artifacts/{record['attachment_id']}?mode=stream"

    with server.wire() as wire:
        answers = []
        for asked in ("bytes=0-9", "bytes=10-19"):
            wire.send(server.head("GET", path, {"Range": asked}))
            answers.append(wire.answer())

    assert [answer.body for answer in answers] == [CONTENT[:10], CONTENT[10:20]]


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 2**20, 2**20 + 1, 5_000_000])
def test_files_of_all_sizes_come_back_whole(session, size):
    # S0-76 S0-09 S4-14; API 6
    content = secrets.token_bytes(size)

    record = session.saved("a.bin", content)

    assert record["sha256"] == sha256(content)
    assert session.content(record["attachment_id"]).body == content


def test_a_list_of_filters_is_read_from_the_query(stored):
    # C17; API 11.9
    session, record = stored

    answer = session.call("GET", f"/artifacts/{record['attachment_id']}{query(mode=['stream', 'meta'])}")

    assert answer.status == 400
