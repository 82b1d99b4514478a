"""What a kernel does when it starts, so that a notebook that knows nothing of us is seen, too.

Called by the one line that the package puts into IPython's startup folder of its environment. It makes
no session: a notebook that has none stays without one. Light until a thread goes on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_workspace.client.client import Client
    from jupyter_workspace.client.place import Place

__all__ = ["begin", "find"]

#: The server's folder, and the notebook that it started the kernel for: both are local paths.
NEEDED = ("JUPYTER_WORKSPACE_URL", "JUPYTER_WORKSPACE_ROOT", "JPY_SESSION_NAME")


def begin(environment: Mapping[str, str] = os.environ) -> None:
    """Watches the cells of this kernel, if its notebook has a session."""
    if not all(environment.get(name) for name in NEEDED):
        return
    from jupyter_workspace.client.cell import running_shell  # noqa: PLC0415 - not before it is needed
    from jupyter_workspace.client.discovery import kernel_id  # noqa: PLC0415
    from jupyter_workspace.client.hook import hook_of  # noqa: PLC0415

    shell = running_shell()
    if shell is not None and kernel_id(environment) is not None:
        hook_of(shell).expect(lambda: find(environment))


def find(environment: Mapping[str, str]) -> tuple[Place, Client] | None:
    """The session of this kernel's notebook with a client, None when there is none or no server."""
    from jupyter_workspace.client.client import Client  # noqa: PLC0415 - takes its time; runs in a thread
    from jupyter_workspace.client.discovery import find_server  # noqa: PLC0415
    from jupyter_workspace.client.place import Place  # noqa: PLC0415

    root, notebook = Path(environment["JUPYTER_WORKSPACE_ROOT"]), Path(environment["JPY_SESSION_NAME"])
    if not notebook.is_relative_to(root):
        return None
    path = notebook.relative_to(root).as_posix()
    client = Client.at(find_server(environment))
    found = client.list_sessions(notebook_path=path, status="active", limit=1).sessions
    if not found:
        client.close()
        return None
    return Place(Client.at(client.server), found[0], environment), client
