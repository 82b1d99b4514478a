"""Which headers the requests and the answers of a route have, in the words of the document."""

from __future__ import annotations

from typing import Final

from jupyter_workspace.handlers.route import Route

__all__ = ["answer_headers", "gives_parts", "refusal_headers", "request_headers"]

Headers = dict[str, str]

_CONDITIONS: Final[Headers] = {
    "Range": "Which bytes to give (RFC 9110, 14.2); a malformed one is ignored.",
    "If-Range": "The tag that the range belongs to; if it has changed, the whole is given.",
    "If-Match": "The tag of the only version that is wanted; 412 if it is not the present one.",
    "If-Unmodified-Since": "The time of the version that is wanted; 412 if it changed since.",
    "If-None-Match": "The tag that the caller has; 304 if it is still right.",
    "If-Modified-Since": "The time of the caller's copy; 304 if nothing is newer.",
}
_KEY: Final[Headers] = {
    "Idempotency-Key": "The same key (1 to 255 characters) gives the same answer for 24 hours, no new "
    "file. With another route, name or length: 409.",
}
_DIGEST: Final[Headers] = {
    "Repr-Digest": "The digest of the bytes (RFC 9530), such as `sha-256=:…:`; another one is refused.",
}
_TUS: Final[Headers] = {"Tus-Resumable": "`1.0.0`: the request is meant as tus."}
_TUS_BYTES: Final[Headers] = {
    "Upload-Length": "The size of the whole upload, in bytes; it may be told with a later request.",
    "Upload-Checksum": "The digest of this request's bytes, such as `sha256 …`, in base64.",
}
_TUS_BEGIN: Final[Headers] = {
    "Upload-Defer-Length": "`1`: the size is not known yet.",
    "Upload-Metadata": "`filename`, `filetype`, `dir`, `on_conflict`, `sha256` (hex), each in base64.",
    "Upload-Concat": "`partial`, or `final;` with the addresses of the parts.",
}
_TUS_GO_ON: Final[Headers] = {"Upload-Offset": "Where these bytes begin: as many as are safe already."}
_STREAM: Final[Headers] = {"Last-Event-ID": "The cursor of an event stream; it goes before `after`."}

_TAGGED: Final[Headers] = {"ETag": "The strong tag of the content."}
_FILE: Final[Headers] = {
    **_TAGGED,
    "Last-Modified": "When the content last changed.",
    "Accept-Ranges": "`bytes`.",
    "Content-Disposition": "Inline or attachment, and the file's name (RFC 6266, RFC 8187).",
    "Content-Length": "The number of bytes that follow.",
}
_PART: Final[Headers] = {"Content-Range": "Which bytes these are, and of how many."}
_LOCATION: Final[Headers] = {
    "Location": "The path-absolute address of what was made; none for several files."
}
_TUS_STATE: Final[Headers] = {
    "Upload-Offset": "How many bytes are safe.",
    "Upload-Expires": "Until when the upload is kept.",
    "Upload-Attachment-Id": "The file that the upload has become.",
}
_NOT_AS_ASKED: Final = 412
_REFUSED: Final[dict[int, Headers]] = {
    405: {"Allow": "The methods of this address."},
    _NOT_AS_ASKED: {"Tus-Version": "The version that the server speaks."},
    416: _PART,
    503: {"Retry-After": "Seconds after which to try again."},
}

_FORM = "multipart/form-data"
_TUS_MEDIA = "application/offset+octet-stream"


def gives_parts(row: Route) -> bool:
    """Whether the route gives content that can be had in parts."""
    return 206 in row.success  # noqa: PLR2004  (Partial Content)


def request_headers(row: Route) -> Headers:
    """What a request may say in headers of its own."""
    found = dict(row.headers)
    if gives_parts(row):
        found |= _CONDITIONS
    if {_FORM, "application/octet-stream"}.intersection(row.media):
        found |= _KEY
    if "application/octet-stream" in row.media:
        found |= _DIGEST
    if row.gives == "text/event-stream":
        found |= _STREAM
    return found | _tus_request(row)


def _tus_request(row: Route) -> Headers:
    if _TUS_MEDIA in row.media:
        return _TUS | _TUS_BYTES | (_TUS_BEGIN if _FORM in row.media else _TUS_GO_ON)
    return _TUS if _is_resumable(row) else {}


def _is_resumable(row: Route) -> bool:
    return "{upload_id}" in row.path and row.method != "GET"


def answer_headers(row: Route, status: int) -> Headers:
    """What an answer of success says in headers of its own."""
    found: Headers = {}
    if gives_parts(row):
        found |= {200: _FILE, 206: _FILE | _PART}.get(status, _TAGGED)
    if status in {201, 202}:
        found |= _LOCATION
    if _is_resumable(row):
        found |= _TUS_STATE
    return found


def refusal_headers(row: Route, status: int) -> Headers:
    """What a refusal says in headers of its own."""
    if status == _NOT_AS_ASKED and row.resource != "uploads":
        return {}
    return _REFUSED.get(status, {})
