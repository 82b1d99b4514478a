"""The JSON schemas (2020-12) of models, parameters and forms, as the OpenAPI document shows them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from types import UnionType
from typing import Any, Union, get_args, get_origin

import msgspec

from jupyter_workspace.handlers.route import Route
from jupyter_workspace.models import service
from jupyter_workspace.policy import naming

__all__ = ["FILE_CONTENT", "Schemas", "form_schema", "may_be_empty", "parameter_note"]

Json = dict[str, Any]

#: Any bytes.
FILE_CONTENT: Json = {"type": "string", "contentMediaType": "application/octet-stream"}

#: What the document calls a model whose own name is taken there.
_OTHER_NAMES = {service.Problem: "Notice"}

_PROBLEM: Json = {
    "title": "Problem",
    "description": "Why a request was refused. Further members are facts, such as `limit` or `parameter`.",
    "type": "object",
    "properties": {
        "message": {"type": "string", "description": "For a person."},
        "reason": {"type": "string", "description": "The words of the status line."},
        "code": {"type": "string", "description": "Stable; a program decides by it."},
        "hint": {"type": "string", "description": "What would be right."},
    },
    "required": ["message", "reason", "code"],
    "additionalProperties": True,
}

_PATTERNS = {
    "session_id": naming.SESSION_ID_PATTERN,
    "attachment_id": naming.ATTACHMENT_ID_PATTERN,
    "artifact_id": naming.ARTIFACT_ID_PATTERN,
    "archive_id": naming.ARCHIVE_ID_PATTERN,
    "upload_id": naming.UPLOAD_ID_PATTERN,
    "run_id": naming.RUN_ID_PATTERN,
    "link_id": naming.LINK_ID_PATTERN,
}

_NOTES = {
    "after": "The last sequence that the caller knows; 0 = from the oldest that is kept.",
    "artifact_id": "Only these files; may be given several times.",
    "compress": "`deflate` makes a smaller zip, without a length, a tag and ranges.",
    "data_uri": "Add the content as a data URI, if the server allows it and the file is small enough.",
    "dir": "The folder in the session; it is made if need be. Empty or `.` is the session's own.",
    "download": "Give the content as an attachment, whatever its type.",
    "files": "Send the session's files to the trash, too.",
    "include_ext": "Only files with one of these last suffixes; a comma list, any case, dot optional.",
    "include_mime": "Only files whose type begins with one of these; a comma list, in any case.",
    "kind": "Only what came in, or only what was made here.",
    "limit": "At most so many.",
    "max_size": "Only files of at most so many bytes.",
    "mode": "`meta` gives the record, `stream` the content.",
    "name": "The file's name.",
    "next": "Go on where the answer with this `next` ended, in the same order; empty begins.",
    "notebook_path": "Only the session of this notebook.",
    "offset": "Leave out so many from the beginning.",
    "on_conflict": "What to do if the name is taken: `rename`, `error` or `replace`.",
    "ordering": "Fields to sort by, a comma list; `-` before a field turns it round.",
    "path": "A path relative to the session; in the files by path, to the workspace folder.",
    "permanent": "Delete for good, not to the trash.",
    "q": "Only what has this in its name, in any case.",
    "size": "How many pixels the longer side of a picture may have.",
    "status": "Only sessions in this state.",
    "token": "What was signed.",
    "wait_seconds": "How long to wait for an event, if there is none yet.",
}


def parameter_note(name: str) -> str:
    """What a parameter means; empty for one that nobody has described (a test looks for these)."""
    return _NOTES.get(name, "")


class Schemas:
    """The schemas of all models that a table names, under the names they have in the document."""

    def __init__(self, rows: Sequence[Route]) -> None:
        given = {model for row in rows for model in _models(row.body)}
        models = [model for row in rows for kind in (row.body, row.answer) for model in _models(kind)]
        self.components: Json = {"Problem": _PROBLEM}
        for model in sorted(_reached(models), key=_name):
            made = _schema(model)
            if model not in given and not model.__struct_config__.omit_defaults:
                made["required"] = [field.encode_name for field in _always_there(model)]
            self.components[_name(model)] = made

    def of(self, kind: Any) -> Json:
        """The schema of what a row names: a model, a list of one, or a union of these."""
        parts = _parts(kind)
        if len(parts) > 1:
            return {"anyOf": [self.of(part) for part in parts]}
        if get_origin(kind) is list:
            return {"type": "array", "items": self.of(get_args(kind)[0]), "minItems": 1, "maxItems": 100}
        return {"$ref": f"#/components/schemas/{_name(kind)}"}

    def parameters(self, model: type[Any]) -> Iterator[tuple[str, Json, bool]]:
        """Name, schema and necessity of each parameter of a query struct."""
        made = _schema(model)
        for name, schema in made["properties"].items():
            yield name, _without_null(schema), name in made["required"]


def may_be_empty(kind: Any) -> bool:
    """Whether a request may come without a body: nothing has to be said in it."""
    parts = _parts(kind)
    return len(parts) == 1 and not any(field.required for field in msgspec.structs.fields(parts[0]))


def form_schema(path: str) -> Json:
    """The parts of a form that is sent to this address."""
    by_path = path.startswith("/files")
    made: Json = {
        "type": "object",
        "properties": {
            "file": {**FILE_CONTENT, "description": "The one file."},
            "files": {
                "type": "array",
                "items": FILE_CONTENT,
                "minItems": 1,
                "maxItems": 100,
                "description": "Several files: all of them are taken, or none.",
            },
            "filename": {"type": "string", "description": "The name of the one file, instead of its own."},
            "on_conflict": {
                "enum": ["rename", "error", "replace"],
                "default": "error" if by_path else "rename",
                "description": _NOTES["on_conflict"],
            },
            "metadata": {
                "type": "string",
                "contentMediaType": "application/json",
                "description": "A JSON object.",
            },
        },
        "oneOf": [{"required": ["file"]}, {"required": ["files"]}],
    }
    for folder in ("path", "dir") if by_path else ("dir",):
        made["properties"][folder] = {"type": "string", "description": _NOTES[folder]}
    return made


def _parts(kind: Any) -> list[Any]:
    return list(get_args(kind)) if get_origin(kind) in {UnionType, Union} else [kind]


def _models(kind: Any) -> Iterator[type[msgspec.Struct]]:
    """The structs that a row names directly."""
    for part in _parts(kind):
        if get_origin(part) is list:
            yield from _models(get_args(part)[0])
        elif part is not None:
            yield part


def _reached(models: Sequence[type[msgspec.Struct]]) -> set[type[msgspec.Struct]]:
    """The structs themselves, and those that are in them."""
    reached: set[type[msgspec.Struct]] = set()
    waiting = list(models)
    while waiting:
        model = waiting.pop()
        if model not in reached:
            reached.add(model)
            waiting += [found for field in msgspec.structs.fields(model) for found in _structs_in(field.type)]
    return reached


def _structs_in(kind: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
    for part in get_args(kind):
        yield from _structs_in(part)


def _name(model: type[Any]) -> str:
    return _OTHER_NAMES.get(model, model.__name__)


def _always_there(model: type[msgspec.Struct]) -> list[Any]:
    """The fields that an answer never lacks."""
    return [field for field in msgspec.structs.fields(model) if field.default is not msgspec.UNSET]


def _schema(model: type[Any]) -> Json:
    """The schema of one struct, with references to those in it."""
    _, components = msgspec.json.schema_components([model], ref_template="#/components/schemas/{name}")
    made: Json = _renamed(components[model.__name__])
    made["description"] = _plain(made.get("description", ""))
    for name, schema in made["properties"].items():
        if name.endswith("_at"):
            _add_format(schema)
        if name in _PATTERNS and schema.get("type") == "string":
            schema["pattern"] = f"^{_PATTERNS[name]}$"
    return made


def _renamed(value: Any) -> Any:
    """References to models that have another name in the document, put right."""
    if isinstance(value, dict):
        return {key: _renamed(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_renamed(part) for part in value]
    for model, name in _OTHER_NAMES.items():
        if value == f"#/components/schemas/{model.__name__}":
            return f"#/components/schemas/{name}"
    return value


def _add_format(schema: Json) -> None:
    """All times are RFC 3339 with a zone; the type `datetime` alone does not promise that."""
    for part in schema.get("anyOf", [schema]):
        if part.get("type") == "string":
            part["format"] = "date-time"


def _without_null(schema: Json) -> Json:
    """A parameter that may be left out is never null."""
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    made = {**rest, **(kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {})}
    if made.pop("x-clamp", False):
        made["x-maximum"] = made.pop("maximum")
    return {key: value for key, value in made.items() if not (key == "default" and value is None)}


def _plain(text: str) -> str:
    """A docstring for people who read the document only."""
    without = re.sub(r"\s*\(API\.md[^)]*\)|, as API\.md, section \d+ has it", "", inspect.cleandoc(text))
    return re.sub(r"(?<!\n)\n(?!\n)", " ", without)
