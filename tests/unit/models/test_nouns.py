"""Every noun goes over the wire and back; what the index keeps becomes the record that is shown."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from jupyter_workspace.errors import BodyInvalid
from jupyter_workspace.models.artifact import ArtifactChange, ProvenanceGiven, Register, Restore
from jupyter_workspace.models.entry import Answer, Change, Entry, Intent, SessionEntry, SessionTotals
from jupyter_workspace.models.event import Event
from jupyter_workspace.models.file import File, Provenance
from jupyter_workspace.models.session import Resolve, Session, SessionChange, SessionNew
from jupyter_workspace.models.uri import WorkspaceUri

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)

ENTRY = Entry(
    attachment_id="att_1",
    artifact_id="art_1",
    session_id="churn",
    kind="artifact",
    path="plots/a b.png",
    size=3 * 2**40,
    mime="image/png",
    declared_mime=None,
    sha256="0" * 64,
    crc32=7,
    source="watch",
    storage="local",
    root_path=None,
    version=2,
    created_at=NOON,
    modified_at=NOON,
    metadata={"auc": 0.9},
    provenance=Provenance(cell_id="c", execution_count=0),
    inode=2**64 - 1,
    mtime_ns=1,
)

SESSION = SessionEntry(
    session_id="churn",
    owner="server",
    name="Churn",
    description="",
    notebooks=["a.ipynb", "b.ipynb"],
    metadata={},
    status="active",
    created_at=NOON,
    updated_at=NOON,
    last_used_at=NOON,
)

EVENT = Event(
    sequence=2**62,
    event_id="evt_1",
    change_type="created",
    session_id="churn",
    artifact_id="art_1",
    attachment_id="att_1",
    node_id=None,
    kind="artifact",
    source="run",
    name="a",
    path="a",
    size=0,
    mime="text/plain",
    hash=None,
    timestamp=1.5,
    provenance=None,
)

INTENT = Intent(
    intent_id="int_1",
    session_id="churn",
    moves=[{"source": {"area": "staging", "path": "x"}}],
    changes=[Change(before=None, after=ENTRY, event="created", tombstone=SESSION)],
    answer=Answer(key="k", owner="o", fingerprint="f", entries=[ENTRY], created_at=NOON),
)


@pytest.mark.parametrize(
    "noun", [ENTRY, SESSION, EVENT, INTENT, ENTRY.record("image")], ids=lambda n: type(n).__name__
)
def test_a_noun_is_the_same_after_a_journey(noun):
    assert msgspec.json.decode(msgspec.json.encode(noun), type=type(noun)) == noun


# S2-18: sizes above 2 GiB; C8, API 1: times in RFC 3339, UTC, with Z
def test_the_wire_has_large_sizes_and_times_in_utc():
    record = msgspec.to_builtins(ENTRY.record("image"))

    assert record["size"] == 3 * 2**40
    assert record["created_at"] == "2026-11-21T12:00:00Z"


# C8, API 1: a file's record
def test_a_record_has_the_members_of_the_contract():
    record = msgspec.to_builtins(ENTRY.record("image"))

    assert {name: record[name] for name in ("name", "path", "files_path", "media", "version")} == {
        "name": "a b.png",
        "path": "plots/a b.png",
        "files_path": "churn/plots/a b.png",
        "media": "image",
        "version": 2,
    }
    assert record["provenance"] == {"cell_id": "c", "execution_count": 0}
    assert not {"inode", "crc32", "kept", "root_path", "available", "deleted_at", "data_uri"} & record.keys()


@pytest.mark.parametrize(
    ("changed", "member", "value"),
    [
        ({"storage": "reference", "root_path": "data/a.png"}, "root_path", "data/a.png"),
        ({"kept": "gone"}, "available", False),
        ({"deleted_at": NOON, "kept": "trash"}, "deleted_at", NOON),
    ],
)
def test_a_record_says_more_only_where_there_is_more(changed, member, value):
    assert getattr(replace(ENTRY, **changed).record("image"), member) == value
    assert getattr(ENTRY.record("image"), member) is UNSET


def test_an_entry_knows_its_name_and_its_folder():
    assert (ENTRY.name, ENTRY.folder) == ("a b.png", "plots")
    assert (replace(ENTRY, path="a").name, replace(ENTRY, path="a").folder) == ("a", "")


def test_the_bytes_of_a_reference_are_somebody_elses():
    assert ENTRY.owned_bytes == ENTRY.size
    assert replace(ENTRY, storage="reference").owned_bytes == 0


def test_totals_count_live_files_and_the_trash():
    live = replace(ENTRY, size=1)
    attachment = replace(ENTRY, kind="attachment", size=2)
    deleted = replace(ENTRY, size=4, deleted_at=NOON, kept="trash")
    replaced = replace(ENTRY, size=8, kept="trash", deleted_at=NOON)
    gone = replace(ENTRY, size=16, kept="gone", deleted_at=NOON)

    totals = SessionTotals.of([live, attachment, deleted], [replaced, gone])

    assert totals == SessionTotals(attachments=1, artifacts=1, live_bytes=3, trash_bytes=12)


# API 11.11
def test_a_sessions_record_names_its_folder_and_its_first_notebook():
    record = SESSION.record(SessionTotals(attachments=1, artifacts=2, live_bytes=3, trash_bytes=4), "ws/deep")
    bare = replace(SESSION, notebooks=[]).record(SessionTotals(), "ws")

    assert isinstance(record, Session)
    assert (record.notebook_path, record.path) == ("a.ipynb", "ws/deep/churn")
    assert (record.attachments, record.artifacts, record.size) == (1, 2, 3)
    assert bare.notebook_path is None


# API 11.9: unknown JSON fields are refused
@pytest.mark.parametrize(
    "model", [Register, ArtifactChange, Restore, ProvenanceGiven, SessionNew, SessionChange, Resolve]
)
def test_a_member_that_does_not_exist_is_a_mistake(model):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"unheard_of": 1}', type=model)


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (SessionChange, b'{"status": "paused"}'),
        (SessionChange, b'{"metadata": []}'),
        (Register, b'{"path": 1}'),
        (Register, b'{"on_conflict": "ask"}'),
        (Restore, b'{"on_conflict": null}'),
        (ProvenanceGiven, b'{"inputs": "art_1"}'),
    ],
)
def test_a_member_of_another_kind_is_a_mistake(model, body):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=model)


def test_what_is_not_given_is_told_from_null():
    assert msgspec.json.decode(b"{}", type=SessionChange).name is UNSET
    assert msgspec.json.decode(b"{}", type=Register).copy is True


def test_nouns_cannot_be_changed():
    with pytest.raises(AttributeError):
        ENTRY.size = 1


# S2-19, S2-67: workspace://session/path
@given(
    session_id=st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,20}", fullmatch=True),
    path=st.text(st.characters(codec="utf-8"), min_size=1),
)
def test_a_reference_is_parsed_as_it_was_written(session_id, path):
    uri = WorkspaceUri(session_id, path)

    assert WorkspaceUri.parse(str(uri)) == uri


def test_the_media_type_behind_a_reference_is_no_part_of_the_path():
    assert WorkspaceUri.parse("workspace://churn/a%23b.png#image/png") == WorkspaceUri("churn", "a#b.png")


@pytest.mark.parametrize(
    "text", ["workspace://", "workspace://churn", "workspace://churn/", "workspace:///a", "a/b", ""]
)
def test_what_is_no_reference_is_refused(text):
    with pytest.raises(BodyInvalid):
        WorkspaceUri.parse(text)


def test_a_time_of_another_zone_is_the_same_moment():
    moved = NOON.astimezone(timezone(timedelta(hours=2)))
    record = msgspec.convert(
        {**msgspec.to_builtins(ENTRY.record("image")), "created_at": moved.isoformat()}, File
    )

    assert record.created_at == NOON
