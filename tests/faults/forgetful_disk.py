"""A process that shows a `Disk` at a mount point, goes dark when told, and comes back with what was kept.

It reads orders as lines of JSON and answers with lines of JSON. `plan` says at which operation to go
dark, `darken` does it at once: whoever then touches the disk waits, as on a machine without power,
until `cut` lets them go with EIO. The one who orders takes the mount away, and the next one shows
what a disk would still hold.
"""

from __future__ import annotations

import errno
import functools
import json
import os
import random
import stat
import sys
import threading
import time

import mfusepy
from faults.forgetting import MOODS, Disk, File, Folder, Link

#: Operations after which a disk may hold something else for good, or other names.
BOUNDARY = "boundary"
WRITE = "write"
READ = "read"

RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2
UTIME_NOW = (1 << 30) - 1
UTIME_OMIT = (1 << 30) - 2


def tell(**facts):
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


class Switch:
    """Whether there is power."""

    def __init__(self):
        self.plan = None
        self.is_dark = False
        self.let_go = threading.Event()

    def darken(self):
        if not self.is_dark:
            self.is_dark = True
            self.plan = None
            tell(dark=True)

    def lighten(self):
        self.is_dark = False
        self.let_go.clear()

    def at(self, kind, side):
        """Goes dark when the plan says so; an operation that comes in the dark never ends well."""
        plan = self.plan
        if plan and not self.is_dark and side == plan["side"] and kind in plan["kinds"]:
            plan["count"] -= 1
            if plan["count"] <= 0:
                self.darken()
        if self.is_dark:
            self.let_go.wait()
            raise OSError(errno.EIO, os.strerror(errno.EIO))


def powered(kind):
    def wrap(operation):
        @functools.wraps(operation)
        def run(self, *args):
            self.switch.at(kind, "before")
            result = operation(self, *args)
            self.switch.at(kind, "after")
            return result

        return run

    return wrap


