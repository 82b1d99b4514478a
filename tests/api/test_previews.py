"""Previews over a real server: small, bounded, and never the end of it."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image


def png(width: int, height: int, mode: str = "RGB") -> bytes:
    """A PNG of one colour."""
    target = io.BytesIO()
    Image.new(mode, (width, height)).save(target, "PNG")
    return target.getvalue()


@pytest.fixture
def preview(session):
    def make(name: str, content: bytes, query: str = "", **headers: str):
        record = session.saved(name, content)
        return session.call("GET", f"/artifacts/{record['artifact_id']}/preview{query}", headers=headers)

    return make


def test_an_image_becomes_a_small_webp_that_may_be_kept_for_a_day(preview):
    # S2-93
    answer = preview("wide.png", png(1200, 600), "?size=100")

    shown = Image.open(io.BytesIO(answer.body))
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/webp")
    assert (shown.format, shown.size) == ("WEBP", (100, 50))
    assert answer.headers["Cache-Control"] == "private, max-age=86400"


def test_the_same_bytes_have_the_same_preview_and_it_is_not_sent_twice(preview):
    # S2-94
    first = preview("a.png", png(10, 10))

    again = preview("b.png", png(10, 10), **{"If-None-Match": first.headers["Etag"]})

    assert (again.status, again.body) == (304, b"")


def test_a_text_is_shown_by_its_beginning(preview):
    answer = preview("long.csv", b"a,b\n" * 50_000)

    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert len(answer.body) == 64 * 1024
    assert answer.headers["X-Preview-Complete"] == "false"


def test_svg_is_text_and_runs_nowhere(preview):
    # S2-93, S7
    answer = preview("x.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")

    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_a_notebook_shows_its_first_cells(preview):
    cells = [
        {"cell_type": "code", "source": ["x = ", str(n)], "metadata": {}, "outputs": []} for n in range(80)
    ]

    answer = preview("n.ipynb", json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}).encode())

    assert answer.json()["cells"][7] == {"type": "code", "source": "x = 7"}
    assert (len(answer.json()["cells"]), answer.json()["truncated"]) == (50, True)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data.bin", b"\0\1\2"),
        ("torn.png", png(50, 50)[:60]),
        ("bomb.png", png(20_000, 20_000, "1")),
        ("deep.ipynb", b"[" * 100_000),
    ],
)
def test_what_cannot_be_shown_is_refused_and_the_server_lives_on(server, preview, name, content):
    # S2-93, RELIABILITY S15
    answer = preview(name, content)

    assert (answer.status, answer.json()["code"]) == (415, "type_refused")
    assert server.call("GET", "/").status == 200


def test_a_picture_has_a_size_between_bounds(preview):
    answer = preview("a.png", png(10, 10), "?size=5000")

    assert (answer.status, answer.json()["parameter"]) == (400, "size")
