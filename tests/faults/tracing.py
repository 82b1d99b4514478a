"""The system calls of a running server, in the order in which they began and ended (strace)."""

from __future__ import annotations

import re
import select
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

CALLS = (
    "fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,"
    "write,pwrite64,ftruncate,sendto,sendmsg"
)

_LINE = re.compile(r"(?P<thread>\d+) +(?P<rest>.*)")
_RESUMED = re.compile(r"<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)")
_CALL = re.compile(r"(?P<name>\w+)\((?P<rest>.*)")
_CUT = re.compile(r" *<(unfinished|detached) \.\.\.>$")
_ENDED = re.compile(r"(?P<arguments>.*)\)\s+= (?P<result>-?\d+).*")


@dataclass
class Call:
    """One call: `begun` and `ended` are numbers of lines of the trace."""

    name: str
    arguments: str
    begun: int
    ended: int
    result: int

    @property
    def paths(self):
        """What its descriptors lead to."""
        return re.findall(r"\d+<([^<>]*(?:<[^<>]*>)?[^<>]*)>", self.arguments)


@dataclass
class Trace:
    calls: list = field(default_factory=list)

    def find(self, name, *parts, after=0):
        """Calls of that name (a regular expression) whose arguments have all these parts, and succeeded."""
        return [
            call
            for call in self.calls
            if re.fullmatch(name, call.name)
            and all(part in call.arguments for part in parts)
            and call.begun >= after
            and call.result >= 0
        ]


@contextmanager
def traced(server, file):
    """Traces the server while the block runs; the trace is complete after it."""
    trace = Trace()
    strace = subprocess.Popen(
        ["strace", "-f", "-y", "-s", "96", "-e", f"trace={CALLS}", "-o", str(file), "-p", str(server.pid)],
        stderr=subprocess.PIPE,
    )
    try:
        _wait_until_attached(strace)
        yield trace
    finally:
        strace.send_signal(signal.SIGINT)
        strace.wait(20)
        strace.stderr.close()
    trace.calls += sorted(_parsed(file.read_text(errors="replace").splitlines()), key=lambda call: call.begun)


def _wait_until_attached(strace):
    deadline = time.monotonic() + 20
    said = b""
    while b"attached" not in said:
        assert select.select([strace.stderr], [], [], max(0, deadline - time.monotonic()))[0], (
            "strace is silent"
        )
        new = strace.stderr.readline()
        assert new, f"strace cannot trace: {said.decode()}"
        said += new


def _parsed(lines):
    open_calls = {}
    for number, line in enumerate(lines):
        match = _LINE.match(line)
        if match is None:
            continue
        thread, rest = match["thread"], match["rest"]
        if resumed := _RESUMED.match(rest):
            if thread not in open_calls:
                continue
            name, begun, before = open_calls.pop(thread)
            rest = before + resumed["rest"]
        elif call := _CALL.match(rest):
            name, begun, rest = call["name"], number, call["rest"]
            if cut := _CUT.search(rest):
                open_calls[thread] = (name, begun, rest[: cut.start()])
                continue
        else:
            continue
        if ended := _ENDED.match(rest):
            yield Call(name, ended["arguments"], begun, number, int(ended["result"]))
    # Their ends came after that of the trace: an answer is read before the call that sent it returns.
    for name, begun, arguments in open_calls.values():
        yield Call(name, arguments, begun, len(lines), 0)
