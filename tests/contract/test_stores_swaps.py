"""Nothing leads out while names are swapped at full speed (RELIABILITY.md, S3).

A thread swaps a file for a link to a secret, or a folder for a link to a folder with one, as fast as it
can; meanwhile one operation is repeated. Each runs for `SWAP_SECONDS` (default 1.5, in full 60).
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager, suppress

import pytest
from contract.storing import WAYS, at

from jupyter_workspace import errors
from jupyter_workspace.stores import moves, walking
from jupyter_workspace.stores.base import Move, Place
from jupyter_workspace.stores.beneath import KernelResolver, best_resolver
from jupyter_workspace.stores.disk import Disk

SECONDS = float(os.environ.get("SWAP_SECONDS", "1.5"))
PATIENCE = 60


@pytest.fixture(params=WAYS)
def disk(request, tmp_path):
    if request.param == "kernel" and not isinstance(best_resolver(), KernelResolver):
        pytest.skip("this kernel has no openat2")
    resolver, renames = WAYS[request.param]
    disk = Disk(tmp_path / "root", ".state", resolver=resolver(), renames=renames())
    disk.prepare()
    disk.make_session("churn")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.txt").write_text("secret")
    return disk


@pytest.fixture
def session(disk, tmp_path):
    return tmp_path / "root" / "churn"


@pytest.fixture
def outside(disk, tmp_path):
    return tmp_path / "outside"


@contextmanager
def swapping(swap):
    """Repeats `swap` in a thread; at the end there were enough of them to mean something."""
    stop, count = threading.Event(), 0

    def work():
        nonlocal count
        while not stop.is_set():
            # The operation under test may have moved what was to be swapped.
            with suppress(FileNotFoundError, FileExistsError, NotADirectoryError, OSError):
                swap()
            count += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert count > 10


def file_swap(session, outside):
    """Lets `churn/a.txt` be a file, then a link to the secret, and so on."""

    def swap():
        (session / "spare").write_text("inside")
        (session / "spare").replace(session / "a.txt")
        (session / "spare").symlink_to(outside / "a.txt")
        (session / "spare").replace(session / "a.txt")

    return swap


def folder_swap(session, outside):
    """Lets `churn/folder` be a folder, then a link to the one outside, and so on."""
    (session / "folder").mkdir()
    (session / "folder" / "a.txt").write_text("inside")

    def swap():
        (session / "folder").rename(session / "aside")
        (session / "folder").symlink_to(outside)
        (session / "folder").unlink()
        (session / "aside").rename(session / "folder")

    return swap


def repeated(operation):
    """What the operation gave each time until the time was up; its refusals are no results.

    On a busy machine it may be refused all that time: then it goes on until it has given something.
    """
    given, refusals, begun = [], 0, time.monotonic()
    while (passed := time.monotonic() - begun) < SECONDS or (not given and passed < PATIENCE):
        try:
            given.append(operation())
        except (OSError, errors.PathEscapes, errors.Busy):
            refusals += 1
    return given, refusals


def read(disk, path):
    descriptor, _ = disk.open_read(at(path))
    try:
        return os.pread(descriptor, 100, 0)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("swap", [file_swap, folder_swap])
def test_no_read_gives_the_secret(disk, session, outside, swap):
    path = "a.txt" if swap is file_swap else "folder/a.txt"

    with swapping(swap(session, outside)):
        contents, _ = repeated(lambda: read(disk, path))

    assert set(contents) == {b"inside"}


def test_no_digest_is_the_secrets(disk, session, outside):
    with swapping(file_swap(session, outside)):
        given, _ = repeated(lambda: disk.digest(at("a.txt"), lambda: False)[0].head)

    assert set(given) == {b"inside"}


def test_no_description_is_the_secrets(disk, session, outside):
    (outside / "only-outside").write_text("secret")

    with swapping(folder_swap(session, outside)):
        given, _ = repeated(lambda: disk.stat(at("folder/only-outside")))

    assert set(given) <= {None}


def test_no_listing_and_no_walk_shows_what_is_outside(disk, session, outside):
    (outside / "only-outside").write_text("secret")

    def look():
        with disk.folder(at("folder")) as folder:
            listed = [name for name, _ in walking.list_folder(folder).entries]
        with disk.root(at("")) as root:
            walked = list(walking.walk(disk.resolver, root, lambda path: False, 100).files)
        return [*listed, *walked]

    with swapping(folder_swap(session, outside)):
        given, _ = repeated(look)

    assert given
    assert not any("only-outside" in name for names in given for name in names)


def test_nothing_is_made_outside(disk, session, outside):
    def make():
        disk.make_folders(at("folder/new/deeper"))
        disk.write_over(at("folder/written"), b"x", Place("staging", "w"))

    with swapping(folder_swap(session, outside)):
        given, _ = repeated(make)

    assert given
    assert [file.name for file in outside.iterdir()] == ["a.txt"]
    assert (outside / "a.txt").read_text() == "secret"


def test_nothing_is_published_outside(disk, session, outside):
    count = 0

    def publish():
        nonlocal count
        count += 1
        staged = Place("staging", f"s{count}")
        with disk.parent(staged) as (folder, name):
            descriptor = os.open(name, os.O_CREAT | os.O_WRONLY, dir_fd=folder)
            inode = os.fstat(descriptor).st_ino
            os.close(descriptor)
        moves.apply(disk, [Move(staged, at(f"folder/new-{count}"), inode)])

    with swapping(folder_swap(session, outside)):
        given, _ = repeated(publish)

    assert given
    assert [file.name for file in outside.iterdir()] == ["a.txt"]


def test_nothing_outside_is_taken_to_the_trash_or_replaced(disk, session, outside):
    count = 0

    def take():
        nonlocal count
        count += 1
        stat = disk.stat(at("folder/a.txt"))
        if stat is None:
            # An undo has found the link in its way.
            disk.write_over(at("folder/a.txt"), b"inside", Place("staging", "w"))
            return False
        move = Move(at("folder/a.txt"), Place("trash", f"t{count}"), stat.inode)
        moves.apply(disk, [move])
        moves.undo(disk, [move])
        return True

    with swapping(folder_swap(session, outside)):
        given, _ = repeated(take)

    assert any(given)
    assert [file.name for file in outside.iterdir()] == ["a.txt"]
    assert (outside / "a.txt").read_text() == "secret"


def test_a_tree_is_deleted_without_what_a_link_leads_to(disk, session, outside, tmp_path):
    trash = tmp_path / "root" / ".state" / "trash"
    count = 0

    def delete():
        nonlocal count
        count += 1
        (trash / "t" / "folder").mkdir(parents=True, exist_ok=True)
        (trash / "t" / "folder" / "a.txt").touch()
        with disk.root(Place("trash", "")) as folder:
            walking.delete_tree(folder, "t")

    def swap():
        (trash / "t" / "folder").rename(trash / "t" / "aside")
        (trash / "t" / "folder").symlink_to(outside)
        (trash / "t" / "folder").unlink()
        (trash / "t" / "aside").rename(trash / "t" / "folder")

    with swapping(swap):
        given, _ = repeated(delete)

    assert given
    assert (outside / "a.txt").read_text() == "secret"
