"""The blocking calls: what they leave behind when they fail, and what they remember."""

from __future__ import annotations

import errno
import os

import pytest

from jupyter_workspace import errors
from jupyter_workspace.stores import disk as disk_module
from jupyter_workspace.stores import moves, walking
from jupyter_workspace.stores.base import Move, Place
from jupyter_workspace.stores.checksums import digest_of
from jupyter_workspace.stores.disk import Disk, write_all


@pytest.fixture
def disk(tmp_path):
    disk = Disk(tmp_path / "root", ".state")
    disk.prepare()
    disk.make_session("churn")
    return disk


@pytest.fixture
def session(disk, tmp_path):
    return tmp_path / "root" / "churn"


@pytest.fixture
def state(disk, tmp_path):
    return tmp_path / "root" / ".state"


def at(path):
    return Place("session", path, "churn")


def failing(code):
    def call(*arguments, **named):
        raise OSError(code, os.strerror(code))

    return call


def test_a_ballast_for_which_there_is_no_room_leaves_nothing(disk, state, monkeypatch):
    monkeypatch.setattr(disk_module.os, "pwrite", failing(errno.ENOSPC))

    with pytest.raises(OSError, match="No space"):
        disk.ensure_ballast()

    assert not (state / "ballast").exists()


def test_short_writes_are_gone_on_with(tmp_path, monkeypatch):
    pwrite = os.pwrite
    monkeypatch.setattr(disk_module.os, "pwrite", lambda file, block, offset: pwrite(file, block[:3], offset))
    content = os.urandom(1000)

    with (tmp_path / "a").open("wb") as file:
        write_all(file.fileno(), memoryview(content), 0)

    assert (tmp_path / "a").read_bytes() == content


def test_a_write_over_that_fails_leaves_the_old_file_and_no_staging_file(disk, session, state, monkeypatch):
    # S0-30
    (session / "a.json").write_text("old")
    monkeypatch.setattr(disk_module.os, "fsync", failing(errno.EIO))

    with pytest.raises(OSError, match="Input/output"):
        disk.write_over(at("a.json"), b"new", Place("staging", "w"))

    assert (session / "a.json").read_text() == "old"
    assert list((state / "staging").iterdir()) == []


def test_folders_are_synced_once_and_again_when_they_were_made_anew(disk, session, monkeypatch):
    synced = []
    monkeypatch.setattr(disk_module, "sync_folder", synced.append)

    counts = []
    for _ in range(2):
        disk.make_folders(at("a/b"))
        counts.append(len(synced))
    monkeypatch.setattr(disk_module, "_MAX_DURABLE", 1)
    disk.make_folders(at("c"))
    disk.make_folders(at("a/b"))
    counts.append(len(synced))

    assert counts == [2, 2, 5]


def test_a_file_that_grows_while_it_is_hashed_has_no_digest(session):
    (session / "a").write_bytes(b"x" * 10)
    descriptor = os.open(session / "a", os.O_RDONLY)

    def grow():
        with (session / "a").open("ab") as file:
            file.write(b"y")
        return False

    with pytest.raises(errors.Busy):
        digest_of(descriptor, grow)
    with pytest.raises(errors.Busy):
        digest_of(descriptor, lambda: True)
    os.close(descriptor)


def test_a_file_swapped_between_look_and_rename_is_put_back(disk, session, state, monkeypatch):
    (session / "a.txt").write_text("a")
    move = Move(at("a.txt"), Place("trash", "t"), (session / "a.txt").stat().st_ino)
    no_replace = disk.renames.no_replace
    swaps = []

    def swapped(source, target, **folders):
        if not swaps:
            swaps.append(source)
            (session / "b").write_text("another")
            (session / "b").replace(session / "a.txt")
        no_replace(source, target, **folders)

    monkeypatch.setattr(disk.renames, "no_replace", swapped)

    with pytest.raises(errors.Busy):
        moves.apply(disk, [move])

    assert (session / "a.txt").read_text() == "another"
    assert list((state / "trash").iterdir()) == []


def test_moves_whose_sync_fails_are_taken_back(disk, session, state, monkeypatch):
    (session / "a.txt").write_text("a")
    move = Move(at("a.txt"), Place("trash", "t"), (session / "a.txt").stat().st_ino)
    monkeypatch.setattr(moves, "sync_folder", failing(errno.EIO))

    with pytest.raises(OSError, match="Input/output"):
        moves.apply(disk, [move])

    assert (session / "a.txt").read_text() == "a"
    assert list((state / "trash").iterdir()) == []


def test_what_cannot_be_taken_back_is_left_and_the_rest_is_taken_back(disk, session, state, caplog):
    (session / "a").write_text("a")
    (session / "b").write_text("b")
    done = [Move(at(name), Place("trash", name), (session / name).stat().st_ino) for name in ("a", "b")]
    moves.apply(disk, done)
    (session / "b").write_text("another")

    moves.undo(disk, done)

    assert (session / "a").read_text() == "a"
    assert (session / "b").read_text() == "another"
    assert [file.name for file in (state / "trash").iterdir()] == ["b"]
    assert "could not be taken back" in caplog.text


def test_a_folder_that_cannot_be_read_is_counted(disk, session, monkeypatch):
    (session / "closed").mkdir()
    (session / "open").mkdir()
    (session / "open" / "a").write_text("a")
    real = disk.resolver.open

    def closed(root, path, flags):
        if path == "closed":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(root, path, flags)

    monkeypatch.setattr(disk.resolver, "open", closed)

    with disk.root(at("")) as root:
        walk = walking.walk(disk.resolver, root, lambda path: False, 100)

    assert list(walk.files) == ["open/a"]
    assert walk.unreadable == 1


def test_a_root_that_cannot_be_read_is_no_empty_walk(disk, monkeypatch):
    monkeypatch.setattr(disk.resolver, "open", failing(errno.EACCES))

    with disk.root(at("")) as root, pytest.raises(PermissionError):
        walking.walk(disk.resolver, root, lambda path: False, 100)


def test_a_stat_of_a_sessions_folder_is_the_folders(disk, session):
    assert disk.stat(at("")).inode == session.stat().st_ino
    assert disk.stat(Place("session", "a", "unknown")) is None
