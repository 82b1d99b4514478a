"""Files that change behind our back, before or while they are read."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from api.running import sha256
from api.wire import query


def test_a_file_rewritten_in_place_is_a_new_version(session):
    # S2-36 C10; API 11.24, 11.26
    record = session.made("out.csv", b"first")
    (session.folder / "out.csv").write_bytes(b"second!")

    answer = session.content(record["attachment_id"])
    meta = session.file(record["attachment_id"]).json()
    old = session.file(record["artifact_id"])
    gone = session.content(record["artifact_id"])

    assert answer.body == b"second!"
    assert answer.headers["ETag"] == f'"{sha256(b"second!")}"'
    assert (meta["version"], meta["sha256"]) == (2, sha256(b"second!"))
    assert (old.status, old.json()["available"]) == (200, False)
    assert (gone.status, gone.code) == (410, "version_gone")
    assert [event["change_type"] for event in session.events()] == ["created", "updated"]


def test_a_file_deleted_behind_our_back_is_not_found(session):
    # S0-80 S0-66; API 11.26
    record = session.made("out.csv", b"first")
    (session.folder / "out.csv").unlink()

    assert session.content(record["attachment_id"]).status in {404, 410}
    session.call("POST", "/scan")
    assert session.content(record["attachment_id"]).status == 404
    assert [event["change_type"] for event in session.events()] == ["created", "deleted"]


def test_a_link_put_in_a_files_place_is_not_followed(session, tmp_path):
    # S0-72 S2-55; API 1 Paths
    secret = tmp_path / "secret"
    secret.write_text("secret")
    record = session.made("out.csv", b"first")
    (session.folder / "out.csv").unlink()
    (session.folder / "out.csv").symlink_to(secret)

    answer = session.content(record["attachment_id"])

    assert answer.status in {404, 410}
    assert b"secret" not in answer.body


def test_a_reader_always_gets_one_version_while_a_file_is_replaced(server, session):
    # S2-34 S2-36 C1; API 4 on_conflict replace is atomic
    first = session.saved("a.bin", b"0" * 5000)
    path = query(path=first["files_path"])
    att, art = first["attachment_id"], first["artifact_id"]

    def write(number):
        return [
            session.put("a.bin", b"%d" % (number % 10) * 5000, on_conflict="replace").status
            for _ in range(15)
        ]

    def read(_):
        whole = [session.content(att), server.call("GET", f"/files/download{path}"), session.content(art)]
        return [
            *whole,
            session.call("GET", "/download"),
            session.call("HEAD", f"/artifacts/{att}?mode=stream"),
        ]

    with ThreadPoolExecutor(6) as pool:
        writing = [pool.submit(write, number) for number in range(2)]
        reads = list(pool.map(read, range(20)))

    assert {status for done in writing for status in done.result()} == {200}
    assert {answer.status for answers in reads for answer in answers} == {200}
    for now, by_path, old, *_ in reads:
        assert old.body == b"0" * 5000
        for answer in (now, by_path):
            assert answer.headers["ETag"] == f'"{sha256(answer.body)}"'


@pytest.mark.parametrize("kind", ["link", "file"])
def test_something_else_in_a_folders_place_is_not_entered(session, tmp_path, kind):
    # S0-72 S2-55; API 1 Paths
    record = session.made("sub/out.csv", b"first")
    (tmp_path / "out.csv").write_bytes(b"first")
    shutil.rmtree(session.folder / "sub")
    if kind == "link":
        (session.folder / "sub").symlink_to(tmp_path)
    else:
        (session.folder / "sub").write_text("file")

    answer = session.content(record["attachment_id"])

    assert answer.status == 404
    assert session.call("POST", "/scan").status == 200
    assert "out.csv" not in [listed["name"] for listed in session.files()]
