"""Uploads in one request: a form, or the raw bytes."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct

from jupyter_workspace.errors import Forbidden, ParameterInvalid
from jupyter_workspace.handlers.artifacts import AttachmentsQuery
from jupyter_workspace.handlers.base import WorkspaceHandler
from jupyter_workspace.handlers.bodies import Sink
from jupyter_workspace.models.entry import Answer, SessionEntry
from jupyter_workspace.models.file import Batch, Conflict
from jupyter_workspace.policy.naming import ATTACHMENTS_FOLDER, DEFAULT_NAME, check_upload_name, split_path
from jupyter_workspace.protocol.digest import parse_repr_digest
from jupyter_workspace.protocol.form import FormCollector, FormFields
from jupyter_workspace.protocol.multipart import FormReader, PartBegin, PartData, PartEnd
from jupyter_workspace.services.creation import Candidate
from jupyter_workspace.services.ingest import Arrival, Ingest, Saved
from jupyter_workspace.services.lookup import record_of

__all__ = ["UploadsHandler"]

MAX_KEY_LENGTH = 255


class RawSink:
    """The raw bytes of one file."""

    def __init__(self, arrival: Arrival) -> None:
        self.arrival = arrival
        self.is_complete = False

    async def feed(self, data: bytes) -> None:
        """Takes them."""
        await self.arrival.write(data)

    async def discard(self) -> None:
        """Removes what was staged."""
        await self.arrival.discard()


@dataclass(kw_only=True)
class Part:
    """A file part of a form, as it came."""

    filename: str | None
    declared_mime: str | None
    arrival: Arrival


class FormSink:
    """The files and fields of a form."""

    def __init__(self, ingest: Ingest, session: SessionEntry, content_type: str) -> None:
        self.is_complete = False
        self.parts: list[Part] = []
        self._ingest = ingest
        self._session = session
        self._reader = FormReader(content_type)
        self._fields = FormCollector()
        self._open: Part | None = None

    async def feed(self, data: bytes) -> None:
        """Takes bytes of the form; those of a file part go to its staging file at once."""
        for event in self._reader.feed(data):
            self._fields.take(event)
            if isinstance(event, PartBegin) and event.is_file:
                arrival = await self._ingest.arrive(self._session, None)
                self._open = Part(filename=event.filename, declared_mime=event.content_type, arrival=arrival)
                self.parts.append(self._open)
            elif isinstance(event, PartData) and self._open is not None:
                await self._open.arrival.write(event.data)
            elif isinstance(event, PartEnd):
                self._open = None

    def finish(self) -> FormFields:
        """The fields, once the form is whole; raises FormInvalid, FileMissing, ParameterInvalid."""
        self._reader.close()
        return self._fields.finish()

    async def discard(self) -> None:
        """Removes what was staged."""
        for part in self.parts:
            await part.arrival.discard()


class PutQuery(Struct, frozen=True, kw_only=True):
    """Where a raw upload goes."""

    name: str = DEFAULT_NAME
    dir: str = ATTACHMENTS_FOLDER
    on_conflict: Conflict = "rename"


class UploadsHandler(WorkspaceHandler):
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
        self._key = self._idempotency_key()
        length = self._declared_length()
        if self.request.method == "PUT":
            self._candidate = self._raw_candidate()
            return RawSink(await self.workspace.ingest.arrive(session, length))
        await self.workspace.ingest.check_form(length)
        return FormSink(self.workspace.ingest, session, self.request.headers.get("Content-Type", ""))

    def _raw_candidate(self) -> Candidate:
        query = self.query(PutQuery)
        folder, name = self.target(query.dir, query.name)
        headers = self.request.headers
        digest = headers.get("Repr-Digest")
        return Candidate(
            name=name,
            folder=folder,
            on_conflict=query.on_conflict,
            declared_mime=headers.get("Content-Type"),
            digests={} if digest is None else parse_repr_digest(digest),
        )

    def target(self, folder: str, name: str) -> tuple[str, str]:
        """The checked folder and name of an upload."""
        allow_hidden = self.workspace.parts.settings.allow_hidden
        components = split_path(folder, allow_hidden=allow_hidden)
        return "/".join(components), check_upload_name(name, folder=components, allow_hidden=allow_hidden)

    async def put(self, session_id: str) -> None:
        """The raw bytes become a file."""
        sink = self.sink
        if not isinstance(sink, RawSink):
            raise Forbidden
        candidate = self._candidate
        answer = self._answer_for([f"{candidate.folder}/{candidate.name}"], [sink.arrival])
        saved = await self.workspace.ingest.admit(session_id, [(candidate, sink.arrival)], answer)
        self._answer_one(session_id, saved)

    async def post(self, session_id: str) -> None:
        """The files of a form become files: all or none."""
        sink = self.sink
        if not isinstance(sink, FormSink):
            raise Forbidden
        try:
            fields = sink.finish()
            wanted = [(self._form_candidate(fields, part), part.arrival) for part in sink.parts]
            answer = self._answer_for(
                [f"{candidate.folder}/{candidate.name}" for candidate, _ in wanted],
                [part.arrival for part in sink.parts],
            )
            saved = await self.workspace.ingest.admit(session_id, wanted, answer)
        finally:
            await sink.discard()
        if fields.is_batch:
            records = [record_of(entry) for entry in saved.entries]
            self.answer(Batch(count=len(records), saved=records), status=201 if saved.is_new else 200)
        else:
            self._answer_one(session_id, saved)

    def _form_candidate(self, fields: FormFields, part: Part) -> Candidate:
        name = fields.filename or (DEFAULT_NAME if part.filename is None else part.filename)
        folder, name = self.target(ATTACHMENTS_FOLDER if fields.dir is None else fields.dir, name)
        return Candidate(
            name=name,
            folder=folder,
            on_conflict=fields.on_conflict or "rename",
            declared_mime=part.declared_mime,
            metadata=fields.metadata or {},
        )

    def _answer_one(self, session_id: str, saved: Saved) -> None:
        record = record_of(saved.entries[0])
        location = f"/sessions/{session_id}/artifacts/{record.attachment_id}"
        self.answer(record, status=201 if saved.is_new else 200, location=location)

    def _declared_length(self) -> int | None:
        text = self.request.headers.get("Content-Length")
        return int(text) if text is not None and text.isascii() and text.isdigit() else None

    def _idempotency_key(self) -> str | None:
        key = self.request.headers.get("Idempotency-Key")
        if key is not None and not 1 <= len(key) <= MAX_KEY_LENGTH:
            message = f"An Idempotency-Key has 1 to {MAX_KEY_LENGTH} characters."
            raise ParameterInvalid(message, parameter="Idempotency-Key")
        return key

    def _answer_for(self, names: list[str], arrivals: list[Arrival]) -> Answer | None:
        """What to keep for the key: route, names and lengths tell one request from another (API.md, 11.52)."""
        if self._key is None:
            return None
        sizes = [str(arrival.staging.size) for arrival in arrivals]
        method = str(self.request.method)
        return Answer(
            key=self._key,
            owner=self.actor.owner,
            fingerprint="\n".join((method, self.request.path, *names, *sizes)),
            entries=[],
            created_at=self.workspace.parts.clock(),
        )
