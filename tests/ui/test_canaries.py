"""Files whose names and contents are programs: none of them runs in the page (RELIABILITY S7)."""

from __future__ import annotations

from playwright.sync_api import expect

FIRE = "window.fired=1;parent.fired=1"
NAMES = {
    "<img src=x onerror=window.fired=1>.txt": b"plain",
    "note.md": f"<script>{FIRE}</script><img src=x onerror='{FIRE}'>[a](javascript:{FIRE})".encode(),
    "page.html": f"<script>{FIRE}</script>".encode(),
    "drawing.svg": f'<svg xmlns="http://www.w3.org/2000/svg" onload="{FIRE}"><script>{FIRE}</script></svg>'.encode(),
    "table.csv": f"=cmd|' /C calc'!A0,<script>{FIRE}</script>\n<img src=x onerror={FIRE}>,2\n".encode(),
    "book.ipynb": b'{"cells":[{"cell_type":"markdown","source":"<img src=x onerror=window.fired=1>"}]}',
    "picture.png": f"<script>{FIRE}</script>".encode(),
}


def test_no_name_and_no_content_runs_in_a_row_or_a_preview(panel, server):
    notebook = server.notebook("canary.ipynb")
    session = server.session(notebook)
    for name, content in NAMES.items():
        server.upload(session, name, content)
    panel.open(notebook)
    expect(panel.row("table.csv")).to_be_visible()
    panel.choose("table.csv")
    panel.page.keyboard.press("Home")
    panel.page.keyboard.press("Space")

    preview = panel.root.locator(".jp-FA-preview")
    for name in panel.names():
        expect(preview.get_by_role("heading")).to_have_text(name)
        expect(preview).not_to_contain_text("Loading…")
        panel.picture(f"canary-{name.rpartition('.')[2]}")
        panel.page.keyboard.press("ArrowDown")

    assert panel.page.evaluate("window.fired") is None
    assert panel.root.locator("script, iframe, object, embed").count() == 0
    assert panel.root.locator("a[href^='javascript']").count() == 0
