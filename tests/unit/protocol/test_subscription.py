"""Messages of the socket: what a client may say, and how the server says what it says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_workspace.errors import BodyInvalid, SessionNotFound
from jupyter_workspace.protocol.subscription import (
    connected,
    cursor_reason,
    failure,
    news,
    parse_message,
    pong,
    reset,
)


# S4-24
def test_a_message_has_a_type_and_may_have_more():
    assert parse_message('{"type": "ping", "more": [1]}').type == "ping"


# S4-25
@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "1", "null", '"ping"', "{}", '{"type": null}', '{"type": NaN}', "[" * 100_000, b"{}"],
)
def test_what_is_no_message_is_refused(content):
    with pytest.raises(BodyInvalid):
        parse_message(content)


@given(st.text())
def test_whatever_a_client_says_is_a_message_or_refused(content):
    try:
        message = parse_message(content)
    except BodyInvalid:
        return
    assert json.loads(content)["type"] == message.type


@given(st.lists(st.dictionaries(st.text(), st.integers() | st.text())), st.integers(0, 2**63 - 1))
def test_news_hold_the_events_as_they_were_encoded(events, cursor):
    told = json.loads(news("churn", [json.dumps(event).encode() for event in events], cursor))

    assert told == {
        "type": "artifact_created",
        "session_id": "churn",
        "events": events,
        "next_cursor": cursor,
    }


def test_the_other_messages_are_those_of_the_contract():
    # S4-23; API 7, 11.38
    assert json.loads(connected("churn", 3)) == {"type": "connected", "session_id": "churn", "cursor": 3}
    assert json.loads(reset(9)) == {"type": "reset", "cursor": 9}
    assert json.loads(pong()) == {"type": "pong"}
    assert json.loads(failure(SessionNotFound())) == {
        "type": "error",
        "code": "session_not_found",
        "message": "There is no such session.",
    }
    assert cursor_reason(7) == "cursor=7"
