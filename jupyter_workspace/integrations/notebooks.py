"""Which notebook a kernel runs: asked of Jupyter's own session manager."""

from __future__ import annotations

from typing import Any

__all__ = ["JupyterNotebooks"]


class JupyterNotebooks:
    """Maps kernels to notebooks; a notebook that was renamed has its present path."""

    def __init__(self, session_manager: Any) -> None:
        self._sessions = session_manager

    async def path_of(self, kernel_id: str) -> str | None:
        """The path of the notebook whose kernel this is, relative to the server's root."""
        for session in await self._sessions.list_sessions():
            if (
                session["kernel"] is not None
                and session["kernel"]["id"] == kernel_id
                and session["type"] == "notebook"
            ):
                return str(session["path"]).strip("/")
        return None
