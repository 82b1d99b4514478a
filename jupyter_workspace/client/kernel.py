"""`current()`: the session to which the running code belongs."""

from __future__ import annotations

import os

from jupyter_workspace import errors
from jupyter_workspace.client import discovery
from jupyter_workspace.client.cell import cell_provenance, running_shell
from jupyter_workspace.client.client import Client
from jupyter_workspace.client.hook import hook_of
from jupyter_workspace.client.place import Place
from jupyter_workspace.client.workspace import Workspace
from jupyter_workspace.models.file import Provenance
from jupyter_workspace.models.session import Session

__all__ = ["current"]


def current(session: str | None = None) -> Workspace:
    """The session of this notebook, or the one whose id is given.

    Without an id: the one that JUPYTER_WORKSPACE_SESSION names, else that of the notebook which this
    kernel runs, made if it has none yet. NoSession, with a hint for the place where the code runs;
    SessionNotFound; ServerUnreachable.
    """
    client = Client()
    try:
        # An empty argument is an error, not the session of the notebook ; an empty variable is none.
        named = session if session is not None else os.environ.get("JUPYTER_WORKSPACE_SESSION") or None
        record = _session(client, named)
    except BaseException:
        client.close()
        raise
    return _workspace(client, record)


def _workspace(client: Client, session: Session) -> Workspace:
    shell = running_shell()
    if shell is None:
        return Workspace(Place(client, session), cell_provenance)
    hook = hook_of(shell)
    place = Place(client, session, execution=lambda: hook.execution, told=hook.learn)
    hook.watch(place, Client.at(client.server))

    def provenance() -> Provenance:
        running = hook.execution
        return cell_provenance() if running is None else running.provenance(client)

    return Workspace(place, provenance)


def _session(client: Client, session_id: str | None) -> Session:
    kernel_id = discovery.kernel_id()
    if session_id is not None:
        return client.connect(session_id)
    if kernel_id is None:
        raise errors.NoSession(
            "This code does not run in a notebook's kernel.",
            hint="Name the session: current('its-id'), or set JUPYTER_WORKSPACE_SESSION.",
        )
    try:
        return client.connect(kernel_id=kernel_id)
    except errors.NotFound as error:
        raise errors.NoSession(
            "The Jupyter server knows no notebook of this kernel.",
            hint="Consoles, papermill and nbconvert start kernels without one. "
            "Name the session: current('its-id'), or set JUPYTER_WORKSPACE_SESSION.",
        ) from error
