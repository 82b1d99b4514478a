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

DAMAGED = "No preview can be made of this file: it is damaged or locked, or is not what its name says."
COSTLY = "No preview can be made of this file: it would take too much time or memory."

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
                length, made = await self._made(kind, content(), size, pixels)
            except _Ended:
                # Whoever ends a process when memory is short may have meant another one than this file's.
                try:
                    length, made = await self._made(kind, content(), size, pixels)
                except _Ended as error:
                    raise TypeRefused(COSTLY, cause="costly") from error
            self._rest()
        if length == -1:
            raise TypeRefused(DAMAGED, cause="damaged")
        if length < 0:
            raise TypeRefused(COSTLY, cause="costly")
        return made

    async def _made(
        self, kind: str, content: AsyncIterator[bytes], size: int, pixels: int
    ) -> tuple[int, bytes]:
        worker = await self._warm()
        try:
            async with asyncio.timeout(SECONDS):
                return await _asked(worker, kind, content, size, pixels)
        except TimeoutError as error:
            await self._end()
            raise TypeRefused(COSTLY, cause="costly") from error
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
) -> tuple[int, bytes]:
    """The length of what the worker made of it, and that; a negative number and nothing when it could not."""
    if worker.stdin is None or worker.stdout is None:
        raise OSError(kind)
    worker.stdin.write(msgspec.json.encode({"kind": kind, "size": size, "pixels": pixels}) + b"\n")
    async for chunk in content:
        worker.stdin.write(chunk)
        await worker.stdin.drain()
    length = int(await worker.stdout.readline())
    if length > LARGEST:
        raise ValueError(length)
    return length, await worker.stdout.readexactly(max(0, length))
