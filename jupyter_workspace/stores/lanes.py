"""Jobs in threads, one after the other: what one file needs so that nothing uses it after its end.

All that touches one descriptor goes through one lane. So its closing, too, is a job: it comes after
whatever was begun, even when the task that began that was cancelled.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Executor, Future
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Lane", "outcome"]

_Result = TypeVar("_Result")


class Lane:
    """A queue of jobs for the threads of a pool; it takes a thread only while there is something to do."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._lock = Lock()
        self._jobs: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._is_busy = False

    def submit(self, job: Callable[[], _Result]) -> Future[_Result]:
        """Have a job done after all that were submitted before. RuntimeError: the pool is closed."""
        future: Future[_Result] = Future()
        with self._lock:
            self._jobs.append((job, future))
            if self._is_busy:
                return future
            self._is_busy = True
        try:
            self._pool.submit(self._work)
        except RuntimeError:
            with self._lock:
                self._jobs.clear()
                self._is_busy = False
            raise
        return future

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._is_busy = False
                    return
                job, future = self._jobs.popleft()
            try:
                result = job()
            except BaseException as fault:  # noqa: BLE001  (it goes on to whoever waits for the job)
                future.set_exception(fault)
            else:
                future.set_result(result)


async def outcome(future: Future[_Result]) -> _Result:
    """What a job gives or raises; when the waiting task is cancelled the job goes on."""
    return await asyncio.shield(asyncio.wrap_future(future))
