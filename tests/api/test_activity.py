"""What keeps a server awake, and what does not."""

from __future__ import annotations

import json
import time

import pytest

from jupyter_workspace.handlers.routes import ROUTES


def last_activity(server):
    return json.loads(server.request("GET", "api/status", headers=server.login).body)["last_activity"]


QUIET = ("", "/artifacts", "/trash", "/artifact-events?wait_seconds=0")


@pytest.mark.parametrize("path", QUIET)
def test_a_panel_that_watches_does_not_keep_the_server_awake(server, session, path):
    # API 11.43
    before = last_activity(server)
    time.sleep(0.01)

    assert session.call("GET", path).status == 200

    assert last_activity(server) == before


@pytest.mark.parametrize("path", ["/", "/usage", "/sessions", "/artifacts", "/uploads/{}"])
def test_lists_do_not_keep_the_server_awake(server, session, path):
    # API 11.43
    before = last_activity(server)
    time.sleep(0.01)

    assert server.call("GET", path.format(session.id)).status == 200

    assert last_activity(server) == before


def test_transfers_keep_the_server_awake(server, session):
    # API 11.43
    before = last_activity(server)
    time.sleep(0.01)
    record = session.saved("a.csv")
    after_upload = last_activity(server)
    time.sleep(0.01)
    session.content(record["attachment_id"])
    after_download = last_activity(server)

    assert before < after_upload < after_download


def test_only_reading_is_quiet():
    # API 11.43
    for row in ROUTES:
        if row.is_quiet:
            assert row.method in {"GET", "HEAD", "OPTIONS"}, row.operation
            assert "download" not in row.operation
