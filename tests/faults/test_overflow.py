"""B12, F10: the system's queue of file events runs over, silently. A comparison finds what nobody heard of.

The queue keeps its size, for others on this machine have theirs; it runs over because the server stands
still. FAULTS_OVERFLOW_FILES: files that are made while nothing is heard.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

FILES = int(os.environ.get("FAULTS_OVERFLOW_FILES", "1000"))
KNOWN = 250
QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")

#: Nothing may be unknown for longer than the interval at which all is compared (`rescan_interval`), in seconds.
INTERVAL = 30


@contextmanager
def stopped(server):
    """The process stands still meanwhile; the system goes on to queue what its folders suffer."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


def known(api, after, count, seconds):
    """The next events, until there are so many or the time is over."""
    found = []
    end = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < end:
        page = api.get("/sessions/s/artifact-events", after=after, wait_seconds=1, limit=100).json
        found += page["events"]
        after = page["next_cursor"]
    return found


def test_what_happens_while_the_queue_runs_over_is_known_once_and_within_one_interval(server):
    # F10, B12; API 11.35
    api = server.api()
    assert api.send("PUT", "/sessions/s", {}).status == 201
    folder = server.workspace / "s"
    for number in range(KNOWN):
        (folder / f"{number:03}.txt").write_text("before")
    assert len(known(api, 0, KNOWN, INTERVAL)) == KNOWN

    with stopped(server):
        for number in range(int(QUEUE.read_text()) // 2 + KNOWN):
            # Two events each time, and never two alike in a row, which would count as one.
            os.truncate(folder / f"{number % KNOWN:03}.txt", 0)
            os.utime(folder / f"{number % KNOWN:03}.txt")
        for number in range(FILES):
            (folder / f"unheard-{number:05}.txt").write_text(f"unheard {number}")
    begun = time.monotonic()
    problems = set()
    while not problems and time.monotonic() < begun + INTERVAL:
        problems = {problem["code"] for problem in api.get("/").json["problems"]}
        time.sleep(0.02)
    told = known(api, KNOWN, KNOWN + FILES, INTERVAL)
    seconds = time.monotonic() - begun

    assert Counter(event["path"] for event in told) == Counter(
        [f"{number:03}.txt" for number in range(KNOWN)]
        + [f"unheard-{number:05}.txt" for number in range(FILES)]
    )
    assert {event["change_type"] for event in told if event["path"].startswith("un")} == {"created"}
    assert seconds < INTERVAL
    assert problems == {"resync"}
    assert known(api, KNOWN + len(told), 1, 1) == []
    print(
        f"{KNOWN + FILES} files known {seconds:.1f} s after the queue of {QUEUE.read_text().strip()} ran over"
    )
