"""Uploads by form, in all the forms that forms take."""

from __future__ import annotations

import json
import os
import secrets
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from api.running import BASE_URL, leftovers, sha256
from api.wire import Part, chunked, file_part, form, form_type, text_part


def named(disposition, content=b"x"):
    """A file part whose Content-Disposition ends in these very characters."""
    return Part(b'Content-Disposition: form-data; name="file"; ' + disposition, content)


def sent(session, body, content_type="multipart/form-data; boundary=frontier"):
    return session.post(body=body, headers={"Content-Type": content_type})


def refused_without_a_trace(server, session, answer, code="form_invalid"):
    assert (answer.status, answer.code) == (400, code), answer.text()
    assert (session.names(), session.attachments(), session.events(), leftovers(server)) == ([], [], [], [])


def test_one_file_gives_its_record(session):
    # S0-01 S0-02 S1-06 S1-10 S1-15 S2-45 S4-01 C3 C27; API 4, 11.18
    content = b"a,b\r\n1,2\r\n"

    answer = session.post(file_part(content, "sales.csv", mime="text/x-lie"))

    record = answer.json()
    assert answer.status == 201
    assert answer.headers["Location"] == (
        f"{BASE_URL}api/workspace/sessions/{session.id}/artifacts/{record['attachment_id']}"
    )
    assert (record["name"], record["path"], record["size"]) == (
        "sales.csv",
        "attachments/sales.csv",
        len(content),
    )
    assert (record["mime"], record["declared_mime"], record["source"]) == ("text/csv", "text/x-lie", "upload")
    assert record["sha256"] == sha256(content)
    assert session.content(record["attachment_id"]).body == content


def test_many_files_give_a_list(session):
    # S3-25 S3-30 C3; API 4, 11.18
    answer = session.post(*(file_part(b"%d" % n, f"{n}.csv", field="files") for n in range(3)))

    assert answer.status == 201
    assert "Location" not in answer.headers
    assert set(answer.json()) == {"count", "saved"}
    assert answer.json()["count"] == 3
    assert [record["name"] for record in answer.json()["saved"]] == ["0.csv", "1.csv", "2.csv"]
    assert [record["size"] for record in answer.json()["saved"]] == [1, 1, 1]


def test_one_part_named_files_gives_a_list_of_one(session):
    # C3; API 4
    answer = session.post(file_part(b"x", field="files"))

    assert (answer.status, answer.json()["count"], len(answer.json()["saved"])) == (201, 1, 1)


def test_several_files_of_one_name_get_numbers(session):
    # S0-12 C1; API 4
    saved = session.post(*(file_part(b"x", "a.csv", field="files") for _ in range(3))).json()["saved"]

    assert [record["name"] for record in saved] == ["a.csv", "a (1).csv", "a (2).csv"]


def test_a_hundred_files_are_taken(session):
    # C3; API 4, 11.17
    answer = session.post(*(file_part(b"x", f"{n}.csv", field="files") for n in range(100)))

    assert (answer.status, answer.json()["count"]) == (201, 100)


def test_a_hundred_and_one_files_are_refused(server, session):
    # S3-32 C3; API 11.17
    answer = session.post(*(file_part(b"x", f"{n}.csv", field="files") for n in range(101)))

    refused_without_a_trace(server, session, answer)


def test_one_bad_name_among_many_leaves_nothing_of_the_others(server, session):
    # S3-28 S3-32 C3; API 4
    parts = [file_part(b"x", name, field="files") for name in ("a.csv", "b.csv", "..", "c.csv")]

    refused_without_a_trace(server, session, session.post(*parts), "name_invalid")


def test_one_taken_name_among_many_leaves_nothing_of_the_others(session):
    # S3-32 C1 C3; API 4
    session.saved("b.csv")
    parts = [file_part(b"x", name, field="files") for name in ("a.csv", "b.csv", "c.csv")]

    answer = session.post(text_part("on_conflict", "error"), *parts)

    assert (answer.status, answer.code) == (409, "name_taken")
    assert session.names() == ["attachments/b.csv"]


def test_several_files_of_which_one_is_replaced_are_new(session):
    # C27; API 11.18
    session.saved("b.csv")
    parts = [file_part(b"x", name, field="files") for name in ("a.csv", "b.csv")]

    mixed = session.post(text_part("on_conflict", "replace"), *parts)
    again = session.post(text_part("on_conflict", "replace"), *parts)

    assert (mixed.status, again.status) == (201, 200)


