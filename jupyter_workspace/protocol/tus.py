"""tus 1.0.0: its headers read into values and written from them (tus.io, protocol of 2016-03-25).

The core and the extensions creation, creation-with-upload, creation-defer-length, expiration, checksum,
termination and concatenation. Storing bytes and finding uploads is not done here.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from jupyter_workspace.errors import (
    ChecksumMismatch,
    MethodNotAllowed,
    OffsetMismatch,
    ParameterInvalid,
    TusVersion,
    TypeRefused,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

VERSION: Final = "1.0.0"
EXTENSIONS: Final = (
    "creation",
    "creation-with-upload",
    "creation-defer-length",
    "expiration",
    "checksum",
    "termination",
    "concatenation",
)
CHECKSUMS: Final[Mapping[str, int]] = {"sha1": 20, "sha256": 32}
"""Checksum algorithm, as `hashlib` calls it, -> length of its digest in bytes."""
OFFSET_TYPE: Final = "application/offset+octet-stream"
MAX_SIZE: Final = 2**63 - 1
MAX_METADATA_BYTES: Final = 16 * 1024

REQUEST_HEADERS: Final = (
    "Tus-Resumable",
    "Upload-Length",
    "Upload-Defer-Length",
    "Upload-Metadata",
    "Upload-Offset",
    "Upload-Checksum",
    "Upload-Concat",
    "X-HTTP-Method-Override",
)
"""The headers that a page of another origin may send."""
ANSWER_HEADERS: Final = (
    "Tus-Resumable",
    "Tus-Version",
    "Tus-Extension",
    "Tus-Max-Size",
    "Tus-Checksum-Algorithm",
    "Upload-Offset",
    "Upload-Length",
    "Upload-Defer-Length",
    "Upload-Metadata",
    "Upload-Expires",
    "Upload-Concat",
    "Upload-Attachment-Id",
)
"""The headers that such a page may read."""

_MARKS: Final = ("Tus-Resumable", "Upload-Length", "Upload-Defer-Length", "Upload-Concat")
_OVERRIDES: Final = frozenset({"PATCH", "DELETE", "HEAD"})
_NUMBER: Final = re.compile(r"[0-9]{1,19}")
_KEY: Final = re.compile(r"[!-+\--~]+")
_UPLOAD_ID: Final = re.compile(r"[A-Za-z0-9_]{1,64}")


class Checksum(Struct, frozen=True):
    """The digest that the body of one request must have (extension *Checksum*)."""

    algorithm: str
    digest: bytes

    def check(self, digest: bytes) -> None:
        """Raise ChecksumMismatch when the body had another digest."""
        if not hmac.compare_digest(self.digest, digest):
            raise ChecksumMismatch


class Creation(Struct, frozen=True, kw_only=True):
    """An upload to be made. `length` is bytes, None while deferred and for a final upload.

    `concat` tells a part from a whole made of parts, and `parts` has the URLs of the latter, in order, as
    they were sent. `brings_bytes` is true when the request's body is the upload's first piece.
    """

    length: int | None
    metadata: dict[str, str]
    concat: Literal["partial", "final"] | None = None
    parts: tuple[str, ...] = ()
    brings_bytes: bool = False
    checksum: Checksum | None = None


class Patch(Struct, frozen=True):
    """A piece to be appended at `offset`; `length` is the whole upload's if it is told only now. Bytes."""

    offset: int
    length: int | None
    checksum: Checksum | None


# Requests


def is_tus(headers: Mapping[str, str]) -> bool:
    """Whether a POST is meant as tus (API.md, 11.21); `headers` is looked up without regard to case."""
    return any(name in headers for name in _MARKS)


def check_version(headers: Mapping[str, str]) -> None:
    """Raise TusVersion unless the request speaks our version."""
    if headers.get("Tus-Resumable") != VERSION:
        raise TusVersion


