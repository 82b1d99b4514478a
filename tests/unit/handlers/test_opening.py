import asyncio
from contextlib import asynccontextmanager

import pytest

from jupyter_workspace.errors import Busy, Starting
from jupyter_workspace.handlers import opening
from jupyter_workspace.handlers.opening import Opening
from tests.unit.opening import caught


class Opened:
    """Stands for an open workspace."""

    def __init__(self, *faults):
        self.faults = list(faults)
        self.count = 0
        self.is_open = False
        self.may_open = asyncio.Event()
        self.may_open.set()

    @asynccontextmanager
    async def open(self):
        self.count += 1
        if self.faults:
            raise self.faults.pop(0)
        await self.may_open.wait()
        self.is_open = True
        try:
            yield self
        finally:
            self.is_open = False

    async def writable(self, seconds):
        assert seconds == opening.PATIENCE


def opening_of(opened, token="secret"):
    return Opening(
        opened.open,
        kernel_token=token,
        owner_from_identity=False,
        stall_seconds=1,
        describe=lambda workspace: workspace,
        document=lambda base_url: {"base": base_url},
    )


async def test_many_requests_open_the_workspace_once():
    opened = Opened()
    shared = opening_of(opened)

    found = await asyncio.gather(shared.workspace(), shared.writable(), shared.workspace())

    assert found == [opened] * 3
    assert opened.count == 1
    await shared.close()
    assert not opened.is_open


# S1-05, API 11.45: until it is open every call is 503
async def test_a_request_does_not_wait_for_ever(monkeypatch):
    monkeypatch.setattr(opening, "PATIENCE", 0.01)
    opened = Opened()
    opened.may_open.clear()
    shared = opening_of(opened)

    assert isinstance(await caught(shared.workspace()), Starting)

    await shared.close()
    assert not opened.is_open


# S3-06: it never runs half; each request tries anew
@pytest.mark.parametrize(("fault", "expected"), [(Busy(), Busy), (RuntimeError("/a/path"), Starting)])
async def test_a_workspace_that_cannot_be_opened_is_tried_again(fault, expected, caplog):
    opened = Opened(fault)
    shared = opening_of(opened)

    error = await caught(shared.workspace())
    again = await shared.workspace()

    assert isinstance(error, expected)
    assert "/a/path" not in str(error)
    assert again is opened
    await shared.close()


async def test_nothing_is_closed_that_was_never_opened():
    opened = Opened()

    await opening_of(opened).close()

    assert opened.count == 0


@pytest.mark.parametrize(
    ("token", "is_kernel"), [("secret", True), ("Secret", False), ("", False), ("ä", False), (None, False)]
)
async def test_a_kernel_is_known_by_its_token(token, is_kernel):
    assert opening_of(Opened()).is_kernel(token) is is_kernel
