"""`attachments_manifest.json`: what came in, for people and tools to read.

The database and the journal are what counts; this file is made from them, at most a second after a
change, and never read by us but to keep aside what somebody else put in its place.
"""

from __future__ import annotations

import asyncio
import logging

import msgspec

from jupyter_workspace.errors import FileTooLarge, WorkspaceError
from jupyter_workspace.models.entry import Entry
from jupyter_workspace.models.service import Problem
from jupyter_workspace.policy.naming import ATTACHMENTS_FOLDER, MANIFEST_NAME
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


class Manifests:
    """Writes the manifests of sessions that changed; one task, owned by `open_workspace`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._dirty: set[str] = set()
        self._work = asyncio.Event()
        self._seen: set[str] = set()
        self.problems: dict[str, Problem] = {}
        parts.ledger.on_commit(self.changed)

    def changed(self, session_ids: frozenset[str]) -> None:
        """Says that these sessions need a new manifest."""
        self._dirty |= session_ids
        self._work.set()

    async def run(self) -> None:
        """Writes until cancelled; `flush` writes the rest."""
        while True:
            await self._work.wait()
            self._work.clear()
            await asyncio.sleep(QUIET_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Writes what has changed since."""
        while self._dirty:
            session_id = self._dirty.pop()
            try:
                await self._write(session_id)
            except asyncio.CancelledError:
                # The last flush, at the stop, still has it to do.
                self._dirty.add(session_id)
                raise
            except (WorkspaceError, OSError):
                _log.warning("The manifest of session %s cannot be written.", session_id)

    async def _write(self, session_id: str) -> None:
        async with self._parts.ledger.reading() as tx:
            session = await tx.sessions.find(session_id)
            entries = await tx.files.live(session_id, "attachment")
        if session is None or session.deleted_at is not None:
            return
        if session_id not in self._seen:
            self._seen.add(session_id)
            await self._keep_aside(session_id)
        old = await self._read(session_id)
        if old is None and not entries:
            return
        content = await asyncio.to_thread(_content, session_id, entries)
        if old is None:
            await self._parts.store.make_folders(session_id, ATTACHMENTS_FOLDER)
        if content != old:
            await self._parts.store.write_atomic(session_id, PATH, content)

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


def _content(session_id: str, entries: list[Entry]) -> bytes:
    attachments = {}
    for entry in sorted(entries, key=lambda entry: entry.attachment_id):
        record = msgspec.to_builtins(record_of(entry))
        attachments[entry.attachment_id] = {**record, "workspace_path": entry.path}
    text = msgspec.json.encode({"session_id": session_id, "attachments": attachments})
    return msgspec.json.format(text, indent=1) + b"\n"
