"""A real server in a process of its own, to be killed, stopped and started on the same folders."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from faults.calling import Api, Gone

TOKEN = "a-token-that-must-not-be-logged-7c1f"
BASE_URL = "/user/ada/"

#: How long a start may take on a busy machine before a test gives up, in seconds.
PATIENCE = 40.0


class Zygote:
    """Forks servers; see `zygote.py`."""

    def __init__(self):
        # The forks must not find the coverage or the token of whoever runs the tests.
        env = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "COV_"))}
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("zygote.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=env,
        )
        if self.process.stdout.readline() != "ready\n":
            self.close()
            message = "the server's code cannot be imported"
            raise RuntimeError(message)

    def fork(self, order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class Server:
    """place: the folder of all that this server has; `root` in it unless another one is given."""

    def __init__(self, zygote, place, *, root=None, data=None, options=(), uid=None, limits=None):
        self.place = place
        self.root = root or place / "root"
        self.data = data or place / "data"
        self.log = place / "log.txt"
        self.port = free_port()
        self.options = list(options)
        self.uid = uid
        self.limits = limits or {}
        self.pid = None
        self._zygote = zygote
        self._watch = None
        self._apis = []
        self._asking = None
        for folder in [self.root, self.data, place / "config", place / "runtime", place / "home"]:
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def workspace(self):
        return self.root / "workspace"

    @property
    def state(self):
        return next(path for path in self.workspace.iterdir() if path.name.startswith("."))

    @property
    def database(self):
        return next((self.data / "jupyter_workspace").glob("*.sqlite"))

    def api(self, timeout=30.0):
        """A client for the test's own thread; it connects anew to each new process."""
        self._apis.append(self.own_api(timeout))
        return self._apis[-1]

    def own_api(self, timeout=30.0):
        """A client for another thread, which closes it."""
        return Api(self.port, BASE_URL, TOKEN, timeout)

    def close(self):
        """Ends what is left of it, and its clients."""
        for api in self._apis:
            api.close()
        self.kill()

    def launch(self):
        """Starts the process, and does not wait for it."""
        for api in self._apis:
            api.close()
        names = {"CONFIG_DIR": "config", "RUNTIME_DIR": "runtime"}
        env = {f"JUPYTER_{name}": str(self.place / folder) for name, folder in names.items()}
        env |= {"JUPYTER_DATA_DIR": str(self.data), "HOME": str(self.place / "home")}
        env |= {"JUPYTER_TOKEN": TOKEN, "JUPYTER_NO_CONFIG": "1"}
        argv = [
            "--allow-root",
            "--no-browser",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            "--ServerApp.terminals_enabled=False",
            f"--ServerApp.base_url={BASE_URL}",
            f"--ServerApp.root_dir={self.root}",
            "--ServerApp.jpserver_extensions={'jupyter_workspace': True}",
            *self.options,
        ]
        order = {"env": env, "argv": argv, "log": str(self.log), "limits": self.limits}
        if self.uid is not None:
            order["uid"] = self.uid
        self.pid = self._zygote.fork(order)
        self._watch = os.pidfd_open(self.pid)

    def start(self):
        """Starts it; how long that took until the service was in order, in seconds.

        On a machine that others keep busy the time for which the process was at work counts, unless
        it then waited for something else.
        """
        begun = time.monotonic()
        self.launch()
        self.wait_ready()
        passed = time.monotonic() - begun
        share = 1 + os.getloadavg()[0] / (os.cpu_count() or 1)
        return min(passed, max(self.at_work(), passed / share))

    def at_work(self):
        """The processor time that the process has had, in seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait_ready(self):
        """Waits until the service may be written to."""
        deadline = time.monotonic() + PATIENCE
        api = self._asking = self._asking or self.api(timeout=5)
        while True:
            with suppress(Gone):
                answer = api.get("/")
                api.close()
                if answer.status == 200 and answer.json["status"] != "rebuilding":
                    return answer.json
            assert self.is_running, f"the server ended by itself:\n{self.log_text()[-3000:]}"
            assert time.monotonic() < deadline, f"no server after {PATIENCE} s:\n{self.log_text()[-3000:]}"
            time.sleep(0.02)

    def wait_port(self):
        """Waits until Jupyter itself answers."""
        deadline = time.monotonic() + PATIENCE
        while True:
            with suppress(Gone):
                if self.api().get("", base="api").status == 200:
                    return
            assert self.is_running, f"the server ended by itself:\n{self.log_text()[-3000:]}"
            assert time.monotonic() < deadline, f"no server after {PATIENCE} s"
            time.sleep(0.02)

    @property
    def is_running(self):
        return self._watch is not None and not select.select([self._watch], [], [], 0)[0]

    def kill(self):
        """Ends it as a power switch would end the process: no code of it runs any more."""
        self._end(signal.SIGKILL, 10)

    def stop(self, timeout=15.0):
        """Asks it to stop; how long that took, in seconds."""
        begun = time.monotonic()
        self._end(signal.SIGTERM, timeout)
        return time.monotonic() - begun

    def _end(self, number, timeout):
        if self._watch is None:
            return
        if self.is_running:
            signal.pidfd_send_signal(self._watch, number)
        ended = select.select([self._watch], [], [], timeout)[0]
        if not ended:
            signal.pidfd_send_signal(self._watch, signal.SIGKILL)
        os.close(self._watch)
        self._watch = None
        assert ended, f"the server did not end within {timeout} s:\n{self.log_text()[-3000:]}"

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def descriptors(self):
        """What the process has open, by number."""
        found = {}
        for name in os.listdir(f"/proc/{self.pid}/fd"):  # noqa: PTH208
            with suppress(OSError):
                found[int(name)] = os.readlink(f"/proc/{self.pid}/fd/{name}")  # noqa: PTH115
        return found

    def memory(self, field="VmRSS"):
        """Bytes, as the kernel counts them for the process; `VmHWM` is the peak."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
        raise KeyError(field)

    def forget_peak(self):
        """Lets `VmHWM` begin anew."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
