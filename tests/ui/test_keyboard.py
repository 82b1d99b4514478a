"""Everything by keys, and readable to a screen reader."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import expect
from ui.pictures import png


@pytest.fixture
def opened(panel, server, request):
    name = server.notebook(f"keys-{abs(hash(request.node.name))}.ipynb")
    session = server.session(name)
    for number in range(6):
        server.upload(session, f"file{number}.txt", b"x" * (number + 1))
    server.upload(session, "plot.png", png(20, 20, (10, 200, 10)))
    panel.open(name)
    expect(panel.row("file5.txt")).to_be_visible()
    panel.root.get_by_role("button", name="Name", exact=True).click()
    return panel


def chosen(panel) -> list[str]:
    return panel.root.locator(".jp-FA-row[aria-selected=true] bdi").all_inner_texts()


def test_the_whole_way_without_a_mouse(opened):
    keys = opened.page.keyboard
    opened.root.get_by_role("searchbox").focus()
    for _ in range(20):
        keys.press("Tab")
        if opened.grid.evaluate("grid => grid === document.activeElement"):
            break
    keys.press("ArrowDown")
    assert chosen(opened) == ["file1.txt"]
    keys.press("Shift+ArrowDown")
    keys.press("Shift+ArrowDown")
    assert chosen(opened) == ["file1.txt", "file2.txt", "file3.txt"]
    keys.press("End")
    assert chosen(opened) == ["plot.png"]
    keys.press("Control+Home")
    keys.press("Control+Space")
    assert chosen(opened) == ["file0.txt", "plot.png"]
    keys.press("Control+a")
    expect(opened.root).to_contain_text("7 selected")
    keys.press("Escape")
    assert chosen(opened) == []

    keys.press("Home")
    keys.press("Space")
    expect(opened.root.locator(".jp-FA-preview")).to_be_visible()
    keys.press("ArrowDown")
    expect(opened.root.locator(".jp-FA-preview")).to_contain_text("file1.txt")
    keys.press("Escape")
    expect(opened.root.locator(".jp-FA-preview")).to_have_count(0)

    keys.press("F2")
    keys.type("first")
    keys.press("Enter")
    expect(opened.row("first.txt")).to_be_visible()
    keys.press("Delete")
    expect(opened.root).to_contain_text("first.txt moved to the trash.")
    keys.press("Control+z")
    expect(opened.row("first.txt")).to_be_visible()
    keys.press("Control+c")
    assert opened.page.evaluate("navigator.clipboard.readText()").startswith('ws["')


def test_the_focused_row_is_told_to_screen_readers(opened):
    opened.grid.focus()
    opened.page.keyboard.press("ArrowDown")

    row = opened.root.locator(f"#{opened.grid.get_attribute('aria-activedescendant')}")
    expect(row).to_have_attribute("aria-selected", "true")
    expect(opened.grid).to_have_attribute("aria-rowcount", "8")


def test_a_finished_upload_is_told_to_screen_readers(opened):
    opened.pick({"name": "told.txt", "mimeType": "text/plain", "buffer": b"x"})

    expect(opened.root.locator(".jp-FA-unseen[role=status]").first).to_contain_text("told.txt is uploaded.")


def test_the_preview_is_made_higher_by_arrow_keys(opened):
    opened.choose("file1.txt")
    opened.page.keyboard.press("Space")
    edge = opened.root.get_by_role("separator", name="Height of the preview")
    before = opened.root.locator(".jp-FA-preview").bounding_box()

    edge.focus()
    opened.page.keyboard.press("ArrowUp")
    opened.page.keyboard.press("ArrowUp")

    expect(edge).to_have_attribute("aria-valuenow", "55")
    after = opened.root.locator(".jp-FA-preview").bounding_box()
    assert after["height"] > before["height"] + 20
    opened.page.keyboard.press("Home")
    expect(edge).to_have_attribute("aria-valuenow", "15")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast"])
def test_axe_finds_nothing(opened, theme):
    opened.theme(theme)
    opened.choose("plot.png")
    opened.page.keyboard.press("Space")
    expect(opened.root.locator(".jp-FA-preview")).to_be_visible()
    refusal = {"status": 415, "json": {"message": "No.", "code": "type_refused"}}
    opened.page.route("**/api/workspace/uploads/**", lambda route: route.fulfill(**refusal))
    opened.pick({"name": "bad.exe", "mimeType": "application/octet-stream", "buffer": b"x"})
    expect(opened.transfers).to_contain_text("not allowed here")
    opened.page.mouse.move(900, 500)
    # Highlights fade; a colour half way is nobody's.
    opened.page.wait_for_function("() => document.getAnimations().every(one => one.playState !== 'running')")

    opened.picture(f"all-{theme.lower().replace(' ', '-')}")

    assert opened.violations() == []


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_nothing_in_an_empty_panel_in_a_question_and_in_the_trash(panel, server, theme):
    panel.open(server.notebook(f"bare{os.urandom(3).hex()}.ipynb"))
    panel.theme(theme)
    expect(panel.root).to_contain_text("Drop files or folders here")
    assert panel.violations() == []

    for _ in range(2):
        panel.pick({"name": "taken.txt", "mimeType": "text/plain", "buffer": b"x"})
        expect(panel.row("taken.txt")).to_be_visible()
    expect(panel.root).to_contain_text("taken.txt already exists here.")
    panel.page.wait_for_function("() => document.getAnimations().every(one => one.playState !== 'running')")
    assert panel.violations() == []
    panel.root.get_by_role("button", name="Skip").click()

    panel.root.get_by_role("button", name="Show the trash").click()
    expect(panel.root).to_contain_text("The trash is empty.")
    panel.page.mouse.move(900, 500)
    assert panel.violations() == []
