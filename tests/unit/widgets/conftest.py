"""The fake server of the client's tests, behind the panels."""

import pytest

from jupyter_workspace.client.client import Client
from jupyter_workspace.widgets import live, panels
from tests.unit.client.conftest import environment, folder, here, pauses, server, ws

__all__ = ["environment", "folder", "here", "pauses", "server", "ws"]


class FakeFollower:
    """Tells what a test tells it, at once."""

    def __init__(self, session_id, tell):
        self.session_id = session_id
        self.tell = tell
        self.is_running = False

    def start(self):
        self.is_running = True

    def stop(self):
        self.is_running = False


@pytest.fixture
def session(monkeypatch, ws):
    """The session that the panels of a test find."""
    monkeypatch.setattr(panels, "current", lambda _: ws)
    monkeypatch.setattr(panels, "Follower", FakeFollower)
    monkeypatch.setattr(live, "_loop", lambda: None)
    return ws


@pytest.fixture
def remote(monkeypatch, server):
    """The client that a follower makes for itself reaches the fake server."""
    monkeypatch.setattr(
        live, "Client", lambda: Client("http://127.0.0.1:8888/base/", "secret", is_scoped=True)
    )
    return server
