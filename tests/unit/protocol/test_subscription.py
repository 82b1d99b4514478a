import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_workspace.errors import BodyInvalid
from jupyter_workspace.protocol import subscription


@pytest.mark.parametrize("text", ['{"type": "ping"}', '{"more": [1], "type": "ping"}'])
def test_a_message_is_known_by_its_type(text):
    assert subscription.parse_message(text).type == "ping"


@pytest.mark.parametrize(
    "content", ["", "ping", "[]", "1", "{}", '{"type": 1}', b'{"type": "ping"}', "[" * 100_000]
)
def test_what_is_no_message_is_refused(content):
    with pytest.raises(BodyInvalid):
        subscription.parse_message(content)


@given(st.text(st.characters()))
def test_no_text_brings_anything_but_our_own_error(text):
    for content in (text, f'{{"type": "{text}"}}'):
        try:
            subscription.parse_message(content)
        except BodyInvalid:
            continue


def test_what_the_server_says_is_one_json_object():
    said = [
        subscription.connected("churn", 3),
        subscription.news("churn", [b'{"sequence":4}', b'{"sequence":5}'], 5),
        subscription.reset(9),
        subscription.pong(),
        subscription.failure(BodyInvalid("no")),
    ]

    assert [json.loads(message) for message in said] == [
        {"type": "connected", "session_id": "churn", "cursor": 3},
        {
            "type": "artifact_created",
            "session_id": "churn",
            "events": [{"sequence": 4}, {"sequence": 5}],
            "next_cursor": 5,
        },
        {"type": "reset", "cursor": 9},
        {"type": "pong"},
        {"type": "error", "code": "body_invalid", "message": "no"},
    ]


def test_a_reader_that_was_cut_off_is_told_its_cursor():
    assert subscription.cursor_reason(7) == "cursor=7"
