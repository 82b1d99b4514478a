"""HTTP as bytes: a request goes out as it was written, no library puts it in order."""

from __future__ import annotations

import http.client
import io
import json
import socket
from typing import Any, NamedTuple
from urllib.parse import urlencode

SECONDS = 30.0


class Answer(NamedTuple):
    """What came back."""

    status: int
    reason: str
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        assert self.headers.get_content_type() == "application/json", self.body[:200]
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """The stable word of an error."""
        return self.json().get("code")

    def text(self) -> str:
        """Status line, headers and body, for what must not be in any of them."""
        return f"{self.status} {self.reason}\n{self.headers}\n{self.body.decode('utf-8', 'replace')}"


class Stream(io.BufferedReader):
    """What comes over a connection, for all its answers: one that was read may have brought the next along."""

    def makefile(self, _mode: str) -> Stream:
        """As a socket has it, for `http.client`."""
        return self

    def close(self) -> None:
        """Nothing: an answer's end is not that of the connection."""


class Wire:
    """One connection; closed at the end of its block."""

    def __init__(self, port: int, seconds: float = SECONDS):
        self.socket = socket.create_connection(("127.0.0.1", port), seconds)
        self._stream = Stream(socket.SocketIO(self.socket, "r"))

    def __enter__(self):
        return self

    def __exit__(self, *_: object):
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive_head(self) -> bytes:
        """Bytes up to the next empty line, an interim answer for instance."""
        got = b""
        while not got.endswith(b"\r\n\r\n"):
            piece = self._stream.read(1)
            assert piece, got
            got += piece
        return got

    def answer(self, method: str = "GET") -> Answer:
        """The next answer; interim ones are passed over."""
        response = http.client.HTTPResponse(self._stream, method=method)  # type: ignore[arg-type]
        try:
            response.begin()
            body = response.read()
        finally:
            response.close()
        return Answer(response.status, response.reason, response.headers, body)

    def is_closed(self) -> bool:
        """Whether the other side has closed, waiting for it as long as the connection's timeout."""
        try:
            return self._stream.read(1) == b""
        except ConnectionResetError:
            return True


def head_of(method: str, target: str, port: int, headers: list[tuple[str, str]]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunked(*pieces: bytes) -> bytes:
    """The pieces in chunked transfer coding."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (*pieces, b""))


def query(**parameters: Any) -> str:
    """`?a=1&b=2`; a list gives a parameter several times."""
    given = {name: value for name, value in parameters.items() if value is not None}
    return f"?{urlencode(given, doseq=True)}" if given else ""


class Part(NamedTuple):
    """A part of a form: header lines as they go out, and content."""

    head: bytes
    content: bytes


def file_part(
    content: bytes, name: str | None = "a.csv", *, field: str = "file", mime: str | None = None
) -> Part:
    disposition = f'form-data; name="{field}"'
    if name is not None:
        disposition += f'; filename="{name}"'
    lines = [f"Content-Disposition: {disposition}"]
    if mime is not None:
        lines.append(f"Content-Type: {mime}")
    return Part("\r\n".join(lines).encode(), content)


def text_part(field: str, value: str | bytes) -> Part:
    content = value if isinstance(value, bytes) else value.encode()
    return Part(f'Content-Disposition: form-data; name="{field}"'.encode(), content)


def form(*parts: Part, boundary: str = "frontier") -> bytes:
    """The body of a form, as a browser builds it."""
    mark = boundary.encode()
    body = b"".join(b"--%s\r\n%s\r\n\r\n%s\r\n" % (mark, part.head, part.content) for part in parts)
    return body + b"--%s--\r\n" % mark


def form_type(boundary: str = "frontier") -> dict[str, str]:
    return {"Content-Type": f"multipart/form-data; boundary={boundary}"}
