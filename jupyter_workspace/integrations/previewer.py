"""Thumbnails by a program of its own: one warm worker, ended when it takes too long or too much."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec

from jupyter_workspace.errors import TypeRefused

__all__ = ["Previewer"]

#: How long one preview may take, in seconds; the worker is ended then.
SECONDS = 5.0

#: How long an idle worker is kept, in seconds.
IDLE_SECONDS = 60.0

#: A preview is never larger than this, in bytes.
LARGEST = 8 * 2**20

CANNOT = "No preview can be made of this file."

_WORKER = Path(__file__).with_name("preview_worker.py")
_NEEDS = {"image": "PIL", "pdf": "pypdfium2", "notebook": "json"}


class _Ended(Exception):
    """The worker ended in the middle of a request."""


class Previewer:
    """Makes previews of files, one at a time."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._worker: asyncio.subprocess.Process | None = None
        self._idle: asyncio.TimerHandle | None = None

    @staticmethod
    def can(kind: str) -> bool:
        """Whether the library for this kind is installed."""
        return importlib.util.find_spec(_NEEDS[kind]) is not None

    async def make(
        self, kind: str, content: Callable[[], AsyncIterator[bytes]], size: int, pixels: int
    ) -> bytes:
        """The preview of `size` bytes: WebP for 'image' and 'pdf', JSON for 'notebook'.

        pixels: of the longer side. content: gives the bytes from the beginning, each time that it is
        called. Raises TypeRefused when they cannot be decoded within the limits of time and memory.
        """
        async with self._turn:
            try:
                made = await self._made(kind, content(), size, pixels)
            except _Ended:
                # Whoever ends a process when memory is short may have meant another one than this file's.
                try:
                    made = await self._made(kind, content(), size, pixels)
                except _Ended as error:
                    raise TypeRefused(CANNOT) from error
            self._rest()
        if made is None:
            raise TypeRefused(CANNOT)
        return made

    async def _made(self, kind: str, content: AsyncIterator[bytes], size: int, pixels: int) -> bytes | None:
        worker = await self._warm()
        try:
            async with asyncio.timeout(SECONDS):
                return await _asked(worker, kind, content, size, pixels)
        except TimeoutError as error:
            await self._end()
            raise TypeRefused(CANNOT) from error
        except (asyncio.IncompleteReadError, OSError, ValueError) as error:
            await self._end()
            raise _Ended from error
        except BaseException:
            # Half a request is in the pipe.
            await self._end()
            raise

    async def close(self) -> None:
        """Ends the worker."""
        async with self._turn:
            await self._end()

    async def _warm(self) -> asyncio.subprocess.Process:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self._worker is None or self._worker.returncode is not None:
            self._worker = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                str(_WORKER),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            )
        return self._worker

    def _rest(self) -> None:
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(IDLE_SECONDS, self._retire)

    def _retire(self) -> None:
        if self._worker is not None and self._worker.stdin is not None:
            self._worker.stdin.close()
            self._worker = None

    async def _end(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        worker, self._worker = self._worker, None
        if worker is not None and worker.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                worker.kill()
            await worker.wait()


async def _asked(
    worker: asyncio.subprocess.Process, kind: str, content: AsyncIterator[bytes], size: int, pixels: int
) -> bytes | None:
    """What the worker made of it; None when it could not."""
    if worker.stdin is None or worker.stdout is None:
        raise OSError(CANNOT)
    worker.stdin.write(msgspec.json.encode({"kind": kind, "size": size, "pixels": pixels}) + b"\n")
    async for chunk in content:
        worker.stdin.write(chunk)
        await worker.stdin.drain()
    length = int(await worker.stdout.readline())
    if length < 0:
        return None
    if length > LARGEST:
        raise ValueError(length)
    return await worker.stdout.readexactly(length)
