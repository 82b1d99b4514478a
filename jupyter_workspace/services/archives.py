"""Zips: of a session, of a folder, of a selection; stored, so that every byte is known beforehand.

The plan is made from the records after a short rescan. The last member is a manifest of what the zip
holds; it says nothing that changes from call to call, so that the zip of unchanged files is the same,
byte by byte, and a broken download goes on where it stopped.
"""

from __future__ import annotations

import asyncio
import binascii
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from jupyter_workspace.db.engine import Transaction
from jupyter_workspace.errors import ArchiveNotFound, FileNotFound, VersionGone
from jupyter_workspace.models.entry import Entry
from jupyter_workspace.policy.naming import MANIFEST_NAME, is_ignored, is_legal, is_reserved, numbered
from jupyter_workspace.protocol.ranges import strong_etag
from jupyter_workspace.protocol.selection import FileFilter
from jupyter_workspace.protocol.zipdeflate import DeflateZip
from jupyter_workspace.protocol.zipstream import Member, MemberSlice, ZipLayout
from jupyter_workspace.services.creation import is_unchanged, joined
from jupyter_workspace.services.delivery import Delivery
from jupyter_workspace.services.lookup import record_of, require_session
from jupyter_workspace.services.parts import Parts
from jupyter_workspace.services.reconcile import Reconcile
from jupyter_workspace.services.settings import Actor
from jupyter_workspace.services.spelling import as_written
from jupyter_workspace.stores.base import Walk

__all__ = ["Archive", "Archives"]

#: How long a download waits for the rescan before it, in seconds (API.md, 11.41).
RESCAN_SECONDS = 2.0

#: How long a selection can be downloaded.
SELECTION_LIFE = timedelta(hours=1)


