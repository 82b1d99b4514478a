import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from jupyter_workspace import client, errors
from jupyter_workspace.client import kernel
from jupyter_workspace.client.cell import cell_provenance
from jupyter_workspace.client.kernel import current
from jupyter_workspace.models.file import Provenance


@pytest.fixture
def known_server(server, environment):
    environment.setenv("JUPYTER_WORKSPACE_URL", "http://127.0.0.1:8888/base/")
    environment.setenv("JUPYTER_WORKSPACE_TOKEN", "secret")
    return server


@pytest.fixture
def in_kernel(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(kernel.discovery, "kernel_id", lambda: "k1")


@pytest.fixture
def in_plain_python(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(kernel.discovery, "kernel_id", lambda: None)


def test_a_notebook_finds_its_session_by_kernel_id(known_server, in_kernel):
    with current() as ws:
        assert ws.session_id == "churn"
    assert known_server.requests[-1].url.path.endswith("/sessions/resolve")


def test_the_environment_names_the_session_before_the_kernel(known_server, in_kernel, environment):
    environment.setenv("JUPYTER_WORKSPACE_SESSION", "churn")

    with current():
        assert known_server.requests[-1].url.path.endswith("/sessions/churn")


def test_the_argument_comes_before_all(known_server, in_plain_python, environment):
    environment.setenv("JUPYTER_WORKSPACE_SESSION", "other")

    with current("churn") as ws:
        assert ws.session_id == "churn"


def test_an_empty_id_is_never_another_session(known_server, in_kernel):
    # S2-25
    with pytest.raises(errors.IdInvalid):
        current("")


def test_an_unknown_id_is_an_error_of_its_own(known_server, in_kernel):
    with pytest.raises(errors.SessionNotFound):
        current("none")


def test_a_kernel_without_a_notebook_is_told_what_to_do(known_server, in_kernel):
    known_server.kernels.clear()

    with pytest.raises(errors.NoSession, match="papermill"):
        current()


def test_plain_python_beside_a_server_is_told_to_name_the_session(known_server, in_plain_python):
    with pytest.raises(errors.NoSession, match="Name the session"):
        current()


def test_without_a_server_there_is_no_session(server):
    with pytest.raises(LookupError, match="JUPYTER_WORKSPACE_URL"):
        current()


def test_provenance_knows_kernel_cell_and_count(monkeypatch, in_kernel):
    shell = SimpleNamespace(
        history_manager=SimpleNamespace(input_hist_parsed=[""] * 8),
        kernel=SimpleNamespace(get_parent=lambda: {"metadata": {"cellId": "c-1"}}),
    )
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))

    assert cell_provenance() == Provenance(kernel_id="k1", cell_id="c-1", execution_count=7)


@pytest.mark.parametrize("parent", [None, {}, {"metadata": None}, {"metadata": {"cellId": 3}}])
def test_a_front_end_that_sends_no_cell_id_leaves_it_out(monkeypatch, in_kernel, parent):
    shell = SimpleNamespace(kernel=SimpleNamespace(get_parent=lambda: parent))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))

    assert cell_provenance().cell_id is None


def test_plain_python_has_no_provenance(monkeypatch, in_plain_python):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)

    assert cell_provenance() == Provenance()


def python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_a_kernel_loads_nothing_of_the_server():
    code = """
import sys, jupyter_workspace.client as c
c.current, c.Client, c.AsyncClient, c.Workspace, c.FileHandle
heavy = {"tornado", "jupyter_server", "sqlalchemy", "obstore", "traitlets", "IPython", "ipykernel", "numpy"}
print(sorted(heavy & set(sys.modules)))
"""

    assert python(code) == "[]"


def test_importing_the_package_loads_no_library():
    heavy = "{'msgspec', 'httpx2', 'tornado', 'asyncio'} & set(sys.modules)"

    modules = "jupyter_workspace, jupyter_workspace.client, jupyter_workspace.client.startup"

    assert python(f"import sys, {modules}; print({heavy} or None)") == "None"


def test_importing_the_package_costs_about_as_much_as_starting_python():
    def seconds(code):
        begin = time.perf_counter()
        python(code)
        return time.perf_counter() - begin

    bare = min(seconds("pass") for _ in range(5))
    loaded = min(seconds("import jupyter_workspace") for _ in range(5))

    assert loaded <= 5 * bare


def test_an_unknown_name_is_an_attribute_error():
    assert "Client" in dir(client)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = client.nothing
