"""The Jupyter server extension: settings become a workspace, the workspace becomes routes."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from functools import cache
from pathlib import Path
from typing import Any, cast

from jupyter_core.paths import jupyter_data_dir
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp

from jupyter_workspace._version import __version__
from jupyter_workspace.config import JupyterWorkspace
from jupyter_workspace.errors import WorkspaceError
from jupyter_workspace.handlers.openapi import document
from jupyter_workspace.handlers.opening import Opening
from jupyter_workspace.handlers.routes import ROUTES, tornado_rules
from jupyter_workspace.integrations.notebooks import JupyterNotebooks
from jupyter_workspace.integrations.telemetry import JupyterBus, register_schemas
from jupyter_workspace.models.service import API_VERSION, Features, Limits, Service
from jupyter_workspace.services.settings import Actor, Settings
from jupyter_workspace.services.uploads import MAX_PART_BYTES, MIN_PART_BYTES
from jupyter_workspace.workspace import Places, Workspace, open_workspace

__all__ = ["WorkspaceApp"]

#: Jupyter's own events about notebooks that are renamed (jupyter_server, services/contents).
CONTENTS_EVENTS = "https://events.jupyter.org/jupyter_server/contents_service/v1"

#: The strength of the kernels' token, in random bytes.
TOKEN_BYTES = 32

#: Whoever follows a rename: the server itself.
_SERVER = Actor(owner="server", name="server", sees_all=True)


class WorkspaceApp(ExtensionApp):
    """Files go in and out of a Jupyter session: uploads, artifacts, events, downloads."""

    name = "jupyter_workspace"
    description = "Uploads, artifacts, events and downloads for Jupyter sessions."
    extension_url = "/api/workspace"
    load_other_extensions = True
    classes = [JupyterWorkspace]  # noqa: RUF012  (traitlets reads it from the class)

    def initialize_settings(self) -> None:
        """Reads the configuration."""
        self.options = JupyterWorkspace(parent=self)
        if self.serverapp is not None and self.serverapp.event_logger is not None:
            register_schemas(self.serverapp.event_logger)

    def initialize_handlers(self) -> None:
        """Makes the routes; the workspace itself is opened once the loop runs."""
        server = cast("ServerApp", self.serverapp)
        root = self._root = Path(server.root_dir).resolve()
        own = Path(jupyter_data_dir()) / "jupyter_workspace"
        mark = hashlib.sha256(f"{root}\n{self.options.workspace_dir}".encode()).hexdigest()[:16]
        self._connection_file = own / f"{mark}.connection.json"
        self._token = _kernel_token(self._connection_file)
        places = Places(
            root=root, database_file=own / f"{mark}.sqlite", database_url=self.options.database_url or None
        )
        settings = _settings(self.options, allow_hidden=bool(server.contents_manager.allow_hidden))
        notebooks = JupyterNotebooks(server.session_manager)
        bus = None if server.event_logger is None else JupyterBus(server.event_logger)
        self.opening = Opening(
            lambda: open_workspace(settings, places, notebooks=notebooks, bus=bus),
            kernel_token=self._token,
            owner_from_identity=self.options.owner_from_identity,
            stall_seconds=self.options.stall_timeout,
            describe=_describe,
            document=cache(lambda base_url: document(ROUTES, base_url=base_url)),
        )
        self.handlers.extend(tornado_rules(self.opening))
        if server.event_logger is not None:
            server.event_logger.add_listener(schema_id=CONTENTS_EVENTS, listener=self._on_contents)

    async def _start_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        """Tells kernels where we are, now that the port is known, and opens the workspace."""
        url = serverapp.connection_url
        os.environ["JUPYTER_WORKSPACE_URL"] = url
        os.environ["JUPYTER_WORKSPACE_TOKEN"] = self._token
        os.environ["KERNEL_JUPYTER_WORKSPACE_URL"] = url
        os.environ["KERNEL_JUPYTER_WORKSPACE_TOKEN"] = self._token
        os.environ["JUPYTER_WORKSPACE_ROOT"] = str(self._root)
        os.environ["JUPYTER_WORKSPACE_CONNECTION_FILE"] = str(self._connection_file)
        try:
            _write_private(self._connection_file, {"url": url, "token": self._token})
        except OSError as error:
            self.log.warning("Kernels of other servers will not find this one: %s", error)
        self.opening.start()

    async def stop_extension(self) -> None:
        """Closes the workspace."""
        await self.opening.close()

    async def _on_contents(self, logger: Any, schema_id: str, data: dict[str, Any]) -> None:  # noqa: ARG002
        """A notebook that Jupyter renames keeps its session."""
        if data.get("action") != "rename":
            return
        try:
            workspace = await self.opening.writable()
            await workspace.sessions.notebook_moved(
                str(data["source_path"]).strip("/"), str(data["path"]).strip("/")
            )
        except WorkspaceError:
            self.log.exception("A renamed notebook could not be followed.")


def _settings(options: JupyterWorkspace, *, allow_hidden: bool) -> Settings:
    return Settings(
        workspace_dir=options.workspace_dir,
        max_file_size=options.max_file_size,
        max_session_size=options.max_session_size,
        max_user_size=options.max_user_size,
        disk_headroom=options.disk_headroom,
        event_window=options.event_window,
        allow_types=tuple(options.allow_types),
        deny_types=tuple(options.deny_types),
        upload_expiry=options.upload_expiry,
        allow_hidden=allow_hidden,
        trash_days=options.trash_days,
        trash_size=options.trash_size,
        inline_data_uri=options.inline_data_uri,
        inline_data_uri_size=options.inline_data_uri_size,
        clean_attachments_on_close=options.clean_attachments_on_close,
        watch=options.watch,
        watch_polling=options.watch_polling,
        rescan_interval=options.rescan_interval,
    )


def _describe(workspace: Workspace) -> Service:
    """What `GET /` says; a feature is True only when it works here."""
    settings = workspace.parts.settings
    return Service(
        name="jupyter_workspace",
        version=__version__,
        api_version=API_VERSION,
        status=workspace.status,
        problems=workspace.problems(),
        limits=Limits(
            max_file_size=settings.max_file_size,
            max_session_size=settings.max_session_size,
            max_user_size=settings.max_user_size,
            min_part_size=MIN_PART_BYTES,
            max_part_size=MAX_PART_BYTES,
        ),
        features=Features(
            tus=True,
            links=False,
            runs=False,
            scan=False,
            quota=bool(settings.max_session_size or settings.max_user_size),
            previews=workspace.previews.is_complete,
            data_uri=settings.inline_data_uri,
            url_sources=False,
            watch=settings.watch,
        ),
        workspace_dir=settings.workspace_dir,
    )


def _kernel_token(connection_file: Path) -> str:
    """The token for kernels: that of the last server here, since its kernels may have outlived it."""
    try:
        token = json.loads(connection_file.read_text())["token"]
    except (OSError, ValueError, KeyError, TypeError):
        token = None
    return token if isinstance(token, str) and token else secrets.token_urlsafe(TOKEN_BYTES)


def _write_private(path: Path, content: dict[str, str]) -> None:
    """Writes a file that only this user can read, all or nothing."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file)
    part.replace(path)
