import asyncio
import os
import unicodedata

import pytest

from jupyter_workspace.errors import (
    BodyInvalid,
    Busy,
    FileNotFound,
    Forbidden,
    IdInvalid,
    Infected,
    NameInvalid,
    NameTaken,
    PathEscapes,
    QuotaExceeded,
    SessionClosed,
    SessionNotFound,
    SourceNotFound,
    VersionGone,
)
from jupyter_workspace.models.artifact import ArtifactChange, ProvenanceGiven, Register
from jupyter_workspace.models.session import SessionChange, SessionNew
from jupyter_workspace.services.settings import Actor
from tests.unit.opening import (
    ADA,
    FailsAt,
    FakeNotebooks,
    FakeScanner,
    caught,
    content_of,
    events,
    indexed,
    session,
    upload,
    write,
)

BOB = Actor(owner="bob", name="bob")


@pytest.fixture
async def churn(workspace, opener):
    await session(workspace)
    return opener.folder()


async def register(workspace, *, session_id="churn", **body):
    return await workspace.registration.register(ADA, session_id, [Register(**body)])


async def registered(workspace, **body):
    [[entry, _]] = await register(workspace, **body)
    return entry


async def kinds(workspace):
    return [event["change_type"] for event in await events(workspace)]


# S0-17, S0-18, API 11.27: what stands in the session is noticed where it stands
async def test_a_file_of_the_session_is_registered_where_it_stands(workspace, churn):
    write(churn, "model.pkl", b"weights")

    [[entry, is_new]] = await register(workspace, path="model.pkl", metadata={"auc": 0.9})

    assert is_new
    assert (entry.path, entry.kind, entry.source, entry.storage) == (
        "model.pkl",
        "artifact",
        "register",
        "local",
    )
    assert entry.metadata == {"auc": 0.9}
    assert await content_of(workspace, entry.attachment_id) == b"weights"
    assert await kinds(workspace) == ["created"]


# API 5: the same path with the same bytes is the same record, merged
async def test_the_same_bytes_at_the_same_path_are_the_same_record(workspace, churn):
    write(churn, "a.txt", b"1")
    first = await registered(
        workspace, path="a.txt", metadata={"a": 1}, provenance=ProvenanceGiven(cell_id="c")
    )
    await registered(workspace, path="a.txt")

    [[again, is_new]] = await register(
        workspace, path="a.txt", metadata={"b": 2}, provenance=ProvenanceGiven(run_id="r")
    )

    assert (again.artifact_id, is_new) == (first.artifact_id, False)
    assert again.metadata == {"a": 1, "b": 2}
    assert (again.provenance.cell_id, again.provenance.run_id) == ("c", "r")
    assert await kinds(workspace) == ["created"]


# API 11.27, S0-65
async def test_changed_bytes_at_the_same_path_are_a_new_version(workspace, churn):
    write(churn, "a.txt", b"1")
    first = await registered(workspace, path="a.txt", metadata={"a": 1})
    write(churn, "a.txt", b"22")

    [[second, is_new]] = await register(workspace, path="a.txt")

    assert (second.attachment_id, second.version, is_new) == (first.attachment_id, 2, False)
    assert second.metadata == {"a": 1}
    assert await kinds(workspace) == ["created", "updated"]
    assert isinstance(await caught(content_of(workspace, first.artifact_id)), VersionGone)


