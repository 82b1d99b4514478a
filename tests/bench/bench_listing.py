"""A session of very many files: when a server answers, when it knows them all, and how fast they are listed.

    python tests/bench/bench_listing.py [files]

The files are written while no server runs. Then, in one run: seconds until a listing is answered, until every
file is known (and until the service answers after the next start); a folder's pages beside the contents API
of Jupyter for the same folder; the list of files by cursor while uploads come in. Times are in milliseconds.
"""

from __future__ import annotations

import http.client
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil
from api.running import BASE_URL, Server

PAGE = 100
ROUNDS = 30
PATIENCE_SECONDS = 600


class Asking:
    """One connection to a server, as a page of the browser has it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._wire = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)

    def __call__(self, path: str, method: str = "GET", body: bytes | None = None) -> Any:
        """The JSON of an answer; `path` is under the API unless it begins with the server's base."""
        target = path if path.startswith(BASE_URL) else self._server.address(path)
        self._wire.request(method, target, body, self._server.login)
        answer = self._wire.getresponse()
        content = answer.read()
        assert answer.status in {200, 201}, (path, answer.status, content[:500])
        return json.loads(content)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.monotonic()
    result = work()
    return time.monotonic() - begun, result


def told(what: str, seconds: list[float]) -> None:
    """One line of figures."""
    found = sorted(seconds)
    late = found[min(len(found) - 1, int(len(found) * 0.99))]
    figures = " ".join(f"{1000 * value:9.1f}" for value in (median(found), late, found[-1]))
    print(f"  {what:38}{figures}  of {len(found)}")


def heading(text: str) -> None:
    print(f"{text}\n  {'':38}{'median':>9} {'99 %':>9} {'longest':>9}")


class Early(Server):
    """A server that is started when its first answer comes, however much it has still to do."""

    def _wait(self) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            with suppress(OSError, http.client.HTTPException, AssertionError):
                Asking(self)("/sessions")
                return
            time.sleep(0.02)
        raise AssertionError(self.log.read_text())


def started(server: Server, address: str, is_over: Callable[[Any], bool]) -> None:
    """A listing is asked for from the start of the process until the answer shows that it is over."""
    begun = time.monotonic()
    server.start()
    ask = Asking(server)
    seconds, page = timed(lambda: ask(address))
    print(f"  first listing answered {time.monotonic() - begun:.1f} s after the start of the process")
    listings = [seconds]
    while not is_over(page) and time.monotonic() - begun < PATIENCE_SECONDS:
        time.sleep(0.1)
        seconds, page = timed(lambda: ask(address))
        listings.append(seconds)
    while ask("/")["status"] == "rebuilding":
        time.sleep(0.1)
    print(f"  {page['total']} known and all in order after {time.monotonic() - begun:.1f} s")
    heading("  listings meanwhile")
    told(f"a page of {PAGE}", listings)


def begins(server: Server, session_id: str, count: int) -> None:
    """From the start of the process until all files are known; first they are new to it, then not."""
    address = f"/sessions/{session_id}/artifacts?limit={PAGE}"
    print(f"{count} files that no server has seen yet")
    started(server, address, lambda page: page["total"] == count)
    server.stop()
    print("started again")
    started(server, address, lambda page: page["total"] == count)


