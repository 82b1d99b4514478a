"""The files of a session: looked at, listed, changed, deleted and taken back."""

from __future__ import annotations

import pytest
from api.wire import query


def trash(session, **parameters):
    return session.call("GET", f"/trash{query(**parameters)}").json()


def restored(session, file_id, **body):
    return session.call("POST", f"/artifacts/{file_id}/restore", json_body=body)


# Change


def test_a_file_is_renamed_and_stays_the_same_file(session):
    # S1-11 C7 C10; API 5 PATCH, 11.30
    before = session.saved("a.csv", b"abc")

    answer = session.call("PATCH", f"/artifacts/{before['attachment_id']}", json_body={"name": "b.txt"})

    after = answer.json()
    assert answer.status == 200
    assert (after["name"], after["path"], after["mime"]) == ("b.txt", "attachments/b.txt", "text/plain")
    same = ("attachment_id", "artifact_id", "version", "sha256", "created_at", "kind", "source")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert session.names() == ["attachments/b.txt"]


def test_a_file_is_moved_and_folders_are_made(session):
    # C7; API 5 PATCH
    att = session.saved("a.csv", b"abc")["attachment_id"]

    moved = session.call("PATCH", f"/artifacts/{att}", json_body={"path": "deep/er/c.csv"})

    assert (moved.status, moved.json()["path"]) == (200, "deep/er/c.csv")
    assert session.names() == ["deep/er/c.csv"]
    assert session.content(att).body == b"abc"


def test_a_file_is_never_renamed_over_another(session):
    # S2-31 C1; API 5 PATCH
    first, second = session.saved("a.csv", b"1"), session.saved("b.csv", b"2")
    (session.folder / "attachments/unknown.csv").write_text("3")

    for name in ("b.csv", "unknown.csv"):
        answer = session.call("PATCH", f"/artifacts/{first['attachment_id']}", json_body={"name": name})
        assert (answer.status, answer.code) == (409, "name_taken")

    assert session.content(first["attachment_id"]).body == b"1"
    assert session.content(second["attachment_id"]).body == b"2"
    assert (session.folder / "attachments/unknown.csv").read_text() == "3"


def test_metadata_is_replaced(session):
    # S2-07; API 5 PATCH
    att = session.saved("a.csv")["attachment_id"]
    session.call("PATCH", f"/artifacts/{att}", json_body={"metadata": {"a": 1, "b": {"c": [None, "é"]}}})

    record = session.file(att).json()

    assert record["metadata"] == {"a": 1, "b": {"c": [None, "é"]}}
    assert record["version"] == 1


@pytest.mark.parametrize(
    "body",
    [{}, {"name": "a", "path": "b"}, {"size": 1}, {"metadata": []}, {"metadata": None}, {"name": 1}, {"name": None}, [], "x", None, {"path": "a/"}],
    ids=str,
)  # fmt: skip
def test_a_change_that_is_none_is_refused(session, body):
    # C17; API 5 PATCH, 11.9
    att = session.saved("a.csv")["attachment_id"]

    answer = session.call("PATCH", f"/artifacts/{att}", json_body=body if body is not None else "null")

    assert answer.status == 400 or body == {"path": "a/"}
    if answer.status == 400:
        assert answer.code in {"body_invalid", "name_invalid"}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'{"name": "a"', b'{"name": "a"} x', b"[" * 100_000, b'{"a":' * 5000]
)
def test_a_body_that_is_no_json_is_refused(session, body):
    # C17; API 14 body_invalid
    att = session.saved("a.csv")["attachment_id"]

    answer = session.call("PATCH", f"/artifacts/{att}", body)

    assert (answer.status, answer.code) == (400, "body_invalid")


# Delete, trash, restore


def test_a_deleted_file_is_in_the_trash_and_nowhere_else(server, session):
    # S2-10 S2-14 S2-15 C20; API 5 DELETE, 11.24
    record = session.saved("a.csv", b"abc")
    att, art = record["attachment_id"], record["artifact_id"]

    answer = session.call("DELETE", f"/artifacts/{att}")

    assert (answer.status, answer.body) == (204, b"")
    for file_id in (att, art):
        assert session.file(file_id).status == 404
        assert session.content(file_id).status == 404
    assert session.call("DELETE", f"/artifacts/{att}").status == 404
    assert session.call("PATCH", f"/artifacts/{att}", json_body={"metadata": {}}).status == 404
    assert (session.files(), session.attachments(), session.names()) == ([], [], [])
    assert session.call("GET").json()["size"] == 0
    (listed,) = trash(session)["trash"]
    assert (listed["attachment_id"], listed["size"]) == (att, 3)
    assert listed["deleted_at"].endswith("Z")
    (event,) = session.events(after=1)
    assert (event["change_type"], event["attachment_id"], event["artifact_id"]) == ("deleted", att, art)


def test_the_path_of_a_deleted_file_is_free_at_once(session):
    # S2-11 S2-12 S2-13 C20; API 5 DELETE
    for n in range(3):
        att = session.saved("a.csv", b"%d" % n, on_conflict="error")["attachment_id"]
        assert session.call("DELETE", f"/artifacts/{att}").status == 204

    assert trash(session)["total"] == 3


def test_a_file_is_deleted_for_good(server, session):
    # S2-16 C20; API 5 DELETE
    att = session.saved("a.csv", b"unique content")["attachment_id"]

    assert session.call("DELETE", f"/artifacts/{att}?permanent=1").status == 204

    assert trash(session)["trash"] == []
    assert restored(session, att).status == 404
    workspace = server.root / "workspace"
    held = [path for path in (workspace / ".jupyter_workspace/trash").rglob("*") if path.is_file()]
    assert not any(b"unique content" in path.read_bytes() for path in held)