class Archive:
    """A planned zip. `size` is in bytes, `name` is the file name to offer."""

    def __init__(
        self,
        delivery: Delivery,
        top: str,
        entries: Mapping[str, Entry],
        folders: Sequence[str],
        pending: Sequence[str],
    ) -> None:
        self._delivery = delivery
        self.name = f"{top}.zip"
        entries = _beside_manifest(entries)
        self._entries = [entries[name] for name in sorted(entries)]
        self._manifest = _manifest(self._entries, pending)
        self._members = [
            *(Member(f"{top}/{name}", 0, 0, _DAWN, is_dir=True) for name in sorted(folders)),
            *(
                Member(
                    f"{top}/{name}", entries[name].size, entries[name].crc32 or 0, _modified(entries[name])
                )
                for name in sorted(entries)
            ),
            Member(f"{top}/{MANIFEST_NAME}", len(self._manifest), binascii.crc32(self._manifest), _DAWN),
        ]
        self._first = len(folders)
        self._layout = ZipLayout(self._members)
        self.size = self._layout.size
        self.modified = max((member.modified for member in self._members), default=_DAWN)
        self.etag = strong_etag(_digest(top, self._entries, folders, self._manifest))

    async def chunks(self, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes from `start` to before `stop`.

        Raises VersionGone when a member is no longer the file that was planned.
        """
        for part in self._layout.parts(start, stop):
            if isinstance(part, MemberSlice):
                async for chunk in self._content(part.index, part.offset, part.offset + part.length):
                    yield chunk
            else:
                yield part

    async def deflated(self) -> AsyncIterator[bytes]:
        """The same members, compressed: smaller, and of a length that nobody knows beforehand."""
        writer = DeflateZip()
        for index, member in enumerate(self._members):
            yield writer.begin(member)
            if not member.is_dir:
                async for chunk in self._content(index, 0, member.size):
                    yield await asyncio.to_thread(writer.write, chunk)
            yield writer.end()
        yield writer.finish()

    async def _content(self, index: int, start: int, stop: int) -> AsyncIterator[bytes]:
        place = index - self._first
        if place == len(self._entries):
            yield self._manifest[start:stop]
            return
        entry = self._entries[place]
        content = await self._delivery.open_entry(entry, exact=True)
        async with content.file as file:
            async for chunk in file.chunks(start, stop):
                yield chunk


class Archives:
    """Plans zips."""

    def __init__(self, parts: Parts, delivery: Delivery, reconcile: Reconcile) -> None:
        self._parts = parts
        self._delivery = delivery
        self._reconcile = reconcile

    async def of_session(self, actor: Actor, wanted: FileFilter) -> Archive:
        """The zip of a session, or of the part of it that the filter names.

        Raises FileNotFound for an unknown id or a folder that does not exist.
        """
        session_id = wanted.session_id or ""
        await self._require(actor, session_id)
        walk = await self._rescan(session_id)
        if wanted.prefix:
            written = await as_written(self._parts.store, session_id, wanted.prefix)
            wanted = replace(wanted, prefix=written)
        entries = await self._chosen(wanted)
        if wanted.prefix and not entries and wanted.prefix not in walk.folders:
            raise FileNotFound(path=wanted.prefix)
        return await asyncio.to_thread(self._plan_of_session, wanted, walk, entries)

    async def of_folder(self, actor: Actor, session_id: str, folder: str) -> Archive:
        """The zip of a folder of a session, its members named from that folder on."""
        if not folder:
            return await self.of_session(actor, FileFilter(session_id=session_id))
        await self._require(actor, session_id)
        walk = await self._rescan(session_id)
        folder = await as_written(self._parts.store, session_id, folder)
        if folder not in walk.folders:
            raise FileNotFound(path=f"{session_id}/{folder}")
        entries = await self._chosen(FileFilter(session_id=session_id, prefix=folder))
        return await asyncio.to_thread(self._plan_of_folder, folder, walk, entries)

    async def keep(self, actor: Actor, session_id: str, file_ids: list[str]) -> str:
        """The id of a selection that can be downloaded for an hour; raises FileNotFound, VersionGone."""
        await self._require(actor, session_id)
        await self._chosen(FileFilter(session_id=session_id, chosen=file_ids))
        archive_id = self._parts.new_id("arc")
        async with self._parts.ledger.writing() as tx:
            now = self._parts.clock()
            await tx.archives.drop_before(now - SELECTION_LIFE)
            await tx.archives.add(archive_id, session_id, file_ids, now)
        return archive_id

    async def kept(self, actor: Actor, session_id: str, archive_id: str) -> Archive:
        """The zip of a selection; raises ArchiveNotFound when its hour is over."""
        await self._require(actor, session_id)
        async with self._parts.ledger.reading() as tx:
            file_ids = await tx.archives.find(archive_id, session_id, self._parts.clock() - SELECTION_LIFE)
        if file_ids is None:
            raise ArchiveNotFound(archive_id=archive_id)
        return await self.of_session(actor, FileFilter(session_id=session_id, chosen=file_ids))

    async def _require(self, actor: Actor, session_id: str) -> None:
        async with self._parts.ledger.reading() as tx:
            await require_session(tx, actor, session_id)

    async def _rescan(self, session_id: str) -> Walk:
        # The scan goes on when the download no longer waits for it, and ends early when the server stops.
        scan = self._reconcile.scan_soon(session_id)
        await asyncio.wait([scan], timeout=RESCAN_SECONDS)
        if scan.done() and not scan.cancelled():
            scan.result()
        try:
            limit = self._parts.settings.scan_limit
            return await self._parts.store.walk(session_id, ignored=_is_left_out, limit=limit)
        except FileNotFound:
            return Walk(files={}, folders=[], unreadable=0, truncated=False)

    async def _chosen(self, wanted: FileFilter) -> list[Entry]:
        """The entries that a filter names; raises FileNotFound for an id, VersionGone for lost bytes."""
        async with self._parts.ledger.reading() as tx:
            entries = await tx.files.matching(wanted)
            if wanted.chosen is not None:
                await self._check_ids(tx, wanted.session_id or "", wanted.chosen)
        for entry in entries:
            if entry.kept == "gone":
                raise VersionGone(artifact_id=entry.artifact_id)
        # Another folder may have the same name in another normal form.
        return [entry for entry in entries if _is_beneath(entry.path, wanted.prefix)]

    async def _check_ids(self, tx: Transaction, session_id: str, file_ids: Sequence[str]) -> None:
        known: set[str] = set()
        for entry in await tx.files.matching(FileFilter(session_id=session_id, chosen=file_ids)):
            known.add(entry.artifact_id)
            if entry.kept == "live":
                known.add(entry.attachment_id)
        for file_id in file_ids:
            if file_id not in known:
                raise FileNotFound(artifact_id=file_id)

    # Of 70,000 files a plan takes a second: in a thread, or all other requests would wait for it.

    def _plan_of_session(self, wanted: FileFilter, walk: Walk, entries: Sequence[Entry]) -> Archive:
        session_id, prefix = wanted.session_id or "", wanted.prefix
        whole = wanted == FileFilter(session_id=session_id, prefix=prefix)
        folders = [path for path in walk.folders if _is_beneath(path, prefix)] if whole else []
        pending = _pending(walk, {entry.path: entry for entry in entries}, prefix) if whole else []
        return self._plan(session_id, _named(entries), folders, pending)

    def _plan_of_folder(self, folder: str, walk: Walk, entries: Sequence[Entry]) -> Archive:
        cut = len(folder) + 1
        known = {entry.path: entry for entry in entries}
        folders = [path[cut:] for path in walk.folders if path.startswith(f"{folder}/")]
        pending = [path[cut:] for path in _pending(walk, known, folder)]
        top = folder.rpartition("/")[2]
        return self._plan(top, {path[cut:]: entry for path, entry in known.items()}, folders, pending)

    def _plan(
        self, top: str, entries: Mapping[str, Entry], folders: Sequence[str], pending: Sequence[str]
    ) -> Archive:
        ready = {name: entry for name, entry in entries.items() if _can_be_zipped(entry)}
        return Archive(self._delivery, top, ready, folders, pending)


_DAWN = datetime(1980, 1, 1, tzinfo=UTC)


class _Contents(Struct, frozen=True, kw_only=True):
    """The manifest of a zip."""

    files: list[msgspec.Raw]
    pending: list[str]


def _beside_manifest(entries: Mapping[str, Entry]) -> Mapping[str, Entry]:
    """The entries by their names in the zip: a user's file that is called as the manifest gets a number."""
    if MANIFEST_NAME not in entries:
        return entries
    number = 1
    while numbered(MANIFEST_NAME, number) in entries:
        number += 1
    return {numbered(name, number) if name == MANIFEST_NAME else name: entries[name] for name in entries}


def _named(entries: Sequence[Entry]) -> dict[str, Entry]:
    """The entries by their names in the zip: an old version stands as a numbered copy beside its file."""
    named = {entry.path: entry for entry in entries if entry.kept == "live"}
    old = [entry for entry in entries if entry.kept != "live"]
    for entry in sorted(old, key=lambda entry: (entry.path, -entry.version, entry.artifact_id)):
        name, number = entry.path, 0
        while name in named:
            number += 1
            name = joined(entry.folder, numbered(entry.name, number))
        named[name] = entry
    return named


def _modified(entry: Entry) -> datetime:
    return datetime.fromtimestamp(entry.mtime_ns // 10**9, UTC)


def _manifest(entries: Sequence[Entry], pending: Sequence[str]) -> bytes:
    records = [msgspec.Raw(msgspec.json.encode(record_of(entry))) for entry in entries]
    text = msgspec.json.encode(_Contents(files=records, pending=sorted(pending)))
    return msgspec.json.format(text, indent=1) + b"\n"


def _digest(top: str, entries: Sequence[Entry], folders: Sequence[str], manifest: bytes) -> str:
    digest = hashlib.sha256(msgspec.json.encode([top, sorted(folders)]))
    for entry in entries:
        digest.update(msgspec.json.encode([entry.path, entry.size, entry.mtime_ns, entry.sha256]))
    digest.update(manifest)
    return digest.hexdigest()


def _is_left_out(path: str) -> bool:
    return is_ignored(path.rpartition("/")[2]) or is_reserved(tuple(path.split("/")))


def _is_beneath(path: str, prefix: str | None) -> bool:
    return not prefix or path == prefix or path.startswith(f"{prefix}/")


def _can_be_zipped(entry: Entry) -> bool:
    """Whether its checksum is known, which stands before the bytes."""
    return entry.crc32 is not None or not entry.size


def _pending(walk: Walk, known: Mapping[str, Entry], prefix: str | None) -> list[str]:
    """Files that stand there and are not recorded as they are."""
    return [
        path
        for path, stat in walk.files.items()
        if _is_beneath(path, prefix)
        and all(map(is_legal, path.split("/")))
        and (path not in known or not is_unchanged(known[path], stat) or not _can_be_zipped(known[path]))
    ]
