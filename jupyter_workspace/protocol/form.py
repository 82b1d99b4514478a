"""What an upload form says besides its files: the text parts of API.md, section 4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args

import msgspec
from msgspec import Struct

from jupyter_workspace.errors import FileMissing, FormInvalid, ParameterInvalid
from jupyter_workspace.protocol.multipart import PartBegin, PartData
from jupyter_workspace.protocol.nesting import MAX_DEPTH, is_too_deep

if TYPE_CHECKING:
    from jupyter_workspace.protocol.multipart import FormEvent

OnConflict = Literal["rename", "error", "replace"]

_FIELDS: Final = frozenset({"dir", "path", "filename", "on_conflict", "metadata"})


class FormFields(Struct, frozen=True):
    """The text parts of a form; None for each that was not sent.

    `is_batch` tells the two forms apart: `files` parts, answered with a list, or one part `file`.
    """

    is_batch: bool
    file_count: int
    dir: str | None = None
    path: str | None = None
    filename: str | None = None
    on_conflict: OnConflict | None = None
    metadata: dict[str, Any] | None = None


class FormCollector:
    """Collects the text parts of a form and checks that its file parts go together.

    `take` every event of the `FormReader`, in order; the bytes of files are ignored here. `finish` gives
    the fields. Parts of unknown name are ignored (API.md, 11.9).
    """

    def __init__(self) -> None:
        self._texts: dict[str, bytearray] = {}
        self._current: bytearray | None = None
        self._file_field: str | None = None
        self._file_count = 0

    def take(self, event: FormEvent) -> None:
        """Note one event; FormInvalid when a field comes twice or file parts do not go together."""
        if isinstance(event, PartBegin):
            self._current = None
            if event.is_file:
                self._begin_file(event.name)
            elif event.name in _FIELDS:
                self._current = self._begin_text(event.name)
        elif isinstance(event, PartData) and self._current is not None:
            self._current += event.data

    def replaced_path(self, filename: str | None, folder: str) -> str | None:
        """The path that the next file will replace, as far as the parts before it say; None for none.

        folder: where files go that do not say it.
        """
        if bytes(self._texts.get("on_conflict", b"")) != b"replace":
            return None
        name = bytes(self._texts.get("filename", b"")) or (filename or "").encode("utf-8", "replace")
        where = bytes(self._texts.get("dir", folder.encode())).strip(b"/")
        return (name if where in {b"", b"."} else where + b"/" + name).decode("utf-8", "replace")

    def finish(self) -> FormFields:
        """The fields of the complete form.

        Raises FileMissing when there was no file, FormInvalid when a text is not UTF-8 or one `filename`
        was sent for several files, ParameterInvalid for a bad `on_conflict` or `metadata`.
        """
        if self._file_field is None:
            raise FileMissing
        is_batch = self._file_field == "files"
        texts = {name: _text(name, raw) for name, raw in self._texts.items()}
        filename = texts.get("filename") or None
        if is_batch and filename is not None:
            raise FormInvalid("One 'filename' was sent for several files.", hint="Leave it out.")
        return FormFields(
            is_batch=is_batch,
            file_count=self._file_count,
            dir=texts.get("dir"),
            path=texts.get("path"),
            filename=filename,
            on_conflict=parse_on_conflict(texts.get("on_conflict")),
            metadata=parse_metadata(texts.get("metadata")),
        )

    def _begin_file(self, field: str) -> None:
        if self._file_field not in {None, field}:
            raise FormInvalid("The form has both 'file' and 'files'.", hint="Use one of the two names.")
        if self._file_field == "file":
            raise FormInvalid("The form has two parts 'file'.", hint="Use 'files' for several.")
        self._file_field = field
        self._file_count += 1

    def _begin_text(self, name: str) -> bytearray:
        if name in self._texts:
            raise FormInvalid(f"The form has two parts {name!r}.")
        return self._texts.setdefault(name, bytearray())


def parse_on_conflict(value: str | None) -> OnConflict | None:
    """The choice that a client made, None when it made none; else ParameterInvalid."""
    if value is None or value in get_args(OnConflict):
        return cast("OnConflict | None", value)
    raise ParameterInvalid(
        f"{value[:40]!a} is no way to solve a conflict.",
        hint="Use 'rename', 'error' or 'replace'.",
        parameter="on_conflict",
    )


def parse_metadata(value: str | None) -> dict[str, Any] | None:
    """The JSON object in a text, None for no text or an empty one; else ParameterInvalid."""
    if not value:
        return None
    try:
        found = msgspec.json.decode(value, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise ParameterInvalid("'metadata' is not a JSON object.", parameter="metadata") from error
    if is_too_deep(value.encode()):
        raise ParameterInvalid(
            f"'metadata' has more than {MAX_DEPTH} arrays and objects in each other.", parameter="metadata"
        )
    return found


def _text(name: str, raw: bytearray) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormInvalid(f"The part {name!r} is not UTF-8.") from error
