"""A session as the kernel stands to it: the client, the record, and its folder if this machine has it."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from jupyter_workspace import errors
from jupyter_workspace.client.cell import Execution
from jupyter_workspace.client.client import Client
from jupyter_workspace.client.discovery import API_PATH, cache_folder
from jupyter_workspace.client.wire import route
from jupyter_workspace.models.file import File
from jupyter_workspace.models.session import Session

__all__ = ["Place", "session_path"]


def session_path(path: str | os.PathLike[str]) -> PurePosixPath:
    """A path inside a session, in NFC; PathEscapes for one that is absolute, empty or leads out."""
    text = unicodedata.normalize("NFC", os.fspath(path))
    parts = [part for part in text.split("/") if part]
    if text.startswith("/") or "\\" in text or not parts or {".", ".."} & set(parts):
        raise errors.PathEscapes(f"{text!r} is no path inside the session.")
    return PurePosixPath(*parts)


class Place:
    """Where the files of one session are found: on this machine, else through the server.

    `root` is the server's root folder on this machine, None when it is unknown; `execution` gives the cell
    that runs.
    """

    def __init__(
        self,
        client: Client,
        session: Session,
        environment: Mapping[str, str] = os.environ,
        execution: Callable[[], Execution | None] = lambda: None,
        told: Callable[[Session], None] = lambda _: None,
    ) -> None:
        self.client = client
        self.session = session
        root = environment.get("JUPYTER_WORKSPACE_ROOT")
        self.root = Path(root).resolve() if root else None
        self._environment = environment
        self._execution = execution
        self._told = told

    def learn(self, session: Session) -> None:
        """Takes the session's record as it is now, and tells whoever else looks at the session."""
        self.session = session
        self._told(session)

    def beside(self, session_id: str) -> Place:
        """Another session of the same server; SessionNotFound."""
        return Place(self.client, self.client.get_session(session_id), self._environment, self._execution)

    @property
    def cache(self) -> Path:
        """The folder of what is kept for later and can be lost."""
        return cache_folder(self._environment)

    def note_read(self, what: File | Path) -> None:
        """Tells the running cell, if there is one, that it has read a version or a path."""
        if (execution := self._execution()) is not None:
            execution.has_read(self, what)

    def note_made(self, path: Path) -> None:
        """Tells the running cell that a file of its making is known already."""
        if (execution := self._execution()) is not None:
            execution.has_made(path)

    @property
    def session_id(self) -> str:
        """The session's id."""
        return self.session.session_id

    @property
    def folder(self) -> Path | None:
        """The session's folder, if it is on this machine."""
        folder = self.root / self.session.path if self.root else None
        return folder if folder is not None and folder.is_dir() else None

    @property
    def sessions_folder(self) -> Path | None:
        """The folder of all sessions' folders, if the server's root is known here."""
        return (self.root / self.session.path).parent if self.root else None

    def existing_folder(self) -> Path:
        """The session's folder; FolderUnreachable when it is not on this machine."""
        folder = self.folder
        if folder is None:
            raise errors.FolderUnreachable
        return folder

    def local(self, file: File) -> Path | None:
        """Where the file's latest version lies on this machine; None when it does not."""
        if file.storage == "reference":
            path = self.root / file.root_path if self.root and isinstance(file.root_path, str) else None
        else:
            folder = self.folder
            path = folder / file.path if folder and file.storage == "local" else None
        return path if path is not None and path.is_file() else None

    def fetched(self, file: File) -> Path:
        """A path with the content of this version: in the cache, after a download if need be."""
        # A version's content never changes, so what is in the cache under its id is right.
        target = self.cache / file.artifact_id / Path(file.name).name
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            self.client.fetch(file, target)
        return target

    def url(self, file: File) -> str:
        """The path-absolute URL under which a browser that shows the notebook gets the file."""
        return self._url("sessions", file.session_id, "artifacts", file.artifact_id)

    @property
    def zip_url(self) -> str:
        """The path-absolute URL of the session's zip."""
        return self._url("sessions", self.session_id, "download")

    def _url(self, *segments: str) -> str:
        return f"{quote(self.client.server.base_path, safe='/%')}{API_PATH}{route(*segments)}"
