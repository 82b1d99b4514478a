"""What a store promises of names that files get, lose and exchange."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
import zlib

import pytest
from contract.storing import at, content_of, everything

from jupyter_workspace import errors
from jupyter_workspace.stores.base import Move, Place


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
