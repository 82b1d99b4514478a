"""A person opens a notebook, and the sidebar shows its files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import nbformat
import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

TAB = '[data-id="jupyter-workspace-files"]'
# Without it JupyterLab would ask which kernel is wanted.
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
PANEL = ".jp-FilesAndArtifacts"


@pytest.fixture
def notebook(server) -> str:
    """A notebook with one uploaded file."""
    name = "churn.ipynb"
    nbformat.write(nbformat.v4.new_notebook(metadata=KERNEL), server.root / name)
    with server.api() as api:
        session = api.post("sessions/resolve", json={"notebook_path": name}).raise_for_status().json()
        parts = {"file": ("sales.csv", b"a,b\n1,2\n", "text/csv"), "on_conflict": (None, "replace")}
        api.post(f"uploads/{session['session_id']}", files=parts).raise_for_status()
    return name


def open_panel(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    if not page.locator(PANEL).is_visible():
        page.locator(TAB).click()


def test_without_a_notebook_the_panel_says_what_to_do(page, server):
    open_panel(page, server.page("lab?reset"))

    expect(page.locator(PANEL)).to_contain_text("Open a notebook to see its files.")


def test_the_files_of_the_open_notebook_are_listed_and_downloaded(page, server, notebook):
    open_panel(page, server.page(f"lab/tree/{notebook}?reset"))
    row = page.locator(f"{PANEL} li", has_text="sales.csv")
    expect(page.get_by_role("heading", name=f"Files of {notebook}")).to_be_visible()
    expect(row).to_contain_text("8 B")
    expect(row).to_contain_text("uploaded")

    with page.expect_download() as download:
        row.get_by_role("link").click()

    assert download.value.suggested_filename == "sales.csv"
    assert download.value.path().read_bytes() == b"a,b\n1,2\n"


def test_a_file_that_came_meanwhile_appears_on_refresh(page, server, notebook):
    open_panel(page, server.page(f"lab/tree/{notebook}?reset"))
    expect(page.locator(f"{PANEL} li", has_text="sales.csv")).to_be_visible()
    with server.api() as api:
        session = api.post("sessions/resolve", json={"notebook_path": notebook}).json()["session_id"]
        api.put(f"uploads/{session}", params={"name": "late.txt"}, content=b"late").raise_for_status()

    page.locator(PANEL).get_by_title(re.compile("List the files")).click()

    expect(page.locator(f"{PANEL} li", has_text="late.txt")).to_be_visible()


def test_all_files_come_as_one_zip(page, server, notebook):
    open_panel(page, server.page(f"lab/tree/{notebook}?reset"))
    expect(page.locator(f"{PANEL} li", has_text="sales.csv")).to_be_visible()

    with page.expect_download() as download:
        page.locator(PANEL).get_by_title(re.compile("as a zip")).click()

    assert download.value.path().read_bytes().startswith(b"PK")
