"""For everybody: the focus is never lost, news are told, any language, any direction, any size of letters."""

from __future__ import annotations

import json
import os

import pytest
from playwright.sync_api import expect
from ui.pictures import png

MIB = 1024 * 1024
FOCUSED = "() => document.activeElement.closest('#jupyter-workspace-files') !== null"
MARK = "\u00a7"
LANGUAGE = "lab/api/settings/@jupyterlab/translation-extension:plugin"
#: Words of the panel that did not pass through the translator: neither names nor code, numbers nor units.
UNTRANSLATED = """mark => {
  const panel = document.querySelector('#jupyter-workspace-files');
  const foreign = 'bdi, pre, code, time, footer, table, .jp-FA-size, .jp-FA-folder';
  const walker = document.createTreeWalker(panel, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    if (!node.parentElement.closest(foreign)) {
      found.push(node.textContent);
    }
  }
  for (const name of ['aria-label', 'placeholder', 'alt']) {
    panel.querySelectorAll(`[${name}]`).forEach(one => found.push(one.getAttribute(name)));
  }
  return [...new Set(found)].filter(text => /\\p{L}{4}/u.test(text) && !text.includes(mark));
}"""
#: Of a row: its ground and the colour of its small letters, as they are painted, each as red, green and blue.
PAINTED = """row => {
  const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const painted = (...colours) => {
    for (const colour of colours) {
      pen.fillStyle = colour;
      pen.fillRect(0, 0, 1, 1);
    }
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const of = (element, what) => getComputedStyle(element)[what];
  const grounds = [of(row.closest('.jp-FilesAndArtifacts'), 'backgroundColor'), of(row, 'backgroundColor')];
  return [painted(...grounds), painted(...grounds, of(row.querySelector('time'), 'color'))];
}"""


@pytest.fixture
def opened(panel, server):
    name = server.notebook(f"access{os.urandom(3).hex()}.ipynb")
    session = server.session(name)
    for number in range(4):
        server.upload(session, f"file{number}.txt", b"x" * (number + 1))
    server.upload(session, "plot.png", png(20, 20, (10, 200, 10)))
    panel.open(name)
    expect(panel.row("file3.txt")).to_be_visible()
    return panel


def press(panel, name: str) -> None:
    """Presses a button by key, as those do who have no mouse."""
    panel.root.get_by_role("button", name=name, exact=True).focus()
    panel.page.keyboard.press("Enter")


def has_focus(panel) -> str:
    """What has the focus in the panel, by its name; '' for the page."""
    panel.page.wait_for_function(FOCUSED)
    return panel.page.evaluate("() => document.activeElement.getAttribute('aria-label') ?? ''")


def test_the_focus_stays_in_the_panel_when_what_had_it_goes(opened):
    opened.choose("file1.txt")
    opened.page.keyboard.press("Space")
    press(opened, "Close the preview")
    assert has_focus(opened) == "Files"

    opened.page.keyboard.press("Delete")
    expect(opened.root).to_contain_text("file1.txt moved to the trash.")
    assert has_focus(opened) == "Files"
    press(opened, "Undo")
    expect(opened.row("file1.txt")).to_be_visible()
    assert has_focus(opened) == "Files"

    opened.page.keyboard.press("F2")
    opened.page.keyboard.press("Escape")
    assert has_focus(opened) == "Files"
    opened.pick({"name": "file1.txt", "mimeType": "text/plain", "buffer": b"new"})
    expect(opened.root).to_contain_text("file1.txt already exists here.")
    press(opened, "Skip")
    expect(opened.root).not_to_contain_text("already exists here")
    assert has_focus(opened) == "Files"


