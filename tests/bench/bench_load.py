"""Notebooks while many uploads run: `python tests/bench/bench_load.py [seconds] [uploads at once]`.

32 resumable uploads at once, of 1 to 64 MiB in parts of 4 MiB, from a process of their own; meanwhile a
kernel is asked for an echo, a notebook is saved and Jupyter is asked whether it is there, each in turn.
Prints the rate of the uploads together, and the median, the 99th of a hundred and the longest of each
answer in milliseconds; first of a server with nothing to do. The last PATCH of a file makes it one and is
counted by itself. Before and after: what the disk gives to as many plain threads that hash, write and
sync the same parts, since no server is faster than that.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import nbformat
import psutil
from api.kernels import Server, opened
from api.resuming import PIECE, VERSION, creation, metadata

MIB = 2**20
PART = 4 * MIB
QUIET_SECONDS = 5.0
PLAIN_SECONDS = 8.0


def uploading(port: int, token: str, address: str, seconds: float, count: int) -> None:
    """The process of the uploads: prints bytes, seconds, and the seconds of each PATCH as JSON."""
    block, stop = os.urandom(PART), time.monotonic() + seconds
    patches: list[float] = []
    last_patches: list[float] = []
    sent, lock = [0], threading.Lock()

    def work(number: int) -> None:
        dice = random.Random(number)
        wire = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        login = {"Authorization": f"token {token}"}

        def ask(method: str, path: str, body: Any, headers: dict[str, str]) -> str:
            wire.request(method, path, body, {**login, **headers})
            answer = wire.getresponse()
            answer.read()
            assert answer.status in {201, 204}, answer.status
            return answer.headers.get("Location", "")

        while time.monotonic() < stop:
            size = dice.randrange(MIB, 64 * MIB)
            said = creation(size, Upload_Metadata=metadata(filename=f"{number}.bin", on_conflict="replace"))
            path = ask("POST", address, b"", said)
            for offset in range(0, size, PART):
                piece = memoryview(block)[: min(PART, size - offset)]
                begun = time.monotonic()
                ask("PATCH", path, piece, {**VERSION, **PIECE, "Upload-Offset": str(offset)})
                with lock:
                    is_last = offset + len(piece) == size
                    (last_patches if is_last else patches).append(time.monotonic() - begun)
                    sent[0] += len(piece)
                if time.monotonic() > stop:
                    ask("DELETE", path, None, VERSION) if offset + len(piece) < size else None
                    break
        wire.close()

    took = beside(work, count)
    print(json.dumps({"bytes": sent[0], "seconds": took, "patches": patches, "last patches": last_patches}))


def beside(work: Callable[[int], object], count: int) -> float:
    """Does the work in so many threads at once; gives the seconds until all have ended."""
    begun = time.monotonic()
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - begun


def plain(folder: str, seconds: float, count: int) -> None:
    """The floor: the same sizes and parts by plain threads; prints what a part takes, and the rate."""
    block, stop = os.urandom(PART), time.monotonic() + seconds
    taken: list[float] = []
    sizes: list[int] = []

    def work(number: int) -> None:
        dice = random.Random(number)
        while time.monotonic() < stop:
            with tempfile.TemporaryFile(dir=folder) as file:
                size, digest = dice.randrange(MIB, 64 * MIB), hashlib.sha256()
                for offset in range(0, size, PART):
                    piece = memoryview(block)[: min(PART, size - offset)]
                    begun = time.monotonic()
                    digest.update(piece)
                    os.pwrite(file.fileno(), piece, offset)
                    os.fdatasync(file.fileno())
                    taken.append(time.monotonic() - begun)
                    sizes.append(len(piece))
                    if time.monotonic() > stop:
                        break

    took = beside(work, count)
    print(f"{count} plain writers, {sum(sizes) / 1e6 / took:.0f} MB/s together")
    told("a part of 4 MiB", taken)


def told(what: str, seconds: list[float]) -> None:
    """One line of figures."""
    found = sorted(seconds)
    middle, late = found[len(found) // 2], found[min(len(found) - 1, int(len(found) * 0.99))]
    figures = (f"{1000 * value:8.1f}" for value in (middle, late, found[-1]))
    print(f"  {what:28}{' '.join(figures)}  of {len(found)}")


class Asking:
    """Jupyter's own API over one connection, as a page has it."""

    def __init__(self, server: Server):
        self._wire = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        self._login, self._base = server.login, server.address("").removesuffix("workspace")

    def __call__(self, method: str, path: str, body: bytes | None = None) -> None:
        self._wire.request(method, f"{self._base}{path}", body, self._login)
        answer = self._wire.getresponse()
        answer.read()
        assert answer.status in {200, 201}, answer.status


def measured(server: Server, notebook: Any, is_over: Callable[[], bool]) -> None:
    """Asks in turn until it is over."""
    ask = Asking(server)
    content = json.loads(nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])))
    saved = json.dumps({"type": "notebook", "content": content}).encode()
    asked: dict[str, Callable[[], object]] = {
        "echo of a kernel": lambda: notebook.run("1"),
        "a notebook is saved": lambda: ask("PUT", "contents/load.ipynb", saved),
        "Jupyter answers": lambda: ask("GET", "status"),
    }
    taken: dict[str, list[float]] = {what: [] for what in asked}
    worked = psutil.Process(server.process.pid).cpu_times()
    start = time.monotonic()
    while not is_over():
        for what, question in asked.items():
            begun = time.monotonic()
            question()
            taken[what].append(time.monotonic() - begun)
    now, passed = psutil.Process(server.process.pid).cpu_times(), time.monotonic() - start
    print(f"  {'ms':28}{'median':>8} {'99 %':>8} {'longest':>8}")
    for what, seconds in taken.items():
        told(what, seconds)
    busy = now.user - worked.user + now.system - worked.system
    print(f"  the server used {busy / passed:.2f} processors of {os.cpu_count()}")


def main() -> None:
    if sys.argv[1:2] == ["uploads"]:
        port, token, address, seconds, count = sys.argv[2:]
        uploading(int(port), token, address, float(seconds), int(count))
        return
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 32
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        server = Server(Path(folder) / "home")
        server.start()
        plain(folder, PLAIN_SECONDS, count)
        server.api("PUT", "workspace/sessions/load", json={})
        with opened(server, "load.ipynb") as notebook:
            notebook.run("1")
            print("nothing else to do")
            quiet = time.monotonic() + QUIET_SECONDS
            measured(server, notebook, lambda: time.monotonic() > quiet)
            command = [sys.executable, __file__, "uploads", str(server.port), server.token]
            command += [server.address("/uploads/load"), str(seconds), str(count)]
            loading = subprocess.Popen(command, stdout=subprocess.PIPE)
            print(f"while {count} uploads run")
            measured(server, notebook, lambda: loading.poll() is not None)
            assert loading.stdout is not None
            found = json.loads(loading.stdout.read())
            loading.stdout.close()
            told("a PATCH of 4 MiB", found["patches"])
            told("the last PATCH of a file", found["last patches"])
            print(f"  {found['bytes'] / 1e6 / found['seconds']:.0f} MB/s together")
        plain(folder, PLAIN_SECONDS, count)
        server.stop()


if __name__ == "__main__":
    main()
