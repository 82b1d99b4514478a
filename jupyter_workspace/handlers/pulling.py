"""Bodies at the speed of the socket.

Tornado reads a body in pieces of 64 KiB, each a new bytes object and a turn of the loop. A large body
of known length is read here instead, after everything about it was decided and before Tornado looks at
it: straight into the blocks of the sink, as much at a time as the socket has. Other large bodies come
through Tornado, in larger pieces.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import cast

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPServerRequest
from tornado.iostream import StreamClosedError

from jupyter_workspace.handlers.bodies import BlockSink, NoBody, Sink

__all__ = ["content_length", "pull"]

#: The largest length that is told from larger ones, in bytes.
MOST = 2**63 - 1

#: Smaller bodies gain nothing.
SMALLEST = 2**20

#: The size of Tornado's pieces where it reads a large body itself.
PIECE = 256 * 1024


async def pull(request: HTTPServerRequest, sink: Sink, on_bytes: Callable[[], None]) -> None:
    """Reads a large body into the sink, if it can be done this way; else leaves it to Tornado.

    on_bytes: called whenever bytes came. Raises what the sink raises, and StreamClosedError when the
    client goes away.
    """
    headers = request.headers
    connection = cast("HTTP1Connection", request.connection)
    length = content_length(headers.get("Content-Length"))
    if isinstance(sink, NoBody) or (length is not None and length < SMALLEST):
        return
    if length is None or "Transfer-Encoding" in headers or not isinstance(sink, BlockSink):
        # A copy: the parameters are shared with every other connection of the server.
        connection.params = copy.copy(connection.params)
        connection.params.chunk_size = connection.stream.read_chunk_size = PIECE
        return
    if headers.get("Expect", "").lower() == "100-continue":
        await connection.stream.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        del headers["Expect"]
    left = length
    while left > 0:
        # Tornado's types say bytearray; any writable buffer will do.
        block = sink.view()[:left]
        try:
            count = await connection.stream.read_into(cast("bytearray", block), partial=True)
        except StreamClosedError:
            # The stream keeps what it was given, until the garbage that it now is gets collected.
            block.release()
            raise
        on_bytes()
        await sink.advance(count)
        left -= count
    # What Tornado has yet to read of this request.
    headers["Content-Length"] = "0"


def content_length(text: str | None) -> int | None:
    """The number of bytes that a Content-Length says; None when it says none. Beyond all disks, the most."""
    if text is None or not (text.isascii() and text.isdigit()):
        return None
    # Python refuses to read numbers of thousands of digits.
    return int(text) if len(text) < len(str(MOST)) else MOST
