"""Uploads and downloads beside what people have today, in turn and in one run: only the ratios count.

    python tests/bench/bench_transfers.py [MiB] [rounds]

A real Jupyter server with our extension; nginx (Debian's, if it is there) for raw PUT and sendfile; the
contents API in JupyterLab's pieces of 1 MiB; jupyter_server's own /files; jupyter-archive if it is
installed. Every figure is the median of the rounds, in seconds, and beside it the ratio to ours.

Uploads end on the disk, on every side: what the peers leave in memory is synced for them. What that
alone costs stands apart ("the disk alone"): where it is the larger part, it is the disk that is measured.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "for-the-bench"
BLOCK = os.urandom(4 << 20)
JUPYTERLAB_CHUNK = 1 << 20
SMALL_FILES = 500
SMALL = 64 << 10


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Jupyter:
    """A real server on a free port."""

    def __init__(self, folder: Path) -> None:
        self.port, self.root = free_port(), folder / "root"
        self.root.mkdir()
        dirs = {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser"),
                *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0"),
                f"--ServerApp.root_dir={self.root}",
                "--ServerApp.jpserver_extensions={'jupyter_workspace': True}",
                "--ServerApp.log_level=ERROR",
            ],
            env={**os.environ, **dirs, "HOME": str(folder), "JUPYTER_TOKEN": TOKEN},
            stderr=subprocess.DEVNULL,
        )
        for _ in range(600):
            with suppress(OSError):
                if self.ask("PUT", "/api/workspace/sessions/bench", b"{}")[0] in {200, 201}:
                    return
            time.sleep(0.1)
        raise RuntimeError("the server did not start")

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        connection.request(method, path, body, {"Authorization": f"token {TOKEN}"})
        answer = connection.getresponse()
        result = answer.status, answer.read()
        connection.close()
        return result

    def memory(self, field: str) -> int:
        """MiB of VmRSS or VmHWM."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) >> 10
        return 0


def put(port: int, target: str, blocks: int) -> None:
    """A raw PUT over a plain socket, so that the client costs as little as it can."""
    with socket.create_connection(("127.0.0.1", port)) as wire:
        head = f"PUT {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: token {TOKEN}\r\n"
        wire.sendall(f"{head}Content-Length: {blocks * len(BLOCK)}\r\n\r\n".encode())
        for _ in range(blocks):
            wire.sendall(BLOCK)
        answer = wire.recv(64)
    if b" 20" not in answer:
        raise RuntimeError(answer)


def get(port: int, target: str) -> int:
    """The number of bytes of an answer, read as fast as they come."""
    buffer, size = bytearray(1 << 20), 0
    with socket.create_connection(("127.0.0.1", port)) as wire:
        head = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: token {TOKEN}\r\n"
        wire.sendall(f"{head}Connection: close\r\n\r\n".encode())
        while count := wire.recv_into(buffer):
            size += count
    return size


