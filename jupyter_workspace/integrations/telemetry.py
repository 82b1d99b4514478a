"""Our events on Jupyter's event bus (`jupyter_events`), for server extensions and for pages.

What is emitted here arrives in a browser over the server's own `/api/events/subscribe`, and as
`app.serviceManager.events` in a JupyterLab extension. The bus replays nothing: whoever must miss
nothing reads the log with a cursor.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import msgspec
from jupyter_events import EventLogger, yaml

__all__ = ["ARTIFACT_EVENT", "BASE", "JupyterBus", "register_schemas"]

#: What the `$id` of each schema of ours begins with; in the files they are relative to it.
BASE = "https://events.jupyter-workspace.dev/"

ARTIFACT_EVENT = f"{BASE}artifact/v1"

#: The files of the schemas, in `event_schemas`.
SCHEMAS = ("artifact_event/v1.yaml",)


def schema(name: str) -> dict[str, Any]:
    """The schema in that file, with its full `$id`."""
    text = files("jupyter_workspace").joinpath("event_schemas", name).read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.loads(text)
    return {**found, "$id": f"{BASE}{found['$id']}"}


def register_schemas(logger: EventLogger) -> None:
    """Makes our schemas known to the bus; may be called again."""
    for name in SCHEMAS:
        wanted = schema(name)
        if wanted["$id"] not in logger.schemas:
            logger.register_event_schema(wanted)


class JupyterBus:
    """Announces on the bus of this server; see `base.Bus`."""

    def __init__(self, logger: EventLogger) -> None:
        self._logger = logger

    def announce(self, event: bytes) -> None:
        """See `base.Bus`."""
        self._logger.emit(schema_id=ARTIFACT_EVENT, data=msgspec.json.decode(event))
