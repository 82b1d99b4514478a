"""The tour notebook as a newcomer follows it: every cell runs, and the panel shows what the text says."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from playwright.sync_api import expect

TOUR = Path(__file__).parents[2] / "examples/tour.ipynb"
RUN = "() => window.jupyterapp.commands.execute('notebook:run-all-cells')"
ENDED = """() => {
  const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(one => one.innerText);
  return prompts.length > 7 && prompts.every(text => /\\[\\d+\\]/.test(text));
}"""


def test_the_tour_can_be_followed_from_its_first_cell_to_its_last(panel, server):
    name = f"tour{os.urandom(3).hex()}.ipynb"
    shutil.copyfile(TOUR, server.root / name)
    panel.page.set_viewport_size({"width": 1400, "height": 3200})
    panel.open(name)
    expect(panel.root).to_contain_text("Drop files or folders here")
    panel.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
    )

    panel.page.evaluate(RUN)

    expect(panel.row("sales.csv")).to_be_visible(timeout=60_000)
    expect(panel.row("North.png").locator("img")).to_be_visible(timeout=60_000)
    panel.page.wait_for_function(ENDED, timeout=90_000)
    expect(panel.row("summary.csv")).to_be_visible()
    expect(panel.row("North.png")).to_contain_text("cell 5")
    outputs = panel.page.locator(".jp-OutputArea .jp-FilesAndArtifacts")
    expect(outputs).to_have_count(2)
    # A list of what was made takes nothing in.
    expect(outputs.nth(1)).to_contain_text("summary.csv")
    expect(outputs.get_by_role("button", name="Upload", exact=True)).to_have_count(1)
    panel.picture("tour", whole=True)
    assert panel.page.locator("[data-mime-type$='.error'], [data-mime-type$='.stderr']").count() == 0
