"""What comes from elsewhere, and in which form code gets it: data URIs, references, paths."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path
from typing import Literal

from msgspec import UNSET

from jupyter_workspace.client import lookup
from jupyter_workspace.client.handle import FileHandle
from jupyter_workspace.client.place import Place
from jupyter_workspace.client.registration import session_key
from jupyter_workspace.models.artifact import Register
from jupyter_workspace.models.file import File
from jupyter_workspace.models.source import DataUri, parse_source
from jupyter_workspace.models.uri import SCHEME, WorkspaceUri

__all__ = ["Form", "Reference", "ingest", "resolve"]

#: A file's record, a path, id or name in the session, `workspace://session/path`, or a data URI.
Reference = str | os.PathLike[str] | FileHandle

Form = Literal["path", "data_uri", "reference"]


def ingest(place: Place, source: str | os.PathLike[str], name: str | None) -> File:
    """The record of what was brought in; SourceNotFound, and what the server says to its address."""
    if isinstance(source, str) and (_is_data(source) or "://" in source):
        body = Register(source=source, name=UNSET if name is None else name)
        return place.client.register(place.session_id, body)
    path = Path(source)
    folder = place.folder
    if folder is not None and path.resolve().is_relative_to(folder):
        inside = path.resolve().relative_to(folder).as_posix()
        return place.client.register(place.session_id, Register(path=inside))
    return place.client.upload(place.session_id, path, name)


def resolve(place: Place, ref: Reference, form: Form) -> Path | str:
    """The file that `ref` means, as `form` says. Errors as for `lookup.find_path`; BodyInvalid."""
    if isinstance(ref, str) and _is_data(ref):
        return _of_data(place, ref, form)
    if isinstance(ref, str) and ref.startswith(SCHEME):
        uri = WorkspaceUri.parse(ref)
        if uri.session_id != place.session_id:
            place = place.beside(uri.session_id)
        ref = uri.path
    if form == "reference":
        file = ref.record if isinstance(ref, FileHandle) else lookup.find(place, session_key(place, ref))
        return str(WorkspaceUri(file.session_id, file.path))
    path = ref.fetch() if isinstance(ref, FileHandle) else lookup.find_path(place, session_key(place, ref))
    if form == "path":
        return path
    if form == "data_uri":
        return _data_uri(_mime(place, ref), path.read_bytes())
    raise ValueError(f"{form!r} is no form; there are 'path', 'data_uri' and 'reference'.")


def _is_data(text: str) -> bool:
    return text[:5].lower() == "data:"


def _of_data(place: Place, text: str, form: Form) -> Path | str:
    if form == "data_uri":
        return text
    if form == "reference":
        return str(WorkspaceUri(place.session_id, ingest(place, text, None).path))
    source = parse_source(text)
    assert isinstance(source, DataUri)  # noqa: S101 - it begins with 'data:'
    target = place.cache / hashlib.sha256(source.content).hexdigest() / source.default_name
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.content)
    return target


def _mime(place: Place, ref: Reference) -> str:
    # The server decides what a file is; a file that it does not know yet is bytes.
    if isinstance(ref, FileHandle):
        return ref.mime
    return lookup.find(place, session_key(place, ref)).mime


def _data_uri(mime: str, content: bytes) -> str:
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"
