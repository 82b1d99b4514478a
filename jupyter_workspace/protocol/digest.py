"""Digest fields of RFC 9530, as dictionaries of RFC 8941: which bytes a sender says it sent."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final

from jupyter_workspace.errors import ParameterInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

KNOWN: Final[Mapping[str, int]] = {"sha-256": 32, "sha-512": 64}
"""Algorithm -> length of its digest in bytes; for `hashlib` drop the hyphen."""

_PARAMETERS: Final = r'(?:;[ ]*[a-z*][a-z0-9_.*-]*(?:=(?:"(?:[^"\\]|\\["\\])*+"|[^\s",;]+))?)*'
_MEMBER: Final = re.compile(r"([a-z*][a-z0-9_.*-]*)=(:[A-Za-z0-9+/=]*:|[0-9]{1,2})" + _PARAMETERS)
_COMMA: Final = re.compile(r"[ \t]*,[ \t]*")


def parse_repr_digest(value: str) -> dict[str, bytes]:
    """Algorithm -> digest, of every algorithm in a `Repr-Digest` header, known or not.

    Raises ParameterInvalid, with the header as `parameter`, when it is malformed or a known algorithm's
    digest has another length than it can have.
    """
    digests: dict[str, bytes] = {}
    for algorithm, item in _members(value, "Repr-Digest"):
        digests[algorithm] = _bytes(item)
        if len(digests[algorithm]) != KNOWN.get(algorithm, len(digests[algorithm])):
            raise _malformed("Repr-Digest")
    return digests


def format_repr_digest(digests: Mapping[str, bytes]) -> str:
    """The `Repr-Digest` header that says these digests."""
    return ", ".join(f"{name}=:{base64.b64encode(digest).decode()}:" for name, digest in digests.items())


def parse_want_digest(value: str) -> dict[str, int]:
    """Algorithm -> preference, 0 (not acceptable) to 10, of a `Want-Repr-Digest` header.

    Raises ParameterInvalid, with the header as `parameter`, when it is malformed.
    """
    wanted: dict[str, int] = {}
    for algorithm, item in _members(value, "Want-Repr-Digest"):
        if not item.isdigit() or int(item) > 10:  # noqa: PLR2004  # RFC 9530, 4
            raise _malformed("Want-Repr-Digest")
        wanted[algorithm] = int(item)
    return wanted


def _members(value: str, header: str) -> list[tuple[str, str]]:
    text = value.strip(" ")
    found: list[tuple[str, str]] = []
    position = 0
    while match := _MEMBER.match(text, position):
        found.append((match[1], match[2]))
        if match.end() == len(text):
            return found
        comma = _COMMA.match(text, match.end())
        if comma is None:
            break
        position = comma.end()
    raise _malformed(header)


def _bytes(item: str) -> bytes:
    encoded = item.strip(":")
    try:
        # RFC 8941, 4.2.7: a parser should not insist upon the padding.
        return base64.b64decode(encoded.rstrip("=") + "=" * (-len(encoded.rstrip("=")) % 4), validate=True)
    except binascii.Error as error:
        raise _malformed("Repr-Digest") from error


def _malformed(header: str) -> ParameterInvalid:
    hint = "Send, for example, 'sha-256=:<base64 of the digest>:'." if header == "Repr-Digest" else None
    return ParameterInvalid(f"The header {header} is malformed.", hint=hint, parameter=header)
