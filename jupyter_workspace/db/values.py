"""How single values stand in a column: times, JSON, folded names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

__all__ = ["from_json", "from_time", "object_of", "to_json", "to_time"]

T = TypeVar("T")

#: Made once: a decoder of a type without a class of its own takes longer to make than to use.
_OBJECTS = msgspec.json.Decoder(dict[str, Any])

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def from_time(moment: datetime | None) -> int | None:
    """Microseconds since 1970 in UTC."""
    return None if moment is None else (moment - _EPOCH) // timedelta(microseconds=1)


def to_time(microseconds: int | None) -> datetime | None:
    """The moment that `from_time` wrote."""
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)


def to_json(value: Any) -> str:
    """A value as JSON text."""
    return msgspec.json.encode(value).decode()


def from_json(text: str | bytes, model: type[T]) -> T:
    """The value that `to_json` wrote."""
    return msgspec.json.decode(text, type=model)


def object_of(text: str) -> dict[str, Any]:
    """The JSON object that `to_json` wrote."""
    return _OBJECTS.decode(text)
