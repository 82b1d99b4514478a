"""Each part is a plugin of its own, with commands that say what they do, and settings that are obeyed."""

from __future__ import annotations

import json
import os
import re

import pytest
from playwright.sync_api import expect
from ui.conftest import QUIET
from ui.panel import TAB

COMMANDS = """() => {
  const { commands } = window.jupyterapp;
  const ours = commands.listCommands().filter(id => /^(files-and-artifacts|workspace):/.test(id));
  return Promise.all(ours.map(async id => ({
    id,
    label: commands.label(id),
    caption: commands.caption(id),
    described: await commands.describedBy(id)
  })));
}"""
SETTINGS = "lab/api/settings/jupyter-workspace:sidebar"


@pytest.fixture
def notebook(server) -> str:
    # What one test makes is not in the list of the next.
    name = f"plugins{os.urandom(3).hex()}.ipynb"
    server.notebook(name, "import jupyter_workspace as jw\njw.ArtifactList()")
    session = server.session(name)
    server.upload(session, "zebra.txt", b"z")
    server.upload(session, "ant.txt", b"aaa")
    return name


@pytest.fixture
def disable(server):
    """Turns plugins off for the pages that are loaded from now on."""
    file = server.root.parent / "config/labconfig/page_config.json"

    def off(*plugins: str) -> None:
        disabled = {f"jupyter-workspace:{plugin}": True for plugin in plugins}
        file.write_text(json.dumps({"disabledExtensions": {**QUIET["disabledExtensions"], **disabled}}))

    yield off
    file.write_text(json.dumps(QUIET))


def test_each_command_says_what_it_does_and_takes(panel, notebook):
    panel.open(notebook)
    commands = panel.page.evaluate(COMMANDS)
    ours = [one for one in commands if one["id"].startswith("files-and-artifacts:")]

    assert len(ours) == 14
    for one in ours:
        assert one["label"], one
        assert one["caption"], one
        assert one["described"]["args"]["type"] == "object", one


def test_the_palette_offers_the_commands(panel):
    # A notebook that is being opened takes the focus, and the palette goes without it.
    panel.open()
    panel.page.evaluate("() => window.jupyterapp.commands.execute('apputils:activate-command-palette')")
    panel.page.locator(".lm-CommandPalette-input").fill("files & artifacts")

    found = panel.page.locator(".lm-CommandPalette-itemLabel")
    expect(found.filter(has_text="Show Files & Artifacts")).to_be_visible()
    # On the ground of the chosen entry, which is a strong blue, pictures are turned round.
    picture = panel.page.locator(".lm-CommandPalette-item.lm-mod-active path")
    assert picture.evaluate("path => getComputedStyle(path).fill") == "rgb(255, 255, 255)"
    panel.picture("palette", whole=True)
    panel.page.keyboard.press("Escape")


def test_the_menu_of_a_notebook_shows_the_panel(panel, notebook):
    panel.open(notebook)
    panel.page.locator('[data-id="filebrowser"]').click()
    expect(panel.root).not_to_be_visible()
    panel.page.locator(".jp-Notebook:visible .jp-Cell").first.click(button="right")

    panel.page.get_by_role("menuitem", name="Show Files & Artifacts").click()

    expect(panel.row("zebra.txt")).to_be_visible()


def test_the_menu_of_a_row_is_not_that_of_a_row_in_an_output(panel, server, notebook):
    panel.open(notebook)
    panel.run_cell(0)
    (server.root / "workspace" / server.session(notebook) / "made.txt").write_text("m")
    output = panel.page.locator(".jp-OutputArea .jp-FilesAndArtifacts:visible")
    made = output.get_by_role("row").filter(has_text="made.txt")
    panel.choose("zebra.txt")
    delete = panel.page.get_by_role("menuitem", name="Move to Trash", exact=True)

    made.click(button="right")
    # It would delete what is chosen in the sidebar.
    expect(panel.page.get_by_role("menuitem", name="Show Files & Artifacts")).to_be_visible()
    expect(delete).to_have_count(0)
    panel.page.keyboard.press("Escape")
    panel.row("zebra.txt").click(button="right")

    expect(delete).to_be_visible()
    panel.page.keyboard.press("Escape")


def test_a_list_begins_in_the_order_of_the_settings(panel, server, notebook):
    raw = json.dumps({"sort": "name", "descending": False})
    with server.jupyter() as jupyter:
        jupyter.put(SETTINGS, json={"raw": raw}).raise_for_status()
    panel.load(notebook)
    expect(panel.row("ant.txt")).to_be_visible()
    try:
        expect(panel.root.get_by_role("columnheader", name="Name")).to_have_attribute(
            "aria-sort", "ascending"
        )
        assert panel.names() == ["ant.txt", "zebra.txt"]
    finally:
        with server.jupyter() as jupyter:
            jupyter.put(SETTINGS, json={"raw": "{}"}).raise_for_status()


def test_the_panel_works_without_the_other_plugins(panel, notebook, disable):
    disable("commands", "file-browser", "kernel-check", "mime", "status")
    panel.load(notebook)

    expect(panel.row("zebra.txt")).to_be_visible()
    panel.pick({"name": "late.txt", "mimeType": "text/plain", "buffer": b"late"})
    expect(panel.row("late.txt")).to_be_visible()


def test_the_other_plugins_work_without_the_panel(panel, notebook, disable):
    disable("sidebar")
    panel.page.goto(panel.server.page(f"lab/tree/{notebook}?reset"))
    panel.page.wait_for_selector("#jupyterlab-splash", state="detached")
    panel.run_cell(0)

    expect(panel.page.locator(".jp-OutputArea .jp-FilesAndArtifacts")).to_be_visible()
    expect(panel.root).to_have_count(0)


def test_the_panel_is_where_it_was_after_a_reload(panel, notebook):
    panel.load(notebook)
    expect(panel.row("ant.txt")).to_be_visible()
    kept = re.compile(r"/lab/api/workspaces/")
    # JupyterLab keeps the layout a moment after it changed.
    with panel.page.expect_request(lambda request: request.method == "PUT" and kept.search(request.url)):
        panel.page.locator('[data-id="filebrowser"]').click()
        panel.page.locator(TAB).click()
    panel.page.wait_for_load_state("networkidle")

    panel.page.reload()

    expect(panel.row("ant.txt")).to_be_visible()
