"""A person looks through the files: sorts, filters, previews, renames, deletes, takes them out."""

from __future__ import annotations

import io
import json
import re
import zipfile

import nbformat
import pytest
from playwright.sync_api import expect
from ui.pictures import pdf, png

CSV = "region,revenue\nNorth,10\nSouth,20\n"
NOTES = '# Notes\n\nThe **churn** model.\n\n- tenure\n\n<img src=x onerror="window.fired=1">\n'
RUN = json.dumps(
    nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("df.describe()", execution_count=3)])
).encode()


@pytest.fixture(scope="module")
def notebook(server) -> str:
    """A notebook with a file of each kind."""
    name = server.notebook("analysis.ipynb", "1 + 1", "")
    session = server.session(name)
    for file, content in {
        "sales.csv": CSV.encode(),
        "notes.md": NOTES.encode(),
        "config.json": b'{"rounds":200,"features":["tenure"]}',
        "loss2.png": png(40, 30, (30, 120, 220)),
        "loss10.png": png(60, 40, (220, 90, 30)),
        "report.pdf": pdf("Quarterly report"),
        "exploration.ipynb": RUN,
        "tone.wav": b"RIFF" + bytes(200),
        "\u05e9\u05dc\u05d5\u05dd.txt": b"hello",
    }.items():
        server.upload(session, file, content)
    with server.api() as api:
        (server.root / "workspace" / session / "model.pkl").write_bytes(bytes(5000))
        api.post(
            f"sessions/{session}/artifacts", json={"path": "model.pkl", "provenance": {"execution_count": 7}}
        )
    return name


@pytest.fixture
def opened(panel, notebook):
    panel.open(notebook)
    expect(panel.row("sales.csv")).to_be_visible()
    return panel


def test_the_list_is_sorted_by_name_size_and_age(opened):
    opened.root.get_by_role("button", name="Name", exact=True).click()
    expect(opened.root.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "ascending")
    names = opened.names()
    assert names.index("loss2.png") == names.index("loss10.png") - 1
    assert names[0] == "config.json"

    opened.root.get_by_role("button", name="Size", exact=True).click()
    expect(opened.root.get_by_role("columnheader", name="Size")).to_have_attribute("aria-sort", "descending")

    assert opened.names()[0] == "model.pkl"


def test_the_list_is_narrowed_by_words_kind_and_type(opened):
    opened.root.get_by_role("searchbox").fill("LOSS 2")
    expect(opened.root.locator(".jp-FA-row")).to_have_count(1)
    opened.root.get_by_role("searchbox").press("Escape")

    opened.root.get_by_role("button", name="From cells").click()
    expect(opened.root.locator(".jp-FA-row")).to_have_count(1)
    expect(opened.row("model.pkl")).to_contain_text("cell 7")
    opened.root.get_by_role("button", name="All", exact=True).click()

    opened.root.get_by_role("combobox").select_option("image")
    assert sorted(opened.names()) == ["loss10.png", "loss2.png"]
    opened.root.get_by_role("searchbox").fill("nothing like this")
    expect(opened.root).to_contain_text("No file of this kind matches")
    opened.picture("no-results")
    opened.root.get_by_role("button", name="Show all files").click()

    expect(opened.row("sales.csv")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "selector", "text"),
    [
        ("sales.csv", "table", "South"),
        ("notes.md", "strong", "churn"),
        ("config.json", "pre", '"rounds": 200'),
        ("exploration.ipynb", ".jp-FA-codeCell", "[3]:"),
        ("\u05e9\u05dc\u05d5\u05dd.txt", "pre", "hello"),
        ("model.pkl", "p", "There is no preview of this type"),
    ],
)
def test_a_preview_shows_the_beginning_of_a_file(opened, name, selector, text):
    opened.choose(name)
    opened.page.keyboard.press("Space")

    expect(opened.root.locator(f".jp-FA-previewBody {selector}").first).to_contain_text(text)
    opened.picture(f"preview-{name.rpartition('.')[2]}")
    assert opened.page.evaluate("window.fired") is None


