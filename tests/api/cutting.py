"""A line that drops: a proxy that cuts, resets, stalls, or refuses large bodies."""

from __future__ import annotations

import random
import re
import select
import socket
import struct
import threading
from collections.abc import Callable
from typing import NamedTuple

BLOCK = 64 * 1024
RESET = struct.pack("ii", 1, 0)


class Cut(NamedTuple):
    """When a connection ends: after so many bytes from the client; `how` is fin, reset, stall or kill."""

    after: int
    how: str


class Line:
    """Listens on 127.0.0.1 and passes on to a port; `plan` gives for each connection its cut, or None.

    `kill` is what a cut of that kind does to the server before the connection ends.

    `limit`: bodies that are announced larger are refused with 413, as proxies do, without reading them.
    """

    def __init__(
        self,
        port: int,
        plan: Callable[[], Cut | None] = lambda: None,
        limit: int = 0,
        kill: Callable[[], object] = lambda: None,
    ):
        self.target = port
        self.plan = plan
        self.kill = kill
        self.limit = limit
        self.cuts = 0
        self.refusals = 0
        #: Bytes that came from the client, and from the server.
        self.passed_up = self.passed_down = 0
        self.open = True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._sockets: set[socket.socket] = set()
        self._threads = [self._thread(self._accept)]

    def __enter__(self):
        return self

    def __exit__(self, *_: object):
        self.open = False
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in list(self._sockets):
            self._end(one)
        for thread in self._threads:
            thread.join(10)

    def _thread(self, work: Callable[..., None], *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        thread.start()
        return thread

    def _accept(self) -> None:
        while self.open:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target), 10)
            except OSError:
                near.close()
                continue
            self._sockets |= {near, far}
            self._threads.append(self._thread(self._pass_up, near, far, self.plan()))
            self._threads.append(self._thread(self._pass_down, near, far))

    def _pass_up(self, near: socket.socket, far: socket.socket, cut: Cut | None) -> None:
        passed = 0
        try:
            while data := near.recv(BLOCK):
                if self.limit and self._is_too_large(data):
                    self.refusals += 1
                    answer = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    near.sendall(answer)
                    near.shutdown(socket.SHUT_WR)
                    break
                if cut is not None and passed + len(data) >= cut.after:
                    far.sendall(data[: cut.after - passed])
                    self._cut(near, far, cut.how)
                    return
                far.sendall(data)
                passed += len(data)
                self.passed_up += len(data)
        except OSError:
            pass
        self._end(far)

    def _is_too_large(self, data: bytes) -> bool:
        found = re.match(
            rb"(?:PATCH|PUT|POST) .*?\r\nContent-Length: (\d+)\r\n", data, re.DOTALL | re.IGNORECASE
        )
        return found is not None and int(found[1]) > self.limit

    def _cut(self, near: socket.socket, far: socket.socket, how: str) -> None:
        self.cuts += 1
        if how == "stall":
            # Nothing moves until the client has had enough.
            waiting = select.poll()
            waiting.register(near, select.POLLRDHUP)
            while self.open and not waiting.poll(100):
                pass
        if how == "kill":
            self.kill()
        if how == "reset":
            for one in (near, far):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._end(near)
        self._end(far)

    def _pass_down(self, near: socket.socket, far: socket.socket) -> None:
        try:
            while True:
                # A socket that another thread closes ends only when nobody waits in it.
                if not select.select([far], [], [], 0.02)[0]:
                    continue
                if not (data := far.recv(BLOCK)):
                    break
                near.sendall(data)
                self.passed_down += len(data)
        except (OSError, ValueError):
            pass
        self._end(near)
        self._end(far)

    def _end(self, one: socket.socket) -> None:
        self._sockets.discard(one)
        one.close()


def sometimes(seed: int, most: int, share: float = 0.6) -> Callable[[], Cut | None]:
    """Cuts a share of the connections, at a random place, in a random way."""
    chance = random.Random(seed)
    lock = threading.Lock()

    def plan() -> Cut | None:
        with lock:
            if chance.random() > share:
                return None
            how = chance.choices(("fin", "reset", "stall"), (5, 5, 1))[0]
            return Cut(chance.randrange(1, most), how)

    return plan
