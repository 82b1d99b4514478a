"""What a disk holds, and what it still holds after the power went: content and names apart.

A file keeps the content that it had at its last fsync, a folder the names that it had at its own.
Whatever came later is in the machine's memory only; a real disk may have written some of it by
itself, in any order, so at a cut each such piece stays or goes. One thing is promised without an
fsync, as all journalling file systems do: of a rename both names change, or neither.
"""

from __future__ import annotations

import stat
import time
from dataclasses import dataclass, field

BLOCK = 4096
ROOT = 1

#: What becomes of the unsynced: nothing of it stays; the first so many steps; any steps and blocks.
MOODS = ["nothing", "the oldest", "anything"]


@dataclass
class Node:
    """A file, a folder or a symbolic link."""

    number: int
    mode: int
    owner: tuple[int, int]
    mtime: int = field(default_factory=time.time_ns)
    #: how many names it has
    links: int = 0

    @property
    def is_folder(self):
        return stat.S_ISDIR(self.mode)


@dataclass
class File(Node):
    content: bytearray = field(default_factory=bytearray)
    kept: bytearray = field(default_factory=bytearray)
    kept_mtime: int = 0
    #: where content and kept may differ, in blocks
    touched: set = field(default_factory=set)

    def write(self, data, offset):
        if len(self.content) < offset:
            self.truncate(offset)
        self.content[offset : offset + len(data)] = data
        self.touch(offset, offset + len(data))

    def truncate(self, size):
        old = len(self.content)
        if size < old:
            del self.content[size:]
        else:
            self.content.extend(bytes(size - old))
        self.touch(min(old, size), max(old, size))

    def touch(self, start, end):
        self.touched.update(range(start // BLOCK, -(-end // BLOCK)))
        self.mtime = time.time_ns()

    def sync(self):
        size = len(self.content)
        del self.kept[size:]
        self.kept.extend(bytes(size - len(self.kept)))
        for block in self.touched:
            self.kept[block * BLOCK : min((block + 1) * BLOCK, size)] = self.content[
                block * BLOCK : (block + 1) * BLOCK
            ]
        self.touched.clear()
        self.kept_mtime = self.mtime

    def forget(self, dice, mood):
        """Its content is what was synced; of the rest any blocks may be there, and either size."""
        if mood == "anything" or (mood == "the oldest" and dice.random() < 0.5):
            share = 0.5 if mood == "anything" else 1.0
            size = dice.choice([len(self.kept), len(self.content)]) if share < 1 else len(self.content)
            mixed = bytearray(self.kept[:size].ljust(size, b"\0"))
            for block in sorted(self.touched):
                if dice.random() < share:
                    start, end = block * BLOCK, min((block + 1) * BLOCK, size, len(self.content))
                    mixed[start : max(start, end)] = self.content[start : max(start, end)]
            self.kept = mixed[:size]
            self.kept_mtime = dice.choice([self.mtime, self.kept_mtime or self.mtime])
        self.content = bytearray(self.kept)
        self.mtime = self.kept_mtime or self.mtime
        self.touched.clear()


@dataclass
class Folder(Node):
    names: dict = field(default_factory=dict)
    kept: dict = field(default_factory=dict)


@dataclass
class Link(Node):
    target: str = ""


class Disk:
    """Files and folders by number; the folder ROOT is always there."""

    def __init__(self):
        self.nodes = {ROOT: Folder(ROOT, stat.S_IFDIR | 0o755, (0, 0))}
        self._last = ROOT
        #: unsynced changes of names, oldest first: {(folder, name): number or None}
        self._steps = []

    def find(self, path):
        """The node of a path; FileNotFoundError, NotADirectoryError."""
        node = self.nodes[ROOT]
        for name in filter(None, path.split("/")):
            if not node.is_folder:
                raise NotADirectoryError(20, path)
            number = node.names.get(name)
            if number is None:
                raise FileNotFoundError(2, path)
            node = self.nodes[number]
        return node

    def place(self, path):
        """The folder and the name in it that a path tells."""
        folder, _, name = path.rpartition("/")
        return self.find(folder).number, name

    def add(self, path, make, mode, owner, **rest):
        place = self.place(path)
        if place[1] in self.nodes[place[0]].names:
            raise FileExistsError(17, path)
        self._last += 1
        self.nodes[self._last] = make(self._last, mode, owner, **rest)
        self.change({place: self._last})
        return self.nodes[self._last]

    def change(self, step):
        """Names and what they name from now on; all of one step, or nothing of it, survives."""
        for (folder, name), number in step.items():
            before = self.nodes[folder].names.get(name)
            for changed, by in [(before, -1), (number, 1)]:
                if changed is not None:
                    self.nodes[changed].links += by
            _set(self.nodes[folder].names, name, number)
            self.nodes[folder].mtime = time.time_ns()
        self._steps.append(step)

    # what is safe

    def sync_folder(self, number):
        """Keeps the names of one folder, and what has to come before them."""
        self._keep([any(folder == number for folder, _ in step) for step in self._steps])

    def _keep(self, wanted):
        """wanted: for each unsynced step whether it stays; earlier steps on the same names do, too."""
        names, staying = set(), []
        for step, is_wanted in zip(reversed(self._steps), reversed(wanted), strict=True):
            if is_wanted or names & step.keys():
                names |= step.keys()
                staying.append(step)
        for step in reversed(staying):
            for (folder, name), number in step.items():
                _set(self.nodes[folder].kept, name, number)
        gone = set(map(id, staying))
        self._steps = [step for step in self._steps if id(step) not in gone]

    def cut(self, dice, mood):
        """Forgets what was not synced; how many changes of names and files were concerned."""
        lost = len(self._steps) + sum(bool(getattr(node, "touched", False)) for node in self.nodes.values())
        if mood == "the oldest":
            oldest = dice.randint(0, len(self._steps))
            self._keep([position < oldest for position in range(len(self._steps))])
        elif mood == "anything":
            self._keep([dice.random() < 0.5 for _ in self._steps])
        self._steps = []
        reached, waiting = {}, [ROOT]
        while waiting:
            node = self.nodes[waiting.pop()]
            node.links = node.links + 1 if node.number in reached else 1
            if node.number in reached:
                continue
            reached[node.number] = node
            if node.is_folder:
                node.names = dict(node.kept)
                waiting += node.names.values()
            elif isinstance(node, File):
                node.forget(dice, mood)
        self.nodes = reached
        return lost


def _set(names, name, number):
    if number is None:
        names.pop(name, None)
    else:
        names[name] = number
