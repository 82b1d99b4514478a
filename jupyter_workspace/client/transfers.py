"""Flows that carry bytes: up in one request that may be repeated, down with resume and a last check."""

from __future__ import annotations

import base64
import os
import secrets
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_workspace import errors
from jupyter_workspace.client import tus
from jupyter_workspace.client.content import OpenContent, PathContent, Progress, Source, content_of, name_of
from jupyter_workspace.client.discovery import cache_folder
from jupyter_workspace.client.landing import Landing, PartFile
from jupyter_workspace.client.patience import PASSING, Patience, ask_patiently, passing_error
from jupyter_workspace.client.requests import COPY_PATIENCE_SECONDS, get_file, get_service
from jupyter_workspace.client.unfinished import Unfinished, fingerprint
from jupyter_workspace.client.wire import (
    Content,
    Flow,
    Request,
    Response,
    ask,
    decoded,
    error_of,
    query,
    route,
    work,
)
from jupyter_workspace.models.file import Conflict, File, FileKind
from jupyter_workspace.models.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Source", "download", "fetch", "read", "upload", "zip_session"]

#: Up to this size one request is the quickest way, and the server keeps its answer for a repetition.
SMALL_BYTES = 8 << 20

#: Pauses until the first byte of a download, in all; later ones are waited for as uploads are.
FIRST_BYTE_PATIENCE_SECONDS = 15.0
#: Pauses of an upload in one request, in all: a restart of the server.
AT_ONCE_PATIENCE_SECONDS = 30.0

#: What ends a download and says nothing about its bytes: a later call goes on with them.
PASSING_ERRORS = (errors.ServerUnreachable, errors.Unavailable, errors.Internal, errors.Denied)

UNSATISFIABLE = 416
TOO_LARGE = 413


# --- up -----------------------------------------------------------------------------------------


def upload(
    session_id: str,
    source: Source,
    name: str | None = None,
    *,
    folder: str | None = None,
    on_conflict: Conflict | None = None,
    key: str | None = None,
    on_progress: Progress | None = None,
) -> Flow[File]:
    """The record of the uploaded bytes.

    `name` defaults to the path's; `folder` is relative to the session (default `attachments`);
    `key` makes repetitions of the same upload one file (default: a new one). More than 8 MiB go in
    parts and outlive cuts and restarts; of a path, also a restart of this program. `on_progress` is
    told how many bytes are done. DigestMismatch (also when the file changes meanwhile), NameTaken,
    FileTooLarge, QuotaExceeded, DiskFull, TypeRefused, Infected.
    """
    content = yield from work(lambda: content_of(source))
    wanted = _Wanted(
        session_id, content, _text(name or name_of(source)), _text(folder), on_conflict, on_progress
    )
    try:
        return (yield from _send(wanted, key))
    finally:
        content.give_up()


