"""One very large file through tus: how fast it comes, and how much memory that takes.

    python tests/bench/bench_large.py [GiB] [MiB of a part]

A real server; the content is made while it is sent, no two blocks alike. Prints MiB/s, the server's peak
over idle in MiB, and whether the digest is that of what was sent. Takes less where the disk has no room.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from api.resuming import PIECE, PREFIX, VERSION, creation, metadata
from api.running import Server

MIB = 2**20
GIB = 2**30
BLOCK = 4 * MIB
#: Left free on the disk.
HEADROOM = 4 * GIB


class Source:
    """Bytes that are made while they are sent; `digest` is of those that were."""

    def __init__(self):
        self.digest = hashlib.sha256()
        self._noise = bytearray(os.urandom(BLOCK))
        self._number = 0

    def part(self, size: int):
        """The next bytes, in blocks."""
        while size:
            count = min(BLOCK, size)
            self._number += 1
            self._noise[:8] = self._number.to_bytes(8, "big")
            block = bytes(memoryview(self._noise)[:count])
            # The digest of a block is made while the block is sent.
            hashing = threading.Thread(target=self.digest.update, args=(block,))
            hashing.start()
            yield block
            hashing.join()
            size -= count


def memory(server: Server, field: str) -> int:
    """VmRSS or VmHWM of the server, in bytes."""
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def ask(wire: http.client.HTTPConnection, server: Server, method: str, path: str, body, headers) -> str:
    wire.request(method, path, body, {**server.login, **headers})
    answer = wire.getresponse()
    content = answer.read()
    assert answer.status in {200, 201, 204}, (answer.status, content)
    return answer.headers.get("Location") or answer.headers.get("Upload-Attachment-Id") or content.decode()


def upload(server: Server, session: str, source: Source, size: int, part: int) -> str:
    """The id of the file."""
    wire = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    said = creation(size, Upload_Metadata=metadata(filename="large.bin"))
    path = ask(wire, server, "POST", f"{PREFIX}/uploads/{session}", b"", said)
    told = ""
    for offset in range(0, size, part):
        count = min(part, size - offset)
        headers = {**VERSION, **PIECE, "Upload-Offset": str(offset), "Content-Length": str(count)}
        told = ask(wire, server, "PATCH", path, source.part(count), headers)
    while not told:
        record = server.call("GET", path.removeprefix(PREFIX)).json()
        told = record.get("attachment_id", "")
        time.sleep(0.2)
    wire.close()
    return told


def main() -> None:
    wanted = int(float(sys.argv[1] if len(sys.argv) > 1 else 4) * GIB)
    part = int(sys.argv[2] if len(sys.argv) > 2 else 64) * MIB
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        size = min(wanted, shutil.disk_usage(folder).free - HEADROOM)
        if size < wanted:
            print(f"the disk has room for {size / GIB:.1f} GiB only")
        server = Server(Path(folder) / "home")
        server.start()
        session = server.session()
        upload(server, session.id, Source(), part, part)
        idle = memory(server, "VmRSS")
        Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
        source, start = Source(), time.perf_counter()
        attachment_id = upload(server, session.id, source, size, part)
        took = time.perf_counter() - start
        peak = memory(server, "VmHWM")
        record = session.file(attachment_id).json()
        assert record["size"] == size
        assert record["sha256"] == source.digest.hexdigest()
        print(
            f"{size / GIB:.1f} GiB in parts of {part // MIB} MiB: {size / MIB / took:.0f} MiB/s, "
            f"{(peak - idle) / MIB:.1f} MiB above {idle / MIB:.0f} MiB idle, digest equal"
        )
        server.stop()


if __name__ == "__main__":
    main()