# S0-19: registering what is not there changes nothing
@pytest.mark.parametrize(
    "body",
    [
        {"path": "nothing.txt"},
        {"path": "folder"},
        {"path": "file.txt/below"},
        {"path": ""},
        {"path": "pipe"},
        {"path": "attachments/attachments_manifest.json"},
        {"root_path": "nothing.txt"},
        {"root_path": ""},
        {"root_path": "workspace/.jupyter_workspace/journals/churn.jsonl", "copy": False},
        {"root_path": "workspace/churn/file.txt/below", "copy": False},
        {"root_path": "outside.txt/below"},
        {"source": "workspace://churn/nothing.txt"},
        {"source": "workspace://churn/references/outside.txt"},
    ],
)
async def test_what_is_not_there_cannot_be_registered(workspace, churn, opener, body):
    (churn / "folder").mkdir()
    write(churn, "file.txt")
    write(churn, "attachments/attachments_manifest.json", b"{}")
    os.mkfifo(churn / "pipe")
    write(opener.root, "outside.txt")
    await register(workspace, root_path="outside.txt", copy=False)
    before = await indexed(workspace)

    error = await caught(register(workspace, **body))

    # Hidden paths are not there either.
    assert isinstance(error, SourceNotFound | FileNotFound)
    assert (await indexed(workspace))[2:] == before[2:]
    assert opener.staging() == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, BodyInvalid),
        ({"path": "a", "source": "data:,x"}, BodyInvalid),
        ({"path": "a.txt", "copy": False}, BodyInvalid),
        ({"source": "gibberish"}, BodyInvalid),
        ({"path": "../a.txt"}, PathEscapes),
        ({"path": "/etc/passwd"}, PathEscapes),
        ({"path": "link.txt"}, PathEscapes),
        ({"root_path": "../a.txt"}, PathEscapes),
        ({"source": "data:,x", "name": "a/b"}, NameInvalid),
        ({"root_path": "out.txt", "name": ".hidden", "copy": False}, NameInvalid),
        ({"source": "data:,x", "attachment_id": "att_x"}, IdInvalid),
        ({"path": "a.txt", "attachment_id": "att_" + "0" * 26}, FileNotFound),
        # S2-62: off by default, it could reach what only the server can reach
        ({"source": "http://169.254.169.254/"}, Forbidden),
        ({"source": "s3://bucket/key"}, Forbidden),
    ],
)
async def test_a_body_that_cannot_be_is_refused(workspace, churn, opener, body, expected):
    write(churn, "a.txt")
    write(opener.root, "out.txt")
    (churn / "link.txt").symlink_to(opener.root / "out.txt")

    error = await caught(register(workspace, **body))

    assert isinstance(error, expected)
    assert (await indexed(workspace))[2] == {}


# C2, API 11.19: found exactly first, then by NFC
async def test_a_name_is_found_in_either_form(workspace, churn):
    nfd, nfc = unicodedata.normalize("NFD", "é.txt"), unicodedata.normalize("NFC", "é.txt")
    write(churn, nfd, b"nfd")
    by_nfd = await registered(workspace, path=nfd)
    write(churn, nfc, b"nfc")

    by_nfc = await registered(workspace, path=nfc)
    write(churn, "ü.txt", b"u")
    other = await registered(workspace, path=unicodedata.normalize("NFD", "ü.txt"))

    assert (by_nfd.path, by_nfc.path) == (nfd, nfc)
    assert other.path == "ü.txt"


# S0-23
async def test_the_same_bytes_elsewhere_are_taken_for_the_file_on_demand(workspace, churn):
    write(churn, "a.txt", b"same")
    write(churn, "b.txt", b"same")
    first = await registered(workspace, path="a.txt")

    [[again, is_new]] = await register(workspace, path="b.txt", deduplicate=True)
    own = await registered(workspace, path="a.txt", deduplicate=True)
    other = await registered(workspace, path="b.txt")
    fresh = (
        await registered(workspace, path="c.txt", deduplicate=True) if write(churn, "c.txt", b"c") else None
    )

    assert (again.attachment_id, is_new) == (first.attachment_id, False)
    assert own.attachment_id == first.attachment_id
    assert other.attachment_id != first.attachment_id
    assert fresh.path == "c.txt"


# S0-22: replaces that file's content
async def test_the_content_of_a_file_is_replaced_by_another_file(workspace, churn, opener):
    entry = await upload(workspace, "a.csv", b"old")
    write(churn, "made/new.csv", b"new")

    [[new, is_new]] = await register(workspace, path="made/new.csv", attachment_id=entry.attachment_id)
    same = await registered(workspace, path="attachments/a.csv", attachment_id=entry.attachment_id)

    assert (new.attachment_id, new.path, new.version, is_new) == (entry.attachment_id, entry.path, 2, False)
    assert (opener.folder() / "attachments/a.csv").read_bytes() == b"new"
    assert (opener.folder() / "made/new.csv").read_bytes() == b"new"
    assert await content_of(workspace, entry.artifact_id) == b"old"
    assert same.artifact_id == new.artifact_id