def _send(wanted: _Wanted, key: str | None) -> Flow[File]:
    content = wanted.content
    if content.length is None or key is not None:
        return decoded((yield from _send_at_once(_at_once(wanted, key, (yield from _digest(content))))), File)
    if content.length > SMALL_BYTES:
        service = yield from get_service()
        if service.features.tus:
            return (yield from _in_parts(wanted, service))
    answer = yield from _send_at_once(_at_once(wanted, None, (yield from _digest(content))), TOO_LARGE)
    if answer.status != TOO_LARGE:
        return decoded(answer, File)
    refusal = error_of(answer)
    service = yield from get_service()
    if isinstance(refusal, errors.FileTooLarge) or not service.features.tus:
        raise refusal
    # A proxy on the way has a limit that the server does not know.
    return (yield from _in_parts(wanted, service))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be uploaded, and where it goes."""

    session_id: str
    content: OpenContent | PathContent
    name: str | None
    folder: str | None
    on_conflict: Conflict | None
    on_progress: Progress | None

    @property
    def metadata(self) -> dict[str, str]:
        """The same in the words of tus."""
        words = {"filename": self.name, "dir": self.folder, "on_conflict": self.on_conflict}
        return {word: value for word, value in words.items() if value is not None}


def _text(word: str | None) -> str | None:
    """A name as the wire has it; NameInvalid for bytes of a disk that are no text."""
    if word is not None and word.encode(errors="replace").decode() != word:
        shown = word.encode(errors="backslashreplace").decode()
        raise errors.NameInvalid(f"The name {shown!r} is no UTF-8.", hint="Rename the file, or give a name.")
    return word


def _digest(content: OpenContent | PathContent) -> Flow[bytes | None]:
    return (yield from work(lambda: content.sha256))


def _in_parts(wanted: _Wanted, service: Service) -> Flow[File]:
    note = yield from work(lambda: _note_of(wanted))
    try:
        return (
            yield from tus.send(
                wanted.session_id,
                wanted.content,
                wanted.metadata,
                note=note,
                parts=tus.PartSize(service.limits.min_part_size, service.limits.max_part_size),
                on_progress=wanted.on_progress,
            )
        )
    finally:
        if note is not None:
            note.close()


def _note_of(wanted: _Wanted) -> Unfinished | None:
    """Where the upload of a path is noted; what is no path is gone when this program ends."""
    if not isinstance(wanted.content, PathContent):
        return None
    mark = fingerprint(wanted.content.path, wanted.session_id, wanted.name, wanted.folder, wanted.on_conflict)
    return Unfinished.at(cache_folder() / "uploads", mark)


def _send_at_once(request: Request, *allowed: int) -> Flow[Response]:
    if not request.repeatable:
        return (yield from ask(request, *allowed))
    patience = Patience(seconds=AT_ONCE_PATIENCE_SECONDS)
    return (yield from ask_patiently(request, *allowed, patience=patience))


def _at_once(wanted: _Wanted, key: str | None, sha256: bytes | None) -> Request:
    content = wanted.content
    headers = [
        ("Content-Type", "application/octet-stream"),
        ("Idempotency-Key", key or secrets.token_hex(16)),
    ]
    body: Content = content
    if content.length is not None:
        headers.append(("Content-Length", str(content.length)))
        body = content.part(0, content.length, wanted.on_progress)
    if sha256 is not None:
        headers.append(("Repr-Digest", f"sha-256=:{base64.b64encode(sha256).decode()}:"))
    return Request(
        "PUT",
        route("uploads", wanted.session_id),
        query(name=wanted.name, dir=wanted.folder, on_conflict=wanted.on_conflict),
        headers=tuple(headers),
        body=body,
        patience_seconds=COPY_PATIENCE_SECONDS,
        # With the key a repetition gives the first one's answer (API.md, section 4).
        repeatable=content.length is not None,
    )


# --- down ---------------------------------------------------------------------------------------


def _receive(path: str, parameters: tuple[tuple[str, str], ...], landing: Landing) -> Flow[None]:
    """Brings all bytes into the landing, going on where it, or a broken connection, stopped."""
    patience = Patience(seconds=None if landing.size else FIRST_BYTE_PATIENCE_SECONDS)
    while True:
        before = landing.size
        error = yield from _attempt(path, parameters, landing)
        if error is None:
            break
        if landing.size > before:
            patience = Patience()
        yield patience.pause(error)
    if not landing.is_complete:
        raise errors.ServerUnreachable("The download ended too early.", hint="Try again.")


def _attempt(
    path: str, parameters: tuple[tuple[str, str], ...], landing: Landing
) -> Flow[errors.WorkspaceError | None]:
    """None after an answer that came to its end, else why there was none."""
    try:
        answer = yield from ask(_rest_of(path, parameters, landing), UNSATISFIABLE, *PASSING)
    except errors.ServerUnreachable as lost:
        return None if landing.size and landing.size == landing.length else lost
    if answer.status in PASSING:
        return passing_error(answer)
    if landing.fits(answer):
        return None
    landing.restart()
    return errors.ServerUnreachable("The server has other bytes than those on hand.", hint="Try again.")


def _rest_of(path: str, parameters: tuple[tuple[str, str], ...], landing: Landing) -> Request:
    # A compressed body has other offsets than the file.
    headers = [("Accept-Encoding", "identity")]
    if landing.size and landing.etag:
        headers += [("Range", f"bytes={landing.size}-"), ("If-Range", landing.etag)]
    return Request("GET", path, parameters, tuple(headers), landing=landing)


def _receive_version(file: File, landing: Landing) -> Flow[None]:
    # By its art_ id: what is fetched in two parts is still one version.
    path = route("sessions", file.session_id, "artifacts", file.artifact_id)
    resumed_from = landing.size
    while True:
        yield from _receive(path, query(mode="stream"), landing)
        if file.sha256 is None or landing.sha256 == file.sha256:
            return
        if not resumed_from:
            raise errors.DigestMismatch(
                f"The bytes of {file.name!r} are not those that its record promises.",
                hint="The file changed meanwhile: download it again.",
            )
        # What an earlier program left may not be what it had received: a power cut, a full disk.
        resumed_from = 0
        yield from work(landing.restart)


def read(session_id: str, file_id: str) -> Flow[bytes]:
    """The content of a file, checked; all of it in memory."""
    file = yield from get_file(session_id, file_id)
    memory = BytesIO()
    yield from _receive_version(file, Landing(memory))
    return memory.getvalue()


def download(
    session_id: str,
    file_id: str,
    to: str | os.PathLike[str] = ".",
    *,
    on_progress: Progress | None = None,
) -> Flow[Path]:
    """The path of the downloaded file, complete and with the record's sha256, or nothing under its name.

    to: a file (replaced if it exists), or a folder that exists, into which it goes under its own
    name. What came before this program or the line broke waits there as `.part-…`, and the same call
    goes on with it. DigestMismatch when the bytes are not those of the record.
    """
    file = yield from get_file(session_id, file_id)
    return (yield from fetch(file, Path(to), on_progress=on_progress))


def fetch(file: File, to: Path, *, on_progress: Progress | None = None) -> Flow[Path]:
    """The path of the file whose record is at hand; otherwise as `download`."""
    target = yield from work(lambda: to / Path(file.name).name if to.is_dir() else to)
    return (yield from _land(target, lambda landing: _receive_version(file, landing), on_progress))


def zip_session(
    session_id: str,
    to: str | os.PathLike[str] = ".",
    *,
    path: str | None = None,
    kind: FileKind | None = None,
    include_mime: Iterable[str] | None = None,
    include_ext: Iterable[str] | None = None,
    artifact_id: Iterable[str] = (),
    on_progress: Progress | None = None,
) -> Flow[Path]:
    """The path of a zip with the session's files, or with those that match.

    to: a file (replaced if it exists), or a folder that exists, into which it goes as `<session>.zip`.
    """
    target = yield from work(lambda: Path(to) / f"{session_id}.zip" if Path(to).is_dir() else Path(to))
    parameters = query(path=path, kind=kind, include_mime=include_mime, include_ext=include_ext)
    ids = [artifact_id] if isinstance(artifact_id, str) else artifact_id
    parameters += tuple(("artifact_id", one) for one in ids)
    url = route("sessions", session_id, "download")
    return (yield from _land(target, lambda landing: _receive(url, parameters, landing), on_progress))


def _land(target: Path, receive: Callable[[Landing], Flow[None]], on_progress: Progress | None) -> Flow[Path]:
    """Receives beside the target under a hidden name, then moves; goes on with what is there already."""
    part = yield from work(lambda: PartFile.beside(target))
    try:
        landing = Landing(part.file, on_progress, part.is_of)
        if part.etag:
            yield from work(lambda: landing.resume(part.etag))
        yield from receive(landing)
        yield from work(lambda: part.become(target))
    except (*PASSING_ERRORS, GeneratorExit, KeyboardInterrupt):
        # The line, the server, or the person who stopped it: it can be gone on with.
        part.keep()
        raise
    except BaseException:
        part.discard()
        raise
    return target
