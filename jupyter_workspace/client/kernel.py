"""`current()`: the session to which the running code belongs, and what is known of the running cell."""

from __future__ import annotations

import os
import sys
from typing import Any

from jupyter_workspace import errors
from jupyter_workspace.client import discovery
from jupyter_workspace.client.client import Client
from jupyter_workspace.client.place import Place
from jupyter_workspace.client.workspace import Workspace
from jupyter_workspace.models.file import Provenance
from jupyter_workspace.models.session import Session

__all__ = ["cell_provenance", "current"]


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
    return Workspace(Place(client, record), cell_provenance)


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


def cell_provenance() -> Provenance:
    """The kernel, the cell and its execution count, each if known; the server adds the notebook."""
    shell = _shell()
    count = getattr(shell, "execution_count", None)
    return Provenance(
        kernel_id=discovery.kernel_id(),
        cell_id=_cell_id(shell),
        execution_count=count if isinstance(count, int) else None,
    )


def _shell() -> Any:
    # Looked up, not imported: plain Python stays without IPython.
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None


def _cell_id(shell: Any) -> str | None:
    """The id of the running cell, as JupyterLab sends it with each execution request."""
    get_parent = getattr(getattr(shell, "kernel", None), "get_parent", None)
    parent: object = get_parent() if callable(get_parent) else None
    metadata = parent.get("metadata") if isinstance(parent, dict) else None
    cell_id = metadata.get("cellId") if isinstance(metadata, dict) else None
    return cell_id if isinstance(cell_id, str) else None
