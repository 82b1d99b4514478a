"""What a store promises, by the kernel's calls and by those that every system has."""

from __future__ import annotations

import asyncio
import os

import pytest
from contract.storing import at, content_of, everything, published

from jupyter_workspace import errors
from jupyter_workspace.stores.local import LocalStore


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