def test_the_focus_goes_to_the_next_row_of_transfers_and_of_the_trash(opened):
    refusal = {"status": 415, "json": {"message": "No.", "code": "type_refused"}}
    opened.page.route("**/api/workspace/uploads/**", lambda route: route.fulfill(**refusal))
    opened.pick(*({"name": name, "mimeType": "text/plain", "buffer": b"x"} for name in ("a.exe", "b.exe")))
    expect(opened.transfers.filter(has_text="not allowed here")).to_have_count(2)
    press(opened, "Clear a.exe")
    expect(opened.transfers).to_have_count(1)
    assert has_focus(opened) == "Clear b.exe"
    press(opened, "Clear b.exe")
    expect(opened.transfers).to_have_count(0)
    assert has_focus(opened) == "Files"

    opened.page.keyboard.press("Control+a")
    opened.page.keyboard.press("Delete")
    expect(opened.root).to_contain_text("5 files moved to the trash.")
    press(opened, "Show the trash")
    press(opened, "Restore file2.txt")
    expect(opened.root.get_by_role("region", name="Trash")).not_to_contain_text("file2.txt")
    assert has_focus(opened).startswith(("Restore", "Delete"))
    press(opened, "Back to the files")
    expect(opened.row("file2.txt")).to_be_visible()
    assert has_focus(opened) == "Files"


def test_who_asks_for_the_panel_by_key_goes_on_there(opened):
    opened.page.locator('[data-id="filebrowser"]').click()
    opened.page.locator(".jp-Notebook .jp-Cell").first.click()

    opened.page.evaluate("() => window.jupyterapp.commands.execute('files-and-artifacts:show')")

    assert has_focus(opened) == "Files"


def test_a_file_that_a_cell_made_is_told_to_screen_readers(opened, server):
    session = server.session(opened.root.get_by_role("heading", level=3).locator("bdi").inner_text())
    (server.root / "workspace" / session / "loss.png").write_bytes(png(9, 9, (200, 10, 10)))

    expect(opened.root.get_by_role("status").filter(has_text="loss.png is new.")).to_have_count(1)


def test_each_button_of_a_row_names_its_file(opened):
    opened.row("plot.png").hover()

    buttons = opened.row("plot.png").get_by_role("button")
    expect(buttons).to_have_count(1)
    expect(buttons).to_have_attribute("aria-label", "Download plot.png")


def test_a_copied_line_is_told_to_the_eye_and_the_ear(opened):
    opened.choose("file1.txt")
    opened.page.keyboard.press("Control+c")

    expect(opened.root.locator(".jp-FA-selection > span").first).to_have_text("Copied")
    expect(opened.root.get_by_role("status").filter(has_text='Copied: ws["file1.txt"]')).to_have_count(1)
    expect(opened.root.locator(".jp-FA-selection > span").first).to_have_text("1 selected")


def test_nothing_moves_for_those_who_do_not_want_it(opened, server):
    opened.page.emulate_media(reduced_motion="reduce")
    session = server.session(opened.root.get_by_role("heading", level=3).locator("bdi").inner_text())
    server.upload(session, "late.txt", b"late")

    expect(opened.root.locator(".jp-mod-fresh")).to_have_count(1)
    moving = "() => document.getAnimations().filter(one => one.effect.target.closest('.jp-FilesAndArtifacts')).length"
    assert opened.page.evaluate(moving) == 0
    opened.page.emulate_media(reduced_motion="no-preference")


def contrast(one: list[int], other: list[int]) -> float:
    """That of two colours, by WCAG 2.2."""

    def light(colour: list[int]) -> float:
        parts = [part / 255 for part in colour]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, bright = sorted((light(one), light(other)))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast"])
