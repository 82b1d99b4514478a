"""Each operation of the HTTP contract, once: flows that yield requests and receive answers.

Nothing here touches a network, a disk or a clock; see `wire.py` for the steps and `transfers.py` for
the flows that carry bytes. The public face is `Client` and `AsyncClient`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar

from msgspec import UNSET, UnsetType

from jupyter_workspace import errors
from jupyter_workspace.client.wire import (
    NOT_FOUND,
    Flow,
    Found,
    Request,
    Stream,
    ask,
    decoded,
    filters_of,
    json_request,
    query,
    route,
)
from jupyter_workspace.models.artifact import ArtifactChange, Register, Restore, ScanResult
from jupyter_workspace.models.file import AttachmentList, Batch, File, FileKind, FileList, TrashList
from jupyter_workspace.models.service import API_VERSION, Service, Usage
from jupyter_workspace.models.session import (
    Resolve,
    Session,
    SessionChange,
    SessionList,
    SessionNew,
    SessionStatus,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "connect",
    "create_session",
    "delete_file",
    "delete_session",
    "each_file",
    "each_session",
    "each_trash",
    "get_file",
    "get_service",
    "get_session",
    "get_usage",
    "list_attachments",
    "list_files",
    "list_sessions",
    "list_trash",
    "put_session",
    "register",
    "register_batch",
    "resolve_session",
    "restore_file",
    "scan",
    "update_file",
    "update_session",
]

T = TypeVar("T")

#: The server may have to copy and hash a large file before it can answer.
COPY_PATIENCE_SECONDS = 900.0

#: Files of a page when everything is read (API.md, fine print 10).
PAGE = 1000


def _get(form: type[T], path: str, parameters: tuple[tuple[str, str], ...] = ()) -> Flow[T]:
    answer = yield from ask(Request("GET", path, parameters, repeatable=True))
    return decoded(answer, form)


def _send(form: type[T], method: str, path: str, body: object, **options: Any) -> Flow[T]:
    answer = yield from ask(json_request(method, path, body, **options))
    return decoded(answer, form)


# --- service ------------------------------------------------------------------------------------


def get_service() -> Flow[Service]:
    """Version, state, limits and features of the server; WorkspaceError if it speaks another API."""
    # Without a slash at the end: Jupyter redirects one that has it.
    answer = yield from ask(Request("GET", route(), repeatable=True), NOT_FOUND)
    if answer.status == NOT_FOUND:
        raise errors.NoSession(
            "The Jupyter server has no jupyter_workspace extension.",
            hint="Install jupyter-workspace where the server runs and start it again.",
        )
    service = decoded(answer, Service)
    if service.api_version != API_VERSION:
        raise errors.WorkspaceError(
            f"The server speaks version {service.api_version} of the API, this kernel version {API_VERSION}.",
            hint=f"Install jupyter-workspace {service.version} in the kernel's environment.",
        )
    return service


def get_usage() -> Flow[Usage]:
    """Bytes and files in use, in all and by session."""
    return (yield from _get(Usage, route("usage")))


# --- sessions -----------------------------------------------------------------------------------


def list_sessions(
    *,
    status: SessionStatus | None = None,
    q: str | None = None,
    notebook_path: str | None = None,
    ordering: str | None = None,
    limit: int | None = None,
    offset: int | None = None,
) -> Flow[SessionList]:
    """A page of sessions. `q`: part of name or description; `ordering`: a member, '-' = descending."""
    parameters = query(
        status=status, q=q, notebook_path=notebook_path, ordering=ordering, limit=limit, offset=offset
    )
    return (yield from _get(SessionList, route("sessions"), parameters))


def each_session(
    *, status: SessionStatus | None = None, q: str | None = None, notebook_path: str | None = None
) -> Stream[Session]:
    """All sessions, the oldest first, so that a new one does not shift the pages."""
    offset = 0
    while True:
        page = yield from list_sessions(
            status=status, q=q, notebook_path=notebook_path, ordering="created_at", limit=PAGE, offset=offset
        )
        for session in page.sessions:
            yield Found(session)
        offset += len(page.sessions)
        if not (page.has_more and page.sessions):
            return


def create_session(
    session_id: str | None = None,
    *,
    name: str | None = None,
    description: str = "",
    notebook_path: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Flow[Session]:
    """A new session; SessionExists when the id is taken."""
    body = SessionNew(
        session_id=_given(session_id),
        name=_given(name),
        description=description,
        notebook_path=notebook_path,
        metadata=dict(metadata or {}),
    )
    return (yield from _send(Session, "POST", route("sessions"), body))


def put_session(session_id: str) -> Flow[Session]:
    """The session with that id, made if there is none."""
    request = Request("PUT", route("sessions", session_id), repeatable=True)
    return decoded((yield from ask(request)), Session)


def resolve_session(*, kernel_id: str | None = None, notebook_path: str | None = None) -> Flow[Session]:
    """The session of a kernel's notebook, or of a notebook; made if there is none. Give one of the two."""
    body = Resolve(kernel_id=_given(kernel_id), notebook_path=_given(notebook_path))
    # Asking twice gives the same session: it may be repeated.
    return (yield from _send(Session, "POST", route("sessions", "resolve"), body, repeatable=True))


