"""What a browser may do with a file, and which name it finds."""

from __future__ import annotations

import email.message
import email.policy
import re
from urllib.parse import unquote

import pytest
from werkzeug.http import parse_options_header

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 20


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
