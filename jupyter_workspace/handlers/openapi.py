"""The OpenAPI 3.1 document, made from the route table and the models it names.

A server gives it at `GET /openapi.json`; `make reference` writes the copy that stands in `docs/`. What the
nouns look like is in `schemas`.
"""

from __future__ import annotations

import http
import re
from collections.abc import Iterable, Sequence
from typing import Any

from jupyter_workspace.errors import (
    Busy,
    Forbidden,
    IdInvalid,
    Internal,
    MethodNotAllowed,
    Starting,
    UploadNotFound,
    WorkspaceError,
)
from jupyter_workspace.handlers.headers import answer_headers, refusal_headers, request_headers
from jupyter_workspace.handlers.route import Route
from jupyter_workspace.handlers.schemas import (
    FILE_CONTENT,
    Schemas,
    form_schema,
    may_be_empty,
    parameter_note,
)
from jupyter_workspace.models.service import API_VERSION
from jupyter_workspace.policy import naming

__all__ = ["document", "errors_of"]

Json = dict[str, Any]

_TAGS = {
    "sessions": "The service itself, and the folders of files that belong to notebooks.",
    "uploads": "Ways for bytes to come in.",
    "files": "Files and their versions: list, register, rename, delete, restore.",
    "downloads": "Ways for content to get out.",
    "events": "What happened to the files, in order.",
    "links": "Signed addresses that work without a login.",
    "runs": "Notebooks that the server executes.",
    "admin": "What only an administrator may do.",
}

_IDS = {
    "session_id": (naming.SESSION_ID_PATTERN, "The session's id, which is also its folder's name."),
    "artifact_id": (
        naming.ANY_FILE_ID_PATTERN,
        "`att_…` is the file as it is now, `art_…` one version of its content.",
    ),
    "upload_id": (naming.UPLOAD_ID_PATTERN, "The id of a resumable upload."),
    "archive_id": (naming.ARCHIVE_ID_PATTERN, "The id of a selection that is kept as a zip."),
    "run_id": (naming.RUN_ID_PATTERN, "The id of a run."),
    "link_id": (naming.LINK_ID_PATTERN, "The id of a signed link."),
}

#: Answers without a body.
_EMPTY = {101, 204, 302, 304}

#: Every row answers with these, too. 405 is what another method of the same address gets.
_COMMON: tuple[type[WorkspaceError], ...] = (Forbidden, MethodNotAllowed, Internal, Busy, Starting)

_SUCCESS = {
    101: "The connection is a WebSocket from now on.",
    200: "Done; the answer is what was asked for.",
    201: "Something new was made.",
    202: "Started; the outcome comes later.",
    204: "Done; there is nothing to say.",
    206: "The part that was asked for.",
    302: "The content is at another address.",
    304: "The content that the caller has is still the right one.",
}

_TEXT: Json = {"type": "string"}
_HEADERS: Json = {"Idempotency-Key": {"type": "string", "minLength": 1, "maxLength": 255}}


def document(rows: Sequence[Route], *, base_url: str = "/", version: str = str(API_VERSION)) -> Json:
    """The document, as a JSON value; `base_url` is the server's own, with a slash at its end."""
    schemas = Schemas(rows)
    paths: dict[str, Json] = {}
    for row in rows:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row, schemas)
    used = {row.resource for row in rows}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "jupyter_workspace",
            "version": version,
            "description": "Uploads, artifacts, events and downloads of Jupyter sessions. "
            "Requests that change something by cookie need the XSRF header as well.",
            "license": {"name": "BSD-3-Clause", "identifier": "BSD-3-Clause"},
        },
        "servers": [
            {"url": f"{base_url}api/workspace", "description": "Under the Jupyter server's base_url."}
        ],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items() if name in used],
        "security": [{"token": []}, {"kernel": []}, {"cookie": [], "xsrf": []}],
        "paths": paths,
        "components": {"schemas": schemas.components, "securitySchemes": _security()},
    }


def _security() -> Json:
    def key(place: str, name: str, text: str) -> Json:
        return {"type": "apiKey", "in": place, "name": name, "description": text}

    return {
        "token": key(
            "header", "Authorization", "`token …`: the Jupyter server's token, or a JupyterHub one."
        ),
        "cookie": key(
            "cookie", "username", "The login cookie of the Jupyter server; its name depends on the port."
        ),
        "xsrf": key("header", "X-XSRFToken", "The value of the `_xsrf` cookie."),
        "kernel": key(
            "header", "X-Jupyter-Workspace-Token", "The token that the server gives to its kernels."
        ),
    }


