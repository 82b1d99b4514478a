"""Which sessions and files a list is asked for: what the parameters of a request say, as one value."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from jupyter_workspace.models.file import FileKind
from jupyter_workspace.protocol.query import Filters

__all__ = ["FileFilter", "SessionFilter"]


class SessionFilter(Struct, frozen=True, kw_only=True):
    """Which sessions to list; None does not restrict. `text` is part of name or description."""

    owner: str | None = None
    status: str | None = None
    text: str | None = None
    notebook_path: str | None = None


class FileFilter(Struct, frozen=True, kw_only=True):
    """Which files to list; None does not restrict.

    `text` is part of the name in any case, `prefix` a folder (or the file itself), `chosen` are
    `att_` or `art_` ids, `filters` those of API.md, section 5.
    """

    session_id: str | None = None
    owner: str | None = None
    kind: FileKind | None = None
    text: str | None = None
    prefix: str | None = None
    filters: Filters | None = None
    chosen: Sequence[str] | None = None

    @property
    def is_whole_session(self) -> bool:
        """Whether it names all files of one session, or all of one kind."""
        plain = FileFilter(session_id=self.session_id, kind=self.kind, filters=self.filters)
        return self.session_id is not None and self == plain and self.filters in {None, Filters()}
