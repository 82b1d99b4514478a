"""The invariants that hold after every fault, checked by one checker.

I1  every acknowledged file is there, its content equal by SHA-256
I2  nobody ever saw a file with another size or hash than recorded (`watching.Poller`)
I3  manifest, database, disk and list say the same; staging is empty; no file without a row
I4  sequences rise by one without gap or repetition; one `created` for each acknowledged file
I5  a request repeated with its Idempotency-Key gives the same record
I6  the database is sound
I7  no traceback and no token in the log; no descriptor leaked
I8  the service answers within five seconds of a restart
"""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

from faults.serving import TOKEN
from faults.truth import sha256
from faults.watching import check_zip

#: What of our own may stand in a session's folder without being listed.
MANIFEST = "attachments/attachments_manifest.json"

START_SECONDS = 5.0
GRACE_SECONDS = 5.0


def check_all(server, truth, *, sample=None):
    """Stops the server, starts it again and checks everything; how long the start took, in seconds.

    The clients must be at rest. sample: how many files are downloaded one by one; None: all.
    """
    if server.is_running:
        server.stop()
    check_database(server)
    check_rows(server, truth)
    start_seconds = server.start()
    assert start_seconds < START_SECONDS, f"I8: {start_seconds:.1f} s from start to service"
    api = server.api()
    check_agreement(server, api, truth)
    check_content(server, api, truth, sample)
    check_events(api.events(truth.session), truth)
    check_keys(api, truth)
    check_log(server)
    check_descriptors(server, api, truth)
    return start_seconds


# I6: a copy is opened, and only while no server runs: SQLite's locks are per process and file


def copy_of_database(server):
    """Where a copy of the database lies, with its journal."""
    folder = Path(tempfile.mkdtemp(prefix="index-", dir=server.place))
    for part in server.database.parent.glob(f"{server.database.name}*"):
        if ".damaged" not in part.name:
            shutil.copy2(part, folder / part.name)
    return folder / server.database.name


def read_rows(server, *queries):
    """The rows of each query, from a copy of the database."""
    assert not server.is_running, "the database is read while a server runs"
    copy = copy_of_database(server)
    try:
        with closing(sqlite3.connect(copy)) as connection:
            connection.row_factory = sqlite3.Row
            return [connection.execute(query).fetchall() for query in queries]
    finally:
        shutil.rmtree(copy.parent)


def check_database(server):
    """I6; how many publications are promised and not finished."""
    sound, broken, intents = read_rows(
        server, "PRAGMA integrity_check", "PRAGMA foreign_key_check", "SELECT intent_id FROM intents"
    )
    assert [tuple(row) for row in sound] == [("ok",)], f"I6: {[tuple(row) for row in sound]}"
    assert not broken, f"I6: {[tuple(row) for row in broken]}"
    return len(intents)


def check_rows(server, truth):
    """What only the rows show: counts that are kept beside what they count."""
    files, totals = read_rows(
        server,
        f"SELECT kind, size, deleted_at FROM files WHERE session_id = '{truth.session}'",
        f"SELECT attachments, artifacts, live_bytes FROM sessions WHERE session_id = '{truth.session}'",
    )
    live = [row for row in files if row["deleted_at"] is None]
    counted = (
        sum(row["kind"] == "attachment" for row in live),
        sum(row["kind"] == "artifact" for row in live),
        sum(row["size"] for row in live),
    )
    assert counted == tuple(totals[0]), "I3: the session's totals are not those of its rows"


# I1 and I3


def left_over(staging):
    """What lies there beside uploads that can be resumed: each of those has a note."""
    names = {path.name for path in staging.iterdir()}
    resumable = {name.removesuffix(".json") for name in names if name.endswith(".json")}
    return {name for name in names if name.removesuffix(".json") not in resumable}


def check_agreement(server, api, truth):
    """List, trash, disk, staging and manifest against what was acknowledged."""
    listed = {record["attachment_id"]: record for record in api.records(truth.session)}
    expected = truth.live()
    assert_same("I1: listed files", set(listed), set(expected))
    for attachment_id, known in expected.items():
        check_record(listed[attachment_id], known)
    # The trash lists versions, too: those of files that were replaced.
    trashed = {record["artifact_id"]: record for record in api.records(truth.session, "trash")}
    in_trash = truth.in_trash()
    for known in in_trash.values():
        check_record(trashed[known.artifact_id], known)
    check_disk(server, truth)
    check_trash_folder(server, in_trash)
    within_grace("I3: the staging folder is not empty", lambda: not left_over(server.state / "staging"))
    within_grace(
        "I3: the manifest is not the list", lambda: manifest_of(server, truth) == manifest_for(listed)
    )


def check_record(record, known):
    said = (record["artifact_id"], record["path"], record["size"], record["sha256"])
    wanted = (known.artifact_id, known.path, known.size, known.sha256)
    assert said == wanted, f"I1: acknowledged {known}, listed {record}"


