"""What a caller may hand in instead of a file: a data URI, a workspace reference, an address."""

from __future__ import annotations

import base64
import binascii
import mimetypes
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from jupyter_workspace.errors import BodyInvalid
from jupyter_workspace.models.uri import SCHEME, WorkspaceUri

__all__ = ["Address", "DataUri", "parse_source"]

#: Used when a data URI names no type (RFC 2397, section 2).
_DEFAULT_MIME = "text/plain"

_TYPES = mimetypes.MimeTypes(filenames=())


class DataUri(Struct, frozen=True):
    """The content of a data URI (RFC 2397) and the type that it claims, without parameters."""

    mime: str
    content: bytes

    @property
    def default_name(self) -> str:
        """A name for content that has none."""
        return f"attachment{_TYPES.guess_extension(self.mime) or '.bin'}"


class Address(Struct, frozen=True):
    """An http(s) URL or the path of a cloud store."""

    url: str


def parse_source(text: str) -> DataUri | WorkspaceUri | Address:
    """What a source string stands for; raises BodyInvalid for what is none of the three."""
    if text[:5].lower() == "data:":
        return _data_uri(text[5:])
    if text.startswith(SCHEME):
        return WorkspaceUri.parse(text)
    if "://" in text:
        return Address(text)
    raise BodyInvalid("This source is no data URI, no workspace:// reference and no URL.")


def _data_uri(rest: str) -> DataUri:
    head, comma, data = rest.partition(",")
    if not comma:
        raise BodyInvalid("The data URI has no comma.", hint="Write data:<type>;base64,<content>.")
    mime, *parameters = (part.strip() for part in head.split(";"))
    content = unquote_to_bytes(data)
    if parameters and parameters[-1].lower() == "base64":
        try:
            content = base64.b64decode(b"".join(content.split()), validate=True)
        except binascii.Error as error:
            raise BodyInvalid("The data URI is not valid base64.") from error
    return DataUri(mime.lower() or _DEFAULT_MIME, content)
