"""Every error that `jupyter_workspace` raises or answers with: one class a code.

The tree, by what a caller would do next:

    WorkspaceError
      Invalid                   mend the request
        NameInvalid  PathEscapes  ParameterInvalid  BodyInvalid  FormInvalid
        FileMissing  IdInvalid  DigestMismatch  NotADirectory  NotEmpty
        IsSession  RangeInvalid  MethodNotAllowed  PreconditionFailed  TusVersion
        ChecksumMismatch
      Denied                    ask for the right, or a new link
        Forbidden  LinkInvalid
      NotFound                  look elsewhere
        SessionNotFound  FileNotFound  UploadNotFound  RunNotFound
        SourceNotFound  LinkNotFound  ArchiveNotFound  RouteNotFound
      Conflict                  decide, then ask again
        NameTaken  SessionExists  SessionClosed  OffsetMismatch  RunActive
        RunNotActive  KeyReused  UploadLocked
      Gone                      it was here once
        LinkExpired  VersionGone  UploadGone
      TooLarge                  send less
        FileTooLarge
      OutOfSpace                make room
        QuotaExceeded  DiskFull
      Rejected                  send something else
        TypeRefused  Infected
      Unavailable               come back after `retry_after` seconds
        ScanUnavailable  Busy  Starting
      Internal                  our fault; the server's log has the trace
      NoSession  AmbiguousName  FolderUnreachable  ServerUnreachable   (on the kernel's side only)

`code` and `status` are the wire's; `facts` are the further members of the answer. A client rebuilds
the class from the code (`error_from_answer`), so `except QuotaExceeded` reads the same in a notebook
and in a service. Some leaves are also the builtin error of their kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

__all__ = ["CATALOGUE", "WorkspaceError", "error_from_answer"]


class WorkspaceError(Exception):
    """The root of the tree.

    `message` is for a person, `hint` says what would be right, `facts` are JSON values that stand
    beside them in the answer. None of the three may hold a secret or an absolute server path.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    default_message: ClassVar[str] = "Something went wrong."
    default_hint: ClassVar[str | None] = None

    def __init__(self, message: str | None = None, *, hint: str | None = None, **facts: Any) -> None:
        self.message = message or self.default_message
        self.hint = hint or self.default_hint
        self.facts = facts
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message

    def answer(self, reason: str) -> dict[str, Any]:
        """The JSON body of API.md, section 1; `reason` is the status line's phrase."""
        hint = {"hint": self.hint} if self.hint else {}
        return {**self.facts, "message": self.message, "reason": reason, "code": self.code, **hint}


# --- families -----------------------------------------------------------------------------------


class Invalid(WorkspaceError):
    """The request itself is wrong; sending it again unchanged cannot help."""

    status = 400


class Denied(WorkspaceError):
    """The caller may not do this."""

    status = 403


class NotFound(WorkspaceError):
    """Nothing by that name is visible to the caller."""

    status = 404


class Conflict(WorkspaceError):
    """The present state forbids it."""

    status = 409


class Gone(WorkspaceError):
    """It was here and is not any more."""

    status = 410


class TooLarge(WorkspaceError):
    """More bytes than a limit allows."""

    status = 413


class OutOfSpace(WorkspaceError):
    """No room left, by quota or on the disk."""

    status = 507


class Rejected(WorkspaceError):
    """The content is refused by policy."""

    status = 422


class Unavailable(WorkspaceError):
    """Not now; `retry_after` is the number of seconds after which to try again."""

    status = 503
    retry_after: ClassVar[int] = 5


# --- Invalid ------------------------------------------------------------------------------------


class NameInvalid(Invalid):
    """A file name breaks API.md, section 1, *Names*."""

    code = "name_invalid"
    default_message = "This file name cannot be used."
    default_hint = (
        "Use 1 to 255 UTF-8 bytes without '/', '\\' or control characters, not ending in a dot or a space."
    )


class PathEscapes(Invalid):
    """A path leads out of the folder that it is relative to."""

    code = "path_escapes"
    default_message = "The path leads out of its folder."
    default_hint = "Give a relative path with forward slashes and without '..'."


class ParameterInvalid(Invalid):
    """A query parameter has a value that is not allowed; the fact `parameter` names it."""

    code = "parameter_invalid"
    default_message = "A parameter has a value that is not allowed."


class BodyInvalid(Invalid):
    """The JSON body cannot be read or breaks its schema."""

    code = "body_invalid"
    default_message = "The body is not what this route takes."


class FormInvalid(Invalid):
    """The multipart body cannot be read, or goes beyond the form limits."""

    code = "form_invalid"
    default_message = "The form cannot be read."


class FileMissing(Invalid):
    """A form without a file part."""

    code = "file_missing"
    default_message = "No file was sent."
    default_hint = "Send one part named 'file', or 1 to 100 parts named 'files'."


class IdInvalid(Invalid):
    """An id breaks its pattern."""

    code = "id_invalid"
    default_message = "This id is malformed."