def get_session(session_id: str) -> Flow[Session]:
    """The session's record; SessionNotFound."""
    return (yield from _get(Session, route("sessions", session_id)))


def update_session(
    session_id: str,
    *,
    name: str | None = None,
    description: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    status: SessionStatus | None = None,
    notebooks: Sequence[str] | None = None,
) -> Flow[Session]:
    """The session's record after the change; what is None stays."""
    body = SessionChange(
        name=_given(name),
        description=_given(description),
        metadata=UNSET if metadata is None else dict(metadata),
        status=_given(status),
        notebooks=UNSET if notebooks is None else list(notebooks),
    )
    return (yield from _send(Session, "PATCH", route("sessions", session_id), body))


def delete_session(session_id: str, *, files: bool = False) -> Flow[None]:
    """Forgets the session; its files stay on disk, or go to the trash too when `files` is true."""
    parameters = query(files=files or None)
    yield from ask(Request("DELETE", route("sessions", session_id), parameters))


def connect(
    session_id: str | None = None, *, kernel_id: str | None = None, notebook_path: str | None = None
) -> Flow[Session]:
    """The session by its id, else of the kernel, else of the notebook, after a check of the API's version."""
    yield from get_service()
    if session_id is not None:
        return (yield from get_session(session_id))
    return (yield from resolve_session(kernel_id=kernel_id, notebook_path=notebook_path))


# --- files --------------------------------------------------------------------------------------


def _files(session_id: str) -> str:
    return route("sessions", session_id, "artifacts")


def _file(session_id: str, file_id: str, *rest: str) -> str:
    return route("sessions", session_id, "artifacts", file_id, *rest)


def list_files(  # noqa: PLR0913 - the query parameters of the route
    session_id: str,
    *,
    kind: FileKind | None = None,
    include_mime: Iterable[str] | None = None,
    include_ext: Iterable[str] | None = None,
    q: str | None = None,
    path: str | None = None,
    ordering: str | None = None,
    limit: int | None = None,
    offset: int | None = None,
    next: str | None = None,  # noqa: A002 - the wire's word
) -> Flow[FileList]:
    """A page of files. `path` is a prefix; `include_mime` and `include_ext` also take a comma list."""
    parameters = query(
        kind=kind,
        include_mime=include_mime,
        include_ext=include_ext,
        q=q,
        path=path,
        ordering=ordering,
        limit=limit,
        offset=offset,
        next=next,
    )
    return (yield from _get(FileList, _files(session_id), parameters))


