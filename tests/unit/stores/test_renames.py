"""The renames that are made of what every system has, and their crashes."""

from __future__ import annotations

import errno
import os
from contextlib import suppress

import pytest

from jupyter_workspace.stores import moves, syscalls
from jupyter_workspace.stores import renames as renames_module
from jupyter_workspace.stores.base import Move, Place
from jupyter_workspace.stores.disk import Disk
from jupyter_workspace.stores.renames import KernelRenames, PortableRenames, best_renames


@pytest.fixture
def folder(tmp_path):
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def disk(tmp_path):
    disk = Disk(tmp_path / "root", ".state", renames=PortableRenames())
    disk.prepare()
    disk.make_session("churn")
    return disk


def failing(code):
    def call(*arguments, **named):
        raise OSError(code, os.strerror(code))

    return call


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


@pytest.fixture(params=["links", "no links"])
def links(request, monkeypatch):
    if request.param == "no links":
        monkeypatch.setattr(renames_module.os, "link", failing(errno.EPERM))
    return request.param == "links"


class TestWithoutTheKernel:
    def test_a_rename_replaces_nothing(self, tmp_path, folder, links):
        (tmp_path / "a").write_text("a")
        (tmp_path / "b").write_text("b")
        (tmp_path / "folder").mkdir()

        for target in ("b", "folder"):
            with pytest.raises(FileExistsError):
                PortableRenames().no_replace("a", target, source_folder=folder, target_folder=folder)
        PortableRenames().no_replace("a", "c", source_folder=folder, target_folder=folder)

        assert contents(tmp_path) == {"b": "b", "c": "a"}

    def test_a_folder_is_renamed_onto_nothing_only(self, tmp_path, folder):
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "x").write_text("x")
        (tmp_path / "empty").mkdir()

        with pytest.raises(FileExistsError):
            PortableRenames().no_replace("a", "empty", source_folder=folder, target_folder=folder)
        PortableRenames().no_replace("a", "b", source_folder=folder, target_folder=folder)

        assert contents(tmp_path / "b") == {"x": "x"}
        assert not (tmp_path / "a").exists()

    def test_a_rename_that_fails_leaves_no_name_behind(self, tmp_path, folder, monkeypatch):
        (tmp_path / "a").mkdir()
        monkeypatch.setattr(renames_module.os, "rename", failing(errno.EIO))

        with pytest.raises(OSError, match="Input/output"):
            PortableRenames().no_replace("a", "b", source_folder=folder, target_folder=folder)

        assert [path.name for path in tmp_path.iterdir()] == ["a"]

    def test_two_files_swap(self, tmp_path, folder, links):
        (tmp_path / "a").write_text("new")
        (tmp_path / "b").write_text("old")

        PortableRenames().exchange("a", "b", source_folder=folder, target_folder=folder)

        assert contents(tmp_path) == {"a": "old", "b": "new"}

    def test_two_folders_swap(self, tmp_path, folder):
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "new").write_text("")
        (tmp_path / "b").mkdir()

        PortableRenames().exchange("a", "b", source_folder=folder, target_folder=folder)

        assert contents(tmp_path / "b") == {"new": ""}
        assert contents(tmp_path / "a") == {}

    @pytest.mark.parametrize("missing", ["a", "b"])
    def test_a_swap_with_nothing_changes_nothing(self, tmp_path, folder, missing):
        present = "b" if missing == "a" else "a"
        (tmp_path / present).write_text("x")

        with pytest.raises(FileNotFoundError):
            PortableRenames().exchange("a", "b", source_folder=folder, target_folder=folder)

        assert contents(tmp_path) == {present: "x"}

    def test_a_swap_that_fails_gives_the_names_back(self, tmp_path, folder, links, monkeypatch):
        (tmp_path / "a").write_text("new")
        (tmp_path / "b").write_text("old")
        rename = os.rename

        def failing_at_the_end(source, target, **folders):
            if target == "b" and source != "a":
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            rename(source, target, **folders)

        monkeypatch.setattr(renames_module.os, "rename", failing_at_the_end)

        with pytest.raises(OSError, match="Input/output"):
            PortableRenames().exchange("a", "b", source_folder=folder, target_folder=folder)

        assert contents(tmp_path) == {"a": "new", "b": "old"}

    def test_a_swap_does_not_hide_what_another_wrote_in_between(self, tmp_path, folder, monkeypatch):
        (tmp_path / "a").write_text("new")
        (tmp_path / "b").write_text("old")
        link = os.link

        def link_after_another(source, target, **options):
            (tmp_path / "c").write_text("another")
            (tmp_path / "c").replace(tmp_path / "b")
            link(source, target, **options)

        monkeypatch.setattr(renames_module.os, "link", link_after_another)

        with pytest.raises(BlockingIOError):
            PortableRenames().exchange("a", "b", source_folder=folder, target_folder=folder)

        assert contents(tmp_path) == {"a": "new", "b": "another"}

    def test_other_faults_of_links_are_not_hidden(self, tmp_path, folder, monkeypatch):
        (tmp_path / "a").write_text("new")
        (tmp_path / "b").write_text("old")
        monkeypatch.setattr(renames_module.os, "link", failing(errno.ENOSPC))

        with pytest.raises(OSError, match="No space"):
            PortableRenames().no_replace("a", "c", source_folder=folder, target_folder=folder)
        with pytest.raises(OSError, match="No space"):
            PortableRenames().exchange("a", "b", source_folder=folder, target_folder=folder)

        assert contents(tmp_path) == {"a": "new", "b": "old"}


