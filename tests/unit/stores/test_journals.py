"""Journals: whole lines, synced, and mended after a crash."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import pytest

from jupyter_workspace import errors
from jupyter_workspace.stores import disk as disk_module
from jupyter_workspace.stores import journals as journals_module
from jupyter_workspace.stores.journals import JournalFiles


def open_descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
async def journals(tmp_path):
    journals = JournalFiles(tmp_path / "state")
    yield journals
    await journals.close()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "state" / "journals" / "churn.jsonl"


def failing(code):
    def call(*arguments):
        raise OSError(code, os.strerror(code))

    return call


async def test_lines_are_read_as_they_were_appended(journals, file):
    assert await journals.read("churn") == b""

    await journals.append("churn", b"1\n")
    await journals.append("churn", b"2\n3\n")

    assert await journals.read("churn") == b"1\n2\n3\n"
    assert file.stat().st_mode & 0o777 == 0o600


async def test_names_are_those_of_journals_only(journals, file):
    assert await journals.names() == []

    await journals.append("churn", b"1\n")
    await journals.append("another", b"1\n")
    await journals.set_aside("another")
    (file.parent / ".half-written").write_text("x")
    (file.parent / "notes.txt").write_text("x")

    assert await journals.names() == ["churn"]


async def test_appends_at_once_keep_their_order_and_share_syncs(journals, monkeypatch):
    await journals.append("churn", b"0\n")
    syncs = []
    fdatasync = os.fdatasync

    def counting(descriptor):
        syncs.append(descriptor)
        fdatasync(descriptor)

    monkeypatch.setattr(journals_module.os, "fdatasync", counting)

    await asyncio.gather(*(journals.append("churn", f"{number}\n".encode()) for number in range(1, 200)))

    assert await journals.read("churn") == b"".join(f"{number}\n".encode() for number in range(200))
    assert len(syncs) < 200


@pytest.mark.parametrize(
    "torn", [b"", b"1\n", b"1\n2\n{torn", b"{torn", b"1\n" + b"x" * 200_000, b"y" * 200_000]
)
async def test_a_torn_last_line_is_cut_before_the_first_append(journals, file, torn):
    file.parent.mkdir(parents=True)
    file.write_bytes(torn)

    await journals.append("churn", b"new\n")

    whole = torn[: torn.rfind(b"\n") + 1]
    assert file.read_bytes() == whole + b"new\n"


@pytest.mark.parametrize("call", ["pwrite", "fdatasync"])
async def test_what_could_not_be_made_durable_is_not_there(journals, file, monkeypatch, call):
    await journals.append("churn", b"1\n")
    module = disk_module if call == "pwrite" else journals_module

    with monkeypatch.context() as patch:
        patch.setattr(module.os, call, failing(errno.ENOSPC))
        with pytest.raises(errors.DiskFull):
            await journals.append("churn", b"2\n")
    await journals.append("churn", b"3\n")

    assert file.read_bytes() == b"1\n3\n"


async def test_a_replaced_journal_is_appended_to(journals, file):
    await journals.append("churn", b"1\n")

    await journals.replace("churn", b"compact\n")
    await journals.append("churn", b"2\n")

    assert file.read_bytes() == b"compact\n2\n"
    assert [entry.name for entry in file.parent.iterdir()] == ["churn.jsonl"]


async def test_a_replacement_that_fails_changes_nothing(journals, file, monkeypatch):
    await journals.append("churn", b"1\n")

    with monkeypatch.context() as patch:
        patch.setattr(journals_module.os, "fsync", failing(errno.EIO))
        with pytest.raises(errors.Internal):
            await journals.replace("churn", b"2\n")

    assert file.read_bytes() == b"1\n"
    assert [entry.name for entry in file.parent.iterdir()] == ["churn.jsonl"]


async def test_a_journal_set_aside_is_kept_under_another_name(journals, file):
    await journals.append("churn", b"1\n")

    aside = await journals.set_aside("churn")
    again = await journals.set_aside("churn")
    await journals.append("churn", b"2\n")

    assert (file.parent / aside).read_bytes() == b"1\n"
    assert again is None
    assert file.read_bytes() == b"2\n"


async def test_a_journal_that_was_deleted_by_hand_is_begun_anew(journals, file):
    await journals.append("churn", b"1\n")
    file.unlink()

    await journals.append("churn", b"2\n")

    assert file.read_bytes() == b"2\n"


async def test_few_descriptors_serve_many_journals(journals):
    before = open_descriptors()

    for number in range(200):
        await journals.append(f"s{number}", b"1\n")
    await journals.append("s0", b"2\n")

    assert open_descriptors() - before <= 66
    assert await journals.read("s0") == b"1\n2\n"


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "a\0b"])
async def test_no_name_leads_out_of_the_folder(journals, name):
    with pytest.raises(errors.PathEscapes):
        await journals.append(name, b"1\n")


async def test_an_append_ends_though_its_caller_is_cancelled(tmp_path, file):
    journals = JournalFiles(tmp_path / "state")
    task = asyncio.ensure_future(journals.append("churn", b"1\n"))
    await asyncio.sleep(0)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await journals.close()

    assert file.read_bytes() == b"1\n"
