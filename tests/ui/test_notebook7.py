"""The core in Notebook 7: the same panel, beside one notebook."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from ui.panel import PANEL


@pytest.fixture
def opened(panel, server):
    source = 'import jupyter_workspace as jw\nplace = jw.current\n(place() / "made.txt").write_text("x")\njw.AttachmentPanel()'
    name = server.notebook("classic.ipynb", source)
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
    expect(opened.root.get_by_role("heading", name="Files & Artifacts")).to_be_visible()
    opened.picture("notebook7", whole=True)


def test_the_code_line_goes_into_the_notebook(opened):
    opened.choose("sales.csv")

    opened.root.get_by_role("button", name="Insert code to load file").click()

    cells = opened.page.locator(".jp-Notebook .jp-Cell .cm-content")
    expect(cells.filter(has_text="jw.current()")).to_contain_text('ws["sales.csv"]')


def test_files_are_dropped_go_out_and_appear_from_a_cell(opened, tmp_path):
    (tmp_path / "dropped.txt").write_text("dropped")
    opened.drop([tmp_path / "dropped.txt"])
    expect(opened.row("dropped.txt")).to_be_visible()
    opened.choose("dropped.txt")
    with opened.page.expect_download() as download:
        opened.root.locator(".jp-FA-selection").get_by_role("button", name="Download").click()
    assert download.value.path().read_bytes() == b"dropped"

    opened.run_cell(0)

    expect(opened.row("made.txt")).to_be_visible(timeout=40_000)
    output = opened.page.locator(".jp-OutputArea .jp-FilesAndArtifacts")
    expect(output.get_by_role("row").filter(has_text="dropped.txt")).to_be_visible()
    opened.picture("notebook7-widget", whole=True)
    assert opened.violations() == []
