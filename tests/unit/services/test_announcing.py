"""Every event of every session goes to the bus, once, from now on."""

import asyncio
import json

import pytest

from jupyter_workspace.errors import Busy
from jupyter_workspace.services import announcing as module
from jupyter_workspace.services.announcing import Announcing
from tests.unit.opening import ADA, FailsAt, events, session, upload


class FakeBus:
    def __init__(self):
        self.heard = []
        self.more = asyncio.Event()

    def announce(self, event):
        self.heard.append(json.loads(event))
        self.more.set()

    async def has(self, count):
        async with asyncio.timeout(10):
            while len(self.heard) < count:
                self.more.clear()
                await self.more.wait()
        return [(event["session_id"], event["sequence"]) for event in self.heard]


@pytest.fixture
async def bus(workspace, monkeypatch):
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0)
    await session(workspace)
    await upload(workspace, "before.csv")
    made = FakeBus()
    announcing = Announcing(workspace.parts, made)
    await announcing.begin()
    running = asyncio.create_task(announcing.run())
    yield made
    running.cancel()
    await asyncio.wait([running])


# API 5: every event also goes to Jupyter's event bus
async def test_what_happens_from_now_on_is_announced_as_it_stands_in_the_log(workspace, bus):
    await upload(workspace, "a.csv")
    await upload(workspace, "b.csv")

    assert await bus.has(2) == [("churn", 2), ("churn", 3)]
    assert bus.heard == await events(workspace, after=1)


async def test_a_new_session_is_announced_from_its_beginning(workspace, bus):
    await session(workspace, "other")
    await upload(workspace, "a.csv", session_id="other")

    assert await bus.has(1) == [("other", 1)]


async def test_a_session_made_again_is_announced_again(workspace, bus):
    await workspace.sessions.delete(ADA, "churn", with_files=True)
    await asyncio.sleep(0.05)
    await session(workspace)
    await upload(workspace, "a.csv")

    assert await bus.has(1) == [("churn", 2)]


async def test_what_cannot_be_read_now_is_announced_after_the_next_change(workspace, bus, monkeypatch):
    log = workspace.parts.log
    monkeypatch.setattr(log, "read", FailsAt(log.read, Busy(), 1))
    await upload(workspace, "a.csv")
    await asyncio.sleep(0.05)
    await upload(workspace, "b.csv")

    assert await bus.has(2) == [("churn", 2), ("churn", 3)]


async def test_without_a_bus_nobody_is_told(opener):
    async with opener(in_memory=True) as workspace:
        await session(workspace)
        await upload(workspace, "a.csv")
        await asyncio.sleep(0.05)

        assert len(await events(workspace)) == 1
