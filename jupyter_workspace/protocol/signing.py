"""Signed tokens: claims in the open, an HMAC-SHA256 over them, and a key id so that keys can rotate.

A token is `<claims>.<key id>.<signature>`, each URL-safe. The claims are JSON in base64url; they are not
secret. Where keys come from and what a scope means is not decided here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from jupyter_workspace.errors import LinkExpired, LinkInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable

MIN_SECRET_BYTES: Final = 32
MAX_TOKEN_LENGTH: Final = 2048

_DOMAIN: Final = b"jupyter_workspace.token.1\0"
_TOKEN: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]{43})")


class SigningKey(Struct, frozen=True):
    """A secret of at least 32 random bytes, and its name in tokens: 1 to 32 letters, digits, `_`, `-`."""

    key_id: str
    secret: bytes


class Claims(Struct, frozen=True):
    """What a token says: what it is good for, until when (Unix seconds, UTC), and for which thing."""

    scope: str
    expires_at: int
    facts: dict[str, Any] = {}


_decoder: Final = msgspec.json.Decoder(Claims)


def sign(claims: Claims, key: SigningKey) -> str:
    """The token of these claims; ValueError when the key is weak or the token would be too long."""
    if len(key.secret) < MIN_SECRET_BYTES:
        message = f"a signing key needs at least {MIN_SECRET_BYTES} bytes"
        raise ValueError(message)
    signed = f"{_base64(msgspec.json.encode(claims))}.{key.key_id}"
    token = f"{signed}.{_signature(signed, key.secret)}"
    if len(token) > MAX_TOKEN_LENGTH or not _TOKEN.fullmatch(token):
        message = "the claims are too long, or the key's id has other characters than it may have"
        raise ValueError(message)
    return token


def verify(token: str, keys: Iterable[SigningKey], *, scope: str, now: float) -> Claims:
    """The claims of a token that one of the keys signed for this scope and that is not over.

    now: Unix seconds. Raises LinkInvalid for a token that was not signed so, LinkExpired for one that was.
    The time that a refusal takes does not tell which part of the token was wrong.
    """
    match = _TOKEN.fullmatch(token) if len(token) <= MAX_TOKEN_LENGTH else None
    if match is None:
        raise LinkInvalid
    secret = next((key.secret for key in keys if key.key_id == match[2]), b"")
    # The texts are compared and not the bytes: the last letter of base64 has bits that decode to nothing.
    is_genuine = hmac.compare_digest(_signature(f"{match[1]}.{match[2]}", secret), match[3])
    if not (is_genuine and secret):
        raise LinkInvalid
    claims = _decoder.decode(base64.urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4)))
    if claims.scope != scope:
        raise LinkInvalid
    if now >= claims.expires_at:
        raise LinkExpired
    return claims


def _signature(signed: str, secret: bytes) -> str:
    return _base64(hmac.digest(secret, _DOMAIN + signed.encode("ascii"), hashlib.sha256))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")
