from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from jupyter_workspace.policy.retention import Candidate, due_by_age, due_by_size, due_for_room, expired

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def days_ago(key, days, size=0):
    return Candidate(key, NOW - timedelta(days=days), size)


def test_what_is_old_enough_is_due_oldest_first():
    candidates = [days_ago("new", 29), days_ago("old", 30), days_ago("oldest", 99)]

    assert due_by_age(candidates, now=NOW, keep=timedelta(days=30)) == ["oldest", "old"]


def test_keeping_for_no_time_means_for_ever():
    assert due_by_age([days_ago("old", 9999)], now=NOW, keep=timedelta()) == []


def test_the_oldest_go_until_the_rest_fits():
    candidates = [days_ago("a", 1, 50), days_ago("b", 2, 50), days_ago("c", 3, 50)]

    assert due_by_size(candidates, limit=60) == ["c", "b"]
    assert due_by_size(candidates, limit=150) == []
    assert due_by_size(candidates, limit=0) == []


def test_room_is_made_by_the_fewest_and_oldest_that_hold_bytes():
    candidates = [days_ago("empty", 9), days_ago("b", 2, 50), days_ago("c", 3, 50)]

    assert due_for_room(candidates, needed=50) == ["c"]
    assert due_for_room(candidates, needed=500) == ["c", "b"]
    assert due_for_room(candidates, needed=0) == []


def test_what_has_reached_its_end_is_expired():
    candidates = [
        Candidate("past", NOW - timedelta(seconds=1)),
        Candidate("now", NOW),
        days_ago("future", -1),
    ]

    assert expired(candidates, now=NOW) == ["past", "now"]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 99))), st.integers(1, 500))
def test_what_is_left_never_passes_the_limit(ages, limit):
    candidates = [days_ago(str(key), age, size) for key, (age, size) in enumerate(ages)]

    gone = set(due_by_size(candidates, limit=limit))

    assert sum(candidate.size for candidate in candidates if candidate.key not in gone) <= limit
