"""A store, by the kernel's calls and by those that every system has; a session in it, and what lies outside."""

from __future__ import annotations

import pytest
from contract.storing import WAYS

from jupyter_workspace.stores.beneath import KernelResolver, best_resolver
from jupyter_workspace.stores.local import LocalStore


@pytest.fixture(params=WAYS)
async def store(request, tmp_path):
    if request.param == "kernel" and not isinstance(best_resolver(), KernelResolver):
        pytest.skip("this kernel has no openat2")
    resolver, renames = WAYS[request.param]
    store = LocalStore(tmp_path / "root", state_folder=".state", resolver=resolver(), renames=renames())
    await store.open()
    await store.make_session("churn")
    yield store
    await store.close()


@pytest.fixture
def session(store, tmp_path):
    return tmp_path / "root" / "churn"


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_text("secret")
    return folder
