"""Resumable uploads: what the wire says of one, what is kept of it, and the table of its states.

    open        takes bytes; a part of a concatenation stays so until it expires
    finishing   has all its bytes; they are hashed, scanned and published
    done        is a file now
    failed      was refused or given up; `code` says why

`TRANSITIONS` is the only place that says which state follows which: the service looks it up, the tests
walk it, and the diagram in `docs/uploads.md` is drawn from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from msgspec import UNSET, Struct, UnsetType

from jupyter_workspace.errors import UploadLocked

__all__ = ["TRANSITIONS", "Upload", "UploadEntry", "UploadEvent", "UploadState", "state_after"]

UploadState = Literal["open", "finishing", "done", "failed"]

UploadEvent = Literal[
    "grown", "completed", "accepted", "refused", "postponed", "abandoned", "terminated", "expired"
]

#: (state, what happens) -> the next state; None: the upload is forgotten.
TRANSITIONS: Final[Mapping[tuple[UploadState, UploadEvent], UploadState | None]] = {
    ("open", "grown"): "open",
    ("open", "completed"): "finishing",
    ("open", "abandoned"): "failed",
    ("open", "terminated"): None,
    ("open", "expired"): None,
    ("finishing", "accepted"): "done",
    ("finishing", "refused"): "failed",
    ("finishing", "postponed"): "open",
    ("done", "terminated"): None,
    ("done", "expired"): None,
    ("failed", "expired"): None,
}


def state_after(state: UploadState, event: UploadEvent) -> UploadState | None:
    """The state that follows; UploadLocked when this cannot happen now."""
    if (state, event) not in TRANSITIONS:
        raise UploadLocked(f"An upload that is {state} cannot be {event}.")
    return TRANSITIONS[state, event]


class Upload(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The record of an upload as the wire has it; `offset` and `length` in bytes, None: not known yet.

    `code` is that of the error for which a failed upload was refused.
    """

    upload_id: str
    state: UploadState
    offset: int
    length: int | None
    expires_at: datetime
    attachment_id: str | UnsetType = UNSET
    code: str | UnsetType = UNSET


class UploadEntry(Struct, frozen=True, kw_only=True):
    """An upload as it is kept, in the note beside its bytes and in the index.

    `offset` is acknowledged: so many bytes are on the disk for sure. `spool` is the name of the staging
    file, `metadata` what the client sent, `concat` the header that tells a part ('partial') or a whole
    made of parts ('final;…').
    """

    upload_id: str
    session_id: str
    owner: str
    spool: str
    offset: int
    length: int | None
    metadata: dict[str, str]
    concat: str | None
    created_at: datetime
    expires_at: datetime
    state: UploadState = "open"
    finished_at: datetime | None = None
    attachment_id: str | None = None
    code: str | None = None

    @property
    def is_part(self) -> bool:
        """Whether it is a part of a concatenation, which never becomes a file by itself."""
        return self.concat == "partial"

    @property
    def is_final(self) -> bool:
        """Whether it was made of parts, so that no bytes can be added."""
        return self.concat is not None and not self.is_part

    @property
    def is_complete(self) -> bool:
        """Whether all its bytes have come."""
        return self.offset == self.length

    def record(self) -> Upload:
        """The record as the wire has it."""
        return Upload(
            upload_id=self.upload_id,
            state=self.state,
            offset=self.offset,
            length=self.length,
            expires_at=self.expires_at,
            attachment_id=self.attachment_id or UNSET,
            code=self.code or UNSET,
        )
