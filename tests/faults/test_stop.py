"""C5: the server is asked to stop while sixteen clients work. I8: ten thousand files, and it is back at once."""

from __future__ import annotations

import os
import random
import time

from faults.chaos import Chaos
from faults.invariants import START_SECONDS, check_all, check_log
from faults.watching import Poller

STOPS = int(os.environ.get("FAULTS_STOPS", "5"))
SEED = int(os.environ.get("FAULTS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
FILES = int(os.environ.get("FAULTS_FILES", "10000"))

#: What a supervisor gives a process before it kills it.
STOP_SECONDS = 10.0


def test_a_server_that_is_asked_to_stop_ends_soon_and_loses_nothing(server):
    print(f"seed {SEED}")
    dice = random.Random(SEED)
    assert server.api().send("PUT", "/sessions/chaos", {}).status == 201
    chaos = Chaos(server, SEED)
    seconds = []

    chaos.start()
    try:
        with Poller(server, chaos.truth, SEED) as poller:
            for _ in range(STOPS):
                time.sleep(dice.uniform(0.3, 2))
                seconds.append(server.stop(STOP_SECONDS))
                server.start()
                chaos.check()
            chaos.pause()
        poller.check()
        check_all(server, chaos.truth, sample=100)
    finally:
        chaos.stop()

    print(f"{STOPS} stops in {', '.join(f'{one:.2f}' for one in seconds)} s")
    chaos.check()


def test_with_ten_thousand_files_the_service_is_back_within_seconds(server):
    api = server.api(timeout=120)
    folder = server.workspace / "s" / "made"
    folder.mkdir(parents=True)
    for number in range(FILES):
        (folder / f"{number}.txt").write_text(f"file {number}")
    assert api.send("PUT", "/sessions/s", {}).status == 201
    assert api.get("/sessions/s").json["artifacts"] == FILES
    before = {record["attachment_id"] for record in api.records("s")}

    for end in (server.kill, server.stop):
        end()
        seconds = server.start()
        listed = api.get("/sessions/s/artifacts", limit=100)
        print(f"{FILES} files: ready {seconds:.2f} s after {end.__name__}")
        assert seconds < START_SECONDS
        assert listed.json["total"] == FILES

    events = api.events("s", FILES - 5)
    assert [event["sequence"] for event in events] == list(range(FILES - 4, FILES + 1))

    server.kill()
    server.database.unlink()
    seconds = server.start()

    print(f"{FILES} files: rebuilt from the journal in {seconds:.2f} s")
    assert seconds < 3 * START_SECONDS
    assert {record["attachment_id"] for record in api.records("s")} == before
    check_log(server)
