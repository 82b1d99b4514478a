"""Who may do what: the words that Jupyter's authorizer is asked with, and ownership.

The table of API.md, section 1 and 11.7 to 11.8. Asking the authorizer is the handlers' part.
"""

from __future__ import annotations

from typing import Final, Literal

Action = Literal["read", "write", "execute"]
Resource = Literal["sessions", "files", "uploads", "downloads", "events", "links", "runs", "admin"]

RESOURCES: Final[tuple[Resource, ...]] = (
    "sessions",
    "files",
    "uploads",
    "downloads",
    "events",
    "links",
    "runs",
    "admin",
)

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def action_of(method: str) -> Action:
    """What an HTTP method does. Routes that start something say 'execute' in the route table."""
    return "read" if method.upper() in _READING else "write"


def resource_name(resource: Resource) -> str:
    """The resource as Jupyter's authorizer sees it: `jupyter_workspace:files`."""
    return f"jupyter_workspace:{resource}"


def kernel_may(resource: Resource) -> bool:
    """Whether the scoped token that kernels get opens this resource."""
    return resource != "admin"


def is_owner(owner: str | None, user: str | None) -> bool:
    """Whether `user` may see what `owner` owns; None on both sides when the server itself owns everything.

    A stranger's things are to be answered as not found (API.md, 11.1).
    """
    return owner == user
