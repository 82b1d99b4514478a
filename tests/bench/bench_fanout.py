"""A thousand readers of one session: how soon each has an event, whether any was lost, what they cost.

    python tests/bench/bench_fanout.py [readers] [seconds]

Nine readers in twenty are event streams, as many are WebSockets, the rest are long polls. Five files a
second are uploaded, then bursts of twenty in one request. The server's own event socket
(`/api/events/subscribe`) is measured with as many readers in the same run. Times are from the event's own
time stamp, which is taken before the commit and its syncs, to the reader's process on the same machine;
for the server's socket, where nothing is kept, from the call that emits. The spread is the time from the
first reader that has an event to the last.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from api.running import BASE_URL, Server
from api.wire import file_part

SEQUENCE = re.compile(rb'"sequence":(\d+),"event_id"')
STAMP = re.compile(rb'"timestamp":([0-9.]+)')
CURSOR = re.compile(rb'"next_cursor":(\d+)')
BURSTS = 10
BURST = 20
RATE = 5
SCHEMA = "https://events.jupyter-workspace.dev/artifact/v1"


class Reader:
    """One reader: what it got, and how long after each event."""

    def __init__(self, server, session_id):
        self.server = server
        self.path = server.address(f"/sessions/{session_id}")
        self.sequences = []
        self.delays = []
        self.ready = asyncio.Event()
        self.more = asyncio.Event()
        self.writer = None

    def note(self, data):
        now = time.time()
        stamps = STAMP.findall(data)
        for sequence, stamp in zip(SEQUENCE.findall(data), stamps, strict=True):
            self.sequences.append(int(sequence))
            self.delays.append(now - float(stamp))
        self.more.set()

    async def open(self, target, **headers):
        reader, self.writer = await asyncio.open_connection("127.0.0.1", self.server.port, limit=2**22)
        lines = [f"GET {target} HTTP/1.1", f"Host: 127.0.0.1:{self.server.port}"]
        lines += [
            f"{name.replace('_', '-')}: {value}" for name, value in {**self.server.login, **headers}.items()
        ]
        self.writer.write("\r\n".join([*lines, "", ""]).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if head[9:12] not in {b"200", b"101"}:
            raise AssertionError(head)
        return reader, head

    async def run(self):
        raise NotImplementedError

    def close(self):
        if self.writer is not None:
            self.writer.close()


class StreamReader(Reader):
    async def run(self):
        reader, _ = await self.open(f"{self.path}/artifact-events", Accept="text/event-stream")
        self.ready.set()
        while True:
            size = int(await reader.readline(), 16)
            chunk = await reader.readexactly(size + 2)
            if not size:
                return
            self.note(chunk)


class SocketReader(Reader):
    async def run(self):
        key = base64.b64encode(os.urandom(16)).decode()
        reader, _ = await self.open(
            self.target,
            Upgrade="websocket",
            Connection="Upgrade",
            Sec_WebSocket_Key=key,
            Sec_WebSocket_Version="13",
        )
        self.ready.set()
        while True:
            self.note(await frame(reader))

    @property
    def target(self):
        return f"{self.path}/subscribe?after=0"


class PollReader(Reader):
    async def run(self):
        cursor = 0
        reader = None
        while True:
            target = f"{self.path}/artifact-events?after={cursor}&limit=100&wait_seconds=60"
            reader, head = await self.open(target) if reader is None else await self.again(reader, target)
            self.ready.set()
            body = await reader.readexactly(int(re.search(rb"Content-Length: (\d+)", head)[1]))
            self.note(body)
            cursor = int(CURSOR.search(body)[1])

    async def again(self, reader, target):
        self.ready.set()
        lines = [f"GET {target} HTTP/1.1", f"Host: 127.0.0.1:{self.server.port}"]
        lines += [f"{name}: {value}" for name, value in self.server.login.items()]
        self.writer.write("\r\n".join([*lines, "", ""]).encode())
        return reader, await reader.readuntil(b"\r\n\r\n")


class BusReader(SocketReader):
    """A reader of the server's own event socket."""

    @property
    def target(self):
        return f"{BASE_URL}api/events/subscribe"

    def note(self, data):
        if b'"bench"' in data:
            message = json.loads(data)
            self.sequences.append(message["sequence"])
            self.delays.append(time.time() - message["timestamp"])
            self.more.set()


async def frame(reader):
    """The payload of the next frame; the server's are not masked (RFC 6455, 5.1)."""
    _, size = await reader.readexactly(2)
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2), "big")
    elif size == 127:
        size = int.from_bytes(await reader.readexactly(8), "big")
    return await reader.readexactly(size)


async def opened(readers):
    tasks = [asyncio.create_task(reader.run()) for reader in readers]
    for start in range(0, len(readers), 50):
        await asyncio.gather(
            *(one.ready.wait() for one in readers[start : start + 50] if not isinstance(one, PollReader))
        )
    await asyncio.sleep(1)
    return tasks


async def closed(readers, tasks):
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for reader in readers:
        reader.close()


def at(values, share):
    values = sorted(values)
    return values[min(int(len(values) * share), len(values) - 1)] * 1000


