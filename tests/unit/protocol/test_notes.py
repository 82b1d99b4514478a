from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from jupyter_workspace.models.upload import UploadEntry
from jupyter_workspace.protocol.notes import decode_note, encode_note, encode_progress

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ENTRY = UploadEntry(
    upload_id="upl_" + "a" * 26,
    session_id="churn",
    owner="server",
    spool="s1",
    offset=0,
    length=None,
    metadata={"filename": "ä.csv"},
    concat=None,
    created_at=NOW,
    expires_at=NOW,
)
OFFSETS = st.lists(st.integers(0, 2**50), max_size=8).map(sorted)


def grown(offset):
    return replace(ENTRY, offset=offset, expires_at=NOW + timedelta(seconds=offset % 1000))


@given(OFFSETS)
def test_a_note_tells_how_far_the_upload_was(offsets):
    note = encode_note(ENTRY) + b"".join(encode_progress(grown(offset)) for offset in offsets)

    assert decode_note(note) == (grown(offsets[-1]) if offsets else ENTRY)


@given(OFFSETS, st.data())
def test_a_torn_end_costs_no_more_than_the_last_line(offsets, data):
    whole = encode_note(ENTRY) + b"".join(encode_progress(grown(offset)) for offset in offsets)
    last = encode_progress(grown(2**51))
    cut = data.draw(st.integers(0, len(last) - 1))

    assert decode_note(whole + last[:cut]) == decode_note(whole)
    assert decode_note(whole + last[:cut] + last) == grown(2**51)


@given(st.binary())
def test_any_bytes_are_a_note_or_none(data):
    assert decode_note(data) is None
    assert decode_note(encode_note(ENTRY) + b"\n" + data.replace(b"\n", b"")) is not None
