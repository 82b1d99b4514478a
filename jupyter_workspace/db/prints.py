"""What the disk is compared with: a few facts of each file, for many files."""

from __future__ import annotations

from typing import Any, Self

from msgspec import Struct
from sqlalchemy import Row, select

from jupyter_workspace.db.connection import Connection
from jupyter_workspace.db.tables import files
from jupyter_workspace.models.entry import Entry

__all__ = ["Print", "Prints"]

#: Rows read at once: others have the index in between.
_CHUNK = 2000


class Print(Struct, frozen=True):
    """What a file was like when it became known; `size` in bytes, `sha256` in hex, None if unknown."""

    size: int
    mtime_ns: int
    inode: int
    sha256: str | None

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """That of an entry."""
        return cls(entry.size, entry.mtime_ns, entry.inode, entry.sha256)


class Prints:
    """The prints of live files."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def in_folder(self, session_id: str, after: str) -> tuple[dict[str, Print], str | None]:
        """By path, the next files in the session's folder; and the path to go on after, None at the end.

        What is only referred to lies elsewhere.
        """
        query = (
            select(files.c.path, files.c.size, files.c.mtime_ns, files.c.inode, files.c.sha256)
            .where(
                files.c.session_id == session_id,
                files.c.deleted_at.is_(None),
                files.c.storage == "local",
                files.c.path > after,
            )
            .order_by(files.c.path)
            .limit(_CHUNK)
        )
        part = await self._connection.rows(query, _print)
        return dict(part), part[-1][0] if len(part) == _CHUNK else None

    async def referred(self, session_id: str) -> set[str]:
        """The paths under which a session lists what lies elsewhere."""
        query = select(files.c.path).where(
            files.c.session_id == session_id, files.c.deleted_at.is_(None), files.c.storage == "reference"
        )
        return set(await self._connection.rows(query, lambda row: str(row.path)))


def _print(row: Row[Any]) -> tuple[str, Print]:
    return row.path, Print(row.size, row.mtime_ns, row.inode % (1 << 64), row.sha256)
