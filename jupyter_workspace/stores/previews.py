"""Made previews, kept by the digest of what they show; losing one only costs time."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path

__all__ = ["PreviewFiles"]


class PreviewFiles:
    """A folder of previews in the state folder. `limit_bytes`: the oldest go when it is passed."""

    def __init__(self, state: Path, limit_bytes: int) -> None:
        self._folder = state / "previews"
        self._limit = limit_bytes

    async def get(self, key: str) -> bytes | None:
        """The preview of that key, None when there is none."""
        try:
            return await asyncio.to_thread((self._folder / key).read_bytes)
        except OSError:
            return None

    async def put(self, key: str, content: bytes) -> None:
        """Keeps a preview if it can."""
        with suppress(OSError):
            await asyncio.to_thread(self._write, key, content)

    def _write(self, key: str, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        part = self._folder / f".{key}.{os.getpid()}"
        part.write_bytes(content)
        part.replace(self._folder / key)

    async def trim(self) -> None:
        """Lets the oldest go until the rest fits."""
        with suppress(OSError):
            await asyncio.to_thread(self._trim)

    def _trim(self) -> None:
        found = [(file.stat(), file) for file in self._folder.iterdir()]
        total = sum(stat.st_size for stat, _ in found)
        for stat, file in sorted(found, key=lambda pair: pair[0].st_mtime):
            if total <= self._limit:
                return
            file.unlink(missing_ok=True)
            total -= stat.st_size