@pytest.mark.parametrize("value", ["", "yes", "True", "2"])
def test_permanent_is_a_plain_boolean(session, value):
    # C17; API 11.49
    att = session.saved("a.csv")["attachment_id"]

    assert session.call("DELETE", f"/artifacts/{att}?permanent={value}").status == 400
    assert session.file(att).status == 200


def test_folders_that_others_use_stay_when_a_file_leaves(session):
    # S2-17; API 5 DELETE
    att = session.saved("a.csv", dir="plots")["attachment_id"]
    (session.folder / "plots/mine.txt").write_text("x")

    session.call("DELETE", f"/artifacts/{att}")

    assert (session.folder / "plots/mine.txt").exists()


def test_a_file_comes_back_from_the_trash_as_it_was(session):
    # S2-10 C20; API 5 restore, 11.30, 11.54
    before = session.saved("a.csv", b"abc", dir="deep/er")
    session.call("DELETE", f"/artifacts/{before['attachment_id']}")

    answer = restored(session, before["attachment_id"])

    after = answer.json()
    assert answer.status == 200
    assert {**after, "modified_at": ""} == {**before, "modified_at": ""}
    assert session.content(before["attachment_id"]).body == b"abc"
    assert trash(session)["trash"] == []


def test_a_file_whose_path_was_taken_comes_back_only_under_another(session):
    # S2-31 C1; API 11.29
    att = session.saved("a.csv", b"old")["attachment_id"]
    session.call("DELETE", f"/artifacts/{att}")
    session.saved("a.csv", b"new")

    refused = restored(session, att)
    explicit = restored(session, att, on_conflict="error")
    renamed = restored(session, att, on_conflict="rename")

    assert (refused.status, refused.code, explicit.status) == (409, "name_taken", 409)
    assert (renamed.status, renamed.json()["name"], renamed.json()["attachment_id"]) == (
        200,
        "a (1).csv",
        att,
    )
    assert (session.folder / "attachments/a.csv").read_bytes() == b"new"


@pytest.mark.parametrize(
    "body", [{"on_conflict": "replace"}, {"on_conflict": ""}, {"on_conflict": None}, {"to": "x"}, []], ids=str
)
def test_a_restore_that_cannot_be_is_refused(session, body):
    # C17; API 11.9, 11.29
    att = session.saved("a.csv")["attachment_id"]
    session.call("DELETE", f"/artifacts/{att}")

    assert session.call("POST", f"/artifacts/{att}/restore", json_body=body).status == 400


def test_what_is_not_in_the_trash_is_not_restored(session):
    # S2-15; API 5 restore
    att = session.saved("a.csv")["attachment_id"]

    assert restored(session, att).status in {404, 409}
    assert session.file(att).status == 200


def test_an_old_version_comes_back_as_a_new_one(session):
    # C10; API 11.24, 11.29
    first = session.saved("a.csv", b"old")
    session.put("a.csv", b"new", on_conflict="replace")

    answer = restored(session, first["artifact_id"])

    after = answer.json()
    assert answer.status == 200
    assert (after["attachment_id"], after["version"]) == (first["attachment_id"], 3)
    assert session.content(first["attachment_id"]).body == b"old"


def test_versions_are_served_until_they_are_gone(session):
    # C10; API 11.24
    versions = [session.saved("a.csv", b"0")]
    versions += [session.put("a.csv", b"%d" % n, on_conflict="replace").json() for n in range(1, 4)]

    for n, version in enumerate(versions):
        assert session.content(version["artifact_id"]).body == b"%d" % n
        assert session.file(version["artifact_id"]).json()["version"] == n + 1
    assert session.file(versions[0]["attachment_id"]).json()["version"] == 4
    session.call("DELETE", f"/artifacts/{versions[0]['attachment_id']}")
    for version in versions:
        assert session.file(version["artifact_id"]).status == 404
        assert session.content(version["artifact_id"]).status == 404


def test_the_trash_is_paged(session):
    # C18; API 11.10
    for n in range(3):
        session.call("DELETE", f"/artifacts/{session.saved(f'{n}.csv')['attachment_id']}")

    page = trash(session, limit=2)

    assert (len(page["trash"]), page["total"], page["has_more"]) == (2, 3, True)
    assert not {record["name"] for record in page["trash"]} & {
        record["name"] for record in trash(session, limit=2, offset=2)["trash"]
    }


def test_writes_to_a_closed_session_are_refused_and_reads_go_on(session):
    # S4-18; API 3
    record = session.saved("a.csv", b"abc")
    att = record["attachment_id"]
    session.call("PATCH", json_body={"status": "completed"})

    writes = [
        session.put("b.csv"),
        session.register("attachments/a.csv"),
        session.call("PATCH", f"/artifacts/{att}", json_body={"name": "b.csv"}),
        session.call("DELETE", f"/artifacts/{att}"),
        session.call("POST", f"/artifacts/{att}/restore"),
    ]
    reads = [
        session.file(att),
        session.content(att),
        session.call("GET", "/download"),
        session.poll(),
        session.call("GET", "/trash"),
    ]

    assert {(answer.status, answer.code) for answer in writes} == {(409, "session_closed")}
    assert {answer.status for answer in reads} == {200}
    assert session.files() == [record]
