import json
import socket
import sys
from types import SimpleNamespace

import pytest

from jupyter_workspace import errors
from jupyter_workspace.client.discovery import (
    Server,
    find_server,
    kernel_id,
    no_session_hint,
    renewed,
    server_at,
)

LOCAL = {"JUPYTER_WORKSPACE_URL": "http://127.0.0.1:8888/base/", "JUPYTER_WORKSPACE_TOKEN": "secret"}


def written(path, url="http://127.0.0.1:9999/", token="new"):
    path.write_text(json.dumps({"url": url, "token": token}))
    return str(path)


@pytest.fixture
def running_kernel(monkeypatch):
    app = SimpleNamespace(connection_file="/run/kernel-3f2a-91.json")
    module = SimpleNamespace(IPKernelApp=SimpleNamespace(initialized=lambda: True, instance=lambda: app))
    monkeypatch.setitem(sys.modules, "ipykernel.kernelapp", module)
    return app


def test_a_local_kernel_reads_url_and_token():
    found = find_server(LOCAL)

    assert (found.url, found.token, found.is_scoped) == ("http://127.0.0.1:8888/base/", "secret", True)
    assert found.headers == {"X-Jupyter-Workspace-Token": "secret"}
    assert found.base_path == "/base/"
    assert found.api_url == "http://127.0.0.1:8888/base/api/workspace"


def test_a_remote_kernel_reads_them_behind_its_prefix():
    remote = {f"KERNEL_{name}": value for name, value in LOCAL.items()}

    assert find_server(remote).token == "secret"


def test_an_empty_variable_is_none():
    with pytest.raises(errors.NoSession):
        find_server({**LOCAL, "JUPYTER_WORKSPACE_TOKEN": ""})


def test_the_file_alone_is_enough(tmp_path):
    found = find_server({"JUPYTER_WORKSPACE_CONNECTION_FILE": written(tmp_path / "c.json")})

    assert (found.url, found.token) == ("http://127.0.0.1:9999/", "new")


def test_a_kernel_that_outlived_its_server_finds_the_new_one(tmp_path):
    old = find_server({**LOCAL, "JUPYTER_WORKSPACE_CONNECTION_FILE": written(tmp_path / "c.json")})

    new = renewed(old)

    assert (new.url, new.token) == ("http://127.0.0.1:9999/", "new")
    assert renewed(new) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"url": 1, "token": "t"}', '{"url": "ftp://x", "token": "t"}']
)
def test_a_damaged_file_tells_nothing(tmp_path, text):
    path = tmp_path / "c.json"
    path.write_text(text)

    assert renewed(Server("http://127.0.0.1:1/", "t", is_scoped=True, connection_file=str(path))) is None


def test_a_missing_file_tells_nothing(tmp_path):
    server = Server("http://127.0.0.1:1/", "t", is_scoped=True, connection_file=str(tmp_path / "none"))

    assert renewed(server) is None


def test_the_token_is_not_shown():
    assert "secret" not in repr(find_server(LOCAL))


def test_a_users_token_goes_where_the_identity_provider_looks():
    server = server_at("http://127.0.0.1:8888", "full", is_scoped=False)

    assert server.headers == {"Authorization": "token full"}
    assert server.url == "http://127.0.0.1:8888/"


def test_the_apis_own_url_and_a_query_are_understood():
    server = server_at("http://127.0.0.1:8888/base/api/workspace/?token=x", "t", is_scoped=True)

    assert server.url == "http://127.0.0.1:8888/base/"


@pytest.mark.parametrize("url", ["ftp://host/", "host:8888", "", "http:///x"])
def test_what_is_no_url_of_a_server_is_refused(url):
    with pytest.raises(ValueError, match="no URL of a Jupyter server"):
        server_at(url, "t", is_scoped=True)


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", socket.gethostname()])
def test_a_server_on_all_interfaces_is_reached_by_loopback(host):
    server = server_at(f"http://{host}:8888/", "t", is_scoped=True)

    assert server.url == "http://127.0.0.1:8888/"


def test_a_server_on_all_interfaces_without_port_too():
    assert server_at("http://0.0.0.0/", "t", is_scoped=True).url == "http://127.0.0.1/"


def test_with_tls_the_name_of_the_certificate_stays():
    url = f"https://{socket.gethostname()}:8888/"

    assert server_at(url, "t", is_scoped=True).url == url


def test_a_unix_socket_is_reached_through_its_path():
    server = server_at("http+unix://%2Ftmp%2Fjupyter.sock/base/", "t", is_scoped=True)

    assert server.socket_path == "/tmp/jupyter.sock"
    assert server.api_url == "http://localhost/base/api/workspace"
    assert server.is_on_this_machine


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:1/", True),
        ("http://127.9.9.9/", True),
        ("http://[::1]:1/", True),
        ("https://hub.org/", False),
    ],
)
def test_loopback_addresses_are_on_this_machine(url, expected):
    assert server_at(url, "t", is_scoped=True).is_on_this_machine is expected


def test_a_kernel_knows_its_id_from_its_connection_file(running_kernel):
    assert kernel_id({}) == "3f2a-91"


def test_a_kernel_with_another_file_name_is_told_its_id(running_kernel):
    running_kernel.connection_file = "/tmp/tmp123.json"

    assert kernel_id({}) is None
    assert kernel_id({"KERNEL_ID": "k9"}) == "k9"


def test_plain_python_has_no_kernel_and_loads_none(monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel.kernelapp", raising=False)

    assert kernel_id({}) is None
    assert "ipykernel.kernelapp" not in sys.modules


def test_the_hint_fits_plain_python(monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel.kernelapp", raising=False)

    assert "plain Python" in no_session_hint({})


def test_the_hint_fits_a_kernel_without_server(running_kernel):
    assert "papermill" in no_session_hint({})


def test_the_hint_fits_vs_code(running_kernel):
    assert "Existing Jupyter Server" in no_session_hint({"VSCODE_PID": "1"})
