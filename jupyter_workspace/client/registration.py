"""How a file of this machine is named to the server: in the session, below its root, or by sending it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET

from jupyter_workspace import errors
from jupyter_workspace.client.place import Place
from jupyter_workspace.models.artifact import ProvenanceGiven, Register
from jupyter_workspace.models.file import Provenance

__all__ = ["merged", "registration", "session_key"]


def registration(place: Place, path: str | os.PathLike[str], *, copy: bool, **members: Any) -> Register:
    """The body that registers the file; it is uploaded first when the server cannot see it.

    SourceNotFound; IsADirectoryError; PathEscapes when `copy` is False and the server cannot see it.
    """
    local = _existing(place, path)
    if (inside := _below(local, place.folder)) is not None:
        return Register(path=inside, **members)
    seen = _below(local, place.root)
    # Hidden folders are closed on the server's side (API.md, section 1).
    if seen is not None and not any(part.startswith(".") for part in seen.split("/")):
        return Register(root_path=seen, copy=copy, **members)
    if not copy:
        raise errors.PathEscapes(
            f"{local.name!r} lies outside the server's folder and cannot be used in place.",
            hint="Leave out copy=False: then it is copied into the session.",
        )
    name = members.pop("name", UNSET)
    sent = place.client.upload(
        place.session_id,
        local,
        local.name if name is UNSET else name,
        folder=".",
        on_conflict="replace",
    )
    return Register(path=sent.path, **members)


def session_key(place: Place, path: str | os.PathLike[str]) -> str:
    """A path as the session names it: relative to the session's folder if it is absolute and inside."""
    text = os.fspath(path)
    inside = _below(Path(text), place.folder) if Path(text).is_absolute() else None
    return inside or text


def _existing(place: Place, path: str | os.PathLike[str]) -> Path:
    tried = [Path.cwd() / path, *([place.folder / path] if place.folder else [])]
    for candidate in tried:
        if candidate.is_dir():
            raise IsADirectoryError(
                f"{candidate.name!r} is a folder: register its files, as a list of paths."
            )
        if candidate.is_file():
            return candidate
    raise errors.SourceNotFound(
        f"There is no file {os.fspath(path)!r} to register.",
        hint="A relative path begins at the folder where the kernel runs, or at the session's.",
    )


def _below(path: Path, folder: Path | None) -> str | None:
    """The path relative to a folder, None if it lies elsewhere. A link as the last part stays a link."""
    if folder is None:
        return None
    plain = path.parent.resolve() / path.name
    return plain.relative_to(folder).as_posix() if plain.is_relative_to(folder) else None


def merged(known: Provenance, told: Mapping[str, Any] | Provenance | None) -> ProvenanceGiven:
    """What is known by itself, with what the caller says in its place; TypeError for an unknown member."""
    members = msgspec.to_builtins(told) if isinstance(told, Provenance) else dict(told or {})
    if "inputs" in members:
        # Files are named by the version that was read.
        members["inputs"] = [getattr(one, "artifact_id", one) for one in members["inputs"]]
    if unknown := set(members) - set(Provenance.__struct_fields__):
        raise TypeError(
            f"{', '.join(sorted(unknown))} is no member of provenance; there are: "
            f"{', '.join(Provenance.__struct_fields__)}."
        )
    return msgspec.convert({**msgspec.to_builtins(known), **members}, ProvenanceGiven)
