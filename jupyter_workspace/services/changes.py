"""What a caller does to a file that exists: edit, delete, restore."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from jupyter_workspace.db.engine import Transaction
from jupyter_workspace.errors import Busy, FileNotFound, NameTaken, WorkspaceError
from jupyter_workspace.models.entry import Change, Entry
from jupyter_workspace.models.file import Conflict
from jupyter_workspace.policy.content import guess_mime
from jupyter_workspace.services.creation import free_path, is_unchanged, session_place
from jupyter_workspace.services.lookup import live_file, open_session
from jupyter_workspace.services.parts import Parts
from jupyter_workspace.services.publisher import Plan, Steady
from jupyter_workspace.stores.base import HEAD_BYTES, Move, Place, Stat

__all__ = ["Edit", "Remove", "RestoreFrom"]


class Edit(Steady):
    """A file gets another path, other metadata, or both."""

    def __init__(
        self,
        parts: Parts,
        session_id: str,
        file_id: str,
        *,
        path: str | None,
        metadata: dict[str, Any] | None,
    ) -> None:
        self.session_id = session_id
        self._parts = parts
        self._file_id = file_id
        self._path = path
        self._metadata = metadata

    async def plan(self, tx: Transaction) -> Plan[Entry]:
        """The file as it will be; raises FileNotFound, NameTaken."""
        await open_session(tx, self.session_id)
        before = await live_file(tx, self.session_id, self._file_id)
        after = before
        moves: list[Move] = []
        if self._metadata is not None:
            after = replace(after, metadata=self._metadata)
        if self._path is not None and self._path != before.path:
            if await tx.files.at(self.session_id, self._path) is not None:
                raise NameTaken(path=self._path)
            mime = guess_mime(self._path.rpartition("/")[2], await self._head(before))
            after = replace(after, path=self._path, mime=mime)
            moves += await self._moves(before)
        if after == before:
            return Plan(result=before)
        after = replace(after, modified_at=self._parts.clock())
        return Plan(result=after, moves=moves, changes=[Change(before=before, after=after, event="updated")])

    async def _head(self, entry: Entry) -> bytes:
        if entry.storage == "reference":
            return b""
        async with await self._parts.store.open_read(session_place(self.session_id, entry.path)) as content:
            return await content.read(0, HEAD_BYTES)

    async def _moves(self, before: Entry) -> list[Move]:
        if before.storage == "reference" or self._path is None:
            return []
        place = session_place(self.session_id, before.path)
        found = await self._parts.store.stat(place)
        if found is None:
            raise FileNotFound(path=before.path)
        return [Move(place, session_place(self.session_id, self._path), found.inode)]


class Remove(Steady):
    """Files go to the trash, or for good; their paths are free at once."""

    def __init__(self, parts: Parts, session_id: str, file_ids: Sequence[str], *, permanent: bool) -> None:
        self.session_id = session_id
        self._parts = parts
        self._file_ids = file_ids
        self._permanent = permanent

    async def plan(self, tx: Transaction) -> Plan[list[Place]]:
        """The places in the trash that hold bytes nobody can ask for any more."""
        await open_session(tx, self.session_id)
        moves: list[Move] = []
        changes: list[Change] = []
        doomed: list[Place] = []
        for file_id in self._file_ids:
            before = await live_file(tx, self.session_id, file_id)
            place = session_place(self.session_id, before.path)
            found = None if before.storage == "reference" else await self._parts.store.stat(place)
            if found is not None and not found.is_regular:
                found = None  # the user put something else there, which is not ours to move
            target = Place("trash", before.artifact_id)
            if found is not None:
                moves.append(Move(place, target, found.inode))
            if found is None or self._permanent:
                doomed += [target, *(await self._old_versions(tx, before))]
                changes.append(Change(before=before, after=None, event="deleted"))
            else:
                after = replace(_seen(before, found), deleted_at=self._parts.clock(), kept="trash")
                changes.append(Change(before=before, after=after, event="deleted"))
        return Plan(result=doomed, moves=moves, changes=changes)

    async def _old_versions(self, tx: Transaction, entry: Entry) -> list[Place]:
        return [
            Place("trash", version.artifact_id)
            for version in await tx.files.versions_of(entry.attachment_id)
            if version.kept == "trash"
        ]


class RestoreFrom(Steady):
    """A deleted file comes back with its ids; a replaced version as a new version of its file."""

    def __init__(self, parts: Parts, session_id: str, file_id: str, on_conflict: Conflict) -> None:
        self.session_id = session_id
        self._parts = parts
        self._file_id = file_id
        self._on_conflict = on_conflict
        self._met_something = False

    def again(self, error: WorkspaceError) -> bool:
        """A name that is taken is planned round if the caller lets us rename."""
        self._met_something = True
        return isinstance(error, Busy) or (isinstance(error, NameTaken) and self._on_conflict == "rename")

    async def plan(self, tx: Transaction) -> Plan[Entry]:
        """The file as it will be; raises FileNotFound, NameTaken."""
        await open_session(tx, self.session_id)
        before = await tx.files.find(self.session_id, self._file_id)
        if before is None or before.kept != "trash":
            raise FileNotFound("This is not in the trash.", artifact_id=self._file_id)
        current = await tx.files.find(self.session_id, before.attachment_id)
        if current is not None and current.artifact_id != before.artifact_id:
            return await self._version(before, current)
        path = await self._free(tx, before.path)
        after = replace(before, path=path, deleted_at=None, kept="live")
        move = Move(Place("trash", before.artifact_id), session_place(self.session_id, path), before.inode)
        return Plan(result=after, moves=[move], changes=[Change(before=before, after=after, event="created")])

    async def _version(self, before: Entry, current: Entry) -> Plan[Entry]:
        if current.deleted_at is not None:
            raise FileNotFound(
                "Restore the file first, then its version.", attachment_id=current.attachment_id
            )
        place = session_place(self.session_id, current.path)
        found = await self._parts.store.stat(place)
        if found is None or not is_unchanged(current, found):
            raise Busy("The file is being changed.")
        now = self._parts.clock()
        after = replace(
            before,
            artifact_id=self._parts.new_id("art"),
            path=current.path,
            metadata=current.metadata,
            version=current.version + 1,
            modified_at=now,
            deleted_at=None,
            kept="live",
        )
        trash = Place("trash", before.artifact_id)
        moves = [
            Move(trash, place, before.inode, exchange=True),
            Move(trash, Place("trash", current.artifact_id), current.inode),
        ]
        replaced = replace(current, kept="trash", deleted_at=now)
        change = Change(before=current, after=after, replaced=replaced, revived=before, event="updated")
        return Plan(result=after, moves=moves, changes=[change])

    async def _free(self, tx: Transaction, path: str) -> str:
        if self._on_conflict == "rename":
            return await free_path(self._parts, tx, self.session_id, path, set(), look=self._met_something)
        if await tx.files.at(self.session_id, path) is not None:
            raise NameTaken(path=path)
        return path


def _seen(entry: Entry, found: Stat) -> Entry:
    """The entry with what the disk says; a digest that may be of other bytes is not kept."""
    if is_unchanged(entry, found):
        return entry
    return replace(
        entry, size=found.size, inode=found.inode, mtime_ns=found.mtime_ns, sha256=None, crc32=None
    )
