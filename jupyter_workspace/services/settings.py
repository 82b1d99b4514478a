"""The configuration as services see it: plain values, read once from the traits by `workspace`."""

from __future__ import annotations

from msgspec import Struct

from jupyter_workspace.policy.access import is_owner

__all__ = ["SERVER_OWNER", "Actor", "Settings"]

#: Who owns what, on a server that is one person's; and what kernels make, until somebody asks for it.
SERVER_OWNER = "server"


class Actor(Struct, frozen=True, kw_only=True):
    """Who asks: `owner` keys what is theirs, `name` is for audit and log.

    `sees_all`: code in a kernel, which acts for whoever owns the session that it names.
    """

    owner: str
    name: str
    sees_all: bool = False

    def may_see(self, owner: str) -> bool:
        """Whether what `owner` has exists for this actor."""
        return self.sees_all or is_owner(owner, self.owner)


class Settings(Struct, frozen=True, kw_only=True):
    """What the administrator decided. Sizes in bytes (0 = none), times in seconds unless named."""

    workspace_dir: str = "workspace"
    max_file_size: int = 0
    max_session_size: int = 0
    max_user_size: int = 0
    disk_headroom: int = 512 * 2**20
    event_window: int = 100_000
    allow_types: tuple[str, ...] = ()
    deny_types: tuple[str, ...] = ()
    allow_hidden: bool = False
    trash_days: float = 30
    trash_size: int = 0
    inline_data_uri: bool = False
    inline_data_uri_size: int = 512 * 1024
    clean_attachments_on_close: bool = False
    upload_expiry: float = 7 * 24 * 3600
    watch: bool = True
    watch_polling: bool = False
    rescan_interval: float = 30
    scan_limit: int = 200_000
