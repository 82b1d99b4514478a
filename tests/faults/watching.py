"""Those who look on while things break: a poller of all that can be read, and a reader of the events."""

from __future__ import annotations

import io
import json
import random
import threading
import time
import zipfile
from contextlib import suppress

from faults.calling import Gone
from faults.truth import sha256

#: Statuses that a file which was deleted or rewritten since it was listed may have.
LOST = {404, 410}


class Onlooker:
    """A thread that does `look` again and again; a lost connection is none of its business."""

    pause_seconds = 0.1

    def __init__(self, server, truth):
        self.server = server
        self.truth = truth
        self.api = server.own_api(timeout=20)
        self.failures = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join(40)
        self.api.close()

    def _run(self):
        try:
            while not self._stopping.is_set():
                begun = time.monotonic()
                with suppress(Gone):
                    self.look()
                self._stopping.wait(max(0.0, begun + self.pause_seconds - time.monotonic()))
        except Exception as error:  # noqa: BLE001  (whatever it is, the test must hear of it)
            self.failures.append(error)

    def check(self):
        if self.failures:
            raise self.failures[0]


class Poller(Onlooker):
    """Ten times a second: list, one file, manifest, now and then a zip. Nothing of it is ever half."""

    def __init__(self, server, truth, seed):
        super().__init__(server, truth)
        self.random = random.Random(seed)
        self.looks = {"list": 0, "file": 0, "manifest": 0, "zip": 0}

    def look(self):
        self.look_at_manifest()
        answer = self.api.get(f"/sessions/{self.truth.session}/artifacts", limit=200)
        if answer.status == 503:
            return
        assert answer.status == 200, answer.body[:300]
        records = answer.json["artifacts"]
        for record in records:
            self.truth.seen(record)
        self.looks["list"] += 1
        if records:
            self.look_at_file(self.random.choice(records))
        if len(records) > 5 and self.random.random() < 0.3:
            self.look_at_zip(self.random.sample(records, 5))

    def look_at_file(self, record):
        file_id = self.random.choice([record["artifact_id"], record["attachment_id"]])
        answer = self.api.get(f"/sessions/{self.truth.session}/artifacts/{file_id}", mode="stream")
        if answer.status in LOST or answer.status == 503:
            return
        assert answer.status == 200, answer.body[:300]
        digest = sha256(answer.body)
        assert digest in answer.headers["Etag"], (record, answer.headers)
        if file_id == record["artifact_id"]:
            assert (len(answer.body), digest) == (record["size"], record["sha256"]), record
        self.looks["file"] += 1

    def look_at_manifest(self):
        path = self.server.workspace / self.truth.session / "attachments" / "attachments_manifest.json"
        try:
            manifest = json.loads(path.read_text())
        except FileNotFoundError:
            return
        for record in manifest["attachments"].values():
            self.truth.seen(record)
        self.looks["manifest"] += 1

    def look_at_zip(self, records):
        ids = [record["artifact_id"] for record in records]
        answer = self.api.get(f"/sessions/{self.truth.session}/download", artifact_id=ids)
        if answer.status in LOST or answer.status == 503:
            return
        assert answer.status == 200, answer.body[:300]
        check_zip(answer.body, self.truth)
        self.looks["zip"] += 1


def check_zip(content, truth):
    """Whether a zip is whole and holds what its own manifest says; its records by path."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len(names) == len(set(names)), "a name is there twice"
        top = names[0].partition("/")[0]
        manifest = json.loads(archive.read(f"{top}/attachments_manifest.json"))
        found = {}
        for record in manifest["files"]:
            truth.seen(record)
            inside = archive.read(f"{top}/{record['path']}")
            assert (len(inside), sha256(inside)) == (record["size"], record["sha256"]), record
            found[record["path"]] = record
    return found


class Listener(Onlooker):
    """Reads every event by its cursor, across all restarts."""

    pause_seconds = 0.0

    def __init__(self, server, truth):
        super().__init__(server, truth)
        self.cursor = 0
        self.events = []

    def look(self):
        answer = self.api.get(
            f"/sessions/{self.truth.session}/artifact-events", after=self.cursor, wait_seconds=0.5, limit=100
        )
        if answer.status in {404, 503}:
            time.sleep(0.05)
            return
        page = answer.json
        assert not page["reset"], page
        self.events += page["events"]
        self.cursor = page["next_cursor"]
