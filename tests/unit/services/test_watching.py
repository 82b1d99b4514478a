"""Hints are looked at when they are settled, rescans tell the truth, and nothing is told twice."""

import asyncio
import contextlib
import os
import shutil

import pytest

from jupyter_workspace.errors import Forbidden
from jupyter_workspace.integrations.base import WatchFailed
from jupyter_workspace.models.artifact import Register
from jupyter_workspace.services import reconcile as looking
from jupyter_workspace.services import watching as module
from jupyter_workspace.services.watching import Watching
from tests.unit.opening import ADA, events, indexed, session, upload, write


class FakeWatcher:
    """Hears what a test says."""

    def __init__(self):
        self.folders = None
        self.said = set()
        self.fails = False
        self.is_deaf = False
        self.is_closed = False
        self.stirred = asyncio.Event()

    async def watch(self, folders):
        if self.fails:
            raise WatchFailed("no room")
        self.folders = set(folders)

    async def heard(self):
        if self.is_deaf:
            raise WatchFailed("gone")
        heard, self.said = self.said, set()
        return heard

    async def rest(self, seconds):
        self.stirred.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stirred.wait(), seconds)

    def stir(self):
        self.stirred.set()

    async def close(self):
        self.is_closed = True


class Watched:
    """A session whose folder is watched, and a clock that goes on in steps."""

    def __init__(self, workspace, folder, watcher):
        self.workspace = workspace
        self.folder = folder
        self.watcher = watcher
        self.watching = Watching(workspace.parts, workspace.reconcile, watcher)
        self.now = 1000.0

    async def begin(self):
        await self.watching.begin(["churn"], self.now)
        await self.watching.settled()
        await self.watching.tick(self.now)

    async def after(self, seconds):
        """A round so many seconds later, and what it began."""
        self.now += seconds
        pause = await self.watching.tick(self.now)
        await self.watching.settled()
        return pause

    async def told(self):
        return [(event["change_type"], event["path"]) for event in await events(self.workspace)]

    def hear(self, *paths):
        self.watcher.said |= {f"churn/{path}" if path else "churn" for path in paths}


@pytest.fixture
async def watched(workspace, opener):
    await session(workspace)
    made = Watched(workspace, opener.folder(), FakeWatcher())
    await made.begin()
    return made


def put_time(path, seconds):
    os.utime(path, (seconds, seconds))


# S0-62, API 11.35
async def test_a_file_that_was_heard_of_and_left_alone_becomes_an_artifact(watched):
    write(watched.folder, "a.txt")
    watched.hear("a.txt")

    await watched.after(0.1)
    assert await watched.told() == []
    await watched.after(0.5)

    assert await watched.told() == [("created", "a.txt")]
    assert (await events(watched.workspace))[0]["source"] == "watch"


async def test_what_is_heard_after_a_pause_may_have_been_settled_long_ago(watched):
    write(watched.folder, "a.txt")
    await watched.after(1)
    watched.hear("a.txt")

    await watched.after(1)

    assert await watched.told() == [("created", "a.txt")]


async def test_a_file_that_is_still_written_to_is_left_alone(watched, clock):
    path = write(watched.folder, "a.txt")
    put_time(path, clock().timestamp() - 0.2)
    watched.hear("a.txt")
    await watched.after(0.1)
    await watched.after(0.6)
    assert await watched.told() == []

    clock.forward(seconds=0.4)
    await watched.after(0.1)

    assert await watched.told() == [("created", "a.txt")]


async def test_each_hint_puts_a_file_off(watched):
    write(watched.folder, "a.txt")
    for _ in range(8):
        watched.hear("a.txt")
        await watched.after(0.1)

    assert await watched.told() == []


# API 11.35: a writer that goes on later gives `updated`
async def test_a_writer_that_goes_on_later_gives_a_new_version(watched):
    write(watched.folder, "a.txt", b"1")
    watched.hear("a.txt")
    await watched.after(1)
    await watched.after(1)
    write(watched.folder, "a.txt", b"12")
    watched.hear("a.txt")
    await watched.after(1)
    await watched.after(1)

    assert await watched.told() == [("created", "a.txt"), ("updated", "a.txt")]