async def test_a_data_uri_can_replace_a_files_content(workspace, churn):
    entry = await upload(workspace, "a.csv", b"old")

    new = await registered(workspace, source="data:text/csv,new", attachment_id=entry.attachment_id)

    assert (new.attachment_id, new.version) == (entry.attachment_id, 2)
    assert await content_of(workspace, entry.attachment_id) == b"new"


# API 5: a snapshot of a file elsewhere under the root; S0-18
async def test_a_file_elsewhere_is_snapshot_and_again_its_next_version(workspace, churn, opener):
    outside = write(opener.root, "data/out.csv", b"1")

    first = await registered(workspace, root_path="data/out.csv")
    [[same, is_new]] = await register(workspace, root_path="data/out.csv")
    outside.write_bytes(b"22")
    second = await registered(workspace, root_path="data/out.csv", name="ignored.csv")

    assert (first.path, first.kind, first.root_path) == ("out.csv", "artifact", "data/out.csv")
    assert (same.artifact_id, is_new) == (first.artifact_id, False)
    assert (second.attachment_id, second.version) == (first.attachment_id, 2)
    assert await content_of(workspace, first.artifact_id) == b"1"
    assert outside.read_bytes() == b"22"


async def test_a_root_path_into_the_session_is_a_path_of_the_session(workspace, churn):
    write(churn, "a.txt", b"1")

    entry = await registered(workspace, root_path="workspace/churn/a.txt")

    assert (entry.path, entry.root_path) == ("a.txt", None)


async def test_a_snapshot_takes_a_name_that_is_free_or_the_one_that_is_wanted(workspace, churn, opener):
    write(opener.root, "a.txt", b"outside")
    write(churn, "a.txt", b"inside")
    await register(workspace, path="a.txt")

    numbered = await registered(workspace, root_path="a.txt")
    named = await registered(workspace, source="data:,x", name="b.txt", on_conflict="error")
    error = await caught(register(workspace, source="data:,y", name="b.txt", on_conflict="error"))

    assert numbered.path == "a (1).txt"
    assert named.path == "attachments/b.txt"
    assert isinstance(error, NameTaken)


# S0-18, API 11.28: referred to in place
async def test_a_reference_lists_a_file_without_a_copy(workspace, churn, opener):
    outside = write(opener.root, "big.bin", b"12345")

    [[entry, is_new]] = await register(workspace, root_path="big.bin", copy=False, metadata={"a": 1})
    [[again, is_again_new]] = await register(workspace, root_path="big.bin", copy=False)
    [[told, _]] = await register(workspace, root_path="big.bin", copy=False, metadata={"b": 2})

    assert (entry.path, entry.storage, entry.root_path, entry.kind) == (
        "references/big.bin",
        "reference",
        "big.bin",
        "artifact",
    )
    assert (is_new, is_again_new, again.artifact_id) == (True, False, entry.artifact_id)
    assert told.metadata == {"a": 1, "b": 2}
    assert (await workspace.sessions.usage(ADA)).used_bytes == 0
    assert await content_of(workspace, entry.attachment_id) == b"12345"
    await workspace.artifacts.delete(ADA, "churn", [entry.attachment_id], permanent=False)
    assert outside.exists()
    assert opener.trash() == []


async def test_a_reference_to_changed_bytes_is_a_new_version(workspace, churn, opener):
    outside = write(opener.root, "big.bin", b"1")
    first = await registered(workspace, root_path="big.bin", copy=False)
    outside.write_bytes(b"22")

    error = await caught(content_of(workspace, first.attachment_id))
    [[second, is_new]] = await register(workspace, root_path="big.bin", copy=False)

    assert isinstance(error, VersionGone)
    assert (second.attachment_id, second.version, is_new) == (first.attachment_id, 2, False)
    assert await content_of(workspace, first.attachment_id) == b"22"
    assert await kinds(workspace) == ["created", "updated"]


async def test_two_files_of_one_name_are_referred_to_under_two(workspace, churn, opener):
    write(opener.root, "a/x.bin", b"1")
    write(opener.root, "b/x.bin", b"2")

    first = await registered(workspace, root_path="a/x.bin", copy=False)
    second = await registered(workspace, root_path="b/x.bin", copy=False)
    third = await registered(workspace, root_path="b/x.bin", copy=False, name="y.bin")

    assert (first.path, second.path) == ("references/x.bin", "references/x (1).bin")
    assert third.attachment_id == second.attachment_id


