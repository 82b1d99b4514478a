"""What database and journal keep: the records with all that the wire does not show.

An `Entry` is one version of a file and where its bytes are; a `Folder` of entries is a session. An
`Intent` is a publication that has been promised and not yet finished: it holds everything that is
needed to finish it, or to take it back, after a crash.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal, Self

from msgspec import Struct

from jupyter_workspace.models.event import ChangeType
from jupyter_workspace.models.file import File, FileKind, Media, Provenance, Source, Storage
from jupyter_workspace.models.session import Session, SessionStatus

__all__ = ["Answer", "Change", "Entry", "Intent", "Kept", "SessionEntry", "SessionTotals"]

#: Where the bytes of a version are: at the file's path, in the trash under `artifact_id`, nowhere.
Kept = Literal["live", "trash", "gone"]


class Entry(Struct, frozen=True, kw_only=True):
    """One version of a file.

    The current version of a file and its replaced ones have the same form. `crc32` serves the zip;
    `inode` and `mtime_ns` tell whether the file was changed behind our back. `deleted_at` is the
    time at which it left for the trash; `root_path` is where a reference points, or what a snapshot was
    taken of. `media` is not kept: it follows from `mime`.
    """

    attachment_id: str
    artifact_id: str
    session_id: str
    kind: FileKind
    path: str
    size: int
    mime: str
    declared_mime: str | None
    sha256: str | None
    crc32: int | None
    source: Source
    storage: Storage
    root_path: str | None
    version: int
    created_at: datetime
    modified_at: datetime
    metadata: dict[str, Any]
    provenance: Provenance | None
    inode: int
    mtime_ns: int
    deleted_at: datetime | None = None
    kept: Kept = "live"

    @property
    def name(self) -> str:
        """The last component of the path."""
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The path without its last component, '' for the session's own folder."""
        return self.path.rpartition("/")[0]

    @property
    def owned_bytes(self) -> int:
        """The bytes that count for a quota: those of a reference are somebody else's."""
        return 0 if self.storage == "reference" else self.size

    def record(self, media: Media) -> File:
        """The record as the wire has it."""
        extra: dict[str, Any] = {}
        if self.storage == "reference":
            extra["root_path"] = self.root_path
        if self.kept == "gone":
            extra["available"] = False
        if self.deleted_at is not None:
            extra["deleted_at"] = self.deleted_at
        return File(
            attachment_id=self.attachment_id,
            artifact_id=self.artifact_id,
            session_id=self.session_id,
            kind=self.kind,
            name=self.name,
            path=self.path,
            files_path=f"{self.session_id}/{self.path}",
            size=self.size,
            mime=self.mime,
            sha256=self.sha256,
            media=media,
            source=self.source,
            storage=self.storage,
            version=self.version,
            created_at=self.created_at,
            modified_at=self.modified_at,
            metadata=self.metadata,
            provenance=self.provenance,
            declared_mime=self.declared_mime,
            **extra,
        )


class SessionTotals(Struct, frozen=True, kw_only=True):
    """What a session holds: counts of live files, bytes of live files and of its trash."""

    attachments: int = 0
    artifacts: int = 0
    live_bytes: int = 0
    trash_bytes: int = 0

    @classmethod
    def of(cls, files: Iterable[Entry], replaced: Iterable[Entry]) -> Self:
        """The totals of a session with these files, live or in the trash, and replaced versions."""
        known = list(files)
        live = [entry for entry in known if entry.deleted_at is None]
        trashed = [entry for entry in (*known, *replaced) if entry.kept == "trash"]
        return cls(
            attachments=sum(entry.kind == "attachment" for entry in live),
            artifacts=sum(entry.kind == "artifact" for entry in live),
            live_bytes=sum(entry.owned_bytes for entry in live),
            trash_bytes=sum(entry.owned_bytes for entry in trashed),
        )


class SessionEntry(Struct, frozen=True, kw_only=True):
    """A session as it is kept; `deleted_at` makes it a tombstone.

    `last_sequence` is the highest sequence its log ever had; `oldest_sequence` the lowest still
    kept (1 more than the highest when none is).
    """

    session_id: str
    owner: str
    name: str
    description: str
    notebooks: list[str]
    metadata: dict[str, Any]
    status: SessionStatus
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime
    deleted_at: datetime | None = None
    last_sequence: int = 0
    oldest_sequence: int = 1

    def record(self, totals: SessionTotals, workspace_dir: str) -> Session:
        """The record as the wire has it."""
        return Session(
            session_id=self.session_id,
            name=self.name,
            description=self.description,
            notebook_path=self.notebooks[0] if self.notebooks else None,
            notebooks=self.notebooks,
            metadata=self.metadata,
            status=self.status,
            created_at=self.created_at,
            updated_at=self.updated_at,
            last_used_at=self.last_used_at,
            attachments=totals.attachments,
            artifacts=totals.artifacts,
            size=totals.live_bytes,
            path=f"{workspace_dir}/{self.session_id}",
        )


class Change(Struct, frozen=True, kw_only=True):
    """One effect of a publication on the index, and the event that tells of it.

    `before` is the file's row as it was (None: new), `after` as it will be (None: dropped);
    `replaced` is the version that `after` pushes aside, `revived` a replaced version that comes back
    as `after`. `event` None makes no event. `tombstone` ends a session: it alone is given.
    """

    before: Entry | None
    after: Entry | None
    replaced: Entry | None = None
    revived: Entry | None = None
    tombstone: SessionEntry | None = None
    event: ChangeType | None = None


class Answer(Struct, frozen=True, kw_only=True):
    """What an `Idempotency-Key` stands for: the request it came with, and what that made."""

    key: str
    owner: str
    fingerprint: str
    entries: list[Entry]
    created_at: datetime
    is_new: bool = True


class Intent(Struct, frozen=True, kw_only=True):
    """A publication that was promised: its moves on the disk, its changes of the index.

    `moves` are the encoded `stores.base.Move` values: models know no store.
    """

    intent_id: str
    session_id: str
    moves: list[dict[str, Any]]
    changes: list[Change]
    answer: Answer | None = None
