"""The panels in a notebook's outputs: over HTTP, live while the kernel is busy, back after a reload."""

from __future__ import annotations

import os
import re
import time

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from playwright.sync_api import expect
from ui.panel import PICTURES

OUTPUT = ".jp-OutputArea .jp-FilesAndArtifacts"
MAKE = """import jupyter_workspace as jw, time
seen, changes = [], []
panel = jw.AttachmentPanel(accept=".csv", max_size=1000, on_upload=lambda file: seen.append(file.name))
panel.observe(lambda change: changes.append(len(change["new"])), "files")
panel"""
#: A cell that runs until the test lets it end.
BUSY = """import pathlib, time
while not pathlib.Path("go").exists():
    time.sleep(0.1)"""
MIME = "application/vnd.jupyter-workspace.v1+json"
DROP_TWO = """element => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File(['1'], 'one.txt'));
  dataTransfer.items.add(new File(['2'], 'two.txt'));
  element.dispatchEvent(new DragEvent('drop', {dataTransfer, bubbles: true, cancelable: true}));
}"""
ASK = "print(seen, [file.name for file in panel.files], changes[-1])"


@pytest.fixture
def notebook(server) -> str:
    (server.root / "go").unlink(missing_ok=True)
    return server.notebook(f"widget-{os.urandom(3).hex()}.ipynb", MAKE, BUSY, ASK)


def test_a_panel_uploads_past_a_busy_kernel_and_calls_back(panel, server, notebook):
    page = panel.page
    panel.open(notebook)
    panel.run_cell(0)
    output = page.locator(OUTPUT)
    expect(output).to_contain_text("Drop files or folders here", timeout=30_000)
    panel.run_cell(1)
    expect(page.locator(".jp-InputPrompt").nth(1)).to_contain_text("*")

    output.locator("input[type=file]").first.set_input_files(
        [
            {"name": "sales.csv", "mimeType": "text/csv", "buffer": b"a,b\n"},
            {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": b"x"},
            {"name": "long.csv", "mimeType": "text/csv", "buffer": b"x" * 2000},
        ]
    )

    expect(output.get_by_role("row").filter(has_text="sales.csv")).to_be_visible(timeout=4000)
    expect(output).to_contain_text("Accepts: .csv files, at most 1000 B")
    expect(output).to_contain_text("Only .csv files are accepted here.")
    expect(output).to_contain_text("At most 1000 B a file are accepted here (long.csv has 2.0 KiB).")
    # What was refused by the panel itself would be refused again.
    expect(output.get_by_role("button", name=re.compile("^Retry"))).to_have_count(0)
    panel.picture("widget", whole=True)
    (server.root / "go").touch()
    panel.run_cell(2)
    expect(page.locator(".jp-OutputArea-output pre")).to_contain_text(
        "['sales.csv'] ['sales.csv'] 1", timeout=40_000
    )


def test_a_panel_is_back_at_once_after_a_reload_in_the_middle_of_a_cell(panel, server, notebook):
    page = panel.page
    server.upload(server.session(notebook), "sales.csv", b"a,b\n")
    panel.open(notebook)
    panel.run_cell(0)
    expect(page.locator(OUTPUT)).to_contain_text("sales.csv", timeout=30_000)
    page.keyboard.press("Control+s")
    page.wait_for_function("() => !document.querySelector('.jp-mod-dirty')")
    panel.run_cell(1)
    expect(page.locator(".jp-InputPrompt").nth(1)).to_contain_text("*")

    page.reload()
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    begun = time.monotonic()
    expect(page.locator(OUTPUT)).to_contain_text("sales.csv", timeout=10_000)

    assert time.monotonic() - begun < 2
    saved = nbformat.read(server.root / notebook, as_version=4)
    data = saved.cells[0].outputs[0]["data"]
    assert data[MIME]["view"] == "attachments"
    assert "<table>" in data["text/html"]


def test_where_nothing_of_ours_runs_a_table_stands_in(panel, server, notebook):
    page = panel.page
    server.upload(server.session(notebook), "sales.csv", b"a,b\n")
    # The test before has reloaded the page, which brings notebooks back that nobody sees.
    panel.load(notebook)
    panel.run_cell(0)
    expect(page.locator(OUTPUT)).to_contain_text("sales.csv", timeout=30_000)
    page.keyboard.press("Control+s")
    page.wait_for_function("() => !document.querySelector('.jp-mod-dirty')")

    html, _ = HTMLExporter().from_filename(str(server.root / notebook))

    export = page.context.new_page()
    # As nbviewer and GitHub do it: what stands in the notebook, and no script.
    export.route("**/*", lambda route: route.abort())
    export.set_content(html, wait_until="commit")
    table = export.locator(".jp-OutputArea-output table")
    expect(table).to_contain_text("sales.csv")
    table.screenshot(path=PICTURES / "export.png")
    export.close()


def test_a_panel_for_one_file_takes_one_at_a_time(panel, server):
    source = "import jupyter_workspace as jw\njw.AttachmentPanel(multiple=False)"
    notebook = server.notebook("single.ipynb", source)
    panel.open(notebook)
    panel.run_cell(0)
    output = panel.page.locator(OUTPUT)
    expect(output).to_contain_text("Drop files or folders here", timeout=30_000)
    field = output.locator("input[type=file]").first
    expect(field).not_to_have_attribute("multiple", "")
    expect(output.get_by_role("button", name="Upload a folder")).to_have_count(0)

    output.locator(".jp-FA-session").evaluate(DROP_TWO)

    expect(output.get_by_role("row").filter(has_text="one.txt")).to_be_visible()
    expect(output).to_contain_text("Only one file at a time is accepted here.")
    assert set(server.files(server.session(notebook))) == {"attachments/one.txt"}


def test_an_output_that_says_nonsense_breaks_nothing(panel, server):
    name = server.notebook("nonsense.ipynb", "")
    saved = nbformat.read(server.root / name, as_version=4)
    data = {MIME: {"v": 9, "view": "attachments", "session_id": 7, "title": {"a": 1}}}
    saved.cells[0].outputs = [nbformat.v4.new_output("display_data", data)]
    nbformat.write(saved, server.root / name)

    panel.open(name)

    expect(panel.page.locator(OUTPUT)).to_contain_text("This panel is of another version")
