"""The trash: what it is, taking back, and going for good only after a question."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import expect

KIB = 1024


@pytest.fixture
def notebook(server) -> str:
    return server.notebook(f"trash{os.urandom(3).hex()}.ipynb")


def trash_of(server, session):
    with server.api() as api:
        return api.get(f"sessions/{session}/trash").raise_for_status().json()["trash"]


def test_the_trash_is_emptied_after_a_question_that_says_what_goes(panel, server, notebook):
    session = server.session(notebook)
    server.upload(session, "stays.txt", b"old version")
    server.upload(session, "stays.txt", b"new")
    for number in range(4):
        server.upload(session, f"file{number}.bin", bytes(2 * KIB))
    panel.open(notebook)
    panel.choose("file0.bin")
    panel.choose("file3.bin", modifiers=["Shift"])
    panel.page.keyboard.press("Delete")
    expect(panel.root).to_contain_text("4 files moved to the trash.")
    panel.root.get_by_role("button", name="Show the trash").click()
    trash = panel.root.get_by_role("region", name="Trash")
    expect(trash).to_contain_text("5 files · 8.0 KiB")
    expect(trash.get_by_role("listitem").filter(has_text="stays.txt")).to_contain_text("replaced")
    panel.picture("trash-full")

    trash.get_by_role("button", name="Empty trash").click()
    expect(trash.get_by_role("alertdialog")).to_contain_text("Delete 5 files (8.0 KiB) for good?")
    panel.picture("trash-question")
    assert panel.violations() == []
    # The careful answer has the focus, and Escape gives it, too.
    expect(trash.get_by_role("button", name="Cancel")).to_be_focused()
    panel.page.keyboard.press("Escape")
    expect(trash.get_by_role("alertdialog")).to_have_count(0)
    assert len(trash_of(server, session)) == 5
    trash.get_by_role("button", name="Empty trash").click()
    trash.get_by_role("button", name="Delete for good", exact=True).click()

    expect(trash).to_contain_text("The trash is empty.")
    panel.picture("trash-empty")
    assert trash_of(server, session) == []
    assert set(server.files(session)) == {"attachments/stays.txt"}


def test_one_file_goes_for_good_and_the_others_stay(panel, server, notebook):
    session = server.session(notebook)
    for name in ("goes.txt", "stays.txt"):
        record = server.upload(session, name, b"x")
        with server.api() as api:
            api.delete(f"sessions/{session}/artifacts/{record['attachment_id']}").raise_for_status()
    panel.open(notebook)
    panel.root.get_by_role("button", name="Show the trash").click()

    panel.root.get_by_role("button", name="Delete goes.txt for good").click()
    expect(panel.root.get_by_role("alertdialog")).to_contain_text("Delete goes.txt (1 B) for good?")
    panel.root.get_by_role("button", name="Delete for good", exact=True).click()

    trash = panel.root.get_by_role("region", name="Trash")
    expect(trash).not_to_contain_text("goes.txt")
    assert [one["name"] for one in trash_of(server, session)] == ["stays.txt"]
