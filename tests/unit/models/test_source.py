import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_workspace.errors import BodyInvalid
from jupyter_workspace.models.source import Address, DataUri, parse_source
from jupyter_workspace.models.uri import WorkspaceUri
from jupyter_workspace.policy.naming import SESSION_ID_PATTERN

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(st.from_regex(SESSION_ID_PATTERN, fullmatch=True), TEXT)
def test_a_reference_reads_back(session_id, path):
    uri = WorkspaceUri(session_id, path)

    assert WorkspaceUri.parse(str(uri)) == uri
    assert parse_source(str(uri)) == uri
    assert str(uri).isascii()


def test_the_media_type_behind_a_reference_is_ignored():
    assert WorkspaceUri.parse("workspace://churn/plots/a.png#image/png") == WorkspaceUri(
        "churn", "plots/a.png"
    )


@pytest.mark.parametrize(
    "text", ["", "churn/a", "workspace://", "workspace://churn", "workspace://churn/", "workspace:///a"]
)
def test_what_names_no_file_is_no_reference(text):
    with pytest.raises(BodyInvalid):
        WorkspaceUri.parse(text)


@given(st.binary())
def test_any_content_comes_back_from_a_data_uri(content):
    text = f"data:image/png;base64,{base64.b64encode(content).decode()}"

    assert parse_source(text) == DataUri("image/png", content)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data:,a%20b", DataUri("text/plain", b"a b")),
        ("DATA:Text/CSV;charset=utf-8,1%2C2", DataUri("text/csv", b"1,2")),
        ("data:application/x;BASE64,aGk %0A=", DataUri("application/x", b"hi")),
        ("data:;base64,aGk=", DataUri("text/plain", b"hi")),
    ],
)
def test_a_data_uri_is_read_as_rfc_2397_has_it(text, expected):
    assert parse_source(text) == expected


@pytest.mark.parametrize(
    "text", ["data:text/plain", "data:;base64,a", "data:;base64,aGk=aGk=", "just words", ""]
)
def test_what_is_no_source_is_refused(text):
    with pytest.raises(BodyInvalid):
        parse_source(text)


def test_everything_with_a_scheme_is_an_address():
    assert parse_source("s3://bucket/key") == Address("s3://bucket/key")


@pytest.mark.parametrize(
    ("mime", "name"), [("image/png", "attachment.png"), ("x/unheard-of", "attachment.bin")]
)
def test_content_without_a_name_is_named_by_its_type(mime, name):
    assert DataUri(mime, b"").default_name == name


@given(TEXT)
def test_no_text_brings_anything_but_our_own_error(text):
    for start in ("", "data:", "data:;base64,", "workspace://"):
        try:
            parse_source(start + text)
        except BodyInvalid:
            continue
