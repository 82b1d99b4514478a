"""Zips of a session and of selections."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from jupyter_workspace.handlers.base import WorkspaceHandler
from jupyter_workspace.handlers.sending import SendingHandler
from jupyter_workspace.models.file import FileKind
from jupyter_workspace.policy.naming import check_any_file_id, read_path
from jupyter_workspace.protocol.query import parse_filters
from jupyter_workspace.protocol.selection import FileFilter

__all__ = ["ArchiveHandler", "ArchivesHandler", "SessionDownloadHandler"]


class DownloadQuery(Struct, frozen=True, kw_only=True):
    """Which files to zip, and whether to compress them."""

    path: str | None = None
    kind: FileKind | None = None
    include_mime: str | None = None
    include_ext: str | None = None
    artifact_id: list[str] = []
    compress: Literal["none", "deflate"] = "none"


class SessionDownloadHandler(SendingHandler):
    """`/sessions/{session_id}/download`."""

    async def get(self, session_id: str) -> None:
        """The zip of the session, or of a part of it."""
        query = self.query(DownloadQuery)
        self.check_embedding()
        for file_id in query.artifact_id:
            check_any_file_id(file_id)
        settings = self.workspace.parts.settings
        has_filter = query.include_mime is not None or query.include_ext is not None
        prefix = (
            None
            if query.path is None
            else "/".join(read_path(query.path, allow_hidden=settings.allow_hidden))
        )
        wanted = FileFilter(
            session_id=session_id,
            kind=query.kind,
            prefix=prefix or None,
            chosen=query.artifact_id or None,
            filters=parse_filters(query.include_mime, query.include_ext) if has_filter else None,
        )
        archive = await self.workspace.archives.of_session(self.actor, wanted)
        await self.send_archive(archive, deflate=query.compress == "deflate")

    head = get


#: Files of one selection at most.
MAX_SELECTION = 100_000


class Selection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The files of a zip to be made."""

    artifact_ids: Annotated[list[str], Meta(min_length=1, max_length=MAX_SELECTION)]


class ArchiveMade(Struct, frozen=True, kw_only=True):
    """A selection that can be downloaded for an hour."""

    archive_id: str
    url: str


class ArchivesHandler(WorkspaceHandler):
    """`/sessions/{session_id}/archives`."""

    async def post(self, session_id: str) -> None:
        """Keeps a selection that is too long for an address."""
        wanted = self.json(Selection).artifact_ids
        for file_id in wanted:
            check_any_file_id(file_id)
        archive_id = await self.workspace.archives.keep(self.actor, session_id, list(dict.fromkeys(wanted)))
        path = f"/sessions/{session_id}/archives/{archive_id}"
        self.answer(ArchiveMade(archive_id=archive_id, url=self.address(path)), status=201, location=path)


class ArchiveHandler(SendingHandler):
    """`/sessions/{session_id}/archives/{archive_id}`."""

    async def get(self, session_id: str, archive_id: str) -> None:
        """The zip of a selection."""
        self.check_embedding()
        archive = await self.workspace.archives.kept(self.actor, session_id, archive_id)
        await self.send_archive(archive, deflate=False)

    head = get
