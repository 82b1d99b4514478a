"""Resolving beneath a folder where the system is old, busy or unwilling."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from jupyter_workspace import errors
from jupyter_workspace.stores import beneath, syscalls
from jupyter_workspace.stores.beneath import KernelResolver, WalkingResolver, best_resolver


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root" / "folder").mkdir(parents=True)
    (tmp_path / "root" / "folder" / "a.txt").write_text("a")
    descriptor = os.open(tmp_path / "root", os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture(params=[KernelResolver, WalkingResolver])
def resolver(request):
    if request.param is KernelResolver and not isinstance(best_resolver(), KernelResolver):
        pytest.skip("this kernel has no openat2")
    return request.param()


def failing(code, times=1_000):
    left = times

    def call(*arguments):
        nonlocal left
        left -= 1
        if left < 0:
            return os.open("/dev/null", os.O_RDONLY)
        raise OSError(code, os.strerror(code))

    return call


def test_a_kernel_without_openat2_gets_the_walk(monkeypatch):
    monkeypatch.setattr(syscalls, "open_beneath", failing(errno.ENOSYS))

    assert isinstance(best_resolver(), WalkingResolver)


def test_a_system_that_is_not_linux_has_none_of_the_calls(monkeypatch, root):
    monkeypatch.setattr(syscalls, "_LINUX", False)

    for call in (
        lambda: syscalls.open_beneath(root, "folder", os.O_RDONLY),
        lambda: syscalls.share_blocks(root, root),
        lambda: syscalls.exchange("a", "b", source_folder=root, target_folder=root),
    ):
        with pytest.raises(OSError, match="not implemented"):
            call()
    syscalls.start_writeback(root, 0, 1)


def test_a_machine_whose_numbers_are_not_known_has_no_renames_of_its_own(monkeypatch, root):
    monkeypatch.setattr(syscalls, "_RENAMEAT2", -1)

    with pytest.raises(OSError, match="not implemented"):
        syscalls.rename_no_replace("a", "b", source_folder=root, target_folder=root)


def test_a_resolve_that_met_a_rename_is_tried_again_but_not_for_ever(monkeypatch, root):
    monkeypatch.setattr(syscalls, "_call", failing(errno.EAGAIN, times=3))
    os.close(syscalls.open_beneath(root, "folder", os.O_RDONLY))

    monkeypatch.setattr(syscalls, "_call", failing(errno.EAGAIN))
    with pytest.raises(BlockingIOError):
        syscalls.open_beneath(root, "folder", os.O_RDONLY)


@pytest.mark.parametrize("path", ["a\0b", "folder/\0"])
def test_no_path_ends_early_at_a_nul(root, path):
    with pytest.raises(OSError, match="Invalid argument"):
        syscalls.open_beneath(root, path, os.O_RDONLY)
    with pytest.raises(errors.PathEscapes):
        beneath.parts_of(path)


@pytest.mark.parametrize("path", ["", ".", "folder/..", "folder/../."])
def test_the_root_itself_is_beneath_itself(resolver, root, path):
    descriptor = resolver.open(root, path, os.O_RDONLY | os.O_DIRECTORY)

    assert os.fstat(descriptor).st_ino == os.fstat(root).st_ino

    os.close(descriptor)


@pytest.mark.parametrize("path", ["..", "folder/../..", "/etc", "folder/../../root"])
def test_what_is_above_the_root_is_not(resolver, root, path):
    with pytest.raises(errors.PathEscapes):
        resolver.open(root, path, os.O_RDONLY)


def test_a_file_is_no_folder_on_the_way(resolver, root):
    with pytest.raises(NotADirectoryError):
        resolver.open(root, "folder/a.txt/deeper", os.O_RDONLY)
    with pytest.raises(NotADirectoryError):
        resolver.open(root, "folder/a.txt", os.O_RDONLY | os.O_DIRECTORY)


def test_the_last_link_is_not_followed_when_that_is_asked_for(resolver, root):
    os.symlink("folder", "link", dir_fd=root)

    with pytest.raises(OSError, match=r"Not a directory|No such file"):
        resolver.open(root, "link", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def test_a_long_chain_of_links_ends_and_a_longer_one_is_no_way(resolver, root):
    os.symlink("folder", "l0", dir_fd=root)
    for number in range(60):
        os.symlink(f"l{number}", f"l{number + 1}", dir_fd=root)

    os.close(resolver.open(root, "l30", os.O_RDONLY))
    with pytest.raises(FileNotFoundError):
        resolver.open(root, "l60", os.O_RDONLY)


def test_a_name_that_has_just_become_a_folder_again_is_entered(root, monkeypatch):
    step = beneath._step
    calls = []

    def swapped_once(folder, part, last_flags):
        calls.append(part)
        if len(calls) == 1:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        return step(folder, part, last_flags)

    monkeypatch.setattr(beneath, "_step", swapped_once)

    os.close(WalkingResolver().open(root, "folder/a.txt", os.O_RDONLY))

    assert calls == ["folder", "folder", "a.txt"]


def test_a_path_without_a_name_names_no_file(resolver, root):
    with pytest.raises(errors.PathEscapes), beneath.parent_of(resolver, root, "."):
        pass


def test_a_file_that_becomes_a_pipe_before_it_is_opened_is_not_read(resolver, root, monkeypatch):
    looked = beneath._must_be_regular

    def becomes_a_pipe(status):
        looked(status)
        os.unlink("folder/a.txt", dir_fd=root)
        os.mkfifo("folder/a.txt", dir_fd=root)
        monkeypatch.setattr(beneath, "_must_be_regular", looked)

    monkeypatch.setattr(beneath, "_must_be_regular", becomes_a_pipe)
    before = len(list(Path("/proc/self/fd").iterdir()))

    with pytest.raises(FileNotFoundError):
        beneath.open_file(resolver, root, "folder/a.txt")

    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_file_system_that_cannot_sync_folders_is_forgiven_and_a_fault_is_not(root, monkeypatch):
    monkeypatch.setattr(beneath.os, "fsync", failing(errno.EINVAL))
    beneath.sync_folder(root)

    monkeypatch.setattr(beneath.os, "fsync", failing(errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        beneath.sync_folder(root)


def test_the_name_of_each_folder_that_is_made_is_synced_and_of_one_that_was_there_too(tmp_path, monkeypatch):
    # C2: with its name a folder would lose all that is in it
    synced = []
    monkeypatch.setattr(beneath, "sync_folder", lambda folder: synced.append(os.fstat(folder).st_ino))

    beneath.make_lasting(tmp_path / "a" / "b")

    assert synced == [path.stat().st_ino for path in (tmp_path, tmp_path / "a")]
    beneath.make_lasting(tmp_path / "a" / "b")
    assert synced[2:] == [(tmp_path / "a").stat().st_ino]


def test_a_folder_whose_parent_may_not_be_read_is_made_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(beneath.os, "open", failing(errno.EACCES))

    beneath.make_lasting(tmp_path / "a")

    assert (tmp_path / "a").is_dir()