def folder(server: Server, session_id: str, count: int) -> None:
    """Pages of one folder, and the contents API for the whole of it, in turn."""
    ask = Asking(server)
    offsets = {"first": 0, "middle": count // 2, "last": count - PAGE}
    taken: dict[str, list[float]] = {name: [] for name in offsets}
    for _ in range(ROUNDS):
        for name, offset in offsets.items():
            address = f"/files?path={session_id}/many&limit={PAGE}&offset={offset}"
            seconds, page = timed(partial(ask, address))
            assert len(page["items"]) == PAGE
            taken[name].append(seconds)
    heading(f"a folder of {count} by path")
    for name, seconds in taken.items():
        told(f"{name} page of {PAGE}", seconds)

    def whole() -> int:
        pages = (
            ask(f"/files?path={session_id}/many&limit=1000&offset={start}") for start in range(0, count, 1000)
        )
        return len({item["name"] for page in pages for item in page["items"]})

    contents = f"{BASE_URL}api/contents/workspace/{session_id}/many"
    process = psutil.Process(server.process.pid)
    ours, theirs, worked = [], [], [sum(process.cpu_times()[:2])]
    for _ in range(3):
        seconds, names = timed(whole)
        assert names == count, names
        ours.append(seconds)
    worked.append(sum(process.cpu_times()[:2]))
    seconds, listing = timed(lambda: ask(contents))
    assert len(listing["content"]) == count
    theirs.append(seconds)
    worked.append(sum(process.cpu_times()[:2]))
    told("all of it", ours)
    told("all of it, contents API", theirs)
    work = (worked[1] - worked[0]) / 3, worked[2] - worked[1]
    print(
        f"  {median(theirs) / median(ours):.1f} times as fast as the contents API; "
        f"the server worked {work[0]:.2f} s for it, there {work[1]:.2f} s: {work[1] / work[0]:.1f} times as long"
    )


@contextmanager
def uploads(server: Server, session_id: str) -> Iterator[list[float]]:
    """New files come in all the while."""
    stop, taken = Event(), list[float]()

    def work() -> None:
        ask = Asking(server)
        while not stop.wait(0.02):
            address = f"/uploads/{session_id}?name=new-{len(taken)}.txt"
            taken.append(timed(partial(ask, address, "PUT", b"%d" % len(taken)))[0])

    thread = Thread(target=work)
    thread.start()
    try:
        yield taken
    finally:
        stop.set()
        thread.join()


def cursors(server: Server, session_id: str, count: int, ordering: str) -> None:
    """The whole list by cursor while files are added: each earlier one exactly once."""
    ask = Asking(server)
    address = f"/sessions/{session_id}/artifacts?limit={PAGE}&ordering={ordering}"
    before = {item["attachment_id"] for item in walked(ask, address.replace(f"={PAGE}", "=1000"))}
    assert len(before) >= count, len(before)
    each: list[float] = []
    firsts: list[float] = []
    lasts: list[float] = []
    bare: list[float] = []
    with uploads(server, session_id) as added:
        cursor: str | None = ""
        last = ""
        seen: list[str] = []
        while cursor is not None:
            target = f"{address}&next={cursor}" if cursor else address
            seconds, page = timed(partial(ask, target))
            each.append(seconds)
            last, cursor = target, page["next"]
            seen += [item["attachment_id"] for item in page["artifacts"]]
        for _ in range(10 * ROUNDS):
            firsts.append(timed(partial(ask, address))[0])
            lasts.append(timed(partial(ask, last))[0])
            bare.append(timed(partial(ask, f"{BASE_URL}api/status"))[0])
    twice = len(seen) - len(set(seen))
    missed = len(before - set(seen))
    heading(f"{len(before)} files by cursor, ordering {ordering}, while {len(added)} were uploaded")
    told(f"each page of {PAGE}", each)
    told("first page", firsts)
    told("last page", lasts)
    told("Jupyter's own status, in turn", bare)
    told("an upload meanwhile", added)
    print(f"  {missed} earlier files missed, {twice} seen twice")
    assert not missed
    assert not twice


def walked(ask: Asking, address: str) -> Iterator[dict[str, Any]]:
    page = ask(address)
    yield from page["artifacts"]
    while page["next"] is not None:
        page = ask(f"{address}&next={page['next']}")
        yield from page["artifacts"]


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as home:
        server = Early(Path(home) / "home")
        server.start()
        session = server.session("large")
        server.stop()
        room = session.folder / "many"
        room.mkdir()
        for number in range(count):
            (room / f"file-{number:06}.txt").write_bytes(b"%d" % number)
        begins(server, session.id, count)
        try:
            folder(server, session.id, count)
            for ordering in ("-created_at", "created_at"):
                cursors(server, session.id, count, ordering)
        finally:
            server.stop()


if __name__ == "__main__":
    main(*[int(argument) for argument in sys.argv[1:]] or [100_000])
