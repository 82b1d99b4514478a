"""A thread that does jobs one after the other, so that no cell waits for the network."""

from __future__ import annotations

import atexit
import threading
import time
import warnings
from collections.abc import Callable
from queue import SimpleQueue

from jupyter_workspace import errors

__all__ = ["Background"]

Job = Callable[[], None]

#: How long a job is tried while the server does not answer: a restart takes seconds, a hub's minutes.
PATIENCE_SECONDS = 300.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0

#: Jobs that wait; beyond it the newest are dropped, for the server finds files without them.
MOST_JOBS = 10_000

#: What a kernel that is stopped may spend on what it has not told yet.
FAREWELL_SECONDS = 2.0


class Background:
    """Jobs in order, each until it is done, or until it fails for good.

    What fails is said in one warning, by `warn`; the next job that succeeds allows another one.
    """

    def __init__(
        self, *, patience_seconds: float = PATIENCE_SECONDS, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._patience = patience_seconds
        self._pause = pause
        self._thread: threading.Thread | None = None
        self._idle = threading.Condition()
        self._open = 0
        self._trouble: str | None = None
        self._has_warned = False

    def put(self, job: Job) -> None:
        """Does the job after those before it."""
        with self._idle:
            if self._open >= MOST_JOBS:
                self._trouble = "too many files wait to be told"
                return
            self._open += 1
            if self._thread is None:
                self._start()
        self._jobs.put(job)

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="jupyter-workspace", daemon=True)
        self._thread.start()
        atexit.register(self.wait, FAREWELL_SECONDS)

    def wait(self, seconds: float) -> bool:
        """Whether all jobs were done within that time."""
        with self._idle:
            return self._idle.wait_for(lambda: self._open == 0, seconds)

    def warn(self) -> None:
        """Says once, where the person sees it, what went wrong."""
        trouble, self._trouble = self._trouble, None
        if trouble is not None and not self._has_warned:
            self._has_warned = True
            warnings.warn(
                f"What this notebook writes is not told to its session ({trouble}). "
                "The server finds the files by itself, without the cell that made them.",
                stacklevel=2,
            )

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            try:
                self._do(job)
            except Exception as error:  # noqa: BLE001 - the thread outlives whatever a job meets
                self._trouble = str(error) or type(error).__name__
            else:
                self._has_warned = False
            finally:
                with self._idle:
                    self._open -= 1
                    self._idle.notify_all()

    def _do(self, job: Job) -> None:
        waited, pause = 0.0, FIRST_PAUSE_SECONDS
        while True:
            try:
                return job()
            except (errors.ServerUnreachable, errors.Unavailable):
                if waited >= self._patience:
                    raise
            self._pause(pause)
            waited += pause
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
