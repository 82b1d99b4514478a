"""Content of one file: ranges, conditions, names, and what a browser may do with it."""

from __future__ import annotations

import email.message
import email.policy
import hashlib
import re
import secrets
import shutil
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

import pytest
from api.running import sha256
from api.wire import query
from werkzeug.http import parse_options_header

CONTENT = bytes(range(256)) * 40
SIZE = len(CONTENT)
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 20


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


# What a browser may do with it


@pytest.mark.parametrize(
    ("name", "content", "kind", "mime"),
    [
        ("a.png", PNG, "inline", "image/png"),
        ("a.jpg", b"\xff\xd8\xff\xe0" + b"x" * 20, "inline", "image/jpeg"),
        ("a.gif", b"GIF89a" + b"x" * 20, "inline", "image/gif"),
        ("a.mp3", b"ID3", "inline", "audio/mpeg"),
        ("a.mp4", b"....ftyp", "inline", "video/mp4"),
        ("a.txt", b"<script>alert(1)</script>", "inline", "text/plain; charset=utf-8"),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='x'/>", "attachment", "image/svg+xml"),
        ("a.html", b"<script>", "attachment", "text/html"),
        ("a.htm", b"<script>", "attachment", "text/html"),
        ("a.xml", b"<x/>", "attachment", "application/xml"),
        ("a.js", b"alert(1)", "attachment", "text/javascript"),
        ("a.pdf", b"%PDF-1.7", "attachment", "application/pdf"),
        ("a.csv", b"a", "attachment", "text/csv"),
        ("a.ipynb", b"{}", "attachment", "application/x-ipynb+json"),
        ("fake.png", b"<html><script>alert(1)</script>", "attachment", "application/octet-stream"),
        ("fake.pdf", b"<html>", "attachment", "application/octet-stream"),
        ("none", b"<html>", "attachment", "application/octet-stream"),
        ("a.xhtml", b"<html/>", "attachment", None),
        ("a.swf", b"FWS", "attachment", None),
    ],
)  # fmt: skip
def test_only_harmless_types_are_shown_inline(session, name, content, kind, mime):
    # S0-10 S0-77 S0-32 S2-30 S4-07 C13 C16a; API 6, 11.31
    record = session.saved(name, content, dir="")

    answer = session.content(record["attachment_id"])

    assert answer.headers["Content-Disposition"].partition(";")[0] == kind
    assert mime is None or answer.headers["Content-Type"] == mime
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.body == content


@pytest.mark.parametrize("flag", ["true", "1"])
def test_download_makes_it_an_attachment(session, flag):
    # S0-77; API 5
    att = session.saved("a.png", PNG)["attachment_id"]

    answer = session.file(att, mode="stream", download=flag)

    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert (
        session.file(att, mode="stream", download="false").headers["Content-Disposition"].startswith("inline")
    )


NAMES = [
    "plain.csv", "with space.csv", "a\"quote'.csv", "semi;colon,comma.csv", "100% sure.csv", "%41.csv", "naïve café.csv", "日本語.csv",
    "файл.txt", "عربي.csv", "e\u0301.csv", "📈 plot.png", "a=b&c+d#e.csv", "CON", "-rf", "~", "$HOME", "`x`", "{a}", "'", "(1)",
    "UTF-8''x", "a\u202egpj.exe", "\u00a0nbsp", "x" * 251 + ".csv", "é" * 125 + ".csv",
]  # fmt: skip


def by_email(value):
    message = email.message.EmailMessage(policy=email.policy.HTTP)
    message["Content-Disposition"] = value
    return message.get_filename()


def by_werkzeug(value):
    return parse_options_header(value)[1]["filename"]


def by_browser(value):
    """As RFC 6266 tells a browser to: `filename*` first."""
    found = re.search(r"filename\*=UTF-8''([^;]*)", value)
    return unquote(found[1])


