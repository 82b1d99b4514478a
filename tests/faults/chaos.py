"""Sixteen clients at once that behave as real ones do: they try again, with the same key, until they know."""

from __future__ import annotations

import base64
import random
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import replace

from faults.calling import Gone
from faults.truth import Truth, sha256

#: Sizes of what is sent, in bytes, and how often each is.
SIZES = [0, 1, 700, 4096, 70_000, 300_000, 1 << 20, 3 << 20]
WEIGHTS = [3, 3, 8, 8, 6, 4, 2, 1]

#: How long a client tries before it gives up, in seconds.
PERSISTENCE = 60.0

TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}

ROLES = ["tus"] * 6 + ["put", "form", "forms", "replace"] + ["register"] * 4 + ["delete"] * 2


class Chaos:
    """The clients, and what they were told."""

    def __init__(self, server, seed, session="chaos", *, roles=ROLES, client=None):
        self.server = server
        self.truth = Truth(session)
        self.failures = []
        self.steps = 0
        self._may_work = threading.Event()
        self._may_work.set()
        self._stopping = False
        self._idle = threading.Semaphore(0)
        make = client or Client
        self.clients = [make(self, role, f"{seed}-{number}") for number, role in enumerate(roles)]
        self._threads = [threading.Thread(target=self._run, args=(client,)) for client in self.clients]

    def start(self):
        for thread in self._threads:
            thread.start()

    def _run(self, client):
        try:
            while not self._stopping:
                if not self._may_work.is_set():
                    self._idle.release()
                    self._may_work.wait()
                    continue
                client.step()
                self.steps += 1
        except Exception as error:  # noqa: BLE001  (whatever it is, the test must hear of it)
            self.failures.append(error)
            self._idle.release()
        finally:
            client.api.close()

    def pause(self):
        """Waits until every client knows what became of its last request; the server must run."""
        self._may_work.clear()
        for _ in self._threads:
            assert self._idle.acquire(timeout=PERSISTENCE + 10), "a client hangs"
        self.check()

    def resume(self):
        self._may_work.set()

    def stop(self):
        """Ends the clients; what they last did may be unknown unless they were paused before."""
        self._stopping = True
        self._may_work.set()
        for thread in self._threads:
            thread.join(PERSISTENCE + 10)
            assert not thread.is_alive(), "a client hangs"

    def check(self):
        if self.failures:
            raise self.failures[0]


