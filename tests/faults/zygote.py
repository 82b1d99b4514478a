"""A process that has imported the server's code, and forks a server for each order it reads.

Forty restarts would otherwise be forty times the import of Jupyter. What is forked is the real server:
its own process, its own loop, ended by real signals.

An order is a line of JSON: `env`, `argv`, `log` and optionally `uid` and `limits` ({name: number} of
`resource.RLIMIT_*`). The answer is a line with the process id.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys

import jupyter_client.asynchronous  # noqa: F401
import jupyter_server.services.contents.largefilemanager  # noqa: F401
import nbformat
import sqlalchemy.dialects.sqlite.pysqlite  # noqa: F401
from jupyter_server.serverapp import ServerApp

import jupyter_workspace.app  # noqa: F401

PR_SET_PDEATHSIG = 1


def become_server(order):
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.update(order["env"])
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in [(nothing, 0), (log, 1), (log, 2)]:
        os.dup2(source, target)
    for name, number in order.get("limits", {}).items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (number, number))
    if "uid" in order:
        os.setgroups([])
        os.setgid(order["uid"])
        os.setuid(order["uid"])
    os.chdir("/")
    sys.argv = ["jupyter-server", *order["argv"]]
    ServerApp.launch_instance()


def main():
    # Loads what saving a notebook loads: a server of another user may not be able to read it.
    nbformat.validate(nbformat.reads(nbformat.writes(nbformat.v4.new_notebook()), as_version=4))
    # Nobody waits for the servers here; whoever ordered one watches it by its pidfd.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("ready", flush=True)
    while line := sys.stdin.readline():
        process = os.fork()
        if process == 0:
            try:
                become_server(json.loads(line))
            finally:
                os._exit(1)
        print(process, flush=True)


if __name__ == "__main__":
    main()
