"""Files come in: new ones, new versions, and what stands in their way."""

import hashlib
import os

import pytest

from jupyter_workspace.errors import (
    Busy,
    DigestMismatch,
    FileNotFound,
    KeyReused,
    NameTaken,
    NotADirectory,
    SessionNotFound,
)
from jupyter_workspace.models.entry import Answer
from jupyter_workspace.models.file import Provenance
from jupyter_workspace.services.artifacts import Page
from jupyter_workspace.services.creation import Candidate, merged, session_place
from jupyter_workspace.services.noticing import Finding, Notice
from tests.unit.opening import (
    ADA,
    FailsAt,
    caught,
    content_of,
    events,
    indexed,
    session,
    sha256,
    staged,
    upload,
    write,
)


@pytest.fixture(autouse=True)
async def churn(workspace):
    return await session(workspace)


async def nothing_stays(workspace, opener):
    _, totals, files, _ = await indexed(workspace)
    return opener.staging() == [] and not files and totals.live_bytes == 0 and not await events(workspace)


# S0-02, S0-03, S0-04, S0-21, S4-08, S2-45: what the record says of an upload
async def test_an_uploaded_file_is_recorded_as_it_was_stored(workspace, opener, clock):
    entry = await upload(workspace, "sales.csv", b"a,b\n", declared_mime="text/weird", metadata={"q": 3})

    assert (opener.folder() / "attachments/sales.csv").read_bytes() == b"a,b\n"
    assert (entry.path, entry.name, entry.size, entry.mime) == (
        "attachments/sales.csv",
        "sales.csv",
        4,
        "text/csv",
    )
    assert (entry.kind, entry.source, entry.storage, entry.version) == ("attachment", "upload", "local", 1)
    assert entry.sha256 == sha256(b"a,b\n")
    assert (entry.declared_mime, entry.metadata) == ("text/weird", {"q": 3})
    assert entry.created_at == entry.modified_at == clock()
    assert entry.attachment_id.startswith("att_")
    assert entry.artifact_id.startswith("art_")


# S0-12, C1: the same name twice is two files
async def test_the_same_name_twice_gives_two_files(workspace, opener):
    first = await upload(workspace, "a.tar.gz", b"1")
    second = await upload(workspace, "a.tar.gz", b"2")

    assert second.path == "attachments/a (1).tar.gz"
    assert first.attachment_id != second.attachment_id
    assert (opener.folder() / "attachments/a.tar.gz").read_bytes() == b"1"


async def test_many_files_of_one_name_are_numbered_without_a_gap(workspace):
    paths = [(await upload(workspace, "a", b"%d" % n)).name for n in range(24)]

    assert paths == ["a", *(f"a ({n})" for n in range(1, 24))]


# S2-31
async def test_a_taken_name_is_refused_and_the_old_file_untouched(workspace, opener):
    old = await upload(workspace, "a.csv", b"old")

    error = await caught(upload(workspace, "a.csv", b"new", on_conflict="error"))

    assert isinstance(error, NameTaken)
    assert error.facts == {"path": "attachments/a.csv"}
    assert await content_of(workspace, old.attachment_id) == b"old"
    assert opener.staging() == []


# S0-22, C1, API 11.24, 11.30: the id stays, the version is new, the old bytes lie in the trash
async def test_a_replaced_file_keeps_its_id_and_its_old_version(workspace, opener, clock):
    old = await upload(workspace, "a.csv", b"old", metadata={"a": 1})
    clock.forward(minutes=5)

    new = await upload(workspace, "a.csv", b"newer", on_conflict="replace", metadata={"b": 2})

    assert (new.attachment_id, new.version, new.created_at) == (old.attachment_id, 2, old.created_at)
    assert new.artifact_id != old.artifact_id
    assert new.metadata == {"a": 1, "b": 2}
    assert new.modified_at == clock()
    assert await content_of(workspace, old.attachment_id) == b"newer"
    assert await content_of(workspace, old.artifact_id) == b"old"
    assert opener.trash() == [old.artifact_id]
    assert [event["change_type"] for event in await events(workspace)] == ["created", "updated"]
    assert (await indexed(workspace))[1].trash_bytes == 3


# S2-35
async def test_replacing_what_is_not_there_just_saves(workspace):
    entry = await upload(workspace, "a.csv", on_conflict="replace")

    assert entry.version == 1


async def test_a_foreign_file_that_is_replaced_is_kept_in_the_trash(workspace, opener):
    write(opener.folder(), "attachments/a.csv", b"foreign")

    entry = await upload(workspace, "a.csv", b"mine", on_conflict="replace")

    assert entry.version == 1
    assert (opener.folder() / "attachments/a.csv").read_bytes() == b"mine"
    [kept] = opener.trash()
    assert (opener.state / "trash" / kept).read_bytes() == b"foreign"
    [record] = (await workspace.artifacts.trash(ADA, "churn", Page())).trash
    assert (record.artifact_id, record.source, record.size) == (kept, "watch", 7)


