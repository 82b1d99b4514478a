"""What the disk already shows becomes known: files found, changed, renamed, gone, or referred to.

Nothing is moved here. A file that stands in a session's folder is the user's; these operations only
bring the index, and the news, in line with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from jupyter_workspace.db.engine import Transaction
from jupyter_workspace.errors import (
    Busy,
    FileNotFound,
    NameTaken,
    NotADirectory,
    PathEscapes,
    SessionClosed,
    WorkspaceError,
)
from jupyter_workspace.models.entry import Change, Entry
from jupyter_workspace.models.file import FileKind, Provenance, Source
from jupyter_workspace.policy.content import HEAD_BYTES, extension_of, guess_mime
from jupyter_workspace.policy.naming import ATTACHMENTS_FOLDER
from jupyter_workspace.services.creation import free_path, is_unchanged, joined, merged, session_place
from jupyter_workspace.services.lookup import open_session
from jupyter_workspace.services.parts import Parts
from jupyter_workspace.services.publisher import Plan, Steady
from jupyter_workspace.stores.base import Digest, Stat

__all__ = ["Finding", "Moved", "Notice", "Refer", "Vanished"]

#: The folder, in a session's list only, of what lies elsewhere.
REFERENCES = "references"


class Finding(Struct, frozen=True, kw_only=True):
    """A file as it was found on the disk, with what the caller says of it.

    `source` is used for a file that is new to us. What is UNSET is not changed.
    """

    path: str
    digest: Digest
    stat: Stat
    source: Source
    kind: FileKind | None = None
    metadata: dict[str, Any] | UnsetType = UNSET
    provenance: Provenance | UnsetType = UNSET


def kind_of(path: str) -> FileKind:
    """What stands in the attachments folder came in; all else was made here."""
    return "attachment" if path.startswith(f"{ATTACHMENTS_FOLDER}/") else "artifact"


class Notice(Steady):
    """Files that stand in the session's folder become known, or known anew: nothing is moved."""

    def __init__(
        self, parts: Parts, session_id: str, findings: Sequence[Finding], *, force: bool = False
    ) -> None:
        self.session_id = session_id
        self._parts = parts
        self._findings = findings
        self._force = force

    async def plan(self, tx: Transaction) -> Plan[list[tuple[Entry, bool]]]:
        """For each finding its entry, and whether that file is new.

        What the disk shows already is noted in a closed session too, with `force`; what it no longer
        shows is then left out, and else raises Busy. So is a file whose path a reference has, which keeps
        its place in the list (API.md, 11.28): else it raises NameTaken.
        """
        try:
            await open_session(tx, self.session_id)
        except SessionClosed:
            if not self._force:
                raise
        changes: list[Change] = []
        result: list[tuple[Entry, bool]] = []
        seen = await tx.files.at_paths(self.session_id, [finding.path for finding in self._findings])
        there = await self._on_disk()
        for finding in self._findings:
            before = seen.get(finding.path)
            if before is not None and before.storage == "reference":
                if self._force:
                    continue
                raise NameTaken("A reference is listed under this path.", path=finding.path)
            change = self._change(finding, before)
            entry = change.after or before
            if entry is None:
                continue
            if change.after is not None and change.after != before:
                if there.get(finding.path) != finding.stat:
                    if self._force:
                        continue
                    raise Busy("The file is being changed.")
                changes.append(change)
            seen[finding.path] = entry
            result.append((entry, before is None))
        return Plan(result=result, changes=changes)

    async def _on_disk(self) -> dict[str, Stat]:
        """What the disk shows now at the paths of the findings.

        Between the moves of a publication and its end, files can be seen that are then taken back.
        """
        by_folder: dict[str, list[str]] = {}
        for finding in self._findings:
            folder, _, name = finding.path.rpartition("/")
            by_folder.setdefault(folder, []).append(name)
        found: dict[str, Stat] = {}
        for folder, names in by_folder.items():
            with suppress(FileNotFound, NotADirectory, PathEscapes):
                stats = await self._parts.store.stats(self.session_id, folder, names)
                found.update((joined(folder, name), stat) for name, stat in stats.items())
        return found

    def _change(self, finding: Finding, before: Entry | None) -> Change:
        now = self._parts.clock()
        told = _told(finding, before)
        if before is None:
            return Change(
                before=None, after=_fresh(self._parts, self.session_id, finding, told), event="created"
            )
        if _has_these_bytes(before, finding):
            stat = finding.stat
            after = replace(
                before,
                sha256=finding.digest.sha256,
                crc32=finding.digest.crc32,
                inode=stat.inode,
                mtime_ns=stat.mtime_ns,
                size=stat.size,
                **told,
            )
            return Change(before=before, after=after)
        fresh = _fresh(self._parts, self.session_id, finding, told)
        after = replace(
            fresh,
            attachment_id=before.attachment_id,
            kind=before.kind,
            source=before.source,
            version=before.version + 1,
            created_at=before.created_at,
            declared_mime=before.declared_mime,
        )
        # The old bytes were overwritten where they lay.
        gone = replace(before, kept="gone", deleted_at=now)
        return Change(before=before, after=after, replaced=gone, event="updated")


