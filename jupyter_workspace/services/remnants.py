"""Folders in the trash, which no row of the index tells of.

A deleted session leaves its whole folder there; a deleted folder what was in it besides listed files.
Their names say since when they are there and of which session. They take room as files in the trash do,
and go as those do: by age, by size, or when the room is needed.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from msgspec import Struct

from jupyter_workspace.stores.base import Place, Store

__all__ = ["Remnant", "Remnants", "is_remnant", "rest_name", "session_name"]

_SESSION, _REST = "session", "rest"

#: What of a session, seconds since 1970, a token, the session's id.
_NAME = re.compile(rf"({_SESSION}|{_REST})\.([0-9]{{1,11}})\.([^.]+)\.(.+)", re.ASCII | re.DOTALL)


def session_name(session_id: str, moment: datetime, token: str) -> str:
    """The name in the trash of a deleted session's folder."""
    return f"{_SESSION}.{int(moment.timestamp())}.{token}.{session_id}"


def rest_name(session_id: str, moment: datetime, token: str) -> str:
    """The name in the trash of what else lay in a folder that was deleted."""
    return f"{_REST}.{int(moment.timestamp())}.{token}.{session_id}"


def is_remnant(name: str) -> bool:
    """Whether this is such a name, and not that of a file's bytes."""
    return _NAME.fullmatch(name) is not None


class Remnant(Struct, frozen=True):
    """One of them: `size` in bytes, `is_session` when it is a whole session's; `files` counts links too."""

    name: str
    session_id: str
    since: datetime
    size: int
    files: int
    is_session: bool


class Remnants:
    """The folders in the trash; what is there never changes, so each is measured once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, Remnant] = {}

    async def all(self) -> list[Remnant]:
        """Those that are there now."""
        found: dict[str, Remnant] = {}
        for name in await self._store.trash_names():
            matched = _NAME.fullmatch(name)
            if matched is None:
                continue
            found[name] = self._known.get(name) or await self._measured(matched)
        self._known = found
        return list(found.values())

    async def _measured(self, matched: re.Match[str]) -> Remnant:
        what, seconds, _, session_id = matched.groups()
        files, size = await self._store.measure(Place("trash", matched.group()))
        return Remnant(
            name=matched.group(),
            session_id=session_id,
            since=datetime.fromtimestamp(int(seconds), UTC),
            size=size,
            files=files,
            is_session=what == _SESSION,
        )