async def test_a_reference_can_be_renamed_and_replaced(workspace, churn, opener):
    outside = write(opener.root, "x.bin", b"1")
    entry = await registered(workspace, root_path="x.bin", copy=False)

    renamed = await workspace.artifacts.edit(ADA, "churn", entry.attachment_id, ArtifactChange(name="y.bin"))
    replaced = await registered(workspace, source="data:,new", attachment_id=entry.attachment_id)

    assert renamed.path == "references/y.bin"
    assert (replaced.storage, replaced.path, replaced.version) == ("local", "references/y.bin", 2)
    assert await content_of(workspace, entry.attachment_id) == b"new"
    assert outside.read_bytes() == b"1"


# S2-60, S2-61, S0-25: RFC 2397 forms; a name is invented
@pytest.mark.parametrize(
    ("source", "name", "content"),
    [
        ("data:text/csv;base64,MSwy", "attachment.csv", b"1,2"),
        ("data:text/plain;charset=utf-8;base64,aGk=", "attachment.txt", b"hi"),
        ("data:,a%20b", "attachment.txt", b"a b"),
        ("data:application/x-unknown,x", "attachment.bin", b"x"),
    ],
)
async def test_a_data_uri_becomes_an_attachment(workspace, churn, source, name, content):
    entry = await registered(workspace, source=source)

    assert (entry.path, entry.kind, entry.source) == (f"attachments/{name}", "attachment", "ingest")
    assert await content_of(workspace, entry.attachment_id) == content


# S2-63, S2-20, C15: a file of another session of the same owner is copied
async def test_a_file_of_another_session_is_brought_in(workspace, churn):
    await session(workspace, "other")
    theirs = await upload(workspace, "ä b.csv", b"1", session_id="other")

    entry = await registered(workspace, source="workspace://other/attachments/%C3%A4%20b.csv")

    assert (entry.path, entry.source) == ("attachments/ä b.csv", "ingest")
    assert entry.attachment_id != theirs.attachment_id
    assert await content_of(workspace, entry.attachment_id) == b"1"


# S0-99, S3-08
async def test_another_owners_session_gives_and_takes_nothing(workspace, churn):
    await workspace.sessions.create(BOB, SessionNew(session_id="bobs"))
    arrival = Register(source="workspace://bobs/attachments/a.csv")

    for refused in (
        workspace.registration.register(ADA, "bobs", [Register(path="a")]),
        workspace.registration.register(ADA, "churn", [arrival]),
    ):
        assert isinstance(await caught(refused), SessionNotFound)


async def test_nothing_is_registered_in_a_closed_session(workspace, churn):
    write(churn, "a.txt")
    await workspace.sessions.change(ADA, "churn", SessionChange(status="completed"))

    assert isinstance(await caught(register(workspace, path="a.txt")), SessionClosed)


# API 11.53, S3-32: all or none
async def test_a_batch_of_all_forms_is_registered_together(workspace, churn, opener):
    write(churn, "a.txt", b"a")
    write(churn, "same.txt", b"dup")
    known = await registered(workspace, path="same.txt")
    write(churn, "copy.txt", b"dup")
    write(opener.root, "out.txt", b"out")
    write(opener.root, "ref.txt", b"ref")
    commits = []
    workspace.parts.ledger.on_commit(commits.append)
    bodies = [
        Register(source="data:,data"),
        Register(root_path="ref.txt", copy=False),
        Register(path="copy.txt", deduplicate=True),
        Register(path="a.txt"),
        Register(root_path="out.txt"),
    ]

    done = await workspace.registration.register(ADA, "churn", bodies)

    assert [entry.path for entry, _ in done] == [
        "attachments/attachment.txt",
        "references/ref.txt",
        "same.txt",
        "a.txt",
        "out.txt",
    ]
    assert [is_new for _, is_new in done] == [True, True, False, True, True]
    assert done[2][0].attachment_id == known.attachment_id
    assert len(commits) == 1


