"""What a block of code writes becomes artifacts: `with ws.capture():`, and `%%artifacts` for a cell."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from jupyter_workspace.client.cell import Execution, around, inside
from jupyter_workspace.client.snapshot import MOST_FILES
from jupyter_workspace.errors import WorkspaceError
from jupyter_workspace.models.file import Provenance

if TYPE_CHECKING:
    from jupyter_workspace.client.handle import FileHandle
    from jupyter_workspace.client.place import Place
    from jupyter_workspace.models.session import Session

__all__ = ["Capture", "artifacts_magic", "capture_setting", "captures_folder"]

BATCH = 100

#: The session's setting, a member of its metadata, and the value with which the notebook's folder is seen.
SETTING = "capture"
NOTEBOOK_FOLDER = "notebook-folder"


class Registers(Protocol):
    """How a workspace registers a list of files."""

    def __call__(self, path: Sequence[str | os.PathLike[str]], *, copy: bool) -> list[FileHandle]:
        """The files as artifacts."""
        ...


class Capture:
    """A block of code; at its end `files` are the artifacts that it wrote.

    Files in the session's folder become known as what they are. Those in `folder` (the one where the
    code runs, if none is given) are listed where they stand, or copied when the server cannot see them.
    """

    def __init__(self, place: Place, register: Registers, folder: str | os.PathLike[str] | None) -> None:
        self._place = place
        self._register = register
        self._folder = folder
        self._execution = Execution(Provenance())
        self.files: list[FileHandle] = []

    def __enter__(self) -> Self:
        folder = Path(self._folder if self._folder is not None else Path.cwd()).resolve()
        folders = {**around(self._place, folder), **inside(self._place)}
        self._execution.look_at(folders)
        for missed in folders.keys() - self._execution.folders:
            warnings.warn(
                f"{str(missed)!r} holds more than {MOST_FILES} files: what is written there is not captured. "
                "Name a smaller folder: ws.capture('plots').",
                stacklevel=2,
            )
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        # Also after an error: what was written is there.
        try:
            self._list()
        except WorkspaceError as refusal:
            if error is None:
                raise
            # The error of the block is what the person has to see.
            warnings.warn(f"What the block wrote is not listed: {refusal}", stacklevel=2)

    def _list(self) -> None:
        changes = self._execution.changes()
        own = changes.pop(self._place.folder, []) if self._place.folder else []
        if own:
            self._add([self._place.existing_folder() / path for path in own], copy=True)
        for folder, paths in changes.items():
            self._add([folder / path for path in paths], copy=not self._is_seen(folder))

    def _is_seen(self, folder: Path) -> bool:
        root = self._place.root
        return root is not None and folder.is_relative_to(root)

    def _add(self, paths: Sequence[Path], *, copy: bool) -> None:
        for start in range(0, len(paths), BATCH):
            self.files += self._register(paths[start : start + BATCH], copy=copy)


def artifacts_magic(shell: Any, capture: Callable[[str | None], Capture]) -> Callable[[str, str], Any]:
    """The cell magic `%%artifacts [folder]`: what the cell writes, and shows as its value."""

    def artifacts(line: str, cell: str) -> Sequence[FileHandle]:
        """Runs the cell; its value are the artifacts that it wrote."""
        if shell.should_run_async(cell, transformed_cell=shell.transform_cell(cell)):
            # IPython cannot run it within the cell that runs already.
            raise SyntaxError("'await' does not go with %%artifacts: write `with ws.capture():` in the cell.")
        with capture(line.strip() or None) as captured:
            result = shell.run_cell(cell)
            error = result.error_before_exec or result.error_in_exec
            if error is not None:
                _show_no_more(error)
            result.raise_error()
        return captured.files

    return artifacts


def _show_no_more(error: BaseException) -> None:
    """Has the shell pass by the traceback when it meets this error next: it has shown it already."""

    def render() -> list[str]:
        del error._render_traceback_  # type: ignore[attr-defined]
        return []

    error._render_traceback_ = render  # type: ignore[attr-defined]


def captures_folder(session: Session) -> bool:
    """Whether somebody said that what is written beside the notebook belongs to the session."""
    return session.metadata.get(SETTING) == NOTEBOOK_FOLDER


def capture_setting(metadata: Mapping[str, Any], *, is_on: bool) -> dict[str, Any]:
    """The session's metadata with the setting, or without it."""
    rest = {name: value for name, value in metadata.items() if name != SETTING}
    return {**rest, SETTING: NOTEBOOK_FOLDER} if is_on else rest
