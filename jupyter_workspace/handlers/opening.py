"""What all handlers share: the workspace, opened once, and who the server's kernels are."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

from jupyter_workspace.errors import Starting, WorkspaceError
from jupyter_workspace.models.service import Service
from jupyter_workspace.workspace import Workspace

__all__ = ["Opening"]

_log = logging.getLogger(__name__)

#: How long a request waits for the workspace before it is told to come back, in seconds.
PATIENCE = 5.0


class Opening:
    """The workspace of this server, opened at start, or by the first request if that comes sooner."""

    def __init__(
        self,
        open_it: Callable[[], AbstractAsyncContextManager[Workspace]],
        *,
        kernel_token: str,
        owner_from_identity: bool,
        stall_seconds: float,
        describe: Callable[[Workspace], Service],
        document: Callable[[str], dict[str, Any]],
    ) -> None:
        self._open_it = open_it
        self._kernel_token = kernel_token
        self._opened: asyncio.Task[Workspace] | None = None
        self._stack = AsyncExitStack()
        self.owner_from_identity = owner_from_identity
        self.stall_seconds = stall_seconds
        self.describe = describe
        self.document = document

    def start(self) -> asyncio.Task[Workspace]:
        """Begins to open the workspace, if nobody has yet; gives what will be the open one."""
        if self._opened is None:
            self._opened = asyncio.get_running_loop().create_task(self._open())
        return self._opened

    async def _open(self) -> Workspace:
        return await self._stack.enter_async_context(self._open_it())

    async def workspace(self) -> Workspace:
        """The open workspace; raises Starting when that takes longer than a request can wait."""
        opened = self.start()
        if not opened.done():
            await asyncio.wait([opened], timeout=PATIENCE)
        if not opened.done():
            raise Starting
        error = opened.exception()
        if error is not None:
            self._opened = None
            if isinstance(error, WorkspaceError):
                raise error
            _log.error("The workspace cannot be opened.", exc_info=error)
            raise Starting("The workspace cannot be opened.") from error
        return opened.result()

    async def writable(self) -> Workspace:
        """The open workspace, ready to be written to; raises Starting."""
        workspace = await self.workspace()
        await workspace.writable(PATIENCE)
        return workspace

    async def close(self) -> None:
        """Closes the workspace and ends all that it started."""
        if self._opened is not None and not self._opened.done():
            self._opened.cancel()
            await asyncio.wait([self._opened])
        await self._stack.aclose()

    def is_kernel(self, token: str | None) -> bool:
        """Whether this is the token that the server gave to its kernels."""
        return token is not None and hmac.compare_digest(token.encode(), self._kernel_token.encode())
