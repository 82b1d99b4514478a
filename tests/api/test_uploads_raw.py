"""Raw uploads: one file is the body of a PUT."""

from __future__ import annotations

import hashlib
import secrets

import pytest
from api.running import BASE_URL, assert_settles, digest_of, leftovers, sha256, staged
from api.wire import chunked, query


def test_a_raw_upload_gives_the_whole_record(server, session):
    # S0-02 S0-03 S0-04 S0-21 S1-12 S1-15 S2-07 S4-01 S4-08 C8 C9 C27; API 1 A file's record, 4, 11.12, 11.18
    content = b"a,b\n1,2\n"

    answer = session.put("sales.csv", content, headers={"Content-Type": "text/x-lie"})

    record = answer.json()
    assert answer.status == 201
    assert answer.headers["Location"] == (
        f"{BASE_URL}api/workspace/sessions/{session.id}/artifacts/{record['attachment_id']}"
    )
    assert record.pop("attachment_id").startswith("att_")
    assert record.pop("artifact_id").startswith("art_")
    assert record.pop("created_at").endswith("Z")
    assert record.pop("modified_at").endswith("Z")
    assert record == {
        "session_id": session.id,
        "kind": "attachment",
        "name": "sales.csv",
        "path": "attachments/sales.csv",
        "files_path": f"{session.id}/attachments/sales.csv",
        "size": len(content),
        "mime": "text/csv",
        "declared_mime": "text/x-lie",
        "sha256": sha256(content),
        "media": "file",
        "source": "upload",
        "storage": "local",
        "version": 1,
        "metadata": {},
        "provenance": None,
    }
    assert (session.folder / "attachments/sales.csv").read_bytes() == content
    assert leftovers(server) == []


def test_ids_have_at_least_96_random_bits(session):
    # C9; API 1 Ids
    record = session.saved("a.csv")

    for file_id in (record["attachment_id"], record["artifact_id"]):
        assert len(file_id.removeprefix(file_id[:4])) * 5 >= 96


def test_an_upload_without_a_name_is_upload_bin(session):
    # S0-08 S4-04 C2; API 11.15
    assert session.put(None).json()["name"] == "upload.bin"


def test_an_upload_of_no_bytes_is_a_file_of_no_bytes(session):
    # S1-15; API 4
    answer = session.put("empty.txt", b"", headers={"Content-Length": "0"})

    assert answer.status == 201
    assert answer.json()["size"] == 0
    assert answer.json()["sha256"] == sha256(b"")
    assert session.content(answer.json()["attachment_id"]).body == b""


def test_an_upload_may_come_in_chunks(session):
    # API 4 PUT
    content = secrets.token_bytes(200_000)

    answer = session.put(
        "c.bin",
        chunked(content[:1], content[1:70_000], content[70_000:]),
        headers={"Transfer-Encoding": "chunked"},
    )

    assert answer.status == 201
    assert answer.json()["sha256"] == sha256(content)


def test_a_chunked_upload_that_breaks_off_leaves_nothing(server, session):
    # S0-16 S2-33; API 4
    head = server.head("PUT", f"/uploads/{session.id}?name=cut.bin", {"Transfer-Encoding": "chunked"})

    with server.wire() as wire:
        wire.send(head + b"5\r\nhello\r\n")

    assert_settles(lambda: (session.names(), leftovers(server)), ([], []))
    assert session.attachments() == []
    assert session.events() == []


def test_an_upload_that_breaks_off_leaves_nothing(server, session):
    # S0-16 S2-33; API 4
    with server.wire() as wire:
        wire.send(
            server.head("PUT", f"/uploads/{session.id}?name=cut.bin", {"Content-Length": "100"}) + b"x" * 99
        )

    assert_settles(lambda: (session.names(), leftovers(server)), ([], []))
    assert session.attachments() == []


