import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_workspace.errors import Forbidden, ParameterInvalid
from jupyter_workspace.policy.fetch import Target, check_addresses, check_url, is_public


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://example.org/a?b#c", Target("https", "example.org", 443)),
        ("HTTP://Example.org:8080", Target("http", "example.org", 8080)),
        ("http://[2001:db8::1]/", Target("http", "2001:db8::1", 80)),
    ],
)
def test_an_http_url_has_a_target(url, target):
    assert check_url(url) == target


@pytest.mark.parametrize(
    "url",
    [
        "",
        "file:///etc/passwd",
        "gopher://x/",
        "//example.org/",
        "https://",
        "https://user@example.org/",
        "https://user:secret@example.org/",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://example.org:x/",
        "https://[::1/",
        "https://exa mple.org/",
        "https://example.org\\@other/",
        "https://example.org/\r\nX: 1",
        "https://größe.example/",
        "https://example.org/" + "x" * 3000,
    ],
)
def test_any_other_url_is_refused_by_the_parameters_name(url):
    with pytest.raises(ParameterInvalid) as caught:
        check_url(url)

    assert caught.value.facts == {"parameter": "source"}


@given(st.text())
def test_no_text_brings_anything_but_our_own_error(text):
    for url in (text, f"https://{text}"):
        try:
            check_url(url)
        except ParameterInvalid:
            continue


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
)
def test_a_public_address_may_be_fetched_from(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "0177.0.0.1",
        "localhost",
        "",
    ],
)
def test_an_inner_address_or_none_may_not(address):
    assert not is_public(address)
    with pytest.raises(Forbidden):
        check_addresses(["93.184.216.34", address])


def test_a_host_without_an_address_is_refused():
    with pytest.raises(Forbidden):
        check_addresses([])


def test_a_host_with_public_addresses_only_passes():
    check_addresses(["93.184.216.34", "2606:2800:220:1::1"])