def check_disk(server, truth):
    """Every file that stands in the session's folder is an acknowledged one, under its one name."""
    folder = server.workspace / truth.session
    on_disk = {
        str(path.relative_to(folder)): path
        for path in folder.rglob("*")
        if path.is_file() and str(path.relative_to(folder)) != MANIFEST and not path.name.endswith(".part")
    }
    expected = {known.path: known for known in truth.live().values()}
    assert_same("I3: files on the disk", set(on_disk), set(expected))
    for path, known in expected.items():
        content = on_disk[path].read_bytes()
        assert (len(content), sha256(content)) == (known.size, known.sha256), f"I1: {known} on the disk"
        assert on_disk[path].stat().st_nlink == 1, f"{path} has a second name"


def check_trash_folder(server, in_trash):
    names = {path.name: path for path in (server.state / "trash").iterdir()}
    for known in in_trash.values():
        content = names[known.artifact_id].read_bytes()
        assert sha256(content) == known.sha256, f"I1: {known} in the trash"


def manifest_of(server, truth):
    with suppress(FileNotFoundError):
        attachments = json.loads((server.workspace / truth.session / MANIFEST).read_text())["attachments"]
        return {
            attachment_id: (record["artifact_id"], record["path"], record["size"], record["sha256"])
            for attachment_id, record in attachments.items()
        }
    return {}


def manifest_for(listed):
    return {
        attachment_id: (record["artifact_id"], record["path"], record["size"], record["sha256"])
        for attachment_id, record in listed.items()
        if record["kind"] == "attachment"
    }


def check_content(server, api, truth, sample):
    """What is sent is what was acknowledged: file by file, and all in one zip."""
    live = list(truth.live().values())
    for known in live if sample is None else random.Random(0).sample(live, min(sample, len(live))):
        answer = api.get(f"/sessions/{truth.session}/artifacts/{known.attachment_id}", mode="stream")
        assert answer.status == 200, (known, answer.body[:300])
        assert sha256(answer.body) == known.sha256, f"I1: {known} as it is sent"
    answer = api.get(f"/sessions/{truth.session}/download")
    assert answer.status == 200, answer.body[:300]
    assert_same("I3: members of the zip", set(check_zip(answer.body, truth)), {known.path for known in live})


# I4


def check_events(events, truth):
    sequences = [event["sequence"] for event in events]
    assert sequences == list(range(1, len(events) + 1)), "I4: a gap or a repetition"
    assert len({event["event_id"] for event in events}) == len(events), "I4: an event id is there twice"
    told = {}
    for event in events:
        counts = told.setdefault(event["attachment_id"], {"created": 0, "updated": 0, "deleted": 0})
        counts[event["change_type"]] += 1
    everything = {**truth.files, **truth.purged}
    assert_same("I4: files that events tell of", set(told), set(everything))
    for attachment_id, known in everything.items():
        assert told[attachment_id] == known.told, f"I4: {known} was told of {told[attachment_id]}"


# I5


def check_keys(api, truth, count=30):
    """The newest keys and some old ones, sent once more."""
    chosen = [
        *truth.keys[-count // 2 :],
        *random.Random(0).sample(truth.keys, min(count // 2, len(truth.keys))),
    ]
    for again, ids in chosen:
        answer = again(api)
        assert answer.status in {200, 201}, (answer.status, answer.body[:300])
        records = answer.json.get("saved", [answer.json])
        given = [(record["attachment_id"], record["artifact_id"]) for record in records]
        assert given == ids, f"I5: the same key gave {given} after {ids}"


# I7


def check_log(server):
    log = server.log_text()
    where = log.find("Traceback")
    assert where < 0, f"I7: a traceback in the log:\n{log[max(0, where - 500) : where + 3000]}"
    assert TOKEN not in log, "I7: the token is in the log"


def check_descriptors(server, api, truth):
    """As many are open after a round of requests as before it."""

    def round_of_requests(count):
        for _ in range(count):
            for known in list(truth.live().values())[:3]:
                api.get(f"/sessions/{truth.session}/artifacts/{known.attachment_id}", mode="stream")
            api.get(f"/sessions/{truth.session}/artifacts")
            api.get(f"/sessions/{truth.session}/artifact-events", wait_seconds=0)
            assert api.upload("fds", "a.bin", bytes(100_000), on_conflict="replace").status in {200, 201}

    assert api.send("PUT", "/sessions/fds", {}).status in {200, 201}
    round_of_requests(2)
    before = server.descriptors()
    round_of_requests(10)

    def is_flat():
        return len(server.descriptors()) <= len(before) + 2

    within_grace(f"I7: descriptors leak: {before} became {server.descriptors()}", is_flat)


def assert_same(what, found, expected):
    missing, surplus = expected - found, found - expected
    assert not missing, f"{what}: {len(missing)} missing, such as {sorted(missing)[:5]}"
    assert not surplus, f"{what}: {len(surplus)} too many, such as {sorted(surplus)[:5]}"


def within_grace(message, holds, seconds=GRACE_SECONDS):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, message
        time.sleep(0.05)
