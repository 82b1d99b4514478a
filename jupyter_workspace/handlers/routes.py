"""THE table: every address, every method, who may, what goes in, what comes out.

Its readers: Tornado's list of handlers, the check of every request in `base`, the OpenAPI document, the
reference in the docs, and `tests/api/test_routes.py`, which walks it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from jupyter_workspace import errors
from jupyter_workspace.handlers import archives, artifacts, events, service, sessions, uploads
from jupyter_workspace.handlers.base import CatchAll, WorkspaceHandler
from jupyter_workspace.handlers.opening import Opening
from jupyter_workspace.handlers.route import Route
from jupyter_workspace.models.artifact import ArtifactChange, Register, Restore, ScanResult
from jupyter_workspace.models.event import EventPage
from jupyter_workspace.models.file import AttachmentList, Batch, File, FileList, TrashList
from jupyter_workspace.models.service import Service, Usage
from jupyter_workspace.models.session import Resolve, Session, SessionChange, SessionList, SessionNew

__all__ = ["PREFIX", "ROUTES", "tornado_rules"]

PREFIX = "api/workspace"

_SESSION = "/sessions/{session_id}"
_FILE = f"{_SESSION}/artifacts/{{artifact_id}}"

_WRITE = (errors.SessionNotFound, errors.SessionClosed)
_TAKE = (
    *_WRITE,
    errors.NameInvalid,
    errors.PathEscapes,
    errors.NameTaken,
    errors.NotADirectory,
    errors.FileTooLarge,
)
_ROOM = (errors.QuotaExceeded, errors.DiskFull, errors.TypeRefused, errors.Infected, errors.ScanUnavailable)
_FORM = (errors.FormInvalid, errors.FileMissing, errors.KeyReused)
_GIVE = (errors.SessionNotFound, errors.FileNotFound, errors.RangeInvalid)

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/",
        operation="get_service",
        resource="sessions",
        action="read",
        handler=service.ServiceHandler,
        summary="What this service is, can and allows",
        answer=Service,
        is_quiet=True,
    ),
    Route(
        method="GET",
        path="/openapi.json",
        operation="get_document",
        resource="sessions",
        action="read",
        handler=service.DocumentHandler,
        summary="This contract, as OpenAPI 3.1",
        gives="application/json",
        is_quiet=True,
    ),
    Route(
        method="GET",
        path="/usage",
        operation="get_usage",
        resource="sessions",
        action="read",
        handler=service.UsageHandler,
        summary="What the user's files take, trash counted apart",
        answer=Usage,
        is_quiet=True,
    ),
    Route(
        method="GET",
        path="/sessions",
        operation="list_sessions",
        resource="sessions",
        action="read",
        handler=sessions.SessionsHandler,
        summary="A page of sessions",
        query=sessions.SessionsQuery,
        answer=SessionList,
        errors=(errors.ParameterInvalid,),
        is_quiet=True,
    ),
    Route(
        method="POST",
        path="/sessions",
        operation="create_session",
        resource="sessions",
        action="write",
        handler=sessions.SessionsHandler,
        summary="Make a session",
        body=SessionNew,
        answer=Session,
        success=(201,),
        errors=(errors.BodyInvalid, errors.SessionExists, errors.NameTaken, errors.NotADirectory),
    ),
    Route(
        method="POST",
        path="/sessions/resolve",
        operation="resolve_session",
        resource="sessions",
        action="write",
        handler=sessions.ResolveHandler,
        summary="The session of a notebook, by path or kernel, made if need be",
        body=Resolve,
        answer=Session,
        success=(200, 201),
        errors=(errors.BodyInvalid, errors.PathEscapes, errors.SessionNotFound),
    ),
    Route(
        method="GET",
        path=_SESSION,
        operation="get_session",
        resource="sessions",
        action="read",
        handler=sessions.SessionHandler,
        summary="A session's record",
        answer=Session,
        errors=(errors.SessionNotFound,),
        is_quiet=True,
    ),
    Route(
        method="PUT",
        path=_SESSION,
        operation="ensure_session",
        resource="sessions",
        action="write",
        handler=sessions.SessionHandler,
        summary="Get a session, or make it",
        body=SessionNew,
        answer=Session,
        success=(200, 201),
        errors=(errors.BodyInvalid, errors.SessionExists, errors.NameTaken, errors.NotADirectory),
    ),
    Route(
        method="PATCH",
        path=_SESSION,
        operation="change_session",
        resource="sessions",
        action="write",
        handler=sessions.SessionHandler,
        summary="Rename, describe, close or reopen a session",
        body=SessionChange,
        answer=Session,
        errors=(errors.BodyInvalid, errors.SessionNotFound, errors.NameTaken),
    ),
    Route(
        method="DELETE",
        path=_SESSION,
        operation="delete_session",
        resource="sessions",
        action="write",
        handler=sessions.SessionHandler,
        summary="Forget a session; with files=1 its files go to the trash",
        query=sessions.SessionQuery,
        success=(204,),
        errors=(errors.SessionNotFound, errors.ParameterInvalid),
    ),
    Route(
        method="GET",
        path=f"{_SESSION}/download",
        operation="download_session",
        resource="downloads",
        action="read",
        handler=archives.SessionDownloadHandler,
        summary="A session, or a part of it, as a zip",
        query=archives.DownloadQuery,
        gives="application/zip",
        success=(200, 206, 304),
        errors=(*_GIVE, errors.ParameterInvalid),
    ),
    Route(
        method="HEAD",
        path=f"{_SESSION}/download",
        operation="head_session_download",
        resource="downloads",
        action="read",
        handler=archives.SessionDownloadHandler,
        summary="The size and tag of that zip",
        query=archives.DownloadQuery,
        success=(200, 206, 304),
        errors=(*_GIVE, errors.ParameterInvalid),
    ),
    Route(
        method="POST",
        path=f"{_SESSION}/archives",
        operation="create_archive",
        resource="downloads",
        action="write",
        handler=archives.ArchivesHandler,
        summary="Keep a large selection for download as a zip",
        body=archives.Selection,
        answer=archives.ArchiveMade,
        success=(201,),
        errors=(errors.BodyInvalid, errors.SessionNotFound, errors.FileNotFound),
    ),
    Route(
        method="GET",
        path=f"{_SESSION}/archives/{{archive_id}}",
        operation="download_archive",
        resource="downloads",
        action="read",
        handler=archives.ArchiveHandler,
        summary="The zip of a selection",
        gives="application/zip",
        success=(200, 206, 304),
        errors=(*_GIVE, errors.ArchiveNotFound),
    ),
    Route(
        method="HEAD",
        path=f"{_SESSION}/archives/{{archive_id}}",
        operation="head_archive",
        resource="downloads",
        action="read",
        handler=archives.ArchiveHandler,
        summary="The size and tag of that zip",
        success=(200, 206, 304),
        errors=(*_GIVE, errors.ArchiveNotFound),
    ),
    Route(
        method="GET",
        path="/uploads/{session_id}",
        operation="list_attachments",
        resource="uploads",
        action="read",
        handler=uploads.UploadsHandler,
        summary="A page of what came in",
        query=artifacts.AttachmentsQuery,
        answer=AttachmentList,
        errors=(errors.SessionNotFound, errors.ParameterInvalid),
        is_quiet=True,
    ),
    Route(
        method="POST",
        path="/uploads/{session_id}",
        operation="upload_form",
        resource="uploads",
        action="write",
        handler=uploads.UploadsHandler,
        summary="Upload one file, or up to 100, as a form",
        media=("multipart/form-data",),
        answer=File | Batch,
        success=(200, 201),
        errors=(*_TAKE, *_FORM, *_ROOM, errors.ParameterInvalid),
    ),
    Route(
        method="PUT",
        path="/uploads/{session_id}",
        operation="upload_raw",
        resource="uploads",
        action="write",
        handler=uploads.UploadsHandler,
        summary="Upload one file as the raw body",
        query=uploads.PutQuery,
        media=("application/octet-stream",),
        answer=File,
        success=(200, 201),
        errors=(*_TAKE, *_ROOM, errors.ParameterInvalid, errors.DigestMismatch, errors.KeyReused),
    ),
    Route(
        method="GET",
        path="/artifacts",
        operation="list_all_artifacts",
        resource="files",
        action="read",
        handler=artifacts.AllArtifactsHandler,
        summary="A page of the files of all sessions",
        query=artifacts.ArtifactsQuery,
        answer=FileList,
        errors=(errors.ParameterInvalid, errors.PathEscapes),
        is_quiet=True,
    ),
    Route(
        method="GET",
        path=f"{_SESSION}/artifacts",
        operation="list_artifacts",
        resource="files",
        action="read",
        handler=artifacts.ArtifactsHandler,
        summary="A page of a session's files",
        query=artifacts.ArtifactsQuery,
        answer=FileList,
        errors=(errors.SessionNotFound, errors.ParameterInvalid, errors.PathEscapes),
        is_quiet=True,
    ),
    Route(
        method="POST",
        path=f"{_SESSION}/artifacts",
        operation="register_artifact",
        resource="files",
        action="write",
        handler=artifacts.ArtifactsHandler,
        summary="Register a file, or up to 100, as artifacts",
        body=Register | list[Register],
        answer=File | Batch,
        success=(200, 201),
        errors=(*_TAKE, *_ROOM, errors.BodyInvalid, errors.SourceNotFound, errors.FileNotFound, errors.Busy),
    ),
    Route(
        method="GET",
        path=_FILE,
        operation="get_artifact",
        resource="files",
        action="read",
        handler=artifacts.ArtifactHandler,
        summary="A file's record, or its content",
        query=artifacts.ArtifactQuery,
        answer=File,
        gives="*/*",
        success=(200, 206, 304),
        errors=(*_GIVE, errors.ParameterInvalid, errors.VersionGone),
    ),
    Route(
        method="HEAD",
        path=_FILE,
        operation="head_artifact",
        resource="files",
        action="read",
        handler=artifacts.ArtifactHandler,
        summary="The headers of that answer",
        query=artifacts.ArtifactQuery,
        success=(200, 206, 304),
        errors=(*_GIVE, errors.ParameterInvalid, errors.VersionGone),
    ),
    Route(
        method="PATCH",
        path=_FILE,
        operation="change_artifact",
        resource="files",
        action="write",
        handler=artifacts.ArtifactHandler,
        summary="Rename a file, or change its metadata",
        body=ArtifactChange,
        answer=File,
        errors=(*_TAKE, errors.BodyInvalid, errors.FileNotFound),
    ),
    Route(
        method="DELETE",
        path=_FILE,
        operation="delete_artifact",
        resource="files",
        action="write",
        handler=artifacts.ArtifactHandler,
        summary="Delete a file: to the trash, or for good",
        query=artifacts.DeleteQuery,
        success=(204,),
        errors=(*_WRITE, errors.FileNotFound, errors.ParameterInvalid),
    ),
    Route(
        method="POST",
        path=f"{_FILE}/restore",
        operation="restore_artifact",
        resource="files",
        action="write",
        handler=artifacts.RestoreHandler,
        summary="Take a file or a version back from the trash",
        body=Restore,
        answer=File,
        errors=(*_WRITE, errors.BodyInvalid, errors.FileNotFound, errors.NameTaken),
    ),
    Route(
        method="GET",
        path=f"{_SESSION}/trash",
        operation="list_trash",
        resource="files",
        action="read",
        handler=artifacts.TrashHandler,
        summary="A page of the trash",
        query=artifacts.TrashQuery,
        answer=TrashList,
        errors=(errors.SessionNotFound, errors.ParameterInvalid),
        is_quiet=True,
    ),
    Route(
        method="POST",
        path=f"{_SESSION}/scan",
        operation="scan_session",
        resource="files",
        action="write",
        handler=artifacts.ScanHandler,
        summary="Bring the list in line with the folder, now",
        answer=ScanResult,
        errors=(errors.SessionNotFound,),
    ),
    Route(
        method="GET",
        path=f"{_SESSION}/artifact-events",
        operation="poll_events",
        resource="events",
        action="read",
        handler=events.EventsHandler,
        summary="What happened in a session after a cursor",
        query=events.EventsQuery,
        answer=EventPage,
        errors=(errors.SessionNotFound, errors.ParameterInvalid),
        is_quiet=True,
    ),
)


def tornado_rules(opening: Opening) -> Sequence[tuple[str, type[WorkspaceHandler], dict[str, Any]]]:
    """Tornado's list: one entry an address, fixed words before names, and last what is nowhere else."""
    by_path: dict[str, dict[str, Route]] = {}
    for row in ROUTES:
        by_path.setdefault(row.path, {})[row.method] = row
    # ExtensionApp puts the server's base_url before each pattern.
    prefix = f"/{PREFIX}"
    rules: list[tuple[str, type[WorkspaceHandler], dict[str, Any]]] = []
    for path, rows in sorted(by_path.items(), key=lambda item: "{" in item[0].rpartition("/")[2]):
        handler = next(iter(rows.values())).handler
        rules.append((f"{prefix}{_pattern(path)}", handler, {"rows": rows, "opening": opening}))
    rules.append((f"{prefix}(?:/.*)?", CatchAll, {"rows": {}, "opening": opening}))
    return rules


def _pattern(path: str) -> str:
    """The regular expression of a path; ids are taken loosely here and checked after decoding."""
    return "/?" if path == "/" else re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
