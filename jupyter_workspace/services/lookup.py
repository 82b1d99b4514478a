"""Finding what an actor may see: sessions and files by id, and their records."""

from __future__ import annotations

from jupyter_workspace.db.engine import Transaction
from jupyter_workspace.errors import FileNotFound, SessionClosed, SessionNotFound
from jupyter_workspace.models.entry import Entry, SessionEntry
from jupyter_workspace.models.file import File
from jupyter_workspace.policy.content import media_of
from jupyter_workspace.services.settings import Actor

__all__ = [
    "find_file",
    "live_file",
    "open_session",
    "record_of",
    "require_open_session",
    "require_session",
]


def record_of(entry: Entry) -> File:
    """The record of an entry as the wire has it."""
    return entry.record(media_of(entry.mime))


async def require_session(tx: Transaction, actor: Actor, session_id: str) -> SessionEntry:
    """The session; SessionNotFound when there is none, or another owner has it."""
    found = await tx.sessions.find(session_id)
    if found is None or found.deleted_at is not None or not actor.may_see(found.owner):
        raise SessionNotFound(session_id=session_id)
    return found


async def require_open_session(tx: Transaction, actor: Actor, session_id: str) -> SessionEntry:
    """The session, to be written to by the actor; raises SessionNotFound or SessionClosed."""
    return _open(await require_session(tx, actor, session_id))


async def open_session(tx: Transaction, session_id: str) -> SessionEntry:
    """The session, if it can be written to; raises SessionNotFound or SessionClosed."""
    session = await tx.sessions.find(session_id)
    if session is None or session.deleted_at is not None:
        raise SessionNotFound(session_id=session_id)
    return _open(session)


def _open(session: SessionEntry) -> SessionEntry:
    if session.status != "active":
        raise SessionClosed(session_id=session.session_id, status=session.status)
    return session


async def find_file(tx: Transaction, session_id: str, file_id: str) -> Entry:
    """The file (`att_`), or the version (`art_`); FileNotFound for a deleted file and all its versions."""
    entry = await tx.files.find(session_id, file_id)
    if entry is None:
        raise FileNotFound(artifact_id=file_id)
    current = entry if file_id.startswith("att_") else await tx.files.find(session_id, entry.attachment_id)
    if current is None or current.deleted_at is not None:
        raise FileNotFound(artifact_id=file_id)
    return entry


async def live_file(tx: Transaction, session_id: str, file_id: str) -> Entry:
    """The file of an `att_` id, or of the `art_` id of its current version; else FileNotFound."""
    entry = await tx.files.find(session_id, file_id)
    if entry is None or entry.deleted_at is not None or entry.kept != "live":
        raise FileNotFound(artifact_id=file_id)
    return entry
