"""Which file a name means: an id, an exact path, a name in `attachments/`, then a unique name."""

from __future__ import annotations

import difflib
import re
import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from jupyter_workspace import errors
from jupyter_workspace.client.place import Place, session_path
from jupyter_workspace.models.file import File, FileKind

__all__ = ["choose", "find", "find_path", "is_file_id"]

ATTACHMENTS = "attachments"

_ID = re.compile(r"(att|art)_[0-9a-z]{20,40}")


def is_file_id(text: str) -> bool:
    """Whether this has the form of a file's or a version's id; a path may begin like one."""
    return _ID.fullmatch(text) is not None


def find_path(place: Place, key: str) -> Path:
    """A path with the content of the file that `key` means.

    FileNotFound; AmbiguousName when a bare name fits several files. Warns of a newer copy beside it.
    """
    if not is_file_id(key):
        path = _on_disk(place, key)
        if path is not None:
            _warn_of_newer(path)
            place.note_read(path)
            return path
    file = find(place, key)
    place.note_read(file)
    if key == file.artifact_id and not _is_latest(place, file):
        return place.fetched(file)
    return place.local(file) or place.fetched(file)


def find(place: Place, key: str, kind: FileKind | None = None) -> File:
    """The record that `key` means. Errors as for `find_path`."""
    if is_file_id(key):
        try:
            return place.client.get_file(place.session_id, key)
        except errors.NotFound:
            # A file may be named like an id.
            pass
    name = PurePosixPath(key).name
    stem = PurePosixPath(name).stem
    # Other alphabets may be composed otherwise in the file's name: then all files are looked through.
    q = stem if stem.isascii() else None
    files = list(place.client.each_file(place.session_id, kind=kind, q=q)) if stem else []
    file = choose(key, files)
    if file is None:
        raise errors.FileNotFound(f"There is no file {key!r} in this session.", hint=_suggestion(place, name))
    _warn_of_newer_record(file, files)
    return file


def choose(key: str, files: Sequence[File]) -> File | None:
    """The file that `key` means among these, None for none; AmbiguousName."""
    # Kernels may have made names in NFD: exactly first, then by NFC (API.md, fine print 19).
    for form in (_exact, _nfc):
        wanted = form(key)
        for path in (wanted, f"{ATTACHMENTS}/{wanted}"):
            for file in files:
                if form(file.path) == path:
                    return file
        same = [file for file in files if form(file.name) == wanted]
        if len(same) > 1:
            paths = sorted(file.path for file in same)
            raise errors.AmbiguousName(
                f"{len(same)} files are named {key!r}: {', '.join(paths)}.",
                hint="Give one of the paths.",
                paths=paths,
            )
        if same:
            return same[0]
    return None


def _exact(text: str) -> str:
    return text


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _on_disk(place: Place, key: str) -> Path | None:
    folder = place.folder
    if folder is None:
        return None
    relative = session_path(key)
    if any(part.startswith(".") for part in relative.parts):
        return None
    candidates = (
        folder / key,
        folder / relative,
        folder / ATTACHMENTS / key,
        folder / ATTACHMENTS / relative,
    )
    return next((path for path in candidates if path.is_file()), None)


def _is_latest(place: Place, file: File) -> bool:
    return place.client.get_file(place.session_id, file.attachment_id).artifact_id == file.artifact_id


# --- copies -------------------------------------------------------------------------------------


def _copies_of(name: str) -> re.Pattern[str]:
    """Names that an upload of the same name got, when this one was taken."""
    path = PurePosixPath(name)
    return re.compile(rf"{re.escape(path.stem)} \([0-9]+\){re.escape(path.suffix)}")


def _warn_of_newer(path: Path) -> None:
    copies = _copies_of(path.name)
    modified = path.stat().st_mtime_ns
    beside = (other for other in path.parent.iterdir() if copies.fullmatch(other.name))
    _warn(path.name, (other.name for other in beside if other.stat().st_mtime_ns > modified))


def _warn_of_newer_record(file: File, files: Iterable[File]) -> None:
    copies = _copies_of(file.name)
    folder = PurePosixPath(file.path).parent
    beside = (
        other
        for other in files
        if PurePosixPath(other.path).parent == folder and copies.fullmatch(other.name)
    )
    _warn(file.name, (other.name for other in beside if other.created_at > file.created_at))


def _warn(name: str, newer: Iterable[str]) -> None:
    if names := sorted(newer):
        warnings.warn(
            f"{name!r} is not the newest of its name: {', '.join(map(repr, names))} came later.", stacklevel=5
        )


def _suggestion(place: Place, name: str) -> str:
    known = [file.name for file in place.client.list_files(place.session_id, limit=1000).artifacts]
    if not known:
        return "The session has no files yet: upload one."
    close = difflib.get_close_matches(name, known, n=3) or known[:5]
    return f"There is: {', '.join(map(repr, close))}."
