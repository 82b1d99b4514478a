"""Uploads in one request: a form, or the raw bytes."""

from __future__ import annotations

from msgspec import Struct

from jupyter_workspace.errors import Internal
from jupyter_workspace.handlers.artifacts import AttachmentsQuery
from jupyter_workspace.handlers.bodies import Sink
from jupyter_workspace.handlers.incoming import RawSink, UploadHandler
from jupyter_workspace.models.file import Conflict
from jupyter_workspace.policy.naming import ATTACHMENTS_FOLDER, DEFAULT_NAME
from jupyter_workspace.protocol.digest import parse_repr_digest
from jupyter_workspace.services.creation import Candidate

__all__ = ["PutQuery", "UploadsHandler"]


class PutQuery(Struct, frozen=True, kw_only=True):
    """Where a raw upload goes."""

    name: str = DEFAULT_NAME
    dir: str = ATTACHMENTS_FOLDER
    on_conflict: Conflict = "rename"


class UploadsHandler(UploadHandler):
    """`/uploads/{session_id}`."""

    async def get(self, session_id: str) -> None:
        """A page of what came in."""
        page = self.query(AttachmentsQuery).page()
        self.answer(await self.workspace.artifacts.attachments(self.actor, session_id, page))

    async def make_sink(self) -> Sink:
        """A staging file for raw bytes, one for each file of a form."""
        if self.request.method == "GET":
            return await super().make_sink()
        session = await self.workspace.sessions.require_open(self.actor, self.path_kwargs["session_id"])
        if self.request.method == "POST":
            return await self.form_sink(session)
        self.idempotency_key()
        self._candidate = self._raw_candidate()
        return RawSink(await self.workspace.ingest.arrive(session, self.declared_length()))

    def _raw_candidate(self) -> Candidate:
        query = self.query(PutQuery)
        folder, name = self.checked(query.dir, query.name)
        headers = self.request.headers
        digest = headers.get("Repr-Digest")
        return Candidate(
            name=name,
            folder=folder,
            on_conflict=query.on_conflict,
            declared_mime=headers.get("Content-Type"),
            digests={} if digest is None else parse_repr_digest(digest),
        )

    async def put(self, session_id: str) -> None:
        """The raw bytes become a file."""
        sink = self.sink
        if not isinstance(sink, RawSink):
            raise Internal
        wanted = [(self._candidate, sink.arrival)]
        saved = await self.workspace.ingest.admit(session_id, wanted, self.answer_for(wanted))
        self.answer_one(session_id, saved)

    async def post(self, session_id: str) -> None:
        """The files of a form become files: all or none."""
        await self.save_form(
            lambda fields: (session_id, ATTACHMENTS_FOLDER if fields.dir is None else fields.dir)
        )
