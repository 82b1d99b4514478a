"""The files of a session: looked at, listed, changed, deleted and taken back."""

from __future__ import annotations

import time

import pytest
from api.running import sha256
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


# Lists


@pytest.fixture(scope="module")
def listed(server):
    """A session of files of several kinds; tests only read it."""
    session = server.session()
    for name, content, folder in [
        ("Beta.csv", b"22", "attachments"), ("alpha.png", b"\x89PNG\r\n\x1a\n", ""), ("gamma.txt", b"4444", "plots"),
        ("delta.tar.gz", b"1", "plots2"), ("100%_done.txt", b"", "plots/deep"),
    ]:  # fmt: skip
        session.saved(name, content, dir=folder)
        time.sleep(0.005)
    session.made("made.csv", b"333")
    return session


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({}, ["made.csv", "100%_done.txt", "delta.tar.gz", "gamma.txt", "alpha.png", "Beta.csv"]),
        ({"ordering": "created_at"}, ["Beta.csv", "alpha.png", "gamma.txt", "delta.tar.gz", "100%_done.txt", "made.csv"]),
        ({"ordering": "size"}, ["100%_done.txt", "delta.tar.gz", "Beta.csv", "made.csv", "gamma.txt", "alpha.png"]),
        ({"ordering": "-size", "limit": 2}, ["alpha.png", "gamma.txt"]),
        ({"kind": "artifact"}, ["made.csv"]),
        ({"kind": "attachment", "limit": 1}, ["100%_done.txt"]),
        ({"include_mime": "image/"}, ["alpha.png"]),
        ({"include_mime": "TEXT/CSV"}, ["made.csv", "Beta.csv"]),
        ({"include_ext": "gz,.CSV"}, ["made.csv", "delta.tar.gz", "Beta.csv"]),
        ({"q": "ET"}, ["Beta.csv"]),
        ({"q": "%"}, ["100%_done.txt"]),
        ({"q": "_"}, ["100%_done.txt"]),
        ({"q": "nothing like it"}, []),
        ({"path": "plots"}, ["100%_done.txt", "gamma.txt"]),
        ({"path": "plots/"}, ["100%_done.txt", "gamma.txt"]),
        ({"path": "plot"}, []),
        ({"path": ""}, ["made.csv", "100%_done.txt", "delta.tar.gz", "gamma.txt", "alpha.png", "Beta.csv"]),
        ({"path": "plots", "include_ext": "txt", "q": "gam"}, ["gamma.txt"]),
        ({"offset": 4}, ["alpha.png", "Beta.csv"]),
        ({"offset": 100}, []),
        ({"limit": 10**6, "q": "a", "kind": "artifact"}, ["made.csv"]),
    ],
)  # fmt: skip
def test_a_list_has_what_was_asked_for_in_its_order(listed, parameters, names):
    # S2-24 S2-38 S2-40 S2-42 C18; API 5, 11.10
    assert [record["name"] for record in listed.files(**parameters)] == names


def test_a_nul_is_part_of_no_name(listed):
    # API 1 Names; SQLite ends a pattern there
    assert listed.files(q="\0") == []


def test_a_page_says_how_much_there_is(listed):
    # S2-39 S2-42 C18; API 1 Paging
    page = listed.call("GET", "/artifacts?limit=4").json()
    last = listed.call("GET", "/artifacts?limit=4&offset=4").json()

    assert (len(page["artifacts"]), page["total"], page["has_more"]) == (4, 6, True)
    assert (len(last["artifacts"]), last["total"], last["has_more"]) == (2, 6, False)


@pytest.mark.parametrize(
    "order", ["name", "-name", "modified_at", "path", "mime", "-created_at", "size,name", "mime,-size"]
)
def test_each_order_is_stable_over_pages(listed, order):
    # C18; API 1 Paging, 11.10
    whole = [record["attachment_id"] for record in listed.files(ordering=order)]

    paged = [
        record["attachment_id"]
        for n in range(6)
        for record in listed.files(ordering=order, limit=1, offset=n)
    ]

    assert paged == whole
    assert len(set(whole)) == 6


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"), ("limit", "-1"), ("limit", "x"), ("limit", ""), ("limit", "1.0"), ("offset", "-1"), ("offset", "x"), ("offset", ""),
        ("offset", str(2**63)), ("ordering", "bogus"), ("ordering", ""), ("ordering", "name,name"), ("ordering", "--name"), ("kind", "x"),
        ("kind", ""), ("next", "bogus"), ("next", "AAAA"),
    ],
)  # fmt: skip
def test_a_bad_parameter_of_a_list_is_refused(listed, name, value):
    # S2-39 C17; API 1 Parameters, 11.9
    answer = listed.call("GET", f"/artifacts?{name}={value}")

    assert (answer.status, answer.code, answer.json()["parameter"]) == (400, "parameter_invalid", name)


@pytest.mark.parametrize("order", [None, "name", "-size,path"])
def test_pages_by_cursor_have_each_earlier_file_once_while_others_come_and_go(session, order):
    # S2-38 C18; API 5 keyset paging, 11.53
    early = [session.saved(f"{n}.csv")["attachment_id"] for n in range(7)]
    seen, cursor, rounds = [], "", 0
    while cursor is not None:
        page = session.call("GET", f"/artifacts{query(limit=2, next=cursor, ordering=order)}").json()
        seen += [record["attachment_id"] for record in page["artifacts"]]
        cursor = page["next"]
        rounds += 1
        session.saved(f"late {rounds}.csv")
        assert rounds < 20

    assert sorted(file_id for file_id in seen if file_id in early) == sorted(early)
    assert len(seen) == len(set(seen))


