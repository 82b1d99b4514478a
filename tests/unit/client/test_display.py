from datetime import UTC, datetime

import msgspec
import pytest

from jupyter_workspace.client import display
from jupyter_workspace.models.file import File
from jupyter_workspace.models.session import Session
from tests.unit.client.flows import record, session

EVIL = "<img src=x onerror=alert(1)>\"'&"


def file(path="plots/loss.png", **members):
    return msgspec.convert(record(path, **{"mime": "image/png", **members}), File)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (5 << 20, "5.0 MiB"),
        (3 << 50, "3072.0 TiB"),
    ],
)
def test_sizes_are_readable(size, text):
    assert display.readable_size(size) == text


def test_a_card_names_the_file_and_links_to_its_bytes():
    html = display.file_card(file(), "/base/api/workspace/sessions/churn/artifacts/art_1")

    assert "plots/loss.png" in html
    assert 'href="/base/api/workspace/sessions/churn/artifacts/art_1?mode=stream&amp;download=true"' in html
    assert "2026-11-21 04:00:00 UTC" in html


def test_a_card_of_a_raster_image_shows_it_by_url():
    assert '<img src="/u?mode=stream" alt="loss.png"' in display.file_card(file(), "/u")


@pytest.mark.parametrize("mime", ["image/svg+xml", "text/html", "application/pdf", "text/csv"])
def test_what_could_run_as_a_program_is_not_shown(mime):
    assert "<img" not in display.file_card(file(mime=mime), "/u")


def test_names_types_ids_and_metadata_cannot_add_markup():
    members = {"name": EVIL, "attachment_id": EVIL, "metadata": {EVIL: EVIL}}

    html = display.file_card(file(f"a/{EVIL}", **members), f"/u{EVIL}") + display.file_card(
        file(mime=f"image/{EVIL}"), "/u"
    )

    assert "<img src=x" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html


def test_a_table_cannot_be_marked_up_either():
    html = display.file_table([file(f"a/{EVIL}", attachment_id=EVIL)], [f"/u{EVIL}"], 3)

    assert "<img" not in html
    assert html.startswith("… 2 earlier")


def test_a_table_in_text_has_id_size_digest_and_time():
    text = display.files_text([file(sha256=None)], 1)

    assert text.splitlines()[0].split() == ["id", "path", "size", "sha256", "modified"]
    assert "att_0123456789abcdef  plots/loss.png  3 B   not yet known  2026-11-21 04:00:00 UTC" in text


def test_control_characters_do_not_reach_a_terminal():
    assert "\x1b" not in display.files_text([file("a\x1b[31m")], 1) + display.file_text(file("a\x1b[31m"))


def test_a_session_shows_its_notebook_counts_and_zip():
    noun = msgspec.convert(session(name=EVIL, notebook_path=EVIL, path=EVIL), Session)

    html = display.session_card(noun, "/base/zip")

    assert "<img" not in html
    assert 'href="/base/zip"' in html
    assert "1 attachments" in html


def test_a_session_without_a_notebook_shows_itself_too():
    noun = msgspec.convert(session(notebook_path=None), Session)

    assert display.session_text(noun) == "<session 'churn': 1 attachments, 2 artifacts, 3 B>"
    assert "files of" not in display.session_card(noun, "/z")


def test_times_are_shown_in_utc():
    assert display._time(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01 00:00:00 UTC"
