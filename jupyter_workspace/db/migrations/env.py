"""What alembic runs: the revisions, over the connection that it is given."""

from __future__ import annotations

from alembic import context

from jupyter_workspace.db.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
