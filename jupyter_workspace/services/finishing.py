"""From an upload that has all its bytes to a file of the session.

What the client said when it made the upload is read once more here, after a restart, too: so nothing
else need be kept of it. The publication is kept under a key of its own beside the Idempotency-Keys, in
the same transaction as the file: that tells, after a crash, whether the upload has become a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args

from jupyter_workspace.db.engine import Transaction
from jupyter_workspace.errors import NameTaken, NotADirectory, ParameterInvalid
from jupyter_workspace.models.entry import Answer
from jupyter_workspace.models.file import Conflict
from jupyter_workspace.models.upload import UploadEntry
from jupyter_workspace.policy.content import check_type, named_mime
from jupyter_workspace.policy.naming import ATTACHMENTS_FOLDER, DEFAULT_NAME, check_upload_name, split_path
from jupyter_workspace.services.creation import Candidate, joined, session_place
from jupyter_workspace.services.ingest import Ingest
from jupyter_workspace.services.parts import Parts
from jupyter_workspace.services.settings import Settings
from jupyter_workspace.services.spooled import Held

__all__ = ["candidate_of", "check_candidate", "check_folder", "publish", "published"]

_CONFLICTS: frozenset[str] = frozenset(get_args(Conflict))


def candidate_of(metadata: Mapping[str, str], settings: Settings) -> Candidate:
    """What the keys filename, filetype, dir, on_conflict and sha256 (hex) ask for; others are the client's.

    Raises NameInvalid, PathEscapes, or ParameterInvalid with the key.
    """
    allow_hidden = settings.allow_hidden
    components = split_path(metadata.get("dir", ATTACHMENTS_FOLDER), allow_hidden=allow_hidden)
    name = metadata.get("filename", DEFAULT_NAME)
    sha256 = metadata.get("sha256")
    if sha256 is not None and not re.fullmatch("[0-9a-fA-F]{64}", sha256):
        raise ParameterInvalid("sha256 is not 64 hexadecimal digits.", parameter="sha256")
    return Candidate(
        name=check_upload_name(name, folder=components, allow_hidden=allow_hidden),
        folder="/".join(components),
        on_conflict=_conflict(metadata.get("on_conflict", "rename")),
        declared_mime=metadata.get("filetype") or None,
        digests={} if sha256 is None else {"sha-256": bytes.fromhex(sha256)},
    )


def _conflict(value: str) -> Conflict:
    if value not in _CONFLICTS:
        raise ParameterInvalid(
            f"on_conflict is one of {', '.join(sorted(_CONFLICTS))}.", parameter="on_conflict"
        )
    return value  # type: ignore[return-value]


async def check_candidate(parts: Parts, tx: Transaction, session_id: str, candidate: Candidate) -> None:
    """Refuses before a byte has come what could only be refused after the last.

    Raises TypeRefused by the name, and NameTaken where another name would not do.
    """
    settings = parts.settings
    mime = named_mime(candidate.name)
    check_type(candidate.name, mime, allow=settings.allow_types, deny=settings.deny_types)
    if candidate.on_conflict == "error":
        path = joined(candidate.folder, candidate.name)
        if await tx.files.at(session_id, path) is not None:
            raise NameTaken(path=path)


async def check_folder(parts: Parts, session_id: str, candidate: Candidate) -> None:
    """Raises NotADirectory when something else has the name of the folder."""
    if candidate.folder:
        found = await parts.store.stat(session_place(session_id, candidate.folder))
        if found is not None and not found.is_dir:
            raise NotADirectory(path=candidate.folder)


async def publish(parts: Parts, ingest: Ingest, entry: UploadEntry, arrival: Held) -> str:
    """Makes a file of a complete upload, and gives its `att_` id; raises as `Ingest.admit` does.

    When it has become one already, that one's id is given.
    """
    answer = Answer(
        key=_key(entry),
        owner=entry.owner,
        fingerprint=entry.upload_id,
        entries=[],
        created_at=parts.clock(),
    )
    candidate = candidate_of(entry.metadata, parts.settings)
    saved = await ingest.admit(entry.session_id, [(candidate, arrival)], answer)
    return saved.entries[0].attachment_id


async def published(tx: Transaction, entry: UploadEntry) -> str | None:
    """The `att_` id of the file that an upload has become; None when it has not."""
    answer = await tx.keys.find(_key(entry), entry.owner)
    return answer.entries[0].attachment_id if answer is not None and answer.entries else None


def _key(entry: UploadEntry) -> str:
    # No header can hold a newline, so no client's key can be this one.
    return f"\n{entry.upload_id}"
