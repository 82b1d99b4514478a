"""What goes wrong on the way and behind it: the server goes, the line breaks, somebody else changes things."""

from __future__ import annotations

import hashlib
import os
import re
import socket

import pytest
from playwright.sync_api import expect
from ui.conftest import Server, start, url_of
from ui.panel import Panel

MIB = 1024 * 1024
#: How many files are dropped at once.
MANY = int(os.environ.get("UI_MANY", "150"))
SEEN = {"timeout": 60_000}
TOKEN = "a" * 32


class Fragile:
    """A server that is killed and started again at the same address."""

    def __init__(self, home):
        self.home, self.root = home, home / "root"
        self.root.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.server = self.begin(TOKEN)

    def begin(self, token: str) -> Server:
        self.process = start(self.home, self.root, token, self.port)
        return Server(url_of(self.process, self.home), token, self.root)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def renew(self) -> None:
        """Begins anew when a test left it dead, or with another token."""
        if self.process.poll() is not None or self.server.token != TOKEN:
            self.kill()
            self.server = self.begin(TOKEN)


@pytest.fixture(scope="module")
def fragile(tmp_path_factory):
    server = Fragile(tmp_path_factory.mktemp("fragile"))
    yield server
    server.kill()


@pytest.fixture
def frail(browser, fragile):
    """The panel on a server that may go."""
    fragile.renew()
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield Panel(context.new_page(), fragile.server)
    context.close()


@pytest.fixture
def notebook(server) -> str:
    return server.notebook(f"trouble{os.urandom(3).hex()}.ipynb")


@pytest.fixture
def large(tmp_path):
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(40 * MIB))
    return path


def test_an_upload_goes_on_after_the_server_was_killed_and_started_again(frail, fragile, large):
    notebook = fragile.server.notebook(f"killed{os.urandom(3).hex()}.ipynb")
    frail.load(notebook)
    expect(frail.root).to_contain_text("Drop files or folders here")
    frail.slow(8 * MIB)
    frail.pick(large)
    expect(frail.transfers).to_contain_text("left")

    fragile.kill()
    expect(frail.transfers).to_contain_text("Reconnecting")
    expect(frail.root).to_contain_text("Connection lost. Reconnecting")
    frail.picture("offline")
    fragile.begin(fragile.server.token)

    expect(frail.row("large.bin")).to_be_visible(**SEEN)
    expect(frail.root).not_to_contain_text("Connection lost.", **SEEN)
    record = fragile.server.files(fragile.server.session(notebook))["attachments/large.bin"]
    assert record["sha256"] == hashlib.sha256(large.read_bytes()).hexdigest()


def test_a_page_whose_login_is_no_longer_valid_says_so(frail, fragile):
    notebook = fragile.server.notebook(f"login{os.urandom(3).hex()}.ipynb")
    fragile.server.upload(fragile.server.session(notebook), "sales.csv", b"a")
    frail.load(notebook)
    expect(frail.row("sales.csv")).to_be_visible()

    fragile.kill()
    fragile.server = fragile.begin("b" * 32)
    # Its cookie is that of another token, too.
    frail.page.context.clear_cookies()

    expect(frail.root).to_contain_text("Your login is no longer valid", **SEEN)
    expect(frail.root).not_to_contain_text("Reconnecting")
    # What cannot be listed is not counted.
    expect(frail.root.locator(".jp-FA-title")).to_have_text(notebook)
    frail.picture("login")
    # JupyterLab's own word on it lies over the page, as often as it is put away.
    frail.root.get_by_role("button", name="Reload page").dispatch_event("click")
    expect(frail.page.locator("#password_input")).to_be_visible(**SEEN)


def test_a_line_that_was_away_for_long_is_mended_without_a_hand(panel, server, notebook, large):
    panel.open(notebook)
    expect(panel.root).to_contain_text("Drop files or folders here")
    panel.slow(8 * MIB)
    panel.pick(large)
    expect(panel.transfers).to_contain_text("left")
    panel.cut()
    expect(panel.transfers).to_contain_text("Reconnecting")
    server.upload(server.session(notebook), "meanwhile.txt", b"x")

    panel.fast()

    expect(panel.row("meanwhile.txt")).to_be_visible(**SEEN)
    expect(panel.row("large.bin")).to_be_visible(**SEEN)
    record = server.files(server.session(notebook))["attachments/large.bin"]
    assert record["sha256"] == hashlib.sha256(large.read_bytes()).hexdigest()


def test_a_file_that_changes_while_it_is_sent_is_chosen_again(panel, server, notebook, large):
    panel.open(notebook)
    expect(panel.root).to_contain_text("Drop files or folders here")
    panel.slow(4 * MIB)
    panel.pick(large)
    expect(panel.transfers).to_contain_text("left")

    large.write_bytes(b"short now")

    expect(panel.transfers).to_contain_text("The file changed on your computer, or is gone.", **SEEN)
    # The same attempt again would be in vain.
    expect(panel.root.get_by_role("button", name="Retry large.bin")).to_have_count(0)
    panel.picture("file-changed")

    with panel.page.expect_file_chooser() as chooser:
        panel.transfers.get_by_role("button", name="Choose file").click()
    chooser.value.set_files(large)

    expect(panel.row("large.bin")).to_contain_text("9 B")
    assert server.files(server.session(notebook))["attachments/large.bin"]["size"] == 9