def effective_method(method: str, override: str | None) -> str:
    """The method that `X-HTTP-Method-Override` makes of a request to an upload's own URL.

    Raises MethodNotAllowed for anything but PATCH, DELETE or HEAD in place of POST.
    """
    if not override:
        return method
    wanted = override.strip().upper()
    if wanted != method and (method != "POST" or wanted not in _OVERRIDES):
        raise MethodNotAllowed(f"{method} cannot stand for {wanted[:20]!a}.")
    return wanted


def parse_creation(headers: Mapping[str, str]) -> Creation:
    """What a POST to the collection asks for; ParameterInvalid, naming the header, when it is malformed."""
    concat, parts = _parse_concat(headers.get("Upload-Concat"))
    checksum = parse_checksum(headers.get("Upload-Checksum"))
    return Creation(
        length=_creation_length(headers, is_final=concat == "final"),
        metadata=parse_metadata(headers.get("Upload-Metadata")),
        concat=concat,
        parts=parts,
        brings_bytes=_media_type(headers) == OFFSET_TYPE,
        checksum=checksum,
    )


def parse_patch(headers: Mapping[str, str]) -> Patch:
    """What a PATCH asks for.

    Raises TypeRefused for another Content-Type than tus has, else ParameterInvalid, naming the header.
    """
    if _media_type(headers) != OFFSET_TYPE:
        raise TypeRefused("A PATCH has another Content-Type.", hint=f"Send 'Content-Type: {OFFSET_TYPE}'.")
    length = headers.get("Upload-Length")
    return Patch(
        parse_size("Upload-Offset", headers.get("Upload-Offset")),
        None if length is None else parse_size("Upload-Length", length),
        parse_checksum(headers.get("Upload-Checksum")),
    )


def parse_size(header: str, value: str | None) -> int:
    """The bytes that an offset or a length says, at most 2**63 - 1; else ParameterInvalid."""
    if value is None:
        raise ParameterInvalid(f"The header {header} is missing.", parameter=header)
    if not _NUMBER.fullmatch(value) or int(value) > MAX_SIZE:
        raise _malformed(header, "Give a number of bytes in ASCII digits.")
    return int(value)


def check_offset(offset: int, stored: int) -> None:
    """Raise OffsetMismatch, with the fact `offset`, when a piece does not begin where the bytes end."""
    if offset != stored:
        raise OffsetMismatch(f"The upload has {stored} bytes; the chunk begins at {offset}.", offset=stored)


def parse_checksum(value: str | None) -> Checksum | None:
    """The checksum that a header declares, None without one; else ParameterInvalid."""
    if value is None:
        return None
    algorithm, _, encoded = value.strip().partition(" ")
    if algorithm not in CHECKSUMS:
        raise _malformed("Upload-Checksum", f"Use {' or '.join(CHECKSUMS)}.")
    digest = _decoded(encoded.strip(), "Upload-Checksum")
    if len(digest) != CHECKSUMS[algorithm]:
        raise _malformed("Upload-Checksum", f"A {algorithm} digest has {CHECKSUMS[algorithm]} bytes.")
    return Checksum(algorithm, digest)


def parse_metadata(value: str | None) -> dict[str, str]:
    """Key -> value of `Upload-Metadata`; a key without a value has ''. An empty header has no keys.

    Raises ParameterInvalid when it is longer than 16 KiB, a key is empty, comes twice or is not printable
    ASCII, or a value is no UTF-8 in base64.
    """
    text = (value or "").strip()
    if not text:  # tuspy sends an empty header when it has no metadata
        return {}
    if len(text) > MAX_METADATA_BYTES:
        raise _malformed("Upload-Metadata", f"It may have {MAX_METADATA_BYTES} bytes.")
    metadata: dict[str, str] = {}
    for pair in text.split(","):
        key, _, encoded = pair.strip(" ").partition(" ")
        if not _KEY.fullmatch(key) or key in metadata or _is_lone_value(pair, encoded):
            raise _malformed("Upload-Metadata", "Each key must be printable ASCII and come once.")
        try:
            metadata[key] = _decoded(encoded.strip(), "Upload-Metadata").decode("utf-8")
        except UnicodeDecodeError as error:
            raise _malformed("Upload-Metadata", "Values must be UTF-8.") from error
    return metadata