# our own writes and explicit registrations give one event, not two
async def test_what_we_published_ourselves_is_known_already(watched):
    entry = await upload(watched.workspace, "in.csv")
    write(watched.folder, "a.txt")
    await watched.workspace.registration.register(ADA, "churn", [Register(path="a.txt")])
    watched.hear("a.txt", entry.path, "attachments")

    await watched.after(1)
    await watched.after(1)

    assert await watched.told() == [("created", entry.path), ("created", "a.txt")]


# S0-63
async def test_touching_a_file_is_no_news(watched):
    path = write(watched.folder, "a.txt")
    watched.hear("a.txt")
    await watched.after(1)
    put_time(path, 10**9)
    watched.hear("a.txt")
    await watched.after(1)

    assert await watched.told() == [("created", "a.txt")]


# S0-67, S0-72
async def test_hidden_reserved_and_linked_files_are_passed_over(watched, tmp_path):
    write(watched.folder, ".hidden/a.txt")
    write(watched.folder, "__pycache__/a.pyc")
    write(watched.folder, "attachments/attachments_manifest.json", b"{}")
    (watched.folder / "link").symlink_to(tmp_path)
    paths = [
        ".hidden/a.txt",
        "__pycache__",
        "__pycache__/a.pyc",
        "attachments/attachments_manifest.json",
        "link",
    ]
    watched.hear(*paths)

    await watched.after(1)
    await watched.after(1)

    assert await watched.told() == []


async def test_a_foreign_file_among_the_attachments_becomes_one(watched):
    write(watched.folder, "attachments/in.csv")
    watched.hear("attachments")
    await watched.after(1)

    (entry,) = (await indexed(watched.workspace))[2].values()
    assert (entry.kind, entry.source) == ("attachment", "watch")


# S0-66
async def test_a_file_that_is_gone_is_gone_when_no_other_name_has_come(watched):
    path = write(watched.folder, "a.txt")
    watched.hear("a.txt")
    await watched.after(1)
    path.unlink()
    watched.hear("a.txt")
    await watched.after(1)
    assert len(await watched.told()) == 1
    await watched.after(0.6)

    assert await watched.told() == [("created", "a.txt"), ("deleted", "a.txt")]


async def test_a_rename_keeps_the_ids_even_if_its_halves_are_heard_apart(watched):
    path = write(watched.folder, "a.txt")
    watched.hear("a.txt")
    await watched.after(1)
    path.rename(watched.folder / "b.txt")
    watched.hear("a.txt")
    await watched.after(0.1)
    watched.hear("b.txt")
    for _ in range(20):
        await watched.after(0.1)

    told = await events(watched.workspace)
    assert await watched.told() == [("created", "a.txt"), ("updated", "b.txt")]
    assert told[0]["attachment_id"] == told[1]["attachment_id"]


async def test_a_file_that_is_back_before_its_time_was_never_gone(watched):
    path = write(watched.folder, "a.txt")
    watched.hear("a.txt")
    await watched.after(1)
    aside = path.rename(watched.folder / ".aside")
    watched.hear("a.txt")
    await watched.after(1)
    aside.rename(path)
    await watched.after(1)

    assert await watched.told() == [("created", "a.txt")]


async def test_a_folder_that_comes_brings_its_files_and_is_watched(watched):
    write(watched.folder, "plots/deep/a.txt")
    write(watched.folder, "plots/.hidden/b.txt")
    watched.hear("plots")
    await watched.after(1)
    await watched.after(0.1)

    assert await watched.told() == [("created", "plots/deep/a.txt")]
    assert {"churn/plots", "churn/plots/deep"} <= watched.watcher.folders
    assert "churn/plots/.hidden" not in watched.watcher.folders


async def test_what_came_into_a_new_folder_before_it_was_watched_is_found(watched):
    (watched.folder / "plots").mkdir()
    watched.hear("plots")
    await watched.after(1)
    write(watched.folder, "plots/a.txt")
    await watched.after(0.1)
    await watched.after(0.6)

    assert await watched.told() == [("created", "plots/a.txt")]


