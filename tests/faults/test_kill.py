"""C1: the server is killed at any moment, while sixteen clients work, and nothing that was promised is lost."""

from __future__ import annotations

import os
import random
import time

from faults.chaos import Chaos
from faults.invariants import check_all, check_database, check_events
from faults.watching import Listener, Poller

KILLS = int(os.environ.get("FAULTS_KILLS", "40"))
SEED = int(os.environ.get("FAULTS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)

#: After so many kills the clients rest and everything is checked.
CHECK_EVERY = 20


def test_nothing_acknowledged_is_lost_by_kills_at_random_moments(server):
    print(f"seed {SEED}: FAULTS_SEED={SEED} FAULTS_KILLS={KILLS} repeats the plan")
    dice = random.Random(SEED)
    assert server.api().send("PUT", "/sessions/chaos", {}).status == 201
    chaos = Chaos(server, SEED)
    starts, cut_off = [], []

    chaos.start()
    try:
        for done in range(0, KILLS, CHECK_EVERY):
            with Poller(server, chaos.truth, SEED) as poller, Listener(server, chaos.truth) as listener:
                for _ in range(min(CHECK_EVERY, KILLS - done)):
                    time.sleep(dice.uniform(0.05, 2.0))
                    server.kill()
                    cut_off.append(check_database(server))
                    starts.append(server.start())
                    chaos.check()
                chaos.pause()
            poller.check()
            listener.check()
            check_all(server, chaos.truth, sample=200)
            check_events([*listener.events, *server.api().events("chaos", listener.cursor)], chaos.truth)
            print(
                f"{len(starts)} kills, {chaos.steps} requests, {len(chaos.truth.files)} files, {poller.looks}"
            )
            chaos.resume()
    finally:
        chaos.stop()

    print(f"{sum(map(bool, cut_off))} kills met publications half done, {sum(cut_off)} of them")
    print(f"start: median {sorted(starts)[len(starts) // 2]:.2f} s, longest {max(starts):.2f} s")
    chaos.check()