class _CutOffError(BaseException):
    """Stands for the end of the process."""


class TestCrashes:
    """What an undo makes of a swap that was cut off at each of its calls."""

    @pytest.mark.parametrize("at", range(4))
    def test_a_swap_that_was_cut_off_is_taken_back(self, disk, tmp_path, links, monkeypatch, at):
        session, staging = tmp_path / "root" / "churn", tmp_path / "root" / ".state" / "staging"
        (session / "a.txt").write_text("old")
        (staging / "s").write_text("new")
        move = Move(
            Place("staging", "s"), Place("session", "a.txt", "churn"), (staging / "s").stat().st_ino, True
        )
        calls = 0
        real = {name: getattr(os, name) for name in ("link", "rename", "unlink")}

        def cut_off(name):
            def call(*arguments, **options):
                nonlocal calls
                calls += 1
                if calls > at:
                    raise _CutOffError
                return real[name](*arguments, **options)

            return call

        with monkeypatch.context() as patch:
            for name in ("rename", "unlink") if not links else real:
                patch.setattr(renames_module.os, name, cut_off(name))
            with (
                disk.parent(move.source) as (source, _),
                disk.parent(move.target) as (target, _),
                suppress(_CutOffError),
            ):
                disk.renames.exchange("s", "a.txt", source_folder=source, target_folder=target)

        moves.undo(disk, [move])

        assert (session / "a.txt").read_text() == "old"
        assert "new" in contents(staging).values()

    def test_a_rename_cut_off_between_link_and_unlink_is_taken_back(self, disk, tmp_path):
        session, staging = tmp_path / "root" / "churn", tmp_path / "root" / ".state" / "staging"
        (staging / "s").write_text("new")
        (session / "a.txt").hardlink_to(staging / "s")
        move = Move(Place("staging", "s"), Place("session", "a.txt", "churn"), (staging / "s").stat().st_ino)
        was_done = moves.is_done(disk, move)

        moves.undo(disk, [move])

        assert was_done
        assert contents(session) == {}
        assert contents(staging) == {"s": "new"}


class TestChoice:
    def test_the_kernel_is_asked_first(self, folder, tmp_path):
        renames = best_renames(folder)

        assert isinstance(renames, (KernelRenames, PortableRenames))
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("call", ["exchange", "rename_no_replace"])
    def test_a_file_system_without_one_of_the_calls_gets_the_other_way(
        self, folder, tmp_path, monkeypatch, call
    ):
        monkeypatch.setattr(syscalls, call, failing(errno.EINVAL))

        renames = best_renames(folder)

        assert isinstance(renames, PortableRenames)
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_on_another_file_system_gets_the_other_way(self, folder, tmp_path, monkeypatch):
        (tmp_path / "a").write_text("new")
        (tmp_path / "b").write_text("old")
        monkeypatch.setattr(syscalls, "exchange", failing(errno.EINVAL))
        monkeypatch.setattr(syscalls, "rename_no_replace", failing(errno.ENOSYS))

        KernelRenames().exchange("a", "b", source_folder=folder, target_folder=folder)
        KernelRenames().no_replace("a", "c", source_folder=folder, target_folder=folder)

        assert contents(tmp_path) == {"b": "new", "c": "old"}

    def test_other_faults_are_the_callers(self, folder, monkeypatch):
        monkeypatch.setattr(syscalls, "exchange", failing(errno.EIO))
        monkeypatch.setattr(syscalls, "rename_no_replace", failing(errno.EIO))

        with pytest.raises(OSError, match="Input/output"):
            KernelRenames().exchange("a", "b", source_folder=folder, target_folder=folder)
        with pytest.raises(OSError, match="Input/output"):
            KernelRenames().no_replace("a", "b", source_folder=folder, target_folder=folder)