@pytest.mark.parametrize("name", NAMES)
def test_each_reader_finds_the_same_name(session, name):
    # S0-81 S2-49 S2-50 S4-13; API 6
    record = session.saved(name)

    for mode in ({"download": "true"}, {}):
        value = session.file(record["attachment_id"], mode="stream", **mode).headers["Content-Disposition"]
        assert value.isascii()
        assert value.isprintable()
        assert {by_browser(value), by_werkzeug(value)} == {record["name"]}
        # The standard library reads `filename` and prefers neither; its answer for plain names is the name.
        if name.isascii() and not set(name) & set("\"\\%'"):
            assert by_email(value) == record["name"]


# Files that change behind our back


def test_a_file_rewritten_in_place_is_a_new_version(session):
    # S2-36 C10; API 11.24, 11.26
    record = session.made("out.csv", b"first")
    (session.folder / "out.csv").write_bytes(b"second!")

    answer = session.content(record["attachment_id"])
    meta = session.file(record["attachment_id"]).json()
    old = session.file(record["artifact_id"])
    gone = session.content(record["artifact_id"])

    assert answer.body == b"second!"
    assert answer.headers["ETag"] == f'"{sha256(b"second!")}"'
    assert (meta["version"], meta["sha256"]) == (2, sha256(b"second!"))
    assert (old.status, old.json()["available"]) == (200, False)
    assert (gone.status, gone.code) == (410, "version_gone")
    assert [event["change_type"] for event in session.events()] == ["created", "updated"]


def test_a_file_deleted_behind_our_back_is_not_found(session):
    # S0-80 S0-66; API 11.26
    record = session.made("out.csv", b"first")
    (session.folder / "out.csv").unlink()

    assert session.content(record["attachment_id"]).status in {404, 410}
    session.call("POST", "/scan")
    assert session.content(record["attachment_id"]).status == 404
    assert [event["change_type"] for event in session.events()] == ["created", "deleted"]


def test_a_link_put_in_a_files_place_is_not_followed(session, tmp_path):
    # S0-72 S2-55; API 1 Paths
    secret = tmp_path / "secret"
    secret.write_text("secret")
    record = session.made("out.csv", b"first")
    (session.folder / "out.csv").unlink()
    (session.folder / "out.csv").symlink_to(secret)

    answer = session.content(record["attachment_id"])

    assert answer.status in {404, 410}
    assert b"secret" not in answer.body


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


def test_a_reader_always_gets_one_version_while_a_file_is_replaced(server, session):
    # S2-34 S2-36 C1; API 4 on_conflict replace is atomic
    first = session.saved("a.bin", b"0" * 5000)
    path = query(path=first["files_path"])
    att, art = first["attachment_id"], first["artifact_id"]

    def write(number):
        return [
            session.put("a.bin", b"%d" % (number % 10) * 5000, on_conflict="replace").status
            for _ in range(15)
        ]

    def read(_):
        whole = [session.content(att), server.call("GET", f"/files/download{path}"), session.content(art)]
        return [
            *whole,
            session.call("GET", "/download"),
            session.call("HEAD", f"/artifacts/{att}?mode=stream"),
        ]

    with ThreadPoolExecutor(6) as pool:
        writing = [pool.submit(write, number) for number in range(2)]
        reads = list(pool.map(read, range(20)))

    assert {status for done in writing for status in done.result()} == {200}
    assert {answer.status for answers in reads for answer in answers} == {200}
    for now, by_path, old, *_ in reads:
        assert old.body == b"0" * 5000
        for answer in (now, by_path):
            assert answer.headers["ETag"] == f'"{sha256(answer.body)}"'


@pytest.mark.parametrize("kind", ["link", "file"])
def test_something_else_in_a_folders_place_is_not_entered(session, tmp_path, kind):
    # S0-72 S2-55; API 1 Paths
    record = session.made("sub/out.csv", b"first")
    (tmp_path / "out.csv").write_bytes(b"first")
    shutil.rmtree(session.folder / "sub")
    if kind == "link":
        (session.folder / "sub").symlink_to(tmp_path)
    else:
        (session.folder / "sub").write_text("file")

    answer = session.content(record["attachment_id"])

    assert answer.status == 404
    assert session.call("POST", "/scan").status == 200
    assert "out.csv" not in [listed["name"] for listed in session.files()]
