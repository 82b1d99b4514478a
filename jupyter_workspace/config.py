"""Every setting of the product, on one configurable: `c.JupyterWorkspace.<name> = …`.

Sizes are bytes and 0 means no limit; times are seconds unless the name says days.
"""

from __future__ import annotations

from typing import Any

from traitlets import Bool, Float, Integer, List, TraitError, Unicode, validate
from traitlets.config import LoggingConfigurable

__all__ = ["JupyterWorkspace"]

_MIB = 2**20


class JupyterWorkspace(LoggingConfigurable):
    """Settings of jupyter_workspace."""

    workspace_dir = Unicode(
        "workspace",
        help="""The folder, relative to the server's root, in which each session has its folder.

        It is visible in the file browser. It cannot be empty: the root itself belongs to the user.""",
    ).tag(config=True)
    database_url = Unicode(
        "",
        help="""SQLAlchemy URL of the index, for example of a PostgreSQL server.

        Empty: an SQLite file in Jupyter's data directory, one for each root. The index can always be made
        again from the journals and the disk.""",
    ).tag(config=True)
    max_file_size = Integer(0, min=0, help="Largest file that may come in, in bytes; 0 = no limit.").tag(
        config=True
    )
    max_session_size = Integer(
        0, min=0, help="Most bytes of one session, its trash included; 0 = no limit."
    ).tag(config=True)
    max_user_size = Integer(
        0, min=0, help="Most bytes of all sessions of a user, trash included; 0 = no limit."
    ).tag(config=True)
    disk_headroom = Integer(
        512 * _MIB,
        min=0,
        help="""Bytes of the disk that uploads leave free.

        Never more than 2 % of the disk is kept free, however large this is.""",
    ).tag(config=True)
    event_window = Integer(
        100_000,
        min=1,
        help="""How many events of a session are kept for readers that come late.

        A reader whose cursor is older is told to list the files again.""",
    ).tag(config=True)
    allow_types = List(
        Unicode(),
        help="""What may come in: extensions ('.csv'), types ('image/png') or beginnings of types ('image/').

        Empty: everything.""",
    ).tag(config=True)
    deny_types = List(
        Unicode(), help="What may not come in, in the same forms as `allow_types`; it wins over them."
    ).tag(config=True)
    upload_expiry = Float(
        7 * 24 * 3600.0, help="Seconds after its last byte until an unfinished upload is forgotten."
    ).tag(config=True)
    stall_timeout = Float(
        30.0, help="Seconds without one byte after which an upload's connection is closed."
    ).tag(config=True)
    trash_days = Float(30.0, help="Days after which deleted files go for good; 0 = not by age.").tag(
        config=True
    )
    trash_size = Integer(
        0, min=0, help="Most bytes in the trash; the oldest go first. 0 = bounded by the other limits only."
    ).tag(config=True)
    inline_data_uri = Bool(
        default_value=False,
        help="Whether a file's metadata may carry its content as a data URI, when asked for.",
    ).tag(config=True)
    inline_data_uri_size = Integer(
        512 * 1024, min=0, help="Largest file, in bytes, that may come as a data URI."
    ).tag(config=True)
    clean_attachments_on_close = Bool(
        default_value=False,
        help="Whether a session's attachments go to the trash when its status leaves 'active'.",
    ).tag(config=True)
    watch = Bool(
        default_value=True,
        help="""Whether files that code writes into a session's folder become artifacts by themselves.

        Off: only what is uploaded or registered is known, and what a scan finds that somebody asks for.""",
    ).tag(config=True)
    watch_polling = Bool(
        default_value=False,
        help="""Whether folders are only compared every `rescan_interval` seconds, not watched.

        For network file systems, which do not tell of what other machines write.""",
    ).tag(config=True)
    rescan_interval = Float(
        30.0,
        min=1.0,
        help="""Seconds between two comparisons of sessions with their folders.

        It bounds how long a change stays unknown that the operating system did not tell of.""",
    ).tag(config=True)
    owner_from_identity = Bool(
        default_value=False,
        help="""Whether sessions belong to the user name that the identity provider gives.

        Off: everything belongs to the server, as it should where one server is one person's. Switch it on
        only for identity providers with real names: a login by token has a new random name each time.""",
    ).tag(config=True)

    @validate("workspace_dir")
    def _check_workspace_dir(self, proposal: dict[str, Any]) -> str:
        value = str(proposal["value"]).strip("/")
        parts = value.split("/")
        if (
            not value
            or any(part in {"", ".", ".."} or part.startswith(".") for part in parts)
            or "\\" in value
        ):
            message = "workspace_dir must be a relative path without hidden parts, such as 'workspace'."
            raise TraitError(message)
        return value
