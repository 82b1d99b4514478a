"""How long a transfer is tried: growing pauses with chance in them, what a server asks for, and an end."""

from __future__ import annotations

import random
from collections.abc import Callable

from jupyter_workspace import errors
from jupyter_workspace.client.wire import Flow, Lost, Pause, Request, Response, ask, error_of

__all__ = ["PASSING", "Patience", "ask_patiently", "passing_error"]

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 20.0
#: A longer `Retry-After` is cut to this: servers are often back before they thought.
LONGEST_WANTED_SECONDS = 60.0
#: Pauses without a new byte, in all, before a transfer is given up; it can still be gone on with later.
PATIENCE_SECONDS = 600.0
#: The same when the server itself says that it cannot now, and why.
REFUSED_PATIENCE_SECONDS = 15.0

#: What servers and proxies say when they are being started, or are busy.
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})

#: The server is there and knows why it cannot.
REFUSALS = (errors.Unavailable, errors.Internal)


class Patience:
    """How long to go on without a new byte; `seconds` is the sum of the pauses."""

    def __init__(self, jitter: Callable[[], float] = random.random, seconds: float | None = None) -> None:
        self._jitter = jitter
        self._seconds = PATIENCE_SECONDS if seconds is None else seconds
        self.restore()

    def restore(self) -> None:
        """There was progress."""
        self._waited, self._next = 0.0, FIRST_PAUSE_SECONDS

    def pause(self, error: errors.WorkspaceError) -> Pause:
        """The next pause, at least the error's `retry_after`; raises it when patience is at its end."""
        is_refusal = isinstance(error, REFUSALS) and not isinstance(error, errors.Starting)
        if self._waited >= (min(REFUSED_PATIENCE_SECONDS, self._seconds) if is_refusal else self._seconds):
            raise error
        # Many clients that lost the same server must not come back in the same moment.
        usual = self._next * (0.5 + self._jitter())
        asked_for = error.facts.get("retry_after")
        wanted = min(asked_for, LONGEST_WANTED_SECONDS) if isinstance(asked_for, int | float) else 0.0
        seconds = max(usual, wanted * (1 + self._jitter() / 4))
        self._waited += max(self._next, wanted)
        self._next = min(2 * self._next, LONGEST_PAUSE_SECONDS)
        return Pause(seconds)


def passing_error(answer: Response) -> errors.WorkspaceError:
    """What a passing status stands for: the server's own word, else that it cannot be reached."""
    error = error_of(answer)
    if type(error) is not errors.WorkspaceError:
        return error
    lost = error_of(Lost(f"{answer.status} is answered in its place", begun=True))
    lost.facts.update(error.facts)
    return lost


def ask_patiently(request: Request, *allowed: int, patience: Patience) -> Flow[Response]:
    """As `ask`, for what may be repeated; also over restarts of the server and of proxies."""
    while True:
        try:
            answer = yield from ask(request, *allowed, *PASSING)
        except errors.ServerUnreachable as error:
            yield patience.pause(error)
            continue
        if answer.status in allowed or answer.status not in PASSING:
            return answer
        yield patience.pause(passing_error(answer))