def test_files_that_somebody_else_closed_can_be_opened_again(panel, server, notebook):
    session = server.session(notebook)
    server.upload(session, "sales.csv", b"a")
    panel.open(notebook)
    expect(panel.row("sales.csv")).to_be_visible()
    with server.api() as api:
        api.patch(f"sessions/{session}", json={"status": "completed"}).raise_for_status()

    panel.pick({"name": "late.txt", "mimeType": "text/plain", "buffer": b"x"})

    expect(panel.transfers).to_contain_text("These files are closed to changes.")
    panel.root.get_by_role("button", name="Open again").click()
    panel.root.get_by_role("button", name="Retry late.txt").click()
    expect(panel.row("late.txt")).to_be_visible()


def test_many_files_dropped_at_once_all_come_through(panel, server, notebook, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(MANY):
        (folder / f"file{number}.txt").write_text(str(number))
    panel.open(notebook)
    expect(panel.root).to_contain_text("Drop files or folders here")

    panel.drop([folder])

    tray = panel.root.locator(".jp-FA-tray")
    expect(tray.get_by_role("heading")).to_have_text(re.compile(rf"\d+ of {MANY} uploaded"))
    # Those that wait are one line, which can be unfolded.
    waiting = tray.get_by_role("button", name=re.compile(r"\d+ waiting"))
    expect(waiting).to_be_visible()
    assert panel.transfers.count() <= 2
    panel.picture("five-hundred")
    expect(panel.root.locator(".jp-FA-title")).to_contain_text(f"{MANY} files", timeout=120_000)
    assert len(server.files(server.session(notebook))) == MANY


def test_fifty_names_that_are_taken_are_one_question(panel, server, notebook, tmp_path):
    session = server.session(notebook)
    files = []
    for number in range(50):
        (path := tmp_path / f"file{number}.txt").write_text("new")
        files.append(path)
        server.upload(session, path.name, b"old one")
    panel.open(notebook)
    expect(panel.row("file49.txt")).to_be_visible()

    panel.drop(files)
    expect(panel.root).to_contain_text("50 files already exist here.")
    # Another drop before the answer is part of the question.
    panel.drop([files[0]])
    expect(panel.root).to_contain_text("51 files already exist here.")
    panel.picture("fifty-conflicts")
    panel.root.get_by_role("button", name="Show them").click()
    expect(panel.root.get_by_role("list", name="Files that exist already")).to_contain_text("file49.txt")
    panel.picture("fifty-names")
    assert panel.root.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
    assert panel.violations() == []
    panel.root.get_by_role("button", name="Replace all").click()

    expect(panel.root.locator(".jp-FA-title")).to_contain_text("150 B", **SEEN)
    assert {record["size"] for record in server.files(session).values()} == {3}


def test_names_of_any_length_and_script_and_files_without_a_byte(panel, server, notebook):
    session = server.session(notebook)
    long = f"{'a very long name ' * 14}.csv"
    for name in (
        long,
        "\u05ea\u05d5\u05e6\u05d0\u05d5\u05ea.csv",
        "\u0646\u062a\u0627\u0626\u062c 2.json",
        "\u202egpj.exe",
        "\u6570\u636e.csv",
    ):
        server.upload(session, name, b"")
    panel.open(notebook)
    expect(panel.row("\u6570\u636e.csv")).to_be_visible()
    panel.pick({"name": "empty.txt", "mimeType": "text/plain", "buffer": b""})
    expect(panel.row("empty.txt")).to_contain_text("0 B")
    expect(panel.row("gpj.exe")).to_contain_text("\ufffdgpj.exe")

    panel.choose("empty.txt")
    panel.page.keyboard.press("Space")

    expect(panel.root.locator(".jp-FA-preview")).to_contain_text("The file is empty.")
    panel.picture("names")
    assert panel.root.evaluate("panel => panel.scrollWidth <= panel.clientWidth")


def test_a_file_that_goes_while_it_is_looked_at_gives_way_to_the_next(panel, server, notebook):
    session = server.session(notebook)
    server.upload(session, "stays.txt", b"stays")
    record = server.upload(session, "goes.txt", b"goes")
    panel.open(notebook)
    panel.choose("goes.txt")
    panel.page.keyboard.press("Space")
    preview = panel.root.locator(".jp-FA-preview")
    expect(preview.locator("pre")).to_have_text("goes")

    with server.api() as api:
        api.delete(f"sessions/{session}/artifacts/{record['attachment_id']}").raise_for_status()

    expect(panel.row("goes.txt")).to_have_count(0)
    expect(preview.locator("pre")).to_have_text("stays")
    assert panel.grid.evaluate("grid => grid === document.activeElement")


def test_two_pages_of_a_notebook_and_its_rename(panel, server, notebook):
    session = server.session(notebook)
    panel.open(notebook)
    expect(panel.root).to_contain_text("Drop files or folders here")
    other = Panel(panel.page.context.new_page(), server).load(notebook)
    expect(other.root).to_contain_text("Drop files or folders here")

    other.pick({"name": "shared.txt", "mimeType": "text/plain", "buffer": b"x"})
    expect(panel.row("shared.txt")).to_be_visible()
    renamed = f"renamed-{notebook}"
    panel.page.evaluate(
        "([path, name]) => window.jupyterapp.serviceManager.contents.rename(path, name)", [notebook, renamed]
    )

    expect(panel.root.get_by_role("heading", name=renamed)).to_be_visible()
    expect(panel.row("shared.txt")).to_be_visible()
    assert server.session(renamed) == session
    other.page.close()
