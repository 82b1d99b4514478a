import json
import os
import subprocess
import sys

import pytest

from jupyter_workspace.cli import servers
from jupyter_workspace.cli.servers import connect
from jupyter_workspace.errors import ServerUnreachable


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    monkeypatch.setattr(servers, "jupyter_runtime_dir", lambda: str(tmp_path))
    return tmp_path


def describe(runtime, name, port, pid, modified):
    path = runtime / f"jpserver-{name}.json"
    path.write_text(json.dumps({"url": f"http://127.0.0.1:{port}/", "token": f"t{port}", "pid": pid}))
    os.utime(path, (modified, modified))


def told(client):
    with client:
        return client.server.url, client.server.token, client.server.is_scoped


def test_what_is_said_by_hand_comes_first(runtime):
    found = connect("http://127.0.0.1:1/hand/", "t", {"JUPYTER_WORKSPACE_URL": "http://127.0.0.1:2/"})

    assert told(found) == ("http://127.0.0.1:1/hand/", "t", False)


@pytest.mark.parametrize("variable", ["JUPYTER_TOKEN", "JUPYTERHUB_API_TOKEN"])
def test_the_token_of_a_named_server_can_be_in_the_environment(runtime, variable):
    assert told(connect("http://127.0.0.1:1/", None, {variable: "secret"}))[1] == "secret"


def test_a_terminal_of_jupyterlab_knows_its_server(runtime):
    environment = {"JUPYTER_WORKSPACE_URL": "http://127.0.0.1:2/base/", "JUPYTER_WORKSPACE_TOKEN": "scoped"}

    assert told(connect(None, None, environment)) == ("http://127.0.0.1:2/base/", "scoped", True)


def test_a_process_of_a_hub_knows_its_users_server(runtime):
    environment = {"JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:3/user/ada/", "JUPYTERHUB_API_TOKEN": "hub"}

    assert told(connect(None, None, environment)) == ("http://127.0.0.1:3/user/ada/", "hub", False)


def test_the_youngest_server_that_runs_is_taken(runtime):
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    describe(runtime, "old", 4, os.getpid(), 1e9)
    describe(runtime, "young", 5, os.getpid(), 2e9)
    describe(runtime, "killed", 6, int(gone.stdout), 3e9)
    (runtime / "jpserver-broken.json").write_text("{")

    with pytest.warns(UserWarning, match="2 servers of yours run; this is http://127.0.0.1:5/"):
        found = connect(None, None, {})

    assert told(found)[0] == "http://127.0.0.1:5/"


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"JUPYTER_WORKSPACE_URL": "http://127.0.0.1:5/", "JUPYTER_WORKSPACE_TOKEN": "scoped"},
        {"JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:5/", "JUPYTERHUB_API_TOKEN": "hub"},
    ],
)
def test_a_token_that_is_said_by_hand_is_for_the_server_that_is_found(runtime, environment):
    describe(runtime, "one", 5, os.getpid(), 1e9)

    assert told(connect(None, "mine", environment)) == ("http://127.0.0.1:5/", "mine", False)


def test_a_server_that_tells_no_token_is_asked_with_that_of_the_environment(runtime):
    (runtime / "jpserver-1.json").write_text(json.dumps({"url": "http://127.0.0.1:5/", "pid": os.getpid()}))

    assert told(connect(None, None, {"JUPYTER_TOKEN": "mine"}))[1] == "mine"


def test_a_server_that_stops_while_it_is_looked_for_is_passed_over(runtime):
    describe(runtime, "one", 5, os.getpid(), 1e9)
    (runtime / "jpserver-gone.json").symlink_to(runtime / "nothing")

    assert told(connect(None, None, {}))[0] == "http://127.0.0.1:5/"


def test_without_a_server_one_is_told_how_to_start_it(runtime):
    with pytest.raises(ServerUnreachable, match="jupyter lab"):
        connect(None, None, {})