def test_nothing_is_visible_before_the_last_byte(server, session):
    # S2-33; API 4 Nothing is visible
    with server.wire() as wire:
        wire.send(server.head("PUT", f"/uploads/{session.id}?name=slow", {"Content-Length": str(2**20 + 1)}))
        wire.send(bytes(2**20))
        assert_settles(lambda: len(staged(server)), 1)
        seen = session.names(), session.attachments(), session.events()
        wire.send(b"d")
        answer = wire.answer("PUT")

    assert seen == ([], [], [])
    assert answer.status == 201


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-512"])
def test_a_digest_that_matches_is_taken(session, algorithm):
    # S1-12; API 4 Repr-Digest, 11.20
    assert session.put("a.bin", b"abc", headers={"Repr-Digest": digest_of(b"abc", algorithm)}).status == 201


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-512"])
def test_a_digest_that_does_not_match_leaves_nothing(server, session, algorithm):
    # S1-12; API 4 Repr-Digest, 11.20
    answer = session.put("a.bin", b"abc", headers={"Repr-Digest": digest_of(b"abd", algorithm)})

    assert answer.status == 400
    assert answer.code == "digest_mismatch"
    assert (session.names(), session.attachments(), session.events(), leftovers(server)) == ([], [], [], [])


@pytest.mark.parametrize(
    ("digest", "status"),
    [
        ("md5=:XrY7u+Ae7tCTyyK7j1rNww==:", 201),
        (f"md5=:AAAA:, {digest_of(b'abc')}", 201),
        (f"{digest_of(b'abc')},md5=:AAAA:", 201),
        (f"{digest_of(b'abd')}, md5=:AAAA:", 400),
        ("sha-256=abc", 400),
        ("sha-256=:abc:", 400),
        ("sha-256", 400),
        ("sha-256=:!!!!:", 400),
        ("", 400),
        (hashlib.sha256(b"abc").hexdigest(), 400),
    ],
)
def test_forms_of_a_digest(session, digest, status):
    # API 11.20
    assert session.put("a.bin", b"abc", headers={"Repr-Digest": digest}).status == status


def test_the_same_name_again_gets_a_number(session):
    # S0-12 C1; API 4 on_conflict
    records = [session.saved("data.tar.gz", bytes([n])) for n in range(3)]

    assert [record["name"] for record in records] == ["data.tar.gz", "data (1).tar.gz", "data (2).tar.gz"]
    assert len({record["attachment_id"] for record in records}) == 3
    assert [session.content(record["attachment_id"]).body for record in records] == [b"\0", b"\1", b"\2"]


def test_a_name_that_is_taken_is_an_error_on_demand(session):
    # S2-31 C1; API 4 on_conflict
    first = session.saved("a.csv", b"old")

    answer = session.put("a.csv", b"new", on_conflict="error")

    assert (answer.status, answer.code) == (409, "name_taken")
    assert session.content(first["attachment_id"]).body == b"old"
    assert len(session.attachments()) == 1


def test_a_replaced_file_keeps_its_id_and_its_old_bytes_go_to_the_trash(session):
    # S2-36 C1 C10 C27; API 4 on_conflict, 11.24, 11.30
    first = session.saved("a.csv", b"old")

    answer = session.put("a.csv", b"new!", on_conflict="replace")

    second = answer.json()
    assert answer.status == 200
    assert second["attachment_id"] == first["attachment_id"]
    assert second["artifact_id"] != first["artifact_id"]
    assert (second["version"], second["size"]) == (2, 4)
    assert session.content(first["attachment_id"]).body == b"new!"
    assert session.content(first["artifact_id"]).body == b"old"
    assert [event["change_type"] for event in session.events()] == ["created", "updated"]
    assert session.names() == ["attachments/a.csv"]


def test_to_replace_what_is_not_there_makes_it(session):
    # S2-35 C1; API 4 on_conflict
    assert session.put("a.csv", b"x", on_conflict="replace").status == 201


@pytest.mark.parametrize(("mode", "status"), [("rename", 201), ("error", 409), ("replace", 409)])
def test_the_name_of_a_folder_is_taken_unless_renamed(session, mode, status):
    # S3-35; API 11.16
    session.saved("x.txt", dir="data")

    answer = session.put("data", b"x", dir="", on_conflict=mode)

    assert answer.status == status
    assert session.names() == (["data (1)", "data/x.txt"] if status == 201 else ["data/x.txt"])


