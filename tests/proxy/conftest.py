"""A real nginx in front of a real server: once as it is, once set as `docs/proxies.md` advises."""

from __future__ import annotations

import copy
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
from api.running import BASE_URL, Server, free_port

DOCS = Path(__file__).parents[2] / "docs" / "proxies.md"
NGINX = os.environ.get("NGINX") or shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
START_SECONDS = 20.0

#: Everything that nginx writes stays in its folder, and it reads no configuration but this.
CONFIG = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 1m;
    {sites}
}}
"""


def advised(port: int, server: int) -> tuple[str, str]:
    """The `map` and the `server` block of the documentation, for these ports."""
    found = re.search(r"```nginx\n(map .*?\n}\n)(server .*?\n}\n)```", DOCS.read_text(), re.DOTALL)
    assert found, f"no configuration in {DOCS.name}"
    site = (
        found[2]
        .replace("listen 80;", f"listen 127.0.0.1:{port};")
        .replace("127.0.0.1:8888", f"127.0.0.1:{server}")
    )
    return found[1], site


class Nginx:
    """One nginx with two sites: `ports['unbuffered']` as advised, `ports['buffered']` as it comes."""

    def __init__(self, folder: Path, server: int):
        self.folder = folder
        self.ports = {"unbuffered": free_port(), "buffered": free_port()}
        upgrading, unbuffered = advised(self.ports["unbuffered"], server)
        assert "proxy_request_buffering off;" in unbuffered
        # The limit stands at what nginx has by itself, in both.
        unbuffered = re.sub(r" *client_max_body_size .*\n", "", unbuffered)
        _, buffered = advised(self.ports["buffered"], server)
        buffered = re.sub(r" *(client_max_body_size|proxy_request_buffering) .*\n", "", buffered)
        sites = f"{upgrading}\n{unbuffered}\n{buffered}"
        (folder / "nginx.conf").write_text(CONFIG.format(folder=folder, sites=sites))

    def start(self) -> None:
        command = [str(NGINX), "-p", str(self.folder), "-e", str(self.folder / "error.log")]
        self.process = subprocess.Popen([*command, "-c", str(self.folder / "nginx.conf")])
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                for port in self.ports.values():
                    socket.create_connection(("127.0.0.1", port), 5).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        self.stop()
        raise AssertionError((self.folder / "error.log").read_text())

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="session")
def behind(tmp_path_factory):
    """The server itself."""
    if NGINX is None:
        pytest.skip("nginx is missing (Debian: apt-get install nginx-light)")
    made = Server(tmp_path_factory.mktemp("behind") / "home")
    made.start()
    yield made
    assert "Traceback" not in made.log.read_text()
    made.stop()


@pytest.fixture(scope="session")
def nginx(tmp_path_factory, behind):
    made = Nginx(tmp_path_factory.mktemp("nginx"), behind.port)
    made.start()
    yield made
    made.stop()


@pytest.fixture(params=["unbuffered", "buffered"])
def front(request, nginx, behind):
    """The same server, asked through nginx."""
    found = copy.copy(behind)
    found.port = nginx.ports[request.param]
    found.url = f"http://127.0.0.1:{found.port}{BASE_URL}"
    return found


@pytest.fixture
def session(front):
    return front.session()
