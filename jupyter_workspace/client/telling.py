"""What a cell wrote, told to the session in as few requests as the server takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jupyter_workspace import errors
from jupyter_workspace.models.artifact import ProvenanceGiven, Register
from jupyter_workspace.models.file import Provenance

if TYPE_CHECKING:
    from jupyter_workspace.client.client import Client
    from jupyter_workspace.client.place import Place

__all__ = ["bodies_of", "tell"]

#: Files in one request (API.md, fine print 53).
BATCH = 100

#: Errors of one file, for which the others of its batch are told all the same.
OF_ONE_FILE = (
    errors.Invalid,
    errors.FileNotFound,
    errors.SourceNotFound,
    errors.TooLarge,
    errors.Rejected,
    errors.Busy,
)


def bodies_of(
    place: Place, changes: Mapping[Path, Sequence[str]], provenance: Provenance, outside: Path | None
) -> list[Register]:
    """What is registered of these changes: the session's own files, and those in `outside` in place."""
    given = msgspec.convert(msgspec.to_builtins(provenance), ProvenanceGiven)
    folder, root = place.folder, place.root
    bodies = []
    if folder is not None:
        bodies = [Register(path=path, provenance=given) for path in changes.get(folder, ())]
    if outside is not None and root is not None and outside.is_relative_to(root):
        below = outside.relative_to(root)
        bodies += [
            Register(root_path=(below / path).as_posix(), copy=False, provenance=given)
            for path in changes.get(outside, ())
        ]
    return bodies


def tell(client: Client, session_id: str, bodies: Sequence[Register]) -> None:
    """Registers the files in order; one that is gone or refused does not keep the others back.

    Raises the error of the last file that was refused, once all have been tried.
    """
    refusals = [error for start in range(0, len(bodies), BATCH)
                for error in _tell(client, session_id, bodies[start : start + BATCH])]  # fmt: skip
    if refusals:
        raise refusals[-1]


def _tell(client: Client, session_id: str, bodies: Sequence[Register]) -> Iterator[errors.WorkspaceError]:
    try:
        client.register_batch(session_id, bodies)
    except OF_ONE_FILE as error:
        if len(bodies) > 1:
            half = len(bodies) // 2
            yield from _tell(client, session_id, bodies[:half])
            yield from _tell(client, session_id, bodies[half:])
        elif not isinstance(error, errors.SourceNotFound | errors.Busy):
            # Gone again, or still being written: the server's own look is for these.
            path = bodies[0].path or bodies[0].root_path
            yield type(error)(f"{path!r}: {error.message}", hint=error.hint, **error.facts)