@pytest.mark.parametrize(
    "parts",
    [
        (file_part(b"x", "a", field="file"), file_part(b"x", "b", field="files")),
        (file_part(b"x", "a", field="files"), file_part(b"x", "b", field="file")),
        (file_part(b"x", "a"), file_part(b"x", "b")),
    ],
)
def test_both_names_or_two_of_the_single_one_are_refused(server, session, parts):
    # C3; API 4
    refused_without_a_trace(server, session, session.post(*parts))


@pytest.mark.parametrize("parts", [(), (text_part("dir", "x"),), (file_part(b"x", field="data"),)])
def test_a_form_without_a_file_is_refused(server, session, parts):
    # S1-13 S3-31 C3; API 4
    refused_without_a_trace(server, session, session.post(*parts), "file_missing")


def test_text_parts_may_come_before_and_after_the_file(session):
    # S1-07 S1-08; API 4 Text parts, in any order
    texts = [
        text_part("dir", "docs/deep/"),
        text_part("filename", "b.txt"),
        text_part("metadata", '{"a": [1]}'),
    ]

    for parts in (
        [*texts, file_part(b"1")],
        [file_part(b"2"), *texts],
        [texts[1], file_part(b"3"), texts[0], texts[2]],
    ):
        record = session.post(*parts).json()
        assert record["path"].startswith("docs/deep/b")
        assert record["metadata"] == {"a": [1]}


def test_each_text_part_does_what_its_query_parameter_would(session):
    # S1-07 S1-08 C1 C29; API 4
    session.post(file_part(b"old"), text_part("dir", "."))

    answer = session.post(text_part("dir", ""), file_part(b"new"), text_part("on_conflict", "replace"))

    assert (answer.status, answer.json()["path"], answer.json()["version"]) == (200, "a.csv", 2)


def test_an_empty_filename_field_is_no_filename(session):
    # API 11.15
    assert session.post(text_part("filename", ""), file_part(b"x", "a.csv")).json()["name"] == "a.csv"


def test_a_filename_field_for_several_files_is_refused(server, session):
    # API 11.15
    parts = [file_part(b"x", name, field="files") for name in ("a", "b")]

    refused_without_a_trace(server, session, session.post(text_part("filename", "c"), *parts))


@pytest.mark.parametrize("field", ["dir", "filename", "on_conflict", "metadata"])
def test_a_text_part_that_comes_twice_is_refused(server, session, field):
    # API 11.15
    answer = session.post(text_part(field, "{}"), text_part(field, "{}"), file_part(b"x"))

    refused_without_a_trace(server, session, answer)


def test_unknown_text_parts_are_ignored(session):
    # API 11.9
    assert session.post(text_part("_xsrf", "x"), file_part(b"x"), text_part("", "y")).status == 201


@pytest.mark.parametrize("value", ["[]", "1", "null", "{", '"x"', '{"a": NaN}', "[" * 5000])
def test_metadata_that_is_no_object_is_refused(server, session, value):
    # C17; API 4
    answer = session.post(text_part("metadata", value), file_part(b"x"))

    refused_without_a_trace(server, session, answer, "parameter_invalid")
    assert answer.json()["parameter"] == "metadata"


def test_a_bad_way_out_of_a_conflict_is_refused(server, session):
    # C17; API 4
    answer = session.post(text_part("on_conflict", "overwrite"), file_part(b"x"))

    refused_without_a_trace(server, session, answer, "parameter_invalid")


@pytest.mark.parametrize("field", ["dir", "filename"])
def test_a_text_that_is_no_utf_8_is_refused(server, session, field):
    # API 1 Names
    refused_without_a_trace(server, session, session.post(text_part(field, b"caf\xe9"), file_part(b"x")))


