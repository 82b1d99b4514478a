"""The tables of the first release."""

from __future__ import annotations

from alembic import op

from jupyter_workspace.db.tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes all tables: until there is a second revision, the first is what `tables` says."""
    metadata.create_all(op.get_bind())
