"""The commit that is checked out around a folder, read from `.git` without running git.

Understands plain repositories, worktrees and submodules (gitrepository-layout(5)). What it does not
understand, like reftables, is not known: None.
"""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["commit_of"]

_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def commit_of(folder: Path) -> str | None:
    """The hash of the commit that HEAD names, None outside a repository or before the first commit."""
    home = _home_of(folder)
    if home is None:
        return None
    head = _first_line(home / "HEAD")
    if not head.startswith("ref: "):
        return _hash(head)
    name = head.removeprefix("ref: ")
    # A worktree has a HEAD of its own, and the branches of the repository that it belongs to.
    shared = _first_line(home / "commondir")
    homes = [home, home / shared] if shared else [home]
    loose = (_hash(_first_line(place / name)) for place in homes)
    return next(filter(None, loose), None) or _packed(homes[-1], name)


def _home_of(folder: Path) -> Path | None:
    """Where the repository around a folder keeps its state."""
    for place in (folder, *folder.parents):
        git = place / ".git"
        if git.is_dir():
            return git
        if git.is_file():
            target = _first_line(git).removeprefix("gitdir: ")
            return (place / target) if target else None
    return None


def _packed(home: Path, name: str) -> str | None:
    try:
        lines = (home / "packed-refs").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return next((_hash(line.split(" ")[0]) for line in lines if line.endswith(f" {name}")), None)


def _first_line(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.partition("\n")[0].strip()


def _hash(text: str) -> str | None:
    return text if _HASH.fullmatch(text) else None
