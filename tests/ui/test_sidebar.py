"""A person opens a notebook, and the sidebar shows its files."""

from __future__ import annotations

import json
import re
import sys

import pytest
from playwright.sync_api import expect

RESOLVE = re.compile(r"/api/workspace/sessions/resolve")


@pytest.fixture
def notebook(server) -> str:
    """A notebook with one uploaded file."""
    name = server.notebook("churn.ipynb")
    server.upload(server.session(name), "sales.csv", b"a,b\n1,2\n")
    return name


def test_without_a_notebook_the_panel_says_what_to_do(panel):
    panel.open()

    expect(panel.root).to_contain_text("Open a notebook to see its files.")


def test_the_files_of_the_open_notebook_are_listed_and_downloaded(panel, notebook):
    panel.open(notebook)
    row = panel.row("sales.csv")
    expect(panel.root.get_by_role("heading", name=notebook)).to_be_visible()
    expect(row).to_contain_text("8 B")

    row.hover()
    with panel.page.expect_download() as download:
        row.get_by_role("button", name="Download sales.csv").click()

    assert download.value.suggested_filename == "sales.csv"
    assert download.value.path().read_bytes() == b"a,b\n1,2\n"


def test_a_file_that_came_meanwhile_appears_by_itself_and_stands_out(panel, server, notebook):
    panel.open(notebook)
    expect(panel.row("sales.csv")).to_be_visible()

    server.upload(server.session(notebook), "late.txt", b"late")

    expect(panel.row("late.txt")).to_have_class(re.compile("jp-mod-fresh"))


def test_all_files_come_as_one_zip(panel, notebook):
    panel.open(notebook)
    expect(panel.row("sales.csv")).to_be_visible()

    with panel.page.expect_download() as download:
        panel.root.get_by_role("button", name="Download all as a zip").click()

    assert download.value.path().read_bytes().startswith(b"PK")


def test_a_notebook_without_files_teaches_the_first_steps(panel, server):
    panel.open(server.notebook("fresh.ipynb"))
    expect(panel.root).to_contain_text("Drop files or folders here")
    expect(panel.root.get_by_role("button", name="Download all as a zip")).to_be_disabled()
    panel.picture("empty")

    panel.root.get_by_role("button", name="Insert code: Read it in the notebook").click()

    expect(panel.page.locator(".jp-Cell .cm-content").first).to_contain_text("ws = jw.current()")


def test_the_last_of_the_first_steps_runs_also_by_itself(panel, server):
    panel.open(server.notebook("writing.ipynb"))

    panel.root.get_by_role("button", name="Insert code: Write results beside it").click()
    cell = panel.page.locator(".jp-Cell .cm-content").first
    expect(cell).to_contain_text("ws = jw.current()")
    expect(cell).to_contain_text("import matplotlib.pyplot as plt")
    panel.root.get_by_role("button", name="Copy code: Write results beside it").click()

    # What is copied is what is shown.
    shown = panel.root.get_by_role("group", name="Write results beside it").inner_text()
    assert panel.page.evaluate("navigator.clipboard.readText()") == shown
    assert panel.root.evaluate("panel => panel.scrollWidth <= panel.clientWidth")


def test_a_closed_session_can_be_read_and_opened_again(panel, server, notebook):
    session = server.session(notebook)
    with server.api() as api:
        api.patch(f"sessions/{session}", json={"status": "completed"}).raise_for_status()
    panel.open(notebook)
    expect(panel.root).to_contain_text("They can be read and downloaded.")
    expect(panel.root.get_by_role("button", name="Upload", exact=True)).to_be_disabled()
    panel.picture("closed")

    panel.root.get_by_role("button", name="Open again").click()

    expect(panel.root.get_by_role("button", name="Upload", exact=True)).to_be_enabled()


def test_a_list_that_cannot_be_had_says_why_and_comes_back_by_itself(panel, server, notebook):
    refusal = {"status": 503, "json": {"message": "The index is being rebuilt.", "code": "starting"}}
    panel.page.route(RESOLVE, lambda route: route.fulfill(**refusal))
    panel.open(notebook)
    expect(panel.root).to_contain_text("The index is being rebuilt. Trying again by itself")
    expect(panel.root.get_by_role("heading", name=notebook)).to_be_visible()
    panel.picture("error")
    with panel.page.expect_response(RESOLVE):
        panel.root.get_by_role("button", name="Try now").click()

    panel.page.unroute(RESOLVE)

    expect(panel.row("sales.csv")).to_be_visible()


def test_a_kernel_that_lacks_the_package_gets_the_line_that_installs_it(panel, server):
    without = "import sys; sys.modules['jupyter_workspace'] = None; from ipykernel import kernelapp; kernelapp.launch_new_instance()"
    kernel = server.root.parent / "data/kernels/bare"
    kernel.mkdir(parents=True)
    argv = [sys.executable, "-c", without, "-f", "{connection_file}"]
    specification = {"argv": argv, "display_name": "Bare", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(specification))
    # JupyterLab reads the list of kernels when it begins.
    panel.load(server.notebook("bare-kernel.ipynb", kernel="bare"))
    expect(panel.root).to_contain_text("kernel lacks jupyter-workspace", timeout=30_000)
    panel.picture("package-missing")

    panel.root.get_by_role("button", name="Insert", exact=True).click()

    expect(panel.page.locator(".jp-Cell .cm-content").first).to_contain_text("%pip install jupyter-workspace")