def part_id(url: str, *, collection: str, host: str) -> str:
    """The id of the upload that a URL in `Upload-Concat` names.

    collection: the path-absolute URL of the session's uploads. Raises ParameterInvalid for a URL of another
    host or another place; whether the id exists is not known here.
    """
    try:
        split = urlsplit(url)
    except ValueError as error:
        raise _foreign(url) from error
    folder, _, upload_id = unquote(split.path).rpartition("/")
    is_ours = split.scheme in {"", "http", "https"} and split.netloc in {"", host}
    if not is_ours or folder != unquote(collection).rstrip("/") or not _UPLOAD_ID.fullmatch(upload_id):
        raise _foreign(url)
    return upload_id


# Answers


def options_headers(max_size: int) -> dict[str, str]:
    """What an OPTIONS answer says of us; max_size: bytes, 0 for no limit."""
    headers = {
        "Tus-Resumable": VERSION,
        "Tus-Version": VERSION,
        "Tus-Extension": ",".join(EXTENSIONS),
        "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
    }
    return {**headers, "Tus-Max-Size": str(max_size)} if max_size else headers


def status_headers(
    *, offset: int, length: int | None, metadata: Mapping[str, str], concat: str | None
) -> dict[str, str]:
    """What a HEAD answer says of an upload; `concat` is echoed as it was sent."""
    headers = {"Cache-Control": "no-store", "Upload-Offset": str(offset)}
    headers.update({"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)})
    if metadata:
        headers["Upload-Metadata"] = format_metadata(metadata)
    if concat:
        headers["Upload-Concat"] = concat
    return headers


def answer_headers(*, offset: int, expires_at: datetime, attachment_id: str | None) -> dict[str, str]:
    """What an answer to a request that made an upload, or added to it, says of it.

    expires_at: in UTC; the upload is kept until then (extension *Expiration*). attachment_id: the file that
    it has become, None when it has not.
    """
    headers = {"Upload-Offset": str(offset), "Upload-Expires": format_datetime(expires_at, usegmt=True)}
    return {**headers, "Upload-Attachment-Id": attachment_id} if attachment_id else headers


def format_metadata(metadata: Mapping[str, str]) -> str:
    """The `Upload-Metadata` header of these values; keys must be printable ASCII without blank or comma."""
    pairs = ((key, base64.b64encode(value.encode()).decode()) for key, value in metadata.items())
    return ",".join(f"{key} {value}".rstrip() for key, value in pairs)


def _creation_length(headers: Mapping[str, str], *, is_final: bool) -> int | None:
    length, deferred = headers.get("Upload-Length"), headers.get("Upload-Defer-Length")
    if is_final:
        if length is not None or deferred is not None:
            raise _malformed("Upload-Length", "A final upload is as long as its parts.")
        return None
    if deferred is None:
        return parse_size("Upload-Length", length)
    if deferred != "1" or length is not None:
        raise _malformed("Upload-Defer-Length", "Send it with the value 1 and without Upload-Length.")
    return None


def _parse_concat(value: str | None) -> tuple[Literal["partial", "final"] | None, tuple[str, ...]]:
    if value is None:
        return None, ()
    if value.strip() == "partial":
        return "partial", ()
    kind, _, urls = value.partition(";")
    parts = tuple(urls.split())
    if kind.strip() != "final" or not parts:
        raise _malformed("Upload-Concat", "Send 'partial', or 'final;' and the URLs of the parts.")
    return "final", parts


def _is_lone_value(pair: str, encoded: str) -> bool:
    # Some clients send a blank behind each comma, so ' a QQ==' is a pair; ' QQ==' is a value without a key.
    return not encoded and (pair.startswith(" ") or pair.rstrip().endswith("="))


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _decoded(encoded: str, header: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _malformed(header, "Values are base64.") from error


def _foreign(url: str) -> ParameterInvalid:
    message = f"{url[:100]!a} is no upload of this session."
    return ParameterInvalid(message, parameter="Upload-Concat")


def _malformed(header: str, hint: str) -> ParameterInvalid:
    return ParameterInvalid(f"The header {header} is malformed.", hint=hint, parameter=header)
