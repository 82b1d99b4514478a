"""What the service says of itself."""

from __future__ import annotations

import pytest
from api.running import Session

from jupyter_workspace._version import __version__


def test_the_service_says_what_it_is_and_can(server):
    # S3-07 S1-05; API 2, 11.13
    answer = server.call("GET", "/")

    service = answer.json()
    assert answer.status == 200
    assert service["name"] == "jupyter_workspace"
    assert service["version"] == __version__
    assert service["api_version"]
    assert (service["status"], service["workspace_dir"]) == ("ok", "workspace")
    assert all({"code", "message"} <= set(problem) for problem in service["problems"])
    assert set(service["limits"]) == {
        "max_file_size", "max_session_size", "max_user_size", "min_part_size", "max_part_size",
    }  # fmt: skip
    assert (service["limits"]["max_file_size"], service["limits"]["max_user_size"]) == (0, 0)
    assert set(service["features"]) >= {
        "tus", "links", "runs", "scan", "quota", "previews", "data_uri", "url_sources", "watch",
    }  # fmt: skip
    assert all(isinstance(works, bool) for works in service["features"].values())


def test_the_service_is_found_with_and_without_a_slash(server):
    # API 2
    assert server.call("GET", "").json()["name"] == server.call("GET", "/").json()["name"]


def test_limits_and_switches_are_told(limited):
    # S2-89 S2-48 C16; API 2, 11.13
    service = limited.call("GET", "/").json()

    assert (service["limits"]["max_file_size"], service["limits"]["max_session_size"]) == (100_000, 250_000)
    assert (service["features"]["quota"], service["features"]["data_uri"]) == (True, True)
    assert service["workspace_dir"] == "deep/work space"


def test_usage_counts_live_files_and_the_trash_apart(limited):
    # S2-48 S2-14 S2-89; API 2, 11.25
    session = limited.session()
    before = limited.call("GET", "/usage").json()
    session.saved("a.csv", b"x" * 600)
    deleted = session.saved("b.csv", b"x" * 400)["attachment_id"]
    session.call("DELETE", f"/artifacts/{deleted}")

    after = limited.call("GET", "/usage").json()

    assert after["used_bytes"] - before["used_bytes"] == 600
    assert after["file_count"] - before["file_count"] == 1
    assert after["limit_bytes"] == 600_000
    assert after["used_percent"] == round(after["used_bytes"] / 6000, 1)
    (own,) = [entry for entry in after["sessions"] if entry["session_id"] == session.id]
    assert (own["used_bytes"], own["trash_bytes"], own["file_count"]) == (600, 400, 1)
    session.call("DELETE", "?files=1")


def test_usage_without_a_limit(server):
    # S2-48 S2-89; API 2
    usage = server.call("GET", "/usage").json()

    assert (usage["limit_bytes"], usage["used_percent"]) == (0, 0)


def test_the_description_of_the_routes_is_served(server):
    # S3-01 S3-05; API 2
    answer = server.call("GET", "/openapi.json")

    if answer.status == 404:
        pytest.skip("this server has no description of its routes")
    assert answer.json()["openapi"].startswith("3.1")


def test_two_workspaces_of_one_home_know_nothing_of_each_other(limited, server):
    # S2-03 S2-22; API 11.1
    mine = server.session()

    assert Session(limited, mine.id).call("GET").status == 404
