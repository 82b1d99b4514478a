"""Ten thousand files: the list comes at once, and no task holds the page up."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from ui.panel import PICTURES

if TYPE_CHECKING:
    from collections.abc import Callable

FILES = 10_000
#: No task of ours may hold the page longer. In milliseconds of the processor: other work on the machine of
#: the test makes a task longer, but not more costly.
TASK_MS = 100
FRAMES = 120
BURST = 60
#: When the first row is on the page, whatever the test is doing meanwhile.
FIRST_ROW = """new MutationObserver((_, watcher) => {
  if (document.querySelector('.jp-FA-row') !== null) {
    window.firstRow = performance.now();
    watcher.disconnect();
  }
}).observe(document, { childList: true, subtree: true });"""
#: Milliseconds from the question for the notebook's files to the first answer, and to the first row.
MEASURED = """() => {
  const all = performance.getEntriesByType('resource');
  const begun = all.find(one => one.name.includes('sessions/resolve')).startTime;
  const asked = all.find(one => one.name.includes('artifacts?limit=1000'));
  return { answer: asked.responseEnd - begun, paint: window.firstRow - begun };
}"""
SCROLL = """async frames => {
  const grid = document.querySelector('#jupyter-workspace-files .jp-FA-grid');
  for (let step = 1; step <= frames; step += 1) {
    grid.scrollTop = step * 3000;
    await new Promise(requestAnimationFrame);
  }
}"""

#: The socket of ours, for a test to speak in its name.
SOCKET = """(() => {
  const Plain = window.WebSocket;
  window.WebSocket = class extends Plain {
    constructor(url, ...rest) {
      super(url, ...rest);
      if (String(url).includes('/api/workspace/')) {
        window.ours = this;
      }
    }
  };
})()"""
#: As many messages in so many seconds, each of one new file, as a cell that writes without end makes them.
STREAM = """async ([session, count, seconds]) => {
  const [grid, tasks] = [document.querySelector('#jupyter-workspace-files .jp-FA-grid'), []];
  const watcher = new PerformanceObserver(list => tasks.push(...list.getEntries().map(one => one.duration)));
  let draws = 0;
  new MutationObserver(() => (draws += 1)).observe(grid, { attributeFilter: ['aria-rowcount'] });
  watcher.observe({ type: 'longtask' });
  const begun = performance.now();
  for (let sent = 0; sent < count; await new Promise(done => setTimeout(done, 5))) {
    const due = Math.min(count, ((performance.now() - begun) / 1000 / seconds) * count);
    for (; sent < due; sent += 1) {
      const name = `stream${sent}.txt`;
      const event = { sequence: sent + 1, event_id: `evt_${sent}`, change_type: 'created', session_id: session,
        attachment_id: `att_s${sent}`, artifact_id: `art_s${sent}`, node_id: null, kind: 'artifact',
        source: 'watch', name, path: `plots/${name}`, size: 1, mime: 'text/plain', hash: null,
        timestamp: Date.now() / 1000, provenance: null };
      const data = JSON.stringify({ type: 'artifact_created', events: [event], next_cursor: sent + 1 });
      window.ours.onmessage({ data });
    }
  }
  await new Promise(done => setTimeout(done, 300));
  const long = tasks.filter(one => one > 100).length;
  return { draws, tasks_over_100_ms: long, longest_ms: Math.max(0, ...tasks),
           seconds: (performance.now() - begun) / 1000, rows: Number(grid.ariaRowCount ?? grid.getAttribute('aria-rowcount')) };
}"""
STREAMED = 2000


class Meter:
    """What the page's main thread works."""

    def __init__(self, page) -> None:
        self.cdp = page.context.new_cdp_session(page)
        self.cdp.send("Performance.enable", {"timeDomain": "threadTicks"})

    def cost(self, act: Callable[[], object]) -> float:
        """Milliseconds of the processor that something takes, and all that follows from it."""
        before = self.total()
        act()
        return (self.total() - before) * 1000

    def total(self) -> float:
        metrics = self.cdp.send("Performance.getMetrics")["metrics"]
        return next(one["value"] for one in metrics if one["name"] == "TaskDuration")


