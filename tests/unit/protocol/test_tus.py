import base64
import hashlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.httputil import HTTPHeaders

from jupyter_workspace.errors import (
    ChecksumMismatch,
    MethodNotAllowed,
    OffsetMismatch,
    ParameterInvalid,
    TusVersion,
    TypeRefused,
)
from jupyter_workspace.protocol import tus
from jupyter_workspace.protocol.tus import Checksum, Creation, Patch

SHA1 = hashlib.sha1(b"hello").digest()
SHA1_TEXT = base64.b64encode(SHA1).decode()
BAD_NUMBERS = [
    "",
    "-1",
    "1.5",
    "0x1",
    "+0",
    " 1",
    "1_0",
    "18446744073709551617",
    "9223372036854775808",
    "\uff11",
    "٣",
    "9" * 30,
]


def refused(parse, *arguments, **named):
    with pytest.raises(ParameterInvalid) as caught:
        parse(*arguments, **named)
    return caught.value.facts["parameter"]


@pytest.mark.parametrize("name", ["Tus-Resumable", "Upload-Length", "Upload-Defer-Length", "upload-concat"])
def test_one_of_four_headers_makes_a_post_tus(name):
    assert tus.is_tus(HTTPHeaders({name: ""}))


def test_a_form_is_not_tus():
    assert not tus.is_tus(HTTPHeaders({"Content-Type": "multipart/form-data"}))


def test_only_our_version_is_spoken():
    tus.check_version({"Tus-Resumable": "1.0.0"})
    for headers in ({}, {"Tus-Resumable": "0.2.2"}):
        with pytest.raises(TusVersion):
            tus.check_version(headers)


@pytest.mark.parametrize(
    ("method", "override", "expected"),
    [
        ("POST", None, "POST"),
        ("POST", "patch", "PATCH"),
        ("POST", "DELETE", "DELETE"),
        ("POST", "HEAD", "HEAD"),
        ("PATCH", "PATCH", "PATCH"),
    ],
)
def test_the_override_is_the_method(method, override, expected):
    assert tus.effective_method(method, override) == expected


@pytest.mark.parametrize(("method", "override"), [("POST", "GET"), ("GET", "DELETE"), ("POST", "x" * 99)])
def test_another_override_is_refused(method, override):
    with pytest.raises(MethodNotAllowed):
        tus.effective_method(method, override)


def test_a_creation_is_read():
    headers = {
        "Upload-Length": "9223372036854775807",
        "Upload-Metadata": "filename Z3LDtsOfZQ==, dir QQ==,empty ,none",
        "Upload-Concat": "partial",
        "Content-Type": "application/offset+octet-stream; x=y",
        "Upload-Checksum": f"sha1 {SHA1_TEXT}",
    }

    assert tus.parse_creation(headers) == Creation(
        length=2**63 - 1,
        metadata={"filename": "größe", "dir": "A", "empty": "", "none": ""},
        concat="partial",
        brings_bytes=True,
        checksum=Checksum("sha1", SHA1),
    )


def test_a_length_may_be_deferred():
    assert tus.parse_creation({"Upload-Defer-Length": "1"}) == Creation(length=None, metadata={})


def test_a_final_upload_names_its_parts_in_order():
    creation = tus.parse_creation({"Upload-Concat": "final;/a/upl_2  /a/upl_1 /a/upl_2"})

    assert creation == Creation(
        length=None, metadata={}, concat="final", parts=("/a/upl_2", "/a/upl_1", "/a/upl_2")
    )


@pytest.mark.parametrize(
    ("headers", "parameter"),
    [
        ({}, "Upload-Length"),
        *[({"Upload-Length": text}, "Upload-Length") for text in BAD_NUMBERS],
        ({"Upload-Length": "1", "Upload-Defer-Length": "1"}, "Upload-Defer-Length"),
        ({"Upload-Defer-Length": "2"}, "Upload-Defer-Length"),
        ({"Upload-Defer-Length": ""}, "Upload-Defer-Length"),
        ({"Upload-Concat": "final;/a", "Upload-Length": "1"}, "Upload-Length"),
        ({"Upload-Concat": "final;/a", "Upload-Defer-Length": "1"}, "Upload-Length"),
        ({"Upload-Concat": "final;"}, "Upload-Concat"),
        ({"Upload-Concat": "final"}, "Upload-Concat"),
        ({"Upload-Concat": ""}, "Upload-Concat"),
        ({"Upload-Concat": "whole;/a"}, "Upload-Concat"),
        ({"Upload-Length": "1", "Upload-Metadata": "a !"}, "Upload-Metadata"),
        ({"Upload-Length": "1", "Upload-Checksum": "md5 AAAA"}, "Upload-Checksum"),
    ],
)
def test_a_malformed_creation_is_refused_by_the_headers_name(headers, parameter):
    assert refused(tus.parse_creation, headers) == parameter


def test_a_patch_is_read():
    headers = {"Content-Type": "Application/Offset+Octet-Stream", "Upload-Offset": "0"}

    assert tus.parse_patch(headers) == Patch(0, None, None)
    assert tus.parse_patch({**headers, "Upload-Length": "5"}) == Patch(0, 5, None)


@pytest.mark.parametrize("text", BAD_NUMBERS)
@pytest.mark.parametrize("name", ["Upload-Offset", "Upload-Length"])
def test_a_malformed_number_of_a_patch_is_refused_by_the_headers_name(name, text):
    headers = {"Content-Type": tus.OFFSET_TYPE, "Upload-Offset": "0", name: text}

    assert refused(tus.parse_patch, headers) == name


