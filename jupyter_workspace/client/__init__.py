"""What notebooks and scripts import: clients of the HTTP contract, and the session of a notebook.

Nothing of the server is imported here, and the HTTP library only when a client is made.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_workspace.client.async_client import AsyncClient
    from jupyter_workspace.client.client import Client
    from jupyter_workspace.client.handle import FileHandle
    from jupyter_workspace.client.kernel import current
    from jupyter_workspace.client.workspace import Workspace

__all__ = ["AsyncClient", "Client", "FileHandle", "Workspace", "current"]

_HOME = {
    "AsyncClient": "async_client",
    "Client": "client",
    "FileHandle": "handle",
    "Workspace": "workspace",
    "current": "kernel",
}


def __getattr__(name: str) -> Any:
    """A public name, imported when it is asked for first."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
