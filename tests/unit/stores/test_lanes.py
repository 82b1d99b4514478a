"""Jobs one after the other."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from jupyter_workspace.errors import Busy
from jupyter_workspace.stores.lanes import Lane, outcome


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as pool:
        yield pool


async def test_jobs_are_done_in_their_order_and_never_at_once(pool):
    lane, done, at_work = Lane(pool), [], threading.Lock()

    def job(number):
        assert at_work.acquire(blocking=False)
        done.append(number)
        at_work.release()

    futures = [lane.submit(lambda number=number: job(number)) for number in range(500)]
    for future in futures:
        await outcome(future)

    assert done == list(range(500))


async def test_a_job_that_fails_does_not_stop_the_next(pool):
    lane = Lane(pool)

    failed, after = lane.submit(lambda: 1 / 0), lane.submit(lambda: "after")

    with pytest.raises(ZeroDivisionError):
        await outcome(failed)
    assert await outcome(after) == "after"


async def test_a_job_goes_on_when_its_waiter_is_cancelled(pool):
    lane, gate = Lane(pool), threading.Event()
    job = lane.submit(lambda: gate.wait(10))
    waiter = asyncio.ensure_future(outcome(job))
    await asyncio.sleep(0)

    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    gate.set()

    assert await outcome(job)


def test_a_closed_pool_takes_no_job():
    pool = ThreadPoolExecutor(1)
    lane = Lane(pool)
    pool.shutdown()

    for _ in range(2):
        with pytest.raises(Busy):
            lane.submit(lambda: None)
