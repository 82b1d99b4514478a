"""Content-Disposition: written for downloads (RFC 6266, RFC 8187), read from form parts (RFC 7578)."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal
from urllib.parse import quote, unquote_to_bytes

from msgspec import Struct

from jupyter_workspace.errors import FormInvalid

# RFC 8187, 3.2.1: attr-char, beyond letters and digits.
_ATTR_CHARS: Final = "!#$&+-.^_`|~"
_FALLBACK_NAME: Final = "download"

# Each branch of the quoted string begins differently and the loop is possessive, so that no input can make
# the match go back. Only `\"` and `\\` are pairs: browsers send other backslashes as they are.
_PARAMETER: Final = re.compile(
    r""";[ \t]*(?:(?P<key>[^\s;="]+)[ \t]*=[ \t]*
    (?:"(?P<quoted>(?:\\["\\]|[^"\\]|\\(?!["\\]))*+)"|(?P<plain>[^\s;"]+)))?[ \t]*""",
    re.VERBOSE,
)
_PAIR: Final = re.compile(r'\\(["\\])')
_EXTENDED: Final = re.compile(r"(utf-8|iso-8859-1)'[a-z0-9-]*'((?:[!-$&-~]|%[0-9a-f]{2})*+)", re.IGNORECASE)


class FormDisposition(Struct, frozen=True):
    """The name of a form's field and, when the part has one, the file name that came with it."""

    name: str
    filename: str | None


def content_disposition(kind: Literal["inline", "attachment"], name: str) -> str:
    """The header's value for a file of this name: ASCII only, never with a control character.

    It has the name twice: `filename` reduced to ASCII for old readers, `filename*` exactly (RFC 6266, 4.3).
    """
    clean = "".join(c for c in name if unicodedata.category(c) not in {"Cc", "Cs"}) or _FALLBACK_NAME
    return f"{kind}; filename=\"{_ascii_form(clean)}\"; filename*=UTF-8''{quote(clean, safe=_ATTR_CHARS)}"


def parse_form_disposition(value: str) -> FormDisposition:
    r"""The field's and the file's name of a part's `Content-Disposition: form-data; …`.

    In quotes `\"` and `\\` are pairs and every other backslash is itself, '%22' stays as it is, and
    `filename*` wins (API.md, 11.47). Raises FormInvalid for anything that is not well formed, for a
    parameter that comes twice and for a part without a name.
    """
    kind, rest = _split_type(value)
    if kind != "form-data":
        raise FormInvalid("A part's Content-Disposition is not 'form-data'.")
    parameters = _parameters(rest)
    if "name" not in parameters:
        raise FormInvalid("A part has no name.")
    filename = parameters.get("filename")
    if "filename*" in parameters:
        filename = _extended(parameters["filename*"])
    return FormDisposition(parameters["name"], filename)


def parse_parameters(value: str) -> tuple[str, dict[str, str]]:
    """The first word, in lower case, and the parameters of a header such as Content-Type.

    Raises FormInvalid when a parameter is not well formed or comes twice.
    """
    kind, rest = _split_type(value)
    return kind, _parameters(rest)


def _split_type(value: str) -> tuple[str, str]:
    kind, semicolon, rest = value.partition(";")
    return kind.strip().lower(), semicolon + rest


def _parameters(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _PARAMETER.match(text, position)
        if match is None:
            raise FormInvalid("A part's header cannot be read.")
        position = match.end()
        if match["key"] is None:
            continue
        key = match["key"].lower()
        if key in found:
            raise FormInvalid(f"A part's header has two {key!a} parameters.")
        found[key] = match["plain"] if match["quoted"] is None else _PAIR.sub(r"\1", match["quoted"])
    return found


def _extended(value: str) -> str:
    match = _EXTENDED.fullmatch(value)
    try:
        if match:
            return unquote_to_bytes(match[2]).decode(match[1])
    except UnicodeDecodeError:
        pass
    raise FormInvalid("A part's 'filename*' is not in the form of RFC 8187.")


def _ascii_form(name: str) -> str:
    plain = "".join(
        c if c.isascii() else "_" for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c)
    )
    # RFC 6266, appendix D: some readers decode '%' and a hexadecimal number, others do not.
    return re.sub(r'(["\\])', r"\\\1", re.sub("[%/]", "_", plain))
