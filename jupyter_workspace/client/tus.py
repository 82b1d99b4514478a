"""Uploads that go on where they stopped (tus 1.0, tus.io), as flows.

In parts, so that a proxy with a limit lets them through and a cut costs little. After each cut the
server is asked how much it has: what it acknowledged is on its disk. The digest of the whole is
promised at the beginning, and the server publishes nothing that has another.

    answer to a part        what follows
    204                     the next part, larger
    413 of a proxy          the same bytes in smaller parts
    lost, 409, 423, busy    a pause, the offset, and on; given up after ten minutes without a byte
    404, 410 of the server  the upload is gone: from the beginning, once
    507                     the error; the same call goes on when there is room again
    404, 424 of a proxy     as lost: it does not know the server yet, or no more
    any other refusal       the error that it stands for
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from jupyter_workspace import errors
from jupyter_workspace.client.content import SourceChanged
from jupyter_workspace.client.patience import PASSING, Patience, ask_patiently, passing_error
from jupyter_workspace.client.unfinished import Note, Unfinished
from jupyter_workspace.client.wire import (
    Flow,
    Lost,
    Pause,
    Renew,
    Request,
    Response,
    ask,
    decoded,
    error_of,
    route,
    work,
)
from jupyter_workspace.models.file import File
from jupyter_workspace.models.upload import Upload
from jupyter_workspace.protocol.tus import OFFSET_TYPE, VERSION, format_metadata

if TYPE_CHECKING:
    from jupyter_workspace.client.content import OpenContent, PathContent, Progress

__all__ = ["PartSize", "send"]

Divisible: TypeAlias = "PathContent | OpenContent"

MIB = 1 << 20
FIRST_BYTES = 16 * MIB
MOST_BYTES = 256 * MIB
#: Just below the limit that proxies have unless they are told otherwise.
PROXY_BYTES = MIB - 16 * 1024
LEAST_BYTES = 64 * 1024

PART_PATIENCE_SECONDS = 60.0
FINISHING_PAUSE_SECONDS = 1.0

CREATED = 201
STORED = 204
FORBIDDEN = 403
GONE = frozenset({404, 410})
#: What a hub or a proxy says of a server to which it has no route, after a restart of its own for instance.
UNROUTED = frozenset({404, 424})
TOO_LARGE = 413
#: A wrong offset, a lock, and what passes by itself.
AGAIN = PASSING | {409, 423}

#: What ends a call and not the upload: a later call goes on with it.
RESUMABLE = (
    errors.ServerUnreachable,
    errors.Unavailable,
    errors.OutOfSpace,
    errors.Denied,
    errors.UploadLocked,
    errors.Internal,
)

HEADERS = (("Tus-Resumable", VERSION),)


class PartSize:
    """How many bytes a part has: more with each success, fewer after each cut or refusal."""

    def __init__(self, least: int = 0, most: int = 0) -> None:
        self._least = max(least, LEAST_BYTES)
        self._most = max(min(most or MOST_BYTES, MOST_BYTES), self._least)
        self.bytes = min(FIRST_BYTES, self._most)
        self._successes = 0
        self._needed = 1

    def succeeded(self) -> None:
        """A part came through."""
        self._successes += 1
        if self._successes >= self._needed:
            self._successes = 0
            self.bytes = min(2 * self.bytes, self._most)

    def was_cut(self) -> None:
        """Nothing of a part came through: growing again takes longer each time."""
        self.bytes = max(self.bytes // 2, self._least)
        self._successes = 0
        self._needed = min(2 * self._needed, 64)

    def was_refused(self, size: int) -> bool:
        """A proxy took none of this size; False when it takes not even the smallest."""
        if size <= self._least:
            return False
        self._most = max(size // 2, self._least)
        self.bytes = min(PROXY_BYTES, self._most)
        return True


def send(
    session_id: str,
    content: Divisible,
    metadata: dict[str, str],
    *,
    note: Unfinished | None = None,
    parts: PartSize | None = None,
    on_progress: Progress | None = None,
    jitter: Callable[[], float] = random.random,
) -> Flow[File]:
    """The record of the uploaded content, whose length is known.

    `metadata` goes to the server as it is; `note` remembers the upload for a client that is started
    again. Raises what an upload raises; ServerUnreachable after ten minutes without a byte;
    SourceChanged when the content is not any more what it was, and then nothing stays on the server.
    """
    patience = Patience(jitter)
    known = None if note is None else (yield from work(lambda: _noted(note, content)))
    pieces = _Pieces(session_id, content, parts or PartSize(), on_progress, patience)
    while True:
        is_resumed = known is not None
        if known is None:
            known = yield from _begin(session_id, content, metadata, patience)
            if note is not None:
                yield from work(lambda known=known: note.write(known))  # type: ignore[misc]
        try:
            attachment_id = yield from pieces.send(known.upload_id)
            file = yield from _record(session_id, attachment_id, patience)
            _check(file, known.sha256)
        except RESUMABLE:
            raise
        except SourceChanged:
            _forget(note)
            yield from _terminate(session_id, known.upload_id)
            raise
        except (errors.UploadGone, errors.UploadNotFound, errors.DigestMismatch):
            _forget(note)
            if not is_resumed:
                raise
            # Expired meanwhile, or taken by something else than this upload.
            known = None
        except errors.WorkspaceError:
            _forget(note)
            raise
        else:
            _forget(note)
            return file


def _forget(note: Unfinished | None) -> None:
    if note is not None:
        note.forget()


def _check(file: File, sha256: str) -> None:
    if file.sha256 not in {None, sha256}:
        raise errors.DigestMismatch(f"The server has other bytes of {file.name!r} than were sent.")


def _noted(note: Unfinished, content: Divisible) -> Note | None:
    """What the note says, if this is the content of which it says it."""
    known = note.read()
    # A fingerprint finds the note; that every byte is the same only the digest tells.
    return known if known is not None and content.sha256 == bytes.fromhex(known.sha256) else None


def _record(session_id: str, attachment_id: str, patience: Patience) -> Flow[File]:
    request = Request("GET", route("sessions", session_id, "artifacts", attachment_id), repeatable=True)
    return decoded((yield from ask_patiently(request, patience=patience)), File)


def _terminate(session_id: str, upload_id: str) -> Flow[None]:
    """Ends an upload that nobody will go on with; a server that does not answer forgets it by itself."""
    with suppress(errors.WorkspaceError):
        yield from ask(Request("DELETE", route("uploads", session_id, upload_id), headers=HEADERS))


def _begin(session_id: str, content: Divisible, metadata: dict[str, str], patience: Patience) -> Flow[Note]:
    """A new upload, with the digest that it will have."""
    digest = yield from work(lambda: content.sha256 or b"")
    promised = {**metadata, "sha256": digest.hex()}
    headers = (
        *HEADERS,
        ("Upload-Length", str(content.length)),
        ("Upload-Metadata", format_metadata(promised)),
    )
    request = Request("POST", route("uploads", session_id), headers=headers, repeatable=True)
    answer = yield from ask_patiently(request, patience=patience)
    return Note(answer.headers.get("location", "").rpartition("/")[2], digest.hex())


class _Pieces:
    """An upload's parts on their way."""

    def __init__(
        self,
        session_id: str,
        content: Divisible,
        size: PartSize,
        on_progress: Progress | None,
        patience: Patience,
    ) -> None:
        self._session_id = session_id
        self._content = content
        self._length = content.length or 0
        self._size = size
        self._on_progress = on_progress
        self._patience = patience
        self._acknowledged = 0

    def send(self, upload_id: str) -> Flow[str]:
        """The id of the file that the upload has become."""
        self._acknowledged = 0
        found = yield from self._state_in_time(upload_id)
        while not isinstance(found, str):
            offset = found
            if offset > self._acknowledged:
                self._acknowledged = offset
                self._patience.restore()
            self._tell(offset)
            outcome = yield self._part(upload_id, offset)
            found = yield from self._after(upload_id, offset, _of_server(outcome))
        self._tell(self._length)
        return found

    def _tell(self, offset: int) -> None:
        if self._on_progress is not None:
            self._on_progress(offset)

    def _part(self, upload_id: str, offset: int) -> Request:
        size = min(self._size.bytes, self._length - offset)
        body = self._content.part(offset, size, self._on_progress)
        headers = (
            *HEADERS,
            ("Content-Type", OFFSET_TYPE),
            ("Upload-Offset", str(offset)),
            ("Content-Length", str(size)),
        )
        where = route("uploads", self._session_id, upload_id)
        return Request("PATCH", where, headers=headers, body=body, patience_seconds=PART_PATIENCE_SECONDS)

    def _after(self, upload_id: str, offset: int, outcome: Response | Lost) -> Flow[int | str]:
        """The offset from which to go on, or the file's id, after the answer to a part."""
        if isinstance(outcome, Response) and outcome.status == STORED:
            return (yield from self._stored(upload_id, outcome))
        size = min(self._size.bytes, self._length - offset)
        error = _error_of(outcome)
        if isinstance(outcome, Lost) or outcome.status in {*AGAIN, FORBIDDEN}:
            return (yield from self._again(upload_id, offset, error))
        is_of_proxy = outcome.status == TOO_LARGE and not isinstance(error, errors.FileTooLarge)
        if is_of_proxy and self._size.was_refused(size):
            return offset
        raise _gone(error, outcome.status)

    def _stored(self, upload_id: str, answer: Response) -> Flow[int | str]:
        offset = int(answer.headers["upload-offset"])
        self._size.succeeded()
        if offset < self._length:
            return offset
        attachment_id = answer.headers.get("upload-attachment-id")
        return attachment_id or (yield from self._state_in_time(upload_id))

    def _again(self, upload_id: str, offset: int, error: errors.WorkspaceError) -> Flow[int | str]:
        """The same after a pause, by asking the server how much it has."""
        if isinstance(error, errors.Forbidden):
            moved: bool = yield Renew()
            if not moved:
                raise error
        yield self._patience.pause(error)
        found = yield from self._state_in_time(upload_id)
        if found == offset:
            self._size.was_cut()
        return found

    def _state_in_time(self, upload_id: str) -> Flow[int | str]:
        while True:
            try:
                return (yield from self._state(upload_id))
            except (errors.ServerUnreachable, errors.Unavailable, errors.Internal) as error:
                yield self._patience.pause(error)

    def _state(self, upload_id: str) -> Flow[int | str]:
        """How many bytes the server has for sure, or the id of the file that it has made of them."""
        where = route("uploads", self._session_id, upload_id)
        while True:
            upload = decoded((yield from _known(Request("GET", where, repeatable=True))), Upload)
            if upload.state == "done":
                return str(upload.attachment_id)
            if upload.state == "failed":
                raise _refusal(upload)
            if upload.state == "open":
                return (yield from self._offset(where))
            yield Pause(FINISHING_PAUSE_SECONDS)

    def _offset(self, where: str) -> Flow[int]:
        # HEAD brings to the disk what came last, so it may say more than GET.
        answer = yield from _known(Request("HEAD", where, headers=HEADERS, repeatable=True))
        return int(answer.headers["upload-offset"])


