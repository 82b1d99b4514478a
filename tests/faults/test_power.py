"""C2: the power goes, and of what was not synced nothing, some or all is there afterwards."""

from __future__ import annotations

import os
import random
import time
from contextlib import suppress

import pytest
from faults.calling import Gone
from faults.chaos import Chaos, Client
from faults.invariants import check_all, check_database, check_events
from faults.power import PowerDisk, missing
from faults.serving import Server
from faults.test_resume import begin, head, patch
from faults.watching import Listener, Poller

CUTS = int(os.environ.get("FAULTS_POWER_CUTS", "8"))
SEED = int(os.environ.get("FAULTS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)

#: After so many cuts the clients rest and everything is checked.
CHECK_EVERY = 10

#: Few: each byte of theirs goes through a file system in Python.
ROLES = ["tus", "tus", "put", "form", "forms", "replace", "register", "delete"]

pytestmark = pytest.mark.skipif(missing() is not None, reason=f"no disk to cut the power of: {missing()}")


@pytest.fixture
def disk(tmp_path):
    with PowerDisk(tmp_path / "disk") as one:
        yield one


@pytest.fixture
def server(zygote, tmp_path, disk):
    """A server all of whose files lie on the disk; not started. What its process needs to run lies beside."""
    one = Server(zygote, tmp_path / "one", root=disk.place / "root", data=disk.place / "data")
    # Whoever set the machine up did so long ago.
    sync(disk.place)
    yield one
    one.close()


def sync(path):
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


@pytest.mark.parametrize(
    ("synced", "found"),
    [(("file", "folder"), bytes(400)), (("folder",), b""), (("file",), None)],
    ids=["right order", "no sync of the file", "no sync of the folder"],
)
def test_the_disk_forgets_what_was_not_synced(disk, synced, found):
    path = disk.place / "a.bin"
    path.write_bytes(bytes(400))
    if "file" in synced:
        sync(path)
    if "folder" in synced:
        sync(disk.place)
    assert path.read_bytes() == bytes(400)

    disk.lose("nothing")

    assert (path.read_bytes() if path.exists() else None) == found


def test_what_was_acknowledged_needs_nothing_that_was_not_synced(server, disk):
    # C2: the strictest disk, which keeps only what it was told to keep
    server.start()
    api = server.api()
    assert api.send("PUT", "/sessions/s", {}).status == 201
    put, made, old, new, half = (bytes([number]) * 5000 for number in range(5))
    assert api.upload("s", "put.bin", put, dir="a/b").status == 201
    path = server.workspace / "s" / "by a kernel" / "deep" / "made.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(made)
    registered = api.send("POST", "/sessions/s/artifacts", {"path": "by a kernel/deep/made.bin"})
    assert registered.status == 201, registered
    assert api.upload("s", "twice.bin", old, on_conflict="replace").status == 201
    replaced = api.upload("s", "twice.bin", new, on_conflict="replace").json
    deleted = api.upload("s", "deleted.bin", old).json
    assert api.delete(f"/sessions/s/artifacts/{deleted['attachment_id']}").status == 204
    upload = begin(api, len(half))
    assert patch(api, upload, 0, half[:3000]).status == 204

    disk.darken()
    disk.cut(0, "nothing", server)
    server.start()

    found = {record["path"]: content_of(api, record["artifact_id"]) for record in api.records("s")}
    assert found == {"a/b/put.bin": put, "by a kernel/deep/made.bin": made, "attachments/twice.bin": new}
    assert len(api.records("s", "trash")) == 2
    restored = api.send("POST", f"/sessions/s/artifacts/{deleted['attachment_id']}/restore", {})
    assert restored.status == 200, restored
    assert content_of(api, restored.json["artifact_id"]) == old
    assert replaced["artifact_id"] in {record["artifact_id"] for record in api.records("s")}
    assert head(api, upload) == 3000
    assert patch(api, upload, 3000, half[3000:]).status == 204
    assert (server.workspace / "s" / "attachments" / "a.bin").read_bytes() == half


def content_of(api, artifact_id):
    answer = api.get(f"/sessions/s/artifacts/{artifact_id}", mode="stream")
    assert answer.status == 200, answer
    return answer.body


class Careful(Client):
    """A client whose own files lie on the disk that is cut: it writes them again if they are gone."""

    disk = None

    def on_disk(self, do):
        """What `do` gives, as soon as there is power."""
        while True:
            with self.disk.in_use, suppress(OSError):
                return do()
            time.sleep(0.02)

    def is_there(self, path):
        return self.on_disk(lambda: super(Careful, self).is_there(path))

    def register(self, api, address, body, files):
        for path, content in files:
            self.on_disk(lambda path=path, content=content: self.put(path, content))
        answer = super().register(api, address, body, files)
        if answer.status == 404:
            raise Gone("the power went between writing and registering")
        return answer

    def write(self, path, content):
        self.on_disk(lambda: self.put(path, content))

    def put(self, path, content):
        """Whole or not at all, as an editor saves; nobody syncs its name."""
        target = self.chaos.server.workspace / self.session / path
        if target.exists() and target.read_bytes() == content:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)


class PatientPoller(Poller):
    """A poller that knows that there may be no disk to look at."""

    disk = None

    def look_at_manifest(self):
        with self.disk.in_use, suppress(OSError):
            super().look_at_manifest()


class Cutter:
    """Cuts the power of one server's disk, at any moment of its work and of its start."""

    def __init__(self, server, disk, dice):
        self.server = server
        self.disk = disk
        self.dice = dice
        self.starts = []
        self.met = []
        self.half_done = 0
        self.has_index = False

    def plan(self, most):
        kinds = self.dice.choice([["boundary"], ["boundary"], ["boundary", "write"]])
        self.disk.plan(self.dice.randint(1, most), kinds, self.dice.choice(["before", "after"]))

    def cut_at_work(self):
        self.plan(400)
        self.disk.darken(3.0)
        self.cut()

    def cut_at_start(self):
        self.plan(40)
        self.server.launch()
        self.disk.darken(0.5)
        self.cut()

    def cut(self):
        lost = self.disk.cut(self.dice.randrange(1 << 30), server=self.server)
        self.met.append(lost)
        if self.has_index:
            with self.disk.in_use:
                self.half_done += bool(check_database(self.server))

    def start(self):
        self.starts.append(self.server.start())
        self.has_index = True


def test_nothing_acknowledged_is_lost_when_the_power_goes(server, disk):
    print(f"seed {SEED}: FAULTS_SEED={SEED} FAULTS_POWER_CUTS={CUTS} repeats the plan")
    cutter = Cutter(server, disk, random.Random(SEED))
    cutter.cut_at_start()
    cutter.start()
    assert server.api().send("PUT", "/sessions/chaos", {}).status == 201
    chaos = Chaos(server, SEED, roles=ROLES, client=type("Client", (Careful,), {"disk": disk}))
    poller_class = type("Poller", (PatientPoller,), {"disk": disk})

    chaos.start()
    try:
        while len(cutter.met) < CUTS:
            until = min(CUTS, len(cutter.met) + CHECK_EVERY)
            with poller_class(server, chaos.truth, SEED) as poller, Listener(server, chaos.truth) as listener:
                while len(cutter.met) < until:
                    cutter.cut_at_work()
                    if len(cutter.met) < until and cutter.dice.random() < 0.3:
                        cutter.cut_at_start()
                    cutter.start()
                    chaos.check()
                chaos.pause()
            poller.check()
            listener.check()
            check_all(server, chaos.truth, sample=100)
            check_events([*listener.events, *server.api().events("chaos", listener.cursor)], chaos.truth)
            print(
                f"{len(cutter.met)} cuts, {chaos.steps} requests, {len(chaos.truth.files)} files, {poller.looks}"
            )
            chaos.resume()
    finally:
        chaos.stop()

    lost = [met["lost"] for met in cutter.met]
    print(f"unsynced at a cut: median {sorted(lost)[len(lost) // 2]}, most {max(lost)}")
    print(f"{cutter.half_done} cuts met publications half done; longest start {max(cutter.starts):.2f} s")
    assert any(lost), "no cut met anything that was not synced"
    chaos.check()
