"""Uploads in one request: a form, or the raw bytes; and the beginning of those that take several."""

from __future__ import annotations

from msgspec import Struct

from jupyter_workspace.errors import Internal, ParameterInvalid
from jupyter_workspace.handlers.artifacts import AttachmentsQuery
from jupyter_workspace.handlers.bodies import NoBody, Sink
from jupyter_workspace.handlers.incoming import RawSink
from jupyter_workspace.handlers.tus import CreationSink, TusAnswers
from jupyter_workspace.models.file import Conflict
from jupyter_workspace.policy.naming import ATTACHMENTS_FOLDER, DEFAULT_NAME
from jupyter_workspace.protocol import tus
from jupyter_workspace.protocol.digest import parse_repr_digest
from jupyter_workspace.services.creation import Candidate

__all__ = ["PutQuery", "UploadsHandler"]


class PutQuery(Struct, frozen=True, kw_only=True):
    """Where a raw upload goes."""

    name: str = DEFAULT_NAME
    dir: str = ATTACHMENTS_FOLDER
    on_conflict: Conflict = "rename"


class UploadsHandler(TusAnswers):
    """`/uploads/{session_id}`."""

    async def get(self, session_id: str) -> None:
        """A page of what came in."""
        page = self.query(AttachmentsQuery).page()
        self.answer(await self.workspace.artifacts.attachments(self.actor, session_id, page))

    async def make_sink(self) -> Sink:
        """A staging file for raw bytes, one for each file of a form."""
        if self.request.method == "GET":
            return await super().make_sink()
        if self.request.method == "POST" and self.is_tus():
            return await self._make_upload(self.path_kwargs["session_id"])
        session = await self.workspace.sessions.require_open(self.actor, self.path_kwargs["session_id"])
        if self.request.method == "POST":
            return await self.form_sink(session)
        self.idempotency_key()
        self._candidate = self._raw_candidate()
        replaced = self._candidate.replaced_path
        return RawSink(await self.workspace.ingest.arrive(session, self.declared_length(), replaced))

    async def _make_upload(self, session_id: str) -> Sink:
        """A resumable upload is made before the body, which may be its first piece, is read."""
        headers = self.request.headers
        tus.check_version(headers)
        wanted = tus.parse_creation(headers)
        length = self.declared_length() if wanted.brings_bytes else None
        collection = self.address(f"/uploads/{session_id}")
        part_ids = [tus.part_id(url, collection=collection, host=self.request.host) for url in wanted.parts]
        self._upload = await self.workspace.uploads.create(
            self.actor, session_id, wanted, part_ids, body_length=length
        )
        if not wanted.brings_bytes or wanted.concat == "final":
            return NoBody()
        writer = await self.begin(self._upload.upload_id, tus.Patch(0, None, wanted.checksum))
        return NoBody() if writer is None else CreationSink(writer, self.workspace.uploads)

    async def _answer_upload(self, session_id: str) -> None:
        upload = self._upload
        if isinstance(self.sink, CreationSink):
            self.sink.is_complete = True
            uploads, writer = self.workspace.uploads, self.sink.writer
            upload = await uploads.complete_new(session_id, upload.upload_id, writer)
        self.set_upload(upload)
        self.set_status(201)
        self.set_header("Location", self.address(f"/uploads/{session_id}/{upload.upload_id}"))
        self.finish()

    def _raw_candidate(self) -> Candidate:
        query = self.query(PutQuery)
        folder, name = self.checked(query.dir, query.name)
        headers = self.request.headers
        if "Content-Range" in headers:
            # RFC 9110, 14.5: a server without partial PUT answers 400, or a piece would pass for the whole.
            raise ParameterInvalid(
                "A PUT brings the whole file.", hint="Send it in parts by tus.", parameter="Content-Range"
            )
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
        """The files of a form become files: all or none. For tus, an upload was made."""
        if self.is_tus():
            await self._answer_upload(session_id)
            return
        await self.save_form(
            lambda fields: (session_id, ATTACHMENTS_FOLDER if fields.dir is None else fields.dir)
        )
