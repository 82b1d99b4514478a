"""What the disk is compared with: a few facts of each file, for many files."""

from __future__ import annotations

from typing import Any, Self

from msgspec import Struct
from sqlalchemy import Row, select

from jupyter_workspace.db.connection import Connection
from jupyter_workspace.db.tables import files
from jupyter_workspace.models.entry import Entry

__all__ = ["Print", "Prints"]

#: Rows fetched at once: others of the loop get their turn in between.
_CHUNK = 4000


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

    async def in_folder(self, session_id: str) -> dict[str, Print]:
        """By path, the files that lie in the session's folder; what is only referred to lies elsewhere."""
        found: dict[str, Print] = {}
        last = ""
        while True:
            query = (
                select(files.c.path, files.c.size, files.c.mtime_ns, files.c.inode, files.c.sha256)
                .where(
                    files.c.session_id == session_id,
                    files.c.deleted_at.is_(None),
                    files.c.storage == "local",
                    files.c.path > last,
                )
                .order_by(files.c.path)
                .limit(_CHUNK)
            )
            part = await self._connection.rows(query, _print)
            found.update(part)
            if len(part) < _CHUNK:
                return found
            last = part[-1][0]

    async def referred(self, session_id: str) -> set[str]:
        """The paths under which a session lists what lies elsewhere."""
        query = select(files.c.path).where(
            files.c.session_id == session_id, files.c.deleted_at.is_(None), files.c.storage == "reference"
        )
        return set(await self._connection.rows(query, lambda row: str(row.path)))


def _print(row: Row[Any]) -> tuple[str, Print]:
    return row.path, Print(row.size, row.mtime_ns, row.inode % (1 << 64), row.sha256)
