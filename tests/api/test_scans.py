"""A scan finds what was made, changed and removed without a word to us."""

from __future__ import annotations

from api.running import sha256


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
