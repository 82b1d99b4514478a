import json

import pytest
from msgspec import UNSET

from jupyter_workspace import errors
from jupyter_workspace.client import requests as flows
from jupyter_workspace.models.artifact import Register
from jupyter_workspace.models.file import Provenance
from tests.unit.client.flows import SERVICE, answer, record, run, session


def sent(told, index=-1):
    request = told.requests[index]
    return request.method, request.path, dict(request.query)


def body(told, index=-1):
    return json.loads(told.requests[index].body)


def test_the_service_tells_its_version_and_features():
    told = run(flows.get_service(), answer(SERVICE))

    assert told.result.version == "0.1.0"
    assert sent(told) == ("GET", "", {})


def test_a_server_without_the_extension_gives_no_session_with_a_hint():
    with pytest.raises(errors.NoSession, match="Install jupyter-workspace where the server runs"):
        run(flows.get_service(), answer({"message": "Not Found"}, 404))


def test_a_server_with_another_api_says_what_to_install():
    with pytest.raises(errors.WorkspaceError, match=r"Install jupyter-workspace 0\.1\.0"):
        run(flows.get_service(), answer({**SERVICE, "api_version": 2}))


def test_usage_is_read():
    usage = {
        "used_bytes": 5,
        "limit_bytes": 0,
        "used_percent": 0,
        "file_count": 1,
        "trash_bytes": 0,
        "sessions": [],
    }

    told = run(flows.get_usage(), answer(usage))

    assert told.result.used_bytes == 5
    assert sent(told) == ("GET", "/usage", {})


# sessions


def test_sessions_are_listed_with_their_filters():
    told = run(
        flows.list_sessions(status="active", q="chu", ordering="name", limit=5, offset=10),
        answer({"sessions": [session()], "total": 11, "has_more": False}),
    )

    assert [one.session_id for one in told.result.sessions] == ["churn"]
    expected = {"status": "active", "q": "chu", "ordering": "name", "limit": "5", "offset": "10"}
    assert sent(told) == ("GET", "/sessions", expected)


def test_each_session_goes_through_all_pages():
    told = run(
        flows.each_session(q="c"),
        answer({"sessions": [session("a"), session("b")], "total": 3, "has_more": True}),
        answer({"sessions": [session("c")], "total": 3, "has_more": False}),
    )

    assert [one.session_id for one in told.found] == ["a", "b", "c"]
    assert [dict(request.query)["offset"] for request in told.requests] == ["0", "2"]


def test_each_session_ends_when_the_rest_has_been_deleted():
    told = run(flows.each_session(), answer({"sessions": [], "total": 1, "has_more": True}))

    assert told.found == []


def test_a_session_is_created_with_what_was_given():
    told = run(flows.create_session("churn", name="Churn", metadata={"a": 1}), answer(session(), 201))

    assert told.result.session_id == "churn"
    assert body(told) == {
        "session_id": "churn",
        "name": "Churn",
        "description": "",
        "notebook_path": None,
        "metadata": {"a": 1},
    }


def test_a_session_without_an_id_gets_one_from_the_server():
    told = run(flows.create_session(), answer(session(), 201))

    assert "session_id" not in body(told)


def test_putting_a_session_may_be_repeated():
    told = run(flows.put_session("churn"), answer(session(), 201))

    assert sent(told) == ("PUT", "/sessions/churn", {})
    assert told.requests[0].repeatable


def test_a_session_is_resolved_by_kernel():
    told = run(flows.resolve_session(kernel_id="k1"), answer(session()))

    assert sent(told) == ("POST", "/sessions/resolve", {})
    assert body(told) == {"kernel_id": "k1"}


def test_a_session_is_changed_only_where_asked():
    told = run(
        flows.update_session("churn", status="completed", metadata={}, notebooks=["a.ipynb"]),
        answer(session()),
    )

    assert sent(told) == ("PATCH", "/sessions/churn", {})
    assert body(told) == {"status": "completed", "metadata": {}, "notebooks": ["a.ipynb"]}


@pytest.mark.parametrize(("files", "parameters"), [(False, {}), (True, {"files": "1"})])
def test_a_session_is_deleted_with_or_without_its_files(files, parameters):
    told = run(flows.delete_session("churn", files=files), answer(status=204))

    assert sent(told) == ("DELETE", "/sessions/churn", parameters)
    assert told.result is None


def test_connecting_by_id_checks_the_version_first():
    told = run(flows.connect("churn"), answer(SERVICE), answer(session()))

    assert [request.path for request in told.requests] == ["", "/sessions/churn"]


