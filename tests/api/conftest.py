"""Servers for the whole run, each started at most once, and a fresh session for each test."""

from __future__ import annotations

import pytest
from api.commands import Command, be_alone
from api.running import Server, leftovers

#: What must be looked at when everything else has been done.
LAST = ("test_log.py",)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.name in LAST)


def running(tmp_path_factory, name, login=None, **options):
    made = Server(tmp_path_factory.mktemp(name) / "home", login, **options)
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    yield from running(tmp_path_factory, "server")


@pytest.fixture(scope="session")
def uploading(tmp_path_factory):
    """A server of resumable uploads alone, which must leave nothing behind but what is still open."""
    made = Server(tmp_path_factory.mktemp("tus") / "home", **{"JupyterWorkspace.stall_timeout": 8})
    made.start()
    yield made
    assert "Traceback" not in made.log.read_text()
    assert leftovers(made) == []
    made.stop()


@pytest.fixture(scope="session")
def guarded(tmp_path_factory):
    """A server with two kinds of people, who own what they make, and an authorizer that refuses on demand."""
    yield from running(
        tmp_path_factory,
        "guarded",
        {"X-Person": "ada"},
        **{
            "ServerApp.identity_provider_class": "api.guards.ByHeader",
            "ServerApp.authorizer_class": "api.guards.Refusing",
            "ServerApp.allow_unauthenticated_access": False,
            "JupyterWorkspace.owner_from_identity": True,
        },
    )


@pytest.fixture(scope="session")
def limited(tmp_path_factory):
    """A server with small limits, and with every switch in its other position."""
    yield from running(
        tmp_path_factory,
        "limited",
        **{
            "JupyterWorkspace.max_file_size": 100_000,
            "JupyterWorkspace.max_session_size": 250_000,
            "JupyterWorkspace.max_user_size": 600_000,
            "JupyterWorkspace.deny_types": [".exe", "text/html"],
            "JupyterWorkspace.event_window": 10,
            "JupyterWorkspace.stall_timeout": 1.5,
            "JupyterWorkspace.inline_data_uri": True,
            "JupyterWorkspace.inline_data_uri_size": 1000,
            "JupyterWorkspace.clean_attachments_on_close": True,
            "JupyterWorkspace.workspace_dir": "deep/work space",
            "ServerApp.allow_origin": "https://lab.example",
            "ContentsManager.allow_hidden": True,
        },
    )


@pytest.fixture
def session(server):
    return server.session()


@pytest.fixture
def sid(session):
    return session.id


# The command line


@pytest.fixture
def alone(monkeypatch, tmp_path):
    be_alone(monkeypatch, tmp_path)


@pytest.fixture
def command(alone, capsys, server):
    return Command(capsys, server)
