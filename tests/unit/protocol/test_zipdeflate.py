import importlib.util
import io
import shutil
import struct
import subprocess
import sys
import zipfile
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_workspace.protocol import zipdeflate
from jupyter_workspace.protocol.zipdeflate import DeflateZip
from jupyter_workspace.protocol.zipstream import Member

WHEN = datetime(2026, 11, 21, tzinfo=UTC)


def member(name, size=0, is_dir=False):
    return Member(name, size, 0, WHEN, is_dir)


def packed(contents, writer, block=1000):
    body = b""
    for name, content in contents.items():
        body += writer.begin(member(name, len(content)))
        for start in range(0, len(content), block):
            body += writer.write(memoryview(content)[start : start + block])
        body += writer.end()
    return body + writer.finish()


def read_back(body):
    with zipfile.ZipFile(io.BytesIO(body)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


@given(st.dictionaries(st.text("ab é", min_size=1), st.binary(max_size=3000), max_size=4))
def test_what_is_packed_reads_back(contents):
    assert read_back(packed(contents, DeflateZip())) == contents


def test_text_becomes_smaller():
    content = b"a,b,c\n" * 100_000

    assert len(packed({"a.csv": content}, DeflateZip(), 64 * 1024)) < len(content) / 20


def test_a_folder_is_an_entry_of_its_own():
    writer = DeflateZip()

    body = writer.begin(member("empty", is_dir=True)) + writer.end() + writer.finish()

    assert read_back(body) == {"empty/": b""}


@pytest.mark.parametrize("command", [["unzip", "-t"], ["7z", "t"]])
def test_other_programs_accept_it(command, tmp_path):
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    path = tmp_path / "a.zip"
    path.write_bytes(packed({"a/größe.txt": b"x" * 5000, "a/empty": b""}, DeflateZip()))

    done = subprocess.run([*command, str(path)], capture_output=True, check=False)

    assert done.returncode == 0, done.stdout


def test_a_member_that_may_pass_four_gibibytes_has_long_sizes():
    writer = DeflateZip()

    header = writer.begin(member("large", 2**32 - 2))

    assert struct.unpack_from("<2I", header, 18) == (0xFFFFFFFF, 0xFFFFFFFF)
    writer._size = 2**32 - 2
    assert struct.unpack("<4sI2Q", writer.end()[-24:])[3] == 2**32 - 2


def test_a_member_of_another_size_than_announced_breaks_the_archive():
    writer = DeflateZip()
    writer.begin(member("a", 3))
    writer.write(b"four")

    with pytest.raises(ValueError, match="4 bytes instead of 3"):
        writer.end()


@pytest.mark.parametrize("name", ["a", "../a", ""])
def test_a_name_that_is_unsafe_or_comes_twice_is_refused(name):
    writer = DeflateZip()
    writer.begin(member("a"))
    writer.end()

    with pytest.raises(ValueError, match="unsafe"):
        writer.begin(member(name))


def test_zlib_stands_in_where_isa_l_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "isal", None)
    spec = importlib.util.spec_from_file_location("with_zlib", zipdeflate.__file__)
    with_zlib = importlib.util.module_from_spec(spec)

    spec.loader.exec_module(with_zlib)

    assert with_zlib.codec.__name__ == "zlib"
    assert read_back(packed({"a": b"x" * 100}, with_zlib.DeflateZip())) == {"a": b"x" * 100}
