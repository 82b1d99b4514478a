"""C8: a lost or damaged index, and damaged journals. The server starts, says so, and every file is back."""

from __future__ import annotations

import json
import os
import random
import time
import uuid

import pytest
from faults.calling import Gone
from faults.invariants import check_agreement, check_content, check_database, check_log
from faults.truth import Truth

ROUNDS = int(os.environ.get("FAULTS_DAMAGES", "25"))
SEED = int(os.environ.get("FAULTS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)


class Person:
    """Somebody who uses one session of the server between two damages."""

    def __init__(self, server, session, dice):
        self.server = server
        self.api = server.api()
        self.truth = Truth(session)
        self.dice = dice
        assert self.api.send("PUT", f"/sessions/{session}", {}).status == 201

    def add(self, count):
        for _ in range(count):
            content = self.dice.randbytes(self.dice.choice([0, 10, 5000, 200_000])) + uuid.uuid4().bytes
            answer = self.api.upload(self.truth.session, f"{self.dice.randrange(30)}.bin", content)
            assert answer.status == 201, answer.body
            self.truth.new(answer.json, content)

    def change(self):
        """Some of everything, so that there are trash, versions, other names and metadata."""
        files = sorted(self.truth.live().values(), key=lambda known: known.attachment_id)
        deleted, replaced, renamed, noted = self.dice.sample(files, 4)
        assert self.api.delete(self.address(deleted)).status == 204
        deleted.kept = "trash"
        content = uuid.uuid4().bytes
        folder, _, name = replaced.path.rpartition("/")
        answer = self.api.upload(self.truth.session, name, content, dir=folder, on_conflict="replace")
        assert answer.status == 200, answer.body
        replaced.take(answer.json)
        answer = self.api.send("PATCH", self.address(renamed), {"name": f"{uuid.uuid4().hex}.bin"})
        renamed.take(answer.json)
        assert self.api.send("PATCH", self.address(noted), {"metadata": {"note": noted.path}}).status == 200

    def address(self, known):
        return f"/sessions/{self.truth.session}/artifacts/{known.attachment_id}"


def save_notebook(api, name):
    """Saves as JupyterLab does, and reads it back; how long that took, in seconds."""
    begun = time.monotonic()
    cell = {"cell_type": "code", "metadata": {}, "source": name, "outputs": [], "execution_count": None}
    content = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    body = {"type": "notebook", "format": "json", "content": content}
    saved = api.send("PUT", f"/contents/{name}.ipynb", body, base="api")
    assert saved.status in {200, 201}, saved.body
    assert api.get(f"/contents/{name}.ipynb", base="api").json["content"]["cells"][0]["source"] == name
    return time.monotonic() - begun


def start_and_save(server, name):
    """Starts the server, saves a notebook at the first moment that it answers; GET / when in order."""
    server.launch()
    api = server.own_api(timeout=10)
    deadline = time.monotonic() + 20
    while True:
        try:
            assert save_notebook(api, name) < 5
            break
        except Gone:
            assert server.is_running, server.log_text()[-3000:]
            assert time.monotonic() < deadline, "no notebook could be saved"
            time.sleep(0.02)
    api.close()
    return server.wait_ready()


def delete_index(path, dice):
    path.unlink()


def delete_index_but_not_its_journal(path, dice):
    path.with_name(f"{path.name}-journal").write_bytes(dice.randbytes(5000))
    path.unlink()


def truncate_index(path, dice):
    os.truncate(path, dice.randrange(path.stat().st_size))


def empty_index(path, dice):
    os.truncate(path, 0)


def cut_whole_pages(path, dice):
    os.truncate(path, dice.randrange(path.stat().st_size // 4096) * 4096)


def flip_bits(path, dice, count=20):
    content = bytearray(path.read_bytes())
    for _ in range(count):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    path.write_bytes(content)


def fill_with_garbage(path, dice):
    path.write_bytes(dice.randbytes(path.stat().st_size))


def zero_a_page(path, dice):
    content = bytearray(path.read_bytes())
    start = dice.randrange(len(content) // 4096) * 4096
    content[start : start + 4096] = bytes(4096)
    path.write_bytes(content)


def spoil_a_column_name(path, dice):
    content = bytearray(path.read_bytes())
    where = content.index(b"provenance TEXT")
    # Either another name, or no UTF-8 any more.
    content[where + 3] ^= dice.choice([0x01, 0x80])
    path.write_bytes(content)


#: What nobody could overlook.
PLAIN = [
    delete_index,
    delete_index_but_not_its_journal,
    truncate_index,
    empty_index,
    fill_with_garbage,
    spoil_a_column_name,
]
#: What may hit a place that holds nothing.
HIDDEN = [flip_bits, flip_bits, flip_bits, flip_bits, zero_a_page, cut_whole_pages]


def test_a_damaged_index_is_noticed_and_no_file_loses_its_id(server):
    print(f"seed {SEED}: FAULTS_SEED={SEED} FAULTS_DAMAGES={ROUNDS} repeats the plan")
    dice = random.Random(SEED)
    people = [Person(server, "one", dice), Person(server, "two", dice)]
    for person in people:
        person.add(30)
    noticed = {}

    for number in range(ROUNDS):
        damage = (PLAIN + HIDDEN)[number % len(PLAIN + HIDDEN)]
        for person in people:
            person.add(2)
            person.change()
        server.stop() if dice.random() < 0.5 else server.kill()
        damage(server.database, dice)
        described = start_and_save(server, f"round-{number}")

        noticed.setdefault(damage.__name__, []).append(bool(described["problems"]))
        if damage in PLAIN:
            assert described["problems"], f"{damage.__name__} was not reported"
        for person in people:
            check_agreement(server, person.api, person.truth)
        check_content(server, people[0].api, people[0].truth, 5)
        events = people[0].api.get("/sessions/one/artifact-events", wait_seconds=0)
        assert events.status == 200, events.body

    server.stop()
    check_database(server)
    check_log(server)
    print(", ".join(f"{name}: noticed {sum(said)} of {len(said)}" for name, said in noticed.items()))


def test_a_lost_rollback_journal_after_a_kill_costs_nothing(server):
    dice = random.Random(SEED)
    person = Person(server, "one", dice)
    person.add(30)

    for number in range(5):
        person.add(1)
        server.kill()
        journal = server.database.with_name(f"{server.database.name}-journal")
        # As if the kill had come in the middle of a transaction: some pages are new, the journal is gone.
        flip_bits(server.database, dice, 3)
        journal.unlink(missing_ok=True)
        start_and_save(server, f"round-{number}")

        check_agreement(server, person.api, person.truth)
        person.add(1)


def test_an_index_from_last_week_is_brought_forward(server):
    person = Person(server, "one", random.Random(SEED))
    person.add(10)
    server.stop()
    old = server.database.read_bytes()
    server.start()
    person.add(10)
    person.change()
    server.stop()

    server.database.write_bytes(old)
    server.start()

    check_agreement(server, person.api, person.truth)
    before = person.api.get("/sessions/one/artifact-events", wait_seconds=0).json["next_cursor"]
    person.add(1)
    news = person.api.get("/sessions/one/artifact-events", after=before, wait_seconds=5).json
    assert [event["change_type"] for event in news["events"]] == ["created"]


def journal_of(server, session):
    return server.state / "journals" / f"{session}.jsonl"


def tear_last_line(path, dice):
    with path.open("ab") as file:
        file.write(b'5f0c2a91 {"position":99,"kind":"file","bo')


def spoil_a_line(path, dice):
    content = bytearray(path.read_bytes())
    for _ in range(3):
        content[dice.randrange(len(content) // 4, len(content) // 2)] ^= 1
    path.write_bytes(content)


def remove_journal(path, dice):
    path.unlink()


def empty_journal(path, dice):
    os.truncate(path, 0)


def fill_journal_with_garbage(path, dice):
    path.write_bytes(dice.randbytes(path.stat().st_size))


JOURNAL_DAMAGES = [tear_last_line, spoil_a_line, remove_journal, empty_journal, fill_journal_with_garbage]


@pytest.mark.parametrize("damage", JOURNAL_DAMAGES)
def test_a_damaged_journal_is_made_again_from_the_index(server, damage):
    dice = random.Random(SEED)
    person = Person(server, "one", dice)
    person.add(10)
    person.change()
    server.kill()

    damage(journal_of(server, "one"), dice)
    described = start_and_save(server, "meanwhile")

    check_agreement(server, person.api, person.truth)
    if damage is not tear_last_line:
        assert [problem["session_id"] for problem in described["problems"]] == ["one"], described
    person.add(2)
    person.change()
    # The journal alone is enough again.
    server.kill()
    server.database.unlink()
    start_and_save(server, "after")
    check_agreement(server, person.api, person.truth)


def test_with_index_and_a_line_of_the_journal_gone_no_bytes_are_lost(server):
    dice = random.Random(SEED)
    person = Person(server, "one", dice)
    person.add(20)
    server.stop()
    lines = journal_of(server, "one").read_bytes().splitlines(keepends=True)
    victim = next(number for number, line in enumerate(lines) if b'"kind":"file"' in line and number > 10)
    lost = json.loads(lines[victim][9:])["body"]["attachment_id"]
    lines[victim] = lines[victim][:50] + b"#" + lines[victim][51:]

    journal_of(server, "one").write_bytes(b"".join(lines))
    server.database.unlink()
    described = start_and_save(server, "meanwhile")

    assert "journal_damaged" in {problem["code"] for problem in described["problems"]}
    assert person.api.send("POST", "/sessions/one/scan", {}).status == 200
    listed = {record["path"]: record for record in person.api.records("one")}
    for known in person.truth.live().values():
        record = listed[known.path]
        assert record["sha256"] == known.sha256
        assert (record["attachment_id"] == known.attachment_id) == (known.attachment_id != lost)
