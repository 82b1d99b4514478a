"""The watcher against the operating system: what it hears, and how it fails (`integrations.base.Watcher`)."""

import asyncio
import os
import shutil
import time

import pytest
import watchfiles

from jupyter_workspace.integrations.base import WatchFailed
from jupyter_workspace.integrations.watcher import FolderWatcher

SECONDS = 5.0


@pytest.fixture
async def watcher(tmp_path):
    made = FolderWatcher(tmp_path)
    yield made
    await made.close()


async def heard(watcher, *wanted):
    """All that is heard until it holds what is wanted."""
    found = set()
    until = time.monotonic() + SECONDS
    while not found >= set(wanted):
        assert time.monotonic() < until, f"heard only {found}"
        found |= await watcher.heard()
        await asyncio.sleep(0.01)
    return found


async def test_what_is_done_to_files_is_heard(watcher, tmp_path):
    (tmp_path / "s").mkdir()
    await watcher.watch(["s"])
    assert await watcher.heard() == set()

    path = tmp_path / "s/a.txt"
    path.write_text("1")
    await heard(watcher, "s/a.txt")
    path.write_text("2")
    await heard(watcher, "s/a.txt")
    path.rename(tmp_path / "s/b.txt")
    await heard(watcher, "s/a.txt", "s/b.txt")
    (tmp_path / "s/b.txt").unlink()
    await heard(watcher, "s/b.txt")


async def test_folders_are_heard_of_but_not_what_happens_in_them(watcher, tmp_path):
    (tmp_path / "s/in").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    await watcher.watch(["s"])

    (tmp_path / "s/in/a.txt").write_text("1")
    (tmp_path / "other/a.txt").write_text("1")
    (tmp_path / "s/new").mkdir()

    assert await heard(watcher, "s/new") == {"s/new"}


async def test_other_folders_can_be_watched_instead(watcher, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    await watcher.watch(["a"])
    await watcher.watch(["b"])
    (tmp_path / "a/x").write_text("1")
    (tmp_path / "b/x").write_text("1")

    assert await heard(watcher, "b/x") == {"b/x"}


async def test_a_folder_that_is_gone_is_left_out(watcher, tmp_path):
    (tmp_path / "s").mkdir()
    await watcher.watch(["gone", "s"])
    (tmp_path / "s/a.txt").write_text("1")
    await heard(watcher, "s/a.txt")
    shutil.rmtree(tmp_path / "s")

    await heard(watcher, "s/a.txt")
    await watcher.watch(["s"])
    assert await watcher.heard() == set()


async def test_links_are_not_followed(watcher, tmp_path):
    # A link to a large tree must not be descended into.
    (tmp_path / "s").mkdir()
    (tmp_path / "large").mkdir()
    await watcher.watch(["s"])
    (tmp_path / "s/link").symlink_to(tmp_path / "large")
    await heard(watcher, "s/link")
    (tmp_path / "large/a.txt").write_text("1")
    (tmp_path / "s/end").write_text("1")

    assert await heard(watcher, "s/end") == {"s/end"}


@pytest.mark.parametrize("error", [OSError(28, "no space"), RuntimeError("limit reached")])
async def test_a_system_that_watches_no_more_says_so(watcher, tmp_path, monkeypatch, error):
    def fails(*_paths, **_options):
        raise error
        yield

    (tmp_path / "s").mkdir()
    monkeypatch.setattr(watchfiles, "watch", fails)

    with pytest.raises(WatchFailed):
        await watcher.watch(["s"])
    assert await watcher.heard() == set()


async def test_a_watch_that_breaks_says_so(watcher, tmp_path, monkeypatch):
    def breaks(*_paths, **_options):
        yield set()
        raise OSError

    (tmp_path / "s").mkdir()
    monkeypatch.setattr(watchfiles, "watch", breaks)
    await watcher.watch(["s"])

    with pytest.raises(WatchFailed):
        await watcher.heard()


async def test_a_folder_that_goes_again_and_again_while_it_is_to_be_watched_is_given_up(
    watcher, tmp_path, monkeypatch
):
    def gone(*_paths, **_options):
        raise FileNotFoundError
        yield

    (tmp_path / "s").mkdir()
    monkeypatch.setattr(watchfiles, "watch", gone)
    await watcher.watch(["s"])

    assert await watcher.heard() == set()


async def test_it_can_be_closed_again_and_used_after(watcher, tmp_path):
    await watcher.close()
    await watcher.close()
    (tmp_path / "s").mkdir()
    await watcher.watch(["s"])
    (tmp_path / "s/a.txt").write_text("1")

    await heard(watcher, "s/a.txt")


async def test_a_rest_ends_with_what_happens_and_nothing_of_it_is_lost(watcher, tmp_path):
    (tmp_path / "s").mkdir()
    await watcher.watch(["s"])
    resting = asyncio.create_task(watcher.rest(60))
    await asyncio.sleep(0)
    (tmp_path / "s/a.txt").write_text("1")

    await asyncio.wait_for(resting, SECONDS)

    assert await watcher.heard() >= {"s/a.txt"}


@pytest.mark.parametrize("early", [True, False])
async def test_a_rest_ends_when_somebody_stirs(watcher, tmp_path, early):
    (tmp_path / "s").mkdir()
    await watcher.watch(["s"])
    if early:
        watcher.stir()
    resting = asyncio.create_task(watcher.rest(60))
    await asyncio.sleep(0)
    watcher.stir()

    await asyncio.wait_for(resting, SECONDS)


async def test_a_rest_ends_with_its_time(watcher):
    await asyncio.wait_for(watcher.rest(0.01), SECONDS)

    assert await watcher.heard() == set()


async def test_a_rest_that_nobody_waits_for_any_more_keeps_nobody(watcher, tmp_path):
    (tmp_path / "s").mkdir()
    await watcher.watch(["s"])
    resting = asyncio.create_task(watcher.rest(60))
    await asyncio.sleep(0.05)
    resting.cancel()

    await asyncio.wait_for(watcher.close(), SECONDS)


async def test_a_watch_that_breaks_at_rest_says_so_when_it_is_asked(watcher, tmp_path, monkeypatch):
    def breaks(*_paths, **_options):
        yield set()
        raise OSError

    (tmp_path / "s").mkdir()
    monkeypatch.setattr(watchfiles, "watch", breaks)
    await watcher.watch(["s"])
    await asyncio.wait_for(watcher.rest(60), SECONDS)

    with pytest.raises(WatchFailed):
        await watcher.heard()
    assert await watcher.heard() == set()


async def test_it_costs_nothing_worth_naming_to_ask(watcher, tmp_path):
    # L9 of the faults: a second's question is far below a thousandth of a core.
    (tmp_path / "s").mkdir()
    await watcher.watch(["s"])
    before = os.times()
    for _ in range(100):
        await watcher.heard()
    after = os.times()

    assert after.user + after.system - before.user - before.system < 1.0
