"""The worker that makes previews: what it may use, and what becomes of a request when it is ended."""

from __future__ import annotations

import io
import json
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from jupyter_workspace.errors import TypeRefused
from jupyter_workspace.integrations.previewer import Previewer

MIB = 2**20


def picture(form: str, width: int, height: int, mode: str = "RGB", **options) -> bytes:
    target = io.BytesIO()
    Image.new(mode, (width, height)).save(target, form, **options)
    return target.getvalue()


class Parts:
    """Some bytes, given in parts as often as they are asked for; `act` comes after the first part."""

    def __init__(self, content, act=lambda: None):
        self.content = content
        self.act = act
        self.count = 0

    async def __call__(self):
        self.count += 1
        half = len(self.content) // 2
        yield self.content[:half]
        self.act()
        yield self.content[half:]


@pytest.fixture
async def previewer():
    previewer = Previewer()
    yield previewer
    await previewer.close()


async def made(previewer, content, kind="image"):
    parts = content if isinstance(content, Parts) else Parts(content)
    return await previewer.make(kind, parts, len(parts.content), 64)


def worker(previewer) -> int:
    return previewer._worker.pid


def peak(pid: int) -> int:
    """The most memory a process has had, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = (line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


async def test_a_worker_serves_one_request_after_the_other(previewer):
    await made(previewer, picture("PNG", 200, 100))
    first = worker(previewer)
    small = await made(previewer, picture("PNG", 200, 100))

    assert worker(previewer) == first
    assert Image.open(io.BytesIO(small)).size == (64, 32)


async def test_a_request_outlives_a_worker_that_was_killed_while_it_rested(previewer):
    await made(previewer, picture("PNG", 10, 10))
    os.kill(worker(previewer), signal.SIGKILL)

    assert await made(previewer, picture("PNG", 20, 10))


async def test_a_request_outlives_a_worker_that_is_killed_at_it(previewer):
    await made(previewer, picture("PNG", 10, 10))
    pids = iter([worker(previewer)])

    def kill():
        if (pid := next(pids, None)) is not None:
            os.kill(pid, signal.SIGKILL)

    parts = Parts(picture("PNG", 20, 10), kill)

    assert await made(previewer, parts)
    assert parts.count == 2


async def test_a_file_that_ends_each_worker_is_refused(previewer):
    parts = Parts(picture("PNG", 20, 10), lambda: os.kill(worker(previewer), signal.SIGKILL))

    with pytest.raises(TypeRefused) as refused:
        await made(previewer, parts)

    assert parts.count == 2
    assert refused.value.facts["cause"] == "costly"
    assert await made(previewer, picture("PNG", 20, 10))


@pytest.mark.parametrize(
    ("content", "cause"),
    [(b"\x89PNG\r\n\x1a\nno more", "damaged"), (picture("PNG", 17_000, 17_000, "1"), "costly")],
    ids=["damaged", "of too many pixels"],
)
async def test_a_refusal_says_whether_the_file_is_damaged_or_costs_too_much(previewer, content, cause):
    with pytest.raises(TypeRefused) as refused:
        await made(previewer, content)

    assert refused.value.facts["cause"] == cause


BOMBS = {
    "image of many pixels": ("image", lambda: picture("PNG", 6000, 6000)),
    "TIFF": ("image", lambda: picture("TIFF", 8000, 8000, compression="tiff_lzw")),
    "notebook of many cells": (
        "notebook",
        lambda: json.dumps({"cells": [{"cell_type": "code", "source": ["x"]}] * 700_000}).encode(),
    ),
}


@pytest.mark.parametrize(("kind", "bomb"), BOMBS.values(), ids=BOMBS)
async def test_no_file_makes_a_worker_take_more_than_its_memory(previewer, kind, bomb):
    # S15: at most 256 MB
    await made(previewer, picture("PNG", 10, 10))
    pid = worker(previewer)

    with suppress(TypeRefused):
        await made(previewer, bomb(), kind)

    assert worker(previewer) == pid
    assert peak(pid) < 256 * MIB


async def test_a_picture_of_a_good_camera_is_shown(previewer):
    # 45 million pixels, of which a JPEG is read at an eighth
    assert await made(previewer, picture("JPEG", 8256, 5504))
    assert await made(previewer, picture("PNG", 6000, 4000))
