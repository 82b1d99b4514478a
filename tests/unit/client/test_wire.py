import math
from pathlib import Path

import numpy as np
import pytest

from jupyter_workspace import errors
from jupyter_workspace.client.wire import (
    Lost,
    Request,
    Response,
    ask,
    decoded,
    error_of,
    json_request,
    query,
    route,
)
from jupyter_workspace.models.session import Session
from tests.unit.client.flows import answer, run

READ = Request("GET", "/sessions", repeatable=True)
WRITE = Request("POST", "/sessions", body=b"{}")
NEVER_BEGUN = Lost("refused", begun=False)
BROKEN = Lost("reset", begun=True)


def test_names_in_a_path_cannot_add_a_level():
    assert route("sessions", "a/../b", "x y?#") == "/sessions/a%2F..%2Fb/x%20y%3F%23"


@pytest.mark.parametrize("segments", [("sessions", ""), ("", "x"), ("sessions", "", "artifacts")])
def test_an_empty_id_never_names_the_level_above(segments):
    # S2-25
    with pytest.raises(errors.IdInvalid):
        route(*segments)


def test_the_root_of_the_api_has_no_slash():
    # Jupyter redirects an address with a slash at the end.
    assert route() == ""


def test_query_leaves_none_out_and_words_the_rest():
    parameters = query(
        limit=5, q=None, permanent=True, files=False, wait_seconds=0.5, include_ext=[".png", "csv"]
    )

    assert parameters == (
        ("limit", "5"),
        ("permanent", "1"),
        ("files", "0"),
        ("wait_seconds", "0.5"),
        ("include_ext", ".png,csv"),
    )


def test_metadata_may_hold_numbers_arrays_and_paths():
    body = {"loss": np.float32(0.5), "n": np.int64(3), "shape": np.array([2, 3]), "file": Path("a/b")}

    request = json_request("POST", "/x", body)

    assert request.body == b'{"loss":0.5,"n":3,"shape":[2,3],"file":"a/b"}'
    assert ("Content-Type", "application/json") in request.headers


def test_metadata_without_a_form_in_json_is_refused_by_name():
    with pytest.raises(TypeError, match="object cannot be stored as JSON"):
        json_request("POST", "/x", {"x": object()})


def test_an_array_of_one_number_stays_an_array():
    assert json_request("POST", "/x", np.array([math.pi])).body == b"[3.141592653589793]"


def test_an_answer_of_another_form_says_that_versions_may_differ():
    with pytest.raises(errors.WorkspaceError, match="in the same version"):
        decoded(answer({"session_id": "churn"}), Session)


def test_an_answer_of_somebody_else_says_what_to_look_at():
    elsewhere = Response(404, {}, b"<html>Not found</html>")

    with pytest.raises(errors.WorkspaceError, match="with its base path"):
        raise error_of(elsewhere)


def test_a_good_answer_is_given_back():
    told = run(ask(READ), answer(b"x"))

    assert told.result.body == b"x"
    assert told.requests == [READ]


def test_an_error_answer_becomes_its_class_with_hint_and_facts():
    body = {
        "message": "No.",
        "reason": "Insufficient Storage",
        "code": "quota_exceeded",
        "hint": "H.",
        "used": 3,
    }

    with pytest.raises(errors.QuotaExceeded) as caught:
        run(ask(WRITE), answer(body, 507))

    assert (caught.value.message, caught.value.hint, caught.value.facts) == ("No.", "H.", {"used": 3})


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]"])
def test_an_error_answer_that_is_not_ours_keeps_its_status(body):
    with pytest.raises(errors.WorkspaceError, match="answered 502"):
        run(ask(WRITE), answer(body, 502))


def test_a_redirection_is_no_answer():
    with pytest.raises(errors.WorkspaceError, match="answered 302"):
        run(ask(READ), answer(b"", 302, location="/login"))


def test_an_expected_status_is_given_back():
    assert run(ask(READ, 404), answer(b"", 404)).result.status == 404


def test_a_read_is_repeated_with_growing_pauses_until_it_is_answered():
    told = run(ask(READ), BROKEN, BROKEN, NEVER_BEGUN, answer())

    assert told.pauses == [0.2, 0.5, 1.0]


def test_a_write_that_may_have_arrived_is_not_repeated():
    with pytest.raises(errors.ServerUnreachable, match="reset") as caught:
        run(ask(WRITE), BROKEN)

    assert len(caught.value.told.requests) == 1


def test_a_write_that_never_left_is_repeated():
    assert run(ask(WRITE), NEVER_BEGUN, answer()).result.status == 200


def test_repetitions_are_bounded():
    with pytest.raises(errors.ServerUnreachable) as caught:
        run(ask(READ), *[NEVER_BEGUN] * 5)

    assert len(caught.value.told.pauses) == 4


def test_the_hint_of_a_lost_connection_reaches_the_user():
    with pytest.raises(errors.ServerUnreachable, match="Set SSL_CERT_FILE"):
        run(ask(WRITE), Lost("certificate", begun=True, hint="Set SSL_CERT_FILE."))


def test_busy_is_waited_for_as_long_as_the_server_says():
    busy = answer({"message": "m", "code": "starting"}, 503, retry_after="3")

    told = run(ask(WRITE), busy, answer())

    assert told.pauses == [3.0]


@pytest.mark.parametrize(
    "header", [{}, {"retry_after": "3600"}, {"retry_after": "Wed, 21 Oct 2026 07:28:00 GMT"}]
)
def test_busy_for_an_unknown_or_long_time_is_told_at_once(header):
    with pytest.raises(errors.Busy):
        run(ask(WRITE), answer({"message": "m", "code": "busy"}, 503, **header))


def test_busy_for_ever_is_told_in_the_end():
    busy = answer({"message": "m", "code": "busy"}, 503, retry_after="1")

    with pytest.raises(errors.Busy) as caught:
        run(ask(WRITE), *[busy] * 5)

    assert caught.value.told.pauses == [1.0, 1.0, 1.0, 2.0]


def test_bytes_of_a_pipe_are_not_sent_twice():
    class Pipe:
        length = None

        def chunks(self):
            yield b""

    with pytest.raises(errors.Busy):
        run(ask(Request("PUT", "/x", body=Pipe())), answer({"code": "busy"}, 503, retry_after="1"))


@pytest.mark.parametrize("outcome", [NEVER_BEGUN, answer(b"", 403)])
def test_a_server_that_has_moved_is_found_again(outcome):
    told = run(ask(WRITE), outcome, answer(), renewed=True)

    assert (told.result.status, told.renewals, told.pauses) == (200, 1, [])


def test_a_moved_server_is_looked_for_once():
    with pytest.raises(errors.Forbidden) as caught:
        run(ask(WRITE), answer(b"", 403), answer(b"", 403), renewed=True)

    assert caught.value.told.renewals == 1
