"""Previews."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from jupyter_workspace.handlers.sending import SendingHandler
from jupyter_workspace.protocol.ranges import none_match

__all__ = ["PreviewHandler", "PreviewQuery"]

#: How long a browser may keep a preview, in seconds.
DAY = 86_400


class PreviewQuery(Struct, frozen=True, kw_only=True):
    """How large a picture may be, in pixels of its longer side."""

    size: Annotated[int, Meta(ge=16, le=1024)] = 256


class PreviewHandler(SendingHandler):
    """`/sessions/{session_id}/artifacts/{artifact_id}/preview`."""

    async def get(self, session_id: str, artifact_id: str) -> None:
        """A small picture of the file, or its beginning."""
        query = self.query(PreviewQuery)
        self.check_embedding()
        preview = await self.workspace.previews.make(self.actor, session_id, artifact_id, query.size)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        # A version never changes; a file may, so its preview is asked for again by its tag.
        fresh = f"max-age={DAY}" if artifact_id.startswith("art_") else "no-cache"
        self.set_header("Cache-Control", f"private, {fresh}")
        self.set_header("Etag", preview.etag)
        self.set_header("X-Preview-Complete", "true" if preview.is_whole else "false")
        if none_match(self.request.headers.get("If-None-Match"), preview.etag):
            self.set_status(304)
            self.finish(set_content_type=preview.mime)
            return
        self.finish(preview.content, set_content_type=preview.mime)
