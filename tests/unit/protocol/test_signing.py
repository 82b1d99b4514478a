import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_workspace.errors import LinkExpired, LinkInvalid
from jupyter_workspace.protocol.signing import Claims, SigningKey, sign, verify

OLD, NEW = SigningKey("2025", b"o" * 32), SigningKey("2026", b"n" * 32)
CLAIMS = Claims("download", 1000, {"link_id": "lnk_x"})
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def test_a_token_says_what_was_signed_until_its_time_is_over():
    token = sign(CLAIMS, NEW)

    assert verify(token, [NEW], scope="download", now=999.9) == CLAIMS
    with pytest.raises(LinkExpired):
        verify(token, [NEW], scope="download", now=1000)


def test_tokens_of_an_older_key_stay_valid_until_the_key_is_dropped():
    token = sign(CLAIMS, OLD)

    assert verify(token, [NEW, OLD], scope="download", now=0) == CLAIMS
    with pytest.raises(LinkInvalid):
        verify(token, [NEW], scope="download", now=0)


def test_a_token_opens_its_own_scope_only():
    with pytest.raises(LinkInvalid):
        verify(sign(CLAIMS, NEW), [NEW], scope="kernel", now=0)


def test_a_key_of_the_same_name_with_another_secret_opens_nothing():
    with pytest.raises(LinkInvalid):
        verify(sign(CLAIMS, NEW), [SigningKey("2026", b"x" * 32)], scope="download", now=0)


def test_every_changed_letter_is_noticed():
    token = sign(CLAIMS, NEW)

    for place, letter in enumerate(token):
        for other in (set(LETTERS[:4] + LETTERS[-4:] + chr(ord(letter) ^ 1)) | {"."}) - {letter}:
            with pytest.raises(LinkInvalid):
                verify(token[:place] + other + token[place + 1 :], [NEW], scope="download", now=0)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t[:-1],
        lambda t: t + "A",
        lambda t: t + "=",
        lambda t: t + "\n",
        lambda _: "",
        lambda t: "A" * 3000 + t,
    ],
)
def test_a_token_of_another_form_is_refused(change):
    with pytest.raises(LinkInvalid):
        verify(change(sign(CLAIMS, NEW)), [NEW], scope="download", now=0)


def test_an_unknown_key_does_not_open_with_an_empty_secret():
    text = base64.urlsafe_b64encode(b'{"scope":"download","expires_at":9}').decode().rstrip("=")

    with pytest.raises(LinkInvalid):
        verify(f"{text}.none.{'A' * 43}", [], scope="download", now=0)


@given(st.text())
def test_no_text_brings_anything_but_our_own_error(text):
    with pytest.raises(LinkInvalid):
        verify(text, [NEW], scope="download", now=0)


@given(
    st.text(max_size=20),
    st.integers(1, 2**60),
    st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=4),
)
def test_any_claims_come_back(scope, expires_at, facts):
    claims = Claims(scope, expires_at, facts)

    assert verify(sign(claims, NEW), [NEW], scope=scope, now=0) == claims


def test_a_weak_key_and_claims_that_fit_no_url_are_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        sign(CLAIMS, SigningKey("a", b"short"))
    with pytest.raises(ValueError, match="too long"):
        sign(Claims("a", 1, {"a": "x" * 2000}), NEW)
    with pytest.raises(ValueError, match="other characters"):
        sign(CLAIMS, SigningKey("a.b", b"x" * 32))
