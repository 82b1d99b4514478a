import httpx2
import pytest

from jupyter_workspace.client import async_client, client, connection
from jupyter_workspace.client.client import Client
from jupyter_workspace.client.place import Place
from jupyter_workspace.client.workspace import Workspace
from jupyter_workspace.models.file import Provenance
from tests.unit.client.fake_server import FakeServer

VARIABLES = (
    "JUPYTER_WORKSPACE_URL",
    "JUPYTER_WORKSPACE_TOKEN",
    "JUPYTER_WORKSPACE_SESSION",
    "JUPYTER_WORKSPACE_ROOT",
    "JUPYTER_WORKSPACE_CONNECTION_FILE",
    "KERNEL_JUPYTER_WORKSPACE_URL",
    "KERNEL_JUPYTER_WORKSPACE_TOKEN",
    "KERNEL_ID",
)


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """No variable of a server that happens to run; a cache of this test's own."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return monkeypatch


@pytest.fixture
def server(monkeypatch):
    """Answers both clients."""
    fake = FakeServer()

    def options(where):
        return {**connection.options_for(where), "transport": httpx2.MockTransport(fake.answer)}

    monkeypatch.setattr(client, "options_for", options)
    monkeypatch.setattr(async_client, "options_for", options)
    return fake


@pytest.fixture
def pauses(monkeypatch):
    """Pauses are noted, not waited for."""
    waited = []

    async def note(seconds):
        waited.append(seconds)

    monkeypatch.setattr(client.time, "sleep", waited.append)
    monkeypatch.setattr(async_client.asyncio, "sleep", note)
    return waited


def make_place(server, environment):
    remote = Client("http://127.0.0.1:8888/base/", "secret", is_scoped=True)
    return Place(remote, remote.get_session("churn"), environment)


@pytest.fixture
def folder(tmp_path):
    """The session's folder on this machine."""
    path = tmp_path / "root" / "workspace" / "churn"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def here(server, folder, tmp_path):
    """A place on the server's machine."""
    place = make_place(
        server, {"JUPYTER_WORKSPACE_ROOT": str(tmp_path / "root"), "XDG_CACHE_HOME": str(tmp_path)}
    )
    yield place
    place.client.close()


@pytest.fixture
def far(server, tmp_path):
    """A place on another machine."""
    place = make_place(server, {"XDG_CACHE_HOME": str(tmp_path)})
    yield place
    place.client.close()


@pytest.fixture
def ws(here):
    return Workspace(here, lambda: Provenance(kernel_id="k1"))


@pytest.fixture
def far_ws(far):
    return Workspace(far, lambda: Provenance(kernel_id="k1"))
