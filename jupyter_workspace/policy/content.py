"""Media types: which one a file has, what may be shown inline, what is accepted at all.

The server decides the type, by the name and, for images and PDF, by the first bytes (API.md, sections
1 and 6, 11.31). What a client declares is kept elsewhere and never believed.
"""

from __future__ import annotations

import mimetypes
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from jupyter_workspace.errors import TypeRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

UNKNOWN: Final = "application/octet-stream"
HEAD_BYTES: Final = 1024
"""How many of a file's first bytes `guess_mime` looks at."""

_OWN: Final = {
    "text/plain": "txt text log out err cfg conf ini env lock",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv tab",
    "text/markdown": "md markdown",
    "text/html": "html htm",
    "text/css": "css",
    "text/javascript": "js mjs cjs",
    "text/x-python": "py pyi",
    "text/x-typescript": "ts tsx mts",
    "text/x-r-source": "r",
    "text/x-julia": "jl",
    "text/x-sql": "sql",
    "text/x-sh": "sh bash zsh",
    "text/x-rst": "rst",
    "text/x-tex": "tex bib",
    "application/json": "json geojson topojson",
    "application/jsonl": "jsonl ndjson",
    "application/x-ipynb+json": "ipynb",
    "application/yaml": "yaml yml",
    "application/toml": "toml",
    "application/xml": "xml xsd xsl",
    "application/wasm": "wasm",
    "application/pdf": "pdf",
    "application/postscript": "ps eps",
    "application/vnd.apache.parquet": "parquet pq",
    "application/vnd.apache.arrow.file": "arrow feather",
    "application/vnd.apache.arrow.stream": "arrows",
    "application/vnd.sqlite3": "sqlite sqlite3 db",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/x-npy": "npy",
    "application/x-npz": "npz",
    "application/x-pickle": "pkl pickle joblib",
    "application/x-hdf5": "h5 hdf5 he5",
    "application/x-netcdf": "nc",
    "application/x-onnx": "onnx",
    "application/x-safetensors": "safetensors",
    "application/zip": "zip whl",
    "application/gzip": "gz tgz",
    "application/x-bzip2": "bz2",
    "application/x-xz": "xz",
    "application/zstd": "zst",
    "application/x-tar": "tar",
    "application/x-7z-compressed": "7z",
    "image/png": "png",
    "image/apng": "apng",
    "image/jpeg": "jpg jpeg jpe",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/avif": "avif",
    "image/heic": "heic heif",
    "image/bmp": "bmp",
    "image/tiff": "tif tiff",
    "image/vnd.microsoft.icon": "ico",
    "image/svg+xml": "svg",
    "video/mp4": "mp4 m4v",
    "video/webm": "webm",
    "video/quicktime": "mov",
    "video/x-msvideo": "avi",
    "video/x-matroska": "mkv",
    "video/ogg": "ogv",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/ogg": "ogg oga opus",
    "audio/flac": "flac",
    "audio/aac": "aac",
    "audio/mp4": "m4a",
    "audio/midi": "mid midi",
}
"""Our own choice; what it does not know is left to Python's built-in table, never to the system's files."""


def _by_extension() -> Mapping[str, str]:
    known = dict(mimetypes.MimeTypes().types_map[1])
    known.update(
        (f".{extension}", mime) for mime, extensions in _OWN.items() for extension in extensions.split()
    )
    return MappingProxyType(known)


_MIMES: Final = _by_extension()

_PNG: Final = rb"\x89PNG\r\n\x1a\n"
_SIGNATURES: Final = {
    mime: re.compile(pattern, re.DOTALL)
    for mime, pattern in {
        "image/png": _PNG,
        "image/apng": _PNG,
        "image/jpeg": rb"\xff\xd8\xff",
        "image/gif": rb"GIF8[79]a",
        "image/webp": rb"RIFF....WEBP",
        "image/avif": rb"....ftypavi[fs]",
        "image/heic": rb"....ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)",
        "image/bmp": rb"BM",
        "image/tiff": rb"II[*+]\x00|MM\x00[*+]",
        "image/vnd.microsoft.icon": rb"\x00\x00\x01\x00",
        "image/svg+xml": rb"(?:\xef\xbb\xbf)?\s*<(?i:\?xml|!--|!doctype\s+svg|(?:[a-z]+:)?svg[\s/>])",
        "application/pdf": rb".{0,1019}%PDF-",
    }.items()
}
_RASTER: Final = frozenset(
    mime for mime in _SIGNATURES if mime.startswith("image/") and mime not in {"image/svg+xml", "image/heic"}
)


def guess_mime(name: str, head: bytes) -> str:
    """The media type of a file with this name that begins with `head`.

    head: the first `HEAD_BYTES` bytes, or the whole file when it is shorter. An image or a PDF whose
    bytes do not bear its name out is `application/octet-stream`, like a name that says nothing.
    """
    mime = _MIMES.get(extension_of(name), UNKNOWN)
    if mime not in _SIGNATURES:
        return UNKNOWN if mime.startswith("image/") else mime
    return mime if _SIGNATURES[mime].match(head[:HEAD_BYTES]) else UNKNOWN


def named_mime(name: str) -> str:
    """The media type that a name promises, before a byte of the file is known."""
    return _MIMES.get(extension_of(name), UNKNOWN)


def extension_of(name: str) -> str:
    """The last suffix with its dot, in lower case; '' when there is none. '.env' has none."""
    stem, dot, suffix = name.rpartition(".")
    return f".{suffix.lower()}" if stem and dot else ""


def media_of(mime: str) -> Literal["image", "audio", "video", "file"]:
    """The kind of block that a file of this type is shown as."""
    match mime.partition("/")[0]:  # S0-32
        case "image":
            return "image"
        case "audio":
            return "audio"
        case "video":
            return "video"
    return "file"


def inline_type(mime: str) -> str | None:
    """The Content-Type under which a browser may show such a file itself; None if it must save it.

    Raster images, audio, video and plain text are harmless to show. SVG, HTML, XML, scripts and PDF can
    run code in the server's origin, so they are always attachments.
    """
    if mime == "text/plain":
        return "text/plain; charset=utf-8"
    return mime if mime in _RASTER or mime.startswith(("audio/", "video/")) else None


def check_type(name: str, mime: str, *, allow: Iterable[str], deny: Iterable[str]) -> None:
    """Raise TypeRefused when `deny` names the file, or `allow` names anything but the file.

    Both hold extensions ('.exe', '.tar.gz'), whole types ('text/html') or their beginnings ('image/'), in
    any case. An empty `allow` lets everything through; `deny` is the stronger one.
    """
    allowed = tuple(allow)
    if _is_named(name, mime, deny) or (allowed and not _is_named(name, mime, allowed)):
        raise TypeRefused(f"Files like {name!a} ({mime}) are not accepted here.", mime=mime)


def _is_named(name: str, mime: str, kinds: Iterable[str]) -> bool:
    for kind in kinds:
        wanted = kind.strip().lower()
        if "/" not in wanted:
            if wanted and name.lower().endswith(f".{wanted.lstrip('.')}"):
                return True
        elif wanted == mime or (wanted.endswith(("/", "/*")) and mime.startswith(wanted.rstrip("*"))):
            return True
    return False
