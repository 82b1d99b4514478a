"""The story as a newcomer meets it, and the pictures of it that the docs show.

UI_PICTURES=docs/images python -m pytest … tests/ui/test_story.py
"""

from __future__ import annotations

import os
import random

import pytest
from playwright.sync_api import expect

MIB = 1024 * 1024
PLOTS = """import jupyter_workspace as jw, numpy as np, time
import matplotlib; matplotlib.use("Agg")
import matplotlib.pyplot as plt
ws = jw.current()
for name in ("loss", "accuracy", "lift"):
    figure, axes = plt.subplots(figsize=(4, 3))
    axes.plot(np.exp(-np.linspace(0, 4, 50)) + np.random.default_rng(1).normal(0, 0.03, 50))
    axes.set_title(name)
    figure.savefig(ws / f"plots/{name}.png")
    time.sleep(2)
"""


@pytest.fixture
def notebook(server) -> str:
    name = server.notebook("churn.ipynb", PLOTS, "")
    session = server.session(name)
    dice = random.Random(1)
    lines = [
        f"{dice.choice(['North', 'South', 'East'])},2026-{n % 12 + 1:02},{dice.random() * 9000:.2f}"
        for n in range(300)
    ]
    server.upload(session, "sales.csv", ("region,month,revenue\n" + "\n".join(lines)).encode())
    server.upload(session, "notes.md", b"# Notes\n\nThree features.\n")
    server.upload(session, "config.json", b'{"rounds": 200}')
    return name


def test_plots_appear_while_the_cell_that_writes_them_runs(panel, notebook, tmp_path):
    panel.open(notebook)
    expect(panel.row("sales.csv")).to_be_visible()
    panel.run_cell(0)

    expect(panel.row("loss.png")).to_be_visible(timeout=40_000)
    assert "*" in panel.page.locator(".jp-InputPrompt").first.inner_text()
    expect(panel.row("lift.png")).to_be_visible(timeout=20_000)
    expect(panel.row("loss.png").locator("img")).to_be_visible()

    panel.choose("sales.csv")
    panel.page.keyboard.press("Space")
    expect(panel.root.locator(".jp-FA-previewBody table")).to_be_visible()
    panel.page.wait_for_function("() => !document.querySelector('.jp-mod-fresh')")
    panel.picture("panel-light")
    panel.theme("JupyterLab Dark")
    panel.picture("panel-dark")
    panel.theme("JupyterLab Light")
    panel.choose("loss.png")
    plot = panel.root.locator(".jp-FA-large")
    expect(plot).to_be_visible()
    panel.page.wait_for_function("image => image.naturalWidth > 0", arg=plot.element_handle())
    panel.picture("preview-plot")
    panel.choose("sales.csv")
    expect(panel.root.locator(".jp-FA-previewBody table")).to_be_visible()
    panel.widen(520)
    panel.picture("panel-wide")


def test_a_transfer_and_a_refusal_side_by_side(panel, notebook, tmp_path):
    (tmp_path / "measurements.parquet").write_bytes(os.urandom(60 * MIB))
    panel.open(notebook)
    expect(panel.row("sales.csv")).to_be_visible()
    refusal = {"status": 415, "json": {"message": "No.", "code": "type_refused"}}
    panel.page.route("**/uploads/*?name=setup.exe*", lambda route: route.fulfill(**refusal))
    panel.slow(8 * MIB)

    panel.drop([tmp_path / "measurements.parquet"])
    panel.pick({"name": "setup.exe", "mimeType": "application/octet-stream", "buffer": b"x"})

    expect(panel.transfers.filter(has_text="setup.exe")).to_contain_text(".exe files are not allowed here.")
    expect(panel.transfers.filter(has_text="measurements")).to_contain_text("left")
    panel.picture("panel-transfers")
