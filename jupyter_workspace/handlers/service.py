"""What the service says of itself."""

from __future__ import annotations

from jupyter_workspace.handlers.base import WorkspaceHandler

__all__ = ["DocumentHandler", "ServiceHandler", "UsageHandler"]


class ServiceHandler(WorkspaceHandler):
    """`/`."""

    async def get(self) -> None:
        """Name, version, status, limits and features."""
        self.answer(self.opening.describe(self.workspace))


class UsageHandler(WorkspaceHandler):
    """`/usage`."""

    async def get(self) -> None:
        """What the user's files take, and what is left."""
        self.answer(await self.workspace.sessions.usage(self.actor))


class DocumentHandler(WorkspaceHandler):
    """`/openapi.json`."""

    async def get(self) -> None:
        """The contract of this server."""
        self.answer(self.opening.document(self.base_url))
