"""Which server a terminal means: the one it is told, the one it was started by, or the one that runs.

--url and --token                      said by hand, also for a server behind a hub
JUPYTER_WORKSPACE_URL, …_TOKEN         a terminal inside JupyterLab
JUPYTERHUB_SERVICE_URL, …_API_TOKEN    a process of a hub's user, beside that user's server
jpserver-*.json                        servers of this user on this machine, the youngest first
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from jupyter_core.paths import jupyter_runtime_dir
from msgspec import Struct

from jupyter_workspace.client.client import Client
from jupyter_workspace.client.discovery import Server, find_server, server_at
from jupyter_workspace.errors import NoSession, ServerUnreachable

__all__ = ["connect"]


class _Running(Struct):
    """What a Jupyter server writes about itself in the runtime folder."""

    url: str
    token: str = ""
    pid: int = 0


def connect(url: str | None, token: str | None, environment: Mapping[str, str] = os.environ) -> Client:
    """A client of the server that is meant; ServerUnreachable if there is none, ValueError for a bad URL."""
    if url is not None:
        return Client(
            url, token or environment.get("JUPYTER_TOKEN") or environment.get("JUPYTERHUB_API_TOKEN", "")
        )
    found = _found(environment)
    # Who names a token means to be whom it stands for, wherever the server was found.
    return Client.at(found) if token is None else Client(found.url, token)


def _found(environment: Mapping[str, str]) -> Server:
    try:
        return find_server(environment)
    except NoSession:
        pass
    url, token = environment.get("JUPYTERHUB_SERVICE_URL"), environment.get("JUPYTERHUB_API_TOKEN")
    if url and token:
        return server_at(url, token, is_scoped=False)
    running = list(_running(Path(jupyter_runtime_dir())))
    if not running:
        raise ServerUnreachable(
            "No Jupyter server of yours runs on this machine.",
            hint="Start one with 'jupyter lab', or give --url and --token.",
        )
    youngest = running[0]
    if len(running) > 1:
        warnings.warn(
            f"{len(running)} servers of yours run; this is {youngest.url}. --url names another.", stacklevel=3
        )
    # A server with a password tells no token.
    return server_at(youngest.url, youngest.token or environment.get("JUPYTER_TOKEN", ""), is_scoped=False)


def _running(folder: Path) -> Iterator[_Running]:
    """The servers of this user that are alive, the youngest first."""
    for file in sorted(folder.glob("jpserver-*.json"), key=_modified_at, reverse=True):
        try:
            found = msgspec.json.decode(file.read_bytes(), type=_Running)
            if os.name != "nt":  # there signal 0 is Ctrl-C, and would end the server
                os.kill(found.pid, 0)
        except (OSError, msgspec.DecodeError):
            continue  # left behind by a server that was killed
        yield found


def _modified_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0  # that server has just stopped
