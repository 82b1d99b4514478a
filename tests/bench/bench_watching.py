"""Files that code writes: how soon each is known, how fast many are, and what a server costs at rest.

    python tests/bench/bench_watching.py [files] [queue]

queue: with `64`, the system's queue of file events is made that small for the run (`sysctl
fs.inotify.max_queued_events`, needs root), so that most of what happens is never heard of.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from threading import Event, Thread

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from api.running import BASE_URL, START_SECONDS, Server
from api.wire import head_of

QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")
SETTLE_SECONDS = 12
REST_SECONDS = 30
LATEST_SECONDS = 180


@contextlib.contextmanager
def small_queue(size):
    """The system's queue is that small for servers that start in the block; 0 leaves it as it is."""
    old = QUEUE.read_text()
    if size:
        QUEUE.write_text(str(size))
    try:
        yield
    finally:
        if size:
            QUEUE.write_text(old)


def following(session, after, count):
    """(paths in order, times) of the next events."""
    paths, times = [], []
    until = time.monotonic() + LATEST_SECONDS
    while len(paths) < count and time.monotonic() < until:
        page = session.poll(after=after, wait_seconds=10, limit=100).json()
        paths += [event["path"] for event in page["events"]]
        times += [time.monotonic()] * len(page["events"])
        after = page["next_cursor"]
    return paths, times


def single(session, pause):
    """Seconds from closing a file to its event; before each, nothing happens for a while."""
    took = []
    for number in range(8):
        time.sleep(pause + number * 0.13)
        after = session.poll(after=2**63 - 1).json()["next_cursor"]
        (session.folder / f"single-{pause}-{number}.txt").write_text(f"{pause} {number}")
        start = time.monotonic()
        took.append(following(session, after, 1)[1][0] - start)
    print(
        f"one file after {pause} s of rest: median {median(took):.2f}, worst {max(took):.2f} s (0.5 of it quiet)"
    )


def lags(server, stop, found):
    while not stop.wait(0.02):
        start = time.monotonic()
        server.call("GET", "/")
        found.append(time.monotonic() - start)


def many(server, session, count):
    after = session.poll(after=2**63 - 1).json()["next_cursor"]
    stop, found = Event(), []
    asking = Thread(target=lags, args=(server, stop, found))
    asking.start()
    start = time.monotonic()
    for number in range(count):
        folder = session.folder / f"many{number // 1000}"
        if not number % 1000:
            folder.mkdir()
        (folder / f"{number}.bin").write_bytes(b"%d" % number * 20)
    written = time.monotonic() - start
    paths, times = following(session, after, count)
    stop.set()
    asking.join()
    start_hash = time.monotonic()
    for path in session.folder.rglob("*.bin"):
        hashlib.sha256(path.read_bytes()).digest()
    hashing = time.monotonic() - start_hash
    found.sort()
    print(
        f"{count} files: written in {written:.1f} s, hashed by one thread in {hashing:.1f} s, {len(set(paths))} known, "
        f"{len(paths) - len(set(paths))} twice, the last {times[-1] - start:.1f} s after the first was written; "
        f"other requests p50 {found[len(found) // 2] * 1000:.0f}, p99 {found[int(len(found) * 0.99)] * 1000:.0f} ms"
    )


class Bare(Server):
    """A Jupyter server without us."""

    def _wait(self):
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            with contextlib.suppress(OSError), self.wire(5) as wire:
                wire.send(head_of("GET", f"{BASE_URL}api", self.port, [("Connection", "close")]))
                if wire.answer().status == 200:
                    return
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())


def switches(process):
    """How often each thread has gone to sleep so far; the first is that of the event loop."""
    found = {}
    for thread in sorted(Path(f"/proc/{process.pid}/task").iterdir(), key=lambda path: int(path.name)):
        text = (thread / "status").read_text()
        found[thread.name] = int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.MULTILINE)[1])
    return found


def rest(server):
    """What a server costs that nobody talks to: (loop's wake-ups/s, all threads', share of a core, MiB)."""
    process = psutil.Process(server.process.pid)
    time.sleep(SETTLE_SECONDS)
    before, cpu = switches(process), sum(process.cpu_times()[:2])
    time.sleep(REST_SECONDS)
    after = switches(process)
    each = [(after[thread] - before.get(thread, 0)) / REST_SECONDS for thread in after]
    used = (sum(process.cpu_times()[:2]) - cpu) / REST_SECONDS
    return each[0], sum(each), used, process.memory_info().rss / 2**20


KINDS = {
    "without us": (Bare, {"ServerApp.jpserver_extensions": '{"jupyter_workspace": False}'}),
    "without watching": (Server, {"JupyterWorkspace.watch": False}),
    "with watching": (Server, {}),
}


def main(count, queue):
    with tempfile.TemporaryDirectory() as home, small_queue(queue):
        for name, (kind, options) in KINDS.items():
            server = kind(Path(home) / name, **options)
            server.start()
            try:
                session = None if kind is Bare else server.session()
                loop, threads, used, memory = rest(server)
                print(
                    f"at rest, {name}: the loop wakes up {loop:.2f} times/s, all threads {threads:.2f}; "
                    f"{used:.2%} of a core, {memory:.1f} MiB"
                )
                if not options:
                    single(session, 0.2)
                    single(session, 5)
                    many(server, session, count)
            finally:
                server.stop()


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*(given + [10_000, 0][len(given) :]))