def test_what_is_selected_can_be_told_from_what_is_pointed_at_and_from_what_is_new(opened, server, theme):
    opened.theme(theme)
    opened.choose("file1.txt")
    row = opened.row("file1.txt")
    with_focus = row.evaluate(PAINTED)
    opened.root.get_by_role("searchbox").focus()
    without = row.evaluate(PAINTED)
    opened.row("file3.txt").hover()
    pointed = opened.row("file3.txt").evaluate(PAINTED)
    plain = opened.row("file0.txt").evaluate(PAINTED)
    opened.picture(f"rows-{theme.lower().replace(' ', '-')}")

    grounds = [ground for ground, _ in (plain, pointed, without, with_focus)]
    for place, ground in enumerate(grounds):
        for other in grounds[:place]:
            # In light or in colour: a pale blue is as light as a grey.
            assert sum(abs(one - another) for one, another in zip(ground, other, strict=True)) >= 24, grounds
    assert all(contrast(*state) >= 4.5 for state in (plain, pointed, without, with_focus))
    session = server.session(opened.root.get_by_role("heading", level=3).locator("bdi").inner_text())
    server.upload(session, "file1.txt", b"changed")
    expect(opened.root.locator(".jp-mod-fresh")).to_contain_text("file1.txt")
    assert row.evaluate(PAINTED) == without


def test_twice_as_large_everything_is_there_and_nothing_is_cut_off(opened):
    # 200 % in a window of 1280 by 800 is a window of half the size to the page.
    opened.page.set_viewport_size({"width": 640, "height": 400})
    opened.choose("file1.txt")
    opened.page.keyboard.press("Space")
    expect(opened.root.locator(".jp-FA-preview")).to_contain_text("xx")

    opened.picture("zoomed", whole=True)
    assert opened.root.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
    for name in ("Upload", "Show the trash", "Close the preview"):
        expect(opened.root.get_by_role("button", name=name, exact=True)).to_be_in_viewport()
    assert opened.violations() == []


def test_from_right_to_left_the_list_begins_at_the_right(opened):
    opened.page.evaluate("() => document.documentElement.setAttribute('dir', 'rtl')")
    opened.choose("file1.txt")
    opened.page.keyboard.press("Space")

    opened.picture("right-to-left")
    age, size = (opened.row("file1.txt").locator(part).bounding_box() for part in ("time", ".jp-FA-amount"))
    # Apart, and in the order in which they are read.
    assert size["x"] + size["width"] + 4 < age["x"]
    panel, label = opened.root.bounding_box(), opened.row("file1.txt").locator("bdi").bounding_box()
    assert label["x"] + label["width"] > panel["x"] + panel["width"] / 2
    assert opened.root.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
    opened.page.evaluate("() => document.documentElement.removeAttribute('dir')")


def test_every_sentence_passes_through_the_translator(panel, server):
    notebook = server.notebook("words.ipynb")
    session = server.session(notebook)
    prefix = json.dumps({"displayStringsPrefix": True, "stringsPrefix": MARK})
    with server.jupyter() as jupyter:
        jupyter.put(LANGUAGE, json={"raw": prefix}).raise_for_status()
    try:
        panel.load(notebook)
        expect(panel.root).to_contain_text(f"{MARK}Bring a file in")
        assert panel.page.evaluate(UNTRANSLATED, MARK) == []
        server.upload(session, "sales.csv", b"a,b\n1,2\n")
        panel.choose("sales.csv")
        panel.page.keyboard.press("Space")
        panel.page.route("**/api/workspace/uploads/**", lambda route: route.fulfill(status=415, body="x"))
        field = panel.root.locator("input[type=file]").first
        field.set_input_files({"name": "a.exe", "mimeType": "text/plain", "buffer": b"x"})
        expect(panel.transfers).to_have_count(1)
        expect(panel.root.locator(".jp-FA-previewBody table")).to_be_visible()
        panel.picture("words")
        assert panel.page.evaluate(UNTRANSLATED, MARK) == []
        panel.root.get_by_role("button", name=f"{MARK}Show the trash").click()
        expect(panel.root.get_by_role("region", name=f"{MARK}Trash")).to_be_visible()
        assert panel.page.evaluate(UNTRANSLATED, MARK) == []
    finally:
        with server.jupyter() as jupyter:
            jupyter.put(LANGUAGE, json={"raw": "{}"}).raise_for_status()
