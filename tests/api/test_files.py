"""Files by path: the workspace folder as a tree of sessions."""

from __future__ import annotations

import pytest
from api.running import BASE_URL
from api.wire import file_part, form, form_type, query, text_part

ITEM = {"name", "is_dir", "size", "mime", "modified_at", "path", "attachment_id"}


def listing(server, path="", **parameters):
    return server.call("GET", f"/files{query(path=path, **parameters)}")


def upload(server, *parts, **headers):
    return server.call("POST", "/files/upload", form(*parts), {**form_type(), **headers})


def delete(server, path, **body):
    return server.call("POST", "/files/delete", json_body={"path": path, **body})


@pytest.fixture
def tree(session):
    """A session with files and folders."""
    session.saved("came.in")
    session.saved("b.csv", b"22", dir="")
    session.saved("A.txt", b"1", dir="")
    session.saved("deep.png", b"\x89PNG\r\n\x1a\n", dir="Plots/deep")
    session.saved("c.csv", b"333", dir="data")
    (session.folder / "empty").mkdir()
    (session.folder / "unknown.bin").write_bytes(b"4444")
    (session.folder / ".hidden").write_text("x")
    return session


def test_the_root_has_the_sessions(server, session):
    # S1-16 S1-18 S3-12 S3-16 S3-41 C19; API 8, 11.36
    (server.workspace / "a plain folder").mkdir(exist_ok=True)
    (server.workspace / "a plain file").touch()

    answer = listing(server, "", limit=1000)

    page = answer.json()
    assert (answer.status, page["base"], page["crumbs"]) == (200, ".", [{"label": "/", "path": ""}])
    names = [item["name"] for item in page["items"]]
    assert session.id in names
    assert all(item["is_dir"] for item in page["items"])
    assert not {"a plain folder", "a plain file", ".jupyter_workspace"} & set(names)
    assert listing(server, ".", limit=1000).json() == page


def test_a_folder_has_folders_first_then_files_by_lower_case_name(server, tree):
    # S1-16 S1-17 S1-19 S3-17 S3-18 S3-19 S3-21 C19; API 8
    page = listing(server, tree.id).json()

    assert set(page) == {"base", "crumbs", "items", "total", "has_more"}
    assert [item["name"] for item in page["items"]] == [
        "attachments",
        "data",
        "empty",
        "Plots",
        "A.txt",
        "b.csv",
        "unknown.bin",
    ]
    assert (page["base"], page["total"], page["has_more"]) == (tree.id, 7, False)
    for item in page["items"]:
        assert set(item) == ITEM
        assert item["modified_at"].endswith("Z")
        assert item["path"] == f"{tree.id}/{item['name']}"


def test_an_item_says_what_it_is(server, tree):
    # S1-19 S1-20 S1-21 S3-17 C8; API 8
    items = {item["name"]: item for item in listing(server, tree.id).json()["items"]}

    assert (items["data"]["is_dir"], items["data"]["size"], items["data"]["attachment_id"]) == (
        True,
        None,
        None,
    )
    assert (items["b.csv"]["is_dir"], items["b.csv"]["size"], items["b.csv"]["mime"]) == (
        False,
        2,
        "text/csv",
    )
    assert items["b.csv"]["attachment_id"] in [record["attachment_id"] for record in tree.files()]
    assert items["unknown.bin"]["size"] == 4


def test_crumbs_lead_back_to_the_root(server, tree):
    # S3-11 S3-16 S3-20; API 8
    page = listing(server, f"{tree.id}/Plots/deep").json()

    assert page["base"] == f"{tree.id}/Plots/deep"
    assert page["crumbs"] == [
        {"label": "/", "path": ""},
        {"label": tree.id, "path": tree.id},
        {"label": "Plots", "path": f"{tree.id}/Plots"},
        {"label": "deep", "path": f"{tree.id}/Plots/deep"},
    ]


def test_each_listed_path_can_be_listed_or_downloaded(server, tree):
    # S1-11 S1-20 C7; API 8, 11.12
    left, seen = [tree.id], []
    while left:
        for item in listing(server, left.pop()).json()["items"]:
            if item["is_dir"]:
                left.append(item["path"])
            else:
                answer = server.call("GET", f"/files/download{query(path=item['path'])}")
                seen.append(item["name"])
                assert (answer.status, len(answer.body)) == (200, item["size"])

    assert sorted(seen) == ["A.txt", "b.csv", "c.csv", "came.in", "deep.png", "unknown.bin"]


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({"limit": 2}, ["attachments", "data"]),
        ({"limit": 2, "offset": 3}, ["Plots", "A.txt"]),
        ({"offset": 7}, []),
        ({"q": "AT"}, ["attachments", "data"]),
        ({"q": "csv"}, ["b.csv"]),
        ({"ordering": "-name", "limit": 3}, ["Plots", "empty", "data"]),
    ],
)
def test_a_folder_is_listed_as_asked(server, tree, parameters, names):
    # C18; API 8, 11.10
    assert [item["name"] for item in listing(server, tree.id, **parameters).json()["items"]] == names


