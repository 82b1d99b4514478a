"""One execution of a cell: where it stands, what it has read, and what it wrote.

Light, for it is loaded when a kernel starts: nothing here imports the HTTP library.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from jupyter_workspace.client import discovery
from jupyter_workspace.client.git import commit_of
from jupyter_workspace.client.snapshot import Snapshot, Stamp, snapshot, stamp, written
from jupyter_workspace.models.file import File, Provenance

if TYPE_CHECKING:
    from jupyter_workspace.client.client import Client
    from jupyter_workspace.client.place import Place

__all__ = [
    "Execution",
    "around",
    "beginning_provenance",
    "cell_provenance",
    "inside",
    "notebook_folder",
    "running_shell",
]

#: Attachments came in; what a cell does to them is for the server to notice.
ATTACHMENTS = "attachments"


def running_shell() -> Any:
    """The IPython shell of this process, None in plain Python."""
    # Looked up, not imported: plain Python stays without IPython.
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None


def cell_provenance() -> Provenance:
    """The kernel, the cell, its execution count and the git commit, each if known.

    The server adds the notebook.
    """
    shell = running_shell()
    return Provenance(
        kernel_id=discovery.kernel_id(),
        cell_id=_cell_id(shell),
        execution_count=_count(shell),
        git_commit=commit_of(Path.cwd()),
    )


def beginning_provenance(info: object) -> Provenance:
    """The same for a cell that is about to run; `info` is what IPython says of it."""
    known = cell_provenance()
    if not getattr(info, "store_history", False):
        return replace(known, execution_count=None)
    return replace(known, execution_count=(known.execution_count or 0) + 1)


def _count(shell: Any) -> int | None:
    # `execution_count` is that of the running cell or of the next one, by IPython's version. The inputs so
    # far begin with an empty one, and a running cell is among them.
    inputs = getattr(getattr(shell, "history_manager", None), "input_hist_parsed", None)
    return len(inputs) - 1 if isinstance(inputs, list) else None


def _cell_id(shell: Any) -> str | None:
    """The id of the running cell, as JupyterLab sends it with each execution request."""
    get_parent = getattr(getattr(shell, "kernel", None), "get_parent", None)
    parent: object = get_parent() if callable(get_parent) else None
    metadata = parent.get("metadata") if isinstance(parent, dict) else None
    cell_id = metadata.get("cellId") if isinstance(metadata, dict) else None
    return cell_id if isinstance(cell_id, str) else None


def notebook_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder of the notebook that this kernel runs, else the one where the code runs."""
    # jupyter_server gives each kernel the notebook's path at its start.
    told = environment.get("JPY_SESSION_NAME")
    folder = Path(told).parent if told and Path(told).is_absolute() else None
    return (folder if folder is not None and folder.is_dir() else Path.cwd()).resolve()


# --- which folders are looked at ------------------------------------------------------------------


def inside(place: Place) -> dict[Path, frozenset[str]]:
    """The session's folder, if it is on this machine, with what in it is passed by."""
    folder = place.folder
    return {} if folder is None else {folder: frozenset({ATTACHMENTS})}


def around(place: Place, folder: Path) -> dict[Path, frozenset[str]]:
    """A folder outside the session, without the sessions; nothing when it lies in a session itself."""
    sessions = place.sessions_folder
    if sessions is None:
        return {folder: frozenset()}
    if folder.is_relative_to(sessions):
        return {}
    below = sessions.is_relative_to(folder)
    return {folder: frozenset({sessions.relative_to(folder).as_posix()} if below else ())}


# --- the execution --------------------------------------------------------------------------------


class Execution:
    """A cell from its beginning to its end."""

    def __init__(self, provenance: Provenance, later: Callable[[Execution], None] | None = None) -> None:
        self._provenance = provenance
        self._later = later
        self._looks: dict[Path, tuple[Collection[str], Snapshot]] = {}
        self._read: list[tuple[str, str | None]] = []
        self._inputs: dict[str, None] = {}
        self._made: dict[Path, Stamp] = {}
        self._lock = Lock()

    @property
    def folders(self) -> Collection[Path]:
        """The folders that are looked at."""
        return self._looks.keys()

    def look_at(self, folders: Mapping[Path, Collection[str]]) -> None:
        """Takes these folders as they are now; what is written in them from now on is the cell's."""
        for folder, passing_by in folders.items():
            if folder not in self._looks and (seen := snapshot(folder, passing_by=passing_by)) is not None:
                self._looks[folder] = (passing_by, seen)

    def changes(self) -> dict[Path, list[str]]:
        """For each folder the paths in it that were written since, but those the code told of itself."""
        found = {}
        for folder, (passing_by, before) in self._looks.items():
            after = snapshot(folder, passing_by=passing_by) or {}
            paths = [
                path
                for path in written(before, after)
                if self._made.get(folder / path) != after[path] and not _is_saved_notebook(path, before)
            ]
            if paths:
                found[folder] = paths
        return found

    def has_read(self, place: Place, what: File | Path) -> None:
        """Notes an input: a version that is known, or a path in the session whose version is asked for."""
        if isinstance(what, File):
            self._read.append((what.artifact_id, None))
            return
        folder = place.folder
        if folder is None or self._is_own(folder, what):
            return
        path = what.relative_to(folder).as_posix() if what.is_relative_to(folder) else what.name
        self._read.append((place.session_id, path))
        if self._later is not None:
            self._later(self)

    def _is_own(self, folder: Path, path: Path) -> bool:
        """Whether the cell wrote the file itself: then it is no input."""
        seen = self._looks.get(folder)
        if seen is None or not path.is_relative_to(folder):
            return False
        relative = path.relative_to(folder).as_posix()
        if relative.partition("/")[0] in seen[0]:
            return False
        return seen[1].get(relative) != stamp(path)

    def has_made(self, path: Path) -> None:
        """Notes a file that the code made known by itself."""
        if (now := stamp(path)) is not None:
            self._made[path] = now

    def provenance(self, client: Client) -> Provenance:
        """What is known of the cell, with the versions that it has read so far; asks the server for those."""
        with self._lock:
            while self._read:
                self._inputs.update(dict.fromkeys(_versions(client, *self._read[0])))
                self._read.pop(0)
            return replace(self._provenance, inputs=list(self._inputs))


def _versions(client: Client, name: str, path: str | None) -> Iterator[str]:
    """The version itself, or that of the session's file at a path; none if the server knows no such file."""
    if path is None:
        yield name
        return
    for file in client.each_file(name, path=path):
        if _nfc(file.path) == _nfc(path):
            yield file.artifact_id


def _is_saved_notebook(path: str, before: Snapshot) -> bool:
    # While a cell runs, JupyterLab saves open notebooks: this is nothing that the cell wrote.
    return path.endswith(".ipynb") and path in before


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)