def told(name, readers, total, since=0):
    delays = [delay for reader in readers for delay in reader.delays[since:]]
    lost = sum(total - len(set(reader.sequences)) for reader in readers)
    doubled = sum(len(reader.sequences) - len(set(reader.sequences)) for reader in readers)
    disordered = sum(reader.sequences != sorted(reader.sequences) for reader in readers)
    print(
        f"{name:22} {len(readers):5} readers {total:5} events  lost {lost}  doubled {doubled}  disordered {disordered}"
        f"  p50 {at(delays, 0.5):6.1f}  p99 {at(delays, 0.99):6.1f}  max {at(delays, 1):6.1f} ms"
    )
    return at(delays, 0.5), at(delays, 0.99)


def spread(readers):
    """For each event, milliseconds from the first reader that has it to the last."""
    by_event = {}
    for reader in readers:
        for sequence, delay in zip(reader.sequences, reader.delays, strict=True):
            by_event.setdefault(sequence, []).append(delay)
    spreads = [max(delays) - min(delays) for delays in by_event.values()]
    print(f"{'':22} first to last reader: median {at(spreads, 0.5):.1f}, p99 {at(spreads, 0.99):.1f} ms")
    return at(spreads, 0.5)


async def all_have(readers, total):
    until = time.monotonic() + 20
    for reader in readers:
        while len(reader.sequences) < total and time.monotonic() < until:
            reader.more.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.more.wait(), max(until - time.monotonic(), 0))


async def main(count, seconds):
    with tempfile.TemporaryDirectory() as home:
        server = Server(Path(home) / "home")
        server.start()
        try:
            await measure(server, count, seconds)
        finally:
            server.stop()


async def measure(server, count, seconds):
    session = await asyncio.to_thread(server.session)
    process = psutil.Process(server.process.pid)
    kinds = [StreamReader] * (count * 9 // 20) + [SocketReader] * (count * 9 // 20)
    kinds += [PollReader] * (count - len(kinds))
    before = process.memory_info().rss
    readers = [kind(server, session.id) for kind in kinds]
    tasks = await opened(readers)
    each = (process.memory_info().rss - before) / count / 1024
    total = 0
    used = process.cpu_times()
    began = time.monotonic()
    for number in range(seconds * RATE):
        await asyncio.to_thread(session.saved, f"{number}.txt")
        total += 1
        await asyncio.sleep(max(0, began + (number + 1) / RATE - time.monotonic()))
    await all_have(readers, total)
    spent = process.cpu_times().user + process.cpu_times().system - used.user - used.system
    print(
        f"memory of a reader: {each:.1f} KiB; processor time: {spent / (time.monotonic() - began):.0%} of a core"
    )
    for kind in (StreamReader, SocketReader, PollReader):
        told(f"{kind.__name__}, {RATE}/s", [one for one in readers if type(one) is kind], total)
    ours = told(f"all, {RATE}/s", readers, total)
    fanned = spread(readers)
    last = await in_bursts(session, readers, total)
    total += BURSTS * BURST
    told("all, bursts of 20", readers, total, since=seconds * RATE)
    print(f"publish to last reader, bursts of {BURST}: median {median(last):.0f}, worst {max(last):.0f} ms")
    await closed(readers, tasks)
    theirs, peered = await peer(server, count, seconds)
    print(
        f"ratio to the server's own event socket: p50 {ours[0] / theirs[0]:.2f}, p99 {ours[1] / theirs[1]:.2f}, spread {fanned / peered:.2f}"
    )


async def in_bursts(session, readers, total):
    """For each burst, milliseconds from its events' time to the last reader's last event."""
    last = []
    for burst in range(BURSTS):
        parts = [file_part(b"x", f"burst{burst}-{number}.txt", field="files") for number in range(BURST)]
        await asyncio.to_thread(session.post, *parts)
        total += BURST
        await all_have(readers, total)
        last.append(max(max(reader.delays[-BURST:]) for reader in readers) * 1000)
        await asyncio.sleep(0.5)
    return last


async def peer(server, count, seconds):
    readers = [BusReader(server, "") for _ in range(count)]
    tasks = await opened(readers)
    event = {
        "event_id": "evt_x", "change_type": "created", "session_id": "bench", "artifact_id": "a", "attachment_id": "a",
        "node_id": None, "kind": "artifact", "source": "upload", "name": "a.txt", "path": "a.txt", "size": 1,
        "mime": "text/plain", "hash": None, "provenance": None,
    }  # fmt: skip
    began = time.monotonic()
    for number in range(1, seconds * RATE + 1):
        data = {**event, "sequence": number, "timestamp": time.time()}
        body = json.dumps({"schema_id": SCHEMA, "version": "1", "data": data}).encode()
        headers = {**server.login, "Content-Type": "application/json"}
        answer = await asyncio.to_thread(server.request, "POST", "api/events", body, headers)
        if answer.status != 204:
            raise AssertionError(answer)
        await asyncio.sleep(max(0, began + number / RATE - time.monotonic()))
    await all_have(readers, seconds * RATE)
    found = told("/api/events/subscribe", readers, seconds * RATE)
    spreads = spread(readers)
    await closed(readers, tasks)
    return found, spreads


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    asyncio.run(main(*(given + [1000, 20][len(given) :])))
