"""Files, attachments and artifacts of a notebook.

What a notebook needs stands here and is loaded when it is first asked for: `import jupyter_workspace`
itself is free, and in a kernel it never loads the server's parts.

    import jupyter_workspace as jw
    ws = jw.current()
    ws.publish(figure, "loss.png")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_workspace._version import __version__
    from jupyter_workspace.client.async_client import AsyncClient
    from jupyter_workspace.client.client import Client
    from jupyter_workspace.client.handle import FileHandle
    from jupyter_workspace.client.kernel import current
    from jupyter_workspace.client.workspace import Workspace
    from jupyter_workspace.errors import WorkspaceError
    from jupyter_workspace.widgets.panels import ArtifactList, AttachmentPanel

__all__ = [
    "ArtifactList",
    "AsyncClient",
    "AttachmentPanel",
    "Client",
    "FileHandle",
    "Workspace",
    "WorkspaceError",
    "__version__",
    "current",
]

_HOMES = {
    "ArtifactList": "jupyter_workspace.widgets.panels",
    "AsyncClient": "jupyter_workspace.client.async_client",
    "AttachmentPanel": "jupyter_workspace.widgets.panels",
    "Client": "jupyter_workspace.client.client",
    "FileHandle": "jupyter_workspace.client.handle",
    "Workspace": "jupyter_workspace.client.workspace",
    "WorkspaceError": "jupyter_workspace.errors",
    "__version__": "jupyter_workspace._version",
    "current": "jupyter_workspace.client.kernel",
}


def __getattr__(name: str) -> Any:
    """The public name, from the module where it is at home.

    Raises AttributeError for a name that is not public.
    """
    home = _HOMES.get(name)
    if home is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, also those that are not loaded yet."""
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: Any) -> None:
    """What IPython calls for `%load_ext jupyter_workspace`: this notebook's session sees what cells write."""
    import_module("jupyter_workspace.client.hook").load(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Where the built front end is, relative to this package; asked while developing only."""
    return [{"src": "../labextension/dist", "dest": "jupyter-workspace"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """What jupyter_server loads."""
    app = import_module("jupyter_workspace.app")
    return [{"module": "jupyter_workspace", "app": app.WorkspaceApp}]
