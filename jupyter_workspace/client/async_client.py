"""`AsyncClient`: a thin awaiting driver of the same flows as `Client`; what may block runs in threads."""

from __future__ import annotations

import asyncio
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
    Content,
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
    from collections.abc import AsyncIterator, Callable, Coroutine

    from jupyter_workspace.client.discovery import Server

__all__ = ["AsyncClient"]

P = ParamSpec("P")
T = TypeVar("T")


class AsyncCall(Generic[P, T]):
    """A method of `AsyncClient` that runs a flow."""

    def __init__(self, flow: Callable[P, Flow[T]]) -> None:
        self._flow = flow

    @overload
    def __get__(self, client: None, owner: type) -> Callable[P, Flow[T]]: ...
    @overload
    def __get__(self, client: AsyncClient, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(
        self, client: AsyncClient | None, owner: type
    ) -> Callable[P, Coroutine[Any, Any, T]] | Callable[P, Flow[T]]:
        """The bound method; on the class the flow, which has name, signature and text."""
        flow = self._flow
        if client is None:
            return flow

        @wraps(flow)
        async def call(*args: P.args, **kwargs: P.kwargs) -> T:
            return await client.run(flow(*args, **kwargs))

        return call


class AsyncEach(Generic[P, T]):
    """A method of `AsyncClient` that iterates a stream."""

    def __init__(self, stream: Callable[P, Stream[T]]) -> None:
        self._stream = stream

    @overload
    def __get__(self, client: None, owner: type) -> Callable[P, Stream[T]]: ...
    @overload
    def __get__(self, client: AsyncClient, owner: type) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(
        self, client: AsyncClient | None, owner: type
    ) -> Callable[P, AsyncIterator[T]] | Callable[P, Stream[T]]:
        """The bound method; on the class the stream."""
        stream = self._stream
        if client is None:
            return stream

        @wraps(stream)
        def iterate(*args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
            return client.iterate(stream(*args, **kwargs))

        return iterate


class AsyncClient:
    """The same operations as `Client`, to be awaited; streams are iterated with `async for`.

    async with AsyncClient("http://127.0.0.1:8888/", token) as client:
        session = await client.put_session("churn")
    """

    get_service = AsyncCall(requests.get_service)
    get_usage = AsyncCall(requests.get_usage)

    list_sessions = AsyncCall(requests.list_sessions)
    create_session = AsyncCall(requests.create_session)
    put_session = AsyncCall(requests.put_session)
    resolve_session = AsyncCall(requests.resolve_session)
    get_session = AsyncCall(requests.get_session)
    update_session = AsyncCall(requests.update_session)
    delete_session = AsyncCall(requests.delete_session)
    connect = AsyncCall(requests.connect)

    list_files = AsyncCall(requests.list_files)
    list_attachments = AsyncCall(requests.list_attachments)
    get_file = AsyncCall(requests.get_file)
    update_file = AsyncCall(requests.update_file)
    delete_file = AsyncCall(requests.delete_file)
    list_trash = AsyncCall(requests.list_trash)
    restore_file = AsyncCall(requests.restore_file)
    register = AsyncCall(requests.register)
    register_batch = AsyncCall(requests.register_batch)
    scan = AsyncCall(requests.scan)

    upload = AsyncCall(transfers.upload)
    download = AsyncCall(transfers.download)
    fetch = AsyncCall(transfers.fetch)
    read = AsyncCall(transfers.read)
    zip_session = AsyncCall(transfers.zip_session)

    poll_events = AsyncCall(event_log.poll_events)
    each_session = AsyncEach(requests.each_session)
    each_file = AsyncEach(requests.each_file)
    each_trash = AsyncEach(requests.each_trash)
    events = AsyncEach(event_log.follow_events)

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

    def _connected(self, server: Server) -> httpx2.AsyncClient:
        options = options_for(server)
        if server.socket_path:
            options["transport"] = httpx2.AsyncHTTPTransport(uds=server.socket_path, verify=options["verify"])
        return httpx2.AsyncClient(**options)

    @property
    def server(self) -> Server:
        """Where this client sends its requests."""
        return self._server

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()

    async def run(self, flow: Flow[T]) -> T:
        """What the flow returns; its requests are sent one after the other."""
        used = self._server
        try:
            step = next(flow)
            while True:
                used = self._server if isinstance(step, Request) else used
                try:
                    outcome = await self._take(step, used)
                except FAULTS as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(outcome)
        except StopIteration as end:
            return cast("T", end.value)
        finally:
            flow.close()

    async def iterate(self, stream: Stream[T]) -> AsyncIterator[T]:
        """What the stream finds, as it finds it."""
        outcome, used = None, self._server
        try:
            while True:
                step = stream.send(outcome)
                if isinstance(step, Found):
                    yield step.item
                    outcome = None
                else:
                    used = self._server if isinstance(step, Request) else used
                    outcome = await self._take(step, used)
        except StopIteration:
            return
        finally:
            stream.close()

    async def _take(self, step: Step, used: Server) -> Any:
        match step:
            case Request():
                return await self._send(step)
            case Work():
                return await asyncio.to_thread(step.call)
            case Pause():
                return await asyncio.sleep(step.seconds)
            case Renew():
                return await self._renew(used)

    async def _send(self, request: Request) -> Response | Lost:
        body = request.body
        content = body if body is None or isinstance(body, bytes) else _off_the_loop(body)
        try:
            async with self._http.stream(**arguments(self._server, request, content)) as answer:
                head = head_of(answer)
                if request.landing is None or not request.landing.accepts(head):
                    return replace(head, body=await answer.aread())
                async for chunk in answer.aiter_bytes(BLOCK_BYTES):
                    await asyncio.to_thread(request.landing.write, chunk)
                return head
        except httpx2.TransportError as error:
            return lost(error)

    async def _renew(self, used: Server) -> bool:
        found = await asyncio.to_thread(discovery.renewed, used)
        if self._server is not used:
            # Another request has found out already.
            return True
        if found is None:
            return False
        # Others may be under way with this client: none of them may meet one that is closed.
        before = self._http
        self._open(found)
        await before.aclose()
        return True


async def _off_the_loop(content: Content) -> AsyncIterator[bytes]:
    chunks = content.chunks()
    while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
        yield chunk
