"""What a store promises of links and special files, and of copies from elsewhere."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket

import pytest
from contract.storing import at, content_of, everything

from jupyter_workspace import errors
from jupyter_workspace.stores import syscalls
from jupyter_workspace.stores.base import Move


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