# S3-35: the name of a folder is a clean error
@pytest.mark.parametrize("on_conflict", ["error", "replace"])
async def test_the_name_of_a_folder_is_taken(workspace, opener, on_conflict):
    (opener.folder() / "attachments/a.csv").mkdir(parents=True)

    error = await caught(upload(workspace, "a.csv", on_conflict=on_conflict))

    assert isinstance(error, NameTaken)


async def test_the_name_of_a_folder_is_numbered_for_who_lets_us(workspace, opener):
    (opener.folder() / "attachments/a.csv").mkdir(parents=True)

    assert (await upload(workspace, "a.csv")).name == "a (1).csv"


# S3-27, C29
async def test_a_file_in_the_way_of_the_folder_is_said_to_be_no_folder(workspace, opener):
    write(opener.folder(), "data", b"a file")

    error = await caught(upload(workspace, "a.csv", folder="data/deep"))

    assert isinstance(error, NotADirectory)
    assert await nothing_stays(workspace, opener)


# S1-09, S3-26
async def test_missing_folders_are_made(workspace, opener):
    await upload(workspace, "a.csv", folder="data/deep/er")

    assert (opener.folder() / "data/deep/er/a.csv").exists()


async def test_a_file_changed_behind_our_back_is_kept_when_it_is_replaced(workspace, opener):
    old = await upload(workspace, "a.csv", b"old")
    write(opener.folder(), "attachments/a.csv", b"edited by hand")

    new = await upload(workspace, "a.csv", b"new", on_conflict="replace")

    assert new.version == 3
    [kept] = opener.trash()
    assert (opener.state / "trash" / kept).read_bytes() == b"edited by hand"
    versions = (await indexed(workspace))[3]
    assert {entry.version: entry.kept for entry in versions.values()} == {1: "gone", 2: "trash"}
    assert versions[old.artifact_id].kept == "gone"


async def test_a_file_that_vanished_is_replaced_without_its_old_version(workspace, opener):
    old = await upload(workspace, "a.csv", b"old")
    (opener.folder() / "attachments/a.csv").unlink()

    new = await upload(workspace, "a.csv", b"new", on_conflict="replace")

    assert (new.attachment_id, new.version) == (old.attachment_id, 2)
    assert opener.trash() == []
    assert await content_of(workspace, new.attachment_id) == b"new"


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
async def test_what_is_no_file_any_more_is_not_replaced(workspace, opener, make):
    await upload(workspace, "a.csv", b"old")
    place = opener.folder() / "attachments/a.csv"
    place.unlink()
    make(place)

    error = await caught(upload(workspace, "a.csv", b"new", on_conflict="replace"))

    assert isinstance(error, NameTaken)
    assert place.exists()


# S2-34, S2-36
async def test_a_replacement_whose_file_goes_meanwhile_is_planned_again(workspace, opener, monkeypatch):
    old = await upload(workspace, "a.csv", b"old")
    apply = workspace.parts.store.apply
    tries = []

    async def removed_meanwhile(moves):
        tries.append(moves)
        if len(tries) == 1:
            (opener.folder() / "attachments/a.csv").unlink()
        await apply(moves)

    monkeypatch.setattr(workspace.parts.store, "apply", removed_meanwhile)

    new = await upload(workspace, "a.csv", b"new", on_conflict="replace")

    assert (new.attachment_id, new.version, len(tries)) == (old.attachment_id, 2, 2)


# C3, S3-32: all or none
async def test_several_files_come_all_or_none(workspace, opener):
    pairs = [
        (Candidate(name=name, folder="attachments", on_conflict="error"), await staged(workspace, b"1"))
        for name in ("a.csv", "b.csv", "a.csv")
    ]

    error = await caught(workspace.ingest.admit("churn", pairs))

    assert isinstance(error, NameTaken)
    assert await nothing_stays(workspace, opener)


async def test_several_files_of_one_name_are_numbered(workspace):
    pairs = [(Candidate(name="a.csv", folder=""), await staged(workspace, b"%d" % n)) for n in range(3)]

    saved = await workspace.ingest.admit("churn", pairs)

    assert [entry.path for entry in saved.entries] == ["a.csv", "a (1).csv", "a (2).csv"]
    assert saved.is_new


async def test_one_request_cannot_replace_a_file_twice(workspace):
    await upload(workspace, "a.csv", b"old", folder="")
    pairs = [
        (Candidate(name="a.csv", folder="", on_conflict="replace"), await staged(workspace, b"%d" % n))
        for n in range(2)
    ]

    assert isinstance(await caught(workspace.ingest.admit("churn", pairs)), NameTaken)