class DigestMismatch(Invalid):
    """The bytes that arrived have another digest than the one declared (RFC 9530)."""

    code = "digest_mismatch"
    default_message = "The bytes that arrived are not the bytes that were announced."
    default_hint = "Send the file again."


class NotADirectory(Invalid, NotADirectoryError):
    """A file stands where a folder is needed, or the other way round."""

    code = "not_a_directory"
    default_message = "This is not a folder."


class NotEmpty(Invalid):
    """A folder that is not empty was to be deleted without `recursive`."""

    code = "not_empty"
    default_message = "The folder is not empty."
    default_hint = "Set 'recursive' to delete it with all it holds."


class IsSession(Invalid):
    """A session's own folder was to be changed through the files routes."""

    code = "is_session"
    default_message = "This folder belongs to a session."
    default_hint = "Delete the session instead."


class RangeInvalid(Invalid):
    """No byte of the requested ranges exists (RFC 9110, 15.5.17)."""

    code = "range_invalid"
    status = 416
    default_message = "The range lies beyond the end of the file."


class MethodNotAllowed(Invalid):
    """The route exists and does not have this method."""

    code = "method_not_allowed"
    status = 405
    default_message = "This route does not have that method."


class PreconditionFailed(Invalid):
    """`If-Match` or `If-Unmodified-Since` names another version than the present one (RFC 9110, 15.5.13)."""

    code = "precondition_failed"
    status = 412
    default_message = "The content is no longer the version that was asked for."
    default_hint = "Begin anew, without the condition."


class TusVersion(Invalid):
    """`Tus-Resumable` is missing or names a version we do not speak (tus 1.0, *Version*)."""

    code = "tus_version"
    status = 412
    default_message = "This server speaks tus 1.0.0."
    default_hint = "Send the header 'Tus-Resumable: 1.0.0'."


class ChecksumMismatch(Invalid):
    """A chunk does not have its declared checksum (tus 1.0, *Checksum*)."""

    code = "checksum_mismatch"
    status = 460
    default_message = "The chunk was damaged on its way and has been thrown away."
    default_hint = "Send it again from the same offset."


# --- Denied -------------------------------------------------------------------------------------


class Forbidden(Denied, PermissionError):
    """No user, or the authorizer said no."""

    code = "forbidden"
    default_message = "You may not do this."


class LinkInvalid(Denied):
    """A signed link that was not signed by this server, or was changed."""

    code = "link_invalid"
    default_message = "This link is not valid."


# --- NotFound -----------------------------------------------------------------------------------


class SessionNotFound(NotFound):
    """No such session, or another owner's."""

    code = "session_not_found"
    default_message = "There is no such session."


class FileNotFound(NotFound, FileNotFoundError):
    """No such file or version, or another session's."""

    code = "file_not_found"
    default_message = "There is no such file."


class UploadNotFound(NotFound):
    """No such upload, or a malformed upload id (API.md, fine print 46)."""

    code = "upload_not_found"
    default_message = "There is no such upload."


class RunNotFound(NotFound):
    """No such run in this session."""

    code = "run_not_found"
    default_message = "There is no such run."


class SourceNotFound(NotFound, FileNotFoundError):
    """Nothing is at the place that was to be registered."""

    code = "source_not_found"
    default_message = "There is nothing to register at that place."


class LinkNotFound(NotFound):
    """No such link."""

    code = "link_not_found"
    default_message = "There is no such link."


class ArchiveNotFound(NotFound):
    """No such archive, or its hour is over."""

    code = "archive_not_found"
    default_message = "There is no such archive."
    default_hint = "Archives are kept for an hour; make it again."


class RouteNotFound(NotFound):
    """No route at this address."""

    code = "route_not_found"
    default_message = "There is nothing at this address."


# --- Conflict -----------------------------------------------------------------------------------


class NameTaken(Conflict, FileExistsError):
    """Something already has that path; nothing was changed."""

    code = "name_taken"
    default_message = "This name is already taken."
    default_hint = "Choose another name, or set on_conflict to 'rename' or 'replace'."


class SessionExists(Conflict, FileExistsError):
    """A session with that id exists on this server."""

    code = "session_exists"
    default_message = "A session with this id exists already."


class SessionClosed(Conflict):
    """The session is not active, so nothing can be written to it."""

    code = "session_closed"
    default_message = "This session is closed."
    default_hint = "Set its status to 'active' to write to it again."


class OffsetMismatch(Conflict):
    """A chunk does not begin where the upload ends (tus 1.0, *PATCH*)."""

    code = "offset_mismatch"
    default_message = "The chunk does not begin where the upload ends."


class RunActive(Conflict):
    """The session already has an active run; the fact `run_id` names it."""

    code = "run_active"
    default_message = "A run is already active in this session."


class RunNotActive(Conflict):
    """The run is not in a state in which this can be done."""

    code = "run_not_active"
    default_message = "The run is not active."


