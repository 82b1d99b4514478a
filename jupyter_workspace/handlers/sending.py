"""Sending content: headers, conditions, ranges, and the loop that never runs ahead of the client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Literal, Protocol
from uuid import uuid4

from tornado.iostream import StreamClosedError

from jupyter_workspace.errors import Forbidden, PreconditionFailed, RangeInvalid, WorkspaceError
from jupyter_workspace.handlers.base import WorkspaceHandler
from jupyter_workspace.policy.content import inline_type
from jupyter_workspace.protocol.disposition import content_disposition
from jupyter_workspace.protocol.ranges import (
    ByteRanges,
    content_range,
    http_date,
    is_another_version,
    is_unmodified,
    requested_ranges,
    unsatisfied_range,
)
from jupyter_workspace.services.archives import Archive
from jupyter_workspace.services.delivery import Content

__all__ = ["SendingHandler"]

#: No script, no frame, no origin of ours: what a user uploaded never runs as a page of this server.
CONTENT_POLICY = "sandbox; default-src 'none'; frame-ancestors 'self'"


class Body(Protocol):
    """Content whose bytes can be had from anywhere."""

    size: int
    etag: str
    modified: datetime

    def chunks(self, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes from `start` to before `stop`."""


class _FileBody:
    """An opened file as a body."""

    def __init__(self, content: Content) -> None:
        self.size = content.size
        self.etag = content.etag
        self.modified = content.modified
        self.chunks = content.file.chunks


class SendingHandler(WorkspaceHandler):
    """The base of handlers that give content out."""

    @property
    def content_security_policy(self) -> str:
        """Stricter than the server's own: whatever is sent from here is a user's."""
        return CONTENT_POLICY

    def check_embedding(self) -> None:
        """Refuses to be included by a page of another site (as Jupyter's own `/files/` does).

        Sec-Fetch-Site tells an address that was typed or a page of ours; else the Referer must be ours.
        """
        if self._is_kernel or self.request.headers.get("Sec-Fetch-Site") in {"same-origin", "none"}:
            return
        if not self.token_authenticated and not self.check_referer():
            raise Forbidden("Another site may not embed files from here.")

    async def send_file(self, content: Content, *, as_attachment: bool) -> None:
        """Sends a file: inline if its type is harmless and the caller wishes, else as an attachment."""
        async with content.file:
            mime = content.entry.mime
            inline = None if as_attachment else inline_type(mime)
            self._describe("attachment" if inline is None else "inline", content.entry.name)
            await self._send(_FileBody(content), inline or mime)

    async def send_archive(self, archive: Archive, *, deflate: bool) -> None:
        """Sends a zip; a deflated one has no length, no tag and no ranges."""
        self._describe("attachment", archive.name)
        if not deflate:
            await self._send(archive, "application/zip")
            return
        self.set_header("Content-Type", "application/zip")
        if self.request.method == "HEAD":
            # Sent before the end, which would add the length and the tag of the body that a HEAD lacks.
            await self.flush()
        else:
            await self._stream_out(archive.deflated())
        self.finish(set_content_type="application/zip")

    def _describe(self, kind: Literal["inline", "attachment"], name: str) -> None:
        self.set_header("Content-Disposition", content_disposition(kind, name))
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "private, no-cache")

    async def _send(self, body: Body, mime: str) -> None:
        headers = self.request.headers
        self.set_header("Accept-Ranges", "bytes")
        self.set_header("Etag", body.etag)
        self.set_header("Last-Modified", http_date(body.modified))
        if is_another_version(
            headers.get("If-Match"),
            headers.get("If-Unmodified-Since"),
            etag=body.etag,
            modified=body.modified,
        ):
            self.clear_header("Content-Disposition")
            await self.refuse(PreconditionFailed())
            return
        if is_unmodified(
            headers.get("If-None-Match"),
            headers.get("If-Modified-Since"),
            etag=body.etag,
            modified=body.modified,
        ):
            self.set_status(304)
            self.finish(set_content_type=mime)
            return
        try:
            ranges = requested_ranges(
                headers.get("Range"),
                headers.get("If-Range"),
                size=body.size,
                etag=body.etag,
                modified=body.modified,
            )
        except RangeInvalid as error:
            self.clear_header("Content-Disposition")
            self.set_header("Content-Range", unsatisfied_range(body.size))
            await self.refuse(error)
            return
        if ranges is None:
            await self._send_part(body, 0, body.size, mime)
        elif len(ranges) == 1:
            start, stop = ranges[0]
            self.set_status(206)
            self.set_header("Content-Range", content_range(start, stop, body.size))
            await self._send_part(body, start, stop, mime)
        else:
            framed = ByteRanges(ranges, size=body.size, mime=mime, boundary=uuid4().hex)
            self.set_status(206)
            self.set_header("Content-Length", framed.length)
            await self._send_framed(body, framed)

    async def _send_part(self, body: Body, start: int, stop: int, mime: str) -> None:
        self.set_header("Content-Type", mime)
        self.set_header("Content-Length", stop - start)
        if self.request.method != "HEAD":
            await self._stream_out(body.chunks(start, stop))
        self.finish(set_content_type=mime)

    async def _send_framed(self, body: Body, framed: ByteRanges) -> None:
        self.set_header("Content-Type", framed.content_type)
        if self.request.method != "HEAD":
            for part in framed.parts():
                if isinstance(part, bytes):
                    self.write(part)
                else:
                    await self._stream_out(body.chunks(*part))
        self.finish(set_content_type=framed.content_type)

    async def _stream_out(self, chunks: AsyncIterator[bytes]) -> None:
        """Writes and waits until the client took it; a failure on the way breaks the connection.

        Half a file must not look like a whole one: once the length is announced, an error can only be
        shown by not keeping to it.
        """
        try:
            async for chunk in chunks:
                self.write(chunk)
                await self.flush()
        except StreamClosedError:
            return
        except WorkspaceError as error:
            if not self._headers_written:
                raise
            self.log.info("A download was broken off: %s", error)
            self._stream().close()
        finally:
            close = getattr(chunks, "aclose", None)
            if close is not None:
                await close()
