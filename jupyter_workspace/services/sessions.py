"""Sessions: make, find, change, delete, and the way from a notebook to its session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import UNSET
from msgspec.structs import replace

from jupyter_workspace.db.engine import Transaction
from jupyter_workspace.errors import BodyInvalid, NameTaken, SessionExists, SessionNotFound
from jupyter_workspace.integrations.base import Notebooks
from jupyter_workspace.models.entry import Change, SessionEntry
from jupyter_workspace.models.service import SessionUsage, Usage
from jupyter_workspace.models.session import Resolve, Session, SessionChange, SessionList, SessionNew
from jupyter_workspace.policy.naming import numbered_slug, read_path, slug
from jupyter_workspace.protocol.selection import SessionFilter
from jupyter_workspace.services.changes import Remove
from jupyter_workspace.services.lookup import require_open_session, require_session
from jupyter_workspace.services.parts import Parts
from jupyter_workspace.services.publisher import Plan, Steady
from jupyter_workspace.services.remnants import Remnants, session_name
from jupyter_workspace.services.settings import SERVER_OWNER, Actor
from jupyter_workspace.stores.base import Move, Place

__all__ = ["Sessions"]

#: What a new session calls the folder it finds: session id -> files noticed there.
Adopt = Callable[[str], Awaitable[object]]


class Sessions:
    """The sessions of this server; another owner's are not found."""

    def __init__(self, parts: Parts, adopt: Adopt, notebooks: Notebooks, remnants: Remnants) -> None:
        self._parts = parts
        self._remnants = remnants
        self._adopt = adopt
        self._notebooks = notebooks

    async def require(self, actor: Actor, session_id: str) -> SessionEntry:
        """The session; raises SessionNotFound."""
        async with self._parts.ledger.reading() as tx:
            return await require_session(tx, actor, session_id)

    async def require_open(self, actor: Actor, session_id: str) -> SessionEntry:
        """The session, to be written to; raises SessionNotFound or SessionClosed."""
        async with self._parts.ledger.reading() as tx:
            return await require_open_session(tx, actor, session_id)

    async def get(self, actor: Actor, session_id: str) -> Session:
        """The session's record."""
        async with self._parts.ledger.reading() as tx:
            await require_session(tx, actor, session_id)
            return await self._record(tx, session_id)

    async def page(
        self,
        actor: Actor,
        wanted: SessionFilter,
        order: tuple[tuple[str, bool], ...],
        limit: int,
        offset: int,
    ) -> SessionList:
        """A page of the actor's sessions."""
        wanted = replace(wanted, owner=None if actor.sees_all else actor.owner)
        async with self._parts.ledger.reading() as tx:
            rows, total = await tx.sessions.page(wanted, order, limit, offset)
        records = [entry.record(totals, self._parts.settings.workspace_dir) for entry, totals in rows]
        return SessionList(sessions=records, total=total, has_more=offset + len(records) < total)

    async def create(self, actor: Actor, wanted: SessionNew) -> Session:
        """A new session, with the files that its folder may hold already.

        Raises SessionExists when the id is taken, NotADirectory when a file has that name.
        """
        async with self._parts.ledger.writing() as tx:
            session_id = wanted.session_id
            if session_id is UNSET:
                session_id = await self._fresh_id(tx, wanted.name if wanted.name is not UNSET else "session")
            elif _is_live(await tx.sessions.find(session_id)):
                raise SessionExists(session_id=session_id)
            await self._add(tx, actor, session_id, wanted)
        return await self._adopted(actor, session_id)

    async def ensure(self, actor: Actor, session_id: str, wanted: SessionNew) -> tuple[Session, bool]:
        """The session of that id, made if there is none; and whether it was made.

        Raises SessionExists when another owner has it: the caller wants it made, and it cannot be.
        """
        async with self._parts.ledger.writing() as tx:
            found = await tx.sessions.find(session_id)
            if found is not None and _is_live(found):
                if not actor.may_see(found.owner):
                    raise SessionExists(session_id=session_id)
                return await self._record(tx, session_id), False
            await self._add(tx, actor, session_id, wanted)
        return await self._adopted(actor, session_id), True

    async def resolve(self, actor: Actor, wanted: Resolve) -> tuple[Session, bool]:
        """The session of the notebook that is named, or that a kernel runs; and whether it was made.

        Raises BodyInvalid unless exactly one is given, SessionNotFound for a kernel without a notebook.
        """
        if (wanted.kernel_id is UNSET) == (wanted.notebook_path is UNSET):
            raise BodyInvalid("Give 'kernel_id' or 'notebook_path'.")
        if wanted.notebook_path is not UNSET:
            return await self.of_notebook(actor, _notebook(wanted.notebook_path))
        found = await self._notebooks.path_of(wanted.kernel_id) if wanted.kernel_id is not UNSET else None
        if found is None:
            raise SessionNotFound(
                "This kernel belongs to no notebook of this server.",
                hint="Name the session: jupyter_workspace.current('my-session').",
            )
        return await self.of_notebook(actor, found)

    async def of_notebook(self, actor: Actor, notebook_path: str) -> tuple[Session, bool]:
        """The session of a notebook, made if it has none; and whether it was made."""
        async with self._parts.ledger.writing() as tx:
            found = await self._of_notebook(tx, actor, notebook_path)
            if found is not None:
                await tx.sessions.touch(found.session_id, self._parts.clock())
                return await self._record(tx, found.session_id), False
            stem = notebook_path.rpartition("/")[2].removesuffix(".ipynb")
            session_id = await self._fresh_id(tx, stem)
            await self._add(
                tx, actor, session_id, SessionNew(name=stem or session_id, notebook_path=notebook_path)
            )
        return await self._adopted(actor, session_id), True

    async def usage(self, actor: Actor) -> Usage:
        """What the actor's files take: live bytes against the limit, trash counted apart.

        The trash of deleted sessions is in the sum only.
        """
        remnants = await self._remnants.all()
        async with self._parts.ledger.reading() as tx:
            visible = [row for row in await tx.sessions.all() if actor.may_see(row[0].owner)]
        rows = [(entry, totals) for entry, totals in visible if entry.deleted_at is None]
        left = {entry.session_id: [0, 0] for entry, _ in visible}
        for remnant in remnants:
            left.get(remnant.session_id, [0, 0])[remnant.is_session] += remnant.size
        used = sum(totals.live_bytes for _, totals in rows)
        limit = self._parts.settings.max_user_size
        return Usage(
            used_bytes=used,
            limit_bytes=limit,
            used_percent=round(100 * used / limit, 1) if limit else 0.0,
            file_count=sum(totals.attachments + totals.artifacts for _, totals in rows),
            trash_bytes=sum(totals.trash_bytes for _, totals in rows) + sum(map(sum, left.values())),
            sessions=[
                SessionUsage(
                    session_id=entry.session_id,
                    used_bytes=totals.live_bytes,
                    trash_bytes=totals.trash_bytes + left[entry.session_id][False],
                    file_count=totals.attachments + totals.artifacts,
                )
                for entry, totals in rows
            ],
        )

    async def change(self, actor: Actor, session_id: str, wanted: SessionChange) -> Session:
        """The session with what is given changed; raises BodyInvalid when nothing is."""
        given = {
            name: value for name in wanted.__struct_fields__ if (value := getattr(wanted, name)) is not UNSET
        }
        if not given:
            raise BodyInvalid("There is nothing to change.", hint="Give at least one member.")
        if wanted.notebooks is not UNSET:
            given["notebooks"] = list(dict.fromkeys(map(_notebook, wanted.notebooks)))
        if given.get("status", "active") != "active" and self._parts.settings.clean_attachments_on_close:
            await self._clean(actor, session_id)
        async with self._parts.ledger.writing() as tx:
            before = await require_session(tx, actor, session_id)
            await self._check_notebooks(tx, before.owner, session_id, given.get("notebooks", []))
            await tx.sessions.put(replace(before, **given, updated_at=self._parts.clock()))
            return await self._record(tx, session_id)

    async def _clean(self, actor: Actor, session_id: str) -> None:
        """Sends the attachments of a session that is being closed to the trash."""
        async with self._parts.ledger.reading() as tx:
            session = await require_session(tx, actor, session_id)
            live = await tx.files.live(session_id)
        doomed = [entry.attachment_id for entry in live if entry.kind == "attachment"]
        if session.status == "active" and doomed:
            await self._parts.publisher.publish(Remove(self._parts, session_id, doomed, permanent=False))

    async def delete(self, actor: Actor, session_id: str, *, with_files: bool) -> None:
        """Forgets the session; its folder stays as a plain one, or goes to the trash."""
        await self.require(actor, session_id)
        doomed = await self._parts.publisher.publish(
            _Deletion(self._parts, session_id, with_files=with_files)
        )
        for place in doomed:
            await self._parts.store.remove(place)

    async def notebook_moved(self, old: str, new: str) -> None:
        """Follows a notebook, or a folder of notebooks, that Jupyter renamed."""
        async with self._parts.ledger.writing() as tx:
            for entry, _ in await tx.sessions.all():
                paths = [_moved(path, old, new) for path in entry.notebooks]
                if paths != entry.notebooks and entry.deleted_at is None:
                    await tx.sessions.put(replace(entry, notebooks=paths, updated_at=self._parts.clock()))

    # parts of the above

    async def _record(self, tx: Transaction, session_id: str) -> Session:
        entry, totals = await tx.sessions.with_totals(session_id)
        return entry.record(totals, self._parts.settings.workspace_dir)

    async def _add(self, tx: Transaction, actor: Actor, session_id: str, wanted: SessionNew) -> None:
        now = self._parts.clock()
        notebooks = [] if wanted.notebook_path is None else [_notebook(wanted.notebook_path)]
        await self._check_notebooks(tx, actor.owner, session_id, notebooks)
        old = await tx.sessions.find(session_id)
        entry = SessionEntry(
            session_id=session_id,
            owner=actor.owner,
            name=wanted.name if wanted.name is not UNSET and wanted.name else session_id,
            description=wanted.description,
            notebooks=notebooks,
            metadata=wanted.metadata,
            status="active",
            created_at=now,
            updated_at=now,
            last_used_at=now,
            last_sequence=old.last_sequence if old else 0,
            oldest_sequence=old.last_sequence + 1 if old else 1,
        )
        await self._parts.store.make_session(session_id)
        await (tx.sessions.put(entry) if old else tx.sessions.add(entry))

    async def _adopted(self, actor: Actor, session_id: str) -> Session:
        """The record of a new session, once the files of its folder are known."""
        await self._adopt(session_id)
        return await self.get(actor, session_id)

    async def _of_notebook(self, tx: Transaction, actor: Actor, path: str) -> SessionEntry | None:
        """The actor's session of a notebook.

        A kernel does not say whose it is. What it made belongs to the server until somebody with a name
        asks for the same notebook.
        """
        found = await tx.sessions.of_notebook(path, None if actor.sees_all else actor.owner)
        if found is None and (unclaimed := await tx.sessions.of_notebook(path, SERVER_OWNER)) is not None:
            found = replace(unclaimed, owner=actor.owner)
            await tx.sessions.put(found)
        return found

    async def _check_notebooks(self, tx: Transaction, owner: str, session_id: str, paths: list[str]) -> None:
        for path in paths:
            other = await tx.sessions.of_notebook(path, owner)
            if other is not None and other.session_id != session_id:
                raise NameTaken(
                    "Another session has this notebook.", notebook_path=path, session_id=other.session_id
                )

    async def _fresh_id(self, tx: Transaction, stem: str) -> str:
        """An id made from a name that neither a session, a tombstone nor a plain folder has."""
        base = slug(stem)
        number = 1
        while True:
            session_id = numbered_slug(base, number) if number > 1 else base
            taken = await tx.sessions.find(session_id) is not None
            if not taken and await self._parts.store.stat(Place("workspace", session_id)) is None:
                return session_id
            number += 1


