"""The newest events of a session, as readers need them: encoded once, kept in memory, shared by all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from jupyter_workspace.protocol.query import Filters

__all__ = ["KEPT", "Record", "Slice", "Tail", "first_run", "last_run"]

#: Events of one session kept in memory.
KEPT = 500


class _Facts(Struct, frozen=True):
    """What filters look at."""

    mime: str
    name: str
    size: int


class Record(Struct, frozen=True):
    """One event: its place in the log, its JSON as every reader gets it, and what filters look at."""

    sequence: int
    payload: bytes
    facts: _Facts

    def matches(self, filters: Filters) -> bool:
        """Whether a reader with these filters wants it."""
        facts = self.facts
        return filters.matches(mime=facts.mime, name=facts.name, size=facts.size)


class Slice(Struct, frozen=True, kw_only=True):
    """Events after a cursor, in order; `last` is the highest sequence of the log.

    `reset`: the cursor cannot be served; there are no events, and the reader goes on after `last`.
    """

    records: Sequence[Record]
    last: int
    reset: bool = False

    def cursor(self, before: int) -> int:
        """Where a reader that stood at `before` stands now."""
        if self.reset:
            return self.last
        return self.records[-1].sequence if self.records else before


class Tail(Struct, kw_only=True):
    """The end of one session's log.

    `oldest` and `last` are the bounds of the whole log, `records` its newest events without a gap.
    `is_stale` says that there has been a commit since.
    """

    owner: str
    oldest: int
    last: int
    records: list[Record]
    is_stale: bool = False

    @property
    def floor(self) -> int:
        """The lowest cursor that can be served from here."""
        return self.records[0].sequence - 1 if self.records else self.last

    def after(self, cursor: int, limit: int) -> Slice:
        """At most `limit` events after a cursor that is not below `floor`."""
        start = max(cursor - self.floor, 0)
        return Slice(records=self.records[start : start + limit], last=self.last)


def _record(sequence: int, payload: bytes | None) -> Record | None:
    if payload is None:
        return None
    try:
        return Record(sequence, payload, msgspec.json.decode(payload, type=_Facts))
    except msgspec.DecodeError:
        return None


def first_run(rows: Iterable[tuple[int, bytes | None]], expected: int | None) -> list[Record]:
    """The events from `expected` on up to the first one that is missing or damaged (payload None).

    expected: None to begin with the first undamaged one, whichever that is.
    """
    run: list[Record] = []
    for sequence, payload in rows:
        record = _record(sequence, payload)
        if record is None and expected is None:
            continue
        if record is None or sequence != (expected or sequence):
            break
        run.append(record)
        expected = sequence + 1
    return run


def last_run(known: Sequence[Record], rows: Iterable[tuple[int, bytes | None]]) -> list[Record]:
    """The newest events without a gap: `known` ones, followed by what is in `rows`."""
    run = list(known)
    for sequence, payload in rows:
        record = _record(sequence, payload)
        if record is None or (run and run[-1].sequence + 1 != sequence):
            run = []
        if record is not None:
            run.append(record)
    return run