async def test_a_batch_with_one_bad_body_registers_nothing(workspace, churn, opener):
    write(churn, "a.txt", b"a")
    write(opener.root, "out.txt", b"out")
    bodies = [Register(source="data:,x"), Register(root_path="out.txt"), Register(path="nothing.txt")]

    error = await caught(workspace.registration.register(ADA, "churn", bodies))

    assert isinstance(error, SourceNotFound)
    assert (await indexed(workspace))[2] == {}
    assert opener.staging() == []
    assert not (churn / "attachments").exists()


async def test_a_batch_whose_files_get_one_name_numbers_them(workspace, churn, opener):
    write(opener.root, "a/x.bin", b"1")
    write(opener.root, "b/x.bin", b"2")
    bodies = [Register(root_path=f"{folder}/x.bin", copy=False) for folder in "ab"]

    done = await workspace.registration.register(ADA, "churn", bodies)

    assert [entry.path for entry, _ in done] == ["references/x.bin", "references/x (1).bin"]


async def test_a_batch_meets_a_name_that_was_taken_meanwhile_and_numbers_it(workspace, churn, opener):
    write(churn, "attachments/attachment.txt", b"in the way")
    write(opener.root, "ref.txt", b"ref")

    done = await workspace.registration.register(
        ADA, "churn", [Register(source="data:,x"), Register(root_path="ref.txt", copy=False)]
    )

    assert done[0][0].path == "attachments/attachment (1).txt"


# S2-76: everything that is brought in is scanned
async def test_what_is_brought_in_is_scanned_and_limited(opener):
    scanner = FakeScanner(Infected(), b"EICAR")
    async with opener(in_memory=True, scanner=scanner, max_session_size=20) as workspace:
        await session(workspace)
        write(opener.root, "bad.txt", b"EICAR")
        write(opener.root, "large.txt", bytes(21))

        for body in ({"source": "data:,EICAR"}, {"root_path": "bad.txt"}):
            assert isinstance(await caught(register(workspace, **body)), Infected)
        for body in ({"source": "data:," + "x" * 21}, {"root_path": "large.txt"}):
            assert isinstance(await caught(register(workspace, **body)), QuotaExceeded)

        assert opener.staging() == []
        assert (await indexed(workspace))[2] == {}


# API 1: provenance, each member if known
@pytest.mark.parametrize(
    ("kernel", "given", "expected"),
    [("k1", None, "a.ipynb"), ("k1", "mine.ipynb", "mine.ipynb"), ("k2", None, None), (None, None, None)],
)
async def test_the_notebook_is_found_by_the_kernel(opener, kernel, given, expected):
    async with opener(in_memory=True, notebooks=FakeNotebooks(k1="a.ipynb")) as workspace:
        await session(workspace)
        write(opener.folder(), "a.txt")
        provenance = ProvenanceGiven(kernel_id=kernel, notebook_path=given, cell_id="c")

        entry = await registered(workspace, path="a.txt", provenance=provenance)

        assert entry.provenance.notebook_path == expected
        assert (await events(workspace))[0]["node_id"] == "c"


# A file that is still being written is not taken half.
async def test_a_file_that_changes_while_it_is_read_is_busy(workspace, churn, monkeypatch):
    write(churn, "a.txt")
    store = workspace.parts.store
    monkeypatch.setattr(store, "digest", FailsAt(store.digest, Busy()))

    assert isinstance(await caught(register(workspace, path="a.txt")), Busy)


async def test_two_that_register_a_file_at_once_get_one_record(workspace, churn):
    write(churn, "a.txt")

    done = await asyncio.gather(*(registered(workspace, path="a.txt") for _ in range(4)))

    assert len({entry.artifact_id for entry in done}) == 1
    assert await kinds(workspace) == ["created"]


# API 11.25: a new version is never refused by the one that it takes the place of
async def test_a_snapshot_taken_again_needs_no_room_for_both(opener):
    async with opener(max_session_size=1000) as workspace:
        await session(workspace)
        write(opener.root, "model.bin", bytes(700))
        first, _ = (await register(workspace, root_path="model.bin"))[0]
        write(opener.root, "model.bin", b"x" * 700)

        again, _ = (await register(workspace, root_path="model.bin"))[0]

        assert (again.attachment_id, again.version) == (first.attachment_id, 2)
