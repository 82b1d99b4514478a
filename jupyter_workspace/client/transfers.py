"""Flows that carry bytes: up in one request that may be repeated, down with resume and a last check."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from jupyter_workspace import errors
from jupyter_workspace.client import tus
from jupyter_workspace.client.content import OpenContent, PathContent, Progress, Source, content_of, name_of
from jupyter_workspace.client.discovery import cache_folder
from jupyter_workspace.client.requests import COPY_PATIENCE_SECONDS, get_file, get_service
from jupyter_workspace.client.unfinished import Unfinished, fingerprint
from jupyter_workspace.client.wire import (
    Content,
    Flow,
    Landing,
    Pause,
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

#: Downloads that broke this many times in a row without one new byte are given up.
STALLED_ATTEMPTS = 4
STALLED_PAUSE_SECONDS = 1.0

OK = 200
PARTIAL = 206
TOO_LARGE = 413

_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)", re.ASCII)


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
    told how many bytes are done. DigestMismatch, NameTaken, FileTooLarge, QuotaExceeded, DiskFull,
    TypeRefused, Infected.
    """
    content = yield from work(lambda: content_of(source))
    wanted = _Wanted(session_id, content, name or name_of(source), folder, on_conflict, on_progress)
    if content.length is None or key is not None:
        return decoded((yield from ask(_at_once(wanted, key, (yield from _digest(content))))), File)
    if content.length > SMALL_BYTES:
        service = yield from get_service()
        if service.features.tus:
            return (yield from _in_parts(wanted, service))
    answer = yield from ask(_at_once(wanted, None, (yield from _digest(content))), TOO_LARGE)
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


class FileLanding:
    """Takes the bytes of a download into an open file and knows how far it got.

    `size` is bytes on hand, `length` the whole (None while unknown), `etag` that of the version at hand.
    """

    def __init__(self, file: BinaryIO, on_progress: Progress | None = None) -> None:
        self._file = file
        self._on_progress = on_progress
        self._digest = hashlib.sha256()
        self.size = 0
        self.length: int | None = None
        self.etag = ""

    @property
    def sha256(self) -> str:
        """The digest of the bytes on hand, in hex."""
        return self._digest.hexdigest()

    def accepts(self, head: Response) -> bool:
        """True for the whole file, and for the part that goes on where the bytes on hand end."""
        if head.status == PARTIAL:
            return self._continues(head.headers.get("content-range", ""))
        if head.status != OK:
            return False
        self._begin_again()
        self.etag = head.headers.get("etag", "")
        length = head.headers.get("content-length", "")
        self.length = int(length) if length.isdigit() else None
        return True

    def _continues(self, content_range: str) -> bool:
        match = _CONTENT_RANGE.fullmatch(content_range)
        return match is not None and (int(match[1]), int(match[2])) == (self.size, self.length)

    def _begin_again(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, chunk: bytes) -> None:
        """Appends."""
        self._file.write(chunk)
        self._digest.update(chunk)
        self.size += len(chunk)
        if self._on_progress is not None:
            self._on_progress(self.size)

    @property
    def is_complete(self) -> bool:
        """Whether all announced bytes are there; always true when none were announced."""
        return self.length is None or self.size == self.length


def _receive(path: str, parameters: tuple[tuple[str, str], ...], landing: FileLanding) -> Flow[None]:
    """Brings all bytes into the landing, going on where a broken connection stopped."""
    stalled = 0
    while True:
        before = landing.size
        try:
            yield from ask(_rest_of(path, parameters, landing))
        except errors.ServerUnreachable:
            if landing.size and landing.size == landing.length:
                return
            stalled = 0 if landing.size > before else stalled + 1
            if stalled == STALLED_ATTEMPTS:
                raise
            yield Pause(STALLED_PAUSE_SECONDS)
        else:
            break
    if not landing.is_complete:
        raise errors.ServerUnreachable("The download ended too early.", hint="Try again.")


def _rest_of(path: str, parameters: tuple[tuple[str, str], ...], landing: FileLanding) -> Request:
    # A compressed body has other offsets than the file.
    headers = [("Accept-Encoding", "identity")]
    if landing.size and landing.etag:
        headers += [("Range", f"bytes={landing.size}-"), ("If-Range", landing.etag)]
    keep: Landing = landing
    return Request("GET", path, parameters, tuple(headers), landing=keep)


def _receive_version(file: File, landing: FileLanding) -> Flow[None]:
    # By its art_ id: what is fetched in two parts is still one version.
    path = route("sessions", file.session_id, "artifacts", file.artifact_id)
    yield from _receive(path, query(mode="stream"), landing)
    if file.sha256 is not None and landing.sha256 != file.sha256:
        raise errors.DigestMismatch(
            f"The bytes of {file.name!r} are not those that its record promises.",
            hint="The file changed meanwhile: download it again.",
        )


def read(session_id: str, file_id: str) -> Flow[bytes]:
    """The content of a file, checked; all of it in memory."""
    file = yield from get_file(session_id, file_id)
    memory = BytesIO()
    yield from _receive_version(file, FileLanding(memory))
    return memory.getvalue()


def download(
    session_id: str,
    file_id: str,
    to: str | os.PathLike[str] = ".",
    *,
    on_progress: Progress | None = None,
) -> Flow[Path]:
    """The path of the downloaded file, complete and with the record's sha256, or nothing new at all.

    to: a file (replaced if it exists), or a folder that exists, into which it goes under its own
    name. DigestMismatch when the bytes are not those of the record.
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


def _land(
    target: Path, receive: Callable[[FileLanding], Flow[None]], on_progress: Progress | None
) -> Flow[Path]:
    """Receives beside the target under a hidden name, then moves: a broken download leaves nothing."""
    part = target.with_name(f".part-{secrets.token_hex(6)}")
    file = yield from work(lambda: part.open("xb"))
    try:
        with file:
            yield from receive(FileLanding(file, on_progress))
        yield from work(lambda: part.replace(target))
    finally:
        part.unlink(missing_ok=True)
    return target
