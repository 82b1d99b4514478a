"""Streaming events of a multipart/form-data body (RFC 7578), over the parser of `python_multipart`.

Bytes go in as they arrive, events come out at once; nothing but the header of the present part is kept.
Every bound of API.md, 11.17 is held here. What the fields mean is `protocol.form`'s part.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from jupyter_workspace.errors import FormInvalid
from jupyter_workspace.protocol.disposition import parse_form_disposition, parse_parameters

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_FILE_PARTS: Final = 100
MAX_TEXT_PARTS: Final = 16
MAX_TEXT_BYTES: Final = 64 * 1024
MAX_HEADER_BYTES: Final = 16 * 1024
FILE_FIELDS: Final = frozenset({"file", "files"})

_MAX_HEADERS: Final = 64
_MAX_PADDING: Final = 256
_MAX_TYPE_LENGTH: Final = 255
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_PLAIN_ENCODINGS: Final = frozenset({"", "7bit", "8bit", "binary"})


class PartBegin(Struct, frozen=True):
    """A part begins. `filename` and `content_type` are None when it declares none."""

    name: str
    filename: str | None
    content_type: str | None
    is_file: bool


class PartData(Struct, frozen=True, gc=False):
    """The next bytes of the part that began last; a memoryview shows a piece of what was fed."""

    data: bytes | memoryview


class PartEnd(Struct, frozen=True):
    """The part that began last is complete."""


FormEvent = PartBegin | PartData | PartEnd


def parse_boundary(content_type: str) -> bytes:
    """The boundary of a form's Content-Type (RFC 2046, 5.1.1); FormInvalid when there is none."""
    kind, parameters = parse_parameters(content_type)
    if kind != "multipart/form-data":
        raise FormInvalid("The body is not multipart/form-data.", hint="Send a form, or PUT the bytes.")
    boundary = parameters.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise FormInvalid("The form's Content-Type has no valid boundary.")
    return boundary.encode("ascii")


class FormReader:
    """Reads one form: `feed` each piece of the body, then `close`.

    Raises FormInvalid, from either, for a body that is malformed, cut short or beyond the bounds. After an
    error it must not be used again.
    """

    def __init__(self, content_type: str) -> None:
        callbacks: dict[str, Callable[..., None]] = {
            "on_part_begin": self._on_part_begin,
            "on_part_data": self._on_part_data,
            "on_part_end": self._on_part_end,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_end": self._on_end,
        }
        self._parser = MultipartParser(
            parse_boundary(content_type),
            callbacks,  # type: ignore[arg-type]  # a TypedDict, not named in public
            max_header_count=_MAX_HEADERS,
            max_header_size=MAX_HEADER_BYTES,
        )
        self._events: list[FormEvent] = []
        self._headers: dict[str, str] = {}
        self._delimiter = b"\r\n--" + parse_boundary(content_type)
        self._first = re.compile(re.escape(self._delimiter) + rb"[ \t]*(?=\r\n|--)")
        self._preamble = bytearray(b"\r\n")
        self._has_begun = False
        self._field = bytearray()
        self._value = bytearray()
        self._header_bytes = self._text_bytes = 0
        self._file_parts = self._text_parts = 0
        self._in_file = self._is_complete = False

    def feed(self, data: bytes) -> list[FormEvent]:
        """The events that these bytes bring about, in order."""
        try:
            self._parser.write(data if self._has_begun else self._after_preamble(data))
        except FormParserError as error:
            raise FormInvalid("The form's body is malformed.") from error
        events, self._events = self._events, []
        return events

    def _after_preamble(self, data: bytes) -> bytes:
        """What follows the text before the first boundary, which is to be ignored (RFC 2046, 5.1.1).

        The blanks that a transport may have put after that boundary are left out: the parser takes them
        after the later ones only.
        """
        self._preamble += data
        found = self._first.search(self._preamble)
        if found is None:
            del self._preamble[: -len(self._delimiter) - _MAX_PADDING]
            return b""
        self._has_begun = True
        return self._delimiter[2:] + bytes(self._preamble[found.end() :])

    def close(self) -> None:
        """Say that the body has ended; FormInvalid when its last boundary has not been seen."""
        if not self._is_complete:
            raise FormInvalid("The form's body ends before its last boundary.", hint="Send the form again.")

    def _on_part_begin(self) -> None:
        self._headers = {}
        self._header_bytes = 0

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._count_header(end - start)
        self._field += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._count_header(end - start)
        self._value += data[start:end]

    def _count_header(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > MAX_HEADER_BYTES:
            raise FormInvalid(f"A part's header is longer than {MAX_HEADER_BYTES} bytes.")

    def _on_header_end(self) -> None:
        field = self._field.decode("ascii").lower()
        try:
            value = self._value.decode("utf-8").strip(" \t")
        except UnicodeDecodeError as error:
            raise FormInvalid("A part's header is not UTF-8.") from error
        if field in self._headers:
            raise FormInvalid(f"A part has two {field!a} headers.")
        self._headers[field] = value
        self._field.clear()
        self._value.clear()

    def _on_headers_finished(self) -> None:
        encoding = self._headers.get("content-transfer-encoding", "").lower()
        if encoding not in _PLAIN_ENCODINGS:  # RFC 7578, 4.7: deprecated, and no browser sends it
            raise FormInvalid("A part has a content-transfer-encoding.", hint="Send its bytes as they are.")
        content_type = self._headers.get("content-type")
        if content_type is not None and content_type.lower().startswith("multipart/"):
            raise FormInvalid("A part is itself a form.")
        disposition = parse_form_disposition(self._headers.get("content-disposition", ""))
        self._in_file = disposition.name in FILE_FIELDS
        self._count_part()
        declared = _declared_type(content_type)
        self._events.append(PartBegin(disposition.name, disposition.filename, declared, self._in_file))

    def _count_part(self) -> None:
        if self._in_file:
            self._file_parts += 1
        else:
            self._text_parts += 1
        if self._file_parts > MAX_FILE_PARTS:
            raise FormInvalid(f"The form has more than {MAX_FILE_PARTS} files.", hint="Send several forms.")
        if self._text_parts > MAX_TEXT_PARTS:
            raise FormInvalid(f"The form has more than {MAX_TEXT_PARTS} text parts.")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if not self._in_file:
            self._text_bytes += end - start
            if self._text_bytes > MAX_TEXT_BYTES:
                raise FormInvalid(f"The form's text parts are longer than {MAX_TEXT_BYTES} bytes.")
        is_whole = start == 0 and end == len(data)
        self._events.append(PartData(data if is_whole else memoryview(data)[start:end]))

    def _on_part_end(self) -> None:
        self._events.append(PartEnd())

    def _on_end(self) -> None:
        self._is_complete = True


def _declared_type(content_type: str | None) -> str | None:
    # It is kept as a remark only, so what cannot be a media type is dropped instead of refused.
    if not content_type or len(content_type) > _MAX_TYPE_LENGTH:
        return None
    return content_type if content_type.isascii() and content_type.isprintable() else None
