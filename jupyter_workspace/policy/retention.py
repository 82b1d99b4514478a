"""What is due to go: trash, unfinished uploads and old sessions, by age or by size.

Only the choice is made here; `services` acts upon it. Sizes are bytes, times are aware datetimes in UTC.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable


class Candidate(Struct, frozen=True):
    """Something that could go: since when it counts as left (UTC) and how many bytes it holds."""

    key: str
    since: datetime
    size: int = 0


def due_by_age(candidates: Iterable[Candidate], *, now: datetime, keep: timedelta) -> list[str]:
    """The keys of all that is at least `keep` old, oldest first; none when `keep` is zero (for ever)."""
    if not keep:
        return []
    return [candidate.key for candidate in _oldest_first(candidates) if candidate.since + keep <= now]


def due_by_size(candidates: Iterable[Candidate], *, limit: int) -> list[str]:
    """The keys to drop, oldest first, until the rest has at most `limit` bytes; none when it is 0."""
    if not limit:
        return []
    known = list(candidates)
    return due_for_room(known, needed=sum(candidate.size for candidate in known) - limit)


def due_for_room(candidates: Iterable[Candidate], *, needed: int) -> list[str]:
    """The fewest keys, oldest first, that free `needed` bytes; all of them when that is not enough.

    What holds no bytes is passed over, since dropping it would not help.
    """
    chosen: list[str] = []
    for candidate in _oldest_first(candidates):
        if needed <= 0:
            break
        if candidate.size:
            chosen.append(candidate.key)
            needed -= candidate.size
    return chosen


def expired(candidates: Iterable[Candidate], *, now: datetime) -> list[str]:
    """The keys of all whose `since` is an end that has come, for uploads and links; oldest first."""
    return [candidate.key for candidate in _oldest_first(candidates) if candidate.since <= now]


def _oldest_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda candidate: (candidate.since, candidate.key))
