"""B13: files that are renamed, replaced, saved, checked out and synchronised while others upload and download.

Whoever reads has one version and the whole of it, or is told that it is gone; and when all is quiet the
list, the disk and the manifest are the same. FAULTS_RACING_SECONDS: how long they race.
"""

from __future__ import annotations

import os
import random
import subprocess
import time
from contextlib import suppress

from faults.invariants import check_agreement, check_content, check_database, check_log, sha256
from faults.truth import Known, Truth
from faults.watching import LOST, Onlooker, Poller

SECONDS = float(os.environ.get("FAULTS_RACING_SECONDS", "4"))
SEED = int(os.environ.get("FAULTS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
NAMES = 8
LARGEST = 600_000

#: What a read may be answered with when its file is changed or goes meanwhile.
CHANGED = LOST | {409, 416, 503}


class Racer(Onlooker):
    """A thread that works in the session's folder, or on the session."""

    pause_seconds = 0.03

    def __init__(self, server, truth, seed):
        super().__init__(server, truth)
        self.random = random.Random(f"{seed}-{type(self).__name__}")
        self.folder = server.workspace / truth.session
        self.done = 0

    def content(self):
        return self.random.randbytes(self.random.choice([0, 1, 5000, LARGEST]))


class Editor(Racer):
    """Saves as editors do: beside the file, then over it; renames now and then, and deletes."""

    def look(self):
        home = self.folder / "made"
        home.mkdir(exist_ok=True)
        path = home / f"{self.random.randrange(NAMES)}.bin"
        way = self.random.random()
        with suppress(FileNotFoundError):
            if way < 0.2:
                path.unlink()
            elif way < 0.4:
                path.rename(home / f"{self.random.randrange(NAMES)}.bin")
            elif way < 0.6:
                path.write_bytes(self.content())
            else:
                beside = home / f".{path.name}.swp"
                beside.write_bytes(self.content())
                beside.replace(path)
        self.done += 1


class Synchroniser(Racer):
    """As rsync does: under a hidden name first, with the time of the original, which is long past."""

    def look(self):
        home = self.folder / "synced"
        home.mkdir(exist_ok=True)
        name = f"{self.random.randrange(NAMES)}.bin"
        part = home / f".{name}.{self.random.randrange(16**6):06x}"
        part.write_bytes(self.content())
        # Two originals of one size and one time are one file to rsync, and to us.
        os.utime(part, (1_700_000_000 + self.done,) * 2)
        part.replace(home / name)
        self.done += 1


class Brancher(Racer):
    """Checks out one branch and the other; its repository stands elsewhere."""

    pause_seconds = 0.1

    def __init__(self, server, truth, seed):
        super().__init__(server, truth, seed)
        self.tree = self.folder / "code"
        self.tree.mkdir(parents=True)
        self.git("init", "-q", "-b", "empty")
        self.git("commit", "-q", "--allow-empty", "-m", "empty")
        for branch in "ab":
            self.git("checkout", "-q", "-b", branch, "empty")
            for number in range(NAMES):
                (self.tree / f"{number}{branch if number % 2 else ''}.py").write_bytes(self.content())
            self.git("add", ".")
            self.git("commit", "-q", "-m", branch)

    def git(self, *words):
        place = [f"--git-dir={self.server.place / 'repository'}", f"--work-tree={self.tree}"]
        who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", *place, *who, *words], check=True, capture_output=True, cwd=self.tree)

    def look(self):
        self.git("checkout", "-q", "ab"[self.done % 2])
        self.done += 1


class Uploader(Racer):
    """Replaces attachments, and what the others work on."""

    def look(self):
        folder = self.random.choice(["attachments", "made", "synced"])
        name = f"{self.random.randrange(NAMES)}.bin"
        answer = self.api.upload(self.truth.session, name, self.content(), on_conflict="replace", dir=folder)
        assert answer.status in {200, 201, 503}, (answer.status, answer.body)
        if answer.status != 503:
            self.truth.seen(answer.json)
        self.done += 1


class Downloader(Racer):
    """Fetches a file in two halves, the second only if it is still of the first one's version."""

    def look(self):
        found = self.api.get(f"/sessions/{self.truth.session}/artifacts", limit=200).json.get("artifacts")
        if not found:
            return
        record = self.random.choice(found)
        path = f"/sessions/{self.truth.session}/artifacts/{record['attachment_id']}?mode=stream"
        half = record["size"] // 2
        first = self.api.call("GET", path, headers={"Range": f"bytes=0-{half}"})
        if first.status in CHANGED:
            return
        tag = first.headers["Etag"]
        headers = {"Range": f"bytes={half + 1}-", "If-Range": tag}
        second = self.api.call("GET", path, headers=headers)
        if first.status == 206 and second.status == 206:
            assert second.headers["Etag"] == tag
            assert sha256(first.body + second.body) in tag, f"two halves of different versions: {record}"
        for answer in (first, second):
            assert answer.status in {200, 206} | CHANGED, (answer.status, answer.body[:300])
            if answer.status == 200:
                assert sha256(answer.body) in answer.headers["Etag"], f"a mix of versions: {record}"
        self.done += 1


RACERS = [Editor, Synchroniser, Brancher, Uploader, Downloader]


def settled(api, session):
    """The records, once nothing is left to be found."""
    end = time.monotonic() + 60
    while True:
        found = api.send("POST", f"/sessions/{session}/scan", {}).json
        records = api.records(session)
        if not (found["created"] or found["updated"] or found["deleted"]):
            return records
        assert time.monotonic() < end, f"never at rest: {found}"


def truth_of(records, session):
    truth = Truth(session)
    for record in records:
        members = {
            name: record[name] for name in ("attachment_id", "artifact_id", "path", "size", "sha256", "kind")
        }
        truth.files[record["attachment_id"]] = Known(**members)
    return truth


def test_readers_see_whole_versions_while_everything_changes(server):
    # B13; I2, I3
    print(f"seed {SEED}: FAULTS_SEED={SEED} FAULTS_RACING_SECONDS={SECONDS} races again")
    api, truth = server.api(), Truth("s")
    assert api.send("PUT", "/sessions/s", {}).status == 201
    racers = [kind(server, truth, SEED) for kind in RACERS]
    poller = Poller(server, truth, SEED)

    for one in (*racers, poller):
        one.__enter__()
    time.sleep(SECONDS)
    for one in (*racers, poller):
        one.__exit__()

    for one in (*racers, poller):
        one.check()
    assert all(racer.done for racer in racers)
    print({type(racer).__name__: racer.done for racer in racers}, poller.looks)
    records = settled(api, "s")
    sequences = [event["sequence"] for event in api.events("s")]
    assert sequences == list(range(1, len(sequences) + 1))
    server.stop()
    check_database(server)
    server.start()
    quiet = truth_of(records, "s")
    check_agreement(server, api, quiet)
    check_content(server, api, quiet, None)
    check_log(server)