def _notebook(path: str) -> str:
    """A notebook's path in one form; raises BodyInvalid for an empty one, and what `read_path` raises."""
    components = read_path(path, allow_hidden=True)
    if not components:
        raise BodyInvalid("A notebook's path is empty.")
    return "/".join(components)


class _Deletion(Steady):
    """The end of a session: a tombstone, no rows, and on demand the folder in the trash."""

    def __init__(self, parts: Parts, session_id: str, *, with_files: bool) -> None:
        self.session_id = session_id
        self._parts = parts
        self._with_files = with_files

    async def plan(self, tx: Transaction) -> Plan[list[Place]]:
        """The places in the trash of the files that were deleted before: nobody can ask for them now."""
        entry = await tx.sessions.find(self.session_id)
        if entry is None or entry.deleted_at is not None:
            raise SessionNotFound(session_id=self.session_id)
        now = self._parts.clock()
        doomed = [Place("trash", name) for name in await tx.discarded.ids(self.session_id)]
        moves: list[Move] = []
        folder = Place("workspace", self.session_id)
        found = await self._parts.store.stat(folder) if self._with_files else None
        if found is not None:
            target = Place("trash", session_name(self.session_id, now, self._parts.new_id("ses")))
            moves.append(Move(folder, target, found.inode))
        tombstone = replace(entry, notebooks=[], deleted_at=now, updated_at=now)
        return Plan(
            result=doomed,
            moves=moves,
            changes=[Change(before=None, after=None, tombstone=tombstone)],
            whole_session=True,
        )


def _is_live(entry: SessionEntry | None) -> bool:
    return entry is not None and entry.deleted_at is None


def _moved(path: str, old: str, new: str) -> str:
    if path == old:
        return new
    return f"{new}{path[len(old) :]}" if path.startswith(f"{old}/") else path
