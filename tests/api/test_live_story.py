"""One cell, three readers, and a server that is killed: a terminal, a program and a poller hear the same."""

import http.client
import json
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

import httpx2
import pytest
import websocket
from api.kernels import Server, opened
from api.listening import Stream, said, socket_url, told

from jupyter_workspace.client.client import Client

pytestmark = pytest.mark.slow

PATIENCE = 120

#: What a reader meets whose server is killed, or is not there again.
CUT = (EOFError, OSError, http.client.HTTPException, httpx2.HTTPError, websocket.WebSocketException)

BEGIN = "import jupyter_workspace as jw; ws = jw.current('story')"

#: As somebody writes it who does not know our API; in the middle and at the end it waits for a sign.
CELL = """
import time, matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt, pandas as pd
folder, signs = ws.path / "out", ws.path.parent.parent
folder.mkdir()
for n in range(300):
    if n % 100 == 0:
        plt.savefig(folder / f"{n:03}.png")
    elif n % 100 == 1:
        pd.DataFrame({"n": range(n)}).to_pickle(folder / f"{n:03}.pkl")
    else:
        with open(folder / f"{n:03}.txt", "w") as file:
            file.write(f"first {n}")
while not (signs / "first").exists():
    time.sleep(0.05)
for n in range(2, 32):
    (folder / f"{n:03}.txt").rename(folder / f"renamed-{n:03}.txt")
for n in range(32, 62):
    (folder / f"{n:03}.txt").write_text(f"again {n}")
for n in range(62, 92):
    (folder / f"{n:03}.txt").unlink()
while not (signs / "then").exists():
    time.sleep(0.05)
"""


def by_stream(server, session_id, cursor):
    """As `curl -N -H "Accept: text/event-stream"`."""
    with closing(Stream(server, session_id, {"Last-Event-ID": str(cursor)})) as stream:
        while stream.answer.status == 200 and stream.take():
            frames = stream.taken()
            assert {frame.event for frame in frames} <= {"artifact_created"}
            yield [json.loads(frame.data) for frame in frames]


def by_socket(server, session_id, cursor):
    opened = websocket.create_connection(
        socket_url(server, session_id, f"?after={cursor}"), header=server.login, timeout=PATIENCE
    )
    with closing(opened):
        assert said(opened)["type"] == "connected"
        while True:
            yield told(opened, 1)


def by_poll(server, session_id, cursor):
    url = f"{server.url}api/workspace/sessions/{session_id}/artifact-events"
    with httpx2.Client(headers=server.login, timeout=PATIENCE) as client:
        while (answer := client.get(url, params={"after": cursor, "wait_seconds": 5})).status_code == 200:
            page = answer.json()
            assert not page["reset"]
            yield page["events"]
            cursor = page["next_cursor"]


@dataclass
class Follower:
    """A reader that comes back with its cursor whenever it was cut off."""

    read: object
    server: Server
    session_id: str
    events: list = field(default_factory=list)
    lines: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self):
        while not self.stop.is_set():
            cursor = self.events[-1]["sequence"] if self.events else 0
            self.lines += 1
            with suppress(*CUT), closing(self.read(self.server, self.session_id, cursor)) as news:
                for events in news:
                    self.events += events
                    if self.stop.is_set():
                        return
            time.sleep(0.2)


@contextmanager
def following(server, session_id):
    readers = [Follower(read, server, session_id) for read in (by_stream, by_socket, by_poll)]
    with ThreadPoolExecutor(len(readers)) as pool:
        done = [pool.submit(reader.run) for reader in readers]
        try:
            yield readers
        finally:
            for reader in readers:
                reader.stop.set()
            # Something to hear of, so that each looks whether it is to stop.
            (server.root / f"workspace/{session_id}/end").touch()
    for one in done:
        one.result()


def changes(events):
    return [(event["change_type"], event["path"]) for event in events]


def until_all_heard(readers, wanted):
    end = time.monotonic() + PATIENCE
    while any(wanted - set(changes(reader.events)) for reader in readers):
        assert time.monotonic() < end, [sorted(wanted - set(changes(reader.events))) for reader in readers]
        time.sleep(0.05)


def give_signs(readers, folder, **wanted):
    """One after the other, each when all have heard of what is wanted for it."""
    for name, some in wanted.items():
        until_all_heard(readers, some)
        (folder / name).touch()


def of_the_cell():
    """What it does first, and then."""
    kinds = {0: "png", 1: "pkl"}
    first = {("created", f"out/{n:03}.{kinds.get(n % 100, 'txt')}") for n in range(300)}
    then = {("updated", f"out/renamed-{n:03}.txt") for n in range(2, 32)}
    then |= {("updated", f"out/{n:03}.txt") for n in range(32, 62)}
    return first, then | {("deleted", f"out/{n:03}.txt") for n in range(62, 92)}


# S0-47 S0-52 S0-57 S0-61 S0-62 S0-73: each execution of a cell, heard by all of them, once
def test_three_readers_hear_the_same_of_a_running_cell_and_go_on_after_a_kill(tmp_path):
    server = Server(tmp_path)
    server.start()
    with Client(server.url, server.token) as client:
        client.put_session("story")
    folder = server.root / "workspace/story"
    first, then = of_the_cell()
    lost = {("created", f"{name}-{n:02}.txt") for name in ("late", "away", "back") for n in range(20)}
    try:
        with following(server, "story") as readers:
            with opened(server, "a.ipynb") as notebook, ThreadPoolExecutor(1) as listening:
                notebook.run(BEGIN)
                # It ends when all have heard of all of it, and not before.
                heard = listening.submit(give_signs, readers, server.root, first=first, then=then)
                notebook.run(CELL)
                heard.result()
            for n in range(20):
                (folder / f"late-{n:02}.txt").write_text(f"late {n}")
            server.stop(signal.SIGKILL)
            for n in range(20):
                (folder / f"away-{n:02}.txt").write_text(f"away {n}")
            server.start()
            with opened(server, "a.ipynb") as notebook:
                notebook.run(BEGIN)
                notebook.run("for n in range(20): (ws.path / f'back-{n:02}.txt').write_text(f'back {n}')")
                until_all_heard(readers, lost)
    finally:
        server.stop()

    counts = {len(reader.events) for reader in readers}
    heard = [reader.events[: min(counts)] for reader in readers]
    assert heard[0] == heard[1] == heard[2]
    assert [event["sequence"] for event in heard[0]] == list(range(1, len(heard[0]) + 1))
    assert sorted(set(changes(heard[0])) - {("created", "end")}) == sorted(first | then | lost)
    assert len(set(changes(heard[0]))) == len(heard[0])
    ids = {event["path"]: event["attachment_id"] for event in heard[0][:300]}
    renamed = {event["path"]: event["attachment_id"] for event in heard[0] if "renamed" in event["path"]}
    assert renamed == {f"out/renamed-{n:03}.txt": ids[f"out/{n:03}.txt"] for n in range(2, 32)}
    assert all(reader.lines > 1 for reader in readers if reader.read is not by_poll)
