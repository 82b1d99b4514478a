"""Counts which statements of the requirements the passing tests of this run have shown."""

from __future__ import annotations

import pytest

from gate import requirements

CITED = pytest.StashKey[dict[str, frozenset[str]]]()
PASSED = pytest.StashKey[set[str]]()


def pytest_configure(config):
    config.stash[CITED] = {}
    config.stash[PASSED] = set()


def pytest_collection_finish(session):
    for item in session.items:
        if isinstance(item, pytest.Function):
            owner = f"{item.cls.__name__}." if item.cls else ""
            cited = requirements.citations(item.path).get(f"{owner}{item.originalname}", frozenset())
            session.config.stash[CITED][item.nodeid] = cited


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call" and report.passed:
        item.config.stash[PASSED].add(item.nodeid)
    return report


def pytest_sessionfinish(session):
    passed, cited = session.config.stash[PASSED], session.config.stash[CITED]
    ids = {name for nodeid in passed for name in cited.get(nodeid, ())}
    requirements.add_shown(ids)


def pytest_terminal_summary(terminalreporter, config):
    unknown = {
        name for ids in config.stash[CITED].values() for name in ids
    } - requirements.statements().keys()
    if unknown:
        terminalreporter.write_line(
            f"requirements: no such statement: {', '.join(sorted(unknown))}", red=True
        )
