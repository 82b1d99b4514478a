"""The core in Notebook 7: the same panel, beside one notebook."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from ui.panel import PANEL


@pytest.fixture
def opened(panel, server):
    name = server.notebook("classic.ipynb", "1 + 1")
    server.upload(server.session(name), "sales.csv", b"a,b\n1,2\n")
    panel.page.goto(server.page(f"notebooks/{name}"))
    panel.page.wait_for_selector(".jp-Notebook .jp-Cell")
    panel.page.locator(".lm-MenuBar-itemLabel", has_text="View").click()
    panel.page.get_by_text("Left Sidebar", exact=True).hover()
    panel.page.get_by_text("Show Files & Artifacts", exact=True).click()
    expect(panel.page.locator(PANEL)).to_be_visible()
    return panel


def test_files_are_listed_added_and_previewed(opened):
    expect(opened.row("sales.csv")).to_be_visible()

    opened.pick({"name": "late.txt", "mimeType": "text/plain", "buffer": b"late"})
    expect(opened.row("late.txt")).to_be_visible()
    opened.choose("sales.csv")
    opened.page.keyboard.press("Space")

    expect(opened.root.locator(".jp-FA-previewBody table")).to_contain_text("1")
    opened.picture("notebook7", whole=True)


def test_the_code_line_goes_into_the_notebook(opened):
    opened.choose("sales.csv")

    opened.root.get_by_role("button", name="Insert into the notebook").click()

    cells = opened.page.locator(".jp-Notebook .jp-Cell .cm-content")
    expect(cells.filter(has_text="jw.current()")).to_contain_text('ws["sales.csv"]')
