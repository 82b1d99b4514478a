"""A Jupyter server with folders of its own, and Debian's Chromium to look at it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import nbformat
import pytest
from playwright.sync_api import expect
from ui.panel import Panel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

START_SECONDS = 60
# A machine with other work needs longer; what is there is seen at once all the same.
expect.set_options(timeout=30_000)
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
# Nothing but the loopback address is reached; as root the browser's sandbox does not work.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
# JupyterLab's own question about news would cover a corner of the page.
QUIET = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}


@dataclass(frozen=True)
class Server:
    url: str
    token: str
    root: Path

    def page(self, path: str) -> str:
        return f"{self.url}{path}{'&' if '?' in path else '?'}token={self.token}"

    def notebook(self, name: str, *sources: str, kernel: str = "python3") -> str:
        """A notebook with these cells, and its path."""
        cells = [nbformat.v4.new_code_cell(source) for source in sources or ("",)]
        # Without it JupyterLab would ask which kernel is wanted.
        metadata = {"kernelspec": {"name": kernel, "display_name": kernel}}
        nbformat.write(nbformat.v4.new_notebook(metadata=metadata, cells=cells), self.root / name)
        return name

    def session(self, notebook: str) -> str:
        """The id of a notebook's session."""
        with self.api() as api:
            answer = api.post("sessions/resolve", json={"notebook_path": notebook})
            return answer.raise_for_status().json()["session_id"]

    def upload(self, session: str, name: str, content: bytes, **parameters: str) -> dict[str, object]:
        """A file in a session, as it was uploaded."""
        with self.api() as api:
            query = {"name": name, "on_conflict": "replace", **parameters}
            answer = api.put(f"uploads/{session}", params=query, content=content)
            return answer.raise_for_status().json()

    def files(self, session: str) -> dict[str, dict[str, object]]:
        """The session's records by path."""
        with self.api() as api:
            page = api.get(f"sessions/{session}/artifacts", params={"limit": 1000}).raise_for_status().json()
        return {record["path"]: record for record in page["artifacts"]}

    def jupyter(self) -> httpx2.Client:
        """Requests to Jupyter itself."""
        headers = {"Authorization": f"token {self.token}"}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=30)

    def api(self) -> httpx2.Client:
        headers = {"Authorization": f"token {self.token}"}
        return httpx2.Client(base_url=f"{self.url}api/workspace/", headers=headers, timeout=30)


# A page of JupyterLab takes seconds to begin, so the tests of a module share one.
@pytest.fixture(scope="module")
def page(browser) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, permissions=["clipboard-read", "clipboard-write"]
    )
    yield context.new_page()
    context.close()


@pytest.fixture
def panel(page, server) -> Iterator[Panel]:
    """The panel; at the end the page is tidied up, and must not have complained of us."""
    panel = Panel(page, server)
    yield panel
    panel.leave()
    # Kernels that go on would slow the next test down.
    with server.jupyter() as jupyter:
        for kernel in jupyter.get("api/sessions").json():
            jupyter.delete(f"api/sessions/{kernel['id']}")
    assert panel.complaints == []


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": FLAGS}


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("jupyter")
    root, token = home / "root", secrets.token_hex(16)
    root.mkdir()
    lab = home / "config" / "labconfig"
    lab.mkdir(parents=True)
    (lab / "page_config.json").write_text(json.dumps(QUIET))
    process = start(home, root, token)
    try:
        yield Server(url_of(process, home), token, root)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            # A request to Jupyter's contents API that a stop cuts off leaves a thread of anyio's waiting for ever.
            process.kill()
            process.wait()


def start(home: Path, root: Path, token: str, port: int = 0, **traits: object) -> subprocess.Popen[bytes]:
    """JupyterLab with our extension and traits of it, at any free port or at the one wanted."""
    options = {
        "ip": "127.0.0.1",
        "port": port,
        "port_retries": 0,
        "root_dir": root,
        "base_url": "/user/ada/",
        "open_browser": False,
    }
    command = [sys.executable, "-m", "jupyterlab", "--allow-root"]
    command += [f"--ServerApp.{name}={value}" for name, value in options.items()]
    command += [f"--JupyterWorkspace.{name}={value}" for name, value in traits.items()]
    # What an extension would be given is `window.jupyterapp`.
    command.append("--LabApp.expose_app_in_browser=True")
    environment = {**os.environ, "HOME": str(home), "JUPYTER_TOKEN": token}
    environment |= {f"JUPYTER_{name.upper()}_DIR": str(home / name) for name in ("config", "runtime", "data")}
    with (home / "server.log").open("wb") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)


def url_of(process: subprocess.Popen[bytes], home: Path) -> str:
    """The server's URL, once it answers."""
    description = home / "runtime" / f"jpserver-{process.pid}.json"
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            url = json.loads(description.read_text())["url"]
            httpx2.get(f"{url}api").raise_for_status()
        except (OSError, ValueError, httpx2.HTTPError):
            time.sleep(0.1)
        else:
            return url
    process.kill()
    process.wait()
    raise AssertionError((home / "server.log").read_text())