@pytest.mark.parametrize("mode", ["", "Replace", "overwrite", "1"])
def test_an_unknown_way_out_of_a_conflict_is_refused(session, mode):
    # C17; API 1 Parameters, 11.9
    answer = session.put("a.csv", on_conflict=mode)

    assert (answer.status, answer.code, answer.json()["parameter"]) == (
        400,
        "parameter_invalid",
        "on_conflict",
    )


@pytest.mark.parametrize(
    ("folder", "path"),
    [
        ("", "a.csv"),
        (".", "a.csv"),
        ("docs", "docs/a.csv"),
        ("docs/", "docs/a.csv"),
        ("docs//deep/", "docs/deep/a.csv"),
        ("attachments/sub/attachments", "attachments/sub/attachments/a.csv"),
        ("Ünï çødé", "Ünï çødé/a.csv"),
    ],
)
def test_an_upload_goes_where_dir_says(session, folder, path):
    # S1-02 S1-08 S1-09 S3-26 C29; API 4, 11.16, 11.48
    record = session.saved("a.csv", dir=folder)

    assert record["path"] == path
    assert session.names() == [path]
    assert session.content(record["attachment_id"]).status == 200


def test_a_file_in_the_way_of_a_folder_is_an_error(session):
    # S3-27 C29; API 11.16
    session.saved("data", dir="")

    for folder in ("data", "data/deep"):
        answer = session.put("a.csv", dir=folder)
        assert (answer.status, answer.code) == (400, "not_a_directory")

    assert session.names() == ["data"]


@pytest.mark.parametrize("name", ["name", "dir", "on_conflict"])
def test_a_parameter_given_twice_is_refused(server, session, name):
    # C17; API 11.9
    answer = server.call("PUT", f"/uploads/{session.id}?{name}=a&{name}=a", b"x")

    assert (answer.status, answer.json()["parameter"]) == (400, name)


def test_unknown_parameters_are_ignored(session):
    # API 11.9
    assert session.put("a.csv", token_of_the_day="1").status == 201


def test_an_upload_to_a_closed_session_is_refused_before_its_body(server, session):
    # S4-18; API 3
    session.call("PATCH", json_body={"status": "completed"})

    with server.wire() as wire:
        wire.send(server.head("PUT", f"/uploads/{session.id}?name=a", {"Content-Length": str(2**40)}))
        answer = wire.answer("PUT")

    assert (answer.status, answer.code) == (409, "session_closed")


def test_an_upload_with_a_bad_name_is_refused_before_its_body(server, session):
    # S2-32; API 11.42
    with server.wire() as wire:
        wire.send(server.head("PUT", f"/uploads/{session.id}?name=a%2Fb", {"Content-Length": str(2**40)}))
        answer = wire.answer("PUT")

    assert (answer.status, answer.code) == (400, "name_invalid")


def test_who_asks_first_is_told_to_go_on(server, session):
    # API 11.42
    headers = {"Content-Length": "3", "Expect": "100-continue"}

    with server.wire() as wire:
        wire.send(server.head("PUT", f"/uploads/{session.id}?name=a", headers))
        interim = wire.receive_head()
        wire.send(b"abc")
        answer = wire.answer("PUT")

    assert interim.startswith(b"HTTP/1.1 100 ")
    assert answer.status == 201


def test_the_list_of_attachments_is_paged(server, session):
    # S0-06 S2-38 S2-39 C18; API 4, 11.10
    names = [session.saved(f"{n}.csv")["name"] for n in range(5)]

    page = server.call("GET", f"/uploads/{session.id}{query(limit=2, offset=1)}").json()
    last = server.call("GET", f"/uploads/{session.id}{query(limit=2, offset=4)}").json()

    assert [record["name"] for record in page["attachments"]] == names[::-1][1:3]
    assert (page["total"], page["has_more"]) == (5, True)
    assert [record["name"] for record in last["attachments"]] == names[:1]
    assert (last["total"], last["has_more"]) == (5, False)


def test_an_upload_counts_as_use_of_its_session(session):
    # S3-41; API 11.11
    before = session.call("GET").json()

    session.saved("a.csv")

    after = session.call("GET").json()
    assert after["last_used_at"] > before["last_used_at"]
    assert after["created_at"] == before["created_at"]
