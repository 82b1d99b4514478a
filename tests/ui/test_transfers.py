"""A person brings files in: by drop, by picker, by paste; pauses, cancels, reloads; is refused."""

from __future__ import annotations

import hashlib
import os
import re

import pytest
from playwright.sync_api import expect

MIB = 1024 * 1024
#: Puts a picture on the clipboard, as a program for screenshots does.
SCREENSHOT = """async () => {
  const canvas = new OffscreenCanvas(40, 30);
  canvas.getContext('2d').fillRect(5, 5, 20, 10);
  const blob = await canvas.convertToBlob({ type: 'image/png' });
  await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]);
}"""


@pytest.fixture
def notebook(server, request) -> str:
    words = re.sub(r"\W+", "-", request.node.name.removeprefix("test_"))
    # Another one at each attempt: what an earlier one uploaded is still there.
    return server.notebook(f"{words[-40:]}{os.urandom(3).hex()}.ipynb")


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A file that is on its way for some seconds."""
    path = tmp_path_factory.mktemp("large") / "large.bin"
    with path.open("wb") as file:
        for _ in range(80):
            file.write(os.urandom(MIB))
    return path


def test_a_folder_keeps_its_tree_and_hidden_files_are_left_out_by_name(panel, server, notebook, tmp_path):
    (tmp_path / "run/deep").mkdir(parents=True)
    (tmp_path / "run/a.txt").write_text("a")
    (tmp_path / "run/deep/b.txt").write_text("b")
    (tmp_path / "run/.DS_Store").write_text("x")
    panel.open(notebook)
    expect(panel.root).to_contain_text("Drop files or folders here")

    panel.drop([tmp_path / "run"], holding="drop")

    expect(panel.row("b.txt")).to_be_visible()
    expect(panel.row("a.txt")).to_be_visible()
    expect(panel.root).to_contain_text(".DS_Store")
    assert set(server.files(server.session(notebook))) == {
        "attachments/run/a.txt",
        "attachments/run/deep/b.txt",
    }


def test_a_small_file_of_any_name_comes_in_and_comes_again_after_it_was_deleted_and_the_page_reloaded(
    panel, server, notebook, tmp_path
):
    name = "\u0434\u0430\u043d\u043d\u044b\u0435 \u6570\u636e \U0001f600.csv"
    (tmp_path / name).write_text("a,b")
    panel.open(notebook)
    panel.drop([tmp_path / name])
    expect(panel.row(name)).to_be_visible()
    panel.choose(name)
    # The row goes before the server has answered; a page that came then would list the file once more.
    with panel.page.expect_response(lambda response: response.request.method == "DELETE"):
        panel.page.keyboard.press("Delete")
    expect(panel.root).to_contain_text("moved to the trash")

    panel.page.reload()
    panel.settle()
    panel.drop([tmp_path / name])

    expect(panel.row(name)).to_be_visible()
    assert list(server.files(server.session(notebook))) == [f"attachments/{name}"]


def test_a_large_file_is_paused_goes_on_and_survives_a_reload(panel, server, notebook, large):
    panel.open(notebook)
    expect(panel.root).to_contain_text("Drop files or folders here")
    panel.slow(10 * MIB)
    panel.drop([large])
    expect(panel.transfers).to_contain_text("left")
    panel.picture("transfer-sending")

    panel.root.get_by_role("button", name="Pause large.bin").click()
    expect(panel.transfers).to_contain_text("Paused ·")
    panel.picture("transfer-paused")
    panel.root.get_by_role("button", name="Resume large.bin").click()
    expect(panel.transfers).to_contain_text("left")
    panel.page.reload()
    panel.settle()

    expect(panel.row("large.bin")).to_be_visible(timeout=60_000)
    record = server.files(server.session(notebook))["attachments/large.bin"]
    assert record["sha256"] == hashlib.sha256(large.read_bytes()).hexdigest()


def test_a_cancelled_transfer_leaves_nothing(panel, server, notebook, large):
    panel.open(notebook)
    expect(panel.root).to_contain_text("Drop files or folders here")
    panel.slow(10 * MIB)
    panel.pick(large)
    expect(panel.transfers).to_contain_text("left")

    panel.root.get_by_role("button", name="Cancel large.bin").click()

    expect(panel.transfers).to_have_count(0)
    assert server.files(server.session(notebook)) == {}


def test_a_pasted_picture_gets_the_moment_as_its_name(panel, notebook):
    panel.open(notebook)
    expect(panel.root).to_contain_text("Drop files or folders here")
    panel.page.evaluate(SCREENSHOT)
    panel.root.get_by_role("button", name="Upload", exact=True).focus()

    panel.page.keyboard.press("Control+v")

    expect(panel.row("Screenshot 20")).to_be_visible()
    expect(panel.row("Screenshot 20").locator("img")).to_be_visible()


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("Keep both", {"sales.csv", "sales (1).csv"}),
        ("Replace", {"sales.csv"}),
        ("Skip", {"sales.csv"}),
    ],
)
def test_a_name_that_is_taken_is_a_question(panel, server, notebook, choice, names):
    session = server.session(notebook)
    before = server.upload(session, "sales.csv", b"old")
    panel.open(notebook)
    expect(panel.row("sales.csv")).to_be_visible()
    panel.pick({"name": "sales.csv", "mimeType": "text/csv", "buffer": b"newer"})
    expect(panel.root).to_contain_text("sales.csv already exists here.")
    panel.picture("conflict")

    panel.root.get_by_role("button", name=choice).click()

    if choice == "Keep both":
        expect(panel.row("sales (1).csv")).to_be_visible()
    elif choice == "Replace":
        expect(panel.row("sales.csv")).to_contain_text("5 B")
    files = server.files(session)
    assert {record["name"] for record in files.values()} == names
    assert files["attachments/sales.csv"]["attachment_id"] == before["attachment_id"]


def test_a_refusal_says_what_to_do(panel, notebook):
    panel.open(notebook)
    expect(panel.root).to_contain_text("Drop files or folders here")
    full = {
        "status": 507,
        "json": {"message": "No.", "code": "quota_exceeded", "scope": "user", "limit": 10 * MIB, "free": 0},
    }
    panel.page.route(re.compile(r"/api/workspace/uploads/"), lambda route: route.fulfill(**full))

    panel.pick({"name": "sales.csv", "mimeType": "text/csv", "buffer": b"a"})

    expect(panel.transfers).to_contain_text("0 B of the 10 MiB for all your notebooks are free.")
    expect(panel.transfers).to_contain_text("Delete files here or in another notebook, then try again.")
    panel.picture("refused")
    panel.page.unroute(re.compile(r"/api/workspace/uploads/"))
    panel.root.get_by_role("button", name="Retry sales.csv").click()
    expect(panel.row("sales.csv")).to_be_visible()


def test_in_a_low_window_many_refusals_leave_room_for_the_list(panel, server, notebook):
    session = server.session(notebook)
    for number in range(6):
        server.upload(session, f"file{number}.txt", b"x")
    panel.open(notebook)
    expect(panel.row("file5.txt")).to_be_visible()
    panel.page.set_viewport_size({"width": 1280, "height": 520})
    refusal = {"status": 415, "json": {"message": "No.", "code": "type_refused"}}
    panel.page.route(re.compile(r"/api/workspace/uploads/"), lambda route: route.fulfill(**refusal))

    panel.pick(*({"name": f"{n}.exe", "mimeType": "", "buffer": b"x"} for n in range(8)))

    expect(panel.root.locator(".jp-FA-tray")).to_contain_text("8 failed")
    # One reason is told once.
    expect(panel.transfers).to_have_count(1)
    panel.root.get_by_role("button", name="8 files", exact=True).click()
    expect(panel.transfers).to_contain_text("0.exe, 1.exe")
    # None of them would be taken the second time.
    expect(panel.root.get_by_role("button", name=re.compile("^Retry"))).to_have_count(0)
    panel.picture("low-window")
    assert panel.violations() == []
    grid, tray = panel.grid.bounding_box(), panel.root.locator(".jp-FA-tray").bounding_box()
    assert tray["height"] < 160
    assert grid["height"] > 80
    panel.root.get_by_role("button", name="Clear", exact=True).click()
    expect(panel.transfers).to_have_count(0)


def test_all_transfers_are_paused_go_on_and_are_called_off_together(panel, server, notebook, large, tmp_path):
    small = [tmp_path / f"{number}.txt" for number in range(20)]
    for path in small:
        path.write_text("x")
    panel.open(notebook)
    expect(panel.root).to_contain_text("Drop files or folders here")
    panel.slow(10 * MIB)
    panel.pick(large, *small)
    expect(panel.root.locator(".jp-FA-tray")).to_contain_text("left")
    panel.picture("transfers-many")

    panel.root.get_by_role("button", name="Pause all").click()
    expect(panel.transfers.filter(has_text="large.bin")).to_contain_text("Paused ·")
    panel.picture("transfers-paused")
    assert panel.violations() == []
    panel.root.get_by_role("button", name="Resume all").click()
    expect(panel.root.locator(".jp-FA-tray")).to_contain_text("20 of 21 uploaded")
    panel.root.get_by_role("button", name="Cancel all").click()

    expect(panel.transfers).to_have_count(0)
    assert "attachments/large.bin" not in server.files(server.session(notebook))


def test_a_proxy_with_a_small_limit_is_passed_in_small_parts(panel, server, notebook, tmp_path):
    content = os.urandom(5 * MIB)
    (tmp_path / "medium.bin").write_bytes(content)

    def proxy(route):
        length = int(route.request.headers.get("content-length", "0"))
        if route.request.method == "PATCH" and length > MIB:
            route.fulfill(status=413, body="<html>413 Request Entity Too Large</html>")
        else:
            route.continue_()

    panel.open(notebook)
    expect(panel.root).to_contain_text("Drop files or folders here")
    panel.page.route(re.compile(r"/api/workspace/uploads/"), proxy)

    panel.pick(tmp_path / "medium.bin")

    expect(panel.row("medium.bin")).to_be_visible(timeout=20_000)
    record = server.files(server.session(notebook))["attachments/medium.bin"]
    assert record["sha256"] == hashlib.sha256(content).hexdigest()


def test_a_running_transfer_shows_in_the_status_bar(panel, notebook, large):
    panel.open(notebook)
    expect(panel.root).to_contain_text("Drop files or folders here")
    panel.slow(10 * MIB)

    panel.pick(large)

    expect(panel.page.locator(".jp-FA-status")).to_contain_text("1 file")
    panel.root.get_by_role("button", name="Cancel large.bin").click()
    expect(panel.page.locator(".jp-FA-status")).to_have_count(0)
