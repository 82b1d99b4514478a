"""Sees each cell of a kernel begin and end, and tells its sessions what the cell wrote.

`current()` and `%load_ext jupyter_workspace` install it, and so does `startup.py` for a notebook that
has a session already. A cell pays for two quick looks at the folder; everything else is done by a
thread. Light: nothing here imports the HTTP library.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_workspace.client.background import Background
from jupyter_workspace.client.capture import Capture, artifacts_magic, captures_folder
from jupyter_workspace.client.cell import (
    Execution,
    around,
    beginning_provenance,
    cell_provenance,
    inside,
    notebook_folder,
)
from jupyter_workspace.client.telling import bodies_of, tell

if TYPE_CHECKING:
    from jupyter_workspace.client.client import Client
    from jupyter_workspace.client.place import Place
    from jupyter_workspace.models.session import Session

__all__ = ["Hook", "hook_of", "load"]

#: A session's settings are looked at again after a cell when they are older.
LOOK_AGAIN_SECONDS = 30.0

_ATTRIBUTE = "_jupyter_workspace_hook"


def hook_of(shell: Any) -> Hook:
    """The hook of an IPython shell, installed when it is first asked for."""
    hook = getattr(shell, _ATTRIBUTE, None)
    if not isinstance(hook, Hook):
        hook = Hook()
        setattr(shell, _ATTRIBUTE, hook)
        shell.events.register("pre_run_cell", hook.cell_begins)
        shell.events.register("post_run_cell", hook.cell_ends)
        shell.register_magic_function(_artifacts_magic(shell), "cell", "artifacts")
    return hook


def load(shell: Any) -> None:
    """What `%load_ext jupyter_workspace` does: the cells of this notebook are watched from now on."""
    from jupyter_workspace.client.kernel import current  # noqa: PLC0415 - loads the HTTP library

    hook_of(shell)
    current()


def _artifacts_magic(shell: Any) -> Callable[[str, str], Any]:
    def capture(folder: str | None) -> Capture:
        from jupyter_workspace.client.kernel import current  # noqa: PLC0415 - loads the HTTP library

        return current().capture(folder)

    return artifacts_magic(shell, capture)


class Hook:
    """The cells of one kernel, and the sessions that want to know of them."""

    def __init__(
        self, background: Background | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.background = background or Background()
        self._clock = clock
        self._notebook = notebook_folder()
        self._sessions: dict[str, _Watched] = {}
        self._finding = False
        self._outermost: object = None
        self._execution: Execution | None = None

    @property
    def execution(self) -> Execution | None:
        """The cell that runs; None between cells."""
        return self._execution

    def watch(self, place: Place, client: Client) -> None:
        """Tells this session too; from now on, if a cell runs already. The client is the thread's alone."""
        known = self._sessions.get(place.session_id)
        if known is not None and known.client.server == client.server:
            client.close()
            self.learn(place.session)
        else:
            self._sessions[place.session_id] = _Watched(place, client, self._clock())
        if self._execution is None:
            # Called by a cell that began before anybody looked.
            self._execution = Execution(cell_provenance(), self._resolve_later)
        self._look(self._execution)

    def learn(self, session: Session) -> None:
        """Goes by this record of a session from now on, if it is one that wants to know."""
        if (watched := self._sessions.get(session.session_id)) is not None:
            watched.place.session = session

    def expect(self, find: Callable[[], tuple[Place, Client] | None]) -> None:
        """Watches the session that will be found; until then the notebook's folder is looked at."""
        self._finding = True

        def look_up() -> None:
            found = find()
            if found is not None:
                place, client = found
                self._sessions.setdefault(place.session_id, _Watched(place, client, self._clock()))
            self._finding = False

        self.background.put(look_up)

    # --- called by IPython --------------------------------------------------------------------------

    def cell_begins(self, info: object) -> None:
        """Before a cell; what it runs by calling the shell belongs to it."""
        if self._outermost is not None:
            return
        self._finish()
        self._outermost = info
        self.background.warn()
        self._execution = Execution(beginning_provenance(info), self._resolve_later)
        self._look(self._execution)

    def cell_ends(self, result: object) -> None:
        """After a cell, also one that failed."""
        # A cell that was cancelled has no result.
        info = getattr(result, "info", None)
        if self._outermost is not None and info is not None and info is not self._outermost:
            return
        self._outermost = None
        self._finish()
        self._look_at_settings()

    def _finish(self) -> None:
        execution, self._execution = self._execution, None
        if execution is not None and (changes := execution.changes()):
            self.background.put(lambda: self._tell(execution, changes))

    # ------------------------------------------------------------------------------------------------

    def _resolve_later(self, execution: Execution) -> None:
        """Asks soon which versions were read: later they may have been replaced."""
        watched = next(iter(self._sessions.values()))

        def resolve() -> None:
            execution.provenance(watched.client)

        self.background.put(resolve)

    def _look(self, execution: Execution) -> None:
        for watched in list(self._sessions.values()):
            execution.look_at(inside(watched.place))
            if captures_folder(watched.place.session):
                execution.look_at(around(watched.place, self._notebook))
        if self._finding:
            execution.look_at({self._notebook: frozenset()})

    def _tell(self, execution: Execution, changes: dict[Path, list[str]]) -> None:
        for watched in list(self._sessions.values()):
            place, client = watched.place, watched.client
            outside = self._notebook if captures_folder(place.session) else None
            bodies = bodies_of(place, changes, execution.provenance(client), outside)
            if bodies:
                tell(client, place.session_id, bodies)

    def _look_at_settings(self) -> None:
        """Learns of a capture that was switched on or off elsewhere."""
        now = self._clock()
        for watched in self._sessions.values():
            if now - watched.looked_at > LOOK_AGAIN_SECONDS:
                watched.looked_at = now
                self.background.put(watched.refresh)


@dataclass
class _Watched:
    """A session that wants to know; `client` is used by the thread only."""

    place: Place
    client: Client
    looked_at: float

    def refresh(self) -> None:
        """Takes the session's record as it is now."""
        self.place.session = self.client.get_session(self.place.session_id)
