import io
import shutil
import subprocess
import tracemalloc
import zipfile
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_workspace.protocol.zipstream import Member, MemberSlice, ZipLayout

WHEN = datetime(2026, 11, 21, 4, 0, 6, tzinfo=UTC)
GIB = 2**30
CONTENTS = {"churn/a.csv": b"1,2\n", "churn/größe 日本.txt": "é".encode() * 100, "churn/empty": b""}


def member(name, content=b"", modified=WHEN):
    return Member(name, len(content), zlib.crc32(content), modified)


def folder(name):
    return Member(name, 0, 0, WHEN, is_dir=True)


def layout_of(contents):
    return ZipLayout([member(name, content) for name, content in contents.items()])


def archive(layout, contents, start=0, stop=None):
    values = list(contents.values())
    pieces = []
    for part in layout.parts(start, layout.size if stop is None else stop):
        if isinstance(part, MemberSlice):
            part = values[part.index][part.offset : part.offset + part.length]  # noqa: PLW2901
        assert part
        pieces.append(part)
    return b"".join(pieces)


def test_the_archive_has_the_length_that_was_announced_and_python_reads_it():
    layout = layout_of(CONTENTS)

    body = archive(layout, CONTENTS)

    assert len(body) == layout.size
    with zipfile.ZipFile(io.BytesIO(body)) as opened:
        assert opened.testzip() is None
        assert {name: opened.read(name) for name in opened.namelist()} == CONTENTS
        [first, *_] = opened.infolist()
        assert first.date_time == (2026, 11, 21, 4, 0, 6)
        assert first.external_attr >> 16 == 0o100644


def test_an_empty_archive_is_an_archive():
    layout = ZipLayout([])

    assert layout.size == 22
    assert zipfile.ZipFile(io.BytesIO(archive(layout, {}))).namelist() == []


def test_a_folder_is_an_entry_of_its_own():
    layout = ZipLayout([folder("churn"), member("churn/a", b"x"), folder("churn/empty")])

    opened = zipfile.ZipFile(io.BytesIO(archive(layout, {"": b"", "a": b"x"})))
    assert opened.namelist() == ["churn/", "churn/a", "churn/empty/"]
    assert opened.infolist()[0].is_dir()


@given(st.data())
def test_any_range_is_a_piece_of_the_whole(data):
    layout = layout_of(CONTENTS)
    whole = archive(layout, CONTENTS)
    start = data.draw(st.integers(0, layout.size))
    stop = data.draw(st.integers(start, layout.size))

    assert archive(layout, CONTENTS, start, stop) == whole[start:stop]


@given(st.dictionaries(st.text("ab é日", min_size=1), st.binary(max_size=20), max_size=8))
def test_every_layout_is_a_readable_archive(contents):
    body = archive(layout_of(contents), contents)

    with zipfile.ZipFile(io.BytesIO(body)) as opened:
        assert {entry.filename: opened.read(entry) for entry in opened.infolist()} == contents


@pytest.mark.parametrize("command", [["unzip", "-t"], ["7z", "t"]])
def test_other_programs_accept_it(command, tmp_path):
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    path = tmp_path / "a.zip"
    path.write_bytes(archive(layout_of(CONTENTS), CONTENTS))

    done = subprocess.run([*command, str(path)], capture_output=True, check=False)

    assert done.returncode == 0, done.stdout


class Sparse(io.RawIOBase):
    """The archive as a file, its members full of zeros that nobody stores."""

    def __init__(self, layout):
        self.layout, self.position = layout, 0

    def seekable(self):
        return True

    def seek(self, offset, whence=0):
        self.position = offset + {0: 0, 1: self.position, 2: self.layout.size}[whence]
        return self.position

    def tell(self):
        return self.position

    def read(self, size=-1):
        stop = self.layout.size if size < 0 else min(self.position + size, self.layout.size)
        parts = self.layout.parts(self.position, stop)
        body = b"".join(bytes(part.length) if isinstance(part, MemberSlice) else part for part in parts)
        self.position += len(body)
        return body


def test_members_and_offsets_beyond_four_gibibytes_are_read_back():
    members = [
        Member("large", 5 * GIB, 1, WHEN),
        Member("exactly", 2**32 - 1, 2, WHEN),
        Member("below", 2**32 - 2, 3, WHEN),
        member("small", bytes(9)),
    ]
    layout = ZipLayout(members)

    with zipfile.ZipFile(Sparse(layout)) as opened:
        assert [(entry.filename, entry.file_size) for entry in opened.infolist()] == [
            (entry.name, entry.size) for entry in members
        ]
        assert opened.read("small") == bytes(9)
        assert opened.open("large").read(4) == bytes(4)


def test_an_offset_beyond_four_gibibytes_needs_no_large_member():
    members = [Member("a", 3 * GIB, 1, WHEN), Member("b", 3 * GIB, 1, WHEN), member("c", bytes(3))]

    with zipfile.ZipFile(Sparse(ZipLayout(members))) as opened:
        assert opened.read("c") == bytes(3)


@pytest.mark.slow
def test_seventy_thousand_members_take_little_memory_and_are_all_found():
    members = [member(f"folder/file {number:06}") for number in range(70_000)]
    tracemalloc.start()

    layout = ZipLayout(members)

    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 8 * 2**20
    body = b"".join(layout.parts(0, layout.size))
    assert len(body) == layout.size
    assert len(zipfile.ZipFile(io.BytesIO(body)).namelist()) == 70_000
    assert b"".join(layout.parts(layout.size - 150, layout.size)) == body[-150:]
    assert b"".join(layout.parts(9_000_000, 9_000_001)) == body[9_000_000:9_000_001]


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.parametrize("count", [65_534, 65_535])
def test_the_number_of_members_fits_its_field_or_another(count):
    layout = ZipLayout([member(f"{number}") for number in range(count)])

    assert len(zipfile.ZipFile(io.BytesIO(b"".join(layout.parts(0, layout.size)))).namelist()) == count


@pytest.mark.parametrize(
    ("year", "expected"), [(1970, (1980, 1, 1, 0, 0, 0)), (2200, (2107, 12, 31, 23, 59, 58))]
)
def test_a_time_that_zip_cannot_say_is_brought_near(year, expected):
    layout = ZipLayout([member("a", modified=datetime(year, 6, 1, tzinfo=UTC))])

    [entry] = zipfile.ZipFile(io.BytesIO(archive(layout, {"a": b""}))).infolist()
    assert entry.date_time == expected


@pytest.mark.parametrize(
    "name",
    ["", "/a", "a/", "a//b", "../a", "a/../b", "./a", ".", "a\\b", "a\0b", "\ud800", "x" * 65_535],
)
def test_an_unsafe_name_makes_no_archive(name):
    with pytest.raises(ValueError, match="unsafe"):
        ZipLayout([member(name)])


@pytest.mark.parametrize(
    "members",
    [
        [member("a"), member("a")],
        [folder("a"), folder("a")],
        [member("a"), folder("a")],
        [member("a"), member("a/b")],
        [member("a/b/c"), member("a")],
    ],
)
def test_entries_that_would_overwrite_each_other_make_no_archive(members):
    with pytest.raises(ValueError, match=r"twice|both"):
        ZipLayout(members)
