"""Uploads by form, in all the forms that forms take."""

from __future__ import annotations

import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from api.running import BASE_URL, refused_without_a_trace, sha256
from api.wire import Part, chunked, file_part, form, form_type, text_part


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
