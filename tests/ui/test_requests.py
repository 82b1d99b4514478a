"""What the panel asks of the server: little at a time, so that JupyterLab's own requests never wait."""

from __future__ import annotations

import re
from itertools import accumulate

from playwright.sync_api import Request, expect
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
LOADED = """() => {
  const grid = document.querySelector('#jupyter-workspace-files .jp-FA-grid').getBoundingClientRect();
  const rows = [...document.querySelectorAll('#jupyter-workspace-files .jp-FA-row')].filter(row => {
    const place = row.getBoundingClientRect();
    return place.top >= grid.top + 24 && place.bottom <= grid.bottom;
  });
  return rows.length > 5 && rows.every(row => row.querySelector('img')?.naturalWidth > 0);
}"""


class Watch:
    """The requests of a page that match, in the order in which they began and ended."""

    def __init__(self, page, pattern: str) -> None:
        self.pattern = re.compile(pattern)
        self.log: list[tuple[int, Request]] = []
        page.on("request", lambda request: self._note(1, request))
        page.on("requestfinished", lambda request: self._note(-1, request))

    def _note(self, change: int, request: Request) -> None:
        if self.pattern.search(request.url):
            self.log.append((change, request))

    @property
    def count(self) -> int:
        """How many were answered."""
        return sum(change < 0 for change, _ in self.log)

    @property
    def most(self) -> int:
        """How many were on their way at one moment, at most.

        Without those that a row called off: the page hears of their end long after their line is free.
        """
        answered = {request for change, request in self.log if change < 0}
        return max(accumulate(change for change, request in self.log if request in answered))


def test_pictures_of_rows_in_sight_come_two_at_a_time(panel, server):
    notebook = server.notebook("pictures.ipynb")
    session = server.session(notebook)
    folder = server.root / "workspace" / session / "plots"
    folder.mkdir(parents=True)
    for number in range(PICTURES):
        (folder / f"plot{number}.png").write_bytes(png(64, 48, (number, 90, 200 - number)))
    with server.api() as api:
        api.post(f"sessions/{session}/scan", timeout=120).raise_for_status()
    watch = Watch(panel.page, r"/preview\?size=")

    panel.open(notebook)
    expect(panel.grid).to_have_attribute("aria-rowcount", str(PICTURES + 1))
    panel.page.wait_for_function(LOADED)
    first = watch.count
    panel.page.evaluate(SCROLL)
    panel.page.wait_for_function(LOADED)

    panel.picture("pictures")
    assert watch.most <= AT_ONCE
    # A screen holds about 15 rows.
    assert first < 30


def test_the_panel_and_all_outputs_share_one_socket(panel, server):
    source = "import jupyter_workspace as jw\n{}"
    notebook = server.notebook(
        "sockets.ipynb", source.format("jw.AttachmentPanel()"), source.format("jw.ArtifactList()")
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
