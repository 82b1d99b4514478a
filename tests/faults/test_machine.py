"""The API against a plain model of it, step by step, with kills and restarts among the steps.

`MACHINE_EXAMPLES` and `MACHINE_STEPS` make it longer. Every walk has a session of its own on one server.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from faults.calling import Gone
from faults.invariants import MANIFEST
from faults.truth import sha256
from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from jupyter_workspace.policy.naming import numbered

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "6"))
STEPS = int(os.environ.get("MACHINE_STEPS", "30"))

NAMES = st.sampled_from(["a.csv", "a (1).csv", "b.tar.gz", "no suffix", "ä.txt", "日本.png", "100%.md"])
FOLDERS = st.sampled_from(["attachments", "", "plots", "plots/deep"])
#: Nothing, little, and more than one block of what is written at a time.
CONTENTS = st.one_of(st.binary(max_size=40), st.integers(0, 9).map(lambda digit: b"%d" % digit * 3_000_001))
WAYS = st.sampled_from(["rename", "error", "replace"])


@dataclass
class Kept:
    """A file as it must be."""

    attachment_id: str
    artifact_id: str
    path: str
    content: bytes
    kind: str
    metadata: dict = field(default_factory=dict)

    def seen(self):
        return (
            self.artifact_id,
            self.path,
            len(self.content),
            sha256(self.content),
            self.kind,
            self.metadata,
        )


def seen(record):
    names = ("artifact_id", "path", "size", "sha256", "kind", "metadata")
    return tuple(record[name] for name in names)


class Machine(RuleBasedStateMachine):
    """What a careful reader of the contract expects; `server` is put in by the test."""

    server = None

    def __init__(self):
        super().__init__()
        self.api = self.server.api()
        self.session = f"m-{uuid.uuid4().hex[:12]}"
        self.live = {}
        #: what lies in the trash: version -> the file as it was
        self.trash = {}
        #: (change, file) of every event
        self.told = []
        self.is_open = True
        assert self.api.send("PUT", f"/sessions/{self.session}", {}).status == 201

    def teardown(self):
        if self.server.is_running:
            self.api.delete(f"/sessions/{self.session}", files=1)
        self.api.close()

    # the model

    @property
    def folder(self):
        return self.server.workspace / self.session

    def at(self, path):
        return next((kept for kept in self.live.values() if kept.path == path), None)

    def free(self, path):
        folder, slash, name = path.rpartition("/")
        number = 0
        while self.at(found := folder + slash + (numbered(name, number) if number else name)):
            number += 1
        return found

    def tell(self, change, kept):
        self.told.append((change, kept.attachment_id))

    def take(self, record, path, content, *, kind="attachment", metadata=None):
        """Notes a new file."""
        kept = Kept(record["attachment_id"], record["artifact_id"], path, content, kind, metadata or {})
        assert kept.attachment_id not in self.live
        self.live[kept.attachment_id] = kept
        self.tell("created", kept)
        assert seen(record) == kept.seen()

    def renew(self, record, kept, content):
        """Notes another content of a file."""
        assert record["attachment_id"] == kept.attachment_id
        assert record["artifact_id"] != kept.artifact_id
        kept.artifact_id, kept.content = record["artifact_id"], content
        self.tell("updated", kept)
        assert seen(record) == kept.seen()

    def pick(self, data, of=None):
        """One of the files, in an order that does not hang on random ids."""
        files = sorted((of or self.live).values(), key=lambda kept: (kept.path, kept.content))
        return data.draw(st.sampled_from(files))

    def file(self, kept, tail=""):
        return f"/sessions/{self.session}/artifacts/{kept.attachment_id}{tail}"

    # what comes in

    @rule(name=NAMES, folder=FOLDERS, content=CONTENTS, way=WAYS)
    def upload(self, name, folder, content, way):
        self.expect_upload(
            self.api.upload(self.session, name, content, dir=folder, on_conflict=way),
            f"{folder}/{name}" if folder else name,
            content,
            way,
        )

    def expect_upload(self, answer, path, content, way):
        there = self.at(path)
        if not self.is_open:
            assert (answer.status, answer.code) == (409, "session_closed")
        elif there is None or way == "rename":
            assert answer.status == 201, answer
            self.take(answer.json, self.free(path), content)
        elif way == "error":
            assert (answer.status, answer.code) == (409, "name_taken")
        else:
            assert answer.status == 200, answer
            self.trash[there.artifact_id] = Kept(**vars(there))
            self.renew(answer.json, there, content)

    @precondition(lambda self: self.is_open)
    @rule(names=st.lists(NAMES, min_size=1, max_size=4), content=st.binary(max_size=40))
    def upload_several(self, names, content):
        answer = self.api.upload_form(self.session, [(name, content) for name in names])

        assert answer.status == 201, answer
        assert answer.json["count"] == len(names)
        for name, record in zip(names, answer.json["saved"], strict=True):
            self.take(record, self.free(f"attachments/{name}"), content)

    @precondition(lambda self: self.is_open)
    @rule(name=NAMES, content=CONTENTS, moment=st.floats(0, 0.05))
    def upload_and_be_killed(self, name, content, moment):
        """Nobody knows whether the first request was done; the same key makes it done once."""
        key = uuid.uuid4().hex
        other = self.server.own_api()
        first = threading.Thread(target=self.try_upload, args=(other, name, content, key))
        first.start()
        time.sleep(moment)
        self.server.kill()
        first.join()
        self.server.start()

        answer = self.api.upload(self.session, name, content, key=key)

        assert answer.status == 201, answer
        self.take(answer.json, self.free(f"attachments/{name}"), content)
        assert self.api.upload(self.session, name, content, key=key).json == answer.json

    def try_upload(self, api, name, content, key):
        with suppress(Gone):
            api.upload(self.session, name, content, key=key)
        api.close()

    @precondition(lambda self: self.is_open)
    @rule(name=NAMES, folder=FOLDERS, content=st.binary(max_size=40))
    def write_and_register(self, name, folder, content):
        path = f"{folder}/{name}" if folder else name
        there = self.at(path)
        self.write(path, content)

        answer = self.api.send("POST", f"/sessions/{self.session}/artifacts", {"path": path})

        if there is None:
            kind = "attachment" if folder == "attachments" else "artifact"
            if answer.status == 200:
                # A rescan of the server's own has seen it before.
                assert answer.json["version"] == 1
            self.take(answer.json, path, content, kind=kind)
        elif there.content == content:
            assert (answer.status, seen(answer.json)) == (200, there.seen())
        else:
            self.renew(answer.json, there, content)

    # what is done behind the server's back

    def write(self, path, content):
        """As an editor saves: all at once."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        part = self.server.place / f"part-{uuid.uuid4().hex}"
        part.write_bytes(content)
        part.replace(target)

    def scan(self):
        assert self.api.call("POST", f"/sessions/{self.session}/scan").status == 200

    @precondition(lambda self: self.live)
    @rule(data=st.data(), content=st.binary(min_size=1, max_size=40))
    def overwrite_by_hand(self, data, content):
        kept = self.pick(data)
        assume(kept.content != content)
        self.write(kept.path, content)
        self.scan()

        self.renew(self.api.get(self.file(kept)).json, kept, content)

    @precondition(lambda self: self.live)
    @rule(data=st.data(), name=NAMES, folder=FOLDERS)
    def move_by_hand(self, data, name, folder):
        kept = self.pick(data)
        path = f"{folder}/{name}" if folder else name
        assume(self.at(path) is None)
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / kept.path).rename(self.folder / path)
        self.scan()

        kept.path = path
        self.tell("updated", kept)

    # what callers do to files

    @precondition(lambda self: self.live)
    @rule(data=st.data(), name=NAMES)
    def rename(self, data, name):
        kept = self.pick(data)
        path = kept.path.rpartition("/")[0]
        path = f"{path}/{name}" if path else name
        assume(path != kept.path)
        there = self.at(path)

        answer = self.api.send("PATCH", self.file(kept), {"name": name})

        if not self.is_open:
            assert answer.code == "session_closed"
        elif there is not None:
            assert answer.code == "name_taken"
        else:
            assert answer.status == 200, answer
            kept.path = path
            self.tell("updated", kept)

    @precondition(lambda self: self.live and self.is_open)
    @rule(data=st.data(), metadata=st.dictionaries(st.text(max_size=3), st.integers(-9, 9), max_size=2))
    def describe(self, data, metadata):
        kept = self.pick(data)
        assume(kept.metadata != metadata)

        assert self.api.send("PATCH", self.file(kept), {"metadata": metadata}).status == 200

        kept.metadata = metadata
        self.tell("updated", kept)

    @precondition(lambda self: self.live)
    @rule(data=st.data(), permanent=st.booleans())
    def delete(self, data, permanent):
        kept = self.pick(data)

        answer = self.api.delete(self.file(kept), permanent=int(permanent))

        if not self.is_open:
            assert answer.code == "session_closed"
            return
        assert answer.status == 204, answer
        del self.live[kept.attachment_id]
        self.tell("deleted", kept)
        if permanent:
            self.trash = {
                art: old for art, old in self.trash.items() if old.attachment_id != kept.attachment_id
            }
        else:
            self.trash[kept.artifact_id] = kept

    @precondition(lambda self: self.trash and self.is_open)
    @rule(data=st.data(), way=st.sampled_from(["error", "rename"]))
    def restore(self, data, way):
        old = self.pick(data, self.trash)
        current = self.live.get(old.attachment_id)
        is_version = any(
            other.attachment_id == old.attachment_id and other is not old and self.is_later(other, old)
            for other in self.trash.values()
        )
        assume(current is not None or not is_version)

        path = f"/sessions/{self.session}/artifacts/{old.artifact_id}/restore"
        answer = self.api.send("POST", path, {"on_conflict": way})

        if current is not None:
            assert answer.status == 200, answer
            self.trash[current.artifact_id] = Kept(**vars(current))
            del self.trash[old.artifact_id]
            self.renew(answer.json, current, old.content)
        elif way == "error" and self.at(old.path) is not None:
            assert answer.code == "name_taken"
        else:
            assert answer.status == 200, answer
            del self.trash[old.artifact_id]
            old.path = self.free(old.path)
            self.live[old.attachment_id] = old
            self.tell("created", old)
            assert seen(answer.json) == old.seen()

    def is_later(self, other, old):
        order = list(self.trash)
        return order.index(other.artifact_id) > order.index(old.artifact_id)

    @rule()
    def close_or_open(self):
        self.is_open = not self.is_open
        status = "active" if self.is_open else "completed"

        assert self.api.send("PATCH", f"/sessions/{self.session}", {"status": status}).status == 200

    # what happens to the server

    @rule()
    def kill(self):
        self.server.kill()
        self.server.start()

    @rule()
    def restart(self):
        self.server.stop()
        self.server.start()

    # what must hold after each step

    @invariant()
    def the_list_is_the_model(self):
        listed = {record["attachment_id"]: seen(record) for record in self.api.records(self.session)}

        assert listed == {file_id: kept.seen() for file_id, kept in self.live.items()}

    @invariant()
    def the_trash_is_the_model(self):
        listed = {record["artifact_id"] for record in self.api.records(self.session, "trash")}

        assert listed == set(self.trash)

    @invariant()
    def the_disk_is_the_model(self):
        paths = (path for path in self.folder.rglob("*") if path.is_file())
        found = {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}
        found.pop(MANIFEST, None)

        assert found == {kept.path: kept.content for kept in self.live.values()}

    @invariant()
    def the_events_are_the_model(self):
        events = self.api.events(self.session)

        assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
        assert [(event["change_type"], event["attachment_id"]) for event in events] == self.told

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def download(self, data):
        kept = self.pick(data)
        for file_id in (kept.attachment_id, kept.artifact_id):
            path = f"/sessions/{self.session}/artifacts/{file_id}"
            assert self.api.get(path, mode="stream").body == kept.content

    @precondition(lambda self: self.trash)
    @rule(data=st.data())
    def download_old_version(self, data):
        old = self.pick(data, self.trash)
        is_version = old.attachment_id in self.live
        answer = self.api.get(f"/sessions/{self.session}/artifacts/{old.artifact_id}", mode="stream")

        if is_version:
            assert answer.body == old.content
        else:
            assert (answer.status, answer.code) == (404, "file_not_found")


@pytest.mark.slow
def test_any_walk_through_the_api_agrees_with_a_plain_model(server):
    # C1 C4 C5; API 1 Durable, 4, 5, 11.24 to 11.30
    machine = type("Walk", (Machine,), {"server": server})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
