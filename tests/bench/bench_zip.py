"""The zip of very many files and of one very large: how fast it comes, and who can read it.

    python tests/bench/bench_zip.py [files] [GiB of the large one]

A real server and a session of 70,000 files and one of 4.1 GiB unless told otherwise (`BENCH_FOLDER` says
where). Prints what the scan and the download took, the server's peak over idle in MiB, whether the
second half, asked for by Range, is that of the whole, and what each reader on this machine says of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from api.running import BASE_URL, Server, Session
from bench_large import memory

MIB = 2**20
GIB = 2**30
#: A zip has 16 bits for the number of its members and 32 for their sizes (APPNOTE 4.4.1.4).
FILES, LARGE = 70_000, 4.1
FOLDERS = 100
#: The manifest, too, is a member.
OTHERS = 1
READERS = (["unzip", "-tqq"], ["7z", "t", "-bso0", "-bsp0"], [sys.executable, "-m", "zipfile", "-t"])


def fill(folder: Path, count: int, size: int) -> None:
    """Many small files, and a sparse one of that size with something at both ends."""
    for number in range(count):
        place = folder / f"many/{number % FOLDERS:02}"
        if number < FOLDERS:
            place.mkdir(parents=True)
        (place / f"{number:06}.txt").write_text(f"{number}\n")
    with (folder / "large.bin").open("wb") as large:
        large.write(b"begin")
        large.seek(size - 3)
        large.write(b"end")


@contextlib.contextmanager
def asked(session: Session, method: str, tail: str, **headers: str) -> Iterator[http.client.HTTPResponse]:
    """The answer to a request that may take long."""
    server = session.server
    wire = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    path = f"{BASE_URL}api/workspace/sessions/{session.id}{tail}"
    wire.request(method, path, headers={**server.login, **headers})
    answer = wire.getresponse()
    assert answer.status in {200, 206}, answer.read()
    yield answer
    wire.close()


def scanned(session: Session) -> float:
    """Seconds until all that stands in the folder is known."""
    began = time.perf_counter()
    with asked(session, "POST", "/scan", **{"Content-Length": "0"}) as answer:
        assert not json.load(answer)["truncated"]
    return time.perf_counter() - began


def download(session: Session, target: Path, start: int = 0) -> tuple[int, float]:
    """Writes the zip from that byte on; gives its bytes and the seconds."""
    began = time.perf_counter()
    with asked(session, "GET", "/download", Range=f"bytes={start}-") as answer, target.open("wb") as file:
        assert answer.status == 206
        shutil.copyfileobj(answer, file, MIB)
    assert target.stat().st_size == int(answer.headers["Content-Length"])
    return target.stat().st_size, time.perf_counter() - began


def digest(path: Path, start: int = 0) -> str:
    with path.open("rb") as file:
        file.seek(start)
        return hashlib.file_digest(file, "sha256").hexdigest()


def read(path: Path, members: int) -> None:
    """Has each reader of this machine test the whole; raises when one does not like it."""
    with zipfile.ZipFile(path) as archive:
        assert len([name for name in archive.namelist() if not name.endswith("/")]) == members
    for command in READERS:
        if shutil.which(command[0]) is None:
            print(f"{command[0]}: not installed")
            continue
        began = time.perf_counter()
        subprocess.run([*command, str(path)], check=True)
        print(f"{Path(command[0]).name}: accepted in {time.perf_counter() - began:.0f} s")


def measure(folder: Path, count: int, size: int) -> None:
    server = Server(folder / "home")
    server.start()
    try:
        session = server.session()
        fill(session.folder, count, size)
        print(f"{count} files and one of {size / GIB:.1f} GiB: scanned in {scanned(session):.0f} s")
        idle = memory(server, "VmRSS")
        Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
        whole, took = download(session, folder / "whole.zip")
        above = (memory(server, "VmHWM") - idle) / MIB
        print(
            f"{whole} bytes: {whole / MIB / took:.0f} MiB/s, {above:.1f} MiB above {idle / MIB:.0f} MiB idle"
        )
        download(session, folder / "half.zip", whole // 2)
        assert digest(folder / "half.zip") == digest(folder / "whole.zip", whole // 2)
        print("the second half by Range is that of the whole")
        (folder / "half.zip").unlink()
    finally:
        server.stop()
    read(folder / "whole.zip", count + 1 + OTHERS)


def main() -> None:
    count = int(sys.argv[1] if len(sys.argv) > 1 else FILES)
    size = int(float(sys.argv[2] if len(sys.argv) > 2 else LARGE) * GIB)
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        measure(Path(folder), count, size)


if __name__ == "__main__":
    main()