def _has_these_bytes(before: Entry, finding: Finding) -> bool:
    """Whether the bytes found are those of the entry; one that was never hashed is known by its looks."""
    if before.sha256 is None:
        return is_unchanged(before, finding.stat)
    return before.sha256 == finding.digest.sha256


def _fresh(parts: Parts, session_id: str, finding: Finding, told: dict[str, Any]) -> Entry:
    """The first version of a file that was found."""
    now = parts.clock()
    return Entry(
        attachment_id=parts.new_id("att"),
        artifact_id=parts.new_id("art"),
        session_id=session_id,
        kind=finding.kind or kind_of(finding.path),
        path=finding.path,
        size=finding.digest.size,
        mime=guess_mime(finding.path.rpartition("/")[2], finding.digest.head),
        declared_mime=None,
        sha256=finding.digest.sha256,
        crc32=finding.digest.crc32,
        source=finding.source,
        storage="local",
        root_path=None,
        version=1,
        created_at=now,
        modified_at=now,
        inode=finding.stat.inode,
        mtime_ns=finding.stat.mtime_ns,
        **{"metadata": {}, "provenance": None, **told},
    )


def _told(finding: Finding, before: Entry | None) -> dict[str, Any]:
    """Metadata and provenance as they will be: what is said now is merged into what was known."""
    told: dict[str, Any] = {}
    if finding.metadata is not UNSET:
        told["metadata"] = {**(before.metadata if before else {}), **finding.metadata}
    if finding.provenance is not UNSET:
        told["provenance"] = merged(before.provenance if before else None, finding.provenance)
    elif before is not None:
        told["provenance"] = before.provenance
    if before is not None:
        told.setdefault("metadata", before.metadata)
    return told


class Vanished(Steady):
    """Files that are no longer on the disk leave the index: nothing is moved."""

    def __init__(self, parts: Parts, session_id: str, paths: Sequence[str]) -> None:
        self.session_id = session_id
        self._parts = parts
        self._paths = paths

    async def plan(self, tx: Transaction) -> Plan[int]:
        """How many of them were known; a file that is back by now stays."""
        changes = []
        for path in self._paths:
            entry = await tx.files.at(self.session_id, path)
            if entry is None or entry.storage == "reference":
                continue
            if not await _stands(self._parts, entry):
                changes.append(Change(before=entry, after=None, event="deleted"))
        return Plan(result=len(changes), changes=changes)


