"""The files of a session: list, register, look at, get, edit, delete, restore."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from jupyter_workspace.errors import BodyInvalid
from jupyter_workspace.handlers.base import WorkspaceHandler
from jupyter_workspace.handlers.sending import SendingHandler
from jupyter_workspace.handlers.sessions import Limit, Offset
from jupyter_workspace.models.artifact import ArtifactChange, Register, Restore
from jupyter_workspace.models.file import Batch, FileKind
from jupyter_workspace.policy.naming import read_path
from jupyter_workspace.protocol.query import parse_filters, parse_ordering
from jupyter_workspace.protocol.selection import FileFilter
from jupyter_workspace.services.artifacts import Page
from jupyter_workspace.services.lookup import record_of

__all__ = [
    "AllArtifactsHandler",
    "ArtifactHandler",
    "ArtifactsHandler",
    "AttachmentsQuery",
    "RestoreHandler",
    "ScanHandler",
    "TrashHandler",
]

ORDER = ("created_at", "modified_at", "name", "size", "path", "mime")
NEWEST_FIRST = (("created_at", True),)

#: Files registered by one request at most (API.md, 11.53).
MAX_BATCH = 100


class ArtifactsQuery(Struct, frozen=True, kw_only=True):
    """Which files to list; `next` goes on where an answer ended, in the same order."""

    kind: FileKind | None = None
    include_mime: str | None = None
    include_ext: str | None = None
    q: str | None = None
    path: str | None = None
    ordering: str | None = None
    next: str | None = None
    limit: Limit = 100
    offset: Offset = 0


class AllArtifactsHandler(WorkspaceHandler):
    """`/artifacts`."""

    async def get(self) -> None:
        """A page of the files of all sessions."""
        await self.list_files(None)

    async def list_files(self, session_id: str | None) -> None:
        """Answers with the files that the parameters name."""
        query = self.query(ArtifactsQuery)
        wanted = FileFilter(
            session_id=session_id,
            kind=query.kind,
            text=query.q,
            prefix=None if query.path is None else "/".join(self.readable(query.path)),
            filters=parse_filters(query.include_mime, query.include_ext),
        )
        page = Page(
            order=parse_ordering(query.ordering, ORDER, NEWEST_FIRST), limit=query.limit, offset=query.offset
        )
        if query.next is None:
            self.answer(await self.workspace.artifacts.page(self.actor, wanted, page))
        else:
            self.answer(await self.workspace.artifacts.beyond(self.actor, wanted, page, query.next))

    def readable(self, path: str) -> tuple[str, ...]:
        """The components of a path that is to be read."""
        return read_path(path, allow_hidden=self.workspace.parts.settings.allow_hidden)


class ArtifactsHandler(AllArtifactsHandler):
    """`/sessions/{session_id}/artifacts`."""

    async def get(self, session_id: str) -> None:  # type: ignore[override]
        """A page of the session's files."""
        await self.list_files(session_id)

    async def post(self, session_id: str) -> None:
        """Registers a file, or a batch of them."""
        bodies, is_batch = self.one_or_many(Register)
        if not 1 <= len(bodies) <= MAX_BATCH:
            raise BodyInvalid(f"Register 1 to {MAX_BATCH} files at once.")
        done = await self.workspace.registration.register(self.actor, session_id, bodies)
        records = [record_of(entry) for entry, _ in done]
        is_new = any(new for _, new in done)
        status = 201 if is_new else 200
        if is_batch:
            self.answer(Batch(count=len(records), saved=records), status=status)
        else:
            location = f"/sessions/{session_id}/artifacts/{records[0].attachment_id}"
            self.answer(records[0], status=status, location=location if is_new else None)


class ArtifactQuery(Struct, frozen=True, kw_only=True):
    """What to give of a file: its record or its content."""

    mode: Literal["meta", "stream"] = "meta"
    download: bool = False
    data_uri: bool = False


class DeleteQuery(Struct, frozen=True, kw_only=True):
    """How to delete: to the trash, or for good."""

    permanent: bool = False


class ArtifactHandler(SendingHandler):
    """`/sessions/{session_id}/artifacts/{artifact_id}`."""

    async def get(self, session_id: str, artifact_id: str) -> None:
        """The file's record, or its content."""
        query = self.query(ArtifactQuery)
        if query.mode == "meta":
            record = await self.workspace.artifacts.meta(
                self.actor, session_id, artifact_id, with_content=query.data_uri
            )
            self.answer(record)
            return
        self.check_embedding()
        content = await self.workspace.delivery.open(self.actor, session_id, artifact_id)
        await self.send_file(content, as_attachment=query.download)

    head = get

    async def patch(self, session_id: str, artifact_id: str) -> None:
        """The file, renamed or with other metadata."""
        wanted = self.json(ArtifactChange)
        entry = await self.workspace.artifacts.edit(self.actor, session_id, artifact_id, wanted)
        self.answer(record_of(entry))

    async def delete(self, session_id: str, artifact_id: str) -> None:
        """To the trash with it, or away for good."""
        query = self.query(DeleteQuery)
        await self.workspace.artifacts.delete(
            self.actor, session_id, [artifact_id], permanent=query.permanent
        )
        self.no_content()


class AttachmentsQuery(Struct, frozen=True, kw_only=True):
    """Which part of a list."""

    ordering: str | None = None
    limit: Limit = 100
    offset: Offset = 0

    def page(self) -> Page:
        """The part that is wanted."""
        return Page(
            order=parse_ordering(self.ordering, ORDER, NEWEST_FIRST), limit=self.limit, offset=self.offset
        )


class TrashQuery(Struct, frozen=True, kw_only=True):
    """Which part of the trash."""

    limit: Limit = 100
    offset: Offset = 0


class TrashHandler(WorkspaceHandler):
    """`/sessions/{session_id}/trash`."""

    async def get(self, session_id: str) -> None:
        """A page of the trash."""
        query = self.query(TrashQuery)
        page = Page(limit=query.limit, offset=query.offset)
        self.answer(await self.workspace.artifacts.trash(self.actor, session_id, page))


class RestoreHandler(WorkspaceHandler):
    """`/sessions/{session_id}/artifacts/{artifact_id}/restore`."""

    async def post(self, session_id: str, artifact_id: str) -> None:
        """Takes it back from the trash."""
        wanted = self.json(Restore)
        entry = await self.workspace.artifacts.restore(
            self.actor, session_id, artifact_id, wanted.on_conflict
        )
        self.answer(record_of(entry))


class ScanHandler(WorkspaceHandler):
    """`/sessions/{session_id}/scan`."""

    async def post(self, session_id: str) -> None:
        """Looks at the session's folder now."""
        await self.workspace.sessions.require(self.actor, session_id)
        self.answer(await self.workspace.reconcile.scan(session_id))