async def test_a_folder_that_is_renamed_keeps_its_files_ids(watched):
    write(watched.folder, "old/a.txt")
    write(watched.folder, "old/in/b.txt")
    watched.hear("old")
    await watched.after(1)
    (watched.folder / "old").rename(watched.folder / "new")
    watched.hear("old", "new")
    for _ in range(20):
        await watched.after(0.2)

    told = await events(watched.workspace)
    assert sorted((event["change_type"], event["path"]) for event in told[2:]) == [
        ("updated", "new/a.txt"),
        ("updated", "new/in/b.txt"),
    ]
    assert "churn/old" not in watched.watcher.folders


async def test_a_folder_that_goes_takes_its_files_along(watched):
    write(watched.folder, "plots/a.txt")
    watched.hear("plots")
    await watched.after(1)
    shutil.rmtree(watched.folder / "plots")
    watched.hear("plots")
    for _ in range(4):
        await watched.after(0.6)

    assert await watched.told() == [("created", "plots/a.txt"), ("deleted", "plots/a.txt")]


async def test_a_large_folder_is_left_to_a_comparison_of_the_whole(watched, monkeypatch):
    monkeypatch.setattr(looking, "LARGE_FOLDER", 3)
    for number in range(5):
        write(watched.folder, f"many/{number}.txt", b"%d" % number)
    watched.hear("many")
    await watched.after(1)

    assert len(await watched.told()) == 5


async def test_many_folders_that_come_and_go_are_left_to_a_comparison_of_the_whole(watched, monkeypatch):
    monkeypatch.setattr(looking, "MANY_FOLDERS", 2)
    for number in range(4):
        write(watched.folder, f"{number}/in/a.txt", b"%d" % number)
    watched.hear(*"0123")
    await watched.after(1)
    assert len(await watched.told()) == 4
    for number in range(4):
        shutil.rmtree(watched.folder / str(number))
    watched.hear(*"0123", *(f"{number}/in" for number in range(4)))
    await watched.after(1)

    assert len(await watched.told()) == 8


async def test_many_hints_are_answered_by_a_comparison_of_the_whole(watched, monkeypatch):
    monkeypatch.setattr(module, "LARGE_LOOK", 3)
    for number in range(5):
        write(watched.folder, f"{number}.txt", b"%d" % number)
    watched.hear(*(f"{number}.txt" for number in range(5)))
    await watched.after(1)

    assert len(await watched.told()) == 5


async def test_a_path_that_leads_through_a_file_is_nothing(watched):
    write(watched.folder, "a.txt")
    watched.hear("a.txt", "a.txt/b.txt")
    await watched.after(1)

    assert await watched.told() == [("created", "a.txt")]


async def test_a_folder_that_goes_while_it_is_looked_at_is_passed_over(watched, monkeypatch):
    write(watched.folder, "plots/a.txt")
    store = watched.workspace.parts.store
    listed = store.list_folder

    async def gone(session_id, path):
        shutil.rmtree(watched.folder / "plots", ignore_errors=True)
        return await listed(session_id, path)

    monkeypatch.setattr(store, "list_folder", gone)
    watched.hear("plots")
    await watched.after(1)

    assert await watched.told() == []


# F10, B12 of the faults: what was never heard of is known within one interval
async def test_what_was_not_heard_is_found_by_the_next_comparison(watched):
    await watched.after(30)
    write(watched.folder, "unheard.txt")

    await watched.after(30)

    assert await watched.told() == [("created", "unheard.txt")]


async def test_a_change_in_place_is_found_when_something_else_was_heard(watched):
    path = write(watched.folder, "a.txt", b"1")
    watched.hear("a.txt")
    await watched.after(1)
    write(watched.folder, "b.txt")
    path.write_bytes(b"22")
    watched.hear("b.txt")
    await watched.after(1)
    await watched.after(30)

    assert await watched.told() == [("created", "a.txt"), ("created", "b.txt"), ("updated", "a.txt")]


async def test_a_session_in_which_nothing_happened_is_not_compared(watched, monkeypatch):
    await watched.after(30)
    await watched.after(30)
    walked = []
    monkeypatch.setattr(watched.workspace.parts.store, "walk", walked.append)

    await watched.after(30)

    assert walked == []


