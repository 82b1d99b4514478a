"""What every handler does before and after its verb: may the caller, what does the body fit, what went wrong.

Everything is decided in `prepare`, before one byte of the body is read: on a handler that streams its
body, a decorator on the verb would run only after the whole of it had been taken in. The order is
identity, row of the table, authorizer, ids, workspace, and then the sink that the body will go to.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import http
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import msgspec
from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import APIHandler
from tornado.iostream import IOStream, StreamClosedError
from tornado.web import HTTPError, stream_request_body

from jupyter_workspace.errors import (
    BodyInvalid,
    Forbidden,
    Gone,
    Internal,
    MethodNotAllowed,
    ParameterInvalid,
    RouteNotFound,
    Unavailable,
    WorkspaceError,
)
from jupyter_workspace.handlers.bodies import JsonSink, NoBody, Sink
from jupyter_workspace.handlers.opening import Opening
from jupyter_workspace.handlers.pulling import pull
from jupyter_workspace.handlers.route import Route
from jupyter_workspace.policy import naming
from jupyter_workspace.policy.access import kernel_may, resource_name
from jupyter_workspace.protocol.nesting import MAX_DEPTH, is_too_deep
from jupyter_workspace.protocol.query import parse_query
from jupyter_workspace.services.settings import SERVER_OWNER, Actor
from jupyter_workspace.workspace import Workspace

__all__ = ["KERNEL_TOKEN_HEADER", "WorkspaceHandler"]

T = TypeVar("T")
Q = TypeVar("Q", bound=msgspec.Struct)
V = TypeVar("V")

KERNEL_TOKEN_HEADER = "X-Jupyter-Workspace-Token"  # noqa: S105  (a header's name)

#: How much of a refused body is read before the connection is closed, so that the answer arrives.
DRAIN_BYTES = 2**20
DRAIN_SECONDS = 2.0

_VERBS = ("get", "head", "post", "put", "patch", "delete")

_ID_CHECKS = {
    "session_id": naming.check_session_id,
    "artifact_id": naming.check_any_file_id,
    "archive_id": naming.check_archive_id,
    "upload_id": lambda value, _parameter: naming.check_upload_id(value),
}

_BY_STATUS: dict[int, type[WorkspaceError]] = {
    400: BodyInvalid,
    403: Forbidden,
    404: RouteNotFound,
    405: MethodNotAllowed,
}


@stream_request_body
class WorkspaceHandler(APIHandler):
    """The base of all handlers."""

    #: whether the body came to its end: Tornado starts the verb when it did
    has_come = False

    #: what the request was refused with, unless that is a failure of ours
    refusal: WorkspaceError | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Lets our own check in `prepare` decide: the server's knows no kernel token."""
        super().__init_subclass__(**kwargs)
        for verb in _VERBS:
            if verb in vars(cls):
                setattr(cls, verb, allow_unauthenticated(_noted(vars(cls)[verb])))

    def initialize(self, rows: Mapping[str, Route], opening: Opening) -> None:
        """rows: the rows of this address, by method."""
        self.rows = rows
        self.opening = opening
        self.sink: Sink = NoBody()
        self._stall: asyncio.TimerHandle | None = None

    # before the verb

    async def prepare(self) -> None:  # type: ignore[override]
        """Refuses what must be refused, and makes ready for the body."""
        try:
            await super().prepare()
            if self.request.method != "OPTIONS" and not self._finished:
                await self._admit()
        except (WorkspaceError, HTTPError) as error:
            await self.refuse(error)
        except StreamClosedError:
            await self.refuse(Gone("The client went away."))
        except Exception as error:
            self.log.exception("A request could not be prepared.")
            await self.refuse(_internal(error))

    async def _admit(self) -> None:
        self._is_kernel = self.opening.is_kernel(self.request.headers.get(KERNEL_TOKEN_HEADER))
        if self.current_user is None and not self._is_kernel:
            raise Forbidden("Log in first, or send a token.")
        row = self.rows.get(self.request.method or "")
        if row is None:
            raise MethodNotAllowed(allowed=sorted(self.rows))
        self.row = row
        self._track_activity = not row.is_quiet
        await self._authorise(row)
        self._check_ids()
        opening = self.opening
        self.workspace: Workspace = await (opening.writable() if row.writes else opening.workspace())
        self._expose_headers()
        self.sink = await self.make_sink()
        self._connection().set_max_body_size(2**63 - 1)
        self._touch()
        await pull(self.request, self.sink, self._touch)

    async def _authorise(self, row: Route) -> None:
        if self._is_kernel:
            if not kernel_may(row.resource):
                raise Forbidden("Code in a kernel may not do this.")
            return
        resource = resource_name(row.resource)
        allowed = await ensure_async(
            self.authorizer.is_authorized(self, self.current_user, row.action, resource)
        )
        if not allowed:
            raise Forbidden(f"You may not {row.action} {resource}.")

    def decode_argument(self, value: bytes, name: str | None = None) -> str:  # noqa: ARG002  (Tornado's)
        """A piece of the path as text; what is no UTF-8 is refused with the other malformed ids, in turn."""
        return value.decode("utf-8", "replace")

    def _check_ids(self) -> None:
        for name, value in self.path_kwargs.items():
            if name in _ID_CHECKS:
                _ID_CHECKS[name](value, name)

    def check_xsrf_cookie(self) -> None:
        """No browser sends the kernel token by itself, so such a request was not forged."""
        if not self.opening.is_kernel(self.request.headers.get(KERNEL_TOKEN_HEADER)):
            super().check_xsrf_cookie()

    def _expose_headers(self) -> None:
        if self.allow_origin or self.allow_origin_pat:
            exposed = [
                "Location",
                "ETag",
                "Content-Range",
                "Content-Disposition",
                "Retry-After",
                *self.exposed,
            ]
            self.set_header("Access-Control-Expose-Headers", ", ".join(exposed))

    #: further answer headers that pages of allowed origins may read
    exposed: tuple[str, ...] = ()

    # the body

    async def make_sink(self) -> Sink:
        """Where the body goes; a JSON body unless the row has none."""
        return JsonSink() if self.row.body is not None else NoBody()

    async def data_received(self, chunk: bytes) -> None:
        """A piece of the body; the next one comes when this one is taken."""
        self._touch()
        if self._finished:
            return
        try:
            await self.sink.feed(chunk)
        except WorkspaceError as error:
            await self.refuse(error)
        except Exception as error:
            self.log.exception("A body could not be taken.")
            await self.refuse(_internal(error))

    def on_connection_close(self) -> None:
        """The client is gone: what it sent so far is of no use, unless that was all."""
        self._untouch()
        super().on_connection_close()
        asyncio.get_running_loop().create_task(self._give_up())

    async def _give_up(self) -> None:
        # The verb that has the whole of it discards it by itself, and not while it is being published. One
        # whose last byte came just before the close has begun by now: its turn came first.
        if not self.has_come:
            await self.sink.discard()

    def on_finish(self) -> None:
        """Ends the timer."""
        self._untouch()
        super().on_finish()

    def _touch(self) -> None:
        """Gives a client that sends its body another while before it counts as stalled."""
        self._untouch()
        if not isinstance(self.sink, NoBody):
            loop = asyncio.get_running_loop()
            self._stall = loop.call_later(self.opening.stall_seconds, self._on_stall)

    def _untouch(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _on_stall(self) -> None:
        # A client that sent all it has only waits for us, however long we take.
        if not self.has_come:
            self.log.info("An upload stalled; its connection is closed.")
            self._stream().close()

    # for the verbs

    @property
    def actor(self) -> Actor:
        """Who asks."""
        name = "kernel" if self.current_user is None else str(self.current_user.username)
        by_name = self.opening.owner_from_identity and self.current_user is not None
        return Actor(owner=name if by_name else SERVER_OWNER, name=name, sees_all=self._is_kernel)

    def query(self, model: type[Q]) -> Q:
        """The parameters, strictly read; raises ParameterInvalid."""
        given: dict[str, list[str]] = {}
        for name, values in self.request.query_arguments.items():
            try:
                given[name] = [value.decode() for value in values]
            except UnicodeDecodeError as error:
                raise ParameterInvalid("A parameter is not UTF-8.", parameter=name) from error
        return parse_query(model, given)

    def json(self, model: type[T]) -> T:
        """The JSON body as that model; an empty body stands for {}. Raises BodyInvalid."""
        content = bytes(cast("JsonSink", self.sink).content) or b"{}"
        try:
            found = msgspec.json.decode(content, type=model)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise BodyInvalid(f"The body does not fit: {error}.") from error
        if is_too_deep(content):
            raise BodyInvalid(f"The body has more than {MAX_DEPTH} arrays and objects in each other.")
        return found

    def one_or_many(self, model: type[T]) -> tuple[list[T], bool]:
        """The JSON body as a list of models, and whether it was one; raises BodyInvalid."""
        is_list = bytes(cast("JsonSink", self.sink).content).lstrip().startswith(b"[")
        return (self.json(list[model]), True) if is_list else ([self.json(model)], False)  # type: ignore[valid-type]

    def address(self, path: str) -> str:
        """The path-absolute address of something under our prefix."""
        return f"{self.base_url}api/workspace{path}"

    def answer(self, value: Any, *, status: int = 200, location: str | None = None) -> None:
        """Writes a JSON answer."""
        self.set_status(status)
        if location is not None:
            self.set_header("Location", self.address(location))
        self.set_header("Cache-Control", "no-store")
        self.finish(msgspec.json.encode(value))

    def no_content(self) -> None:
        """Writes the answer that something is gone."""
        self.set_status(204)
        self.finish()

    # errors

    def write_error(self, status_code: int, **kwargs: Any) -> None:  # noqa: ARG002  (Tornado's signature)
        """The form that every error has; nothing of ours but its class is told to the client."""
        found = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(found, WorkspaceError):
            error = found
        elif isinstance(found, HTTPError):
            error = _BY_STATUS.get(found.status_code, Internal)(found.log_message or None)
        else:
            error = Internal()
        self._write(error, found.status_code if isinstance(found, HTTPError) else error.status)
        self.finish()

    def log_exception(self, kind: Any, value: Any, trace: Any) -> None:
        """A refusal is no failure of ours and needs no trace."""
        if not isinstance(value, WorkspaceError):
            super().log_exception(kind, value, trace)

    @property
    def log(self) -> Any:
        """The server's log; what we refuse is no error of ours, even where its status is above 500."""
        return super().log if self.refusal is None else _Calm(super().log)

    async def refuse(self, error: WorkspaceError | HTTPError) -> None:
        """Answers at once, reads a little of a body that is still coming, and closes."""
        await self.sink.discard()
        if self._finished:
            return
        if isinstance(error, HTTPError):
            status = error.status_code
            error = _BY_STATUS.get(status, Internal)(error.log_message or None)
        else:
            status = error.status
        self._write(error, status)
        # Tornado closes a connection whose request was answered before it was read to its end; a proxy
        # that is not told would send its next request into the closing socket.
        self.set_header("Connection", "close")
        with contextlib.suppress(StreamClosedError):
            if self._has_body() and not self.sink.is_complete:
                self.set_header("Content-Length", sum(map(len, self._write_buffer)))
                await self.flush()
                await self._drain()
            await self.finish()

    def _write(self, error: WorkspaceError, status: int) -> None:
        self.refusal = None if isinstance(error, Internal) else error
        self.clear_header("Location")
        reason = (
            http.HTTPStatus(status).phrase
            if status in http.HTTPStatus._value2member_map_
            else "Checksum Mismatch"
        )
        self.set_status(status, reason)
        self.set_header("Content-Type", "application/json")
        if isinstance(error, Unavailable):
            self.set_header("Retry-After", str(error.retry_after))
        if isinstance(error, MethodNotAllowed):
            self.set_header("Allow", ", ".join(sorted(self.rows)))
        self._write_buffer.clear()
        self.write(msgspec.json.encode(error.answer(reason)))

    async def _drain(self) -> None:
        """Reads what is on its way: a close with unread bytes would reset the connection."""
        stream = self._stream()
        left = DRAIN_BYTES
        with contextlib.suppress(StreamClosedError, TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while left > 0:
                    left -= len(await stream.read_bytes(min(left, 65536), partial=True))

    def _has_body(self) -> bool:
        headers = self.request.headers
        return headers.get("Content-Length", "0") not in {"0", ""} or "Transfer-Encoding" in headers

    def _connection(self) -> Any:
        return self.request.connection

    def _stream(self) -> IOStream:
        return cast("IOStream", self._connection().stream)


class _Calm(logging.LoggerAdapter[logging.Logger]):
    """Warns where Jupyter, by the status alone, would call it an error."""

    def error(self, msg: object, *args: object, **kwargs: Any) -> None:
        self.warning(msg, *args, **kwargs)


def _noted(verb: Callable[..., V]) -> Callable[..., V]:
    """The verb, which first notes that it has begun."""

    @functools.wraps(verb)
    def begin(handler: WorkspaceHandler, *args: Any, **kwargs: Any) -> V:
        handler.has_come = True
        return verb(handler, *args, **kwargs)

    return begin


def _internal(error: Exception) -> Internal:
    failure = Internal()
    failure.__cause__ = error
    return failure


class CatchAll(WorkspaceHandler):
    """Whatever else stands under our prefix: not there, for those who may ask at all."""

    async def _admit(self) -> None:
        if self.current_user is None and not self.opening.is_kernel(
            self.request.headers.get(KERNEL_TOKEN_HEADER)
        ):
            raise Forbidden("Log in first, or send a token.")
        raise RouteNotFound