@pytest.mark.parametrize(
    ("name", "value"),
    [("limit", "0"), ("limit", "x"), ("offset", "-1"), ("ordering", "bogus"), ("ordering", "")],
)
def test_a_bad_parameter_is_refused(server, tree, name, value):
    # C17; API 1 Parameters
    answer = server.call("GET", f"/files?path={tree.id}&{name}={value}")

    assert (answer.status, answer.json()["parameter"]) == (400, name)


def test_what_is_missing_is_not_found_and_a_file_is_no_folder(server, tree):
    # S1-22 S1-23 S1-28 S3-21 C19; API 8
    for path in ("unknown", f"{tree.id}/nowhere", f"{tree.id}/b.csv/x", f"{tree.id}/.hidden"):
        assert listing(server, path).status in {400, 404}
        assert server.call("GET", f"/files/download{query(path=path)}").status == 404
    assert listing(server, f"{tree.id}/nowhere").status == 404
    file = listing(server, f"{tree.id}/b.csv")
    assert (file.status, file.code) == (400, "not_a_directory")


def test_a_download_needs_a_path(server):
    # S1-24 C17; API 8
    for target in ("/files/download", "/files/download?path="):
        answer = server.call("GET", target)
        assert (answer.status, answer.json()["parameter"]) == (400, "path")


def test_a_downloaded_file_is_always_an_attachment(server, session):
    # S1-25 S3-24 C13; API 6
    record = session.saved("a.png", b"\x89PNG\r\n\x1a\n")

    answer = server.call("GET", f"/files/download{query(path=record['files_path'])}")
    part = server.call(
        "GET", f"/files/download{query(path=record['files_path'])}", headers={"Range": "bytes=1-3"}
    )

    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["ETag"] == f'"{record["sha256"]}"'
    assert (part.status, part.body) == (206, b"PNG")


# Upload


def test_a_file_is_uploaded_to_a_path(server, session):
    # S1-06 S1-09 S1-10 S3-25 S3-26 S3-30 C3 C29; API 8
    one = upload(server, text_part("path", f"{session.id}/new/folder"), file_part(b"abc", "a.csv"))
    many = upload(server, file_part(b"1", "b.csv", field="files"), text_part("path", session.id))

    assert (one.status, one.json()["path"], one.json()["kind"]) == (201, "new/folder/a.csv", "attachment")
    assert one.headers["Location"].startswith(f"{BASE_URL}api/workspace/sessions/{session.id}/artifacts/")
    assert (many.status, many.json()["count"], many.json()["saved"][0]["path"]) == (201, 1, "b.csv")
    assert session.names() == ["b.csv", "new/folder/a.csv"]


def test_a_taken_name_is_an_error_unless_something_else_is_asked_for(server, session):
    # S2-31 S3-29 C1; API 4 on_conflict
    where = text_part("path", session.id)
    upload(server, where, file_part(b"1", "a.csv"))

    plain = upload(server, where, file_part(b"2", "a.csv"))
    renamed = upload(server, where, text_part("on_conflict", "rename"), file_part(b"3", "a.csv"))
    replaced = upload(server, where, file_part(b"4", "a.csv"), text_part("on_conflict", "replace"))

    assert (plain.status, plain.code) == (409, "name_taken")
    assert (renamed.status, renamed.json()["name"]) == (201, "a (1).csv")
    assert (replaced.status, replaced.json()["version"]) == (200, 2)
    assert (session.folder / "a.csv").read_bytes() == b"4"


@pytest.mark.parametrize("path", [None, "", ".", "/"])
def test_nothing_is_uploaded_to_the_root(server, path):
    # S2-24 C12; API 11.36
    before = sorted(server.workspace.iterdir())
    parts = [file_part(b"x", "a.csv")] + ([text_part("path", path)] if path is not None else [])

    answer = upload(server, *parts)

    assert answer.status == 400
    assert sorted(server.workspace.iterdir()) == before


def test_an_upload_to_an_unknown_session_makes_none(server):
    # C12; API 3
    answer = upload(server, text_part("path", "unknown-session/x"), file_part(b"x", "a.csv"))

    assert (answer.status, answer.code) == (404, "session_not_found")
    assert not (server.workspace / "unknown-session").exists()