class KeyReused(Conflict):
    """An `Idempotency-Key` came back with another request."""

    code = "key_reused"
    default_message = "This Idempotency-Key belongs to another request."
    default_hint = "Make a new key for each upload."


class UploadLocked(Conflict):
    """Another request is writing to this upload and could not be displaced."""

    code = "upload_locked"
    status = 423
    default_message = "Another request is writing to this upload."


# --- Gone ---------------------------------------------------------------------------------------


class LinkExpired(Gone):
    """The link's time is over, or it was revoked."""

    code = "link_expired"
    default_message = "This link has expired."


class VersionGone(Gone):
    """The bytes of this version are no longer kept."""

    code = "version_gone"
    default_message = "The content of this version is no longer kept."
    default_hint = "Ask for the file's att_ id to get its present content."


class UploadGone(Gone):
    """The upload has ended or expired."""

    code = "upload_gone"
    default_message = "This upload has ended."


# --- TooLarge, OutOfSpace, Rejected -------------------------------------------------------------


class FileTooLarge(TooLarge):
    """The file is larger than `max_file_size`; facts: `limit`, `requested` (bytes)."""

    code = "file_too_large"
    default_message = "The file is too large."


class QuotaExceeded(OutOfSpace):
    """A quota would be passed; facts: `used`, `limit`, `requested`, `free` (bytes), `scope`.

    `used` counts the trash; `free` is what one file could have now, once the trash has given way.
    """

    code = "quota_exceeded"
    default_message = "There is not enough quota left."
    default_hint = "Delete files you no longer need, or ask your administrator for more."


class DiskFull(OutOfSpace):
    """The disk has no room beyond its headroom."""

    code = "disk_full"
    default_message = "The disk of this server is full."
    default_hint = "Delete files you no longer need."


class TypeRefused(Rejected):
    """This kind of file is not accepted here, or has no preview: then the fact `cause` says why."""

    code = "type_refused"
    status = 415
    default_message = "Files of this type are not accepted here."


class Infected(Rejected):
    """The scanner found a threat; nothing was kept."""

    code = "infected"
    default_message = "The virus scanner refused this file."


# --- Unavailable --------------------------------------------------------------------------------


class ScanUnavailable(Unavailable):
    """The scanner gave no verdict, so the file is not released."""

    code = "scan_unavailable"
    default_message = "The virus scanner cannot be reached, so the file was not accepted."
    default_hint = "Try again in a moment."


class Busy(Unavailable):
    """A resource is taken for longer than a request can wait."""

    code = "busy"
    default_message = "The server is busy."
    default_hint = "Try again in a moment."


class Starting(Unavailable):
    """The index is being rebuilt; reads go on, writes wait."""

    code = "starting"
    default_message = "The list of files is being rebuilt; nothing can be written yet."
    default_hint = "Try again in a few seconds."


class Internal(WorkspaceError):
    """An error of ours; the log of the server has the trace, the answer has not."""

    code = "internal"
    default_message = "The server failed to do this."


# --- the kernel's side --------------------------------------------------------------------------


class NoSession(WorkspaceError, LookupError):
    """The code does not know to which session it belongs."""

    code = "no_session"
    default_message = "This code does not belong to a session."


class AmbiguousName(WorkspaceError, LookupError):
    """More than one file of the session has that name."""

    code = "ambiguous_name"
    default_message = "More than one file has this name."


class FolderUnreachable(NotFound, FileNotFoundError):
    """The session's folder is not on the machine of this kernel, or not where the server said."""

    code = "folder_unreachable"
    default_message = "The session's folder cannot be reached from this kernel."
    default_hint = "Read with ws[name], write with ws.publish(object, name) or ws.register(path)."


class ServerUnreachable(WorkspaceError, ConnectionError):
    """The Jupyter server does not answer."""

    code = "server_unreachable"
    default_message = "The Jupyter server does not answer."


def _leaves(root: type[WorkspaceError]) -> Iterator[type[WorkspaceError]]:
    for child in root.__subclasses__():
        if "code" in vars(child):
            yield child
        yield from _leaves(child)


#: code -> class, in the order of the tree: what docs, OpenAPI and clients read.
CATALOGUE: Mapping[str, type[WorkspaceError]] = {leaf.code: leaf for leaf in _leaves(WorkspaceError)}


def error_from_answer(status: int, answer: Mapping[str, Any]) -> WorkspaceError:
    """The error that an answer's JSON body stands for; a plain one when the code is unknown.

    status: the HTTP status, for answers that other handlers of the server gave (API.md, 11.6).
    """
    facts = {key: value for key, value in answer.items() if key.isidentifier()}
    message = facts.pop("message", None) or facts.pop("reason", None) or f"The server answered {status}."
    facts.pop("reason", None)
    code, hint = facts.pop("code", None), facts.pop("hint", None)
    if code is None and status == Forbidden.status:
        code = Forbidden.code
    leaf = CATALOGUE.get(str(code), WorkspaceError)
    return leaf(str(message), hint=hint, **facts)
