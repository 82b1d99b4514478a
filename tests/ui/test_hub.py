"""The core of the story behind a real JupyterHub: one logs in, opens a notebook, and brings a file in."""

from __future__ import annotations

import re

import nbformat
import pytest
from hub.conftest import running_hub
from playwright.sync_api import expect
from ui.conftest import Server
from ui.panel import Panel

CELL = """import jupyter_workspace as jw
(jw.current() / "made.txt").write_text("made by a cell")"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    with running_hub(tmp_path_factory.mktemp("hub")) as made:
        yield made


@pytest.fixture
def ada(hub, browser):
    """Ada's panel, after she logged in and her server was started."""
    cell = nbformat.v4.new_code_cell(CELL)
    metadata = {"kernelspec": {"name": "python3", "display_name": "python3"}}
    notebook = nbformat.v4.new_notebook(metadata=metadata, cells=[cell])
    nbformat.write(notebook, hub.home("ada") / "churn.ipynb")
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{hub.port}/hub/login?next=/hub/spawn/ada")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill("for-tests-only")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile(r":\d+/user/ada/lab"), timeout=120_000)
    page.goto(f"http://127.0.0.1:{hub.port}/user/ada/lab/tree/churn.ipynb")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    yield Panel(page, Server(f"http://127.0.0.1:{hub.port}/user/ada/", "", hub.home("ada")))
    context.close()


def test_behind_a_hub_files_come_in_are_seen_and_go_out(ada, tmp_path):
    # issue 6: the core also behind the hub
    (tmp_path / "large.bin").write_bytes(bytes(3 * 1024 * 1024))
    refused: list[str] = []
    ada.page.on("response", lambda answer: answer.status in {401, 403} and refused.append(answer.url))
    ada.settle()
    expect(ada.root).to_contain_text("Drop files or folders here")

    (tmp_path / "sales.csv").write_bytes(b"a,b\n1,2\n")
    ada.pick(tmp_path / "sales.csv", tmp_path / "large.bin")
    expect(ada.row("sales.csv")).to_be_visible()
    expect(ada.row("large.bin")).to_be_visible()
    ada.run_cell(0)
    expect(ada.row("made.txt")).to_be_visible(timeout=60_000)

    ada.choose("sales.csv")
    ada.page.keyboard.press("Space")
    expect(ada.root.locator(".jp-FA-previewBody table")).to_contain_text("1")
    ada.picture("hub", whole=True)
    with ada.page.expect_download() as download:
        ada.root.locator(".jp-FA-selection").get_by_role("button", name="Download").click()
    assert download.value.path().read_bytes() == b"a,b\n1,2\n"
    assert refused == []
    assert ada.complaints == []
