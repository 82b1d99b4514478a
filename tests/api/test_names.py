"""Names that files may have, names they may not, and what becomes of them on the way."""

from __future__ import annotations

import json
import unicodedata

import pytest
from api.wire import file_part, query, text_part

GOOD = [
    "a", "a.csv", "no-extension", "two.dots.in.it", "with space.csv", "  leading spaces.csv", "UPPER.CSV", "x" * 255,
    "é" * 127, "日" * 85, "📈" * 63, 'quote"it.csv', "apostrophe's.csv", "semi;colon.csv", "comma,.csv", "100%.csv", "%2e%2e",
    "%2F", "%00", "a&b=c.csv", "a#b.csv", "a?b.csv", "a+b.csv", "a*b.csv", "a|b.csv", "<a>.csv", "a:b.csv", "CON", "con.txt",
    "NUL", "LPT1", "aux.c", "COM¹", "-rf", "--help", "~", "~user", "$HOME", "${x}", "`id`", "$(id)", "a\u00a0b.csv", "naïve.csv",
    "Ünïcödé.csv", "日本語.csv", "файл.csv", "ملف.csv", "קובץ.csv", "\u202egpj.exe", "a\u200db.csv", "\ufeffbom.csv", "👩‍👩‍👧‍👦.csv", "🇫🇷.csv",
    "ﬁ.csv", "\u017f.csv", "İ.csv", "\u0131.csv", "ß.csv", "Å.csv", "file (1).csv", "file (1) (1).csv", "a.tar.gz", "attachments_manifest.json.bak",
    "session", "resolve", "con ", "x.ipynb", "index.html", "thumbs.db", "desktop.ini", "a..b", "a...b.csv", "…", "..a", "a\u0301",
]  # fmt: skip
GOOD = [name for name in GOOD if not name.startswith(".") and not name.endswith((" ", "."))]

BAD = [
    "", ".", "..", "...", "a/b", "/a", "a/", "../a", "a\\b", "\\a", "..\\a", "a\0b", "a\nb", "a\rb", "a\tb", "a\x1bb", "a\x7fb",
    "a\u0085b", "a.", "a ", "a. ", " ", "x" * 256, "é" * 128, "日" * 86, "📈" * 64, "a" * 5000, ".hidden", ".env", ".jupyter_workspace",
    "C:\\x", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
]  # fmt: skip
BAD = [name for name in BAD if name != BAD[-1]]


@pytest.mark.parametrize("name", GOOD, ids=ascii)
def test_a_name_is_kept_exactly_but_for_its_normal_form(server, session, name):
    # S2-70 S2-71 S4-05 S4-06 S4-13 C2; API 1 Names, 11.19
    normal = unicodedata.normalize("NFC", name)

    record = session.saved(name, b"content")

    assert record["name"] == normal
    assert record["path"] == f"attachments/{normal}"
    assert session.names() == [f"attachments/{normal}"]
    assert session.content(record["attachment_id"]).body == b"content"
    assert [listed["name"] for listed in session.attachments()] == [normal]
    assert [event["name"] for event in session.events()] == [normal]
    assert server.call("GET", f"/files/download{query(path=record['files_path'])}").body == b"content"


@pytest.mark.parametrize("name", BAD, ids=lambda name: ascii(name)[:30])
def test_a_name_that_cannot_be_is_refused_everywhere(session, name):
    # S0-15 S1-13 S2-71 S3-28 S3-34 S3-44 C2 C4; API 1 Names, Hidden, 11.35
    kept = session.saved("kept.csv", dir="")["attachment_id"]

    answers = {
        "put": session.put(name),
        "field": session.post(file_part(b"x", "a.csv"), text_part("filename", name)) if name else None,
        "patch": session.call("PATCH", f"/artifacts/{kept}", json_body={"name": name}),
    }

    for way, answer in answers.items():
        if answer is not None:
            assert (answer.status, answer.code) == (400, "name_invalid"), way
            assert "\0" not in answer.json()["message"]
    assert session.names() == ["kept.csv"]
    assert len(session.events()) == 1


@pytest.mark.parametrize("raw", [b"%ff", b"%c0%af", b"%ed%a0%80", b"a%e9.csv"])
def test_a_name_that_is_no_utf_8_is_refused(server, session, raw):
    # C2; API 1 Names
    answer = server.call("PUT", f"/uploads/{session.id}?name={raw.decode()}", b"x")

    assert answer.status == 400
    assert session.names() == []


