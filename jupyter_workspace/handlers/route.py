"""What a row of the route table says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_workspace.errors import WorkspaceError
from jupyter_workspace.policy.access import Action, Resource

if TYPE_CHECKING:
    from jupyter_workspace.handlers.base import WorkspaceHandler

__all__ = ["Route"]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One method of one address.

    `path` stands under `{base_url}api/workspace`, with `{names}` for what varies. `query` and `body`
    are the structs that the parameters and the JSON body must fit; `media` is what else the body may
    be. `answer` is the struct of a successful answer with one of the codes `success`; None means that
    the answer is not JSON, and then `gives` says what it is. `errors` are those that only this row has,
    beside what every row has. `is_quiet` requests do not count as activity of the server.
    """

    method: str
    path: str
    operation: str
    resource: Resource
    action: Action
    handler: type[WorkspaceHandler]
    summary: str
    query: type[Any] | None = None
    body: Any = None
    media: tuple[str, ...] = ()
    answer: Any = None
    success: tuple[int, ...] = (200,)
    gives: str | None = None
    errors: tuple[type[WorkspaceError], ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    is_quiet: bool = False

    @property
    def writes(self) -> bool:
        """Whether it waits for the index to be complete."""
        return self.action != "read"