def _operation(row: Route, schemas: Schemas) -> Json:
    made: Json = {
        "operationId": row.operation,
        "summary": row.summary,
        "tags": [row.resource],
        "x-resource": f"jupyter_workspace:{row.resource}",
        "x-action": row.action,
    }
    parameters = [*_path_parameters(row), *_query_parameters(row, schemas), *_header_parameters(row)]
    if parameters:
        made["parameters"] = parameters
    if row.body is not None or row.media:
        made["requestBody"] = _request_body(row, schemas)
    made["responses"] = {
        **{str(status): _success(row, status, schemas) for status in row.success},
        **_refusals(row),
    }
    return made


# what goes in


def _path_parameters(row: Route) -> list[Json]:
    return [_path_parameter(name) for name in re.findall(r"\{(\w+)\}", row.path)]


def _path_parameter(name: str) -> Json:
    pattern, text = _IDS[name] if name in _IDS else (".+", parameter_note(name))
    schema = {"type": "string", "pattern": f"^{pattern}$"}
    return {"name": name, "in": "path", "required": True, "description": text, "schema": schema}


def _query_parameters(row: Route, schemas: Schemas) -> list[Json]:
    if row.query is None:
        return []
    made = []
    for name, schema, is_required in schemas.parameters(row.query):
        most = schema.get("x-maximum")
        clamped = "" if most is None else f" More than {most} is taken as {most}."
        made.append(
            {
                "name": name,
                "in": "query",
                "required": is_required,
                "description": f"{parameter_note(name)}{clamped}",
                "schema": schema,
            }
        )
    return made


def _header_parameters(row: Route) -> list[Json]:
    return [
        {
            "name": name,
            "in": "header",
            "required": False,
            "description": text,
            "schema": _HEADERS.get(name, _TEXT),
        }
        for name, text in request_headers(row).items()
    ]


def _request_body(row: Route, schemas: Schemas) -> Json:
    content: Json = {}
    if row.body is not None:
        content["application/json"] = {"schema": schemas.of(row.body)}
    for media in row.media:
        is_form = media.startswith("multipart/")
        content[media] = {"schema": form_schema(row.path) if is_form else FILE_CONTENT}
    # A resumable upload may begin without bytes, and a raw one may have none.
    is_required = row.media == ("multipart/form-data",) or not (row.media or may_be_empty(row.body))
    return {"required": is_required, "content": content}


# what comes out


def _success(row: Route, status: int, schemas: Schemas) -> Json:
    content: Json = {}
    has_body = status not in _EMPTY and row.method != "HEAD"
    if has_body and row.answer is not None and status != 206:  # noqa: PLR2004  (a record has no parts)
        content["application/json"] = {"schema": schemas.of(row.answer)}
    if has_body and row.gives is not None:
        is_json = row.gives == "application/json"
        content[row.gives] = {"schema": {"type": "object"} if is_json else FILE_CONTENT}
        if status == 206:  # noqa: PLR2004  (Partial Content)
            content["multipart/byteranges"] = {"schema": FILE_CONTENT}
    text = _SUCCESS.get(status, http.HTTPStatus(status).phrase)
    return _response(text, answer_headers(row, status), content)


def errors_of(row: Route) -> list[type[WorkspaceError]]:
    """All errors that an operation answers with, the lowest status first."""
    ids = set(re.findall(r"\{(\w+)\}", row.path))
    own: set[type[WorkspaceError]] = {*_COMMON, *row.errors}
    if "upload_id" in ids:
        own.add(UploadNotFound)
    if ids & _IDS.keys() - {"upload_id"}:
        own.add(IdInvalid)
    return sorted(own, key=lambda error: (error.status, error.code))


def _refusals(row: Route) -> Json:
    by_status: dict[int, list[str]] = {}
    for error in errors_of(row):
        by_status.setdefault(error.status, []).append(error.code)
    return {str(status): _refusal(status, codes, row) for status, codes in by_status.items()}


def _refusal(status: int, codes: Iterable[str], row: Route) -> Json:
    names = list(codes)
    listed = ", ".join(f"`{name}`" for name in names)
    known = {found.value: found.phrase for found in http.HTTPStatus}
    schema = {
        "allOf": [
            {"$ref": "#/components/schemas/Problem"},
            {"type": "object", "properties": {"code": {"enum": names}}},
        ]
    }
    content = {} if row.method == "HEAD" else {"application/json": {"schema": schema}}
    return _response(
        f"{known.get(status, 'Checksum Mismatch')}: {listed}.", refusal_headers(row, status), content
    )


def _response(text: str, headers: dict[str, str], content: Json) -> Json:
    made: Json = {"description": text}
    if headers:
        made["headers"] = {name: {"description": note, "schema": _TEXT} for name, note in headers.items()}
    if content:
        made["content"] = content
    return made
