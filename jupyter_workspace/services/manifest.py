"""`attachments_manifest.json`: what came in, for people and tools to read.

The database and the journal are what counts; this file is made from them, at most a second after a
change, and never read by us but to keep aside what somebody else put in its place.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Container, Iterable
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from jupyter_workspace.errors import FileTooLarge, WorkspaceError
from jupyter_workspace.models.entry import Entry
from jupyter_workspace.models.service import Problem
from jupyter_workspace.policy.naming import ATTACHMENTS_FOLDER, MANIFEST_NAME
from jupyter_workspace.protocol.selection import FileFilter
from jupyter_workspace.services.lookup import record_of
from jupyter_workspace.services.parts import Parts

__all__ = ["Manifests"]

_log = logging.getLogger(__name__)

#: Changes within this many seconds are written together.
QUIET_SECONDS = 0.3

#: A manifest of ours is never larger than this, in bytes.
LARGEST = 256 * 2**20

PATH = f"{ATTACHMENTS_FOLDER}/{MANIFEST_NAME}"
ASIDE = f"{ATTACHMENTS_FOLDER}/.{MANIFEST_NAME}.damaged"


class _Manifest(Struct):
    session_id: str
    attachments: dict[str, msgspec.Raw]


class Manifests:
    """Writes the manifests of sessions that changed; one task, owned by `open_workspace`.

    What a manifest of ours said of files that did not change is taken over as it stands there, so that
    a session of thousands of files costs little at each of their uploads. When anything else may have
    changed, or the file is not byte for byte what was written, all of it is made from the records.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        #: the attachments to look at in each session; None: all
        self._dirty: dict[str, set[str] | None] = {}
        self._work = asyncio.Event()
        self._turn = asyncio.Lock()
        self._seen: set[str] = set()
        #: the digest of what was written last for each session
        self._written: dict[str, bytes] = {}
        self.problems: dict[str, Problem] = {}
        parts.ledger.on_session_commit(self.changed)
        parts.ledger.on_file_commit(self._note)

    def changed(self, session_ids: frozenset[str]) -> None:
        """Says that these sessions need a new manifest, made from all their records."""
        self._dirty |= dict.fromkeys(session_ids)
        self._work.set()

    def _note(self, changed: frozenset[tuple[str, str]]) -> None:
        for session_id, attachment_id in changed:
            ids = self._dirty.setdefault(session_id, set())
            if ids is not None:
                ids.add(attachment_id)
        self._work.set()

    async def run(self) -> None:
        """Writes until cancelled; `flush` writes the rest."""
        while True:
            await self._work.wait()
            self._work.clear()
            await asyncio.sleep(QUIET_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Writes what has changed since, the session that has waited longest first."""
        async with self._turn:
            await self._flush()

    async def _flush(self) -> None:
        while self._dirty:
            session_id = next(iter(self._dirty))
            ids = self._dirty.pop(session_id)
            written = self._written.pop(session_id, None)
            try:
                await self._write(session_id, ids, written)
            except asyncio.CancelledError:
                # The last flush, at the stop, still has it to do.
                self._dirty[session_id] = None
                raise
            except (WorkspaceError, OSError):
                _log.warning("The manifest of session %s cannot be written.", session_id)

    async def _write(self, session_id: str, ids: set[str] | None, written: bytes | None) -> None:
        async with self._parts.ledger.reading() as tx:
            session = await tx.sessions.find(session_id)
        if session is None or session.deleted_at is not None:
            return
        if session_id not in self._seen:
            self._seen.add(session_id)
            await self._keep_aside(session_id)
        old = await self._read(session_id)
        is_ours = old is not None and await asyncio.to_thread(_digest, old) == written
        wanted = FileFilter(session_id=session_id, kind="attachment")
        if is_ours and ids is not None:
            wanted = replace(wanted, chosen=sorted(ids))
        async with self._parts.ledger.reading() as tx:
            entries = await tx.files.matching(wanted)
        if old is None and not entries:
            return
        kept = old if wanted.chosen is not None else None
        content = await asyncio.to_thread(_content, session_id, entries, kept, ids or set())
        if old is None:
            await self._parts.store.make_folders(session_id, ATTACHMENTS_FOLDER)
        if content != old:
            await self._parts.store.write_atomic(session_id, PATH, content)
        self._written[session_id] = await asyncio.to_thread(_digest, content)

    async def _read(self, session_id: str) -> bytes | None:
        try:
            return await self._parts.store.read_small(session_id, PATH, LARGEST)
        except FileTooLarge:
            return b""

    async def _keep_aside(self, session_id: str) -> None:
        """Keeps a manifest that does not parse, so that nobody's edits are lost to our next write."""
        old = await self._read(session_id)
        if old is None:
            return
        try:
            msgspec.json.decode(old)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            await self._parts.store.write_atomic(session_id, ASIDE, old)
            message = f"{PATH} could not be read; it was kept as {ASIDE} and written anew."
            self.problems[session_id] = Problem(
                code="manifest_damaged", message=message, session_id=session_id
            )


def _content(session_id: str, entries: Iterable[Entry], old: bytes | None, changed: Container[str]) -> bytes:
    """The manifest of these entries, and of those in the old one that did not change."""
    attachments: dict[str, msgspec.Raw | dict[str, Any]] = {}
    if old is not None:
        known = msgspec.json.decode(old, type=_Manifest).attachments
        attachments |= {key: raw for key, raw in known.items() if key not in changed}
    for entry in entries:
        record = msgspec.to_builtins(record_of(entry))
        attachments[entry.attachment_id] = {**record, "workspace_path": entry.path}
    text = msgspec.json.encode({"session_id": session_id, "attachments": dict(sorted(attachments.items()))})
    return msgspec.json.format(text, indent=1) + b"\n"


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
