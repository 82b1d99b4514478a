"""A real JupyterHub with its proxy and two users, started once; a browser's way of asking it."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import psutil
import pytest
from api.running import Server

HERE = Path(__file__).parent
START_SECONDS = 60.0


def free_ports(count: int) -> int:
    """The first of `count` neighbouring ports that are free."""
    for first in range(18_000, 28_000, 10):
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise RuntimeError("no free ports")


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Browser:
    """Keeps cookies by path and follows redirects, as a person's browser does."""

    def __init__(self, port: int):
        self.port = port
        self.cookies: dict[tuple[str, str], str] = {}

    def cookie_header(self, path: str) -> str:
        fitting = {
            name: value for (name, where), value in sorted(self.cookies.items()) if path.startswith(where)
        }
        return "; ".join(f"{name}={value}" for name, value in fitting.items())

    def xsrf(self, path: str) -> str:
        """The value of the `_xsrf` cookie that a page at this path sees."""
        fitting = [
            (where, value)
            for (name, where), value in self.cookies.items()
            if name == "_xsrf" and path.startswith(where)
        ]
        return max(fitting, key=lambda pair: len(pair[0]))[1]

    def ask(
        self, method: str, path: str, body: bytes | None = None, *, cookies: bool = True, **headers: str
    ) -> Answer:
        """One request; headers are given with underscores."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if cookies and (jar := self.cookie_header(path)):
            sent["Cookie"] = jar
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        result = Answer(answer.status, answer.headers, answer.read())
        connection.close()
        for line in answer.headers.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name, morsel["path"] or "/"] = morsel.value
        return result

    def visit(self, path: str) -> Answer:
        """A navigation, redirects followed."""
        for _ in range(20):
            answer = self.ask(
                "GET", path, Sec_Fetch_Mode="navigate", Sec_Fetch_Site="same-origin", Accept="text/html"
            )
            if answer.status not in {301, 302, 303}:
                return answer
            parts = urlsplit(answer.headers["Location"])
            path = parts.path + (f"?{parts.query}" if parts.query else "")
        raise AssertionError(path)

    def log_in(self, name: str) -> None:
        """From the login page to a running server with its own cookies."""
        self.visit("/hub/login")
        form = {"username": name, "password": "for-tests-only", "_xsrf": self.xsrf("/hub/login")}
        self.ask(
            "POST",
            "/hub/login?next=" + quote(f"/user/{name}/lab"),
            urlencode(form).encode(),
            Content_Type="application/x-www-form-urlencoded",
        )
        self.visit(f"/hub/spawn/{name}")
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            page = self.visit(f"/user/{name}/lab")
            if page.status == 200 and b"jupyter-config-data" in page.body:
                return
            time.sleep(0.3)
        raise AssertionError(f"the server of {name} did not start")


class Hub:
    """A running hub."""

    def __init__(self, folder: Path, proxy: str):
        self.folder = folder
        self.port = free_ports(3)
        for name in ("ada", "bob"):
            (folder / f"home-{name}").mkdir(parents=True)
        environment = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "HUB_TEST_FOLDER": str(folder),
            "HUB_TEST_PORT": str(self.port),
            "HUB_TEST_PROXY": proxy,
            "CONFIGPROXY_AUTH_TOKEN": "for-tests-only",
        }
        environment.update({name: os.environ[name] for name in os.environ if name.startswith("COVERAGE")})
        if "PYTHONPATH" in os.environ:
            environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
        self.log = (folder / "hub.log").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(HERE / "jupyterhub_config.py")],
            cwd=folder,
            env=environment,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                if Browser(self.port).ask("GET", "/hub/health").status == 200:
                    return
            except OSError:
                time.sleep(0.2)
        self.stop()
        raise AssertionError((folder / "hub.log").read_text())

    def stop(self) -> None:
        """Ends the hub, which ends its proxy and servers."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def home(self, name: str) -> Path:
        """The root that a user's server serves."""
        return self.folder / f"home-{name}"

    def program(self, word: str) -> psutil.Process:
        """The process below the hub that has this word in its command line."""
        for process in psutil.Process(self.process.pid).children(recursive=True):
            if any(word in part for part in process.cmdline()):
                return process
        raise AssertionError(f"no process of {word!r}")

    def connection(self, name: str) -> dict[str, str]:
        """What the user's server tells its kernels: address and scoped token."""
        found = self.home(name).rglob("jupyter_workspace/*.connection.json")
        return json.loads(next(iter(found)).read_text())


@contextmanager
def running_hub(folder: Path):
    """A hub with its proxy, which is installed first; the test is skipped where there is no Node for that."""
    if shutil.which("npm") is None:
        pytest.skip("the hub's proxy needs Node")
    script = subprocess.run(["bash", str(HERE / "proxy.sh")], capture_output=True, text=True, check=True)
    made = Hub(folder, script.stdout.strip().splitlines()[-1])
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def hub(tmp_path_factory):
    with running_hub(tmp_path_factory.mktemp("hub")) as made:
        yield made


@pytest.fixture(scope="session")
def ada(hub):
    browser = Browser(hub.port)
    browser.log_in("ada")
    return browser


@pytest.fixture(scope="session")
def bob(hub):
    browser = Browser(hub.port)
    browser.log_in("bob")
    return browser


@pytest.fixture(scope="session")
def ada_token(hub, ada):
    """An API token of the hub's, as a script of ada's would have."""
    page = ada.visit("/hub/token")
    xsrf = re.search(rb'xsrf_token: "([^"]+)"', page.body)
    value = xsrf.group(1).decode() if xsrf else ada.xsrf("/hub/token")
    answer = ada.ask(
        "POST",
        "/hub/api/users/ada/tokens",
        b"{}",
        Content_Type="application/json",
        X_XSRFToken=value,
        Referer=f"http://127.0.0.1:{hub.port}/hub/token",
        Sec_Fetch_Mode="cors",
        Sec_Fetch_Site="same-origin",
    )
    assert answer.status == 201, answer.body
    return answer.json()["token"]


class Behind(Server):
    """A user's server as a script asks it, through the hub's proxy."""

    def __init__(self, hub: Hub, name: str, token: str):
        self.home = hub.home(name)
        self.root = self.home
        self.workspace = self.root / "workspace"
        self.token = token
        self.login = {"Authorization": f"token {token}"}
        self.port = hub.port
        self.url = f"http://127.0.0.1:{hub.port}/user/{name}/"
        self.answers = 0


@pytest.fixture(scope="session")
def ada_server(hub, ada_token):
    return Behind(hub, "ada", ada_token)