async def test_a_flood_of_hints_has_everything_compared_soon(watched, monkeypatch, workspace):
    monkeypatch.setattr(module, "FLOOD", 3)
    await watched.after(30)
    write(watched.folder, "a.txt")
    watched.hear("x", "y", "z")
    await watched.after(0.1)
    assert [problem.code for problem in watched.watching.problems.values()] == ["resync"]

    await watched.after(3)

    assert await watched.told() == [("created", "a.txt")]
    assert watched.watching.problems == {}


async def test_a_file_that_a_comparison_left_alone_is_seen_by_the_next(watched, clock):
    path = write(watched.folder, "a.txt")
    put_time(path, clock().timestamp() - 0.1)
    await watched.after(30)
    await watched.after(30)
    assert await watched.told() == []

    clock.forward(seconds=30)
    await watched.after(30)

    assert await watched.told() == [("created", "a.txt")]


async def test_a_file_that_changes_while_it_is_hashed_is_looked_at_again(watched, monkeypatch):
    store = watched.workspace.parts.store
    digest = store.digest

    async def busy(place):
        monkeypatch.setattr(store, "digest", digest)
        raise looking.Busy

    monkeypatch.setattr(store, "digest", busy)
    write(watched.folder, "a.txt")
    watched.hear("a.txt")
    await watched.after(1)
    assert await watched.told() == []
    await watched.after(0.1)

    assert await watched.told() == [("created", "a.txt")]


async def test_what_happens_to_the_sessions_own_folder_has_it_compared(watched):
    write(watched.folder, "a.txt")
    watched.hear("")
    await watched.after(1)
    assert await watched.told() == []

    await watched.after(30)

    assert await watched.told() == [("created", "a.txt")]


async def test_a_folder_that_vanished_unheard_has_its_session_compared(watched):
    write(watched.folder, "a.txt")
    await watched.after(30)
    await watched.after(30)
    shutil.rmtree(watched.folder)
    await watched.after(30)

    assert await watched.told() == [("created", "a.txt"), ("deleted", "a.txt")]


async def test_a_session_is_looked_at_once_at_a_time(watched, monkeypatch):
    store = watched.workspace.parts.store
    go, stats = asyncio.Event(), store.stats

    async def slow(*arguments):
        await go.wait()
        return await stats(*arguments)

    monkeypatch.setattr(store, "stats", slow)
    for name in ("a.txt", "b.txt"):
        write(watched.folder, name, name.encode())
        watched.hear(name)
        watched.now += 1
        await watched.watching.tick(watched.now)
        watched.now += 1
        await watched.watching.tick(watched.now)
    assert len(watched.watching._looking) == 1
    go.set()
    await watched.watching.settled()
    await watched.after(1)

    assert await watched.told() == [("created", "a.txt"), ("created", "b.txt")]


async def test_a_new_session_is_watched_and_compared(watched):
    await session(watched.workspace, "other")
    await watched.after(1)
    write(watched.folder.parent / "other", "a.txt")
    await watched.after(1)

    assert watched.watcher.folders >= {"churn", "other"}
    assert [event["path"] for event in await events(watched.workspace, "other")] == ["a.txt"]


async def test_a_deleted_session_is_watched_no_more(watched):
    await watched.workspace.sessions.delete(ADA, "churn", with_files=False)
    watched.hear("a.txt")
    await watched.after(1)
    watched.hear("a.txt")
    await watched.after(1)
    await watched.after(30)

    assert watched.watcher.folders == set()


async def test_hints_of_folders_that_are_no_sessions_are_passed_over(watched):
    watched.watcher.said |= {"plain/a.txt", "plain"}

    await watched.after(1)

    assert await watched.told() == []


async def test_a_session_that_cannot_be_compared_now_is_compared_later(watched, monkeypatch):
    store = watched.workspace.parts.store
    stats, walk = store.stats, store.walk

    async def fails(*_args, **_options):
        raise Forbidden

    monkeypatch.setattr(store, "stats", fails)
    write(watched.folder, "a.txt")
    watched.hear("a.txt")
    await watched.after(1)
    monkeypatch.setattr(store, "stats", stats)
    monkeypatch.setattr(store, "walk", fails)
    await watched.after(30)
    monkeypatch.setattr(store, "walk", walk)
    await watched.after(30)

    assert await watched.told() == [("created", "a.txt")]