@pytest.mark.parametrize(("name", "width"), [("loss10.png", 60), ("report.pdf", 200)])
def test_a_preview_shows_pictures_and_pages(opened, name, width):
    opened.choose(name)
    opened.page.keyboard.press("Space")

    picture = opened.root.locator(".jp-FA-large")
    expect(picture).to_be_visible()
    opened.page.wait_for_function("image => image.naturalWidth > 0", arg=picture.element_handle())
    assert picture.evaluate("image => image.naturalWidth") >= width
    opened.picture(f"preview-{name.rpartition('.')[2]}")


@pytest.mark.parametrize(
    ("name", "fact"), [("sales.csv", "2 rows \u00d7 2 columns"), ("loss10.png", "60 \u00d7 40 px")]
)
def test_below_a_preview_stands_how_much_there_is_in_the_file(opened, name, fact):
    opened.choose(name)
    opened.page.keyboard.press("Space")

    expect(opened.root.locator(".jp-FA-preview footer")).to_contain_text(fact)


def test_the_first_click_is_about_the_row_under_it_however_far_down(opened):
    opened.page.set_viewport_size({"width": 1280, "height": 400})

    opened.choose("sales.csv")

    expect(opened.row("sales.csv")).to_have_attribute("aria-selected", "true")


def test_in_a_low_window_four_rows_stay_in_sight_above_a_preview(opened):
    # About 500 pixels of it are the panel's.
    opened.page.set_viewport_size({"width": 1280, "height": 550})
    opened.choose("sales.csv")
    opened.page.keyboard.press("Space")
    expect(opened.root.locator(".jp-FA-previewBody table")).to_be_visible()

    opened.picture("low")
    head = opened.grid.get_by_role("rowgroup").first.bounding_box()
    grid = opened.grid.bounding_box()
    assert grid["height"] - head["height"] >= 4 * 40
    assert opened.root.evaluate("panel => panel.scrollHeight <= panel.clientHeight")


def test_the_code_line_is_copied_and_inserted_with_what_it_needs(opened):
    opened.choose("sales.csv")
    opened.root.get_by_role("button", name="Copy code to load file").click()
    assert opened.page.evaluate("navigator.clipboard.readText()") == 'ws["sales.csv"]'

    opened.root.get_by_role("button", name="Insert code to load file").click()

    cells = opened.page.locator(".jp-Notebook .jp-Cell .cm-content")
    expect(cells.filter(has_text="jw.current()")).to_contain_text('ws["sales.csv"]')


def test_a_file_is_renamed_in_its_row_and_a_bad_name_is_refused(opened, server, notebook):
    opened.choose("config.json")
    opened.page.keyboard.press("F2")
    # The field has the row to itself.
    edited = opened.root.locator(".jp-FA-row:has(.jp-FA-field)")
    expect(edited.locator(".jp-FA-modified")).not_to_be_visible()
    opened.picture("rename")
    opened.page.keyboard.type("settings")
    opened.page.keyboard.press("Enter")
    expect(opened.row("settings.json")).to_be_visible()

    opened.page.keyboard.press("F2")
    opened.root.get_by_label("New name of settings.json").fill("a/b")
    opened.page.keyboard.press("Enter")

    expect(opened.root.get_by_role("alert")).to_contain_text("This name cannot be used.")
    server.upload(server.session(notebook), "config.json", b'{"rounds":200,"features":["tenure"]}')


def test_a_deletion_is_undone_from_its_notice_and_from_the_trash(opened):
    opened.choose("loss2.png")
    opened.page.keyboard.press("Delete")
    expect(opened.row("loss2.png")).to_have_count(0)
    opened.picture("undo")
    opened.root.get_by_role("button", name="Undo").click()
    expect(opened.row("loss2.png")).to_be_visible()

    opened.choose("loss2.png")
    opened.root.get_by_role("button", name="Move to trash (Delete)").click()
    opened.root.get_by_role("button", name="Show the trash").click()
    expect(opened.root.get_by_role("region", name="Trash")).to_contain_text("loss2.png")
    opened.picture("trash")
    opened.root.get_by_role("button", name="Restore loss2.png").click()
    opened.root.get_by_role("button", name="Back to the files").click()

    expect(opened.row("loss2.png")).to_be_visible()


