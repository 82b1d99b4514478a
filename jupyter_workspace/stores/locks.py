"""One server a workspace folder: a lock that the system takes back when its holder dies, however it dies."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import time
from pathlib import Path

from jupyter_workspace.errors import Busy
from jupyter_workspace.stores.faults import translated

__all__ = ["FolderLock"]

_NAME = "lock"

#: How long a server that was just told to stop is waited for, in seconds.
PATIENCE = 3.0

_PAUSE = 0.05

# What file systems without locks answer.
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}


class FolderLock:
    """The lock of the state folder `state`, which exists."""

    def __init__(self, state: Path) -> None:
        self._path = state / _NAME
        self._descriptor = -1

    async def take(self) -> bool:
        """Takes the lock; False where the file system has none. Raises Busy: another server has it."""
        with translated():
            return await asyncio.to_thread(self._take)

    def _take(self) -> bool:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        deadline = time.monotonic() + PATIENCE
        try:
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as fault:
                    if time.monotonic() > deadline:
                        raise Busy("Another server uses this workspace folder.") from fault
                    time.sleep(_PAUSE)
        except OSError as fault:
            os.close(descriptor)
            if fault.errno in _NO_LOCKS:
                return False
            raise
        except Busy:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Gives the lock back; may be called without it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
