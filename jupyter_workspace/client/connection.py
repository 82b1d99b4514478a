"""What both clients have in common: how a server is reached, and how its answers are put in our words.

With the two clients the only place that knows the HTTP library.
"""

from __future__ import annotations

import ssl
import sys
from typing import TYPE_CHECKING, Any

import httpx2

from jupyter_workspace.client import discovery
from jupyter_workspace.client.wire import Lost, Request, Response
from jupyter_workspace.errors import WorkspaceError

if TYPE_CHECKING:
    from jupyter_workspace.client.discovery import Server

__all__ = ["BLOCK_BYTES", "FAULTS", "arguments", "chosen_server", "head_of", "lost", "options_for"]

CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 60.0
BLOCK_BYTES = 1 << 20

#: What reading and writing this machine's files may raise in the middle of a step: the flow is told of it.
FAULTS = (WorkspaceError, OSError)

AGENT = f"jupyter-workspace-client python/{sys.version_info.major}.{sys.version_info.minor}"


def options_for(server: Server) -> dict[str, Any]:
    """What both HTTP clients are made with."""
    return {
        "headers": {"User-Agent": AGENT, **(server.headers if server.token else {})},
        "verify": _trust(server),
        # A proxy or a .netrc of the environment has no business between a kernel and its own machine.
        "trust_env": not server.is_on_this_machine,
    }


def _trust(server: Server) -> ssl.SSLContext:
    """Whom to trust: what SSL_CERT_FILE and SSL_CERT_DIR name, else the usual authorities."""
    if server.api_url.startswith("https:"):
        return httpx2.create_ssl_context(trust_env=True)
    # Never used, and it trusts nobody; making the default one takes longer than the request.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _timeout(request: Request) -> httpx2.Timeout:
    return httpx2.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS, read=request.patience_seconds)


def arguments(server: Server, request: Request, content: object) -> dict[str, Any]:
    """A request as the HTTP library takes it; `content` is its body in the library's form."""
    return {
        "method": request.method,
        "url": f"{server.api_url}{request.path}",
        "params": request.query or None,
        "headers": request.headers,
        "content": content,
        "timeout": _timeout(request),
    }


def head_of(answer: httpx2.Response) -> Response:
    """Status and headers of an answer, in our words."""
    return Response(answer.status_code, dict(answer.headers))


def lost(error: httpx2.TransportError) -> Lost:
    """What a failed transport means for the request."""
    early = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
    hint = None
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        hint = "Set SSL_CERT_FILE to a file with the server's certificate."
    return Lost(str(error) or type(error).__name__, begun=not isinstance(error, early), hint=hint)


def chosen_server(url: str | None, token: str | None, *, is_scoped: bool) -> Server:
    """The server that was named, else the one that started this kernel (NoSession)."""
    if url is None:
        return discovery.find_server()
    return discovery.server_at(url, token or "", is_scoped=is_scoped)