# File names


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        (b'filename="plain.csv"', "plain.csv"),
        (b"filename=token.csv", "token.csv"),
        (b'filename = "spaces.csv"', "spaces.csv"),
        (b'FileName="case.csv"', "case.csv"),
        ('filename="naïve café.csv"'.encode(), "naïve café.csv"),
        ('filename="日本語.csv"'.encode(), "日本語.csv"),
        (b'filename="a;b.csv"', "a;b.csv"),
        (b'filename="a\\"b.csv"', 'a"b.csv'),
        (b'filename="a%22b.csv"', "a%22b.csv"),
        (b'filename="100%.csv"', "100%.csv"),
        (b'filename="%2e%2e%2f.csv"', "%2e%2e%2f.csv"),
        (b'filename="it\'s.csv"', "it's.csv"),
        (b"filename*=UTF-8''na%C3%AFve.csv", "naïve.csv"),
        (b"filename*=utf-8'en'%e2%82%ac.csv", "€.csv"),
        (b"filename=\"old.csv\"; filename*=UTF-8''new.csv", "new.csv"),
        (b"filename*=UTF-8''new.csv; filename=\"old.csv\"", "new.csv"),
        (b"filename*=iso-8859-1''%e9.csv", "é.csv"),
        (b'filename="trailing-semicolon.csv";', "trailing-semicolon.csv"),
        (b'filename="unknown.csv"; size=3; creation-date="x"', "unknown.csv"),
    ],
)
def test_a_file_name_is_read_as_it_was_meant(session, disposition, name):
    # S0-15 S2-49 C2; API 11.47
    answer = session.post(named(disposition))

    assert answer.status == 201, answer.text()
    assert answer.json()["name"] == name
    assert session.names() == [f"attachments/{name}"]


@pytest.mark.parametrize(
    ("disposition", "code"),
    [
        (b'filename=""', "name_invalid"),
        (b"filename*=UTF-8''", "name_invalid"),
        (b'filename="a/b"', "name_invalid"),
        (b'filename="../../etc/passwd"', "name_invalid"),
        (b'filename="C:\\\\x\\\\a.csv"', "name_invalid"),
        (b'filename="C:\\x\\a.csv"', "name_invalid"),
        (b'filename="a\\b.csv"', "name_invalid"),
        (b'filename="a\\\\b.csv"', "name_invalid"),
        (b'filename=".."', "name_invalid"),
        (b'filename="a.csv "', "name_invalid"),
        (b'filename="a."', "name_invalid"),
        (b'filename=".hidden"', "name_invalid"),
        (b"filename*=UTF-8''..%2F..%2Fx", "name_invalid"),
        (b"filename*=UTF-8''a%00b", "name_invalid"),
        (b"filename*=UTF-8''a%0Ab", "name_invalid"),
        (b'filename="' + b"x" * 256 + b'"', "name_invalid"),
        (b'filename="a\tb"', "name_invalid"),
        (b'filename="a"; filename="b"', "form_invalid"),
        (b'filename="a"; FILENAME="b"', "form_invalid"),
        (b"filename*=UTF-8''a; filename*=UTF-8''b", "form_invalid"),
        (b"filename*=UTF-8''%ff", "form_invalid"),
        (b"filename*=a.csv", "form_invalid"),
        (b'filename="caf\xe9.csv"', "form_invalid"),
    ],
)
def test_a_file_name_that_cannot_be_is_refused(server, session, disposition, code):
    # S0-15 S1-13 S3-28 S4-05 S4-06 C2; API 1 Names, 11.15, 11.47
    refused_without_a_trace(server, session, session.post(named(disposition)), code)


def test_a_part_without_a_file_name_is_upload_bin(session):
    # S0-08 S4-04; API 11.15
    assert session.post(file_part(b"x", None)).json()["name"] == "upload.bin"


def test_the_filename_field_wins_over_a_part_whose_own_name_could_not_be(session):
    # S1-07; API 4 `filename` (overrides)
    assert session.post(file_part(b"x", "a/b"), text_part("filename", "c.csv")).json()["name"] == "c.csv"


# Boundaries and line ends