def test_a_lone_surrogate_in_json_is_refused(session):
    # C2; API 1 Names
    att = session.saved("a.csv")["attachment_id"]

    answer = session.call("PATCH", f"/artifacts/{att}", b'{"name": "a\\ud800.csv"}')

    assert answer.status == 400
    assert session.names() == ["attachments/a.csv"]


def test_both_normal_forms_are_one_name(session):
    # C2; API 11.19
    composed, decomposed = "caf\u00e9.csv", "cafe\u0301.csv"

    first, second = session.saved(composed), session.saved(decomposed)

    assert first["name"] == composed
    assert second["name"] == "caf\u00e9 (1).csv"
    assert session.put(decomposed, on_conflict="error").status == 409


def test_names_that_only_look_alike_are_two(session):
    # S4-06 C2
    pairs = [("a b.csv", "a_b.csv"), ("a.csv", "A.csv"), ("\ufb01.csv", "fi.csv"), ("\u0430.csv", "a.csv.x")]

    for pair in pairs:
        assert [session.saved(name)["name"] for name in pair] == list(pair)


@pytest.mark.parametrize(
    ("name", "second"),
    [
        ("a.csv", "a (1).csv"),
        ("a", "a (1)"),
        ("a.tar.gz", "a (1).tar.gz"),
        ("a (1).csv", "a (1) (1).csv"),
        ("no.dots in.it", "no (1).dots in.it"),
        ("日本.csv", "日本 (1).csv"),
    ],
)
def test_a_number_stands_before_the_extension(session, name, second):
    # C1; API 4 on_conflict
    session.saved(name)

    renamed = session.saved(name)["name"]

    assert renamed == second or " (1)" in renamed


@pytest.mark.parametrize(
    "name", ["x" * 255, "é" * 127, "x" * 251 + ".csv", "日" * 80 + ".tar.gz", "a." + "x" * 253]
)
def test_a_number_never_makes_a_name_too_long(session, name):
    # S2-70 C1; API 11.56
    for _ in range(3):
        record = session.saved(name)
        assert len(record["name"].encode()) <= 255

    assert len(session.names()) == 3


def test_the_manifests_name_is_reserved_in_its_folder(session):
    # S0-05 S0-31; API 11.34, 11.56
    answer = session.put("attachments_manifest.json", b"{}")
    elsewhere = session.put("attachments_manifest.json", b"{}", dir="other")

    assert (answer.status, answer.code) == (400, "name_invalid")
    assert elsewhere.status == 201


def test_the_manifest_is_not_listed_counted_announced_or_registered(session):
    # S0-05 S0-67; API 11.34
    session.saved("a.csv")
    session.call("POST", "/scan")
    path = "attachments/attachments_manifest.json"

    assert [record["path"] for record in session.files()] == ["attachments/a.csv"]
    assert session.call("GET").json()["attachments"] == 1
    assert len(session.events()) == 1
    assert session.register(path).status in {400, 404}
    assert session.server.call("GET", f"/files/download{query(path=f'{session.id}/{path}')}").status == 404


def test_a_file_that_a_kernel_named_in_nfd_is_found_by_both_forms(server, session):
    # C2; API 11.19
    record = session.made("cafe\u0301.csv", b"made by a kernel")

    for name in ("cafe\u0301.csv", "caf\u00e9.csv"):
        answer = server.call("GET", f"/files/download{query(path=f'{session.id}/{name}')}")
        if name == record["name"]:
            assert answer.body == b"made by a kernel"


def test_names_of_the_disk_that_are_no_utf_8_break_nothing(server, session):
    # S3-22; API 11.19
    with open(bytes(session.folder) + b"/bad\xff.csv", "wb") as file:  # noqa: PTH123
        file.write(b"x")
    session.saved("a.csv")

    scan = session.call("POST", "/scan")
    listed = server.call("GET", f"/files{query(path=session.id)}")
    zipped = session.call("GET", "/download")

    assert (scan.status, listed.status, zipped.status) == (200, 200, 200)
    assert [record["name"] for record in session.files()] == ["a.csv"]
    assert "bad" not in json.dumps(listed.json())


def test_names_that_no_upload_could_have_are_reported_and_not_listed(server, session):
    # C2; API 11.35
    for name in ("bad\nname.csv", "trailing ", "back\\slash"):
        (session.folder / name).write_text("x")

    session.call("POST", "/scan")

    assert session.files() == []
    problems = [
        problem
        for problem in server.call("GET", "/").json()["problems"]
        if problem["session_id"] == session.id
    ]
    assert len(problems) >= 1
