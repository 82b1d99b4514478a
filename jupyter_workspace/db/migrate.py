"""Changes of the tables from release to release, by alembic.

A fresh database is made whole by `metadata.create_all` and marked with the newest revision; only one
that an older release made is brought forward here. The revisions ship in the wheel. This module is
imported when there is something to migrate, not before: alembic takes its time.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

__all__ = ["upgrade"]


def upgrade(connection: Connection, target: str = "head") -> None:
    """Brings the tables to a revision, in the transaction of `connection`."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, target)
