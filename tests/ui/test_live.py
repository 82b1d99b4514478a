"""While the kernel works: the lists are back at once after a reload, stay through a restart, and take any stream."""

from __future__ import annotations

import json
import os
import re

import pytest
from playwright.sync_api import expect
from ui.panel import PICTURES

OUTPUT = ".jp-OutputArea .jp-FilesAndArtifacts"
#: A cell that runs until the test lets it end.
BUSY = """import pathlib, time
while not pathlib.Path("go").exists():
    time.sleep(0.1)"""
#: What the button for it does, without its question.
RESTART = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
#: When each list is on the page, and when its first row is; by the page's own clock.
CLOCK = """(() => {
  const places = { panel: '#jupyter-workspace-files .jp-FA-session',
                   output: '.jp-OutputArea .jp-FilesAndArtifacts' };
  window.seen = {};
  const look = () => {
    for (const [name, place] of Object.entries(places)) {
      const list = document.querySelector(place);
      if (list !== null && list.getClientRects().length > 0) {
        window.seen[name] ??= performance.now();
        if (list.querySelector('.jp-FA-row') !== null) {
          window.seen[`${name}Rows`] ??= performance.now();
        }
      }
    }
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
})()"""
#: What was asked of us before the rows were there: paths, and from when to when.
ASKED = """until => performance.getEntriesByType('resource')
  .filter(one => one.name.includes('/api/workspace/') && one.startTime < until)
  .map(one => [one.name.replace(/.*api.workspace/, ''), Math.round(one.startTime), Math.round(one.responseEnd)])"""


def state_of_kernel(server) -> str:
    with server.jupyter() as jupyter:
        (session,) = jupyter.get("api/sessions").json()
    return session["kernel"]["execution_state"]


@pytest.fixture
def notebook(server) -> str:
    (server.root / "go").unlink(missing_ok=True)
    lists = "import jupyter_workspace as jw\njw.ArtifactList()"
    name = server.notebook(f"live{os.urandom(3).hex()}.ipynb", lists, BUSY, "print('here again')")
    session = server.session(name)
    folder = server.root / "workspace" / session / "plots"
    folder.mkdir(parents=True)
    PICTURES.mkdir(parents=True, exist_ok=True)
    for number in range(20):
        (folder / f"plot{number}.txt").write_text(f"{number}")
    with server.api() as api:
        api.post(f"sessions/{session}/scan").raise_for_status()
    return name


@pytest.fixture
def busy(panel, server, notebook):
    """The panel beside a list in an output, while a cell runs."""
    panel.load(notebook)
    panel.run_cell(0)
    expect(panel.page.locator(OUTPUT)).to_contain_text("plot19.txt", timeout=60_000)
    panel.page.keyboard.press("Control+s")
    panel.page.wait_for_function("() => !document.querySelector('.jp-mod-dirty')")
    panel.run_cell(1)
    expect(panel.page.locator(".jp-InputPrompt").nth(1)).to_contain_text("*")
    yield panel
    (server.root / "go").touch()


def test_panel_and_output_are_back_at_once_after_a_reload_in_the_middle_of_a_cell(busy, server):
    page = busy.page
    page.add_init_script(CLOCK)

    page.reload()
    expect(page.locator(OUTPUT)).to_contain_text("plot19.txt", timeout=60_000)
    expect(busy.row("plot19.txt")).to_be_visible(timeout=60_000)

    assert state_of_kernel(server) == "busy"
    seen = page.evaluate("() => window.seen")
    first = page.evaluate(ASKED, seen["outputRows"])
    told = {"panel_ms": seen["panelRows"] - seen["panel"], "output_ms": seen["outputRows"] - seen["output"]}
    (PICTURES / "reload.json").write_text(json.dumps({**told, "asked": first}))
    # The goal is a second; a machine that does other things meanwhile gets three. What keeps it there is that
    # the rows wait for two answers only, however many lists there are: whose session, and its latest files.
    assert max(told.values()) < 3000, told
    kinds = [re.sub(r"live\w+", "*", path.partition("?")[0]) for path, *_ in first]
    assert {kinds.count("/sessions/resolve"), kinds.count("/sessions/*")} <= {0, 1}, first
    assert kinds.count("/sessions/*/artifacts") <= 2, first


def test_panel_and_output_stay_right_when_the_kernel_is_restarted_in_the_middle_of_a_cell(
    busy, server, notebook
):
    page, output = busy.page, busy.page.locator(OUTPUT)

    page.evaluate(RESTART)
    plots = server.root / "workspace" / server.session(notebook) / "plots"
    (plots / "after.txt").write_text("after")

    expect(busy.row("after.txt")).to_be_visible(timeout=60_000)
    expect(output).to_contain_text("after.txt")
    expect(output).to_have_count(1)
    expect(busy.root).not_to_contain_text("lacks the package")
    busy.run_cell(2)
    expect(page.locator(".jp-OutputArea-output pre")).to_contain_text("here again", timeout=60_000)
    busy.picture("restarted", whole=True)


def test_a_session_that_is_deleted_elsewhere_is_told_at_once_and_the_next_try_makes_a_new_one(panel, server):
    notebook = server.notebook(f"deleted{os.urandom(3).hex()}.ipynb")
    session = server.session(notebook)
    server.upload(session, "sales.csv", b"a")
    panel.open(notebook)
    expect(panel.row("sales.csv")).to_be_visible()

    with server.api() as api:
        api.delete(f"sessions/{session}", params={"files": 1}).raise_for_status()
    expect(panel.root).to_contain_text("There is no such session.")
    panel.root.get_by_role("button", name="Try again").click()
    expect(panel.root).to_contain_text("Drop files or folders here")
    panel.pick({"name": "late.txt", "mimeType": "text/plain", "buffer": b"late"})

    expect(panel.row("late.txt")).to_be_visible()
