"""Bytes on their way in, and what faults and cancellations leave behind."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import threading
import zlib
from pathlib import Path

import pytest

from jupyter_workspace import errors
from jupyter_workspace.stores import disk as disk_module
from jupyter_workspace.stores import staged as staged_module
from jupyter_workspace.stores.base import Place
from jupyter_workspace.stores.local import LocalStore


@pytest.fixture
async def store(tmp_path):
    store = LocalStore(tmp_path / "root", state_folder=".state")
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def staging_folder(store, tmp_path):
    return tmp_path / "root" / ".state" / "staging"


def bytes_of(size):
    return os.urandom(size)


def open_descriptors():
    return {file.name for file in Path("/proc/self/fd").iterdir()}


def failing(code):
    def call(*arguments):
        raise OSError(code, os.strerror(code))

    return call


@pytest.mark.parametrize("size", [0, 1, 4095, 16 << 10, (16 << 10) + 1, 1 << 20, (1 << 20) + 1, 30_000_001])
@pytest.mark.parametrize("chunk", [10_007, 65_536, 5 << 20])
async def test_what_is_written_is_what_is_staged(store, staging_folder, size, chunk):
    # S1-12, S3-33
    content = bytes_of(size)
    staging = await store.stage()

    for start in range(0, size, chunk):
        await staging.write(content[start : start + chunk])
    digest = await staging.finish()

    file = staging_folder / staging.name
    assert file.read_bytes() == content
    assert file.stat().st_ino == staging.inode
    assert staging.size == digest.size == size
    assert digest.sha256 == hashlib.sha256(content).hexdigest()
    assert digest.crc32 == zlib.crc32(content)
    assert digest.head == content[:4096]


@pytest.mark.parametrize("size", [10, 200_000, 13_000_000])
async def test_a_feeder_reads_into_the_blocks_themselves(store, staging_folder, size):
    content = memoryview(bytes_of(size))
    staging = await store.stage()

    left = content
    while left:
        free = staging.view()
        count = min(len(free), len(left), 77_777)
        free[:count] = left[:count]
        left = left[count:]
        await staging.advance(count)
    digest = await staging.finish()

    assert (staging_folder / staging.name).read_bytes() == content
    assert digest.sha256 == hashlib.sha256(content).hexdigest()


async def test_finish_gives_the_same_digest_again(store):
    staging = await store.stage_bytes(b"x")

    first = await staging.finish()

    assert await staging.finish() == first


async def test_a_staging_file_is_its_owners_alone_until_it_is_finished(store, staging_folder):
    staging = await store.stage()
    await staging.write(b"x")
    await staging.flush()
    before = (staging_folder / staging.name).stat().st_mode & 0o777

    await staging.finish()

    assert before == 0o600
    assert (staging_folder / staging.name).stat().st_mode & 0o777 == store.disk.file_mode


@pytest.mark.parametrize("size", [0, 10, 9_000_000])
async def test_a_discarded_upload_leaves_nothing(store, staging_folder, size):
    # S0-16
    before = open_descriptors()
    staging = await store.stage()
    await staging.write(bytes_of(size))

    await staging.discard()
    await staging.discard()

    assert list(staging_folder.iterdir()) == []
    assert open_descriptors() == before
    with pytest.raises(errors.Internal):
        await staging.write(b"more")


async def test_a_finished_upload_can_be_discarded(store, staging_folder):
    staging = await store.stage_bytes(b"x")

    await staging.discard()

    assert list(staging_folder.iterdir()) == []


async def test_a_writer_waits_for_a_disk_that_is_behind(store, monkeypatch):
    gate = threading.Event()
    write_all = staged_module.write_all

    def slowly(*arguments):
        gate.wait(10)
        write_all(*arguments)

    monkeypatch.setattr(staged_module, "write_all", slowly)
    staging = await store.stage()
    writing = asyncio.ensure_future(staging.write(bytes_of(40 << 20)))
    for _ in range(100):
        await asyncio.sleep(0)

    assert not writing.done()
    assert staging.size <= (1 << 20) + 3 * (4 << 20)

    gate.set()
    await writing
    assert (await staging.finish()).size == 40 << 20


async def test_a_writer_who_is_cancelled_while_waiting_can_go_on(store, monkeypatch):
    gate = threading.Event()
    write_all = staged_module.write_all

    def slowly(*arguments):
        gate.wait(10)
        write_all(*arguments)

    monkeypatch.setattr(staged_module, "write_all", slowly)
    content = bytes_of(40 << 20)
    staging = await store.stage()
    writing = asyncio.ensure_future(staging.write(content))
    for _ in range(100):
        await asyncio.sleep(0)

    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    gate.set()
    await staging.write(content[staging.size :])
    digest = await staging.finish()

    assert digest.sha256 == hashlib.sha256(content).hexdigest()


async def test_many_uploads_share_the_memory_of_a_few(store):
    stagings = [await store.stage() for _ in range(12)]
    content = bytes_of(20 << 20)

    await asyncio.gather(*(staging.write(content) for staging in stagings))
    digests = await asyncio.gather(*(staging.finish() for staging in stagings))

    expected = hashlib.sha256(content).hexdigest()
    assert {digest.sha256 for digest in digests} == {expected}
    assert store._buffers._given_out == 0


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (errno.ENOSPC, errors.DiskFull),
        (errno.EDQUOT, errors.DiskFull),
        (errno.EFBIG, errors.FileTooLarge),
        (errno.EIO, errors.Internal),
        (errno.EROFS, errors.Forbidden),
    ],
)
@pytest.mark.parametrize("size", [10, 20 << 20])
async def test_a_write_that_fails_is_named_and_leaves_nothing(
    store, staging_folder, monkeypatch, code, error, size
):
    before = open_descriptors()
    monkeypatch.setattr(disk_module.os, "pwrite", failing(code))
    staging = await store.stage()

    async def upload():
        await staging.write(bytes_of(size))
        await staging.finish()

    with pytest.raises(error):
        await upload()

    await staging.discard()
    assert list(staging_folder.iterdir()) == []
    assert open_descriptors() == before


@pytest.mark.parametrize("size", [10, 20 << 20])
async def test_a_file_whose_sync_failed_is_gone_and_not_synced_again(
    store, staging_folder, monkeypatch, size
):
    staging = await store.stage()
    await staging.write(bytes_of(size))

    with monkeypatch.context() as patch:
        patch.setattr(staged_module.os, "fsync", failing(errno.EIO))
        with pytest.raises(errors.Internal):
            await staging.finish()
    with pytest.raises(errors.Internal):
        await staging.finish()

    assert list(staging_folder.iterdir()) == []


async def test_a_flush_whose_sync_failed_leaves_no_file_that_could_be_believed(
    store, staging_folder, monkeypatch
):
    staging = await store.stage()
    await staging.write(b"x")
    monkeypatch.setattr(staged_module.os, "fdatasync", failing(errno.EIO))

    with pytest.raises(errors.Internal):
        await staging.flush()

    assert list(staging_folder.iterdir()) == []


async def test_a_flush_on_a_full_disk_keeps_what_was_acknowledged(store, staging_folder, monkeypatch):
    staging = await store.stage()
    await staging.write(b"first ")
    acknowledged = await staging.flush()
    await staging.write(b"lost")

    with monkeypatch.context() as patch:
        patch.setattr(disk_module.os, "pwrite", failing(errno.ENOSPC))
        with pytest.raises(errors.DiskFull):
            await staging.flush()
    resumed = await store.resume(staging.name, acknowledged)
    await resumed.write(b"second")
    await resumed.finish()

    assert (staging_folder / staging.name).read_bytes() == b"first second"


@pytest.mark.parametrize("turns", range(0, 60, 3))
async def test_a_cancellation_anywhere_leaves_nothing(store, staging_folder, turns):
    before = open_descriptors()

    async def upload():
        staging = await store.stage()
        try:
            await staging.write(bytes(9 << 20))
            await staging.flush()
            await staging.finish()
            await asyncio.Event().wait()
        finally:
            await staging.discard()

    task = asyncio.ensure_future(upload())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert list(staging_folder.iterdir()) == []
    assert open_descriptors() == before


async def test_a_discard_that_is_cancelled_discards_all_the_same(store, staging_folder):
    staging = await store.stage()
    await staging.write(bytes(9 << 20))

    task = asyncio.ensure_future(staging.discard())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.close()

    assert list(staging_folder.iterdir()) == []


@pytest.mark.parametrize(("first", "second"), [(0, 10), (10, 0), (100_000, 6_000_000), (6_000_000, 100_000)])
async def test_an_upload_goes_on_after_a_flush(store, staging_folder, first, second):
    content = bytes_of(first + second)
    staging = await store.stage()
    await staging.write(content[:first])

    flushed = await staging.flush()
    on_disk = (staging_folder / staging.name).read_bytes()
    await staging.write(content[first:])
    digest = await staging.finish()

    assert flushed == first
    assert on_disk == content[:first]
    assert (staging_folder / staging.name).read_bytes() == content
    assert digest.sha256 == hashlib.sha256(content).hexdigest()
    assert digest.crc32 == zlib.crc32(content)


async def test_a_parked_upload_holds_no_descriptor_and_goes_on(store, staging_folder):
    content = bytes_of(3_000_000)
    staging = await store.stage()
    before = open_descriptors()
    await staging.write(content[:1_500_000])

    parked = await staging.park()
    while_parked = open_descriptors()
    await staging.write(content[1_500_000:])
    digest = await staging.finish()

    assert parked == 1_500_000
    assert while_parked == before
    assert (staging_folder / staging.name).read_bytes() == content
    assert digest.sha256 == hashlib.sha256(content).hexdigest()


async def test_a_look_at_an_upload_that_is_being_parked_does_not_open_it_again(store):
    # a HEAD comes while the bytes of a broken request are brought to the disk
    staging = await store.stage()
    before = open_descriptors()
    await staging.write(b"hello")

    parked, flushed = await asyncio.gather(staging.park(), staging.flush())

    assert parked == flushed == 5
    assert open_descriptors() == before


@pytest.mark.parametrize(("kept", "written"), [(0, 0), (5, 9), (2_500_000, 3_000_000)])
async def test_an_upload_of_a_former_life_is_cut_and_written_on(store, staging_folder, kept, written):
    content = bytes_of(kept + 6_000_000)
    before = await store.stage()
    await before.write(content[:written])
    await before.park()

    staging = await store.resume(before.name, kept)
    await staging.write(content[kept:])
    digest = await staging.finish()

    assert (staging_folder / staging.name).read_bytes() == content
    assert digest.size == staging.size == len(content)
    assert digest.sha256 == hashlib.sha256(content).hexdigest()
    assert digest.crc32 == zlib.crc32(content)
    assert digest.head == content[:4096]


async def test_an_upload_that_lost_bytes_is_not_resumed(store, staging_folder):
    (staging_folder / "short").write_bytes(b"12345")
    before = open_descriptors()

    for name in ("short", "none", "../staging/short", ".hidden"):
        with pytest.raises(errors.FileNotFound):
            await store.resume(name, 6)

    assert (staging_folder / "short").read_bytes() == b"12345"
    assert open_descriptors() == before


async def test_bytes_that_vanish_while_they_are_hashed_again_fail_the_upload(
    store, staging_folder, monkeypatch
):
    (staging_folder / "cut").write_bytes(bytes(100))
    monkeypatch.setattr(staged_module.os, "preadv", lambda *arguments: 0)

    staging = await store.resume("cut", 100)

    with pytest.raises(errors.Busy):
        await staging.finish()


async def test_a_state_folder_that_has_gone_is_named(store, staging_folder):
    staging_folder.rmdir()
    staging = await store.stage()
    await staging.write(b"x")

    with pytest.raises(errors.FileNotFound):
        await staging.finish()

    await staging.discard()


async def admitted(_size):
    """Lets every copy be made."""


async def test_a_copy_of_a_file_that_changes_is_refused(store, tmp_path, staging_folder, monkeypatch):
    source = tmp_path / "growing"
    source.write_bytes(bytes(3 << 20))
    write = type(await store.stage()).write

    async def write_and_change(staging, data):
        await write(staging, data)
        os.utime(source, ns=(0, 0))

    monkeypatch.setattr(type(await store.stage()), "write", write_and_change)

    with pytest.raises(errors.Busy):
        await store.stage_copy(tmp_path, "growing", admitted)

    assert list(staging_folder.iterdir()) == []


async def test_a_digest_that_nobody_waits_for_ends(store, tmp_path, monkeypatch):
    await store.make_session("churn")
    (tmp_path / "root" / "churn" / "large").write_bytes(bytes(8 << 20))
    task = asyncio.ensure_future(store.digest(Place("session", "large", "churn")))
    await asyncio.sleep(0)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
