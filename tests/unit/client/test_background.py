import threading

import pytest

from jupyter_workspace import errors
from jupyter_workspace.client import background
from jupyter_workspace.client.background import Background

SECONDS = 10


def failing(error):
    def job():
        raise error

    return job


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def thread(pauses):
    made = Background(patience_seconds=30, pause=pauses.append)
    yield made
    assert made.wait(SECONDS)


def test_jobs_are_done_in_order_by_another_thread(thread):
    done = []

    for number in range(100):
        thread.put(lambda number=number: done.append((number, threading.current_thread().name)))

    assert thread.wait(SECONDS)
    assert done == [(number, "jupyter-workspace") for number in range(100)]


def test_a_server_that_is_away_is_waited_for_and_the_order_kept(thread, pauses):
    done, answers = [], [errors.ServerUnreachable(), errors.Busy(), None]

    def first():
        if (error := answers.pop(0)) is not None:
            raise error
        done.append("first")

    thread.put(first)
    thread.put(lambda: done.append("second"))

    assert thread.wait(SECONDS)
    assert done == ["first", "second"]
    assert pauses == [0.5, 1.0]


def test_a_server_that_stays_away_ends_in_a_warning(thread, pauses):
    thread.put(failing(errors.ServerUnreachable("gone")))

    assert thread.wait(SECONDS)
    with pytest.warns(UserWarning, match="not told to its session .gone"):
        thread.warn()
    assert 30 <= sum(pauses) < 60
    assert max(pauses) == 10


def test_failures_are_said_once_until_it_works_again(thread):
    for _ in range(3):
        thread.put(failing(ValueError("bad")))
    assert thread.wait(SECONDS)
    with pytest.warns(UserWarning, match="bad"):
        thread.warn()
    thread.put(failing(ValueError("bad")))
    assert thread.wait(SECONDS)
    thread.warn()

    thread.put(lambda: None)
    thread.put(failing(KeyError()))
    assert thread.wait(SECONDS)

    with pytest.warns(UserWarning, match="KeyError"):
        thread.warn()


def test_too_many_jobs_are_not_kept(thread, monkeypatch):
    monkeypatch.setattr(background, "MOST_JOBS", 1)
    gate = threading.Event()
    thread.put(gate.wait)

    thread.put(failing(AssertionError("was kept")))
    gate.set()

    assert thread.wait(SECONDS)
    with pytest.warns(UserWarning, match="too many"):
        thread.warn()


def test_waiting_has_an_end(thread):
    gate = threading.Event()
    thread.put(gate.wait)

    assert not thread.wait(0.01)
    gate.set()
