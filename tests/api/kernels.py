"""A Jupyter server with notebooks that are open: real kernels, as JupyterLab would have started them."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import nbformat
from jupyter_client.blocking import BlockingKernelClient

EXAMPLES = Path(__file__).parents[2] / "examples"
START_SECONDS = 60
CELL_SECONDS = 60


class Server:
    """A Jupyter server in a process of its own, with folders of its own."""

    def __init__(self, home: Path):
        self.home = home
        self.root = home / "root"
        self.token = secrets.token_hex(16)
        self.runtime = home / "runtime"
        self.url = ""
        for folder in (self.root, self.runtime, home / "config", home / "data"):
            folder.mkdir(parents=True, exist_ok=True)

    def start(self):
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": 0,
            "ServerApp.root_dir": self.root,
            "ServerApp.base_url": "/base/",
            "ServerApp.open_browser": False,
            "ServerApp.jpserver_extensions": '{"jupyter_workspace": True}',
        }
        command = [sys.executable, "-m", "jupyter_server", "--allow-root"]
        command += [f"--{name}={value}" for name, value in options.items()]
        environment = {
            **os.environ,
            "JUPYTER_TOKEN": self.token,
            "JUPYTER_CONFIG_DIR": str(self.home / "config"),
            "JUPYTER_DATA_DIR": str(self.home / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.runtime),
            "IPYTHONDIR": str(self.home / "ipython"),
            "MPLCONFIGDIR": str(self.home / "matplotlib"),
            "PYTHONPATH": str(EXAMPLES.parent),
        }
        log = (self.home / "server.log").open("ab")
        self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        log.close()
        self._wait()

    def _wait(self):
        description = self.runtime / f"jpserver-{self.process.pid}.json"
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                self.url = json.loads(description.read_text())["url"]
                httpx2.get(f"{self.url}api").raise_for_status()
            except (OSError, ValueError, httpx2.HTTPError):
                time.sleep(0.1)
            else:
                return
        raise AssertionError(f"the server did not start:\n{(self.home / 'server.log').read_text()[-4000:]}")

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(timeout=30)

    @property
    def port(self):
        return urlsplit(self.url).port

    @property
    def login(self):
        return {"Authorization": f"token {self.token}"}

    def address(self, path):
        """The target of a route of ours."""
        return f"{urlsplit(self.url).path}api/workspace{path}"

    def api(self, method, path, **options):
        """Jupyter's own API."""
        answer = httpx2.request(method, f"{self.url}api/{path}", headers=self.login, timeout=60, **options)
        answer.raise_for_status()
        return answer.json() if answer.content else None


class Notebook:
    """A notebook that is open: its kernel runs, as JupyterLab would have started it."""

    def __init__(self, server, path, kernel_client):
        self.path = path
        self.server = server
        self._kernel = kernel_client

    def run_cell(self, cell_id, code):
        """As JupyterLab asks for it: with the id of the cell."""
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        request = self._kernel.session.msg("execute_request", content, metadata={"cellId": cell_id})
        self._kernel.shell_channel.send(request)
        reply = self._kernel._recv_reply(request["header"]["msg_id"], timeout=CELL_SECONDS)["content"]
        assert reply["status"] == "ok", reply

    def run(self, code):
        """What the code printed, or its last value; an error of the code is one here."""
        shown = []

        def note(message):
            content = message["content"]
            if message["msg_type"] == "stream":
                shown.append(content["text"])
            elif message["msg_type"] in {"execute_result", "display_data"}:
                shown.append(content["data"]["text/plain"])

        reply = self._kernel.execute_interactive(code, output_hook=note, timeout=CELL_SECONDS)["content"]
        assert reply["status"] == "ok", f"{reply['ename']}: {reply['evalue']}"
        return "".join(shown).strip()

    def fail(self, code):
        """Runs code that ends with an error; what was shown of errors meanwhile."""
        shown = []

        def note(message):
            if message["msg_type"] == "error":
                shown.append(message["content"])

        reply = self._kernel.execute_interactive(code, output_hook=note, timeout=CELL_SECONDS)
        assert reply["content"]["status"] == "error"
        return shown


def wait_for(kernel):
    """Until the kernel answers; on a busy machine a heartbeat may be late, which is no death."""
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            return kernel.wait_for_ready(timeout=START_SECONDS)
        except RuntimeError:
            if time.monotonic() > until:
                raise


@contextmanager
def opened(server, path):
    target = server.root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        nbformat.write(nbformat.v4.new_notebook(), target)
    body = {"path": path, "name": target.name, "type": "notebook", "kernel": {"name": "python3"}}
    session = server.api("POST", "sessions", json=body)
    kernel = BlockingKernelClient(
        connection_file=str(server.runtime / f"kernel-{session['kernel']['id']}.json")
    )
    kernel.load_connection_file()
    kernel.start_channels()
    try:
        wait_for(kernel)
        yield Notebook(server, path, kernel)
    finally:
        kernel.stop_channels()
        server.api("DELETE", f"sessions/{session['id']}")
