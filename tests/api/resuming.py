"""Short words of tests for resumable uploads."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from typing import Any

from api.running import BASE_URL, Server, Session
from api.wire import Answer

VERSION = {"Tus-Resumable": "1.0.0"}
PIECE = {"Content-Type": "application/offset+octet-stream"}
PREFIX = f"{BASE_URL}api/workspace"

BAD_NUMBERS = {
    "negative": "-1",
    "fraction": "1.5",
    "hexadecimal": "0x1",
    "signed": "+0",
    "over 64 bits": str(2**64 + 1),
    "64 bits": str(2**63),
    "30 digits": "9" * 30,
    "empty": "",
    "exponent": "1e3",
    "underscore": "1_0",
    "words": "ten",
    "two": "1, 2",
}


def metadata(**values: str | bytes | None) -> str:
    """The header of that name."""
    pairs = []
    for key, value in values.items():
        content = value.encode() if isinstance(value, str) else value
        pairs.append(key if content is None else f"{key} {base64.b64encode(content).decode()}")
    return ",".join(pairs)


def checksum(content: bytes, algorithm: str = "sha1") -> dict[str, str]:
    digest = hashlib.new(algorithm, content).digest()
    return {"Upload-Checksum": f"{algorithm} {base64.b64encode(digest).decode()}"}


def creation(length: int | str | None = None, **headers: str) -> dict[str, str]:
    """The headers of a creation; a deferred one without a length."""
    said = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
    return {**VERSION, **said, **{name.replace("_", "-"): value for name, value in headers.items()}}


class Resumable:
    """An upload of a session, by its address."""

    def __init__(self, session: Session, path: str):
        self.session = session
        self.server = session.server
        self.path = path

    @property
    def id(self) -> str:
        return self.path.rpartition("/")[2]

    def call(self, method: str, body: bytes | None = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.server.call(method, self.path, body, {**VERSION, **named})

    def patch(self, offset: int | str, content: bytes = b"", **headers: str) -> Answer:
        return self.call("PATCH", content, **{"Upload_Offset": str(offset), **PIECE, **headers})

    def head(self) -> Answer:
        return self.call("HEAD")

    def offset(self) -> int:
        answer = self.head()
        assert answer.status == 200, answer.text()
        return int(answer.headers["Upload-Offset"])

    def record(self) -> dict[str, Any]:
        answer = self.server.call("GET", self.path)
        assert answer.status == 200, answer.text()
        return answer.json()

    def opening(self, offset: int, length: int, **headers: str) -> bytes:
        """The head of a PATCH whose body is sent piece by piece."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {**VERSION, **PIECE, "Upload-Offset": str(offset), "Content-Length": str(length), **named}
        return self.server.head("PATCH", self.path, sent)

    def settled(self, at_least: int = 1, seconds: float = 5.0) -> int:
        """The offset, once it has reached that."""
        until = time.monotonic() + seconds
        while (offset := self.offset()) < at_least and time.monotonic() < until:
            time.sleep(0.02)
        return offset


def create(session: Session, headers: dict[str, str], body: bytes = b"") -> Answer:
    return session.server.call("POST", f"/uploads/{session.id}", body, headers)


def begun(session: Session, length: int | str | None = None, **headers: str) -> Resumable:
    """A new upload."""
    answer = create(session, creation(length, **headers))
    assert answer.status == 201, answer.text()
    return Resumable(session, answer.headers["Location"].removeprefix(PREFIX))


def content_of(size: int) -> bytes:
    return secrets.token_bytes(size)


def notes_of(server: Server) -> list[str]:
    """The notes of open uploads."""
    folder = server.root / "workspace/.jupyter_workspace/staging"
    return [path.name for path in folder.iterdir() if path.name.endswith(".json")]
