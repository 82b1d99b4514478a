"""Staged bytes become files of a session: new ones, or new versions of old ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from jupyter_workspace.db.engine import Transaction
from jupyter_workspace.errors import Busy, FileNotFound, KeyReused, NameTaken, WorkspaceError
from jupyter_workspace.models.entry import Answer, Change, Entry
from jupyter_workspace.models.file import Conflict, FileKind, Provenance, Source
from jupyter_workspace.policy.naming import numbered
from jupyter_workspace.services.lookup import open_session
from jupyter_workspace.services.parts import Parts
from jupyter_workspace.services.publisher import Plan, path_key
from jupyter_workspace.stores.base import Digest, Move, Place, Stat

__all__ = [
    "Candidate",
    "Creation",
    "Incoming",
    "free_path",
    "is_unchanged",
    "joined",
    "merged",
    "session_place",
]

#: How many numbered names are looked at together; the last one again and again.
_PROBES = (1, 20, 200)


class Candidate(Struct, frozen=True, kw_only=True):
    """What the caller says of one file; `folder` and `name` are checked already.

    `digests` are declared ones by algorithm, `root_path` is what a snapshot was taken of, `replaces`
    the `att_` id of the file whose content this becomes, wherever that lies. With `deduplicate` the
    same bytes anywhere in the session are taken for the file, with `keeps_equal` the same bytes make
    no new version.
    """

    name: str
    folder: str
    kind: FileKind = "attachment"
    source: Source = "upload"
    on_conflict: Conflict = "rename"
    declared_mime: str | None = None
    metadata: dict[str, Any] = {}
    provenance: Provenance | None = None
    root_path: str | None = None
    digests: Mapping[str, bytes] = {}
    replaces: str | None = None
    deduplicate: bool = False
    keeps_equal: bool = False

    @property
    def replaced_path(self) -> str | None:
        """The path whose present file gives way to this one, None when nothing does."""
        return joined(self.folder, self.name) if self.on_conflict == "replace" else None


class Incoming(Struct, frozen=True, kw_only=True):
    """A candidate whose bytes are staged at `place`, hashed and allowed."""

    candidate: Candidate
    place: Place
    stat: Stat
    digest: Digest
    mime: str


def joined(folder: str, name: str) -> str:
    """The path of a name in a folder of the session."""
    return f"{folder}/{name}" if folder else name


def session_place(session_id: str, path: str) -> Place:
    """Where a file of a session lies."""
    return Place("session", path, session_id)


async def free_path(
    parts: Parts, tx: Transaction, session_id: str, path: str, taken: set[str], *, look: bool
) -> str:
    """The path itself or its first numbered form that no row has, and with `look` no file either."""
    folder, _, name = path.rpartition("/")
    number = 0
    probes = iter(_PROBES)
    count = _PROBES[0]
    while True:
        count = next(probes, count)
        paths = [joined(folder, numbered(name, n) if n else name) for n in range(number, number + count)]
        number += count
        rows = await tx.files.taken_names(session_id, paths)
        for candidate in paths:
            if candidate in rows or candidate in taken or path_key(session_id, candidate) in tx.claimed:
                continue
            if look and await parts.store.stat(session_place(session_id, candidate)) is not None:
                continue
            return candidate


class Creation:
    """All files of one request, all or none."""

    def __init__(
        self, parts: Parts, session_id: str, incoming: Sequence[Incoming], answer: Answer | None = None
    ) -> None:
        self.session_id = session_id
        self._parts = parts
        self._incoming = incoming
        self._answer = answer
        self._met_something = False

    def again(self, error: WorkspaceError) -> bool:
        """A name that is taken is planned round, unless the caller wanted just that name."""
        self._met_something = True
        if isinstance(error, NameTaken):
            return all(incoming.candidate.on_conflict != "error" for incoming in self._incoming)
        return isinstance(error, Busy | FileNotFound)

    async def plan(self, tx: Transaction) -> Plan[list[tuple[Entry, bool]]]:
        """A move for each file, and two where an old version leaves."""
        await open_session(tx, self.session_id)
        if self._met_something:
            # Somebody may have removed the folder in a terminal; the session goes on without it.
            await self._parts.store.make_session(self.session_id)
        if self._answer is not None and (given := await tx.keys.find(self._answer.key, self._answer.owner)):
            if given.fingerprint != self._answer.fingerprint:
                raise KeyReused
            # One that is older than its life is swept now and then; until then it still answers.
            return Plan(result=[(entry, given.is_new) for entry in given.entries])
        moves: list[Move] = []
        changes: list[Change] = []
        entries: list[Entry] = []
        for incoming in self._incoming:
            before = await self._replaced(tx, incoming.candidate)
            same = await self._same(tx, incoming, before)
            if same is not None:
                entries.append(self._merge(incoming.candidate, same, changes))
                continue
            taken = {entry.path for entry in entries}
            if before is None:
                path = await self._path(tx, incoming.candidate, taken)
                entries.append(self._new(incoming, path))
                moves += await self._bring(incoming, entries[-1], changes)
            else:
                if before.path in taken:
                    raise NameTaken(path=before.path)
                moves += await self._replace(incoming, before, changes)
                entries.append(changes[-1].after or before)
        fresh = {c.after.attachment_id for c in changes if c.event == "created" and c.after is not None}
        result = [(entry, entry.attachment_id in fresh) for entry in entries]
        answer = None if self._answer is None else replace(self._answer, entries=entries, is_new=bool(fresh))
        return Plan(result=result, moves=moves, changes=changes, answer=answer)

    async def _replaced(self, tx: Transaction, candidate: Candidate) -> Entry | None:
        """The file whose next version this is."""
        if candidate.replaces is not None:
            before = await tx.files.find(self.session_id, candidate.replaces)
            if before is None or before.deleted_at is not None:
                raise FileNotFound(attachment_id=candidate.replaces)
            return before
        if candidate.on_conflict != "replace":
            return None
        return await tx.files.at(self.session_id, joined(candidate.folder, candidate.name))

    async def _same(self, tx: Transaction, incoming: Incoming, before: Entry | None) -> Entry | None:
        """The file that has these bytes already, if the caller is content with it."""
        candidate = incoming.candidate
        if candidate.keeps_equal and before is not None and before.sha256 == incoming.digest.sha256:
            return before
        if candidate.deduplicate:
            return await tx.files.with_digest(self.session_id, incoming.digest.sha256)
        return None

    def _merge(self, candidate: Candidate, same: Entry, changes: list[Change]) -> Entry:
        """The file with what the caller says of it now; no news, since its content is as it was."""
        after = replace(same, metadata={**same.metadata, **candidate.metadata})
        if candidate.provenance is not None:
            after = replace(after, provenance=merged(same.provenance, candidate.provenance))
        if after != same:
            changes.append(Change(before=same, after=after))
        return after

    async def _path(self, tx: Transaction, candidate: Candidate, taken: set[str]) -> str:
        path = joined(candidate.folder, candidate.name)
        if candidate.on_conflict == "rename":
            return await free_path(self._parts, tx, self.session_id, path, taken, look=self._met_something)
        if path in taken or await tx.files.at(self.session_id, path) is not None:
            raise NameTaken(path=path)
        return path

    def _new(self, incoming: Incoming, path: str) -> Entry:
        now = self._parts.clock()
        candidate = incoming.candidate
        return Entry(
            attachment_id=self._parts.new_id("att"),
            artifact_id=self._parts.new_id("art"),
            session_id=self.session_id,
            kind=candidate.kind,
            path=path,
            size=incoming.digest.size,
            mime=incoming.mime,
            declared_mime=candidate.declared_mime,
            sha256=incoming.digest.sha256,
            crc32=incoming.digest.crc32,
            source=candidate.source,
            storage="local",
            root_path=candidate.root_path,
            version=1,
            created_at=now,
            modified_at=now,
            metadata=candidate.metadata,
            provenance=candidate.provenance,
            inode=incoming.stat.inode,
            mtime_ns=incoming.stat.mtime_ns,
        )

    async def _bring(self, incoming: Incoming, entry: Entry, changes: list[Change]) -> list[Move]:
        """The moves of a file that is new to us; what the user has there already goes to the trash."""
        target = session_place(self.session_id, entry.path)
        bring = Move(incoming.place, target, entry.inode)
        found = None
        if incoming.candidate.on_conflict == "replace":
            found = await self._parts.store.stat(target)
        if found is None:
            changes.append(Change(before=None, after=entry, event="created"))
            return [bring]
        if found.is_dir:
            raise NameTaken("A folder has this name.", path=entry.path)
        foreign = _as_found(entry, found, self._parts, version=1)
        foreign = replace(foreign, attachment_id=self._parts.new_id("att"), source="watch")
        changes.append(Change(before=None, after=replace(foreign, deleted_at=entry.created_at, kept="trash")))
        changes.append(Change(before=None, after=entry, event="created"))
        return [replace(bring, exchange=True), _discard(incoming.place, foreign)]

    async def _replace(self, incoming: Incoming, before: Entry, changes: list[Change]) -> list[Move]:
        """The moves of a new version; the old bytes, whatever they are by now, go to the trash."""
        target = session_place(self.session_id, before.path)
        found = await self._parts.store.stat(target)
        now = self._parts.clock()
        if found is not None and (found.is_dir or found.is_special):
            raise NameTaken("Something that is no file has this name.", path=before.path)
        if found is not None and (before.storage == "reference" or not is_unchanged(before, found)):
            unknown = _as_found(before, found, self._parts, version=before.version + 1)
            gone = replace(before, kept="gone", deleted_at=now)
            changes.append(Change(before=before, after=unknown, replaced=gone))
            before = unknown
        fresh = self._new(incoming, before.path)
        after = replace(
            fresh,
            attachment_id=before.attachment_id,
            kind=before.kind,
            version=before.version + 1,
            created_at=before.created_at,
            metadata={**before.metadata, **incoming.candidate.metadata},
        )
        kept = "gone" if found is None else "trash"
        changes.append(
            Change(
                before=before,
                after=after,
                replaced=replace(before, kept=kept, deleted_at=now),
                event="updated",
            )
        )
        bring = Move(incoming.place, target, after.inode, exchange=found is not None)
        return [bring] if found is None else [bring, _discard(incoming.place, before)]


def is_unchanged(entry: Entry, found: Stat) -> bool:
    """Whether the file on the disk is still the one that was recorded, by size, time and inode."""
    return (entry.size, entry.mtime_ns, entry.inode) == (found.size, found.mtime_ns, found.inode)


def _as_found(entry: Entry, found: Stat, parts: Parts, *, version: int) -> Entry:
    """The entry of bytes that were never hashed: somebody wrote them behind our back."""
    return replace(
        entry,
        artifact_id=parts.new_id("art"),
        size=found.size,
        inode=found.inode,
        mtime_ns=found.mtime_ns,
        sha256=None,
        crc32=None,
        version=version,
        storage="local",
        root_path=entry.root_path if entry.storage == "local" else None,
    )


def _discard(place: Place, entry: Entry) -> Move:
    """To the trash with what the exchange has put at the staging name."""
    return Move(place, Place("trash", entry.artifact_id), entry.inode)


def merged(old: Provenance | None, new: Provenance) -> Provenance:
    """Provenance where what is newly known wins and what is not said stays."""
    if old is None:
        return new
    known = {name: value for name in new.__struct_fields__ if (value := getattr(new, name)) not in (None, [])}
    return replace(old, **known)
