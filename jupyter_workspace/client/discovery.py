"""Which server, which token, which kernel: read from the environment that the server gives its kernels.

JUPYTER_WORKSPACE_URL, JUPYTER_WORKSPACE_TOKEN    where the server is, and the scoped token
KERNEL_JUPYTER_WORKSPACE_URL, …_TOKEN             the same for a kernel on another machine
JUPYTER_WORKSPACE_CONNECTION_FILE                 a file with both, rewritten at each server start
JUPYTER_WORKSPACE_SESSION                         the session, when no notebook tells it
JUPYTER_WORKSPACE_ROOT                            the server's root folder on this machine
"""

from __future__ import annotations

import os
import re
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

import msgspec

from jupyter_workspace import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "KERNEL_TOKEN_HEADER",
    "Server",
    "cache_folder",
    "find_server",
    "kernel_id",
    "no_session_hint",
    "renewed",
    "server_at",
]

#: Our own header: the server's identity provider looks at `Authorization` and would refuse our token.
KERNEL_TOKEN_HEADER = "X-Jupyter-Workspace-Token"  # noqa: S105 - a name, no secret

API_PATH = "api/workspace"

_KERNEL_FILE = re.compile(r"kernel-(.+)\.json")
_WILDCARDS = {"0.0.0.0", "::"}  # noqa: S104 - recognised, not bound


@dataclass(frozen=True, slots=True)
class Server:
    """Where a Jupyter server is reached and with what right.

    `url` is the server's base URL and ends in '/'. `is_scoped`: the token opens the workspace API
    only. `connection_file` tells where the server is when it has been started anew.
    """

    url: str
    token: str = field(repr=False)
    is_scoped: bool
    connection_file: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The header that carries the token."""
        if self.is_scoped:
            return {KERNEL_TOKEN_HEADER: self.token}
        return {"Authorization": f"token {self.token}"}

    @property
    def base_path(self) -> str:
        """The path of the URL: what a browser that shows the notebook has before `api`."""
        return urlsplit(self.url).path

    @property
    def socket_path(self) -> str | None:
        """The Unix socket of an `http+unix://` URL."""
        parts = urlsplit(self.url)
        return unquote(parts.netloc) if parts.scheme == "http+unix" else None

    @property
    def api_url(self) -> str:
        """The URL below which the routes stand, as an HTTP client takes it."""
        base = f"http://localhost{self.base_path}" if self.socket_path else self.url
        return f"{base}{API_PATH}"

    @property
    def is_on_this_machine(self) -> bool:
        """Whether the URL is a loopback address or a Unix socket, where no proxy leads to."""
        host = urlsplit(self.url).hostname or ""
        return bool(self.socket_path) or host in {"localhost", "::1"} or host.startswith("127.")


def server_at(url: str, token: str, *, is_scoped: bool, connection_file: str | None = None) -> Server:
    """The server behind a URL that may have a query or the API's path; ValueError for another scheme."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https", "http+unix"} or not parts.netloc:
        raise ValueError(
            f"{url!r} is no URL of a Jupyter server: it begins with http://, https:// or http+unix://."
        )
    path = parts.path.rstrip("/").removesuffix(f"/{API_PATH}") + "/"
    reachable = SplitResult(parts.scheme, _reachable_host(parts), path, "", "")
    return Server(urlunsplit(reachable), token, is_scoped, connection_file)


def _reachable_host(parts: SplitResult) -> str:
    # A server on all interfaces calls itself by the machine's name, which may not resolve here. With
    # TLS the name stays: the certificate was made for it.
    is_ours = parts.scheme == "http" and parts.hostname == socket.gethostname().lower()
    if parts.hostname in _WILDCARDS or is_ours:
        return f"127.0.0.1:{parts.port}" if parts.port else "127.0.0.1"
    return parts.netloc


def find_server(environment: Mapping[str, str] = os.environ) -> Server:
    """The server that started this kernel; NoSession with a hint when there is none."""
    file = environment.get("JUPYTER_WORKSPACE_CONNECTION_FILE") or None
    for prefix in ("", "KERNEL_"):
        url = environment.get(f"{prefix}JUPYTER_WORKSPACE_URL")
        token = environment.get(f"{prefix}JUPYTER_WORKSPACE_TOKEN")
        if url and token:
            return server_at(url, token, is_scoped=True, connection_file=None if prefix else file)
    found = _from_file(file) if file else None
    if found is None:
        raise errors.NoSession("No Jupyter server is known to this code.", hint=no_session_hint(environment))
    return found


def renewed(server: Server) -> Server | None:
    """Where the same server is now, if it has been started anew; None when nothing has changed."""
    found = _from_file(server.connection_file) if server.connection_file else None
    return None if found == server else found


def _from_file(name: str) -> Server | None:
    try:
        told = msgspec.json.decode(Path(name).read_bytes(), type=dict[str, str])
        return server_at(told["url"], told["token"], is_scoped=True, connection_file=name)
    except (OSError, msgspec.DecodeError, KeyError, ValueError):
        # Away, or not written to the end: the error of the request that led here says more.
        return None


# --- the kernel ---------------------------------------------------------------------------------


def kernel_id(environment: Mapping[str, str] = os.environ) -> str | None:
    """The id by which the server knows the kernel that runs this code; None outside a kernel."""
    name = _connection_file_of_kernel()
    match = _KERNEL_FILE.fullmatch(Path(name).name) if name else None
    # Kernels on other machines run under another file name; their launchers say the id so.
    return match[1] if match else environment.get("KERNEL_ID") or None


def _connection_file_of_kernel() -> str | None:
    # Looked up, not imported: a plain script must not load a kernel to learn that it is none.
    module = sys.modules.get("ipykernel.kernelapp")
    app = getattr(module, "IPKernelApp", None)
    if app is None or not app.initialized():
        return None
    return str(app.instance().connection_file)


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where this program keeps what can be lost (XDG Base Directory Specification)."""
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jupyter_workspace"


def no_session_hint(environment: Mapping[str, str] = os.environ) -> str:
    """What would help, by the place where this code seems to run."""
    by_hand = (
        "Set JUPYTER_WORKSPACE_URL, JUPYTER_WORKSPACE_TOKEN and JUPYTER_WORKSPACE_SESSION, "
        "or use jupyter_workspace.client.Client(url, token)."
    )
    if any(name.startswith("VSCODE_") for name in environment):
        return (
            "VS Code starts kernels by itself: choose 'Existing Jupyter Server' as the kernel's source. "
            + by_hand
        )
    if kernel_id(environment) is not None:
        return (
            "This kernel was not started by a Jupyter server with jupyter_workspace "
            "(a console, papermill or nbconvert starts kernels by itself). " + by_hand
        )
    return "This is plain Python, no notebook. " + by_hand
