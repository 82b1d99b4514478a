"""The panel as a person uses it: open, drop, look, press keys."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import ConsoleMessage, Error, Locator, Page, expect

if TYPE_CHECKING:
    from ui.conftest import Server

TAB = '[data-id="jupyter-workspace-files"]'
PANEL = "#jupyter-workspace-files"
#: Where pictures for people are put.
PICTURES = Path(os.environ.get("UI_PICTURES", "build/ui"))
AXE = Path(__file__).parents[2] / "labextension/node_modules/axe-core/axe.min.js"
#: What JupyterLab's own parts say, and the network's line for a refusal that a test asked for.
OTHERS = re.compile(
    r"Failed to load resource|jupyterlab|codemirror|preload|favicon|Lumino|@jupyter", re.IGNORECASE
)


class Panel:
    """The sidebar's panel on a page."""

    def __init__(self, page: Page, server: Server) -> None:
        self.page = page
        self.server = server
        self.complaints: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", self._failed)

    def open(self, notebook: str | None = None) -> Panel:
        """Opens JupyterLab, on a notebook if one is named, and in it the panel."""
        path = "lab?reset" if notebook is None else f"lab/tree/{notebook}?reset"
        self.page.goto(self.server.page(path))
        return self.settle()

    def settle(self) -> Panel:
        """Waits for the page after it was loaded."""
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")
        self.page.wait_for_selector(f"{PANEL}, {TAB}", state="attached")
        if not self.root.is_visible():
            self.page.locator(TAB).click()
        return self

    @property
    def root(self) -> Locator:
        """Everything of ours."""
        return self.page.locator(PANEL)

    @property
    def grid(self) -> Locator:
        """The list."""
        return self.root.get_by_role("grid")

    @property
    def transfers(self) -> Locator:
        """The rows of the tray."""
        return self.root.locator(".jp-FA-transfer")

    def row(self, name: str) -> Locator:
        """The row of a file."""
        return self.root.get_by_role("row").filter(has_text=name)

    def names(self) -> list[str]:
        """The names in sight, in order."""
        return self.root.locator(".jp-FA-row .jp-FA-label bdi").all_inner_texts()

    def choose(self, name: str, **options: Any) -> None:
        """Clicks a file's name."""
        self.row(name).locator(".jp-FA-label").click(**options)

    def pick(self, *files: Path | dict[str, Any]) -> None:
        """Chooses files in the browser's own chooser."""
        with self.page.expect_file_chooser() as chooser:
            self.root.get_by_role("button", name="Upload", exact=True).click()
        chooser.value.set_files(list(files))

    def run_cell(self, number: int) -> None:
        """Runs a cell, once the kernel is there to do it."""
        with self.server.jupyter() as jupyter:
            for _ in range(300):
                kernels = [session["kernel"] for session in jupyter.get("api/sessions").json()]
                if any(one["connections"] and one["execution_state"] != "starting" for one in kernels):
                    break
                self.page.wait_for_timeout(100)
        self.page.locator(".jp-Notebook .jp-Cell").nth(number).locator(".cm-content").click()
        self.page.keyboard.press("Shift+Enter")

    def drop(self, paths: Sequence[Path], *, holding: str | None = None) -> None:
        """Drags files of the disk over the panel and lets go; `holding` is a picture of the moment before."""
        box = self.root.locator(".jp-FA-session").bounding_box()
        assert box is not None
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        cdp = self.page.context.new_cdp_session(self.page)
        for kind in ("dragEnter", "dragOver"):
            cdp.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})
        if holding is not None:
            expect(self.root.locator(".jp-FA-drop")).to_be_visible()
            self.picture(holding)
        cdp.send("Input.dispatchDragEvent", {"type": "drop", **place, "data": data})

    def widen(self, pixels: int) -> None:
        """Drags the edge of the sidebar; JupyterLab keeps it at 250 pixels or more."""
        handle = self.page.locator("#jp-main-split-panel > .lm-SplitPanel-handle").first.bounding_box()
        assert handle is not None
        self.page.mouse.move(handle["x"] + 2, 400)
        self.page.mouse.down()
        self.page.mouse.move(36 + pixels, 400, steps=4)
        self.page.mouse.up()
        self.page.wait_for_function(
            "([panel, width]) => document.querySelector(panel).clientWidth >= width", arg=[PANEL, pixels]
        )

    def theme(self, name: str) -> None:
        """Changes JupyterLab's colours."""
        self.page.locator(".lm-MenuBar-itemLabel", has_text="Settings").click()
        self.page.get_by_text("Theme", exact=True).hover()
        self.page.get_by_text(name, exact=True).click()
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)

    def picture(self, name: str, *, whole: bool = False) -> None:
        """Keeps a picture of the panel for people to look at, or of the whole page."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        # Elsewhere on the page a caret blinks and a kernel starts; only the panel is ours.
        target = self.page if whole else self.root
        target.screenshot(path=PICTURES / f"{name}.png", animations="allow")

    def violations(self, where: str = PANEL) -> list[str]:
        """What axe finds in the panel, against WCAG 2.2 A and AA."""
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate(
            "where => axe.run(where, {resultTypes: ['violations']})"
            ".then(({violations}) => violations.map(one =>"
            " `${one.id}: ${one.nodes.map(node => node.html.slice(0, 200)).join(' | ')}`))",
            where,
        )
        return list(found)

    def _failed(self, error: Error) -> None:
        # JupyterLab and Notebook have failures of their own.
        if "jupyter-workspace" in (error.stack or ""):
            self.complaints.append(str(error))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not OTHERS.search(f"{message.text} {message.location.get('url', '')}"):
            self.complaints.append(message.text)
