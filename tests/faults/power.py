"""A disk that can lose its power, for tests; see `forgetting.py` for what it then still holds."""

from __future__ import annotations

import ctypes.util
import importlib.util
import json
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

#: How long the disk may take for anything that it is told, in seconds.
PATIENCE = 60.0

TESTS = Path(__file__).parents[1]


def missing():
    """Why there can be no such disk here; None when there can."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "there is no /dev/fuse that may be used"
    if os.getuid() != 0 and shutil.which("fusermount3") is None:
        return "only root may mount where there is no fusermount3"
    if ctypes.util.find_library("fuse3") is None:
        return "libfuse3 is missing (Debian: apt-get install fuse3)"
    if importlib.util.find_spec("mfusepy") is None:
        return "mfusepy is missing"
    return None


class PowerDisk:
    """A process that shows the disk in the folder `place`; to be used in a `with`."""

    def __init__(self, place):
        self.place = place
        #: Held by whoever of the tests touches the disk while it may be cut.
        self.in_use = threading.Lock()
        self._told = queue.Queue()

    def __enter__(self):
        self.place.mkdir()
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("forgetful_disk.py")), str(self.place)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "FUSE_LIBRARY_NAME": "fuse3", "PYTHONPATH": str(TESTS)},
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        try:
            self._wait("mounted")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._unmount()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def _read(self):
        for line in self._process.stdout:
            self._told.put(json.loads(line))
        self._told.put({"ended": True})

    def _wait(self, what, seconds=PATIENCE):
        told = self._told.get(timeout=seconds)
        assert what in told, f"the disk said {told} instead of {what!r}"
        return told

    def _order(self, **order):
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def _unmount(self):
        way = ["umount", "-l"] if os.getuid() == 0 else ["fusermount3", "-u", "-z"]
        subprocess.run([*way, str(self.place)], check=False, stderr=subprocess.DEVNULL)

    def plan(self, count, kinds, side):
        """The power goes at the count-th operation of these kinds: `before` it or `after` it."""
        self._order(plan={"count": count, "kinds": kinds, "side": side})

    def darken(self, seconds=0.0):
        """Waits for what was planned, at most so long, then cuts at once; whether the plan came true.

        From then on nothing that touches the disk comes back.
        """
        try:
            self._wait("dark", seconds)
        except queue.Empty:
            self._order(darken=True)
            self._wait("dark")
            return False
        return True

    def cut(self, seed, mood=None, server=None):
        """Ends the server and shows what the disk still holds; what was lost. It is dark already.

        mood: one of `forgetting.MOODS`; None lets the seed decide.
        """
        if server is not None:
            # Its threads wait for the disk, so it can end only when these are let go; it is killed
            # first, so that none of its code sees that.
            os.kill(server.pid, signal.SIGKILL)
        self._order(cut={"seed": seed, "mood": mood})
        if server is not None:
            server.kill()
        with self.in_use:
            self._unmount()
            lost = self._wait("lost")
            self._wait("mounted")
        return lost

    def lose(self, mood):
        """The power goes now, while nobody uses the disk."""
        self.darken()
        return self.cut(random.random(), mood)
