"""Query parameters: strictly read into a struct, and the small languages inside some of them.

Rules of API.md, section 1 (*Parameters*), 11.9 and 11.49. A model is a `msgspec.Struct`: its fields name
the parameters, their types and `Meta` the rules. Unknown parameters are ignored.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from msgspec import Struct, inspect

from jupyter_workspace.errors import ParameterInvalid

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

T = TypeVar("T", bound=Struct)

CLAMP: Final[dict[str, Any]] = {"x-clamp": True}
"""The `extra_json_schema` of an integer that is lowered to its maximum instead of refused."""

Ordering = tuple[tuple[str, bool], ...]
"""Fields to sort by, the first one first; True means descending."""

_INTEGER: Final = re.compile(r"[0-9]{1,300}")
_FRACTION: Final = re.compile(r"[0-9]{1,300}(?:\.[0-9]{1,300})?")
_BOOLEANS: Final = {"1": True, "true": True, "0": False, "false": False}
_SHOWN: Final = 60


class Parameter(Struct, frozen=True):
    """How one parameter is read: its name on the wire, its form, and its full type with the bounds."""

    field: str
    name: str
    form: inspect.Type
    full_type: Any
    is_required: bool
    maximum: int | None


def parse_query(model: type[T], arguments: Mapping[str, Sequence[str]]) -> T:
    """An instance of `model` made of a request's parameters.

    Raises ParameterInvalid, naming the parameter, for a value that breaks its rule, for one that is given
    twice though it is no list, and for a required one that is missing.
    """
    values: dict[str, Any] = {}
    for parameter in _parameters(model):
        given = arguments.get(parameter.name)
        if given:
            values[parameter.field] = _value(parameter, given)
        elif parameter.is_required:
            raise ParameterInvalid(f"The parameter {parameter.name!r} is missing.", parameter=parameter.name)
    return model(**values)


@lru_cache(maxsize=256)
def _parameters(model: type[Struct]) -> tuple[Parameter, ...]:
    shape = inspect.type_info(model)
    full_types = {field.name: field.type for field in msgspec.structs.fields(model)}
    return tuple(_parameter(field, full_types[field.name]) for field in shape.fields)  # type: ignore[attr-defined]


def _parameter(field: inspect.Field, full_type: Any) -> Parameter:
    form, clamps = field.type, False
    while not isinstance(form, inspect.IntType):
        if isinstance(form, inspect.Metadata):
            clamps = clamps or bool((form.extra_json_schema or {}).get("x-clamp"))
            form = form.type
        elif isinstance(form, inspect.UnionType):
            form = next(kind for kind in form.types if not isinstance(kind, inspect.NoneType))
        else:
            break
    maximum = form.le if clamps and isinstance(form, inspect.IntType) else None
    return Parameter(field.name, field.encode_name, form, full_type, field.required, maximum)


def _value(parameter: Parameter, given: Sequence[str]) -> Any:
    if isinstance(parameter.form, inspect.ListType):
        value: Any = list(given)
    elif len(given) > 1:
        raise ParameterInvalid(f"The parameter {parameter.name!r} is given twice.", parameter=parameter.name)
    else:
        value = _scalar(parameter, given[0])
    try:
        return msgspec.convert(value, parameter.full_type)
    except msgspec.ValidationError as error:
        raise _refused(parameter.name, given[-1], f"{error}.") from error


def _scalar(parameter: Parameter, text: str) -> Any:
    match parameter.form:
        case inspect.IntType():
            if not _INTEGER.fullmatch(text):
                raise _refused(parameter.name, text, "Give a whole number in ASCII digits.")
            number = int(text)
            return number if parameter.maximum is None else min(number, parameter.maximum)
        case inspect.FloatType():
            if not _FRACTION.fullmatch(text):
                raise _refused(parameter.name, text, "Give a number such as 2 or 0.5.")
            return float(text)
        case inspect.BoolType():
            if text not in _BOOLEANS:
                raise _refused(parameter.name, text, "Give 1, true, 0 or false.")
            return _BOOLEANS[text]
    return text


def _refused(name: str, text: str, hint: str) -> ParameterInvalid:
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return ParameterInvalid(f"{shown!a} is no value for {name!r}.", hint=hint, parameter=name)


class Filters(Struct, frozen=True):
    """Which files a client wants to hear of; all three must agree. Sizes are bytes.

    `include_mime` holds beginnings of types, `include_ext` last suffixes without their dot, both in lower
    case; empty means any.
    """

    include_mime: tuple[str, ...] = ()
    include_ext: tuple[str, ...] = ()
    max_size: int | None = None

    def matches(self, *, mime: str | None, name: str, size: int | None) -> bool:
        """Whether such a file is wanted. One without a type matches no type, an unknown size any size."""
        if self.include_mime and not (mime and mime.lower().startswith(self.include_mime)):
            return False
        stem, _, suffix = name.rpartition(".")
        if self.include_ext and not (stem and suffix.lower() in self.include_ext):
            return False
        return self.max_size is None or size is None or size <= self.max_size


def parse_filters(include_mime: str | None, include_ext: str | None, max_size: int | None = None) -> Filters:
    """The filters that two comma lists and a size stand for; blanks and empty entries are ignored."""
    extensions = tuple(entry.removeprefix(".") for entry in _entries(include_ext))
    return Filters(tuple(_entries(include_mime)), extensions, max_size)


def _entries(text: str | None) -> list[str]:
    return [entry for part in (text or "").split(",") if (entry := part.strip().lower())]


def parse_ordering(value: str | None, allowed: Collection[str], default: Ordering) -> Ordering:
    """The fields in a comma list to sort by, `-` before a field meaning descending; `default` for None.

    Raises ParameterInvalid for a field that is not `allowed` or is named twice.
    """
    if value is None:
        return default
    fields = tuple(
        (part.strip().removeprefix("-"), part.strip().startswith("-")) for part in value.split(",")
    )
    names = [name for name, _ in fields]
    if len(set(names)) < len(names) or not set(names) <= set(allowed):
        raise _refused(
            "ordering", value, f"Use {', '.join(sorted(allowed))}, with '-' before it to turn it round."
        )
    return fields
