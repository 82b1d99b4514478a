"""Registering: what stands in the session, elsewhere under the root, or comes with the request.

    path                    noticed where it stands
    path + attachment_id    a snapshot, as the next version of that file
    root_path               a snapshot; again from the same place, its next version
    root_path, copy: false  a reference: listed, never copied
    source                  a data URI, or a file of another session: brought in

One request is one operation, whatever its bodies are: all or none.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from jupyter_workspace.db.engine import Transaction
from jupyter_workspace.errors import (
    BodyInvalid,
    FileNotFound,
    Forbidden,
    NotADirectory,
    PathEscapes,
    SourceNotFound,
    WorkspaceError,
)
from jupyter_workspace.integrations.base import Notebooks
from jupyter_workspace.models.artifact import Register
from jupyter_workspace.models.entry import Entry, SessionEntry
from jupyter_workspace.models.file import Provenance
from jupyter_workspace.models.source import DataUri, parse_source
from jupyter_workspace.models.uri import WorkspaceUri
from jupyter_workspace.policy.naming import (
    ATTACHMENTS_FOLDER,
    check_attachment_id,
    check_upload_name,
    is_reserved,
    is_state_folder,
    read_path,
    to_nfc,
)
from jupyter_workspace.services.creation import Candidate, Creation, Incoming, session_place
from jupyter_workspace.services.ingest import Arrival, Ingest
from jupyter_workspace.services.lookup import live_file, open_session, require_open_session, require_session
from jupyter_workspace.services.noticing import Finding, Notice, Refer
from jupyter_workspace.services.parts import Parts
from jupyter_workspace.services.publisher import Operation, Plan
from jupyter_workspace.services.settings import Actor
from jupyter_workspace.services.spelling import as_written
from jupyter_workspace.stores.base import Place

__all__ = ["Registration"]

#: One entry for each body, and whether it is a new file.
Registered = list[tuple[Entry, bool]]


@dataclass
class _Gathered:
    """What the bodies of one request come to, each with the place of its body in the request."""

    known: list[tuple[int, Entry]] = field(default_factory=list)
    found: list[tuple[int, Finding]] = field(default_factory=list)
    brought: list[tuple[int, Candidate, Arrival]] = field(default_factory=list)
    referred: list[tuple[int, str, Finding]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """One body, its place in the request, and the session it is for."""

    session_id: str
    place: int
    body: Register
    provenance: Provenance | UnsetType


class _Together:
    """Several operations of one session as one."""

    def __init__(self, session_id: str, operations: Sequence[Operation[Registered]]) -> None:
        self.session_id = session_id
        self._operations = operations

    def again(self, error: WorkspaceError) -> bool:
        """When any of them would."""
        # All are asked: each notes what it met.
        willing = [operation.again(error) for operation in self._operations]
        return any(willing)

    async def plan(self, tx: Transaction) -> Plan[list[Registered]]:
        """The plans of all, one after the other; none may claim what another has."""
        plans = []
        before = set(tx.claimed)
        for operation in self._operations:
            plans.append(await operation.plan(tx))
            tx.claimed |= plans[-1].touched(self.session_id)
        tx.claimed.intersection_update(before)
        return Plan(
            result=[plan.result for plan in plans],
            moves=[move for plan in plans for move in plan.moves],
            changes=[change for plan in plans for change in plan.changes],
        )


class Registration:
    """Makes artifacts of what is there already."""

    def __init__(self, parts: Parts, ingest: Ingest, notebooks: Notebooks) -> None:
        self._parts = parts
        self._ingest = ingest
        self._notebooks = notebooks

    async def register(self, actor: Actor, session_id: str, bodies: Sequence[Register]) -> Registered:
        """Registers all or none; gives an entry for each body, and whether it is a new file.

        Raises SourceNotFound when nothing is there, Busy when a file is still being written, BodyInvalid,
        PathEscapes, NameInvalid, Forbidden, and what `Ingest.admit` raises.
        """
        async with self._parts.ledger.reading() as tx:
            await require_open_session(tx, actor, session_id)
        gathered = _Gathered()
        try:
            for place, body in enumerate(bodies):
                provenance = await self._provenance(_checked(body).provenance)
                asked = _Asked(session_id=session_id, place=place, body=body, provenance=provenance)
                await self._gather(actor, asked, gathered)
            return await self._publish(session_id, gathered, len(bodies))
        finally:
            for _, _, arrival in gathered.brought:
                await arrival.discard()

    async def _publish(self, session_id: str, gathered: _Gathered, count: int) -> Registered:
        operations: list[Operation[Registered]] = []
        places: list[list[int]] = []
        if gathered.found:
            findings = [finding for _, finding in gathered.found]
            operations.append(Notice(self._parts, session_id, findings))
            places.append([place for place, _ in gathered.found])
        if gathered.brought:
            incoming: list[Incoming] = [
                await self._ingest.checked(candidate, arrival) for _, candidate, arrival in gathered.brought
            ]
            operations.append(Creation(self._parts, session_id, incoming))
            places.append([place for place, _, _ in gathered.brought])
        for place, name, finding in gathered.referred:
            operations.append(Refer(self._parts, session_id, name, finding))
            places.append([place])
        done = await self._parts.publisher.publish(_Together(session_id, operations))
        by_place = {place: (entry, False) for place, entry in gathered.known}
        for own, results in zip(places, done, strict=True):
            by_place.update(zip(own, results, strict=True))
        return [by_place[place] for place in range(count)]

    async def _gather(self, actor: Actor, asked: _Asked, gathered: _Gathered) -> None:
        if asked.body.path is not UNSET:
            await self._of_session(asked, gathered)
        elif asked.body.root_path is not UNSET:
            await self._of_root(asked, gathered)
        else:
            await self._of_source(actor, asked, gathered)

    async def _of_session(self, asked: _Asked, gathered: _Gathered) -> None:
        path = await self._path(asked)
        if asked.body.attachment_id is not UNSET:
            async with self._parts.ledger.reading() as tx:
                replaced = await live_file(
                    tx, asked.session_id, check_attachment_id(asked.body.attachment_id)
                )
            if replaced.path != path:
                root_path = f"{self._parts.settings.workspace_dir}/{asked.session_id}/{path}"
                candidate = self._candidate(asked, path.rpartition("/")[2])
                await self._snapshot(asked, root_path, candidate, gathered)
                return
        finding = await self._finding(session_place(asked.session_id, path), path, asked)
        if await self._is_known(asked, finding, gathered):
            return
        gathered.found.append((asked.place, finding))

    async def _path(self, asked: _Asked) -> str:
        """The path in the session as it stands on the disk; raises SourceNotFound."""
        given = str(asked.body.path)
        components = read_path(given, allow_hidden=self._parts.settings.allow_hidden)
        if not components or is_reserved(components):
            raise SourceNotFound(path=given)
        path = await as_written(self._parts.store, asked.session_id, "/".join(components))
        try:
            found = await self._parts.store.stat(session_place(asked.session_id, path))
        except NotADirectory as error:
            raise SourceNotFound(path=given) from error
        if found is not None and found.is_link:
            raise PathEscapes("A link cannot be registered.", hint="Register the file it leads to.")
        if found is None or found.is_dir or found.is_special:
            raise SourceNotFound(path=given)
        return path

    async def _of_root(self, asked: _Asked, gathered: _Gathered) -> None:
        given = str(asked.body.root_path)
        components = read_path(given, allow_hidden=self._parts.settings.allow_hidden)
        if not components or any(is_state_folder(name) for name in components):
            raise SourceNotFound(root_path=given)
        path = "/".join(components)
        if not path.isascii() and await self._parts.store.stat(Place("root", path)) is None:
            path = "/".join(to_nfc(components))
        inside = f"{self._parts.settings.workspace_dir}/{asked.session_id}/"
        if path.startswith(inside) and asked.body.copy:
            body = replace(asked.body, path=path.removeprefix(inside))
            await self._of_session(dataclasses.replace(asked, body=body), gathered)
            return
        if not asked.body.copy:
            finding = await self._finding(Place("root", path), path, asked)
            given_name = components[-1] if asked.body.name is UNSET else asked.body.name
            name = check_upload_name(given_name, folder=(), allow_hidden=self._parts.settings.allow_hidden)
            gathered.referred.append((asked.place, name, finding))
            return
        candidate = self._candidate(asked, components[-1])
        async with self._parts.ledger.reading() as tx:
            earlier = await tx.files.snapshot_of(asked.session_id, path)
        if earlier is not None and candidate.replaces is None:
            candidate = replace(candidate, replaces=earlier.attachment_id)
        await self._snapshot(asked, path, replace(candidate, root_path=path), gathered)

    async def _of_source(self, actor: Actor, asked: _Asked, gathered: _Gathered) -> None:
        source = parse_source(str(asked.body.source))
        if isinstance(source, DataUri):
            candidate = self._candidate(asked, source.default_name)
            candidate = replace(
                candidate,
                source="ingest",
                kind="attachment",
                folder=ATTACHMENTS_FOLDER,
                declared_mime=source.mime,
            )
            session = await self._session(asked.session_id)
            replaced = await self._replaced_path(asked.session_id, candidate)
            arrival = await self._ingest.arrive(session, len(source.content), replaced)
            gathered.brought.append((asked.place, candidate, arrival))
            await arrival.write(source.content)
            return
        if isinstance(source, WorkspaceUri):
            async with self._parts.ledger.reading() as tx:
                await require_session(tx, actor, source.session_id)
                path = await as_written(self._parts.store, source.session_id, source.path)
                entry = await tx.files.at(source.session_id, path)
            if entry is None or entry.storage == "reference":
                raise SourceNotFound(source=str(asked.body.source))
            root_path = f"{self._parts.settings.workspace_dir}/{source.session_id}/{path}"
            candidate = self._candidate(asked, entry.name)
            candidate = replace(candidate, source="ingest", kind="attachment", folder=ATTACHMENTS_FOLDER)
            await self._snapshot(asked, root_path, candidate, gathered)
            return
        raise Forbidden("Fetching from addresses is switched off on this server.")

    def _candidate(self, asked: _Asked, default_name: str) -> Candidate:
        body = asked.body
        name = default_name if body.name is UNSET else body.name
        return Candidate(
            name=check_upload_name(name, folder=(), allow_hidden=self._parts.settings.allow_hidden),
            folder="",
            kind="artifact",
            source="register",
            on_conflict="rename" if body.on_conflict is UNSET else body.on_conflict,
            metadata={} if body.metadata is UNSET else body.metadata,
            provenance=None if asked.provenance is UNSET else asked.provenance,
            replaces=None if body.attachment_id is UNSET else check_attachment_id(body.attachment_id),
            deduplicate=body.deduplicate,
            keeps_equal=True,
        )

    async def _snapshot(
        self, asked: _Asked, root_path: str, candidate: Candidate, gathered: _Gathered
    ) -> None:
        session = await self._session(asked.session_id)
        replaced = await self._replaced_path(asked.session_id, candidate)
        try:
            arrival = await self._ingest.arrive_as_copy(session, root_path, replaced)
        except (FileNotFound, NotADirectory) as error:
            raise SourceNotFound(root_path=root_path) from error
        gathered.brought.append((asked.place, candidate, arrival))

    async def _replaced_path(self, session_id: str, candidate: Candidate) -> str | None:
        """The path of the file whose content gives way, so that its size is not counted twice."""
        if candidate.replaces is None:
            return candidate.replaced_path
        async with self._parts.ledger.reading() as tx:
            before = await tx.files.find(session_id, candidate.replaces)
        return None if before is None else before.path

    async def _session(self, session_id: str) -> SessionEntry:
        async with self._parts.ledger.reading() as tx:
            return await open_session(tx, session_id)

    async def _finding(self, place: Place, path: str, asked: _Asked) -> Finding:
        try:
            digest, stat = await self._parts.store.digest(place)
            # Whoever wrote it may not have waited for the disk; what we acknowledge survives a power cut.
            await self._parts.store.sync(place)
        except (FileNotFound, NotADirectory) as error:
            raise SourceNotFound(path=path) from error
        return Finding(
            path=path,
            digest=digest,
            stat=stat,
            source="register",
            kind=None,
            metadata=asked.body.metadata,
            provenance=asked.provenance,
        )

    async def _is_known(self, asked: _Asked, finding: Finding, gathered: _Gathered) -> bool:
        """Whether `deduplicate` found the same bytes under another path."""
        if not asked.body.deduplicate:
            return False
        async with self._parts.ledger.reading() as tx:
            same = await tx.files.with_digest(asked.session_id, finding.digest.sha256)
            at_path = await tx.files.at(asked.session_id, finding.path)
        if same is None or at_path is not None:
            return False
        gathered.known.append((asked.place, same))
        return True

    async def _provenance(self, given: Provenance | UnsetType) -> Provenance | UnsetType:
        """Provenance with the notebook, which the server knows by the kernel."""
        if given is UNSET:
            return UNSET
        given = msgspec.convert(msgspec.to_builtins(given), Provenance)
        if given.kernel_id is None or given.notebook_path is not None:
            return given
        path = await self._notebooks.path_of(given.kernel_id)
        return given if path is None else replace(given, notebook_path=path)


def _checked(body: Register) -> Register:
    given = [name for name in ("path", "root_path", "source") if getattr(body, name) is not UNSET]
    if len(given) != 1:
        raise BodyInvalid("Exactly one of 'path', 'root_path' and 'source' says what to register.")
    if not body.copy and given != ["root_path"]:
        raise BodyInvalid("Only a 'root_path' can be referred to without a copy.")
    return body
