"""Files that one process has to itself until it closes them, or ends in whatever way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

__all__ = ["remove", "take"]


def take(file: BinaryIO) -> bool:
    """Whether the open file is this process's now; False while another one has it."""
    try:
        import fcntl  # noqa: PLC0415 - Windows has none, and no second process to fear in a notebook
    except ImportError:  # pragma: no cover
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def remove(file: BinaryIO, path: Path) -> None:
    """Closes and removes an open file, so that nobody else takes it in between."""
    if os.name == "nt":  # pragma: no cover - there an open file cannot be removed
        file.close()
    path.unlink(missing_ok=True)
    file.close()
