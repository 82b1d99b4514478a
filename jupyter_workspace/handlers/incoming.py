"""What the routes that take files share: sinks for raw bytes and forms, and how they are answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jupyter_workspace.errors import Internal, ParameterInvalid
from jupyter_workspace.handlers.base import WorkspaceHandler
from jupyter_workspace.handlers.pulling import content_length
from jupyter_workspace.models.entry import Answer, SessionEntry
from jupyter_workspace.models.file import Batch, Conflict
from jupyter_workspace.policy.naming import ATTACHMENTS_FOLDER, DEFAULT_NAME, check_upload_name, split_path
from jupyter_workspace.protocol.form import FormCollector, FormFields
from jupyter_workspace.protocol.multipart import FormReader, PartBegin, PartData, PartEnd
from jupyter_workspace.services.creation import Candidate
from jupyter_workspace.services.ingest import Arrival, Ingest, Saved
from jupyter_workspace.services.lookup import record_of

__all__ = ["FormSink", "RawSink", "UploadHandler"]

MAX_KEY_LENGTH = 255

#: From the fields of a form to the session and the folder that its files go to.
TargetOf = Callable[[FormFields], tuple[str, str]]


class RawSink:
    """The raw bytes of one file."""

    def __init__(self, arrival: Arrival) -> None:
        self.arrival = arrival
        self.is_complete = False

    async def feed(self, data: bytes) -> None:
        """Takes them."""
        await self.arrival.write(data)

    def view(self) -> memoryview:
        """Memory of the staging file's."""
        return self.arrival.staging.view()

    async def advance(self, count: int) -> None:
        """Takes what was read into it."""
        await self.arrival.advance(count)

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
    """The files and fields of a form; `session` is None when only the form's end will tell it."""

    def __init__(self, ingest: Ingest, session: SessionEntry | None, content_type: str) -> None:
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
                replaced = self._fields.replaced_path(event.filename, ATTACHMENTS_FOLDER)
                arrival = await self._ingest.arrive(self._session, None, replaced)
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


class UploadHandler(WorkspaceHandler):
    """The base of handlers that take files."""

    #: what happens when a name is taken and the caller does not say
    default_conflict: Conflict = "rename"

    async def form_sink(self, session: SessionEntry | None) -> FormSink:
        """A sink for the form that comes; what its length alone forbids is refused here."""
        self.idempotency_key()
        await self.workspace.ingest.check_form(self.declared_length())
        return FormSink(self.workspace.ingest, session, self.request.headers.get("Content-Type", ""))

    async def save_form(self, target_of: TargetOf) -> None:
        """Makes files of the form that came, all or none, and answers."""
        sink = self.sink
        if not isinstance(sink, FormSink):
            raise Internal
        try:
            fields = sink.finish()
            session_id, folder = target_of(fields)
            session = await self.workspace.sessions.require_open(self.actor, session_id)
            wanted = [(self._candidate_of(fields, folder, part), part.arrival) for part in sink.parts]
            for candidate, arrival in wanted:
                await arrival.belong_to(session, candidate)
            answer = self.answer_for(wanted)
            saved = await self.workspace.ingest.admit(session_id, wanted, answer)
        finally:
            await sink.discard()
        if fields.is_batch:
            records = [record_of(entry) for entry in saved.entries]
            self.answer(Batch(count=len(records), saved=records), status=201 if saved.is_new else 200)
        else:
            self.answer_one(session_id, saved)

    def _candidate_of(self, fields: FormFields, folder: str, part: Part) -> Candidate:
        name = fields.filename or (DEFAULT_NAME if part.filename is None else part.filename)
        folder, name = self.checked(folder, name)
        return Candidate(
            name=name,
            folder=folder,
            on_conflict=fields.on_conflict or self.default_conflict,
            declared_mime=part.declared_mime,
            metadata=fields.metadata or {},
        )

    def checked(self, folder: str, name: str) -> tuple[str, str]:
        """The folder and the name of an upload, if they are legal; raises NameInvalid, PathEscapes."""
        allow_hidden = self.workspace.parts.settings.allow_hidden
        components = split_path(folder, allow_hidden=allow_hidden)
        return "/".join(components), check_upload_name(name, folder=components, allow_hidden=allow_hidden)

    def answer_one(self, session_id: str, saved: Saved) -> None:
        """Answers with the record of the one file that came."""
        record = record_of(saved.entries[0])
        location = f"/sessions/{session_id}/artifacts/{record.attachment_id}"
        self.answer(record, status=201 if saved.is_new else 200, location=location)

    def declared_length(self) -> int | None:
        """The length of the body in bytes, None when it comes in chunks."""
        return content_length(self.request.headers.get("Content-Length"))

    def idempotency_key(self) -> str | None:
        """The Idempotency-Key; raises ParameterInvalid."""
        key = self.request.headers.get("Idempotency-Key")
        if key is not None and not 1 <= len(key) <= MAX_KEY_LENGTH:
            message = f"An Idempotency-Key has 1 to {MAX_KEY_LENGTH} characters."
            raise ParameterInvalid(message, parameter="Idempotency-Key")
        return key

    def answer_for(self, wanted: list[tuple[Candidate, Arrival]]) -> Answer | None:
        """What to keep for the key: route, names and lengths tell requests apart (API.md, 11.52).

        Nothing else does: what a repeated request says of `on_conflict` or `metadata` was answered already.
        """
        key = self.idempotency_key()
        if key is None:
            return None
        files = [f"{c.folder}/{c.name} {arrival.staging.size}" for c, arrival in wanted]
        return Answer(
            key=key,
            owner=self.actor.owner,
            fingerprint="\n".join((str(self.request.method), self.request.path, *files)),
            entries=[],
            created_at=self.workspace.parts.clock(),
        )
