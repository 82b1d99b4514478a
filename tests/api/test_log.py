"""What the servers wrote into their logs during all the tests before."""

from __future__ import annotations

import json
import re

import pytest

SERVERS = ("server", "guarded", "limited")


@pytest.fixture(params=SERVERS)
def logged(request):
    return request.getfixturevalue(request.param)


def test_no_secret_is_in_a_log(logged):
    # S0-86; API 1 Errors
    log = logged.log.read_text(errors="replace")
    (path,) = (logged.data / "jupyter_workspace").glob("*.connection.json")

    assert logged.token not in log
    assert json.loads(path.read_text())["token"] not in log


def test_nothing_failed_that_nobody_expected(logged):
    # S0-16 S4-10
    log = logged.log.read_text(errors="replace")

    assert "Traceback (most recent call last)" not in log
    assert not re.search(r"\b(?:never awaited|never retrieved|ResourceWarning|unclosed)\b", log)
    assert not re.search(r"\[E ", log)


def test_no_answer_was_a_failure_of_the_server(logged):
    # S4-10; API 1 Errors
    log = logged.log.read_text(errors="replace")

    assert not re.search(r"\b500 (?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) ", log)