def each_file(
    session_id: str,
    *,
    kind: FileKind | None = None,
    include_mime: Iterable[str] | None = None,
    include_ext: Iterable[str] | None = None,
    q: str | None = None,
    path: str | None = None,
) -> Stream[File]:
    """All files that match, each exactly once while others are added, oldest first."""
    filters = filters_of(include_mime, include_ext)
    cursor: str | None = None
    while True:
        page = yield from list_files(
            session_id, kind=kind, q=q, path=path, ordering="created_at", limit=PAGE, next=cursor, **filters
        )
        for file in page.artifacts:
            yield Found(file)
        cursor = page.next
        if cursor is None:
            return


def list_attachments(
    session_id: str, *, limit: int | None = None, offset: int | None = None
) -> Flow[AttachmentList]:
    """A page of what was brought in."""
    return (yield from _get(AttachmentList, route("uploads", session_id), query(limit=limit, offset=offset)))


def get_file(session_id: str, file_id: str) -> Flow[File]:
    """A file's record: `att_` ids give the latest version, `art_` ids that version; FileNotFound."""
    return (yield from _get(File, _file(session_id, file_id)))


def update_file(
    session_id: str,
    file_id: str,
    *,
    name: str | None = None,
    path: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Flow[File]:
    """The record after a rename (`name` in its folder, or `path`) or with other metadata."""
    body = ArtifactChange(
        name=_given(name), path=_given(path), metadata=UNSET if metadata is None else dict(metadata)
    )
    return (yield from _send(File, "PATCH", _file(session_id, file_id), body))


def delete_file(session_id: str, file_id: str, *, permanent: bool = False) -> Flow[None]:
    """Moves the file to the trash, or removes it for good when `permanent` is true."""
    yield from ask(Request("DELETE", _file(session_id, file_id), query(permanent=permanent or None)))


def list_trash(session_id: str, *, limit: int | None = None, offset: int | None = None) -> Flow[TrashList]:
    """A page of what was deleted or replaced and is still kept."""
    parameters = query(limit=limit, offset=offset)
    return (yield from _get(TrashList, route("sessions", session_id, "trash"), parameters))


def each_trash(session_id: str) -> Stream[File]:
    """All that was deleted or replaced and is still kept, what was deleted last in front."""
    offset = 0
    while True:
        page = yield from list_trash(session_id, limit=PAGE, offset=offset)
        for file in page.trash:
            yield Found(file)
        offset += len(page.trash)
        if not (page.has_more and page.trash):
            return


def restore_file(
    session_id: str, file_id: str, *, on_conflict: Literal["error", "rename"] = "error"
) -> Flow[File]:
    """The record of a file taken back from the trash; NameTaken when its path is in use."""
    body = Restore(on_conflict=on_conflict)
    return (yield from _send(File, "POST", _file(session_id, file_id, "restore"), body))


def register(session_id: str, what: Register) -> Flow[File]:
    """The record of a file that is already there, or of a snapshot of it; SourceNotFound."""
    options = {"patience_seconds": COPY_PATIENCE_SECONDS, "repeatable": what.path is not UNSET}
    return (yield from _send(File, "POST", _files(session_id), what, **options))


def register_batch(session_id: str, what: Sequence[Register]) -> Flow[Batch]:
    """The records of up to 100 files, all or none."""
    return (
        yield from _send(
            Batch, "POST", _files(session_id), list(what), patience_seconds=COPY_PATIENCE_SECONDS
        )
    )


def scan(session_id: str) -> Flow[ScanResult]:
    """How many files of the session's folder were found new, changed and gone, now."""
    request = Request(
        "POST", route("sessions", session_id, "scan"), patience_seconds=COPY_PATIENCE_SECONDS, repeatable=True
    )
    return decoded((yield from ask(request)), ScanResult)


def _given(value: T | None) -> T | UnsetType:
    return UNSET if value is None else value