def test_a_patch_without_an_offset_or_with_another_type_is_refused():
    assert refused(tus.parse_patch, {"Content-Type": tus.OFFSET_TYPE}) == "Upload-Offset"
    with pytest.raises(TypeRefused):
        tus.parse_patch({"Upload-Offset": "0"})


def test_a_piece_must_begin_where_the_bytes_end():
    tus.check_offset(5, 5)

    with pytest.raises(OffsetMismatch) as caught:
        tus.check_offset(6, 5)
    assert caught.value.facts == {"offset": 5}


def test_a_checksum_is_read_and_compared():
    checksum = tus.parse_checksum(f"sha1 {SHA1_TEXT}")

    checksum.check(hashlib.sha1(b"hello").digest())
    with pytest.raises(ChecksumMismatch):
        checksum.check(hashlib.sha1(b"other").digest())


@pytest.mark.parametrize(
    "value",
    [
        "",
        "sha1",
        "sha1 !",
        "sha1 AAAA",
        f"SHA1 {SHA1_TEXT}",
        f"crc32 {SHA1_TEXT}",
        f"sha256 {SHA1_TEXT}",
        "sha1 é",
    ],
)
def test_a_malformed_or_unknown_checksum_is_refused(value):
    assert refused(tus.parse_checksum, value) == "Upload-Checksum"


@pytest.mark.parametrize("value", [None, "", "  "])
def test_empty_metadata_has_no_keys(value):
    assert tus.parse_metadata(value) == {}


@pytest.mark.parametrize(
    "value",
    [
        "a QQ==,a QQ==",
        "a QQ",
        "a Q Q==",
        " QQ==,b",
        "a QQ==, Qg==",
        "a QQ==, QUJD",
        "a,,b",
        "a,",
        "é QQ==",
        "a\0 QQ==",
        "a /w==",
        "a é",
        "a " + "A" * 16_384,
    ],
)
def test_malformed_metadata_is_refused(value):
    assert refused(tus.parse_metadata, value) == "Upload-Metadata"


@given(
    st.dictionaries(
        st.text(
            st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=",="),
            min_size=1,
            max_size=9,
        ),
        st.text(),
        max_size=4,
    )
)
def test_metadata_that_is_written_reads_back(metadata):
    assert tus.parse_metadata(tus.format_metadata(metadata)) == metadata


@given(st.text(), st.text())
def test_no_header_brings_anything_but_our_own_error(name, text):
    for parse in (tus.parse_metadata, tus.parse_checksum):
        try:
            parse(text)
        except ParameterInvalid:
            continue
    for url in (text, f"http://{text}", f"/a/{text}"):
        try:
            assert tus.part_id(url, collection="/a", host="x").isascii()
        except ParameterInvalid:
            continue


@pytest.mark.parametrize(
    "url",
    [
        "/user/ann%40x/api/uploads/s/upl_1",
        "/user/ann@x/api/uploads/s/upl_1",
        "https://host:1/user/ann@x/api/uploads/s/upl_1",
        "//host:1/user/ann@x/api/uploads/s/upl_1?a#b",
    ],
)
def test_a_parts_url_names_its_upload(url):
    assert tus.part_id(url, collection="/user/ann%40x/api/uploads/s/", host="host:1") == "upl_1"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "upl_1",
        "/etc/passwd",
        "file:///a/upl_1",
        "http://other/a/upl_1",
        "/a/..%2fupl_1",
        "/a/upl_1%00",
        "/a/",
        "/b/upl_1",
        "/a/b/upl_1",
        "http://[x/a/upl_1",
        "/a/" + "u" * 65,
    ],
)
def test_any_other_url_is_no_part(url):
    assert refused(tus.part_id, url, collection="/a", host="host") == "Upload-Concat"


def test_options_tells_what_is_offered():
    headers = tus.options_headers(0)

    assert headers["Tus-Version"] == "1.0.0"
    assert headers["Tus-Checksum-Algorithm"] == "sha1,sha256"
    assert "concatenation" in headers["Tus-Extension"]
    assert "Tus-Max-Size" not in headers
    assert tus.options_headers(5)["Tus-Max-Size"] == "5"


def test_head_tells_the_state_of_an_upload():
    assert tus.status_headers(offset=3, length=5, metadata={"a": "x"}, concat="partial") == {
        "Cache-Control": "no-store",
        "Upload-Offset": "3",
        "Upload-Length": "5",
        "Upload-Metadata": "a eA==",
        "Upload-Concat": "partial",
    }
    assert tus.status_headers(offset=0, length=None, metadata={}, concat=None) == {
        "Cache-Control": "no-store",
        "Upload-Offset": "0",
        "Upload-Defer-Length": "1",
    }


@pytest.mark.parametrize("attachment_id", [None, "att_1"])
def test_an_answer_tells_offset_expiry_and_what_the_upload_became(attachment_id):
    expires_at = datetime(2026, 11, 28, 4, 0, 5, 999, tzinfo=UTC)

    headers = tus.answer_headers(offset=7, expires_at=expires_at, attachment_id=attachment_id)

    assert headers.pop("Upload-Attachment-Id", None) == attachment_id
    assert headers == {"Upload-Offset": "7", "Upload-Expires": "Sat, 28 Nov 2026 04:00:05 GMT"}