@pytest.mark.parametrize(
    "boundary",
    ["a", "x" * 70, "----WebKitFormBoundary7MA4YWxkTrZu0gW", "'()+_,-./:=?", "a b", "=_Part_1.2"],
)
def test_a_boundary_may_be_anything_that_the_standard_allows(session, boundary):
    # C3; API 4
    answer = sent(
        session, form(file_part(b"x"), boundary=boundary), f'multipart/form-data; boundary="{boundary}"'
    )

    assert answer.status == 201, answer.text()


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data;boundary=frontier",
        "Multipart/Form-Data; BOUNDARY=frontier",
        "multipart/form-data; charset=utf-8; boundary=frontier",
    ],
)
def test_forms_of_the_content_type(session, content_type):
    # C3; API 4
    assert sent(session, form(file_part(b"x")), content_type).status == 201


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "text/plain",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=" + "x" * 71,
        "multipart/mixed; boundary=frontier",
        "multipart/form-data; boundary=other",
        "",
    ],
)
def test_what_is_no_form_is_refused(server, session, content_type):
    # C3 S1-13; API 4
    refused_without_a_trace(server, session, sent(session, form(file_part(b"x")), content_type))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n",
        b"--frontie",
        b"\r\n--frontie",
        b"\r\n--frontierX".replace(b"X", b"")[:-1],
        b"--frontier",
        b"x\r\n-",
        b"x\r\n--fron\r\n--frontie\r\n",
        b"\r\n\r\n--\r\n",
        b"\0" * 1000,
        b"ends in cr\r",
        b"\r",
        b"\n",
        os.urandom(100_000),
    ],
    ids=range(14),
)
def test_content_that_looks_like_a_boundary_is_kept(session, content):
    # S0-76 S1-15; API 4; RELIABILITY S18
    answer = session.post(file_part(content, "a.bin"))

    assert answer.status == 201
    assert answer.json()["size"] == len(content)
    assert session.content(answer.json()["attachment_id"]).body == content


def test_what_stands_before_and_after_the_form_is_ignored(session):
    # C3; API 4
    answer = sent(
        session, b"preamble\r\nof two lines\r\n" + form(file_part(b"x")) + b"epilogue\r\n--frontier\r\n"
    )

    assert answer.status == 201
    assert session.content(answer.json()["attachment_id"]).body == b"x"


def test_a_last_boundary_needs_no_line_end(session):
    # C3; API 4
    assert sent(session, form(file_part(b"x")).removesuffix(b"\r\n")).status == 201


def test_lines_that_end_in_lf_alone_are_refused(server, session):
    # C3; API 4
    body = form(file_part(b"x")).replace(b"\r\n", b"\n")

    refused_without_a_trace(server, session, sent(session, body))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n",
        b"garbage",
        b"--frontier",
        b"--frontier\r\n",
        b'--frontier\r\nContent-Disposition: form-data; name="file"\r\n',
        form(file_part(b"x")).removesuffix(b"--frontier--\r\n"),
        form(file_part(b"x")).removesuffix(b"--\r\n"),
        form(file_part(b"x"))[:-20],
        form(file_part(b"x")).replace(b"Content-Disposition", b"Content Disposition"),
        form(file_part(b"x")).replace(b"Content-Disposition: ", b""),
        form(file_part(b"x")).replace(b"Content-Disposition: ", b": "),
        form(Part(b"X-Other: 1", b"x")),
        form(Part(b'Content-Disposition: attachment; name="file"', b"x")),
        form(Part(b"Content-Disposition: form-data", b"x")),
        form(
            Part(b'Content-Disposition: form-data; name="file"\r\nContent-Transfer-Encoding: base64', b"eA==")
        ),
        form(
            Part(
                b'Content-Disposition: form-data; name="file"\r\nContent-Disposition: form-data; name="x"',
                b"x",
            )
        ),
        form(Part(b'Content-Disposition: form-data; name="file\r\nX: y', b"x")),
    ],
    ids=range(18),
)
def test_a_broken_form_is_refused(server, session, body):
    # S1-13 C3; API 4; RELIABILITY S18
    answer = sent(session, body)

    assert (answer.status, answer.code in {"form_invalid", "file_missing"}) == (400, True), answer.text()
    assert (session.names(), session.attachments(), leftovers(server)) == ([], [], [])


@pytest.mark.parametrize("encoding", ["binary", "8bit", "7bit", "BINARY"])
def test_an_encoding_that_changes_nothing_is_taken(session, encoding):
    # C3; API 4
    head = (
        f'Content-Disposition: form-data; name="file"; filename="a"\r\nContent-Transfer-Encoding: {encoding}'
    )

    assert session.post(Part(head.encode(), b"x")).status == 201


