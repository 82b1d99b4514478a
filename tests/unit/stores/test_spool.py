"""Notes beside staging files, and staging files made of others."""

import errno
import os

import pytest

from jupyter_workspace import errors
from jupyter_workspace.stores import spool as spool_module
from jupyter_workspace.stores.local import LocalStore


@pytest.fixture
async def store(tmp_path):
    store = LocalStore(tmp_path / "root", state_folder=".state")
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def folder(store, tmp_path):
    return tmp_path / "root" / ".state" / "staging"


async def staged(store, content):
    staging = await store.stage()
    await staging.write(content)
    await staging.park()
    return staging.name


async def test_a_note_is_put_added_to_and_dropped(store):
    await store.put_note("a", b"one")
    await store.append_note("a", b"\ntwo")
    await store.put_note("b", b"")

    assert await store.notes() == {"a": b"one\ntwo", "b": b""}
    await store.put_note("a", b"anew")
    assert await store.drop_note("b")
    assert not await store.drop_note("b")
    assert await store.notes() == {"a": b"anew"}


async def test_a_note_that_is_not_there_cannot_be_added_to(store):
    with pytest.raises(errors.FileNotFound):
        await store.append_note("a", b"two")


async def test_an_addition_that_the_disk_refuses_is_told(store, monkeypatch):
    await store.put_note("a", b"one")

    def full(*arguments):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(spool_module.os, "fdatasync", full)
    with pytest.raises(errors.DiskFull):
        await store.append_note("a", b"two")


async def test_a_sweep_keeps_the_notes_of_what_it_keeps(store, folder):
    kept, dropped = await staged(store, b"a"), await staged(store, b"b")
    await store.put_note(kept, b"{}")
    await store.put_note(dropped, b"{}")
    store._staged.clear()

    count = await store.sweep_staging(frozenset({kept}))

    assert count == 2
    assert sorted(path.name for path in folder.iterdir()) == [kept, f"{kept}.json"]


@pytest.mark.parametrize("is_copied_by_the_system", [True, False])
@pytest.mark.parametrize("sizes", [[], [0], [5], [3, 0, 4], [2_500_000, 1_100_000, 7]])
async def test_parts_are_put_together_in_order(store, folder, monkeypatch, sizes, is_copied_by_the_system):
    if not is_copied_by_the_system:

        def refuse(*arguments):
            raise OSError(errno.EXDEV, "other")

        monkeypatch.setattr(spool_module.os, "copy_file_range", refuse)
    contents = [os.urandom(size) for size in sizes]
    parts = [(await staged(store, content + b"surplus"), len(content)) for content in contents]

    whole = await store.join(parts)
    digest = await whole.finish()

    assert (folder / whole.name).read_bytes() == b"".join(contents)
    assert digest.size == sum(sizes)


async def test_a_part_that_is_gone_or_too_short_makes_nothing(store, folder):
    part = await staged(store, b"12345")

    for name in ("none", part):
        with pytest.raises(errors.FileNotFound):
            await store.join([(part, 5), (name, 6)])

    assert [path.name for path in folder.iterdir()] == [part]
