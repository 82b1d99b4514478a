"""A file of a session: one noun for what came in (attachment) and what was made here (artifact)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

__all__ = [
    "AttachmentList",
    "Batch",
    "Conflict",
    "Crumb",
    "File",
    "FileItem",
    "FileKind",
    "FileList",
    "Folder",
    "Media",
    "Provenance",
    "Source",
    "Storage",
    "TrashList",
]

FileKind = Literal["attachment", "artifact"]
Media = Literal["image", "audio", "video", "file"]
Source = Literal["upload", "register", "watch", "ingest", "run"]
Storage = Literal["local", "reference", "cloud"]

#: What to do when the path of a new file is taken.
Conflict = Literal["rename", "error", "replace"]


class Provenance(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where an artifact comes from; each member only if known.

    `inputs` are `art_` ids of the versions that were read to make it.
    """

    notebook_path: str | None = None
    kernel_id: str | None = None
    cell_id: str | None = None
    execution_count: int | None = None
    run_id: str | None = None
    git_commit: str | None = None
    inputs: list[str] = []


class File(Struct, frozen=True, kw_only=True):
    """A file's record, as API.md, section 1 has it.

    `attachment_id` is the file's for life, `artifact_id` that of this version of its content;
    `version` counts from 1. `path` is relative to the session, `files_path` to the workspace folder.
    `sha256` is bare hex, None while it is not known. `size` is in bytes.
    """

    attachment_id: str
    artifact_id: str
    session_id: str
    kind: FileKind
    name: str
    path: str
    files_path: str
    size: int
    mime: str
    sha256: str | None
    media: Media
    source: Source
    storage: Storage
    version: int
    created_at: datetime
    modified_at: datetime
    metadata: dict[str, Any] = {}
    provenance: Provenance | None = None
    declared_mime: str | None = None
    #: of a reference: where the file stands, relative to the server's root
    root_path: str | UnsetType = UNSET
    #: False when the bytes of this version are no longer kept
    available: bool | UnsetType = UNSET
    #: of a file or a version in the trash
    deleted_at: datetime | UnsetType = UNSET
    #: the content itself (RFC 2397), on request and if the server allows it
    data_uri: str | UnsetType = UNSET


class FileList(Struct, frozen=True, kw_only=True):
    """A page of artifacts; `next` is the keyset cursor, None at the end."""

    artifacts: list[File]
    total: int
    has_more: bool
    next: str | None = None


class AttachmentList(Struct, frozen=True, kw_only=True):
    """A page of what came in."""

    attachments: list[File]
    total: int
    has_more: bool


class TrashList(Struct, frozen=True, kw_only=True):
    """A page of the trash: deleted files, and versions that were replaced."""

    trash: list[File]
    total: int
    has_more: bool


class Batch(Struct, frozen=True, kw_only=True):
    """The answer to a request that brought several files."""

    count: int
    saved: list[File]


class FileItem(Struct, frozen=True, kw_only=True):
    """An entry of a folder, as `GET /files` lists it; `size` is None for folders."""

    name: str
    is_dir: bool
    size: int | None
    mime: str | None
    modified_at: datetime
    path: str
    attachment_id: str | None


class Crumb(Struct, frozen=True, kw_only=True):
    """One step of the way from the root to a folder."""

    label: str
    path: str


class Folder(Struct, frozen=True, kw_only=True):
    """A page of a folder; `base` is '.' for the root."""

    base: str
    crumbs: list[Crumb]
    items: list[FileItem]
    total: int
    has_more: bool
