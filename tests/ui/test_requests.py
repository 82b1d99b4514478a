"""What the panel asks of the server: little at a time, so that JupyterLab's own requests never wait."""

from __future__ import annotations

import os
from itertools import accumulate

import nbformat
from playwright.sync_api import expect
from ui.pictures import png

PICTURES = 200
#: A browser has six lines to a server; the panel's pictures take two of them.
AT_ONCE = 2
SCROLL = """() => new Promise(done => {
  const grid = document.querySelector('#jupyter-workspace-files .jp-FA-grid');
  let steps = 0;
  const step = () => {
    grid.scrollTop += 120;
    steps += 1;
    return steps < 80 ? requestAnimationFrame(step) : done();
  };
  step();
})"""
#: When each picture was asked for and when it was there, by the browser's own clock: what the test hears of
#: requests comes late on a busy machine. Those that a row called off have no answer.
PREVIEWS = """() => performance.getEntriesByType('resource')
  .filter(one => one.name.includes('/preview?size=') && one.responseStatus === 200)
  .map(one => [one.startTime, one.responseEnd])"""
#: When each request of ours began and ended, other than sockets.
ASKED = """() => performance.getEntriesByType('resource')
  .filter(one => one.name.includes('/api/workspace/'))
  .map(one => [one.startTime, one.responseEnd])"""
#: Of the six lines to a server this leaves JupyterLab two, also while lists of several notebooks come.
MOST = 4
DOUBLED = """() => {
  const ids = [...document.querySelectorAll('.jp-FilesAndArtifacts [id]')].map(one => one.id);
  return ids.filter((id, place) => ids.indexOf(id) !== place);
}"""
MIME = "application/vnd.jupyter-workspace.v1+json"
LOADED = """() => {
  const grid = document.querySelector('#jupyter-workspace-files .jp-FA-grid').getBoundingClientRect();
  const rows = [...document.querySelectorAll('#jupyter-workspace-files .jp-FA-row')].filter(row => {
    const place = row.getBoundingClientRect();
    return place.top >= grid.top + 24 && place.bottom <= grid.bottom;
  });
  return rows.length > 5 && rows.every(row => row.querySelector('img')?.naturalWidth > 0);
}"""


def most_at_once(spans: list[tuple[float, float]]) -> int:
    """How many spans share a moment, at most; one that begins when another ends does not share it."""
    changes = sorted((at, change) for span in spans for at, change in zip(span, (1, -1), strict=True))
    return max(accumulate(change for _, change in changes))


def test_pictures_of_rows_in_sight_come_two_at_a_time(panel, server):
    notebook = server.notebook(f"pictures{os.urandom(3).hex()}.ipynb")
    session = server.session(notebook)
    folder = server.root / "workspace" / session / "plots"
    folder.mkdir(parents=True)
    for number in range(PICTURES):
        (folder / f"plot{number}.png").write_bytes(png(64, 48, (number, 90, 200 - number)))
    with server.api() as api:
        api.post(f"sessions/{session}/scan", timeout=120).raise_for_status()

    panel.open(notebook)
    # A browser forgets what comes after the first 250 answers.
    panel.page.evaluate("() => performance.setResourceTimingBufferSize(5000)")
    expect(panel.grid).to_have_attribute("aria-rowcount", str(PICTURES + 1))
    panel.page.wait_for_function(LOADED)
    first = len(panel.page.evaluate(PREVIEWS))
    panel.page.evaluate(SCROLL)
    panel.page.wait_for_function(LOADED)

    panel.picture("pictures")
    # A row that went in the moment of its answer has let the next begin: its own is still counted.
    assert most_at_once(panel.page.evaluate(PREVIEWS)) <= AT_ONCE + 1
    # A screen holds about 15 rows.
    assert 5 < first < 30


def test_the_panel_and_all_outputs_share_one_socket(panel, server):
    source = "import jupyter_workspace as jw\n{}"
    notebook = server.notebook(
        f"sockets{os.urandom(3).hex()}.ipynb",
        source.format("jw.AttachmentPanel()"),
        source.format("jw.ArtifactList()"),
    )
    sockets: list[str] = []
    panel.page.on("websocket", lambda socket: sockets.append(socket.url))
    panel.open(notebook)
    panel.run_cell(0)
    panel.run_cell(1)
    outputs = panel.page.locator(".jp-OutputArea .jp-FilesAndArtifacts")
    expect(outputs).to_have_count(2)
    server.upload(server.session(notebook), "sales.csv", b"a,b\n")

    expect(outputs.first.get_by_role("row").filter(has_text="sales.csv")).to_be_visible()
    expect(panel.row("sales.csv")).to_be_visible()

    assert len([url for url in sockets if "/api/workspace/" in url]) == 1


def test_only_what_can_be_seen_has_a_socket_and_names_are_unique(panel, server):
    notebooks = []
    for number in range(3):
        name = server.notebook(f"tab{number}{os.urandom(3).hex()}.ipynb", "", "")
        session = server.session(name)
        server.upload(session, f"file{number}.txt", b"x")
        saved = nbformat.read(server.root / name, as_version=4)
        data = {MIME: {"v": 1, "view": "attachments", "session_id": session, "title": name}}
        for cell in saved.cells:
            cell.outputs = [nbformat.v4.new_output("display_data", data)]
        nbformat.write(saved, server.root / name)
        notebooks.append(name)
    # A picture that was called off counts beside the next one: those of the test before this are not meant.
    panel.page.evaluate("() => performance.clearResourceTimings()")
    sockets = []
    panel.page.on("websocket", lambda socket: sockets.append(socket))  # noqa: PLW0108
    seen = panel.page.locator(".jp-OutputArea .jp-FilesAndArtifacts >> visible=true")

    for number, name in enumerate(notebooks):
        panel.open(name)
        expect(seen).to_have_count(2)
        expect(seen.first).to_contain_text(f"file{number}.txt")
        expect(panel.row(f"file{number}.txt")).to_be_visible()
    server.upload(server.session(notebooks[0]), "late.txt", b"x")
    server.upload(server.session(notebooks[2]), "news.txt", b"x")
    expect(seen.first).to_contain_text("news.txt")
    expect(panel.row("news.txt")).to_be_visible()

    doubled = panel.page.evaluate(DOUBLED)
    ours = [socket for socket in sockets if "/api/workspace/" in socket.url]
    assert len([socket for socket in ours if not socket.is_closed()]) == 1
    assert most_at_once(panel.page.evaluate(ASKED)) <= MOST
    assert doubled == []
    panel.open(notebooks[0])
    expect(seen.first).to_contain_text("late.txt")
    expect(panel.row("late.txt")).to_be_visible()