class Moved(Steady):
    """Files that the user renamed behind our back keep their ids: nothing is moved."""

    def __init__(self, parts: Parts, session_id: str, pairs: Sequence[tuple[str, str]]) -> None:
        self.session_id = session_id
        self._parts = parts
        self._pairs = pairs

    async def plan(self, tx: Transaction) -> Plan[int]:
        """How many old paths now have the new one."""
        changes = []
        for old, new in self._pairs:
            entry = await tx.files.at(self.session_id, old)
            if entry is None or await tx.files.at(self.session_id, new) is not None:
                continue
            # A scan looks at the disk before the index: what was published between the two only seems gone.
            if not await _stands(self._parts, entry) or await _is_by_link(self._parts, entry):
                mime = await self._mime(entry, new)
                after = replace(entry, path=new, mime=mime, modified_at=self._parts.clock())
                changes.append(Change(before=entry, after=after, event="updated"))
        return Plan(result=len(changes), changes=changes)

    async def _mime(self, entry: Entry, path: str) -> str:
        """The type under the new name; many programs write `x.part` first and call it `x.png` in the end."""
        if extension_of(entry.path) == extension_of(path):
            return entry.mime
        head = b""
        with suppress(WorkspaceError):  # gone again, or not to be read: the name decides alone
            async with await self._parts.store.open_read(session_place(self.session_id, path)) as content:
                head = await content.read(0, HEAD_BYTES)
        return guess_mime(path.rpartition("/")[2], head)


async def _stands(parts: Parts, entry: Entry) -> bool:
    """Whether a file is at its path; neither a link there is one, nor another file that a link leads to."""
    try:
        found = await parts.store.stat(session_place(entry.session_id, entry.path))
    except PathEscapes:
        return False
    if found is None or not found.is_regular:
        return False
    return is_unchanged(entry, found) or not await _is_by_link(parts, entry)


async def _is_by_link(parts: Parts, entry: Entry) -> bool:
    """Whether one of the folders on the way to a file is a link to where it really stands."""
    folder = entry.path.rpartition("/")[0]
    while folder:
        found = await parts.store.stat(session_place(entry.session_id, folder))
        if found is not None and found.is_link:
            return True
        folder = folder.rpartition("/")[0]
    return False


class Refer(Steady):
    """A file elsewhere under the user's root is listed where it stands."""

    def __init__(self, parts: Parts, session_id: str, name: str, finding: Finding) -> None:
        self.session_id = session_id
        self._parts = parts
        self._name = name
        self._finding = finding

    async def plan(self, tx: Transaction) -> Plan[list[tuple[Entry, bool]]]:
        """The entry, and whether it is new; the same place with the same bytes is the same entry."""
        await open_session(tx, self.session_id)
        finding = self._finding
        before = await tx.files.reference_to(self.session_id, finding.path)
        if before is not None:
            return self._again(before)
        path = await free_path(
            self._parts, tx, self.session_id, joined(REFERENCES, self._name), set(), look=True
        )
        entry = replace(
            _fresh(self._parts, self.session_id, finding, _told(finding, None)),
            path=path,
            kind="artifact",
            storage="reference",
            root_path=finding.path,
        )
        return Plan(result=[(entry, True)], changes=[Change(before=None, after=entry, event="created")])

    def _again(self, before: Entry) -> Plan[list[tuple[Entry, bool]]]:
        finding = self._finding
        after = replace(before, **_told(finding, before))
        if before.sha256 == finding.digest.sha256:
            changes = [] if after == before else [Change(before=before, after=after)]
            return Plan(result=[(after, False)], changes=changes)
        now = self._parts.clock()
        after = replace(
            after,
            artifact_id=self._parts.new_id("art"),
            version=before.version + 1,
            size=finding.digest.size,
            sha256=finding.digest.sha256,
            crc32=finding.digest.crc32,
            mime=guess_mime(before.name, finding.digest.head),
            inode=finding.stat.inode,
            mtime_ns=finding.stat.mtime_ns,
            modified_at=now,
        )
        gone = replace(before, kept="gone", deleted_at=now)
        return Plan(
            result=[(after, False)],
            changes=[Change(before=before, after=after, replaced=gone, event="updated")],
        )
