import pytest

from jupyter_workspace.errors import DiskFull, FileTooLarge, QuotaExceeded
from jupyter_workspace.policy import limits


def test_a_file_larger_than_the_limit_is_refused_with_both_sizes():
    with pytest.raises(FileTooLarge) as caught:
        limits.check_file_size(11, 10)

    assert caught.value.facts == {"limit": 10, "requested": 11}


def test_a_file_as_large_as_the_limit_passes_and_zero_is_no_limit():
    limits.check_file_size(10, 10)
    limits.check_file_size(10**18, 0)


def test_a_form_may_hold_a_hundred_files_of_the_largest_size():
    assert limits.form_limit(5) == 500
    assert limits.form_limit(0) == 0


def test_a_quota_that_would_be_passed_is_refused_with_its_facts():
    with pytest.raises(QuotaExceeded) as caught:
        limits.check_quota("user", used=90, limit=100, requested=11)

    assert caught.value.facts == {"used": 90, "limit": 100, "requested": 11, "free": 10, "scope": "user"}


def test_what_would_give_way_counts_as_free():
    limits.check_quota("session", used=90, limit=100, requested=15, reclaimable=5)

    with pytest.raises(QuotaExceeded) as caught:
        limits.check_quota("session", used=120, limit=100, requested=16, reclaimable=35)
    assert caught.value.facts["free"] == 15


def test_a_quota_may_be_used_up_exactly_and_zero_is_no_quota():
    limits.check_quota("session", used=90, limit=100, requested=10)
    limits.check_quota("session", used=10**18, limit=0, requested=1)


@pytest.mark.parametrize(("free", "headroom", "requested"), [(100, 20, 81), (10, 20, 1)])
def test_the_headroom_of_a_disk_is_not_given_away(free, headroom, requested):
    with pytest.raises(DiskFull) as caught:
        limits.check_disk(free=free, headroom=headroom, requested=requested)

    assert caught.value.facts == {"requested": requested}


def test_an_empty_file_passes_on_a_full_disk():
    limits.check_disk(free=0, headroom=20, requested=0)
    limits.check_disk(free=100, headroom=20, requested=80)


def test_the_headroom_of_a_small_disk_is_two_percent_of_it():
    assert limits.headroom(512, 10_000) == 200
    assert limits.headroom(512, 10**9) == 512
