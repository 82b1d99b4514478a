"""What the services share: the parts that `open_workspace` puts together once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jupyter_workspace.services.events import EventLog
from jupyter_workspace.services.ledger import Ledger
from jupyter_workspace.services.publisher import Publisher
from jupyter_workspace.services.settings import Settings
from jupyter_workspace.stores.base import Store

__all__ = ["Parts"]


@dataclass(frozen=True, kw_only=True)
class Parts:
    """`root` is the server's root.

    `clock` gives the present time in UTC, `new_id("att")` a fresh id such as 'att_…'.
    """

    settings: Settings
    root: Path
    store: Store
    ledger: Ledger
    publisher: Publisher
    log: EventLog
    clock: Callable[[], datetime]
    new_id: Callable[[str], str]