def test_the_list_over_all_sessions(server, listed):
    # S2-23; API 5 GET /artifacts
    other = server.session()
    other.saved("alpha.png", b"\x89PNG\r\n\x1a\n")

    found = server.call("GET", "/artifacts?q=alpha.png&limit=1000").json()["artifacts"]

    assert {record["session_id"] for record in found} >= {listed.id, other.id}
    assert all(record["name"] == "alpha.png" for record in found)


def test_an_empty_session_id_does_not_widen_anything(server):
    # S2-25; API 11.2
    assert server.call("GET", "/sessions//artifacts").status == 404
    assert server.call("GET", "/uploads/").status == 404


def test_files_of_one_session_are_not_found_through_another(server, session):
    # S2-21 S2-22 S2-24 S2-51 C15; API 1 Ids
    other = server.session(f"{session.id}x")
    record = session.saved("a.csv")

    for file_id in (record["attachment_id"], record["artifact_id"]):
        assert other.file(file_id).status == 404
        assert other.content(file_id).status == 404
        assert other.call("DELETE", f"/artifacts/{file_id}").status == 404
        assert other.call("POST", f"/artifacts/{file_id}/restore").status == 404
    assert session.file(record["attachment_id"]).json() == record


# Scan


def test_a_scan_finds_what_was_made_changed_and_removed(session):
    # S0-62 S0-63 S0-65 S0-66; API 11.35
    for name in ("keep.csv", "change.csv", "remove.csv"):
        session.made(name, b"1")
    (session.folder / "change.csv").write_bytes(b"22")
    (session.folder / "remove.csv").unlink()
    (session.folder / "sub").mkdir()
    (session.folder / "sub/new.csv").write_bytes(b"333")

    answer = session.call("POST", "/scan")
    again = session.call("POST", "/scan")

    assert answer.json() == {"created": 1, "updated": 1, "deleted": 1, "truncated": False}
    assert again.json() == {"created": 0, "updated": 0, "deleted": 0, "truncated": False}
    assert [record["path"] for record in session.files(ordering="path")] == [
        "change.csv",
        "keep.csv",
        "sub/new.csv",
    ]
    events = {(event["change_type"], event["path"]) for event in session.events(after=3)}
    assert events == {("created", "sub/new.csv"), ("updated", "change.csv"), ("deleted", "remove.csv")}


def test_a_changed_file_keeps_its_id_and_gets_a_new_version(session):
    # S0-65 C10; API 11.26
    before = session.made("a.csv", b"1")
    (session.folder / "a.csv").write_bytes(b"22")
    session.call("POST", "/scan")

    after = session.file(before["attachment_id"]).json()

    assert (after["attachment_id"], after["version"], after["sha256"]) == (
        before["attachment_id"],
        2,
        sha256(b"22"),
    )


def test_a_file_moved_in_a_terminal_keeps_its_id(session):
    # C10; API 11.30
    before = session.made("a.csv", b"some content")
    (session.folder / "sub").mkdir()
    (session.folder / "a.csv").rename(session.folder / "sub/b.csv")
    session.call("POST", "/scan")

    (after,) = session.files()

    assert (after["attachment_id"], after["path"]) == (before["attachment_id"], "sub/b.csv")
    assert [event["change_type"] for event in session.events()] == ["created", "updated"]


def test_a_scan_passes_over_what_is_no_file_of_the_user(session, tmp_path):
    # S0-67 S0-69 S0-72 C4; API 11.35
    (tmp_path / "outside.csv").write_text("secret")
    for name in (
        ".hidden",
        "__pycache__/a.pyc",
        ".ipynb_checkpoints/a.ipynb",
        "sub/.git/config",
        "sub/attachments/x.csv",
    ):
        target = session.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("x")
    (session.folder / "link.csv").symlink_to(tmp_path / "outside.csv")

    session.call("POST", "/scan")

    assert [record["path"] for record in session.files()] == ["sub/attachments/x.csv"]


def test_a_foreign_file_among_the_attachments_becomes_one(session):
    # S0-98; API 11.35
    (session.folder / "attachments").mkdir(exist_ok=True)
    (session.folder / "attachments/mine.csv").write_text("x")

    session.call("POST", "/scan")

    (record,) = session.files()
    assert (record["kind"], record["source"]) == ("attachment", "watch")


def test_a_file_that_cannot_be_read_does_not_stop_a_scan(session):
    # S0-69; API 11.35
    (session.folder / "dangling").symlink_to("nowhere")
    (session.folder / "good.csv").write_text("x")

    assert session.call("POST", "/scan").status == 200
    assert [record["path"] for record in session.files()] == ["good.csv"]


def test_a_link_in_the_place_of_a_file_or_a_folder_does_not_stop_a_scan(session, tmp_path):
    # S0-69 S0-72; API 11.35
    for name in ("a.csv", "sub/b.csv", "c.csv"):
        session.made(name, b"x")
    (session.folder / "a.csv").unlink()
    (session.folder / "a.csv").symlink_to("c.csv")
    (session.folder / "sub/b.csv").rename(tmp_path / "b.csv")
    (session.folder / "sub").rmdir()
    (session.folder / "sub").symlink_to(tmp_path)

    scan = session.call("POST", "/scan")

    assert (scan.status, scan.json()["deleted"]) == (200, 2)
    assert [record["path"] for record in session.files()] == ["c.csv"]