# API 11.20
async def test_bytes_that_are_not_those_that_were_announced_are_refused(workspace, opener):
    right, wrong = hashlib.sha512(b"x").digest(), bytes(64)

    await upload(workspace, "a", b"x", digests={"sha-256": bytes.fromhex(sha256(b"x")), "sha-512": right})
    await upload(workspace, "b", b"x", digests={"md5": b"ignored"})
    for digests in ({"sha-256": bytes(32)}, {"sha-512": wrong}):
        error = await caught(upload(workspace, "c", b"x", digests=digests))
        assert isinstance(error, DigestMismatch)
    assert opener.staging() == []
    assert len((await indexed(workspace))[2]) == 2


async def test_a_staging_file_that_is_gone_is_no_file(workspace, monkeypatch):
    arrival = await staged(workspace, b"x")
    await arrival.staging.finish()
    await workspace.parts.store.remove(arrival.staging.place)

    error = await caught(workspace.ingest.admit("churn", [(Candidate(name="a", folder=""), arrival)]))

    assert isinstance(error, Busy)


async def test_room_that_was_reserved_for_a_file_that_cannot_be_staged_is_given_back(workspace, monkeypatch):
    store = workspace.parts.store
    found = await workspace.sessions.require(ADA, "churn")
    monkeypatch.setattr(store, "stage", FailsAt(store.stage, Busy(), 1))

    error = await caught(workspace.ingest.arrive(found, 10))

    assert isinstance(error, Busy)
    assert workspace.ingest._room._held == set()


# API 4, 11.52: Idempotency-Key
async def test_the_same_key_gives_the_same_answer_and_no_second_file(workspace, clock):
    async def ask(name, fingerprint):
        answer = Answer(key="k", owner="server", fingerprint=fingerprint, entries=[], created_at=clock())
        pair = (Candidate(name=name, folder=""), await staged(workspace, b"x"))
        return await workspace.ingest.admit("churn", [pair], answer)

    first = await ask("a.csv", "f")
    second = await ask("a.csv", "f")
    error = await caught(ask("b.csv", "g"))

    assert first == second
    assert first.is_new
    assert isinstance(error, KeyReused)
    assert len((await indexed(workspace))[2]) == 1


# S0-23: the same bytes give two ids, unless the caller asks otherwise
async def test_identical_bytes_are_one_file_only_on_demand(workspace):
    first = await upload(workspace, "a.csv", b"same")
    other = await upload(workspace, "b.csv", b"same")

    again = await upload(workspace, "c.csv", b"same", deduplicate=True, metadata={"seen": 2})

    assert first.attachment_id != other.attachment_id
    assert (again.attachment_id, again.metadata) == (first.attachment_id, {"seen": 2})
    assert len(await events(workspace)) == 2


async def test_equal_bytes_make_no_new_version_for_who_is_content_with_the_old_one(workspace, opener):
    first = await upload(workspace, "a.csv", b"same", provenance=Provenance(run_id="r", git_commit="g"))

    again = await upload(
        workspace,
        "a.csv",
        b"same",
        on_conflict="replace",
        keeps_equal=True,
        provenance=Provenance(run_id="s", inputs=["art_1"]),
    )

    assert again.artifact_id == first.artifact_id
    assert again.provenance == Provenance(run_id="s", git_commit="g", inputs=["art_1"])
    assert opener.staging() == []


async def test_a_file_that_is_replaced_by_its_id_must_be_there(workspace):
    entry = await upload(workspace, "a.csv", b"a")

    new = await upload(workspace, "ignored.csv", b"b", replaces=entry.attachment_id)
    await workspace.artifacts.delete(ADA, "churn", [entry.attachment_id], permanent=False)
    for file_id in (entry.attachment_id, "att_" + "0" * 26):
        assert isinstance(await caught(upload(workspace, "x", replaces=file_id)), FileNotFound)

    assert (new.path, new.version) == ("attachments/a.csv", 2)


async def test_an_upload_to_no_session_is_refused(workspace):
    arrival = await workspace.ingest.arrive(None, None)
    await arrival.write(b"x")

    error = await caught(workspace.ingest.admit("nowhere", [(Candidate(name="a", folder=""), arrival)]))

    assert isinstance(error, SessionNotFound)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (None, Provenance(cell_id="c"), Provenance(cell_id="c")),
        (Provenance(cell_id="c", inputs=["art_1"]), Provenance(), Provenance(cell_id="c", inputs=["art_1"])),
        (Provenance(cell_id="c"), Provenance(cell_id="d"), Provenance(cell_id="d")),
    ],
)
def test_what_is_newly_known_wins_and_what_is_not_said_stays(old, new, expected):
    assert merged(old, new) == expected


async def test_findings_of_one_path_are_noticed_once(workspace, opener):
    write(opener.folder(), "a.txt", b"1")
    place = await workspace.parts.store.digest(session_place("churn", "a.txt"))
    finding = Finding(path="a.txt", digest=place[0], stat=place[1], source="register")

    done = await workspace.parts.publisher.publish(Notice(workspace.parts, "churn", [finding, finding]))

    assert done[0][0].attachment_id == done[1][0].attachment_id
    assert len((await indexed(workspace))[2]) == 1
