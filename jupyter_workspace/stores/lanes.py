"""Jobs in threads, one after the other: what one file needs so that nothing uses it after its end.

All that touches one descriptor goes through one lane. So its closing, too, is a job: it comes after
whatever was begun, even when the task that began that was cancelled.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Executor, Future
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_workspace.errors import Busy

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Lane", "begun", "outcome"]

#: What is said to whom the threads are no longer there for.
STOPPING = "The server is stopping."

_Result = TypeVar("_Result")


class Lane:
    """A queue of jobs for the threads of a pool; it takes a thread for one job at a time."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._lock = Lock()
        self._jobs: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._is_busy = False

    def submit(self, job: Callable[[], _Result]) -> Future[_Result]:
        """Have a job done after all that were submitted before. Busy: the pool is closed."""
        future: Future[_Result] = Future()
        with self._lock:
            self._jobs.append((job, future))
            if self._is_busy:
                return future
            self._is_busy = True
        try:
            self._pool.submit(self._work)
        except RuntimeError as closed:
            with self._lock:
                self._jobs.clear()
                self._is_busy = False
            raise Busy(STOPPING) from closed
        return future

    def _work(self) -> None:
        while True:
            with self._lock:
                job, future = self._jobs.popleft()
            try:
                result = job()
            except BaseException as fault:  # noqa: BLE001  (it goes on to whoever waits for the job)
                future.set_exception(fault)
            else:
                future.set_result(result)
            with self._lock:
                if not self._jobs:
                    self._is_busy = False
                    return
            # Lanes take turns; once the pool closes, what was begun ends here.
            with suppress(RuntimeError):
                self._pool.submit(self._work)
                return


def begun(pool: Executor, job: Callable[[], _Result]) -> asyncio.Future[_Result]:
    """A job in a thread of a pool. Busy: the pool is closed."""
    try:
        return asyncio.get_running_loop().run_in_executor(pool, job)
    except RuntimeError as closed:
        raise Busy(STOPPING) from closed


async def outcome(future: Future[_Result]) -> _Result:
    """What a job gives or raises; when the waiting task is cancelled the job goes on."""
    return await asyncio.shield(asyncio.wrap_future(future))
