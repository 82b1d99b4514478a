"""What a store promises, by the kernel's calls and by those that every system has."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import threading
import zlib

import pytest

from jupyter_workspace import errors
from jupyter_workspace.stores import syscalls
from jupyter_workspace.stores.base import Move, Place
from jupyter_workspace.stores.beneath import KernelResolver, WalkingResolver, best_resolver
from jupyter_workspace.stores.local import LocalStore
from jupyter_workspace.stores.renames import KernelRenames, PortableRenames

WAYS = {
    "kernel": (KernelResolver, KernelRenames),
    "portable": (WalkingResolver, PortableRenames),
}


@pytest.fixture(params=WAYS)
async def store(request, tmp_path):
    if request.param == "kernel" and not isinstance(best_resolver(), KernelResolver):
        pytest.skip("this kernel has no openat2")
    resolver, renames = WAYS[request.param]
    store = LocalStore(tmp_path / "root", state_folder=".state", resolver=resolver(), renames=renames())
    await store.open()
    await store.make_session("churn")
    yield store
    await store.close()


@pytest.fixture
def session(store, tmp_path):
    return tmp_path / "root" / "churn"


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_text("secret")
    return folder


def at(path):
    return Place("session", path, "churn")


async def published(store, path, content):
    staging = await store.stage_bytes(content)
    move = Move(staging.place, at(path), staging.inode)
    await store.apply([move])
    return move


async def content_of(store, place):
    async with await store.open_read(place) as file:
        return b"".join([chunk async for chunk in file.chunks()])


async def rest_of(chunks, read=None):
    async for chunk in chunks:
        if read is not None:
            read.append(chunk)


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


class TestSessions:
    async def test_a_session_is_made_once(self, store, tmp_path):
        made = [await store.make_session("new"), await store.make_session("new")]

        assert made == [True, False]
        assert await store.sessions_on_disk() == ["churn", "new"]

    async def test_of_many_makers_of_one_session_exactly_one_made_it(self, store):
        made = await asyncio.gather(*(store.make_session("new") for _ in range(16)))

        assert made.count(True) == 1

    async def test_a_file_or_a_link_in_the_way_of_a_session_is_named(self, store, tmp_path, outside):
        (tmp_path / "root" / "file").write_text("x")
        (tmp_path / "root" / "link").symlink_to(outside)

        for name in ("file", "link"):
            with pytest.raises(errors.NotADirectory):
                await store.make_session(name)
            with pytest.raises(errors.NotADirectory):
                await store.list_folder(name, "")

    @pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc", ".state", "../outside", "a\0b"])
    async def test_no_hostile_id_reaches_another_folder(self, store, name):
        # S2-72
        with pytest.raises(errors.PathEscapes):
            await store.make_session(name)
        with pytest.raises(errors.PathEscapes):
            await store.list_folder(name, "")

    async def test_the_state_folder_is_closed_to_others(self, store, tmp_path):
        mode = (tmp_path / "root" / ".state").stat().st_mode & 0o777

        assert mode == 0o700

    async def test_a_store_can_be_opened_where_one_was(self, store, tmp_path):
        await published(store, "a.txt", b"a")
        (tmp_path / "root" / ".state").chmod(0o755)

        again = LocalStore(tmp_path / "root", state_folder=".state")
        await again.open()

        assert await content_of(again, at("a.txt")) == b"a"
        assert (tmp_path / "root" / ".state").stat().st_mode & 0o777 == 0o700
        await again.close()

    async def test_a_state_folder_that_is_a_link_is_refused(self, tmp_path, outside):
        (tmp_path / "root").mkdir()
        (tmp_path / "root" / ".state").symlink_to(outside)
        store = LocalStore(tmp_path / "root", state_folder=".state")

        with pytest.raises(errors.NotADirectory):
            await store.open()

        await store.close()

    async def test_free_room_is_no_more_than_the_disk(self, store):
        free, total = await store.free()

        assert 0 < free <= total

    async def test_the_ballast_can_be_set_aside_and_given_back(self, store, tmp_path):
        ballast = tmp_path / "root" / ".state" / "ballast"

        await store.ensure_ballast()
        await store.ensure_ballast()
        size = ballast.stat().st_size
        await store.drop_ballast()
        await store.drop_ballast()

        assert size == 8 << 20
        assert not ballast.exists()


class TestPublishing:
    async def test_a_published_file_has_its_bytes_and_the_umasks_permissions(self, store, session):
        # S0-21
        content = b"a,b\n" * 30_000

        staging = await store.stage()
        await staging.write(content)
        digest = await staging.finish()
        move = Move(staging.place, at("attachments/deep/sales.csv"), staging.inode)
        await store.apply([move])

        file = session / "attachments" / "deep" / "sales.csv"
        (session / "plain").write_text("x")
        assert file.read_bytes() == content
        assert file.stat().st_mode == (session / "plain").stat().st_mode
        assert digest.sha256 == hashlib.sha256(content).hexdigest()
        assert (digest.size, digest.crc32) == (len(content), zlib.crc32(content))
        assert digest.head == content[:4096]
        assert await store.is_done(move)
        assert await store.staged_names() == []

    async def test_a_taken_name_is_kept_and_the_bytes_stay_staged(self, store, session):
        # S2-31
        (session / "a.txt").write_text("old")
        staging = await store.stage_bytes(b"new")

        with pytest.raises(errors.NameTaken):
            await store.apply([Move(staging.place, at("a.txt"), staging.inode)])

        assert (session / "a.txt").read_text() == "old"
        assert await store.staged_names() == [staging.name]

    @pytest.mark.parametrize("taken", ["folder", "link", "dangling"])
    async def test_whatever_has_the_name_takes_it(self, store, session, outside, taken):
        target = session / "a.txt"
        if taken == "folder":
            target.mkdir()
        else:
            target.symlink_to(outside / ("secret.txt" if taken == "link" else "none"))
        staging = await store.stage_bytes(b"new")

        with pytest.raises(errors.NameTaken):
            await store.apply([Move(staging.place, at("a.txt"), staging.inode)])

        assert everything(outside) == ["secret.txt"]
        assert (outside / "secret.txt").read_text() == "secret"

    async def test_of_sixteen_with_one_name_exactly_one_wins(self, store, session):
        stagings = [await store.stage_bytes(f"{number}".encode()) for number in range(16)]
        moves = [Move(staging.place, at("new/a.txt"), staging.inode) for staging in stagings]

        outcomes = await asyncio.gather(*(store.apply([move]) for move in moves), return_exceptions=True)

        winners = [number for number, outcome in enumerate(outcomes) if outcome is None]
        assert len(winners) == 1
        assert all(isinstance(outcome, errors.NameTaken) for outcome in outcomes if outcome is not None)
        assert (session / "new" / "a.txt").read_text() == str(winners[0])
        assert len(await store.staged_names()) == 15

    async def test_an_exchange_keeps_both_contents(self, store, session):
        (session / "a.txt").write_text("old")
        staging = await store.stage_bytes(b"new")
        old = await store.stat(at("a.txt"))
        moves = [
            Move(staging.place, at("a.txt"), staging.inode, exchange=True),
            Move(staging.place, Place("trash", "t1/a.txt"), old.inode),
        ]

        await store.apply(moves)

        assert (session / "a.txt").read_bytes() == b"new"
        assert await content_of(store, Place("trash", "t1/a.txt")) == b"old"
        assert [await store.is_done(move) for move in moves] == [True, True]
        assert await store.staged_names() == []

    async def test_undo_of_an_exchange_restores_both(self, store, session):
        (session / "a.txt").write_text("old")
        staging = await store.stage_bytes(b"new")
        old = await store.stat(at("a.txt"))
        moves = [
            Move(staging.place, at("a.txt"), staging.inode, exchange=True),
            Move(staging.place, Place("trash", "t1"), old.inode),
        ]
        await store.apply(moves)

        await store.undo(moves)
        await store.undo(moves)

        assert (session / "a.txt").read_text() == "old"
        assert await content_of(store, staging.place) == b"new"
        assert await store.trash_names() == []

    async def test_readers_of_an_exchanged_name_see_one_of_the_two(self, store, session):
        target = session / "a.txt"
        target.write_bytes(b"0" * 9000)
        stop = threading.Event()
        seen = set()

        def look():
            while not stop.is_set():
                seen.add(target.read_bytes())

        thread = threading.Thread(target=look)
        thread.start()
        for number in range(1, 40):
            staging = await store.stage_bytes(str(number % 10).encode() * 9000)
            await store.apply([Move(staging.place, at("a.txt"), staging.inode, exchange=True)])
            await staging.discard()
        stop.set()
        thread.join()

        assert all(len(content) == 9000 and len(set(content)) == 1 for content in seen)

    async def test_an_exchange_with_nothing_is_refused(self, store, session):
        staging = await store.stage_bytes(b"new")

        with pytest.raises(errors.FileNotFound):
            await store.apply([Move(staging.place, at("a.txt"), staging.inode, exchange=True)])

        assert everything(session) == []
        assert await content_of(store, staging.place) == b"new"

    async def test_a_batch_is_all_or_none(self, store, session):
        (session / "b.txt").write_text("old")
        stagings = [await store.stage_bytes(name) for name in (b"a", b"b", b"c")]
        moves = [
            Move(staging.place, at(path), staging.inode)
            for staging, path in zip(stagings, ["a.txt", "b.txt", "c.txt"], strict=True)
        ]

        with pytest.raises(errors.NameTaken):
            await store.apply(moves)

        assert everything(session) == ["b.txt"]
        assert await store.staged_names() == sorted(staging.name for staging in stagings)

    async def test_a_source_with_another_inode_is_not_moved(self, store, session):
        (session / "a.txt").write_text("a")
        inode = (session / "a.txt").stat().st_ino

        with pytest.raises(errors.Busy):
            await store.apply([Move(at("a.txt"), Place("trash", "t"), inode + 1)])

        assert everything(session) == ["a.txt"]

    async def test_a_missing_source_is_named(self, store):
        with pytest.raises(errors.FileNotFound):
            await store.apply([Move(at("a.txt"), Place("trash", "t"), 1)])

    async def test_a_whole_folder_goes_to_the_trash_and_comes_back(self, store, session):
        (session / "plots" / "deep").mkdir(parents=True)
        (session / "plots" / "deep" / "a.png").write_text("a")
        move = Move(at("plots"), Place("trash", "t1"), (session / "plots").stat().st_ino)

        await store.apply([move])
        gone = everything(session)
        await store.undo([move])

        assert gone == []
        assert everything(session) == ["plots", "plots/deep", "plots/deep/a.png"]

    async def test_a_folder_does_not_replace_another(self, store, session):
        (session / "plots").mkdir()
        (session / "taken").mkdir()
        (session / "taken" / "a").write_text("a")
        inode = (session / "plots").stat().st_ino

        with pytest.raises(errors.NameTaken):
            await store.apply([Move(at("plots"), at("taken"), inode)])

        assert everything(session) == ["plots", "taken", "taken/a"]

    async def test_a_link_itself_is_moved_and_not_what_it_leads_to(self, store, session, outside):
        # S3-40
        (session / "link").symlink_to(outside / "secret.txt")
        stat = await store.stat(at("link"))

        await store.apply([Move(at("link"), Place("trash", "t1"), stat.inode)])
        removed = await store.remove(Place("trash", "t1"))

        assert stat.is_link
        assert removed
        assert (outside / "secret.txt").read_text() == "secret"
        assert everything(session) == []

    async def test_undo_leaves_a_source_that_has_come_back_alone(self, store, session):
        (session / "a.txt").write_text("a")
        move = Move(at("a.txt"), Place("trash", "t1"), (session / "a.txt").stat().st_ino)
        await store.apply([move])
        (session / "a.txt").write_text("another")

        await store.undo([move])

        assert (session / "a.txt").read_text() == "another"
        assert await store.trash_names() == ["t1"]

    async def test_undo_makes_a_folder_anew_that_has_gone(self, store, session):
        (session / "plots").mkdir()
        (session / "plots" / "a.png").write_text("a")
        move = Move(at("plots/a.png"), Place("trash", "t1"), (session / "plots" / "a.png").stat().st_ino)
        await store.apply([move])
        (session / "plots").rmdir()

        await store.undo([move])

        assert everything(session) == ["plots", "plots/a.png"]

    async def test_a_cancelled_apply_ends_before_the_cancellation_arrives(self, store, session):
        staging = await store.stage_bytes(b"a")
        move = Move(staging.place, at("a.txt"), staging.inode)
        task = asyncio.ensure_future(store.apply([move]))
        await asyncio.sleep(0)

        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert await store.is_done(move)
        await store.undo([move])
        assert everything(session) == []

    async def test_a_file_in_the_way_of_a_folder_is_named(self, store, session):
        (session / "file").write_text("x")
        staging = await store.stage_bytes(b"a")

        with pytest.raises(errors.NotADirectory):
            await store.apply([Move(staging.place, at("file/a.txt"), staging.inode)])
        with pytest.raises(errors.NotADirectory):
            await store.make_folders("churn", "file/deeper")

    async def test_only_staging_and_trash_can_be_removed_from(self, store, session):
        (session / "a.txt").write_text("a")

        with pytest.raises(errors.Forbidden):
            await store.remove(at("a.txt"))

        assert everything(session) == ["a.txt"]
        assert not await store.remove(Place("trash", "none"))
        assert not await store.remove(Place("trash", "none/deeper"))

    async def test_a_deep_and_closed_folder_is_removed_without_following_a_link(
        self, store, session, outside
    ):
        folder = session / "deep"
        folder.mkdir()
        inode = folder.stat().st_ino
        descriptor = os.open(folder, os.O_RDONLY)
        for _ in range(1200):
            os.mkdir("a-rather-long-name", dir_fd=descriptor)
            inner = os.open("a-rather-long-name", os.O_RDONLY, dir_fd=descriptor)
            os.symlink(outside, "link", dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        os.close(descriptor)
        (folder / "a-rather-long-name").chmod(0)

        await store.apply([Move(at("deep"), Place("trash", "t1"), inode)])
        removed = await store.remove(Place("trash", "t1"))

        assert removed
        assert await store.trash_names() == []
        assert everything(outside) == ["secret.txt"]

    async def test_the_sweeper_keeps_what_is_named_and_what_is_being_written(self, store):
        # S0-16
        kept = await store.stage_bytes(b"kept")
        kept_name = kept.name
        forgotten = await store.stage_bytes(b"forgotten")
        forgotten_name = forgotten.name
        writing = await store.stage()
        await writing.write(b"x")
        await writing.flush()
        del kept, forgotten

        swept = await store.sweep_staging({kept_name})

        assert swept == 1
        assert forgotten_name not in await store.staged_names()
        assert await store.staged_names() == sorted([kept_name, writing.name])
        await writing.discard()


class TestReading:
    @pytest.mark.parametrize("size", [0, 1, 300 << 10, (3 << 20) + 17])
    async def test_a_file_is_read_whole_and_in_parts(self, store, session, size):
        content = os.urandom(size)
        (session / "a.bin").write_bytes(content)

        async with await store.open_read(at("a.bin")) as file:
            whole = b"".join([chunk async for chunk in file.chunks()])
            middle = b"".join([chunk async for chunk in file.chunks(size // 3, size // 2)])
            beyond = b"".join([chunk async for chunk in file.chunks(size // 2, size + 10)])
            part = await file.read(size // 4, 100)

        assert file.stat.size == size
        assert whole == content
        assert middle == content[size // 3 : size // 2]
        assert beyond == content[size // 2 :]
        assert part == content[size // 4 : size // 4 + 100]

    async def test_a_file_that_is_cut_while_it_is_read_never_ends_well(self, store, session):
        (session / "a.bin").write_bytes(bytes(5 << 20))

        async with await store.open_read(at("a.bin")) as file:
            chunks = file.chunks()
            await anext(chunks)
            os.truncate(session / "a.bin", 1 << 20)
            with pytest.raises(errors.VersionGone):
                await rest_of(chunks)

    async def test_a_file_that_is_rewritten_while_it_is_read_never_ends_well(self, store, session):
        (session / "a.bin").write_bytes(bytes(5 << 20))
        read = []

        async with await store.open_read(at("a.bin")) as file:
            chunks = file.chunks()
            read.append(await anext(chunks))
            with (session / "a.bin").open("r+b") as other:
                other.seek(4 << 20)
                other.write(b"x")
            os.utime(session / "a.bin", ns=(0, 0))
            with pytest.raises(errors.VersionGone):
                await rest_of(chunks, read)

        assert sum(map(len, read)) < 5 << 20

    async def test_a_file_that_is_replaced_is_read_to_its_own_end(self, store, session):
        (session / "a.bin").write_bytes(b"1" * (3 << 20))

        async with await store.open_read(at("a.bin")) as file:
            chunks = file.chunks()
            content = await anext(chunks)
            (session / "b.bin").write_bytes(b"2")
            (session / "b.bin").replace(session / "a.bin")
            content += b"".join([chunk async for chunk in chunks])

        assert content == b"1" * (3 << 20)

    async def test_a_closed_file_gives_no_more(self, store, session):
        (session / "a.bin").write_bytes(bytes(1 << 20))
        file = await store.open_read(at("a.bin"))

        await file.close()
        await file.close()

        with pytest.raises(errors.VersionGone):
            await file.read(0, 10)

    async def test_a_missing_file_and_a_folder_are_no_files(self, store, session):
        (session / "folder").mkdir()

        for path in ("none", "none/deeper", "folder", "folder/none"):
            with pytest.raises(errors.FileNotFound):
                await store.open_read(at(path))
            with pytest.raises(errors.FileNotFound):
                await store.digest(at(path))

    async def test_digest_gives_what_was_hashed(self, store, session):
        content = os.urandom((2 << 20) + 5)
        (session / "a.bin").write_bytes(content)

        digest, stat = await store.digest(at("a.bin"))

        assert digest.sha256 == hashlib.sha256(content).hexdigest()
        assert (digest.size, digest.crc32, digest.head) == (len(content), zlib.crc32(content), content[:4096])
        assert stat == await store.stat(at("a.bin"))

    async def test_a_small_file_is_read_whole_or_refused(self, store, session):
        (session / "a.json").write_bytes(b"{}")

        assert await store.read_small("churn", "a.json", 2) == b"{}"
        assert await store.read_small("churn", "b.json", 2) is None
        with pytest.raises(errors.FileTooLarge):
            await store.read_small("churn", "a.json", 1)

    async def test_an_atomic_write_replaces_a_file_and_a_link_but_no_folder(self, store, session, outside):
        # S0-30
        (session / "link.json").symlink_to(outside / "secret.txt")
        (session / "folder").mkdir()

        await store.write_atomic("churn", "a.json", b"1")
        await store.write_atomic("churn", "a.json", b"2")
        await store.write_atomic("churn", "link.json", b"3")
        with pytest.raises(errors.NameTaken):
            await store.write_atomic("churn", "folder", b"4")

        assert (session / "a.json").read_bytes() == b"2"
        assert (session / "link.json").read_bytes() == b"3"
        assert (outside / "secret.txt").read_text() == "secret"
        assert await store.staged_names() == []


class TestListing:
    async def test_a_folder_lists_what_is_in_it_and_counts_what_is_no_text(self, store, session):
        (session / "a.txt").write_text("a")
        (session / "folder").mkdir()
        (session / "link").symlink_to("a.txt")
        (session / os.fsdecode(b"\xff.txt")).write_text("x")

        listing = await store.list_folder("churn", "")

        entries = dict(listing.entries)
        assert sorted(entries) == ["a.txt", "folder", "link"]
        assert entries["folder"].is_dir
        assert entries["link"].is_link
        assert listing.unreadable == 1

    async def test_a_missing_folder_and_a_file_cannot_be_listed(self, store, session):
        (session / "a.txt").write_text("a")

        with pytest.raises(errors.FileNotFound):
            await store.list_folder("churn", "none")
        with pytest.raises(errors.NotADirectory):
            await store.list_folder("churn", "a.txt")
        with pytest.raises(errors.FileNotFound):
            await store.list_folder("unknown", "")

    async def test_a_walk_finds_all_files_and_folders_but_what_is_ignored(self, store, session):
        (session / "a" / "b").mkdir(parents=True)
        (session / "a" / "b" / "c.txt").write_text("c")
        (session / "a" / ".hidden").mkdir()
        (session / "a" / ".hidden" / "d").write_text("d")
        (session / "e").write_text("e")
        (session / os.fsdecode(b"\xff")).mkdir()
        asked = []

        def ignored(path):
            asked.append(path)
            return path.rpartition("/")[2].startswith(".")

        walk = await store.walk("churn", ignored=ignored, limit=100)

        assert sorted(walk.files) == ["a/b/c.txt", "e"]
        assert sorted(walk.folders) == ["a", "a/b"]
        assert (walk.unreadable, walk.truncated) == (1, False)
        assert sorted(asked) == ["a", "a/.hidden", "a/b", "a/b/c.txt", "e"]

    async def test_a_walk_ends_at_its_limit(self, store, session):
        for number in range(10):
            (session / str(number)).write_text("x")

        cut = await store.walk("churn", ignored=lambda path: False, limit=4)
        whole = await store.walk("churn", ignored=lambda path: False, limit=10)

        assert (len(cut.files), cut.truncated) == (4, True)
        assert (len(whole.files), whole.truncated) == (10, False)

    async def test_folders_are_made_with_their_parents(self, store, session):
        await store.make_folders("churn", "a/b/c")
        await store.make_folders("churn", "a/b/c")
        await store.make_folders("churn", "")

        assert everything(session) == ["a", "a/b", "a/b/c"]


async def admitted(_size):
    """Lets every copy be made."""


class TestSnapshots:
    async def test_a_copy_that_is_not_admitted_takes_nothing(self, store, outside):
        (outside / "model.pkl").write_bytes(bytes(700))

        async def refuse(size):
            raise errors.DiskFull(requested=size)

        with pytest.raises(errors.DiskFull) as refused:
            await store.stage_copy(outside, "model.pkl", refuse)

        assert refused.value.facts == {"requested": 700}
        assert await store.staged_names() == []

    async def test_a_file_elsewhere_under_a_root_is_copied(self, store, outside):
        content = os.urandom((5 << 20) + 1)
        (outside / "model.pkl").write_bytes(content)

        staging = await store.stage_copy(outside, "model.pkl", admitted)

        digest = await staging.finish()
        assert digest.sha256 == hashlib.sha256(content).hexdigest()
        assert await content_of(store, staging.place) == content
        assert (outside / "model.pkl").read_bytes() == content

    async def test_a_copy_shares_blocks_where_the_disk_can(self, store, outside, monkeypatch):
        content = os.urandom(1 << 20)
        (outside / "model.pkl").write_bytes(content)
        monkeypatch.setattr(syscalls, "share_blocks", lambda new, old: os.sendfile(new, old, 0, 1 << 20))
        store.disk.shares_blocks = True

        staging = await store.stage_copy(outside, "model.pkl", admitted)

        digest = await staging.finish()
        assert digest.sha256 == hashlib.sha256(content).hexdigest()
        assert staging.size == 1 << 20
        assert await content_of(store, staging.place) == content

    async def test_a_copy_is_made_where_sharing_fails_after_all(self, store, outside):
        content = os.urandom(1 << 20)
        (outside / "model.pkl").write_bytes(content)
        store.disk.shares_blocks = True

        staging = await store.stage_copy(outside, "model.pkl", admitted)

        assert await content_of(store, staging.place) == content
        assert await store.staged_names() == [staging.name]

    @pytest.mark.parametrize("path", ["../outside/secret.txt", "/etc/passwd", "link", "folder/secret.txt"])
    async def test_a_copy_from_beyond_the_root_is_refused(self, store, session, outside, path):
        # S2-64
        (session / "link").symlink_to(outside / "secret.txt")
        (session / "folder").symlink_to(outside)

        with pytest.raises(errors.PathEscapes):
            await store.stage_copy(session, path, admitted)

        assert await store.staged_names() == []


class TestLinksAndSpecialFiles:
    """RELIABILITY.md, S2."""

    @pytest.fixture
    def tree(self, session, outside):
        (session / "inner").mkdir()
        (session / "inner" / "a.txt").write_text("inside")
        (session / "good").symlink_to("inner/a.txt")
        (session / "up").symlink_to("inner/../inner/./a.txt")
        (session / "good-folder").symlink_to("inner")
        (session / "file-out").symlink_to("../../outside/secret.txt")
        (session / "absolute").symlink_to(outside / "secret.txt")
        (session / "folder-out").symlink_to("../../outside")
        (session / "chain").symlink_to("chain-2")
        (session / "chain-2").symlink_to("inner/chain-3")
        (session / "inner" / "chain-3").symlink_to("../../../outside/secret.txt")
        (session / "loop").symlink_to("loop-2")
        (session / "loop-2").symlink_to("loop")
        (session / "dangling").symlink_to("nowhere")
        (session / "proc").symlink_to("/proc/self/cwd")
        os.mkfifo(session / "pipe")
        (session / "pipe-link").symlink_to("pipe")
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(os.path.relpath(session / "socket"))
        (session / "hard").hardlink_to(outside / "secret.txt")
        return session

    async def test_links_that_stay_beneath_are_read(self, store, tree):
        for path in ("good", "up", "good-folder/a.txt"):
            assert await content_of(store, at(path)) == b"inside"

    @pytest.mark.parametrize(
        "path", ["file-out", "absolute", "folder-out/secret.txt", "chain", "proc/x", "../churn/inner/a.txt"]
    )
    async def test_links_that_lead_out_are_refused(self, store, tree, path):
        # S3-15
        for read in (store.open_read(at(path)), store.digest(at(path)), store.read_small("churn", path, 99)):
            with pytest.raises(errors.PathEscapes):
                await read

    @pytest.mark.parametrize(
        "path", ["loop", "dangling", "pipe", "pipe-link", "socket", "inner", "good-folder"]
    )
    async def test_what_is_no_file_is_not_found_and_nothing_hangs(self, store, tree, path):
        async with asyncio.timeout(5):
            with pytest.raises(errors.FileNotFound):
                await store.open_read(at(path))
            with pytest.raises(errors.FileNotFound):
                await store.digest(at(path))
            assert await store.read_small("churn", path, 99) is None

    async def test_a_stat_describes_the_link_itself(self, store, tree):
        links = [await store.stat(at(path)) for path in ("file-out", "loop", "dangling", "proc")]
        specials = [await store.stat(at(path)) for path in ("pipe", "socket")]

        assert all(stat.is_link for stat in links)
        assert all(stat.is_special for stat in specials)

    @pytest.mark.parametrize("path", ["folder-out/secret.txt", "proc/cmdline", "../x", "/etc/passwd"])
    async def test_nothing_beyond_is_described_or_listed(self, store, tree, path):
        with pytest.raises(errors.PathEscapes):
            await store.stat(at(path))
        with pytest.raises(errors.PathEscapes):
            await store.list_folder("churn", path.rpartition("/")[0] or "/")

    async def test_nothing_is_written_beyond(self, store, tree, outside, tmp_path):
        before = everything(tmp_path)
        staging = await store.stage_bytes(b"x")

        for path in (
            "folder-out/new.txt",
            "../new.txt",
            "proc/new.txt",
            "folder-out/deep/new.txt",
            "/new.txt",
        ):
            with pytest.raises(errors.PathEscapes):
                await store.apply([Move(staging.place, at(path), staging.inode)])
            with pytest.raises(errors.PathEscapes):
                await store.write_atomic("churn", path, b"x")
            with pytest.raises(errors.PathEscapes):
                await store.make_folders("churn", path)

        await staging.discard()
        assert everything(tmp_path) == before

    async def test_a_dangling_link_is_no_folder_to_write_into(self, store, tree):
        for path in ("dangling/a", "loop/a"):
            with pytest.raises((errors.NotADirectory, errors.FileNotFound)):
                await store.make_folders("churn", path)

    async def test_a_walk_follows_no_link_and_takes_no_special_file(self, store, tree):
        # S0-72
        walk = await store.walk("churn", ignored=lambda path: False, limit=100)

        assert sorted(walk.files) == ["hard", "inner/a.txt"]
        assert walk.folders == ["inner"]

    async def test_replacing_a_hard_link_leaves_the_other_name_alone(self, store, tree, outside):
        await store.write_atomic("churn", "hard", b"new")

        assert (outside / "secret.txt").read_text() == "secret"
