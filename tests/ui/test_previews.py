"""What previews cost and what they leave alone: films, broken files, huge ones, and addresses in a text."""

from __future__ import annotations

import base64
import io
import math
import os
import struct
import wave

import pytest
from playwright.sync_api import expect

#: How large the table is of which a preview reads the head, in bytes.
TABLE_BYTES = int(os.environ.get("UI_TABLE_MIB", "64")) * 2**20
#: A second of a moving square, as the browser itself records it.
FILM = """async () => {
  const canvas = document.createElement('canvas');
  const [pen, chunks] = [canvas.getContext('2d'), []];
  const recorder = new MediaRecorder(canvas.captureStream(20), {mimeType: 'video/webm;codecs=vp8'});
  recorder.ondataavailable = event => chunks.push(event.data);
  const ended = new Promise(done => (recorder.onstop = done));
  recorder.start();
  for (let step = 0; step < 20; step += 1) {
    pen.fillStyle = `rgb(${step * 10} 120 200)`;
    pen.fillRect(step * 10, 20, 80, 80);
    await new Promise(done => setTimeout(done, 30));
  }
  recorder.stop();
  await ended;
  const url = await new Promise(done => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.readAsDataURL(new Blob(chunks));
  });
  return url.split(',')[1];
}"""
ELSEWHERE = """# Report

![a plot](http://elsewhere.example/plot.png) ![mine](/user/ada/logout)
<img srcset="http://elsewhere.example/set.png 2x" src="//elsewhere.example/x.png">
<video src="http://elsewhere.example/film.mp4" poster="http://elsewhere.example/poster.png"></video>
<p style="background: url(http://elsewhere.example/ground.png)">ground</p>
<a data-commandlinker-command="filebrowser:delete" data-commandlinker-args="{}">run me</a>

![own](data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7)
"""


def tone() -> bytes:
    """A tenth of a second of a tone."""
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(at / 3))) for at in range(800)))
    return target.getvalue()


@pytest.fixture(scope="module")
def notebook(server) -> str:
    name = server.notebook("previews.ipynb")
    session = server.session(name)
    server.upload(session, "readme.md", ELSEWHERE.encode())
    server.upload(session, "tone.wav", tone())
    server.upload(session, "broken.webm", b"\x1aE\xdf\xa3 no film")
    server.upload(session, "locked.pdf", b"%PDF-1.7 no page")
    server.upload(session, "wide.csv", b"12345," * 400_000)
    server.upload(session, "deep.json", b"[" * 100_000 + b"]" * 100_000)
    return name


@pytest.fixture
def opened(panel, notebook):
    panel.open(notebook)
    expect(panel.row("readme.md")).to_be_visible()
    return panel


def look(panel, name):
    panel.choose(name)
    if not panel.root.locator(".jp-FA-preview").is_visible():
        panel.page.keyboard.press("Space")
    expect(panel.root.locator(".jp-FA-preview header")).to_contain_text(name)
    expect(panel.root.locator(".jp-FA-previewBody")).not_to_contain_text("Loading…")
    return panel.root.locator(".jp-FA-previewBody")


def test_a_text_from_elsewhere_asks_nobody_for_its_pictures_and_runs_no_command(opened):
    asked: list[str] = []
    opened.page.on("request", lambda request: asked.append(request.url))

    body = look(opened, "readme.md")

    expect(body.get_by_role("heading", name="Report")).to_be_visible()
    expect(body).to_contain_text("a plot")
    expect(body.locator("img")).to_have_count(1)
    assert body.locator("img").evaluate("image => image.naturalWidth") == 1
    assert body.locator("[data-commandlinker-command], [style], video, [srcset]").count() == 0
    opened.picture("preview-elsewhere")
    assert [url for url in asked if "elsewhere" in url or "logout" in url] == []


def test_films_and_tones_are_played_and_a_broken_one_is_told(opened, server, notebook):
    film = base64.b64decode(opened.page.evaluate(FILM))
    server.upload(server.session(notebook), "film.webm", film)
    expect(opened.row("film.webm")).to_be_visible()
    opened.page.evaluate("() => window.playable = '.jp-FA-previewBody :is(audio, video)'")
    ready = "() => document.querySelector(window.playable)?.readyState >= 2"

    look(opened, "film.webm")
    opened.page.wait_for_function(ready)
    assert opened.root.locator("video").evaluate("film => film.videoWidth") == 300
    opened.picture("preview-film")
    look(opened, "tone.wav")
    opened.page.wait_for_function(ready)
    assert opened.root.locator("audio").evaluate("tone => tone.duration") == pytest.approx(0.1, abs=0.01)
    opened.picture("preview-tone")

    expect(look(opened, "broken.webm")).to_contain_text("This file cannot be shown.")


def test_a_picture_that_the_server_cannot_make_is_told_with_the_reason(opened):
    # S15, issue 6 point 4
    body = look(opened, "locked.pdf")

    expect(body).to_contain_text("This file cannot be shown. It is damaged or locked")
    opened.picture("preview-refused")


def test_a_line_of_many_values_and_brackets_without_end_do_not_hold_up_the_page(opened):
    cells = look(opened, "wide.csv").get_by_role("columnheader")
    expect(cells).to_have_count(30)

    # A page that is held up answers nothing meanwhile.
    expect(look(opened, "deep.json").locator("pre")).to_contain_text("[[[[")
    opened.page.keyboard.press("Escape")
    expect(opened.root.locator(".jp-FA-preview")).to_have_count(0)


def test_of_a_huge_table_only_the_head_is_read(opened, server, notebook):
    session = server.session(notebook)
    path = server.root / "workspace" / session / "huge.csv"
    with path.open("wb") as file:
        file.write(b"region,revenue\n" + b"North,10\n" * 30_000)
        file.truncate(TABLE_BYTES)
    with server.api() as api:
        api.post(f"sessions/{session}/scan", timeout=120).raise_for_status()
    expect(opened.row("huge.csv")).to_be_visible(timeout=60_000)
    answers = []
    # A method of a list is no listener to Playwright.
    opened.page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108

    body = look(opened, "huge.csv")

    expect(body.get_by_role("row")).to_have_count(100)
    expect(body).to_contain_text("This is the beginning; there is more in the file.")
    streams = [answer for answer in answers if "mode=stream" in answer.url]
    assert [answer.status for answer in streams] == [206]
    assert int(streams[0].headers["content-length"]) == 128 * 1024
    path.unlink()
