"""Resumable uploads by tus 1.0: what its requests and answers look like here (tus.io).

Making an upload is a POST to the collection, which `uploads` answers with what this module offers.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from jupyter_server.auth.decorator import allow_unauthenticated

from jupyter_workspace.errors import MethodNotAllowed, TusVersion, WorkspaceError
from jupyter_workspace.handlers.bodies import NoBody, Sink
from jupyter_workspace.handlers.incoming import UploadHandler
from jupyter_workspace.models.upload import UploadEntry
from jupyter_workspace.protocol import tus
from jupyter_workspace.services.spooled import Writer
from jupyter_workspace.services.uploads import Uploads

__all__ = ["CreationSink", "ResumableHandler", "TusAnswers"]


class TusSink:
    """The bytes of one request, for an upload; what came stays when the rest does not."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.is_complete = False

    async def feed(self, data: bytes) -> None:
        """Takes them."""
        await self.writer.write(data)

    def view(self) -> memoryview:
        """Memory of the staging file's."""
        return self.writer.view()

    async def advance(self, count: int) -> None:
        """Takes what was read into it."""
        await self.writer.advance(count)

    async def discard(self) -> None:
        """Ends the request; its bytes are kept."""
        await self.writer.leave()


class CreationSink(TusSink):
    """The first bytes of an upload, in the request that makes it."""

    def __init__(self, writer: Writer, uploads: Uploads) -> None:
        super().__init__(writer)
        self._uploads = uploads

    async def discard(self) -> None:
        """Ends the request, and with it the upload: its client was not told where it is."""
        await super().discard()
        entry = self.writer.upload.entry
        if not self.is_complete and not entry.is_complete:
            await self._uploads.abandon(entry.upload_id)


class TusAnswers(UploadHandler):
    """What handlers of tus requests have in common: versions, OPTIONS, and who may read which header."""

    exposed = tus.ANSWER_HEADERS

    def is_tus(self) -> bool:
        """Whether the request is meant as tus."""
        return tus.is_tus(self.request.headers)

    def set_default_headers(self) -> None:
        """Names our version in every answer, also in those that refuse."""
        super().set_default_headers()
        if self.is_tus():
            self.set_header("Tus-Resumable", tus.VERSION)

    @allow_unauthenticated
    async def options(self, *_args: Any, **_kwargs: Any) -> None:  # type: ignore[override]
        """Says what we offer, and to pages of other origins what they may send."""
        super().options()
        workspace = await self.opening.workspace()
        for name, value in tus.options_headers(workspace.parts.settings.max_file_size).items():
            self.set_header(name, value)
        self.set_header("Access-Control-Allow-Methods", "GET, HEAD, PUT, POST, PATCH, DELETE, OPTIONS")
        allowed = (self._headers.get("Access-Control-Allow-Headers", ""), *tus.REQUEST_HEADERS)
        self.set_header("Access-Control-Allow-Headers", ", ".join(filter(None, allowed)))
        self.no_content()

    def set_upload(self, entry: UploadEntry) -> None:
        """Says how far the upload is, and what it has become."""
        headers = tus.answer_headers(
            offset=entry.offset, expires_at=entry.expires_at, attachment_id=entry.attachment_id
        )
        for name, value in headers.items():
            self.set_header(name, value)

    def _write(self, error: WorkspaceError, status: int) -> None:
        super()._write(error, status)
        if isinstance(error, TusVersion):
            self.set_header("Tus-Version", tus.VERSION)
        if self.request.method == "HEAD":
            # Also when a POST stands for it: whoever asked for a HEAD reads no body.
            self._write_buffer.clear()

    async def begin(self, upload_id: str, patch: tus.Patch) -> Writer | None:
        """The right of this request to add its body to the upload."""
        session_id = self.path_kwargs["session_id"]
        return await self.workspace.uploads.begin(
            self.actor, session_id, upload_id, patch, self.declared_length(), self.hang_up
        )

    def hang_up(self) -> None:
        """Closes the connection: another request has the upload now."""
        self._stream().close()


class ResumableHandler(TusAnswers):
    """`/uploads/{session_id}/{upload_id}`."""

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """A part of the address; an id that is no UTF-8 is as unknown as any other that was never given."""
        if name == "upload_id":
            return value.decode("utf-8", "replace")
        return super().decode_argument(value, name)

    def is_tus(self) -> bool:
        """True: everything here is, but for GET."""
        return True

    def compute_etag(self) -> None:
        """None: what is said of an upload changes without a change of the empty body."""

    async def _admit(self) -> None:
        # The check against forged requests has seen the method that was really sent.
        override = self.request.headers.get("X-HTTP-Method-Override")
        with suppress(MethodNotAllowed):
            self.request.method = tus.effective_method(self.request.method or "", override)
        await super()._admit()

    async def make_sink(self) -> Sink:
        """For PATCH the upload itself."""
        if self.request.method == "GET":
            return NoBody()
        tus.check_version(self.request.headers)
        if self.request.method != "PATCH":
            return NoBody()
        self._writer = await self.begin(self.path_kwargs["upload_id"], tus.parse_patch(self.request.headers))
        return NoBody() if self._writer is None else TusSink(self._writer)

    async def patch(self, session_id: str, upload_id: str) -> None:
        """The bytes are on the disk; the last ones have made a file."""
        self.sink.is_complete = True
        self.set_upload(await self.workspace.uploads.complete(session_id, upload_id, self._writer))
        self.no_content()

    async def head(self, session_id: str, upload_id: str) -> None:
        """How far the upload is."""
        entry = await self.workspace.uploads.report(self.actor, session_id, upload_id)
        self.set_upload(entry)
        headers = tus.status_headers(
            offset=entry.offset, length=entry.length, metadata=entry.metadata, concat=entry.concat
        )
        for name, value in headers.items():
            self.set_header(name, value)
        self.finish()

    async def get(self, session_id: str, upload_id: str) -> None:
        """What became of the upload."""
        self.answer(await self.workspace.uploads.get(self.actor, session_id, upload_id))

    async def delete(self, session_id: str, upload_id: str) -> None:
        """Forgets the upload."""
        await self.workspace.uploads.terminate(self.actor, session_id, upload_id)
        self.no_content()
