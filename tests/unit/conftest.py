import pytest

from jupyter_workspace.services import manifest
from tests.unit.opening import Clock, Ids, Opener


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def new_id():
    return Ids()


@pytest.fixture
def opener(tmp_path, clock, new_id, monkeypatch):
    # Manifests are written when a test says so, and at the end.
    monkeypatch.setattr(manifest, "QUIET_SECONDS", 3600)
    root = tmp_path / "root"
    root.mkdir()
    return Opener(root, clock, new_id)


@pytest.fixture
async def workspace(opener):
    async with opener(in_memory=True) as opened:
        yield opened
