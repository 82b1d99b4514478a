import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_workspace.errors import ParameterInvalid
from jupyter_workspace.protocol.digest import format_repr_digest, parse_repr_digest, parse_want_digest

SHA = hashlib.sha256(b"hello").digest()
SHA_TEXT = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="


def test_a_digest_is_read():
    assert parse_repr_digest(f"sha-256=:{SHA_TEXT}:") == {"sha-256": SHA}


def test_padding_parameters_and_several_algorithms_are_taken():
    value = f' unknown=:AAA:;q="a\\"b";r ,\t sha-256=:{SHA_TEXT.rstrip("=")}: '

    assert parse_repr_digest(value) == {"unknown": b"\0\0", "sha-256": SHA}


def test_the_last_of_two_digests_counts():
    assert parse_repr_digest(f"x=:AAAA:, x=:{SHA_TEXT}:") == {"x": SHA}


@pytest.mark.parametrize(
    "value",
    [
        "",
        "sha-256",
        "sha-256=abc",
        f"sha-256={SHA_TEXT}",
        "sha-256=:AAAA:",
        "sha-256=5",
        "x=:A:",
        "x=:A=A:",
        f"x=:{SHA_TEXT}:,",
        f"x=:{SHA_TEXT}: y=:AAAA:",
        "SHA-256=:AAAA:",
        "x=:é:",
    ],
)
def test_a_malformed_digest_is_refused_by_the_headers_name(value):
    with pytest.raises(ParameterInvalid) as caught:
        parse_repr_digest(value)

    assert caught.value.facts == {"parameter": "Repr-Digest"}


@given(
    st.dictionaries(st.sampled_from(["md5", "x.y", "*a"]), st.binary(), min_size=1),
    st.binary(min_size=64, max_size=64),
)
def test_what_is_written_reads_back(digests, sha_512):
    digests["sha-512"] = sha_512

    assert parse_repr_digest(format_repr_digest(digests)) == digests


@given(st.text(st.sampled_from('sha-256=:,;"\\ A1')) | st.text())
def test_no_text_brings_anything_but_our_own_error(text):
    for parse in (parse_repr_digest, parse_want_digest):
        try:
            parse(text)
        except ParameterInvalid:
            continue


def test_preferences_are_read():
    assert parse_want_digest("sha-256=1, sha-512=10;x=y, md5=0") == {"sha-256": 1, "sha-512": 10, "md5": 0}


@pytest.mark.parametrize("value", ["sha-256=11", "sha-256=:AAAA:", "sha-256"])
def test_a_malformed_preference_is_refused_by_the_headers_name(value):
    with pytest.raises(ParameterInvalid) as caught:
        parse_want_digest(value)

    assert caught.value.facts == {"parameter": "Want-Repr-Digest"}
