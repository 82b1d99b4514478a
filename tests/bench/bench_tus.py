"""How fast resumable uploads are beside one PUT: `python tests/bench/bench_tus.py [mebibytes]`.

A real server on the loopback interface, one keep-alive connection, content made once. Prints MiB/s, the
median of three, and the ratio of each to the PUT.
"""

from __future__ import annotations

import http.client
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from api.resuming import PIECE, PREFIX, VERSION, creation
from api.running import Server

MIB = 2**20
ROUNDS = 3


def connection(server: Server) -> http.client.HTTPConnection:
    made = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    made.connect()
    return made


def ask(wire: http.client.HTTPConnection, server: Server, method: str, path: str, body, headers) -> str:
    wire.request(method, path, body, {**server.login, **headers})
    answer = wire.getresponse()
    answer.read()
    assert answer.status in {201, 204}, answer.status
    return answer.headers.get("Location", "")


def put(wire, server, session, content: bytes) -> None:
    ask(wire, server, "PUT", f"{PREFIX}/uploads/{session.id}?name=put.bin", content, {})


def resumable(wire, server, session, content: bytes, part: int) -> None:
    path = ask(wire, server, "POST", f"{PREFIX}/uploads/{session.id}", b"", creation(len(content)))
    for offset in range(0, len(content), part):
        piece = memoryview(content)[offset : offset + part]
        headers = {**VERSION, **PIECE, "Upload-Offset": str(offset)}
        ask(wire, server, "PATCH", path, piece, headers)


def speed(size: int, upload) -> float:
    def once() -> float:
        start = time.perf_counter()
        upload()
        return size / MIB / (time.perf_counter() - start)

    return statistics.median(once() for _ in range(ROUNDS))


def main() -> None:
    size = int(sys.argv[1] if len(sys.argv) > 1 else 256) * MIB
    content = os.urandom(size)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "home")
        server.start()
        session, wire = server.session(), connection(server)
        raw = speed(size, lambda: put(wire, server, session, content))
        print(f"PUT                {raw:7.0f} MiB/s")
        for part in (1, 4, 16, 64, size // MIB):
            found = speed(size, lambda part=part: resumable(wire, server, session, content, part * MIB))
            print(f"tus, parts {part:4} MiB {found:7.0f} MiB/s  {found / raw:.2f}")
        server.stop()


if __name__ == "__main__":
    main()
