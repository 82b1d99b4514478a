"""A trait that is as the server knows it now, and the thread that hears of changes."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any, Protocol

import traitlets

from jupyter_workspace import errors
from jupyter_workspace.client.client import Client
from jupyter_workspace.models.event import Event

__all__ = ["Follower", "LiveList", "Refreshing", "in_kernel"]

#: Newer than any log: the answer is a reset that names the present cursor.
FROM_NOW = 2**53 - 1


class Refreshing(Protocol):
    """Who has a live list."""

    def refresh(self) -> None:
        """Asks the server for the present list."""


class LiveList(traitlets.List[Any]):
    """A list that is asked for anew at each look; while the server is away it is the one last known."""

    def get(self, obj: Any, cls: type[Any] | None = None) -> list[Any]:
        """The present list."""
        obj.refresh()
        return super().get(obj, cls) or []


def in_kernel(act: Callable[[], None]) -> None:
    """Does something between two cells, on the kernel's own thread; at once where there is no kernel."""
    loop = _loop()
    if loop is None:
        act()
    else:
        loop.add_callback(act)


def _loop() -> Any:
    from IPython.core.getipython import get_ipython  # noqa: PLC0415 - only a notebook needs it

    return getattr(getattr(get_ipython(), "kernel", None), "io_loop", None)


class Follower:
    """Hears of the changes of a session, from now until `stop`."""

    def __init__(self, session_id: str, tell: Callable[[Event], None]) -> None:
        self._session_id = session_id
        self._tell = tell
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="jupyter_workspace events", daemon=True)

    def start(self) -> None:
        """Begins; the thread ends with the process."""
        self._thread.start()

    def stop(self) -> None:
        """No further event is told."""
        self._stopped.set()

    def _follow(self) -> None:
        # A client of its own: the cell's may be in the middle of a request.
        client = Client()
        try:
            client.connect(self._session_id)
            cursor = client.poll_events(self._session_id, after=FROM_NOW, wait_seconds=0).next_cursor
            with warnings.catch_warnings():
                # A gap in the log needs no word: every event makes the list be asked for anew.
                warnings.simplefilter("ignore", UserWarning)
                for event in client.events(self._session_id, after=cursor, follow=True):
                    if self._stopped.is_set():
                        return
                    self._tell(event)
        except errors.WorkspaceError as error:
            warnings.warn(f"The panel no longer hears of changes: {error}", stacklevel=1)
        finally:
            client.close()
