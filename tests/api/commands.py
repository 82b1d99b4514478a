"""The command line, run in the process of a test, and away from what else is on this machine."""

import json
import os

import pytest

from jupyter_workspace.cli.main import main


def be_alone(monkeypatch, folder):
    """No server of this machine's, no notes of other uploads."""
    for name in [name for name in os.environ if name.startswith(("JUPYTER", "KERNEL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "runtime"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))


class Command:
    """Runs the command in this process."""

    def __init__(self, capsys, server):
        self._capsys = capsys
        self.server = ["--url", server.url, "--token", server.token]
        self.out = self.err = ""

    def __call__(self, *words, code=0):
        with pytest.raises(SystemExit) as caught:
            main([*self.server, *map(str, words)])
        self.out, self.err = self._capsys.readouterr()
        assert caught.value.code == code, self.err
        return self.out

    def json(self, *words, code=0):
        """The values of its lines."""
        return [json.loads(line) for line in self(*words, "--json", code=code).splitlines()]
