"""What a caller may say of a file: to register one, and to change one."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from jupyter_workspace.models.file import Conflict, Provenance

__all__ = ["ArtifactChange", "ProvenanceGiven", "Register", "Restore", "ScanResult"]


class ProvenanceGiven(Provenance, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Provenance as a caller says it: a member that does not exist is a mistake."""


class Register(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to register: exactly one of `path`, `root_path` and `source` is given.

    `path` is relative to the session, `root_path` to the server's root; `source` is a data URI, a
    workspace:// reference or a URL. `copy` False refers to a `root_path` where it stands.
    `attachment_id` names the file whose content is replaced.
    """

    path: str | UnsetType = UNSET
    root_path: str | UnsetType = UNSET
    source: str | UnsetType = UNSET
    copy: bool = True
    name: str | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET
    provenance: ProvenanceGiven | UnsetType = UNSET
    deduplicate: bool = False
    attachment_id: str | UnsetType = UNSET
    on_conflict: Conflict | UnsetType = UNSET


class ArtifactChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a file; what is not given stays. `name` and `path` exclude each other."""

    name: str | UnsetType = UNSET
    path: str | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET


class Restore(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to take something back from the trash when its path is taken."""

    on_conflict: Literal["error", "rename"] = "error"


class ScanResult(Struct, frozen=True, kw_only=True):
    """How many files a rescan found new, changed and gone; `truncated` when it met its limit."""

    created: int
    updated: int
    deleted: int
    truncated: bool