@pytest.fixture(scope="module")
def notebook(server) -> str:
    name = server.notebook("many.ipynb")
    session = server.session(name)
    folder = server.root / "workspace" / session / "plots"
    folder.mkdir(parents=True)
    for number in range(FILES):
        (folder / f"plot{number}.txt").write_text(f"{number}")
    with server.api() as api:
        api.timeout = 300
        for _ in range(20):
            api.post(f"sessions/{session}/scan").raise_for_status()
            total = api.get(f"sessions/{session}/artifacts", params={"limit": 1}).json()["total"]
            if total == FILES:
                return name
    raise AssertionError(total)


def test_ten_thousand_files_scroll_sort_and_search_without_a_long_task(panel, notebook):
    panel.open(notebook)
    expect(panel.grid).to_have_attribute("aria-rowcount", str(FILES + 1), timeout=60_000)
    panel.page.evaluate("() => new Promise(requestIdleCallback)")
    meter = Meter(panel.page)
    field = panel.root.get_by_role("searchbox")

    scrolled = meter.cost(lambda: panel.page.evaluate(SCROLL, FRAMES))
    sorted_by_name = meter.cost(lambda: panel.root.get_by_role("button", name="Name", exact=True).click())
    typed = [meter.cost(lambda key=key: field.press(key)) for key in "plot77"]

    expect(panel.grid).to_have_attribute("aria-rowcount", "112")
    panel.picture("ten-thousand")
    assert panel.root.locator(".jp-FA-row").count() < 60
    measured = {
        "frame_ms": round(scrolled / FRAMES, 1),
        "sort_ms": round(sorted_by_name, 1),
        "key_ms": [round(one, 1) for one in typed],
    }
    (PICTURES / "large.json").write_text(json.dumps(measured))
    assert max(scrolled / FRAMES, sorted_by_name, *typed) < TASK_MS, measured


def test_ten_thousand_files_are_there_at_once(panel, notebook):
    panel.page.add_init_script(FIRST_ROW)
    panel.load(notebook)
    expect(panel.grid).to_have_attribute("aria-rowcount", str(FILES + 1), timeout=60_000)

    measured = panel.page.evaluate(MEASURED)

    (PICTURES / "first.json").write_text(json.dumps(measured))
    # The goal is a second for both; a machine that does other things meanwhile gets three.
    assert max(measured.values()) < 3000, measured


def test_a_burst_of_new_files_does_not_hold_the_page_up(panel, server, notebook):
    session = server.session(notebook)
    panel.open(notebook)
    expect(panel.grid).to_have_attribute("aria-rowcount", re.compile("100.."), timeout=60_000)
    panel.page.evaluate("() => new Promise(requestIdleCallback)")
    meter = Meter(panel.page)

    def burst() -> None:
        for number in range(BURST):
            server.upload(session, f"burst{number}.txt", b"x")
        expect(panel.grid).to_have_attribute("aria-rowcount", str(FILES + BURST + 1))

    cost = meter.cost(burst) / BURST

    (PICTURES / "burst.json").write_text(json.dumps({"ms_a_file": round(cost, 1)}))
    assert cost < TASK_MS


def test_a_stream_of_news_is_drawn_a_few_times_a_second(panel, server, notebook):
    panel.page.add_init_script(SOCKET)
    panel.load(notebook)
    expect(panel.grid).to_have_attribute("aria-rowcount", re.compile("100.."), timeout=60_000)
    panel.page.evaluate("() => new Promise(requestIdleCallback)")
    before = int(panel.grid.get_attribute("aria-rowcount"))
    meter, told = Meter(panel.page), {}

    cost = meter.cost(
        lambda: told.update(panel.page.evaluate(STREAM, [server.session(notebook), STREAMED, 10]))
    )

    told |= {"draw_ms": round(cost / told["draws"], 1), "cost_ms": round(cost)}
    PICTURES.mkdir(parents=True, exist_ok=True)
    (PICTURES / "stream.json").write_text(json.dumps(told))
    assert told["rows"] == before + STREAMED
    # Each message by itself would be 2,000 draws, each of which sorts 10,000 rows.
    assert told["draws"] <= told["seconds"] * 10 + 2, told
    assert told["draw_ms"] < TASK_MS, told
