from __future__ import annotations

import pytest
from faults.serving import Server, Zygote


@pytest.fixture(scope="session")
def zygote():
    forking = Zygote()
    yield forking
    forking.close()


@pytest.fixture
def make_server(zygote, tmp_path):
    """Makes servers, each with its own folders and port, not started; they end with the test."""
    made = []

    def make(name="one", **options):
        made.append(Server(zygote, tmp_path / name, **options))
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture
def server(make_server):
    """A server that runs."""
    one = make_server()
    one.start()
    return one