# a watcher that cannot work is replaced by comparing, and says so
async def test_folders_that_cannot_be_watched_are_compared_and_that_is_reported(workspace, opener):
    await session(workspace)
    watched = Watched(workspace, opener.folder(), FakeWatcher())
    watched.watcher.fails = True
    await watched.begin()
    assert [problem.code for problem in watched.watching.problems.values()] == ["watch_limited"]
    write(watched.folder, "a.txt")
    await watched.after(30)
    assert await watched.told() == [("created", "a.txt")]

    watched.watcher.fails = False
    await watched.after(30)

    assert watched.watching.problems == {}
    assert watched.watcher.folders == {"churn"}


async def test_a_watcher_that_goes_deaf_is_reported_and_tried_again(watched):
    watched.watcher.is_deaf = True
    await watched.after(1)
    assert [problem.code for problem in watched.watching.problems.values()] == ["watch_limited"]

    watched.watcher.is_deaf = False
    write(watched.folder, "a.txt")
    await watched.after(30)

    assert await watched.told() == [("created", "a.txt")]
    assert watched.watching.problems == {}


async def test_sessions_beyond_what_can_be_watched_are_compared(workspace, opener, monkeypatch):
    monkeypatch.setattr(module, "MOST_FOLDERS", 3)
    await session(workspace)
    for number in range(4):
        (opener.folder() / str(number)).mkdir()
    watched = Watched(workspace, opener.folder(), FakeWatcher())
    await watched.begin()
    write(watched.folder, "1/a.txt")

    await watched.after(30)

    assert watched.watcher.folders == set()
    assert await watched.told() == [("created", "1/a.txt")]
    assert [problem.code for problem in watched.watching.problems.values()] == ["watch_limited"]


async def test_without_a_watcher_everything_is_compared_at_each_interval(workspace, opener):
    await session(workspace)
    watched = Watched(workspace, opener.folder(), None)
    await watched.begin()
    write(watched.folder, "a.txt")

    assert await watched.after(1) == pytest.approx(29)
    assert await watched.told() == []
    await watched.after(29)

    assert await watched.told() == [("created", "a.txt")]


# L9 of the faults: at rest the loop wakes up every ten seconds
async def test_the_watcher_is_asked_seldom_while_nothing_happens(watched):
    assert await watched.after(10) == 10.0
    watched.hear("a.txt")

    assert await watched.after(1) == pytest.approx(0.1)
    assert await watched.after(4) == 10.0
    assert await watched.after(12) == pytest.approx(3)


async def test_folders_that_are_still_to_be_found_are_waited_for(watched, monkeypatch):
    going_on = asyncio.Event()

    async def slow(_session_id):
        await going_on.wait()

    monkeypatch.setattr(watched.workspace.reconcile, "rescan", slow)
    watched.hear("")
    watched.now += 31

    assert await watched.watching.tick(watched.now) == pytest.approx(0.1)
    assert await watched.watching.tick(watched.now + 4) == 1.0
    going_on.set()
    await watched.watching.settled()
    assert await watched.watching.tick(watched.now + 5) == 10.0


async def test_a_new_session_ends_the_watchers_rest(watched):
    await watched.after(10)
    watched.watcher.stirred.clear()
    await upload(watched.workspace, "known.txt")
    assert not watched.watcher.stirred.is_set()

    await session(watched.workspace, "other")

    assert watched.watcher.stirred.is_set()
    assert await watched.after(0.1) == pytest.approx(0.1)


async def test_it_begins_with_a_comparison_and_ends_with_what_it_began(workspace, opener):
    await session(workspace)
    watched = Watched(workspace, opener.folder(), FakeWatcher())
    write(watched.folder, "a.txt")
    running = asyncio.create_task(watched.watching.run(["churn"]))
    async with asyncio.timeout(10):
        await watched.workspace.parts.log.next("churn", 0, 10)
    running.cancel()
    await asyncio.wait([running])

    assert await watched.told() == [("created", "a.txt")]
    assert watched.watcher.is_closed


async def test_an_open_workspace_follows_its_folders(opener):
    async with opener(in_memory=True, watch=True, watch_polling=True) as workspace:
        await session(workspace)
        assert workspace.watching is not None
        assert workspace.watching.problems == {}
