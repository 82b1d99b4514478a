from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_workspace.errors import FormInvalid
from jupyter_workspace.protocol.disposition import (
    FormDisposition,
    content_disposition,
    parse_form_disposition,
    parse_parameters,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.csv", "attachment; filename=\"a.csv\"; filename*=UTF-8''a.csv"),
        ("a b.csv", "attachment; filename=\"a b.csv\"; filename*=UTF-8''a%20b.csv"),
        ('a"b.csv', 'attachment; filename="a\\"b.csv"; filename*=UTF-8\'\'a%22b.csv'),
        ("100%41.csv", "attachment; filename=\"100_41.csv\"; filename*=UTF-8''100%2541.csv"),
        ("Größe.csv", "attachment; filename=\"Gro_e.csv\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.csv"),
        ("日本.csv", "attachment; filename=\"__.csv\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.csv"),
        ("℀.txt", "attachment; filename=\"a_c.txt\"; filename*=UTF-8''%E2%84%80.txt"),
        ("a\r\nX: 1\0", "attachment; filename=\"aX: 1\"; filename*=UTF-8''aX%3A%201"),
        ("\n", "attachment; filename=\"download\"; filename*=UTF-8''download"),
    ],
)
def test_a_name_is_written_in_ascii_and_exactly(name, expected):  # S0-81, S2-49
    assert content_disposition("attachment", name) == expected


def test_the_kind_comes_first():
    assert content_disposition("inline", "a.png").startswith("inline; filename=")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_another_parser_reads_the_same_name(name):
    value = content_disposition("attachment", name)

    # The standard library's parser does not know that `filename*` wins, so it gets that one alone.
    message = Message()
    message["Content-Disposition"] = f"attachment; filename*={value.rpartition('filename*=')[2]}"
    charset, _, raw = message.get_param("filename", header="Content-Disposition")
    assert (charset, raw.encode("latin-1").decode("utf-8")) == ("UTF-8", name)


@given(st.text())
def test_the_wire_form_is_printable_ascii_and_reads_back(name):
    value = content_disposition("inline", name)

    assert value.isascii()
    assert value.isprintable()
    assert parse_form_disposition(value.replace("inline", "form-data; name=x", 1)).name == "x"


@pytest.mark.parametrize(
    ("value", "name", "filename"),
    [
        ('form-data; name="file"', "file", None),
        ("FORM-DATA;name=file;filename=a.csv", "file", "a.csv"),
        ('form-data; name="file"; filename=""', "file", ""),
        ('form-data; filename="a\\"b.csv"; name="file"', "file", 'a"b.csv'),
        ('form-data; name="file"; filename="a\\\\b"', "file", "a\\b"),
        ('form-data; name="file"; filename="C:\\dir\\a.csv"', "file", "C:\\dir\\a.csv"),
        ('form-data; name="file"; filename="a%22b.csv"', "file", "a%22b.csv"),
        ('form-data; name="file"; filename="Größe.csv";', "file", "Größe.csv"),
        ("form-data; name=file; filename=\"x\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe", "file", "Größe"),
        ("form-data; name=file; filename*=iso-8859-1'de'Gr%F6", "file", "Grö"),
        ('form-data ; \t name = "file" ; ; charset="x"', "file", None),
        ('form-data; name="a;b=c"', "a;b=c", None),
        ('form-data; name="file"; filename="a\0b"', "file", "a\0b"),
    ],
)
def test_a_parts_names_are_read_as_browsers_write_them(value, name, filename):
    assert parse_form_disposition(value) == FormDisposition(name, filename)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "form-data",
        "attachment; name=file",
        'form-data; filename="a"',
        'form-data; name="file"; filename="a"; filename="b"',
        'form-data; name="file"; name="file"',
        'form-data; name="file',
        'form-data; name="file\\"',
        'form-data; name="file" x',
        "form-data; name",
        "form-data; name=file; filename*=a.csv",
        "form-data; name=file; filename*=utf-16''a",
        "form-data; name=file; filename*=UTF-8''%FF",
        "form-data; name=file; filename*=UTF-8''%4",
        "form-data; name=file; filename*=UTF-8''é",
    ],
)
def test_a_malformed_disposition_is_refused(value):
    with pytest.raises(FormInvalid):
        parse_form_disposition(value)


def test_a_long_unfinished_string_is_refused_at_once():
    with pytest.raises(FormInvalid):
        parse_form_disposition('form-data; name="' + "\\\\" * 8000 + "\\")


@given(st.text(st.sampled_from("form-data; =\"\\'*%4é") | st.characters()))
def test_no_text_brings_anything_but_our_own_error(text):
    for value in (
        text,
        f"form-data; {text}",
        f'form-data; name="{text}"',
        f"form-data; name=x; filename*={text}",
    ):
        try:
            parse_form_disposition(value)
        except FormInvalid:
            continue


def test_other_headers_are_read_by_the_same_rules():
    assert parse_parameters('Multipart/Form-Data; Boundary="a b"') == (
        "multipart/form-data",
        {"boundary": "a b"},
    )
