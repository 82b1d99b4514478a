"""All tables on one page. Times are microseconds since 1970 in UTC, sizes bytes, JSON is text."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

__all__ = [
    "REVISION",
    "alembic_version",
    "archives",
    "events",
    "files",
    "intents",
    "keys",
    "know_postgresql",
    "live_paths",
    "metadata",
    "notebooks",
    "outbox",
    "sessions",
    "uploads",
    "versions",
]

#: The newest migration: a fresh database is made by `metadata.create_all` and stamped with it.
REVISION = "0001"

metadata = MetaData()

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", String(128), primary_key=True),
    Column("owner", String(255), nullable=False),
    Column("name", Text, nullable=False),
    Column("folded_name", Text, nullable=False),
    Column("folded_text", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Column("last_sequence", BigInteger, nullable=False),
    Column("oldest_sequence", BigInteger, nullable=False),
    Column("journal_position", BigInteger, nullable=False),
    Column("attachments", BigInteger, nullable=False),
    Column("artifacts", BigInteger, nullable=False),
    Column("live_bytes", BigInteger, nullable=False),
    Column("trash_bytes", BigInteger, nullable=False),
)

notebooks = Table(
    "notebooks",
    metadata,
    Column("notebook_path", Text, primary_key=True),
    Column("session_id", String(128), ForeignKey("sessions.session_id"), primary_key=True),
    Column("place", Integer, nullable=False),
    Index("notebooks_session", "session_id", "place"),
)


def _entry_columns(primary: str) -> list[Column[Any]]:
    """The columns of an `Entry`; `primary` names its key: a file has one row, a version another."""
    return [
        Column("attachment_id", String(64), primary_key=primary == "attachment_id"),
        Column("artifact_id", String(64), primary_key=primary == "artifact_id"),
        Column("session_id", String(128), ForeignKey("sessions.session_id"), nullable=False),
        Column("kind", String(16), nullable=False),
        Column("path", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("folded_name", Text, nullable=False),
        Column("size", BigInteger, nullable=False),
        Column("mime", Text, nullable=False),
        Column("declared_mime", Text),
        Column("sha256", String(64)),
        Column("crc32", BigInteger),
        Column("source", String(16), nullable=False),
        Column("storage", String(16), nullable=False),
        Column("root_path", Text),
        Column("version", Integer, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("modified_at", BigInteger, nullable=False),
        Column("metadata", Text, nullable=False),
        Column("provenance", Text),
        Column("inode", BigInteger, nullable=False),
        Column("mtime_ns", BigInteger, nullable=False),
        Column("deleted_at", BigInteger),
        Column("kept", String(8), nullable=False),
    ]


#: One row a file: its current version, live or in the trash.
files = Table(
    "files",
    metadata,
    *_entry_columns("attachment_id"),
    Index("files_artifact", "artifact_id", unique=True),
    Index("files_sha256", "session_id", "sha256"),
    Index("files_created", "session_id", "created_at", "attachment_id"),
)
#: One live file a path. Of PostgreSQL only `know_postgresql` speaks: its name alone would load its dialects.
live_paths = Index(
    "files_path",
    files.c.session_id,
    files.c.path,
    unique=True,
    sqlite_where=files.c.deleted_at.is_(None),
)

#: The versions that were replaced.
versions = Table(
    "versions",
    metadata,
    *_entry_columns("artifact_id"),
    Index("versions_attachment", "attachment_id", "version"),
    Index("versions_session", "session_id", "kept"),
)

events = Table(
    "events",
    metadata,
    Column("session_id", String(128), ForeignKey("sessions.session_id"), primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("payload", LargeBinary, nullable=False),
    Column("crc32", BigInteger, nullable=False),
)

intents = Table(
    "intents",
    metadata,
    Column("intent_id", String(64), primary_key=True),
    Column("session_id", String(128), nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

#: Journal lines that are committed here and perhaps not yet in the journal.
outbox = Table(
    "outbox",
    metadata,
    Column("session_id", String(128), primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("line", LargeBinary, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("owner", String(255), primary_key=True),
    Column("payload", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("keys_created", "created_at"),
)

archives = Table(
    "archives",
    metadata,
    Column("archive_id", String(64), primary_key=True),
    Column("session_id", String(128), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

#: Resumable uploads; the truth of an open one is the note beside its bytes.
uploads = Table(
    "uploads",
    metadata,
    Column("upload_id", String(64), primary_key=True),
    Column("session_id", String(128), nullable=False),
    Column("state", String(16), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("uploads_state", "state", "expires_at"),
)

#: Alembic's own: the revision of the tables.
alembic_version = Table("alembic_version", metadata, Column("version_num", String(32), primary_key=True))


def know_postgresql() -> None:
    """Tells PostgreSQL, too, which rows an index is for; before tables are made in one."""
    live_paths.dialect_options["postgresql"]["where"] = files.c.deleted_at.is_(None)