class Client:
    """One client: it only ever changes files that it made itself."""

    def __init__(self, chaos, role, seed):
        self.chaos = chaos
        self.role = role
        self.truth = chaos.truth
        self.session = chaos.truth.session
        self.random = random.Random(seed)
        self.mark = f"{role}-{seed.rpartition('-')[2]}"
        self.api = chaos.server.own_api(timeout=20)
        self.mine = []
        self.made = 0
        #: answers after which it is tried again: nobody promised anything
        self.no_answers = {503}

    def step(self):
        do = getattr(self, f"do_{self.role}")
        do()

    # what comes in

    def content(self):
        size = self.random.choices(SIZES, WEIGHTS)[0]
        content = self.random.randbytes(size)
        # No two files with bytes are the same, so a file that is there twice is found by its digest.
        return content[:-12] + uuid.uuid4().bytes[:12] if size > 12 else content

    def name(self):
        """Now and then a name that others want, too."""
        self.made += 1
        if self.random.random() < 0.3:
            return f"shared {self.random.randrange(4)}.bin"
        return f"{self.mark}-{self.made}.bin"

    def do_put(self):
        name, content, key = self.name(), self.content(), uuid.uuid4().hex
        folder = self.random.choice(["attachments", f"attachments/{self.mark}", "made/by upload"])

        def send(api):
            return api.upload(self.session, name, content, key=key, dir=folder)

        self.take_new([self.sure(send, {201}).json], [content], send)

    def do_tus(self):
        """A resumable upload in parts; after each answer that was lost it asks how far it is."""
        name, content = self.name(), self.content() or b"x"
        path, told = None, 0
        deadline = time.monotonic() + PERSISTENCE
        while True:
            assert time.monotonic() < deadline, f"{self.role}: no end after {PERSISTENCE} s"
            with suppress(Gone):
                path = path or self.begun(name, len(content))
                found = path and self.api.call("HEAD", path, headers=TUS)
                if found and found.status == 200:
                    offset = int(found.headers["Upload-Offset"])
                    assert offset >= told, "acknowledged bytes are lost"
                    told = max(told, self.more(path, offset, content))
                    upload = self.api.get(path).json
                    if upload.get("state") == "done":
                        break
                    assert upload.get("state") in {"open", "finishing", None}, upload
                else:
                    assert not found or found.status == 503, found.status
            time.sleep(self.random.uniform(0, 0.03))
        address = f"/sessions/{self.session}/artifacts/{upload['attachment_id']}"
        record = self.sure(lambda api: api.get(address), {200}).json
        self.mine.append(self.truth.new(record, content))
        del self.mine[:-50]

    def begun(self, name, length):
        """The path of a new upload; None when the server is not ready."""
        said = f"filename {base64.b64encode(name.encode()).decode()}"
        headers = {**TUS, "Upload-Length": str(length), "Upload-Metadata": said}
        answer = self.api.call("POST", f"/uploads/{self.session}", headers=headers)
        assert answer.status in {201, 503}, (answer.status, answer.body)
        return answer.headers["Location"].partition("api/workspace")[2] if answer.status == 201 else None

    def more(self, path, offset, content):
        """Sends the next part; the offset that was acknowledged."""
        part = content[offset : offset + self.random.choice([len(content), 65_536, 1_000_000, 4 << 20])]
        headers = {**PIECE, "Upload-Offset": str(offset)}
        answer = self.api.call("PATCH", path, body=part, headers=headers)
        assert answer.status in {204, 409, 503}, (answer.status, answer.body)
        return int(answer.headers["Upload-Offset"]) if answer.status == 204 else 0

    def do_form(self):
        name, content, key = self.name(), self.content(), uuid.uuid4().hex

        def send(api):
            return api.upload_form(self.session, [(name, content)], part="file", key=key)

        self.take_new([self.sure(send, {201}).json], [content], send)

    def do_forms(self):
        contents = [self.content() for _ in range(self.random.randrange(2, 6))]
        files = [(self.name(), content) for content in contents]
        key = uuid.uuid4().hex

        def send(api):
            return api.upload_form(self.session, files, key=key)

        answer = self.sure(send, {201}).json
        assert answer["count"] == len(files)
        self.take_new(answer["saved"], contents, send)

    def take_new(self, records, contents, again):
        for record, content in zip(records, contents, strict=True):
            self.mine.append(self.truth.new(record, content))
        self.truth.keep_key(again, [(record["attachment_id"], record["artifact_id"]) for record in records])
        del self.mine[:-50]

    def do_register(self):
        registered = [known for known in self.mine if known.kept == "live"]
        if registered and self.random.random() < 0.3:
            self.register_again(self.random.choice(registered))
            return
        wanted = {f"made/{self.mark}/{self.name()}" for _ in range(self.random.choice([1, 1, 1, 3]))}
        paths = sorted(path for path in wanted if not self.is_there(path))
        contents = [self.content() for _ in paths]
        for path, content in zip(paths, contents, strict=True):
            self.write(path, content)
        bodies = [{"path": path, "metadata": {"by": self.mark}} for path in paths]
        if not bodies:
            return
        address = f"/sessions/{self.session}/artifacts"
        one_by_one = len(bodies) == 1
        files = list(zip(paths, contents, strict=True))
        answer = self.sure(
            lambda api: self.register(api, address, bodies[0] if one_by_one else bodies, files), {200, 201}
        ).json
        records = [answer] if one_by_one else answer["saved"]
        assert [record["path"] for record in records] == paths
        for record, content in zip(records, contents, strict=True):
            self.mine.append(self.truth.new(record, content))

    def register_again(self, known):
        """A kernel writes the same path anew, and says so."""
        # Never what is there already: that would be no new version.
        content = self.content() + uuid.uuid4().bytes
        self.write(known.path, content)
        address, body, files = (
            f"/sessions/{self.session}/artifacts",
            {"path": known.path},
            [(known.path, content)],
        )
        answer = self.sure(lambda api: self.register(api, address, body, files), {200}).json
        self.take_update(known, answer, content)

    def register(self, api, address, body, files):
        """One attempt. files: what was written before."""
        return api.send("POST", address, body)

    def is_there(self, path):
        return (self.chaos.server.workspace / self.session / path).exists()

    def write(self, path, content):
        """As a kernel that saves carefully: the name appears with the whole content."""
        target = self.chaos.server.workspace / self.session / path
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        part.write_bytes(content)
        part.replace(target)

    # what changes

    def do_replace(self):
        live = [known for known in self.mine if known.kept == "live"]
        if len(live) < 5 or self.random.random() < 0.2:
            self.do_put()
            return
        known, content, key = self.random.choice(live), self.content(), uuid.uuid4().hex
        folder, _, name = known.path.rpartition("/")

        def send(api):
            return api.upload(self.session, name, content, key=key, dir=folder, on_conflict="replace")

        record = self.sure(send, {200}).json
        self.take_update(known, record, content)
        self.truth.keep_key(send, [(record["attachment_id"], record["artifact_id"])])

    def take_update(self, known, record, content):
        assert record["attachment_id"] == known.attachment_id, (record, known)
        assert record["artifact_id"] != known.artifact_id, (record, known)
        assert (record["size"], record["sha256"]) == (len(content), sha256(content)), record
        known.take(record)
        known.told["updated"] += 1
        self.truth.seen(record)

    def do_delete(self):
        live = [known for known in self.mine if known.kept == "live"]
        trash = [known for known in self.mine if known.kept == "trash"]
        dice = self.random.random()
        if len(live) < 5 or dice < 0.3:
            self.do_put()
        elif dice < 0.6 or not trash:
            self.delete(self.random.choice(live))
        elif dice < 0.8:
            self.restore(self.random.choice(trash))
        elif dice < 0.9:
            self.rename(self.random.choice(live))
        else:
            self.delete_for_good(self.random.choice([*live, *trash]))

    def address(self, known):
        return f"/sessions/{self.session}/artifacts/{known.attachment_id}"

    def delete(self, known):
        # 404: the attempt whose answer was lost had done it.
        self.sure(lambda api: api.delete(self.address(known)), {204}, {204, 404})
        known.kept = "trash"
        known.told["deleted"] += 1

    def delete_for_good(self, known):
        was_live = known.kept == "live"
        self.sure(lambda api: api.delete(self.address(known), permanent=1), {204}, {204, 404})
        known.told["deleted"] += was_live
        known.kept = "gone"
        self.truth.purge(known)
        self.mine.remove(known)

    def restore(self, known):
        ways = {"on_conflict": "rename"}
        self.sure(
            lambda api: api.send("POST", f"{self.address(known)}/restore", ways), {200}, {200, 404, 409}
        )
        record = self.sure(lambda api: api.get(self.address(known)), {200}).json
        assert record["sha256"] == known.sha256, (record, known)
        known.take(record)
        known.kept = "live"
        known.told["created"] += 1

    def rename(self, known):
        name = f"renamed {uuid.uuid4().hex[:8]}.bin"
        record = self.sure(lambda api: api.send("PATCH", self.address(known), {"name": name}), {200}).json
        assert record["path"].endswith(f"/{name}")
        assert record["sha256"] == known.sha256
        known.take(record)
        known.told["updated"] += 1

    def sure(self, send, first, later=None):
        """The answer of the first attempt that got one; 503 and a broken connection are no answers.

        first: statuses that the first attempt may have; later: those after one whose answer was lost.
        """
        allowed = first
        deadline = time.monotonic() + PERSISTENCE
        while True:
            try:
                answer = send(self.api)
            except Gone:
                allowed = later or first
            else:
                if answer.status not in self.no_answers:
                    assert answer.status in allowed, (self.role, answer.status, answer.body[:500])
                    return replace(answer, headers={})
                if answer.status == 503:
                    assert answer.headers.get("Retry-After"), answer
                else:
                    allowed = later or first
            assert time.monotonic() < deadline, f"{self.role}: no answer for {PERSISTENCE} s"
            time.sleep(self.random.uniform(0.01, 0.08))
