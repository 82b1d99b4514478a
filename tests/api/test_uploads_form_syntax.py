"""How a form may be written, and how not: names of files, boundaries, line ends."""

from __future__ import annotations

import os

import pytest
from api.running import leftovers, refused_without_a_trace
from api.wire import Part, file_part, form, text_part


def named(disposition, content=b"x"):
    """A file part whose Content-Disposition ends in these very characters."""
    return Part(b'Content-Disposition: form-data; name="file"; ' + disposition, content)


def sent(session, body, content_type="multipart/form-data; boundary=frontier"):
    return session.post(body=body, headers={"Content-Type": content_type})


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