def _of_server(outcome: Response | Lost) -> Response | Lost:
    """The outcome; as lost what somebody on the way answered who has no route to the server."""
    # Our own answers to requests of tus always have the header.
    if isinstance(outcome, Lost) or outcome.status not in UNROUTED or "tus-resumable" in outcome.headers:
        return outcome
    return Lost(f"a proxy has no route to it and answers {outcome.status}", begun=True)


def _error_of(outcome: Response | Lost) -> errors.WorkspaceError:
    if isinstance(outcome, Response) and outcome.status in PASSING:
        return passing_error(outcome)
    return error_of(outcome)


def _known(request: Request) -> Flow[Response]:
    """The server's answer about an upload; ServerUnreachable, UploadGone, or what it refuses with."""
    answer = yield from ask(request, *GONE, *UNROUTED, *PASSING)
    if answer.status in PASSING:
        raise passing_error(answer)
    outcome = _of_server(answer)
    if isinstance(outcome, Lost):
        raise error_of(outcome)
    if answer.status in {*GONE, *UNROUTED}:
        raise _gone(error_of(answer), answer.status)
    return answer


def _gone(error: errors.WorkspaceError, status: int) -> errors.WorkspaceError:
    # The answer to a HEAD has no body, and so no code.
    return errors.UploadGone() if status in GONE and type(error) is errors.WorkspaceError else error


def _refusal(upload: Upload) -> errors.WorkspaceError:
    code = upload.code
    known = {} if isinstance(code, msgspec.UnsetType) else {"code": code}
    return errors.error_from_answer(422, {"message": "The server refused the upload.", **known})
