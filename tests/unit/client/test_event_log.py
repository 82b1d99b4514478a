import pytest

from jupyter_workspace import errors
from jupyter_workspace.client.event_log import follow_events, poll_events
from jupyter_workspace.client.wire import Lost
from tests.unit.client.flows import answer, event, page, run

REFUSED = Lost("refused", begun=False)


def test_a_poll_sends_its_cursor_and_filters():
    told = run(
        poll_events("churn", after=3, wait_seconds=20, limit=5, include_mime=["image/"], max_size=9),
        answer(page(event(4), next_cursor=4)),
    )

    request = told.requests[0]
    assert request.path == "/sessions/churn/artifact-events"
    expected = {"after": "3", "wait_seconds": "20", "limit": "5", "include_mime": "image/", "max_size": "9"}
    assert dict(request.query) == expected
    assert told.result.events[0].sequence == 4


def test_a_poll_is_given_more_time_than_it_waits():
    told = run(poll_events("churn", wait_seconds=60), answer(page()))

    assert told.requests[0].patience_seconds > 60


def test_events_go_on_from_the_cursor_until_there_are_no_more():
    # S0-45
    told = run(
        follow_events("churn", after=1, include_ext=iter(["png"])),
        answer(page(event(2), event(3), next_cursor=3, has_more=True)),
        answer(page(next_cursor=9)),
    )

    assert [one.sequence for one in told.found] == [2, 3]
    assert [dict(request.query)["after"] for request in told.requests] == ["1", "3"]
    assert {dict(request.query)["include_ext"] for request in told.requests} == {"png"}
    assert {dict(request.query)["wait_seconds"] for request in told.requests} == {"0"}


def test_followed_events_wait_for_what_is_to_come():
    told = run(follow_events("churn", follow=True), answer(page(event(1), next_cursor=1)), answer(page()))

    assert {dict(request.query)["wait_seconds"] for request in told.requests} == {"25"}
    assert [dict(request.query)["after"] for request in told.requests] == ["0", "1", "0"]


def test_a_cursor_out_of_reach_is_told_and_the_stream_goes_on():
    # S0-50
    with pytest.warns(UserWarning, match="list the files again"):
        told = run(
            follow_events("churn", after=1),
            answer(page(next_cursor=500, reset=True, has_more=True)),
            answer(page(event(501), next_cursor=501)),
        )

    assert [one.sequence for one in told.found] == [501]
    assert dict(told.requests[1].query)["after"] == "500"


def test_a_followed_log_outlives_a_restart_of_the_server():
    # S0-61
    told = run(follow_events("churn", follow=True), *[REFUSED] * 5, answer(page(event(1), next_cursor=1)))

    assert [one.sequence for one in told.found] == [1]
    assert told.pauses[-1] == 1.0


def test_a_server_that_stays_away_ends_a_followed_log():
    with pytest.raises(errors.ServerUnreachable) as caught:
        run(follow_events("churn", follow=True), *[REFUSED] * 400)

    assert 600 < sum(caught.value.told.pauses) < 1200


def test_a_log_that_is_not_followed_does_not_wait_for_the_server():
    with pytest.raises(errors.Busy) as caught:
        run(follow_events("churn"), answer({"code": "busy"}, 503))

    assert caught.value.told.pauses == []
