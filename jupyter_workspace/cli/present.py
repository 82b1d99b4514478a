"""What a session has already of the files that are to be uploaded, so that a second run doubles none."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from posixpath import commonpath
from typing import NamedTuple

from jupyter_workspace.cli.folders import Chosen
from jupyter_workspace.models.file import Conflict, File

__all__ = ["Plan", "Present", "Question"]

#: Of so few files each is asked for by its name; of more the folder that has all of them is listed.
FEW = 8

_NUMBER = re.compile(r" \([0-9]+\)((?:\.[^. ]+)*)\Z")


class Question(NamedTuple):
    """What to list: a folder or a file, None for all of the session; a part of the names, if any."""

    path: str | None
    text: str | None = None


class Plan(NamedTuple):
    """Where files go."""

    session_id: str
    folder: str
    on_conflict: Conflict

    def target(self, one: Chosen) -> tuple[str, str]:
        """Folder and name in the session, as they will be there; the folder is '' for the session's own."""
        parts = [part for part in f"{self.folder}/{one.folder}".split("/") if part]
        # A dot alone means the session's folder (API.md, fine print 16), but is no part of a longer path.
        inside = "/".join(parts[1:] if parts[:1] == ["."] else parts)
        return _nfc(f"/{inside}" if self.folder.startswith("/") else inside), _nfc(one.path.name)

    def questions(self, chosen: Sequence[Chosen]) -> Iterator[Question]:
        """What to ask for to learn of all files that may stand where these go."""
        # What is no UTF-8 can be neither asked for nor uploaded.
        targets = {target for target in map(self.target, chosen) if _is_text("".join(target))}
        folders = {folder for folder, _ in targets}
        if self.on_conflict == "error" or not targets:
            return
        if len(targets) > FEW:
            yield Question(commonpath(folders) or None)
            return
        yield from (Question(f"{folder}/{name}".lstrip("/")) for folder, name in sorted(targets))
        if self.on_conflict == "rename":
            yield from (Question(folder or None, " (") for folder in sorted(folders))


class Present:
    """The files of a session by their place."""

    def __init__(self) -> None:
        self._at: dict[str, File] = {}
        self._numbered: dict[str, list[File]] = {}

    def add(self, file: File) -> None:
        """Takes note of a file."""
        path = _nfc(file.path)
        self._at[path] = file
        if (plain := _NUMBER.sub(r"\1", path)) != path:
            self._numbered.setdefault(plain, []).append(file)

    def like(self, folder: str, name: str, size: int, on_conflict: Conflict) -> list[File]:
        """Files of that size of which each, if it has the same bytes, is what an upload would make.

        The one with that name; when the name is taken and uploads are renamed, also those with a number.
        None with `error`: who chose it wants to know that the name is taken.
        """
        path = f"{folder}/{name}" if folder else name
        first = self._at.get(path)
        if first is None or on_conflict == "error":
            return []
        others = self._numbered.get(path, []) if on_conflict == "rename" else []
        return [file for file in (first, *others) if file.size == size and file.sha256]


def _is_text(name: str) -> bool:
    return name.encode(errors="replace").decode() == name


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)
