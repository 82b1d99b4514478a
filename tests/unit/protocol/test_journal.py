import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_workspace.protocol import journal
from jupyter_workspace.protocol.journal import BadLine, JournalEntry, encode_line, last_position, read_lines

BODIES = st.dictionaries(
    st.text(), st.none() | st.integers(-(2**63), 2**63) | st.text() | st.lists(st.text()), max_size=3
)
ENTRIES = st.builds(JournalEntry, st.integers(1, 2**40), st.text(max_size=9), BODIES)
ONE, TWO, THREE = (JournalEntry(n, "file", {"name": "größe\n"}) for n in (1, 2, 3))


def signed(text):
    return b"%08x %s\n" % (zlib.crc32(text), text)


def test_a_line_is_its_checksum_and_one_json_object():
    assert encode_line(JournalEntry(1, "file", {"a": "\n"})) == signed(
        b'{"position":1,"kind":"file","body":{"a":"\\n"}}'
    )


@given(st.lists(ENTRIES), st.integers(1, 99))
def test_what_was_written_reads_back_however_it_is_cut(entries, size):
    data = b"".join(map(encode_line, entries))

    assert list(read_lines(data[start : start + size] for start in range(0, len(data), size))) == entries


@pytest.mark.parametrize("cut", [1, 10, -2, -1])
def test_a_torn_last_line_is_told_as_such(cut):
    torn = encode_line(TWO)[:cut]

    assert list(read_lines([encode_line(ONE), torn])) == [
        ONE,
        BadLine(len(encode_line(ONE)), len(torn), torn=True),
    ]


def test_a_line_appended_to_a_torn_one_is_found():
    torn = encode_line(TWO)[:30]

    found = list(read_lines([encode_line(ONE) + torn + encode_line(THREE)]))

    assert found == [ONE, BadLine(len(encode_line(ONE)), 30, torn=False), THREE]


@given(st.data())
def test_a_changed_byte_costs_no_line_but_its_own(data):
    lines = [encode_line(entry) for entry in (ONE, TWO, THREE)]
    place = data.draw(st.integers(0, len(lines[1]) - 2))
    value = data.draw(st.integers(0, 255).filter(lambda value: value != lines[1][place]))

    lines[1] = lines[1][:place] + bytes([value]) + lines[1][place + 1 :]

    found = list(read_lines([b"".join(lines)]))
    assert found[0] == ONE
    assert found[-1] == THREE
    assert all(isinstance(entry, BadLine) and not entry.torn for entry in found[1:-1])


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"\0" * 40 + b"\n",
        signed(b"[]"),
        signed(b"{"),
        signed(b'{"position":0,"kind":"a","body":{}}'),
        signed(b'{"position":1,"kind":"\xff","body":{}}'),
        signed(b'{"position":1,"kind":"a","body":' + b'{"a":' * 20_000),
        b'00000000 {"position":' * 20 + b"\n",
    ],
)
def test_what_is_no_entry_is_a_bad_line_and_hides_no_other(line):
    found = list(read_lines([encode_line(ONE), line, encode_line(TWO)]))

    assert found == [ONE, BadLine(len(encode_line(ONE)), len(line) - 1, torn=False), TWO]


@given(st.lists(st.binary()))
def test_any_bytes_are_accounted_for(chunks):
    found = list(read_lines(chunks))

    assert all(isinstance(line, BadLine) for line in found)
    assert sum(line.length + (not line.torn) for line in found) == len(b"".join(chunks))


def test_a_line_that_is_too_long_is_neither_written_nor_kept(monkeypatch):
    monkeypatch.setattr(journal, "MAX_LINE_BYTES", 100)

    with pytest.raises(ValueError, match="too long"):
        encode_line(JournalEntry(1, "a", {"a": "x" * 100}))
    assert next(read_lines([b"x" * 150, b"x" * 150 + b"\n"])) == BadLine(0, 300, torn=False)


@pytest.mark.parametrize(
    ("end", "position"),
    [
        (b"", 2),
        (b"\n", 2),
        (b"no line\n" * 3, 2),
        (encode_line(THREE)[:-1], 2),
        (encode_line(THREE), 3),
        (encode_line(TWO)[:30] + encode_line(THREE), 3),
    ],
)
def test_the_last_position_is_that_of_the_last_line_that_can_be_read(end, position):
    assert last_position(encode_line(ONE) + encode_line(TWO) + end) == position


@given(st.binary())
def test_bytes_of_any_kind_have_a_last_position(data):
    read = [line.position for line in read_lines([data]) if isinstance(line, JournalEntry)]

    assert last_position(data) == ([0, *read])[-1]
