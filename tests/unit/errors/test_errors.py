import json

import pytest

from jupyter_workspace import errors
from jupyter_workspace.errors import CATALOGUE, WorkspaceError, error_from_answer

#: API.md, 11.14 and 11.45, with the statuses of its sections.
CODES = {
    400: (
        "name_invalid path_escapes parameter_invalid body_invalid form_invalid file_missing id_invalid "
        "digest_mismatch not_a_directory not_empty is_session"
    ),
    403: "forbidden link_invalid",
    404: "session_not_found file_not_found upload_not_found run_not_found source_not_found",
    409: "name_taken session_exists session_closed offset_mismatch run_active run_not_active key_reused",
    410: "link_expired version_gone upload_gone",
    412: "tus_version precondition_failed",
    413: "file_too_large",
    415: "type_refused",
    416: "range_invalid",
    422: "infected",
    423: "upload_locked",
    460: "checksum_mismatch",
    503: "scan_unavailable busy starting",
    507: "quota_exceeded disk_full",
}
PAIRS = [(status, code) for status, codes in CODES.items() for code in codes.split()]


@pytest.mark.parametrize(("status", "code"), PAIRS)
def test_each_code_of_the_contract_is_a_class_with_its_status(status, code):
    assert CATALOGUE[code].status == status


def every_class(root=WorkspaceError):
    for child in root.__subclasses__():
        yield child
        yield from every_class(child)


def test_no_two_classes_share_a_code():
    ours = [leaf for leaf in every_class() if leaf.__module__ == errors.__name__]
    own = [leaf.code for leaf in ours if "code" in vars(leaf)]

    assert len(own) == len(set(own)) == len(CATALOGUE)


@pytest.mark.parametrize("leaf", CATALOGUE.values(), ids=lambda leaf: leaf.code)
def test_each_class_says_something_without_being_told(leaf):
    error = leaf()

    assert error.message == leaf.default_message
    assert error.message.endswith(".")
    assert leaf.__name__ in errors.__doc__


# S0-13, S1-14, S4-10, S4-37, C28: the Jupyter form plus a stable code, no trace, no path
def test_an_answer_has_message_reason_code_hint_and_facts():
    error = errors.QuotaExceeded(used=1, limit=2, requested=3, scope="session")

    assert error.answer("Insufficient Storage") == {
        "message": "There is not enough quota left.",
        "reason": "Insufficient Storage",
        "code": "quota_exceeded",
        "hint": errors.QuotaExceeded.default_hint,
        "used": 1,
        "limit": 2,
        "requested": 3,
        "scope": "session",
    }
    assert "hint" not in errors.ParameterInvalid(parameter="limit").answer("Bad Request")


def test_a_fact_cannot_pass_for_the_code():
    answer = errors.NameTaken(code="something else", message_="x").answer("Conflict")

    assert answer["code"] == "name_taken"


@pytest.mark.parametrize("leaf", CATALOGUE.values(), ids=lambda leaf: leaf.code)
def test_a_client_gets_the_class_back_from_the_answer(leaf):
    error = leaf("What happened.", hint="What to do.", limit=5, path="ä/b")

    again = error_from_answer(leaf.status, json.loads(json.dumps(error.answer("Reason"))))

    assert type(again) is leaf
    assert (again.message, again.hint, again.facts) == (error.message, error.hint, error.facts)


# API 11.6: answers of others may lack a code or be odd
@pytest.mark.parametrize(
    ("status", "answer", "kind", "message"),
    [
        (403, {"message": "Forbidden", "reason": None}, errors.Forbidden, "Forbidden"),
        (404, {"message": "Not Found", "reason": "x"}, WorkspaceError, "Not Found"),
        (500, {"reason": "Internal Server Error"}, WorkspaceError, "Internal Server Error"),
        (502, {}, WorkspaceError, "The server answered 502."),
        (
            418,
            {"code": "teapot", "not an identifier": 1, "size": 2},
            WorkspaceError,
            "The server answered 418.",
        ),
        (400, {"code": None, "message": 5}, WorkspaceError, "5"),
    ],
)
def test_an_answer_of_somebody_else_is_an_error_too(status, answer, kind, message):
    error = error_from_answer(status, answer)

    assert type(error) is kind
    assert error.message == message
    assert "not an identifier" not in error.facts


# API 9: errors are also the builtin ones
@pytest.mark.parametrize(
    ("leaf", "builtin"),
    [
        (errors.FileNotFound, FileNotFoundError),
        (errors.SourceNotFound, FileNotFoundError),
        (errors.NameTaken, FileExistsError),
        (errors.SessionExists, FileExistsError),
        (errors.Forbidden, PermissionError),
        (errors.NotADirectory, NotADirectoryError),
        (errors.NoSession, LookupError),
        (errors.AmbiguousName, LookupError),
        (errors.ServerUnreachable, ConnectionError),
    ],
)
def test_some_errors_are_the_builtin_error_of_their_kind(leaf, builtin):
    with pytest.raises(builtin, match="a message"):
        raise leaf("a message")


def test_an_error_shows_its_hint_to_a_person():
    assert str(errors.Busy("Wait.", hint="Soon.")) == "Wait. Soon."
    assert str(errors.RangeInvalid()) == "The range lies beyond the end of the file."


def test_who_is_told_to_come_back_is_told_when():
    assert all(leaf.retry_after > 0 for leaf in CATALOGUE.values() if issubclass(leaf, errors.Unavailable))
