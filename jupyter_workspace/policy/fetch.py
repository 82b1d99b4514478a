"""Which addresses the server itself may fetch from (against request forgery, CWE-918).

A URL is checked before its host is looked up, and each address that the look-up gives before a connection
to that very address is made; a redirect is a new URL and starts again. Connecting is not done here.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from msgspec import Struct

from jupyter_workspace.errors import Forbidden, ParameterInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_REDIRECTS: Final = 5
MAX_URL_LENGTH: Final = 2048

_PORTS: Final = {"http": 80, "https": 443}
# RFC 6052 and RFC 3056: an IPv4 address stands in the last, or the second to third, group of four bytes.
_NAT64: Final = IPv6Network("64:ff9b::/96")


class Target(Struct, frozen=True):
    """Where a URL leads: `host` is as written, without brackets."""

    scheme: str
    host: str
    port: int


def check_url(url: str, *, parameter: str = "source") -> Target:
    """The target of a URL that may be fetched.

    Raises ParameterInvalid, naming `parameter`, when it is no http(s) URL or carries a user name. Whether
    its host is a public one is told by `check_addresses`, after the look-up.
    """
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError as error:
        raise _refused(url, parameter) from error
    is_plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if not is_plain or len(url) > MAX_URL_LENGTH or split.scheme not in _PORTS or not split.hostname:
        raise _refused(url, parameter)
    if "@" in split.netloc or port == 0:
        raise _refused(url, parameter)
    return Target(split.scheme, split.hostname, port or _PORTS[split.scheme])


def check_addresses(addresses: Iterable[str]) -> None:
    """Raise Forbidden unless there is an address and every one is public.

    addresses: all that the look-up of a host gave, as numbers. One that is not public spoils the others: a
    name that leads to both is a trick.
    """
    found = list(addresses)
    if not found or not all(map(is_public, found)):
        raise Forbidden("This server does not fetch from that address.", hint="Use a public http(s) address.")


def is_public(address: str) -> bool:
    """Whether the address is one of the open Internet, also when it wraps an IPv4 address in IPv6."""
    try:
        number = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(number, IPv6Address) and (inner := _wrapped(number)):
        return is_public(str(inner))
    return number.is_global and not number.is_multicast and not number.is_reserved


def _wrapped(number: IPv6Address) -> IPv4Address | None:
    if number in _NAT64:
        return IPv4Address(int(number) & 0xFFFFFFFF)
    return number.ipv4_mapped or number.sixtofour or (number.teredo[1] if number.teredo else None)


def _refused(url: str, parameter: str) -> ParameterInvalid:
    message = f"{url[:100]!a} cannot be fetched."
    return ParameterInvalid(
        message, hint="Give an http or https URL without a user name.", parameter=parameter
    )
