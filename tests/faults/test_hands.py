"""B13: people and programs rename, replace, delete and check out files while others upload and download.

`FAULTS_HANDS_SECONDS` makes it longer. I2: nobody is ever sent a mix; I3: in the end list and disk are the same.
"""

from __future__ import annotations

import os
import random
import subprocess
import threading
import time
import uuid
from contextlib import ExitStack, suppress

from faults.calling import Gone
from faults.invariants import MANIFEST, check_database, check_log
from faults.truth import Truth, sha256
from faults.watching import Listener, Poller

SECONDS = float(os.environ.get("FAULTS_HANDS_SECONDS", "6"))
SEED = int(os.environ.get("FAULTS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)

#: What may be answered to somebody who is late: changed, gone, taken, not that part of it.
LATE = {404, 409, 410, 412, 416, 503}
FILES = 12


class Hands:
    """One who works in a folder of his own; `content` is what he knows to have left there."""

    def __init__(self, folder, seed):
        self.folder = folder
        self.dice = random.Random(seed)
        self.content = {}
        folder.mkdir()

    def bytes(self):
        """Enough that a download takes more than one block, and never twice the same."""
        return uuid.uuid4().bytes * self.dice.choice([1, 1000, 150_000])

    def name(self):
        return f"{self.dice.randrange(FILES)}.bin"

    def work(self):
        self.dice.choice([self.write, self.write, self.save, self.rename, self.remove])()

    def write(self):
        name, content = self.name(), self.bytes()
        with (self.folder / name).open("wb") as file:
            for start in range(0, len(content), 500_000):
                file.write(content[start : start + 500_000])
                file.flush()
        self.content[name] = content

    def save(self):
        """As an editor or rsync does: written beside it, then renamed over it."""
        name, content = self.name(), self.bytes()
        beside = self.folder / f".{name}.{self.dice.randrange(1000)}"
        beside.write_bytes(content)
        beside.rename(self.folder / name)
        self.content[name] = content

    def rename(self):
        old, new = self.name(), self.name()
        if old in self.content:
            (self.folder / old).rename(self.folder / new)
            self.content[new] = self.content.pop(old)

    def remove(self):
        name = self.name()
        if name in self.content:
            (self.folder / name).unlink()
            del self.content[name]


class Checkout(Hands):
    """One who goes from branch to branch of a repository."""

    def __init__(self, folder, seed):
        super().__init__(folder, seed)
        self.git("init", "-q")
        self.branches = {}
        for branch in ("one", "two"):
            self.git("switch", "-qc", branch)
            for _ in range(FILES):
                self.dice.choice([self.save, self.save, self.remove])()
            self.git("add", "-A", ".")
            self.git("commit", "-qm", branch)
            self.branches[branch] = dict(self.content)

    def git(self, *words):
        who = ["-c", "user.name=ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *words], cwd=self.folder, check=True, capture_output=True)

    def work(self):
        branch = self.dice.choice(list(self.branches))
        self.git("switch", "-q", branch)
        self.content = self.branches[branch]


class Client(Hands):
    """One who uploads, deletes and resumes downloads; his folder is that of the attachments."""

    def __init__(self, server, truth, seed):
        self.api = server.own_api()
        self.truth = truth
        self.dice = random.Random(seed)

    def work(self):
        with suppress(Gone):
            self.dice.choice([self.upload, self.upload, self.delete, self.resume])()

    def upload(self):
        content = self.bytes()
        answer = self.api.upload(self.truth.session, self.name(), content, on_conflict="replace")
        assert answer.status in {200, 201, 409, 503}, answer
        if answer.status < 300:
            self.truth.seen(answer.json)

    def record(self):
        answer = self.api.get(f"/sessions/{self.truth.session}/artifacts", limit=1000)
        return self.dice.choice(answer.json["artifacts"] or [None])

    def delete(self):
        record = self.record()
        if record and record["path"].startswith("attachments/"):
            path = f"/sessions/{self.truth.session}/artifacts/{record['attachment_id']}"
            assert self.api.delete(path).status in {204, *LATE}

    def resume(self):
        """A download that broke off and goes on is of one version, or all of the new one."""
        record = self.record()
        if not record:
            return
        path = f"/sessions/{self.truth.session}/artifacts/{record['attachment_id']}?mode=stream"
        first = self.api.call("GET", path, headers={"Range": "bytes=0-99"})
        assert first.status in {200, 206, *LATE}, first
        if first.status != 206:
            return
        rest = {"Range": "bytes=100-", "If-Range": first.headers["Etag"]}
        second = self.api.call("GET", path, headers=rest)
        assert second.status in {200, 206, *LATE}, second
        if second.status in LATE:
            return
        whole = first.body + second.body if second.status == 206 else second.body
        assert sha256(whole) in second.headers["Etag"]


def at_work(hands, stop, failures):
    def run():
        try:
            while not stop.is_set():
                hands.work()
                stop.wait(hands.dice.uniform(0, 0.2))
        except Exception as error:  # noqa: BLE001  (whatever it is, the test must hear of it)
            failures.append(error)

    return threading.Thread(target=run)


def test_nobody_is_sent_a_mix_and_in_the_end_the_list_is_the_disk(server):
    # B13, I2, I3, I4; API 11.26, 11.35
    print(f"seed {SEED}")
    api = server.api(timeout=120)
    truth = Truth("hands")
    assert api.send("PUT", "/sessions/hands", {}).status == 201
    folder = server.workspace / "hands"
    workers = [Hands(folder / f"hands {number}", SEED + number) for number in range(2)]
    workers.append(Checkout(folder / "repository", SEED))
    clients = [Client(server, truth, SEED + number) for number in range(2)]
    stop, failures = threading.Event(), []
    threads = [at_work(one, stop, failures) for one in (*workers, *clients)]

    with ExitStack() as onlookers:
        poller = onlookers.enter_context(Poller(server, truth, SEED))
        listener = onlookers.enter_context(Listener(server, truth))
        for thread in threads:
            thread.start()
        time.sleep(SECONDS)
        stop.set()
        for thread in threads:
            thread.join()
        assert api.send("POST", "/sessions/hands/scan", {}).status == 200
    for client in clients:
        client.api.close()

    assert failures == []
    poller.check()
    listener.check()
    print(f"looks {poller.looks}, {len(api.events('hands'))} events")
    check_hands(server, api, workers)
    check_log(server)
    server.stop()
    check_database(server)


def check_hands(server, api, workers):
    """What each has left is there, byte for byte; list, disk and events say the same."""
    folder = server.workspace / "hands"
    for one in workers:
        left = {path.name: path.read_bytes() for path in one.folder.iterdir() if path.is_file()}
        assert {name: found for name, found in left.items() if name[0] != "."} == one.content
    listed = {record["path"]: record for record in api.records("hands")}
    on_disk = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    shown = {
        path: sha256(found.read_bytes())
        for path, found in on_disk.items()
        if not any(part.startswith(".") for part in path.split("/")) and path != MANIFEST
    }
    assert {path: record["sha256"] for path, record in listed.items()} == shown
    events = api.events("hands")
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    followed = {}
    for event in events:
        followed[event["attachment_id"]] = (event["path"], event["artifact_id"])
        if event["change_type"] == "deleted":
            del followed[event["attachment_id"]]
    assert followed == {
        record["attachment_id"]: (path, record["artifact_id"]) for path, record in listed.items()
    }
