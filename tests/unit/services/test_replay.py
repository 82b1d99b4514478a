"""What a journal says, line by line."""

from datetime import UTC, datetime

import msgspec
import pytest

from jupyter_workspace.models.entry import Entry, SessionEntry
from jupyter_workspace.protocol.journal import JournalEntry, encode_line
from jupyter_workspace.services.replay import compacted, replay

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)

OTHER = SessionEntry(
    session_id="other",
    owner="server",
    name="Other",
    description="",
    notebooks=[],
    metadata={},
    status="active",
    created_at=NOW,
    updated_at=NOW,
    last_used_at=NOW,
)


def entry(**said):
    known = {
        "attachment_id": "att_1",
        "artifact_id": "art_1",
        "session_id": "churn",
        "kind": "artifact",
        "path": "a.txt",
        "size": 1,
        "mime": "text/plain",
        "declared_mime": None,
        "sha256": None,
        "crc32": None,
        "source": "watch",
        "storage": "local",
        "root_path": None,
        "version": 1,
        "created_at": NOW,
        "modified_at": NOW,
        "metadata": {},
        "provenance": None,
        "inode": 1,
        "mtime_ns": 1,
    }
    return Entry(**{**known, **said})


def journal(*lines):
    bodies = enumerate(lines, start=1)
    return b"".join(
        encode_line(JournalEntry(number, kind, msgspec.to_builtins(body))) for number, (kind, body) in bodies
    )


def test_a_version_that_is_gone_is_forgotten():
    old, new = entry(), entry(artifact_id="art_2", version=2)
    lines = [("file", old), ("version", old), ("file", new)]

    with_old = replay("churn", journal(*lines))
    without = replay("churn", journal(*lines, ("version_gone", {"artifact_id": "art_1"})))

    assert (with_old.versions, without.versions) == ({"art_1": old}, {})
    assert with_old.files == without.files == {"att_1": new}


# Something that was copied here from another session's journal
@pytest.mark.parametrize(
    "line", [("file", entry(session_id="other")), ("version", entry(session_id="other")), ("session", OTHER)]
)
def test_a_line_about_another_session_is_damage(line):
    found = replay("churn", journal(line))

    assert (found.session, found.files, found.versions) == (None, {}, {})
    assert (found.damaged, found.position) == (1, 0)


@pytest.mark.parametrize(
    "line", [("what", {}), ("file", {"attachment_id": 1}), ("file_gone", {}), ("sequence", {"last": "x"})]
)
def test_a_line_that_says_nothing_known_is_damage_and_hides_no_other(line):
    found = replay("churn", journal(("file", entry()), line, ("sequence", {"last": 7})))

    assert (list(found.files), found.last_sequence, found.damaged, found.position) == (["att_1"], 7, 1, 3)


def test_a_journal_without_its_session_says_the_same_when_it_is_shorter():
    long = replay("churn", journal(*[("file", entry(size=size)) for size in range(9)]))

    short = replay("churn", compacted(long))

    assert (short.session, short.files, short.position) == (None, long.files, long.position)
    assert (long.lines, short.lines) == (9, 1)
