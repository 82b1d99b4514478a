"""Readers that are cut off and come back, while the server is killed and started again: counts must be equal.

    python tests/bench/soak_readers.py [reconnections] [server kills]

Each reader reads a little, is cut off without a word (RST), and resumes with its cursor; a third are event
streams, a third sockets, a third polls. Meanwhile files are uploaded and written into the folder. At the
end every reader must have every event once, in order, and the log must have no gap.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import socket
import struct
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from api.running import Server
from bench_fanout import CURSOR, SEQUENCE, PollReader, SocketReader, StreamReader

READERS = 30
LONGEST = 0.5
END_SECONDS = 60


class Patient:
    """A reader that comes back; `kind` is how it reads, anew each time."""

    def __init__(self, kind, server, session_id):
        self.kind = kind
        self.server = server
        self.session_id = session_id
        self.sequences = []
        self.cuts = 0
        self.resets = 0

    @property
    def cursor(self):
        return self.sequences[-1] if self.sequences else 0

    async def once(self, seconds):
        """Reads for so long, then lets go; False when there was no server to read from."""
        reading = self.kind(self.server, self.session_id, self)
        with contextlib.suppress(TimeoutError, OSError, EOFError, AssertionError, ValueError):
            async with asyncio.timeout(seconds):
                await reading.run()
        if reading.writer is None:
            await asyncio.sleep(0.1)
            return False
        if reading.ready.is_set():
            # No polite end: the server finds out when it writes.
            linger = struct.pack("ii", 1, 0)
            with contextlib.suppress(OSError):
                reading.writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, linger
                )
        reading.writer.transport.abort()
        return reading.ready.is_set()


class _Resuming:
    """Makes a reader of the benchmark begin at a cursor and report to whoever owns it."""

    def __init__(self, server, session_id, owner):
        super().__init__(server, session_id)
        self.owner = owner

    def note(self, data):
        if b"reset" in data and (
            b'"reset":true' in data or b'"type":"reset"' in data or b"event: reset" in data
        ):
            self.owner.resets += 1
        self.owner.sequences += [int(found) for found in SEQUENCE.findall(data)]


class Streams(_Resuming, StreamReader):
    async def open(self, target, **headers):
        return await super().open(target, **headers, Last_Event_ID=str(self.owner.cursor))


class Sockets(_Resuming, SocketReader):
    @property
    def target(self):
        return f"{self.path}/subscribe?after={self.owner.cursor}"


class Polls(_Resuming, PollReader):
    async def run(self):
        while True:
            reader, head = await self.open(
                f"{self.path}/artifact-events?after={self.owner.cursor}&limit=100&wait_seconds=60",
                Connection="close",
            )
            self.ready.set()
            body = await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
            if CURSOR.search(body):
                self.note(body)


async def write(session, stop):
    """Uploads, and files of code."""
    for number in itertools.count():
        if stop.is_set():
            return
        name = f"{number:05}.txt"
        if number % 3:
            (session.folder / name).write_text(name)
        else:
            with contextlib.suppress(OSError, AssertionError, ValueError):
                await asyncio.to_thread(session.saved, name, name.encode())
        await asyncio.sleep(0.05)


async def read(patient, chance, goal, cuts, stop):
    while not stop.is_set():
        if await patient.once(chance.uniform(0.02, LONGEST)):
            patient.cuts += 1
            if next(cuts) >= goal:
                stop.set()


async def kill(server, times, stop):
    done = 0
    while done < times and not stop.is_set():
        await asyncio.sleep(6)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        done += 1
    return done


async def main(goal, kills):
    with tempfile.TemporaryDirectory() as home:
        server = Server(Path(home) / "home")
        server.start()
        try:
            await soak(server, goal, kills)
        finally:
            server.stop()


async def soak(server, goal, kills):
    session = await asyncio.to_thread(server.session)
    chance = random.Random(4)
    kinds = itertools.cycle([Streams, Sockets, Polls])
    patients = [Patient(next(kinds), server, session.id) for _ in range(READERS)]
    cuts, stop = itertools.count(1), asyncio.Event()
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        group.create_task(write(session, stop))
        killing = group.create_task(kill(server, kills, stop))
        for patient in patients:
            group.create_task(read(patient, chance, goal, cuts, stop))
    await asyncio.to_thread(session.call, "POST", "/scan")
    await asyncio.sleep(2)
    last = (await asyncio.to_thread(session.call, "GET", "/artifact-events?after=9223372036854775807")).json()
    total = last["next_cursor"]
    until = time.monotonic() + END_SECONDS
    for patient in patients:
        while patient.cursor < total and time.monotonic() < until:
            await patient.once(2)
    told(patients, total, time.monotonic() - began, killing.result())
    listed = len(session.files(limit=1000)) if total <= 1000 else None
    on_disk = len(session.names())
    print(json.dumps({"listed": listed, "on_disk": on_disk, "events": total}))


def told(patients, total, seconds, killed):
    wanted = list(range(1, total + 1))
    wrong = [patient for patient in patients if patient.sequences != wanted]
    cuts = sum(patient.cuts for patient in patients)
    print(
        f"{total} events, {len(patients)} readers, {cuts} readers cut off, {killed} servers killed, {seconds:.0f} s: "
        f"{len(patients) - len(wrong)} readers have each event once and in order, "
        f"{sum(patient.resets for patient in patients)} resets"
    )
    for patient in wrong:
        missing = sorted(set(wanted) - set(patient.sequences))
        print(f"  {patient.kind.__name__}: {len(patient.sequences)} events, missing {missing[:10]}")


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    asyncio.run(main(*(given + [2000, 5][len(given) :])))
