"""Previews: a small picture of an image or a page, or the bounded beginning of a text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal, Protocol

from msgspec import Struct

from jupyter_workspace.errors import FileTooLarge, TypeRefused
from jupyter_workspace.integrations.base import Previews as Maker
from jupyter_workspace.models.entry import Entry
from jupyter_workspace.protocol.ranges import strong_etag
from jupyter_workspace.services.delivery import Content, Delivery
from jupyter_workspace.services.settings import Actor

__all__ = ["Preview", "Previews"]

Kind = Literal["image", "pdf", "notebook", "text"]

#: The largest file of each kind that is decoded, in bytes; of a text only the beginning is read.
CEILINGS: dict[str, int] = {"image": 64 * 2**20, "pdf": 64 * 2**20, "notebook": 32 * 2**20}

#: How much of a text is shown, in bytes.
HEAD_BYTES = 64 * 1024

#: How long a refusal is remembered, in seconds, and how many are: each look at a bomb costs seconds, but the
#: machine may have been busy.
REFUSED_SECONDS = 600
REFUSALS = 1000

_RASTER = frozenset(
    {
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "image/bmp",
        "image/tiff",
        "image/vnd.microsoft.icon",
    }
)
_TEXT = frozenset(
    {
        "application/json",
        "application/x-ndjson",
        "application/xml",
        "application/yaml",
        "application/toml",
        "application/javascript",
        "application/geo+json",
        "image/svg+xml",
    }
)
_TYPES = {"image": "image/webp", "pdf": "image/webp", "notebook": "application/json"}


class Cache(Protocol):
    """Where made previews are kept."""

    async def get(self, key: str) -> bytes | None:
        """A preview, or None."""

    async def put(self, key: str, content: bytes) -> None:
        """Keeps one, if that is possible."""


class Preview(Struct, frozen=True, kw_only=True):
    """What to show of a file; `is_whole` is False when more of a text follows."""

    content: bytes
    mime: str
    etag: str
    is_whole: bool


class Previews:
    """Makes previews, once for the same bytes."""

    def __init__(self, delivery: Delivery, maker: Maker, cache: Cache, clock: Callable[[], datetime]) -> None:
        self._delivery = delivery
        self._maker = maker
        self._cache = cache
        self._clock = clock
        #: When each content was refused last, the latest last, and how.
        self._refused: dict[str, tuple[datetime, TypeRefused]] = {}

    @property
    def is_complete(self) -> bool:
        """Whether every kind can be shown here."""
        return self._maker.can("image") and self._maker.can("pdf")

    async def make(self, actor: Actor, session_id: str, file_id: str, pixels: int) -> Preview:
        """The preview of a file.

        pixels: of the longer side of a picture. Raises TypeRefused for a file that cannot be shown, with the
        fact `cause` ('type', 'unsupported', 'damaged' or 'costly'), FileTooLarge above the ceiling of its
        kind, and what `Delivery.open` raises.
        """
        content = await self._delivery.open(actor, session_id, file_id)
        async with content.file:
            kind = kind_of(content.entry)
            if kind == "text":
                return await self._head(content)
            if not self._maker.can(kind):
                raise TypeRefused(
                    "This server cannot make previews of such files.",
                    hint="Install the extra 'preview'.",
                    cause="unsupported",
                )
            if content.size > CEILINGS[kind]:
                raise FileTooLarge(
                    "The file is too large for a preview.", limit=CEILINGS[kind], requested=content.size
                )
            return await self._picture(kind, content, pixels)

    async def _head(self, content: Content) -> Preview:
        head = await content.file.read(0, HEAD_BYTES)
        # A character that was cut in the middle would show as damage.
        text = head.decode("utf-8", "ignore" if len(head) < content.size else "replace")
        return Preview(
            content=text.encode(),
            mime="text/plain; charset=utf-8",
            etag=content.etag.replace('"', '"head-', 1),
            is_whole=content.size <= HEAD_BYTES,
        )

    async def _picture(self, kind: Kind, content: Content, pixels: int) -> Preview:
        mark = content.etag.strip('"')
        key = f"{mark}-{kind}-{pixels}"
        made = await self._cache.get(key)
        if made is None:
            self._check(key)
            made = await self._made(key, kind, content, pixels)
            await self._cache.put(key, made)
        return Preview(content=made, mime=_TYPES[kind], etag=strong_etag(key), is_whole=True)

    async def _made(self, key: str, kind: Kind, content: Content, pixels: int) -> bytes:
        try:
            return await self._maker.make(
                kind, lambda: content.file.chunks(0, content.size), content.size, pixels
            )
        except TypeRefused as error:
            # Not this error itself: with its traceback it would keep the file.
            self._refused[key] = (self._clock(), TypeRefused(error.message, hint=error.hint, **error.facts))
            if len(self._refused) > REFUSALS:
                del self._refused[next(iter(self._refused))]
            raise

    def _check(self, key: str) -> None:
        """Raises TypeRefused again for what was refused a while ago."""
        at, error = self._refused.get(key, (None, None))
        if at is None or error is None:
            return
        if self._clock() - at > timedelta(seconds=REFUSED_SECONDS):
            del self._refused[key]
            return
        raise TypeRefused(error.message, hint=error.hint, **error.facts)


def kind_of(entry: Entry) -> Kind:
    """How a file is shown; raises TypeRefused when it is not."""
    if entry.mime in _RASTER:
        return "image"
    if entry.mime == "application/pdf":
        return "pdf"
    if entry.mime == "application/x-ipynb+json":
        return "notebook"
    if entry.mime.startswith("text/") or entry.mime in _TEXT:
        return "text"
    raise TypeRefused("Files of this type have no preview.", mime=entry.mime, cause="type")
