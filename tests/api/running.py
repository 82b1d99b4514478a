"""A real Jupyter server in a process of its own, with folders of its own, and ways to ask it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from api.wire import Answer, Wire, form, form_type, head_of, query

BASE_URL = "/user/ada/"
ROOM = Path(__file__).parents[1]
START_SECONDS = 60


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Server:
    """One server. `home` holds everything it writes; `root` in it is what it serves.

    login: the headers that show who asks; the server's token unless they are given.
    """

    def __init__(self, home: Path, login: Mapping[str, str] | None = None, **options: Any):
        self.home = home
        self.root = home / "root"
        self.data = home / "data"
        self.log = home / "server.log"
        self.token = secrets.token_hex(16)
        self.login = login or {"Authorization": f"token {self.token}"}
        self.port = free_port()
        self.options = options
        self.url = f"http://127.0.0.1:{self.port}{BASE_URL}"
        self.workspace = self.root / options.get("JupyterWorkspace.workspace_dir", "workspace")
        self.answers = 0
        for folder in (self.root, self.data, home / "config", home / "runtime"):
            folder.mkdir(parents=True)

    # the process

    def start(self) -> None:
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": self.port,
            "ServerApp.port_retries": 0,
            "ServerApp.base_url": BASE_URL,
            "ServerApp.root_dir": self.root,
            "ServerApp.open_browser": False,
            "ServerApp.jpserver_extensions": '{"jupyter_workspace": True}',
            **self.options,
        }
        command = [sys.executable, "-m", "jupyter_server", "--allow-root"]
        for name, value in options.items():
            # A list is an option given several times.
            command += [f"--{name}={item}" for item in (value if isinstance(value, list) else [value])]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.home,
                env=self._environment(),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        self._wait()

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "HOME": str(self.home),
            "JUPYTER_TOKEN": self.token,
            "JUPYTER_CONFIG_DIR": str(self.home / "config"),
            "JUPYTER_DATA_DIR": str(self.data),
            "JUPYTER_RUNTIME_DIR": str(self.home / "runtime"),
            "PYTHONPATH": os.pathsep.join((str(ROOM), str(ROOM.parent))),
        }

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with self.wire(5) as wire:
                    wire.send(self.head("GET", "/", {"Connection": "close"}))
                    if json.loads(wire.answer().body).get("status") == "ok":
                        return
            except (OSError, ValueError):
                pass
            time.sleep(0.05)
        self.kill()
        raise AssertionError(f"the server did not start:\n{self.log.read_text()[-4000:]}")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=30)

    def restart(self) -> None:
        if self.process.poll() is None:
            self.stop()
        self.start()

    # requests

    def address(self, path: str) -> str:
        """The target of a route of ours; `path` is encoded already."""
        return f"{BASE_URL}api/workspace{path}"

    def wire(self, seconds: float = 30.0) -> Wire:
        return Wire(self.port, seconds)

    def head(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, *, anonymous: bool = False
    ) -> bytes:
        """The head of a request to a route of ours, as bytes."""
        sent = {**({} if anonymous else self.login), **(headers or {})}
        return head_of(method, self.address(path), self.port, list(sent.items()))

    def request(
        self, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request to any address under the server's base, over a connection of its own."""
        sent = {"Connection": "close", **(headers or {})}
        if body is not None and "Transfer-Encoding" not in sent:
            sent.setdefault("Content-Length", str(len(body)))
        head = head_of(method, f"{BASE_URL}{target}", self.port, list(sent.items()))
        with self.wire() as wire:
            wire.send(head + (body or b""))
            return self.checked(wire.answer(method))

    def checked(self, answer: Answer) -> Answer:
        """The answer itself, which tells nobody where the server keeps its things (C25)."""
        self.answers += 1
        assert str(self.home) not in answer.text(), "an absolute path of the server"
        assert "Traceback (most recent call last)" not in answer.text()
        return answer

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        json_body: Any = None,
        anonymous: bool = False,
    ) -> Answer:
        """One request to a route of ours; `path` is encoded already and may have a query."""
        if json_body is not None:
            body = json.dumps(json_body).encode()
        elif body is None and method in {"POST", "PUT", "PATCH"}:
            body = b""
        sent = {**({} if anonymous else self.login), **(headers or {})}
        return self.request(method, f"api/workspace{path}", body, sent)

    # sessions

    def session(self, session_id: str | None = None, **headers: str) -> Session:
        """A fresh session."""
        found = Session(self, session_id or fresh())
        assert self.call("PUT", f"/sessions/{found.id}", headers=headers).status == 201
        return found