def test_a_file_in_the_way_is_an_error(server, session):
    # S3-27 C29; API 11.16
    session.saved("a", dir="")

    answer = upload(server, text_part("path", f"{session.id}/a"), file_part(b"x", "b.csv"))

    assert (answer.status, answer.code) == (400, "not_a_directory")


# Delete


def test_a_file_is_deleted_by_path_and_comes_back(server, session):
    # S3-36 S3-39 C20; API 8
    record = session.saved("a.csv", b"abc")

    answer = delete(server, record["files_path"])

    assert (answer.status, answer.json()) == (200, {"ok": True, "path": record["files_path"]})
    assert session.names() == []
    assert session.events(after=1)[0]["change_type"] == "deleted"
    assert session.call("POST", f"/artifacts/{record['attachment_id']}/restore").status == 200
    assert session.content(record["attachment_id"]).body == b"abc"


def test_a_folder_is_deleted_only_when_it_is_empty_or_all_is_meant(server, tree):
    # S3-36 C20; API 8
    full = delete(server, f"{tree.id}/Plots")
    empty = delete(server, f"{tree.id}/empty")
    whole = delete(server, f"{tree.id}/Plots", recursive=True)

    assert (full.status, full.code) == (400, "not_empty")
    assert (empty.status, whole.status) == (200, 200)
    assert not (tree.folder / "Plots").exists()
    assert not (tree.folder / "empty").exists()
    assert "deep.png" not in [record["name"] for record in tree.files()]
    assert "deep.png" in [record["name"] for record in tree.call("GET", "/trash").json()["trash"]]


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_the_root_is_never_deleted(server, session, path):
    # S3-37 C20; API 8
    session.saved("a.csv")

    answer = delete(server, path, recursive=True, permanent=True)

    assert answer.status == 400
    assert session.names() == ["attachments/a.csv"]


def test_a_sessions_own_folder_is_not_deleted_here(server, session):
    # C20; API 11.36
    answer = delete(server, session.id, recursive=True)

    assert (answer.status, answer.code) == (400, "is_session")
    assert session.folder.is_dir()


def test_what_is_missing_is_not_deleted(server, session):
    # S3-38 S2-15; API 8
    for path in (f"{session.id}/nowhere.csv", "unknown/x", f"{session.id}/.hidden"):
        assert delete(server, path).status in {400, 404}
    assert delete(server, f"{session.id}/nowhere.csv").status == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"path": 1}, {"path": "x", "bogus": 1}, [], {"path": "x", "recursive": "yes"}, {"path": None}],
    ids=str,
)
def test_a_body_that_does_not_fit_deletes_nothing(server, body):
    # C17; API 11.9
    answer = server.call("POST", "/files/delete", json_body=body)

    assert (answer.status, answer.code) == (400, "body_invalid")


def test_a_file_deleted_for_good_is_not_in_the_trash(server, session):
    # C20; API 8
    record = session.saved("a.csv")

    assert delete(server, record["files_path"], permanent=True).status == 200

    assert session.call("GET", "/trash").json()["total"] == 0


def test_what_stands_there_unknown_is_deleted_too(server, session):
    # S3-36 C20; API 8
    (session.folder / "mine.txt").write_text("x")

    assert delete(server, f"{session.id}/mine.txt").status == 200

    assert session.names() == []


def test_the_manifest_is_not_touched(server, session):
    # S0-05 S0-103; API 11.34
    session.saved("a.csv")
    path = f"{session.id}/attachments/attachments_manifest.json"

    assert delete(server, path).status in {400, 404}
    assert "attachments_manifest.json" not in [
        item["name"] for item in listing(server, f"{session.id}/attachments").json()["items"]
    ]


def test_a_closed_session_is_read_and_not_written(server, tree):
    # S4-18; API 3
    tree.call("PATCH", json_body={"status": "completed"})

    assert upload(server, text_part("path", tree.id), file_part(b"x", "new.csv")).code == "session_closed"
    assert delete(server, f"{tree.id}/b.csv").code == "session_closed"
    assert listing(server, tree.id).status == 200
    assert server.call("GET", f"/files/download{query(path=f'{tree.id}/b.csv')}").status == 200


def test_sizes_and_names_follow_the_disk(server, session):
    # S3-22; API 8
    session.saved("a.csv", b"1", dir="")
    (session.folder / "a.csv").write_bytes(b"12345")
    (session.folder / "b.csv").write_bytes(b"1")

    items = {item["name"]: item["size"] for item in listing(server, session.id).json()["items"]}
    answer = server.call("GET", f"/files/download{query(path=f'{session.id}/a.csv')}")

    assert items["a.csv"] == 5
    assert "b.csv" in items
    assert answer.body == b"12345"
