"""Sessions that are deleted, or whose folder is, and what becomes of their files."""

from __future__ import annotations

import shutil

from api.running import Session, fresh


def test_a_deleted_session_leaves_its_folder_as_a_plain_one(server, session):
    # S3-52 S4-17 C20; API 3 DELETE, 11.32
    session.saved("a.csv", b"abc")

    answer = session.call("DELETE")

    assert (answer.status, answer.body) == (204, b"")
    for path in ("", "/artifacts", "/download", "/artifact-events", "/trash"):
        assert session.call("GET", path).status == 404
    assert (session.folder / "attachments/a.csv").read_bytes() == b"abc"
    assert session.call("DELETE").status == 404
    assert session.id not in [
        item["session_id"] for item in server.call("GET", "/sessions?limit=1000").json()["sessions"]
    ]


def test_a_session_is_deleted_with_its_files(session):
    # S2-16 C20; API 3 DELETE
    session.saved("a.csv", b"abc")

    assert session.call("DELETE", "?files=1").status == 204
    assert not session.folder.exists()


def test_a_session_made_again_adopts_its_folder(session):
    # S0-64; API 11.32, 11.35
    before = session.saved("a.csv", b"abc")
    session.call("DELETE")
    session.server.call("PUT", f"/sessions/{session.id}")

    (after,) = session.files()

    assert (after["path"], after["sha256"]) == (before["path"], before["sha256"])
    assert after["attachment_id"] != before["attachment_id"]
    assert session.file(before["attachment_id"]).status == 404
    assert [event["change_type"] for event in session.events()] == ["created"]


def test_a_plain_folder_is_left_alone_until_it_is_made_a_session(server):
    # API 11.32, 11.35
    session = Session(server, fresh())
    (session.folder / "data").mkdir(parents=True)
    (session.folder / "data/a.csv").write_text("x")
    unknown = session.call("GET").status

    made = server.call("PUT", f"/sessions/{session.id}")

    assert (unknown, made.status, made.json()["artifacts"]) == (404, 201, 1)
    assert [record["path"] for record in session.files()] == ["data/a.csv"]
    assert [event["change_type"] for event in session.events()] == ["created"]


def test_a_file_in_the_way_of_a_session_is_an_error(server):
    # C29; API 3
    session = Session(server, fresh())
    session.folder.parent.mkdir(exist_ok=True)
    session.folder.write_text("mine")

    answer = server.call("PUT", f"/sessions/{session.id}")

    assert answer.status in {400, 409}
    assert session.folder.read_text() == "mine"
    session.folder.unlink()


def test_a_session_whose_folder_was_removed_has_no_files_and_goes_on(session):
    # S0-66; API 11.26, 11.35
    session.saved("a.csv")
    shutil.rmtree(session.folder)

    session.call("POST", "/scan")

    assert session.files() == []
    assert session.put("b.csv").status == 201
    assert session.names() == ["attachments/b.csv"]
