"""A server with little room: what is told, what helps, and that it does."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import expect
from ui.conftest import Server, start, url_of
from ui.panel import Panel

MIB = 1024 * 1024
TOKEN = "c" * 32


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A server on which a notebook may have 3 MiB."""
    home = tmp_path_factory.mktemp("small")
    (home / "root").mkdir()
    process = start(home, home / "root", TOKEN, max_session_size=3 * MIB)
    yield Server(url_of(process, home), TOKEN, home / "root")
    process.kill()
    process.wait()


@pytest.fixture
def cramped(browser, small):
    """The panel on that server."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield Panel(context.new_page(), small)
    context.close()


def test_a_file_without_room_says_what_is_free_and_fits_once_another_is_deleted(cramped, small):
    notebook = small.notebook("cramped.ipynb")
    session = small.session(notebook)
    small.upload(session, "old.bin", os.urandom(2 * MIB))
    small.upload(session, "notes.txt", b"small")
    cramped.load(notebook)
    expect(cramped.row("old.bin")).to_be_visible()

    cramped.pick({"name": "new.bin", "mimeType": "", "buffer": os.urandom(2 * MIB)})
    expect(cramped.transfers).to_contain_text(
        "Needs 2.0 MiB, but 1.0 MiB of the 3.0 MiB for this notebook are free."
    )
    cramped.picture("no-room")
    assert cramped.names()[0] == "notes.txt"
    cramped.root.get_by_role("button", name="Show largest files").click()
    assert cramped.names()[0] == "old.bin"
    cramped.choose("old.bin")
    cramped.page.keyboard.press("Delete")
    expect(cramped.row("old.bin")).to_have_count(0)
    # The trash gives way by itself: nothing has to be emptied.
    cramped.root.get_by_role("button", name="Retry new.bin").click()

    expect(cramped.row("new.bin")).to_contain_text("2.0 MiB")
    assert set(small.files(session)) == {"attachments/new.bin", "attachments/notes.txt"}
