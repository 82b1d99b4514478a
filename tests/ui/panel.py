"""The panel as a person uses it: open, drop, look, press keys."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import CDPSession, ConsoleMessage, Error, Locator, Page, expect

if TYPE_CHECKING:
    from ui.conftest import Server

TAB = '[data-id="jupyter-workspace-files"]'
PANEL = "#jupyter-workspace-files"
#: Where pictures for people are put.
PICTURES = Path(os.environ.get("UI_PICTURES", "build/ui"))
AXE = Path(__file__).parents[2] / "labextension/node_modules/axe-core/axe.min.js"
TURN = """async path => {
  const { commands } = window.jupyterapp;
  await commands.execute('docmanager:open', { path, factory: 'Notebook' });
}"""
IDLE = """() => {
  const kernel = window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel;
  return kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
}"""
#: The same by the server's word; behind a hub reading by script needs the XSRF token, too.
SERVED = """async () => {
  const { baseUrl, token } = JSON.parse(document.getElementById('jupyter-config-data').textContent);
  const headers = { 'X-XSRFToken': /_xsrf=([^;]*)/.exec(document.cookie)?.[1] ?? '' };
  if (token) {
    headers.Authorization = `token ${token}`;
  }
  const [session] = await (await fetch(`${baseUrl}api/sessions`, { headers })).json();
  return session?.kernel.connections > 0 && session.kernel.execution_state === 'idle';
}"""
#: Documents go without the question whether to save them.
CLOSE = """async () => {
  const { shell, commands } = window.jupyterapp;
  document.querySelectorAll('.jp-Dialog button.jp-mod-reject').forEach(button => button.click());
  [...shell.widgets('main')].forEach(widget => widget.dispose());
  await commands.execute('apputils:change-theme', { theme: 'JupyterLab Light' });
}"""
#: What JupyterLab's own parts say (also of kernels that a test has ended), and the network's line for a refusal
#: that a test asked for.
OTHERS = re.compile(
    r"Failed to load resource|jupyterlab|codemirror|preload|favicon|Lumino|@jupyter|Comm not found|debugger state|/api/kernels/",
    re.IGNORECASE,
)


class Panel:
    """The sidebar's panel on a page."""

    def __init__(self, page: Page, server: Server) -> None:
        self.page = page
        self.server = server
        self.complaints: list[str] = []
        self._line: CDPSession | None = None
        page.on("console", self._said)
        page.on("pageerror", self._failed)

    def open(self, notebook: str | None = None) -> Panel:
        """Turns to a notebook, or to none, and to the panel; loads JupyterLab if it is not there yet."""
        if not self.page.evaluate("() => 'jupyterapp' in window"):
            return self.load(notebook)
        if notebook is not None:
            self.page.evaluate(TURN, notebook)
        return self.settle()

    def load(self, notebook: str | None = None) -> Panel:
        """Loads JupyterLab anew, as one who comes for the first time."""
        path = "lab?reset" if notebook is None else f"lab/tree/{notebook}?reset"
        self.page.goto(self.server.page(path))
        self.settle()
        if notebook is not None:
            # It opens after all else, and else would lie over what a next test opens.
            self.page.wait_for_selector(".jp-NotebookPanel .jp-Cell")
        return self

    def settle(self) -> Panel:
        """Waits for the page after it was loaded."""
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")
        self.page.wait_for_selector(f"{PANEL}, {TAB}", state="attached")
        if not self.root.is_visible():
            self.page.locator(TAB).click()
        return self

    def leave(self) -> None:
        """Leaves the page as the next test expects it: no document, no rule of a test, the light theme."""
        # What JupyterLab says of documents that are taken from it is not about us.
        self.page.remove_listener("console", self._said)
        self.page.remove_listener("pageerror", self._failed)
        self.page.unroute_all()
        self.fast()
        self.page.set_viewport_size({"width": 1280, "height": 800})
        if self.page.evaluate("() => 'jupyterapp' in window"):
            self.page.evaluate(CLOSE)
            self.page.wait_for_function("() => document.body.dataset.jpThemeName === 'JupyterLab Light'")

    def slow(self, bytes_per_second: int) -> None:
        """Makes the way to the server a slow one."""
        self._be({"offline": False, "latency": 5, "uploadThroughput": bytes_per_second})

    def cut(self) -> None:
        """Lets no request through any more."""
        self._be({"offline": True, "latency": 0, "uploadThroughput": -1})

    def fast(self) -> None:
        """The way to the server as it is."""
        if self._line is not None:
            self._line.detach()
            self._line = None

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
        # Before that JupyterLab loses the keys without a word.
        is_exposed = self.page.evaluate("() => 'jupyterapp' in window")
        self.page.wait_for_function(IDLE if is_exposed else SERVED, polling=200)
        self.page.locator(".jp-Notebook:visible .jp-Cell").nth(number).locator(".cm-content").click()
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
        self.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", name
        )
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)
        # JupyterLab covers the page while colours change.
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")

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

    def _be(self, conditions: dict[str, Any]) -> None:
        self._line = self._line or self.page.context.new_cdp_session(self.page)
        self._line.send("Network.enable")
        self._line.send("Network.emulateNetworkConditions", {"downloadThroughput": -1, **conditions})

    def _failed(self, error: Error) -> None:
        # JupyterLab and Notebook have failures of their own.
        if "jupyter-workspace" in (error.stack or ""):
            self.complaints.append(str(error))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not OTHERS.search(f"{message.text} {message.location.get('url', '')}"):
            self.complaints.append(message.text)