class Operations(mfusepy.Operations):
    """Every open file is known by the number of its node, so it can be used when its name is gone."""

    use_ns = True
    flag_nopath = True
    flag_nullpath_ok = True

    def __init__(self, disk, switch):
        self.disk = disk
        self.switch = switch

    def node(self, path, number):
        return self.disk.nodes[number] if number else self.disk.find(path)

    def owner(self):
        return mfusepy.fuse_get_context()[:2]

    def init(self, path):
        tell(mounted=True)

    @powered(READ)
    def getattr(self, path, fh=None):
        node = self.node(path, fh)
        sizes = {File: lambda: len(node.content), Link: lambda: len(node.target.encode())}
        size = sizes.get(type(node), int)()
        times = dict.fromkeys(["st_mtime", "st_ctime", "st_atime"], node.mtime)
        return {
            "st_ino": node.number,
            "st_mode": node.mode,
            "st_nlink": 2 if node.is_folder else node.links,
            "st_uid": node.owner[0],
            "st_gid": node.owner[1],
            "st_size": size,
            "st_blocks": -(-size // 512),
            **times,
        }

    @powered(READ)
    def statfs(self, path):
        return {
            "f_bsize": 4096,
            "f_frsize": 4096,
            "f_blocks": 1 << 22,
            "f_bfree": 1 << 21,
            "f_bavail": 1 << 21,
        }

    # names

    @powered(READ)
    def opendir(self, path):
        return self.disk.find(path).number

    @powered(READ)
    def readdir(self, path, fh):
        folder = self.disk.nodes[fh]
        listed = [(".", folder), ("..", folder)]
        listed += [(name, self.disk.nodes[number]) for name, number in folder.names.items()]
        return [(name, {"st_mode": node.mode, "st_ino": node.number}, 0) for name, node in listed]

    @powered(BOUNDARY)
    def mkdir(self, path, mode):
        self.disk.add(path, Folder, stat.S_IFDIR | mode, self.owner())

    @powered(BOUNDARY)
    def rmdir(self, path):
        if self.disk.find(path).names:
            raise OSError(errno.ENOTEMPTY, path)
        self.disk.change({self.disk.place(path): None})

    @powered(BOUNDARY)
    def create(self, path, mode, flags):
        return self.disk.add(path, File, stat.S_IFREG | mode, self.owner()).number

    @powered(BOUNDARY)
    def unlink(self, path):
        self.disk.change({self.disk.place(path): None})

    @powered(BOUNDARY)
    def link(self, target, source):
        self.disk.change({self.disk.place(target): self.disk.find(source).number})

    @powered(BOUNDARY)
    def symlink(self, target, source):
        self.disk.add(target, Link, stat.S_IFLNK | 0o777, self.owner(), target=source)

    @powered(READ)
    def readlink(self, path):
        return self.disk.find(path).target

    @powered(BOUNDARY)
    def rename(self, old, new, flags=0):
        moved, source, target = self.disk.find(old).number, self.disk.place(old), self.disk.place(new)
        there = self.disk.nodes[target[0]].names.get(target[1])
        if flags & RENAME_NOREPLACE and there is not None:
            raise FileExistsError(errno.EEXIST, new)
        if flags & RENAME_EXCHANGE:
            if there is None:
                raise FileNotFoundError(errno.ENOENT, new)
            self.disk.change({source: there, target: moved})
        elif moved != there:
            if there is not None and getattr(self.disk.nodes[there], "names", None):
                raise OSError(errno.ENOTEMPTY, new)
            self.disk.change({source: None, target: moved})

    # contents

    @powered(READ)
    def open(self, path, flags):
        return self.disk.find(path).number

    @powered(READ)
    def read(self, path, size, offset, fh):
        return bytes(self.disk.nodes[fh].content[offset : offset + size])

    @powered(WRITE)
    def write(self, path, data, offset, fh):
        self.disk.nodes[fh].write(data, offset)
        return len(data)

    @powered(WRITE)
    def truncate(self, path, length, fh=None):
        self.node(path, fh).truncate(length)

    @powered(BOUNDARY)
    def fsync(self, path, datasync, fh):
        self.disk.nodes[fh].sync()

    @powered(BOUNDARY)
    def fsyncdir(self, path, datasync, fh):
        self.disk.sync_folder(fh)

    # what else a file has

    @powered(READ)
    def chmod(self, path, mode, fh=None):
        self.node(path, fh).mode = mode

    @powered(READ)
    def chown(self, path, uid, gid, fh=None):
        node = self.node(path, fh)
        node.owner = tuple(old if new == -1 else new for old, new in zip(node.owner, (uid, gid), strict=True))

    @powered(READ)
    def utimens(self, path, stamp, fh=None):
        self.node(path, fh).mtime = stamp


def number_of(opened):
    return opened.contents.fh if opened else None


def text_of(path):
    return None if path is None else os.fsdecode(path)


class Mount(mfusepy.FUSE):
    """Hands on what mfusepy leaves out: the flags of a rename, and which open file is meant."""

    def rename_fuse_3(self, old, new, flags):
        return self.operations.rename(text_of(old), text_of(new), flags)

    def truncate_fuse_3(self, path, length, fip):
        return self.operations.truncate(text_of(path), length, number_of(fip))

    def chmod_fuse_3(self, path, mode, fip):
        return self.operations.chmod(text_of(path), mode, number_of(fip))

    def chown_fuse_3(self, path, uid, gid, fip):
        ids = [-1 if value == 0xFFFFFFFF else value for value in (uid, gid)]
        return self.operations.chown(text_of(path), *ids, number_of(fip))

    def utimens_fuse_3(self, path, buf, fip):
        modified = buf.contents.modtime
        if modified.tv_nsec == UTIME_OMIT:
            return 0
        now = modified.tv_nsec == UTIME_NOW
        stamp = time.time_ns() if now else modified.tv_sec * 10**9 + modified.tv_nsec
        return self.operations.utimens(text_of(path), stamp, number_of(fip))


def listen(switch, cuts):
    """Takes the orders; at their end the disk lets everybody go."""
    for line in sys.stdin:
        order = json.loads(line)
        if "plan" in order:
            switch.plan = order["plan"]
        elif "darken" in order:
            switch.darken()
        else:
            cuts.append(order["cut"])
            switch.let_go.set()
    switch.is_dark = True
    switch.let_go.set()


def main(place):
    disk, switch, cuts = Disk(), Switch(), []
    threading.Thread(target=listen, args=(switch, cuts), daemon=True).start()
    while True:
        Mount(
            Operations(disk, switch),
            place,
            foreground=True,
            nothreads=True,
            use_ino=True,
            hard_remove=True,
            default_permissions=True,
        )
        if not cuts:
            return
        cut = cuts.pop()
        dice = random.Random(cut["seed"])
        mood = cut["mood"] or dice.choice(MOODS)
        tell(lost=disk.cut(dice, mood), mood=mood)
        switch.lighten()


if __name__ == "__main__":
    main(sys.argv[1])
