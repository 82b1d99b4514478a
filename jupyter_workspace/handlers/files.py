"""Files by path: the first component is a session."""

from __future__ import annotations

from msgspec import Struct

from jupyter_workspace.errors import ParameterInvalid
from jupyter_workspace.handlers.base import WorkspaceHandler
from jupyter_workspace.handlers.incoming import FormSink, UploadHandler
from jupyter_workspace.handlers.sending import SendingHandler
from jupyter_workspace.handlers.sessions import Limit, Offset
from jupyter_workspace.models.file import Conflict
from jupyter_workspace.protocol.form import FormFields
from jupyter_workspace.protocol.query import parse_ordering
from jupyter_workspace.services.folders import Where, parse_target, parse_where

__all__ = ["FilesDeleteHandler", "FilesDownloadHandler", "FilesHandler", "FilesUploadHandler"]

ORDER = ("name", "size", "modified_at", "mime")


class FilesQuery(Struct, frozen=True, kw_only=True):
    """Which folder to list, and which part of it."""

    path: str = ""
    q: str | None = None
    ordering: str | None = None
    limit: Limit = 100
    offset: Offset = 0


class FilesHandler(WorkspaceHandler):
    """`/files`."""

    async def get(self) -> None:
        """A page of a folder."""
        query = self.query(FilesQuery)
        settings = self.workspace.parts.settings
        folder = await self.workspace.folders.page(
            self.actor,
            parse_where(query.path, allow_hidden=settings.allow_hidden),
            text=query.q,
            order=parse_ordering(query.ordering, ORDER, (("name", False),)),
            limit=query.limit,
            offset=query.offset,
        )
        self.answer(folder)


class PathQuery(Struct, frozen=True, kw_only=True):
    """What to download."""

    path: str


class FilesDownloadHandler(SendingHandler):
    """`/files/download`."""

    async def get(self) -> None:
        """A file's bytes, or a folder's zip."""
        query = self.query(PathQuery)
        self.check_embedding()
        where = parse_where(query.path, allow_hidden=self.workspace.parts.settings.allow_hidden)
        if where.session_id is None:
            raise ParameterInvalid("Name a session, or something in it.", parameter="path")
        entry = await self.workspace.folders.file_at(self.actor, where)
        if entry is None:
            archive = await self.workspace.archives.of_folder(self.actor, where.session_id, where.path)
            await self.send_archive(archive, deflate=False)
            return
        content = await self.workspace.delivery.open_entry(entry, exact=False)
        await self.send_file(content, as_attachment=True)

    head = get


class Deletion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to delete, and how."""

    path: str
    recursive: bool = False
    permanent: bool = False


class Deleted(Struct, frozen=True, kw_only=True):
    """It is gone."""

    ok: bool
    path: str


class FilesDeleteHandler(WorkspaceHandler):
    """`/files/delete`."""

    async def post(self) -> None:
        """Deletes a file, a link or a folder."""
        wanted = self.json(Deletion)
        where = parse_where(wanted.path, allow_hidden=self.workspace.parts.settings.allow_hidden)
        await self.workspace.folders.delete(
            self.actor, where, recursive=wanted.recursive, permanent=wanted.permanent
        )
        self.answer(Deleted(ok=True, path=wanted.path))


class FilesUploadHandler(UploadHandler):
    """`/files/upload`."""

    default_conflict: Conflict = "error"

    async def make_sink(self) -> FormSink:
        """Staging files; to which session they belong is known when the form is whole."""
        return await self.form_sink(None)

    async def post(self) -> None:
        """The files of a form become files of the folder that its field `path` names."""
        await self.save_form(self._target_of)

    def _target_of(self, fields: FormFields) -> tuple[str, str]:
        """The session and the folder in it."""
        where = self._where(fields)
        if where.session_id is None:
            raise ParameterInvalid(
                "Files cannot stand beside the sessions.",
                hint="Let 'path' begin with a session's id.",
                parameter="path",
            )
        return where.session_id, where.path

    def _where(self, fields: FormFields) -> Where:
        path = fields.path if fields.path is not None else ""
        if fields.dir:
            path = f"{path}/{fields.dir}"
        return parse_target(path, allow_hidden=self.workspace.parts.settings.allow_hidden)
