"""`Client`: a thin blocking driver of the flows, over an HTTP library that stays inside.

An operation is one line: `Call` runs a flow to its end, `Each` iterates a stream. Names, parameters
and errors are those of the flow in `requests.py`, `event_log.py` and `transfers.py`.
"""

from __future__ import annotations

import time
import weakref
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Self, TypeVar, cast, overload

import httpx2

from jupyter_workspace.client import discovery, event_log, requests, transfers
from jupyter_workspace.client.connection import (
    BLOCK_BYTES,
    FAULTS,
    arguments,
    chosen_server,
    head_of,
    lost,
    options_for,
)
from jupyter_workspace.client.wire import (
    Flow,
    Found,
    Lost,
    Pause,
    Renew,
    Request,
    Response,
    Step,
    Stream,
    Work,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_workspace.client.discovery import Server

__all__ = ["Client"]

P = ParamSpec("P")
T = TypeVar("T")


class Call(Generic[P, T]):
    """A method of `Client` that runs a flow."""

    def __init__(self, flow: Callable[P, Flow[T]]) -> None:
        self._flow = flow

    @overload
    def __get__(self, client: None, owner: type) -> Callable[P, Flow[T]]: ...
    @overload
    def __get__(self, client: Client, owner: type) -> Callable[P, T]: ...
    def __get__(self, client: Client | None, owner: type) -> Callable[P, T] | Callable[P, Flow[T]]:
        """The bound method; on the class the flow, which has name, signature and text."""
        flow = self._flow
        if client is None:
            return flow

        @wraps(flow)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            return client.run(flow(*args, **kwargs))

        return call


class Each(Generic[P, T]):
    """A method of `Client` that iterates a stream."""

    def __init__(self, stream: Callable[P, Stream[T]]) -> None:
        self._stream = stream

    @overload
    def __get__(self, client: None, owner: type) -> Callable[P, Stream[T]]: ...
    @overload
    def __get__(self, client: Client, owner: type) -> Callable[P, Iterator[T]]: ...
    def __get__(
        self, client: Client | None, owner: type
    ) -> Callable[P, Iterator[T]] | Callable[P, Stream[T]]:
        """The bound method; on the class the stream."""
        stream = self._stream
        if client is None:
            return stream

        @wraps(stream)
        def iterate(*args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
            return client.iterate(stream(*args, **kwargs))

        return iterate


class Client:
    """All operations of the HTTP contract, blocking.

    url: base URL of the Jupyter server; without it the one that started this kernel (NoSession when
    there is none). token: a token of the server, or with `is_scoped` a workspace token. Each
    operation raises the class of `jupyter_workspace.errors` that the server answered with, and
    ServerUnreachable. Use it in a `with` statement, or close it.

        with Client("http://127.0.0.1:8888/", token) as client:
            for file in client.each_file("churn"): ...
    """

    get_service = Call(requests.get_service)
    get_usage = Call(requests.get_usage)

    list_sessions = Call(requests.list_sessions)
    create_session = Call(requests.create_session)
    put_session = Call(requests.put_session)
    resolve_session = Call(requests.resolve_session)
    get_session = Call(requests.get_session)
    update_session = Call(requests.update_session)
    delete_session = Call(requests.delete_session)
    connect = Call(requests.connect)

    list_files = Call(requests.list_files)
    list_attachments = Call(requests.list_attachments)
    get_file = Call(requests.get_file)
    update_file = Call(requests.update_file)
    delete_file = Call(requests.delete_file)
    list_trash = Call(requests.list_trash)
    restore_file = Call(requests.restore_file)
    register = Call(requests.register)
    register_batch = Call(requests.register_batch)
    scan = Call(requests.scan)

    upload = Call(transfers.upload)
    download = Call(transfers.download)
    fetch = Call(transfers.fetch)
    read = Call(transfers.read)
    zip_session = Call(transfers.zip_session)

    poll_events = Call(event_log.poll_events)
    each_session = Each(requests.each_session)
    each_file = Each(requests.each_file)
    each_trash = Each(requests.each_trash)
    events = Each(event_log.follow_events)

    def __init__(self, url: str | None = None, token: str | None = None, *, is_scoped: bool = False) -> None:
        self._open(chosen_server(url, token, is_scoped=is_scoped))

    @classmethod
    def at(cls, server: Server) -> Self:
        """A client of a server that was found before; it follows when that one moves."""
        made = cls.__new__(cls)
        made._open(server)  # noqa: SLF001 - its own
        return made

    def _open(self, server: Server) -> None:
        self._server = server
        self._http = self._connected(server)
        self._closing = weakref.finalize(self, self._http.close)

    def _connected(self, server: Server) -> httpx2.Client:
        options = options_for(server)
        if server.socket_path:
            options["transport"] = httpx2.HTTPTransport(uds=server.socket_path, verify=options["verify"])
        return httpx2.Client(**options)

    @property
    def server(self) -> Server:
        """Where this client sends its requests."""
        return self._server

    def close(self) -> None:
        """Closes the connections."""
        self._closing()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def run(self, flow: Flow[T]) -> T:
        """What the flow returns; its requests are sent one after the other."""
        try:
            step = next(flow)
            while True:
                try:
                    outcome = self._take(step)
                except FAULTS as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(outcome)
        except StopIteration as end:
            return cast("T", end.value)
        finally:
            flow.close()

    def iterate(self, stream: Stream[T]) -> Iterator[T]:
        """What the stream finds, as it finds it."""
        outcome = None
        try:
            while True:
                step = stream.send(outcome)
                if isinstance(step, Found):
                    yield step.item
                    outcome = None
                else:
                    outcome = self._take(step)
        except StopIteration:
            return
        finally:
            stream.close()

    def _take(self, step: Step) -> Any:
        match step:
            case Request():
                return self._send(step)
            case Work():
                return step.call()
            case Pause():
                return time.sleep(step.seconds)
            case Renew():
                return self._renew()

    def _send(self, request: Request) -> Response | Lost:
        body = request.body
        content = body if body is None or isinstance(body, bytes) else body.chunks()
        try:
            with self._http.stream(**arguments(self._server, request, content)) as answer:
                head = head_of(answer)
                if request.landing is None or not request.landing.accepts(head):
                    return replace(head, body=answer.read())
                for chunk in answer.iter_bytes(BLOCK_BYTES):
                    request.landing.write(chunk)
                return head
        except httpx2.TransportError as error:
            return lost(error)

    def _renew(self) -> bool:
        found = discovery.renewed(self._server)
        if found is None:
            return False
        self.close()
        self._open(found)
        return True
