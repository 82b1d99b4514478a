"""Starts JupyterLab on the quickstart notebook and uploads its data over HTTP.

The notebook and its files are copied into a folder of their own, so that this folder stays as it is.
Stop it with Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import webbrowser
from pathlib import Path

import httpx2
from jupyter_core.paths import jupyter_runtime_dir

EXAMPLES = Path(__file__).resolve().parent
NOTEBOOK = "examples/quickstart.ipynb"
TOUR = "examples/tour.ipynb"
DATA = "penguins.csv"
START_SECONDS = 60


def main() -> None:
    chosen = arguments()
    prepare(chosen.folder)
    token = secrets.token_hex(16)
    server = start_server(chosen.folder, chosen.port, token)
    try:
        url = wait_for(server)
        session_id = upload(url, token)
        tell(url, token, session_id, chosen.no_browser)
        server.wait(timeout=chosen.seconds)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        print("Stopping.")
    finally:
        stop(server)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=EXAMPLES.parent / ".demo", help="where the copies are put"
    )
    parser.add_argument("--port", type=int, default=8888, help="the first port to try")
    parser.add_argument("--seconds", type=float, default=None, help="stop by itself after so many seconds")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    return parser.parse_args()


def prepare(folder: Path) -> None:
    """Copies the notebooks, unless an earlier run's copies are there."""
    for name in (NOTEBOOK, TOUR):
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists():
            shutil.copyfile(EXAMPLES / copy.name, copy)


def start_server(folder: Path, port: int, token: str) -> subprocess.Popen[bytes]:
    """JupyterLab on the loopback address, its log in the folder."""
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.root_dir": folder,
        "ServerApp.open_browser": False,
    }
    command = [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container there is often nobody else
    # By the environment and not the command line, which other users of the machine can read.
    environment = {**os.environ, "JUPYTER_TOKEN": token}
    with (folder / "jupyterlab.log").open("wb") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)


def wait_for(server: subprocess.Popen[bytes]) -> str:
    """The server's URL, once it answers. It may have had to take another port."""
    description = Path(jupyter_runtime_dir(), f"jpserver-{server.pid}.json")
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        if url := answering(description):
            return url
        time.sleep(0.2)
    stop(server)
    sys.exit("JupyterLab did not start; see jupyterlab.log in the demo's folder.")


def answering(description: Path) -> str | None:
    try:
        url = json.loads(description.read_text(encoding="utf-8"))["url"]
        httpx2.get(f"{url}api").raise_for_status()
    except (OSError, ValueError, httpx2.HTTPError):
        return None
    return url


def upload(url: str, token: str) -> str:
    """Uploads the data into the notebook's session, and gives the session's id."""
    headers = {"Authorization": f"token {token}"}
    with httpx2.Client(base_url=f"{url}api/workspace/", headers=headers, timeout=60) as server:
        session = server.post("sessions/resolve", json={"notebook_path": NOTEBOOK}).raise_for_status().json()
        session_id = session["session_id"]
        with (EXAMPLES / DATA).open("rb") as data:
            parts = {"file": (DATA, data, "text/csv"), "on_conflict": (None, "replace")}
            server.post(f"uploads/{session_id}", files=parts).raise_for_status()
    return session_id


def tell(url: str, token: str, session_id: str, no_browser: bool) -> None:  # noqa: FBT001 - a script's switch
    page = f"{url}lab/tree/{NOTEBOOK}?token={token}"
    api = f"{url}api/workspace/sessions/{session_id}"
    authorization = f"-H 'Authorization: token {token}'"
    print(f"JupyterLab:  {page}")
    print(f"The tour:    {url}lab/tree/{TOUR}?token={token}")
    print(f"The events:  curl {authorization} '{api}/artifact-events?after=0'")
    print(f"All as zip:  curl {authorization} '{api}/download' -o {session_id}.zip", flush=True)
    if not no_browser:
        webbrowser.open(page)


def stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
