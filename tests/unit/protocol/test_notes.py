from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from jupyter_workspace.models.upload import UploadEntry
from jupyter_workspace.protocol.notes import decode_note, encode_note, encode_progress

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
ENTRY = UploadEntry(
    upload_id="upl_1",
    session_id="s",
    owner="server",
    spool="abc",
    offset=0,
    length=10,
    metadata={"filename": "a\nb.txt"},
    concat=None,
    created_at=NOW,
    expires_at=NOW,
)


def grown(offset):
    return replace(ENTRY, offset=offset, expires_at=NOW + timedelta(seconds=offset))


def test_a_note_gives_back_what_it_was_made_of():
    assert decode_note(encode_note(ENTRY)) == ENTRY


def test_a_note_tells_of_the_highest_offset_whatever_the_order():
    note = encode_note(ENTRY) + b"".join(encode_progress(grown(offset)) for offset in (4, 9, 7))

    assert decode_note(note) == grown(9)


@given(st.integers(0, 200), st.booleans())
def test_a_torn_line_spoils_no_other(cut, then_more):
    first, last = encode_note(ENTRY) + encode_progress(grown(4)), encode_progress(grown(8))
    torn = encode_progress(grown(6))
    torn = torn[: min(cut, len(torn) - 1)]

    note = decode_note(first + torn + (last if then_more else b""))

    assert note == grown(8 if then_more else 4)


@given(st.binary(max_size=300))
def test_what_is_no_note_is_none(noise):
    assert decode_note(b"\xff" + noise) is None


def test_noise_behind_a_note_is_passed_over():
    assert decode_note(encode_note(ENTRY) + b'\n{"offset":"x"}\n\xff\n[]') == ENTRY
