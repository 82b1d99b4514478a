"""Alembic's environment and the revisions; run by `jupyter_workspace.db.migrate`."""