def test_only_the_old_version_goes_for_good_when_its_file_lives_on(opened, server, notebook):
    session = server.session(notebook)
    server.upload(session, "versions.txt", b"old")
    server.upload(session, "versions.txt", b"newer")
    opened.root.get_by_role("button", name="Show the trash").click()

    opened.root.get_by_role("button", name="Delete versions.txt for good").click()
    opened.root.get_by_role("button", name="Delete for good", exact=True).click()

    trash = opened.root.get_by_role("region", name="Trash")
    expect(trash).not_to_contain_text("versions.txt")
    assert server.files(session)["attachments/versions.txt"]["size"] == 5


def test_a_selection_is_downloaded_as_a_zip(opened):
    opened.choose("loss2.png")
    opened.choose("sales.csv", modifiers=["Control"])
    expect(opened.root).to_contain_text("2 selected")
    opened.picture("multi-selection")

    with opened.page.expect_download() as download:
        opened.root.get_by_role("button", name="Download as a zip").click()

    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        names = {name.rpartition("/")[2] for name in archive.namelist()}
    assert names == {"loss2.png", "sales.csv", "attachments_manifest.json"}


def test_the_context_menu_acts_on_the_row_under_it(opened):
    opened.choose("sales.csv", button="right")
    menu = opened.page.get_by_role("menu")
    expect(menu).to_contain_text("Show in File Browser")
    opened.picture("menu", whole=True)

    opened.page.get_by_role("menuitem", name="Copy Code to Load File").click()

    assert opened.page.evaluate("navigator.clipboard.readText()") == 'ws["sales.csv"]'


def test_a_file_is_shown_in_the_file_browser_and_opened_in_a_tab(opened):
    opened.choose("sales.csv", button="right")
    opened.page.get_by_role("menuitem", name="Show in File Browser").click()
    # First its folder is shown, then it is chosen.
    shown = opened.page.locator(".jp-DirListing-item.jp-mod-selected", has_text="sales.csv")
    expect(shown).to_be_visible()
    opened.page.locator('[data-id="jupyter-workspace-files"]').click()

    opened.choose("sales.csv")
    opened.page.keyboard.press("Enter")

    expect(opened.page.get_by_role("tab", name=re.compile("sales.csv"))).to_be_visible()


def test_a_file_of_the_server_is_attached_from_the_file_browser(opened, server, notebook):
    (server.root / "elsewhere.txt").write_text("elsewhere")
    opened.page.locator('[data-id="filebrowser"]').click()
    opened.page.locator(".jp-BreadCrumbs-home").click()
    # A list of the old folder, asked for meanwhile, would be shown instead.
    expect(opened.page.locator(".jp-DirListing-item", has_text=re.compile("^workspace"))).to_be_visible()
    opened.page.get_by_role("button", name="Refresh the file browser").first.click()
    opened.page.locator(".jp-DirListing-item", has_text="elsewhere.txt").click(button="right")

    opened.page.get_by_role("menuitem", name="Attach to Open Notebook").click()

    expect(opened.row("elsewhere.txt")).to_be_visible()


def test_a_row_is_dragged_into_a_cell_as_the_code_that_loads_it(opened):
    # The last one would be the first while the notebook is still being drawn.
    cell = opened.page.locator(".jp-Notebook .jp-Cell .cm-content").nth(1)

    opened.row("sales.csv").drag_to(cell)

    expect(cell).to_contain_text('ws["sales.csv"]')


def test_another_search_begins_at_the_top_and_says_how_many_match(opened, server, notebook):
    session = server.session(notebook)
    for number in range(30):
        server.upload(session, f"bulk{number:02}.txt", b"x")
    expect(opened.row("bulk29.txt")).to_be_visible()
    opened.root.get_by_role("button", name="Name", exact=True).click()
    opened.grid.evaluate("grid => { grid.scrollTop = 100_000; }")

    opened.root.get_by_role("searchbox").fill("bulk")

    expect(opened.root.locator(".jp-FA-title")).to_contain_text("30 of ")
    expect(opened.row("bulk00.txt")).to_be_in_viewport()
    assert opened.grid.evaluate("grid => grid.scrollTop") == 0
    opened.root.get_by_role("searchbox").fill("")
