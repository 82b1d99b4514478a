"""How a path that somebody named is written on the disk (API.md, 11.19).

What came in has names in NFC, and a parameter may be in any form. A kernel names its files as it likes,
often as macOS or a foreign archive spelt them: so a name is looked for exactly as it was given, then in
NFC, and then among names that only differ in their normal form, folder by folder.
"""

from __future__ import annotations

from jupyter_workspace.errors import FileNotFound, NotADirectory, PathEscapes
from jupyter_workspace.policy.naming import to_nfc
from jupyter_workspace.services.creation import joined, session_place
from jupyter_workspace.stores.base import Store

__all__ = ["as_written"]


async def as_written(store: Store, session_id: str, path: str) -> str:
    """The path of a session as it stands on the disk; in NFC from where on nothing stands there."""
    if path.isascii() or await _is_there(store, session_id, path):
        return path
    folder = ""
    for component in path.split("/"):
        folder = joined(folder, await _spelt(store, session_id, folder, component))
    return folder


async def _spelt(store: Store, session_id: str, folder: str, name: str) -> str:
    (normal,) = to_nfc((name,))
    for form in (name, normal):
        if await _is_there(store, session_id, joined(folder, form)):
            return form
    if normal.isascii():
        return normal
    try:
        names = (await store.names(session_id, folder)).entries
    except (FileNotFound, NotADirectory, PathEscapes):
        return normal
    return min((other for other, _ in names if to_nfc((other,)) == (normal,)), default=normal)


async def _is_there(store: Store, session_id: str, path: str) -> bool:
    try:
        return await store.stat(session_place(session_id, path)) is not None
    except (NotADirectory, PathEscapes):
        return False