class Session:
    """A session of a server, and short words for what tests do with one."""

    def __init__(self, server: Server, session_id: str):
        self.server = server
        self.id = session_id
        self.folder = server.workspace / session_id

    def call(self, method: str, tail: str = "", *args: Any, **options: Any) -> Answer:
        """A request to a route under `/sessions/{id}`."""
        return self.server.call(method, f"/sessions/{self.id}{tail}", *args, **options)

    def put(
        self,
        name: str | None,
        content: bytes = b"x",
        *,
        headers: Mapping[str, str] | None = None,
        **parameters: Any,
    ) -> Answer:
        """A raw upload."""
        return self.server.call(
            "PUT", f"/uploads/{self.id}{query(name=name, **parameters)}", content, headers
        )

    def post(
        self,
        *parts: Any,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        boundary: str = "frontier",
    ) -> Answer:
        """An upload by form."""
        content = form(*parts, boundary=boundary) if body is None else body
        return self.server.call(
            "POST", f"/uploads/{self.id}", content, {**form_type(boundary), **(headers or {})}
        )

    def saved(self, name: str, content: bytes = b"x", **parameters: Any) -> dict[str, Any]:
        """The record of a new upload."""
        answer = self.put(name, content, **parameters)
        assert answer.status == 201, answer.text()
        return answer.json()

    def register(self, path: str, **members: Any) -> Answer:
        return self.call("POST", "/artifacts", json_body={"path": path, **members})

    def made(self, path: str, content: bytes = b"x", **members: Any) -> dict[str, Any]:
        """The record of a file that was written into the folder and then registered."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        answer = self.register(path, **members)
        assert answer.status in {200, 201}, answer.text()
        return answer.json()

    def files(self, **parameters: Any) -> list[dict[str, Any]]:
        return self.call("GET", f"/artifacts{query(**parameters)}").json()["artifacts"]

    def attachments(self) -> list[dict[str, Any]]:
        return self.server.call("GET", f"/uploads/{self.id}").json()["attachments"]

    def poll(self, **parameters: Any) -> Answer:
        return self.call("GET", f"/artifact-events{query(**{'wait_seconds': 0, **parameters})}")

    def events(self, **parameters: Any) -> list[dict[str, Any]]:
        return self.poll(**parameters).json()["events"]

    def file(self, file_id: str, **parameters: Any) -> Answer:
        return self.call("GET", f"/artifacts/{file_id}{query(**parameters)}")

    def content(self, file_id: str, **headers: str) -> Answer:
        return self.call("GET", f"/artifacts/{file_id}?mode=stream", headers=headers)

    def names(self) -> list[str]:
        """What stands in the folder, but for the generated manifest."""
        if not self.folder.exists():
            return []
        paths = (
            path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if not path.is_dir()
        )
        return sorted(path for path in paths if path != "attachments/attachments_manifest.json")


def fresh() -> str:
    """A session id that nobody has."""
    return f"s-{uuid.uuid4().hex[:12]}"


def staged(server: Server) -> list[str]:
    """What lies half-done in the state folder at this moment, but for resumable uploads, which may wait."""
    names = {path.name for path in (server.workspace / ".jupyter_workspace/staging").iterdir()}
    spools = {name for name in names if f"{name}.json" in names}
    return sorted(names - spools - {f"{name}.json" for name in spools})


def leftovers(server: Server) -> list[str]:
    """The same, once a manifest that is just being written has been moved to its place."""
    until = time.monotonic() + 5
    while staged(server) and time.monotonic() < until:
        time.sleep(0.02)
    return staged(server)


def refused_without_a_trace(
    server: Server, session: Session, answer: Answer, code: str = "form_invalid"
) -> None:
    assert (answer.status, answer.code) == (400, code), answer.text()
    assert (session.names(), session.attachments(), session.events(), leftovers(server)) == ([], [], [], [])


def assert_settles(look: Callable[[], Any], wanted: Any) -> None:
    """After a broken connection the server needs a moment."""
    until = time.monotonic() + 10
    while (found := look()) != wanted and time.monotonic() < until:
        time.sleep(0.02)
    assert found == wanted


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def digest_of(content: bytes, algorithm: str = "sha-256") -> str:
    """The value of a `Repr-Digest` header."""
    digest = hashlib.new(algorithm.replace("-", ""), content).digest()
    return f"{algorithm}=:{base64.b64encode(digest).decode()}:"