def test_connecting_by_kernel_resolves():
    told = run(flows.connect(kernel_id="k1"), answer(SERVICE), answer(session()))

    assert [request.path for request in told.requests] == ["", "/sessions/resolve"]


# files


def listing(*files, **members):
    return answer({"artifacts": list(files), "total": len(files), "has_more": False, **members})


def test_files_are_listed_with_their_filters():
    told = run(
        flows.list_files(
            "churn", kind="artifact", include_mime="image/", include_ext=["png", "svg"], path="plots"
        ),
        listing(record("plots/loss.png")),
    )

    assert told.result.artifacts[0].path == "plots/loss.png"
    expected = {"kind": "artifact", "include_mime": "image/", "include_ext": "png,svg", "path": "plots"}
    assert sent(told) == ("GET", "/sessions/churn/artifacts", expected)


def test_each_file_follows_the_keyset_cursor():
    told = run(
        flows.each_file("churn", include_ext=iter(["csv"])),
        listing(record(), next="c1"),
        listing(record("attachments/b.csv"), next=None),
    )

    assert [file.name for file in told.found] == ["sales.csv", "b.csv"]
    assert [dict(request.query).get("next") for request in told.requests] == [None, "c1"]
    assert {dict(request.query)["include_ext"] for request in told.requests} == {"csv"}


def test_attachments_are_listed():
    told = run(
        flows.list_attachments("churn", limit=1),
        answer({"attachments": [record()], "total": 1, "has_more": False}),
    )

    assert told.result.attachments[0].kind == "attachment"
    assert sent(told) == ("GET", "/uploads/churn", {"limit": "1"})


def test_a_file_is_read_by_id():
    told = run(flows.get_file("churn", "att_1"), answer(record()))

    assert told.result.name == "sales.csv"
    assert sent(told) == ("GET", "/sessions/churn/artifacts/att_1", {})


def test_a_missing_file_is_also_the_builtin_error():
    with pytest.raises(FileNotFoundError):
        run(flows.get_file("churn", "att_1"), answer({"message": "m", "code": "file_not_found"}, 404))


def test_a_file_is_renamed_and_described():
    told = run(flows.update_file("churn", "att_1", name="b.csv", metadata={"a": 1}), answer(record()))

    assert sent(told)[0] == "PATCH"
    assert body(told) == {"name": "b.csv", "metadata": {"a": 1}}


@pytest.mark.parametrize(("permanent", "parameters"), [(False, {}), (True, {"permanent": "1"})])
def test_a_file_is_deleted(permanent, parameters):
    told = run(flows.delete_file("churn", "att_1", permanent=permanent), answer(status=204))

    assert sent(told) == ("DELETE", "/sessions/churn/artifacts/att_1", parameters)


def test_the_trash_is_listed_and_restored_from():
    trash = run(flows.list_trash("churn"), answer({"trash": [record()], "total": 1, "has_more": False}))
    restored = run(flows.restore_file("churn", "att_1", on_conflict="rename"), answer(record()))

    assert trash.result.trash[0].name == "sales.csv"
    assert sent(restored) == ("POST", "/sessions/churn/artifacts/att_1/restore", {})
    assert body(restored) == {"on_conflict": "rename"}


def test_registering_sends_only_what_was_said():
    what = Register(path="model.pkl", metadata={"a": 1}, provenance=Provenance(kernel_id="k1"))

    told = run(flows.register("churn", what), answer(record("model.pkl"), 201))

    assert told.result.kind == "artifact"
    assert body(told)["provenance"] == {"kernel_id": "k1"}
    assert set(body(told)) == {"path", "metadata", "provenance", "copy", "deduplicate"}


@pytest.mark.parametrize(
    ("what", "repeatable"), [(Register(path="a"), True), (Register(root_path="a"), False)]
)
def test_only_registering_in_place_may_be_repeated(what, repeatable):
    # S0-17: the same path with the same bytes gives the same record; a snapshot would be a second file.
    told = run(flows.register("churn", what), answer(record("a")))

    assert told.requests[0].repeatable is repeatable


def test_a_batch_is_registered_as_a_list():
    told = run(
        flows.register_batch("churn", [Register(path="a"), Register(path="b", name=UNSET)]),
        answer({"count": 2, "saved": [record("a"), record("b")]}, 201),
    )

    assert told.result.count == 2
    assert [one["path"] for one in body(told)] == ["a", "b"]


def test_a_scan_tells_what_it_found():
    told = run(flows.scan("churn"), answer({"created": 1, "updated": 0, "deleted": 0, "truncated": False}))

    assert told.result.created == 1
    assert sent(told) == ("POST", "/sessions/churn/scan", {})