def nginx(folder: Path) -> tuple[int, subprocess.Popen[bytes]] | None:
    """nginx with PUT and sendfile, without a log; None where it is not installed."""
    program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if program is None:
        return None
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(
        f"user root; daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log /dev/null;\n"
        f"events {{}} http {{ access_log off; client_max_body_size 0; sendfile on;\n"
        f"client_body_temp_path {folder}/body; server {{ listen 127.0.0.1:{port}; root {folder}/root;\n"
        f"location / {{ dav_methods PUT; create_full_put_path on; }} }} }}\n"
    )
    process = subprocess.Popen([program, "-c", str(config), "-p", str(folder)], stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    return port, process


def by_contents_api(server: Jupyter, blocks: int) -> None:
    """As JupyterLab uploads: base64 in JSON, 1 MiB a request."""
    count = blocks * len(BLOCK) // JUPYTERLAB_CHUNK
    piece = base64.b64encode(BLOCK[:JUPYTERLAB_CHUNK]).decode()
    for number in range(1, count + 1):
        chunk = -1 if number == count else number
        body = {"type": "file", "format": "base64", "name": "lab.bin", "content": piece, "chunk": chunk}
        server.ask("PUT", "/api/contents/lab.bin", json.dumps(body).encode())
    synced(server.root / "lab.bin")


def by_nobody(path: Path, blocks: int) -> None:
    """The bytes written from memory and synced, and no more."""
    with path.open("wb", buffering=0) as file:
        for _ in range(blocks):
            file.write(BLOCK)
        os.fsync(file.fileno())
    path.unlink()


def small_files(server: Jupyter, ask: Callable[[http.client.HTTPConnection, int], None]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    for number in range(SMALL_FILES):
        ask(connection, number)
        connection.getresponse().read()
    connection.close()


def put_small(connection: http.client.HTTPConnection, number: int) -> None:
    path = f"/api/workspace/uploads/bench?name=s{number}.bin&on_conflict=replace"
    connection.request("PUT", path, BLOCK[:SMALL], {"Authorization": f"token {TOKEN}"})


def contents_small(connection: http.client.HTTPConnection, number: int) -> None:
    content = base64.b64encode(BLOCK[:SMALL]).decode()
    body = json.dumps({"type": "file", "format": "base64", "content": content})
    connection.request("PUT", f"/api/contents/c{number}.bin", body, {"Authorization": f"token {TOKEN}"})


def hashed(path: Path) -> None:
    with path.open("rb") as file:
        hashlib.file_digest(file, "sha256")


def synced(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def cases(server: Jupyter, web: int | None, folder: Path, blocks: int) -> dict[str, Callable[[], object]]:
    ours = "/api/workspace/uploads/bench?name=big.bin&on_conflict=replace"
    found: dict[str, Callable[[], object]] = {"upload": lambda: put(server.port, ours, blocks)}
    found["upload, the disk alone"] = lambda: by_nobody(folder / "root" / "disk.bin", blocks)
    if web is not None:
        target = folder / "root" / "nginx.bin"

        def by_nginx() -> None:
            put(web, "/nginx.bin", blocks)
            hashed(target)
            synced(target)

        found["upload, nginx PUT then sha256 and fsync"] = by_nginx
    found["upload, contents API (a quarter of the size, x 4)"] = lambda: by_contents_api(server, blocks // 4)
    found["download"] = lambda: get(
        server.port, "/api/workspace/files/download?path=bench/attachments/big.bin"
    )
    found["download, jupyter_server /files"] = lambda: get(
        server.port, "/files/workspace/bench/attachments/big.bin"
    )
    if web is not None:
        found["download, nginx sendfile"] = lambda: get(web, "/workspace/bench/attachments/big.bin")
    found["zip"] = lambda: get(server.port, "/api/workspace/files/download?path=bench/attachments")
    if server.ask("GET", "/directories/workspace?archiveToken=0&archiveFormat=zip")[0] in {200, 206}:
        path = "/directories/workspace/bench/attachments?archiveToken=0&archiveFormat=zip"
        found["zip, jupyter-archive"] = lambda: get(server.port, path)
    found["small files"] = lambda: small_files(server, put_small)
    found["small files, contents API"] = lambda: small_files(server, contents_small)
    return found


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 512
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    blocks = max(size // 4, 4)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = Jupyter(folder)
        web = nginx(folder)
        try:
            idle = server.memory("VmRSS")
            seconds: dict[str, list[float]] = {}
            for _ in range(rounds):
                for case, run in cases(server, web[0] if web else None, folder, blocks).items():
                    began = time.perf_counter()
                    run()
                    scale = 4 if "x 4" in case else 1
                    seconds.setdefault(case, []).append((time.perf_counter() - began) * scale)
            print(f"{blocks * 4} MiB, {SMALL_FILES} small files of 64 KiB, medians of {rounds}")
            base = 1.0
            for case, found in seconds.items():
                middle = median(found)
                base = base if "," in case else middle
                print(f"{middle:8.2f} s  {middle / base:6.2f} x  {case}")
            print(f"memory: idle {idle} MiB, peak {server.memory('VmHWM')} MiB")
        finally:
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(20)
            if web:
                web[1].terminate()
                web[1].wait(10)


if __name__ == "__main__":
    main()