def test_a_part_may_have_other_headers_in_any_case(session):
    # C3; API 4
    head = b"X-Note: y\r\ncontent-disposition:form-data;name=file;filename=a.csv\r\nCONTENT-LENGTH: 1"

    assert session.post(Part(head, b"x")).json()["name"] == "a.csv"


# Limits of a form


@pytest.mark.parametrize(
    "parts",
    [
        [text_part(f"t{n}", "x") for n in range(17)],
        [text_part("note", "x" * (64 * 1024 + 1))],
        [Part(b'Content-Disposition: form-data; name="t"\r\nX: ' + b"y" * 17_000, b"x")],
    ],
    ids=["17 texts", "64 KiB of text", "16 KiB of header"],
)
def test_a_form_that_is_too_much_is_refused(server, session, parts):
    # API 11.17; RELIABILITY S18
    refused_without_a_trace(server, session, session.post(*parts, file_part(b"x")))


def test_a_form_may_have_sixteen_texts(session):
    # API 11.17
    assert session.post(*(text_part(f"t{n}", "x" * 4000) for n in range(16)), file_part(b"x")).status == 201


# On the wire


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_form_may_come_in_pieces_of_any_size(session, size):
    # S0-09; API 4
    content = secrets.token_bytes(3000)
    body = form(text_part("dir", "docs"), file_part(content, "a.bin"))
    pieces = [body[n : n + size] for n in range(0, len(body), size)]

    answer = session.server.call(
        "POST", f"/uploads/{session.id}", chunked(*pieces), {**form_type(), "Transfer-Encoding": "chunked"}
    )

    assert answer.status == 201
    assert answer.json()["sha256"] == sha256(content)


def test_a_form_whose_connection_breaks_leaves_nothing(server, session):
    # S0-16 S2-33; API 4
    body = form(file_part(bytes(300_000), "a.bin"))

    with server.wire() as wire:
        headers = {**form_type(), "Content-Length": str(len(body))}
        wire.send(server.head("POST", f"/uploads/{session.id}", headers) + body[:-5])

    assert session.post(file_part(b"x", "b.csv")).status == 201
    assert session.names() == ["attachments/b.csv"]
    assert [record["name"] for record in session.attachments()] == ["b.csv"]


def test_twenty_forms_of_one_name_get_twenty_names(session):
    # S0-12 C1; API 4 exclusive creation
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: session.post(file_part(b"%d" % n, "same.csv")), range(20)))

    assert {answer.status for answer in answers} == {201}
    assert {answer.json()["name"] for answer in answers} == {
        "same.csv",
        *(f"same ({n}).csv" for n in range(1, 20)),
    }


def test_a_form_with_a_key_is_taken_once(session):
    # API 4 Idempotency-Key, 11.52
    key = {"Idempotency-Key": secrets.token_hex(8)}
    parts = [file_part(b"%d" % n, f"{n}.csv", field="files") for n in range(3)]

    first, second = (session.post(*parts, headers=key) for _ in range(2))
    other = session.post(file_part(b"x", "0.csv", field="files"), headers=key)

    assert first.status == second.status == 201
    assert first.json() == second.json()
    assert (other.status, other.code) == (409, "key_reused")
    assert len(session.names()) == 3


def test_what_a_form_saved_is_in_the_manifest_beside_it(session):
    # S0-05 S0-11 S0-20; API 1 On disk, 11.34
    record = session.post(file_part(b"x", "a.csv")).json()
    path = session.folder / "attachments/attachments_manifest.json"

    content = read_until(path, lambda text: record["attachment_id"] in text)

    entry = find(json.loads(content), record["attachment_id"])
    assert entry["sha256"] == record["sha256"]
    assert entry["source"] == "upload"
    assert entry["storage"] == "local"
    assert "workspace_path" in entry


def read_until(path, is_right):
    until = time.monotonic() + 5
    while time.monotonic() < until:
        if path.exists() and is_right(text := path.read_text()):
            return text
        time.sleep(0.05)
    raise AssertionError(path.name)


def find(node, name):
    """The object that stands under a key, or has it as its id, anywhere."""
    if isinstance(node, dict):
        if isinstance(node.get(name), dict):
            return node[name]
        if node.get("attachment_id") == name:
            return node
        node = list(node.values())
    return next(
        (found for child in node if isinstance(child, dict | list) and (found := find(child, name))), None
    )
