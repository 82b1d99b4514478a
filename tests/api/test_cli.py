"""The command line against a real server: what it prints, and how it exits."""

import hashlib
import json
import os
import socket
import unicodedata
import zipfile

import pytest
from api.wire import file_part, query

from jupyter_workspace.cli import main as module
from jupyter_workspace.cli import transfers
from jupyter_workspace.cli.progress import Bars

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("alone")]


CAFE = "caf\u00e9.csv"


@pytest.fixture
def folder(server, sid):
    return server.root / "workspace" / sid


def test_sessions_are_listed(command, sid):
    assert sid in command("sessions")
    assert [row["session_id"] for row in command.json("sessions", "-q", sid)] == [sid]
    assert command.json("sessions", "-q", sid, "--status", "completed") == []


def test_files_are_uploaded_listed_and_downloaded(command, sid, tmp_path):
    (tmp_path / "a.csv").write_text("1,2\n")

    (record,) = command.json("upload", sid, tmp_path / "a.csv")
    assert record["path"] == "attachments/a.csv"
    assert "attachments/a.csv" in command("ls", sid)
    assert [row["path"] for row in command.json("ls", sid, "--kind", "attachment")] == ["attachments/a.csv"]
    assert command.json("ls", sid, "--kind", "artifact") == []

    command("download", sid, "attachments/a.csv", tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_text() == "1,2\n"
    (told,) = command.json("download", sid, record["attachment_id"], tmp_path)
    assert told == {"path": str(tmp_path / "a.csv"), "sha256": record["sha256"]}


def test_a_folder_is_uploaded_with_its_tree_and_without_its_junk(command, sid, folder, tmp_path):
    for path in ("data/a.csv", "data/sub/b.csv", "data/.DS_Store", "data/.git/HEAD"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)

    command("upload", sid, tmp_path / "data", "--dir", "in")

    assert sorted(path.relative_to(folder).as_posix() for path in (folder / "in").rglob("*.csv")) == [
        "in/data/a.csv",
        "in/data/sub/b.csv",
    ]
    assert command.err.count("Skipped") == 2
    assert ".DS_Store: hidden" in command.err


@pytest.mark.parametrize(
    ("choice", "code", "names"),
    [("rename", 0, ["a (1).csv", "a.csv"]), ("replace", 0, ["a.csv"]), ("error", 1, ["a.csv"])],
)
def test_a_name_that_is_taken_is_ones_own_choice(command, sid, tmp_path, choice, code, names):
    (tmp_path / "a.csv").write_text("1")
    command("upload", sid, tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text("2")

    command("upload", sid, tmp_path / "a.csv", "--on-conflict", choice, code=code)

    assert sorted(row["name"] for row in command.json("ls", sid)) == names


def test_one_refused_file_does_not_keep_the_others_back(command, sid, tmp_path):
    for name in ("1.csv", "2.csv", "3.csv"):
        (tmp_path / name).write_text(name)
    command("upload", sid, tmp_path / "2.csv")

    command.json("upload", sid, *sorted(tmp_path.glob("*.csv")), "--on-conflict", "error", code=1)

    said = json.loads(command.err)
    assert (said["code"], said["of"]) == ("name_taken", str(tmp_path / "2.csv"))
    assert len(command.json("ls", sid)) == 3


def test_a_file_that_cannot_be_read_does_not_keep_the_others_back(command, sid, tmp_path):
    (tmp_path / "1.csv").write_text("1")
    (tmp_path / "3.csv").write_text("3")
    with socket.socket(socket.AF_UNIX) as unreadable:
        unreadable.bind(str(tmp_path / "2.csv"))

        saved = command.json("upload", sid, *sorted(tmp_path.glob("*.csv")), code=1)

    assert [record["name"] for record in saved] == ["1.csv", "3.csv"]
    said = json.loads(command.err)
    assert (said["code"], said["of"]) == ("local_file", str(tmp_path / "2.csv"))


def test_a_name_that_is_no_text_does_not_keep_the_others_back(command, sid, tmp_path):
    for name in (b"1.csv", b"bad\xff.csv", b"z.csv"):
        (tmp_path / os.fsdecode(name)).write_text("x")

    saved = command.json("upload", sid, *sorted(tmp_path.glob("*.csv")), code=1)

    assert [record["name"] for record in saved] == ["1.csv", "z.csv"]
    said = json.loads(command.err)
    assert (said["code"], said["of"]) == ("name_invalid", f"{tmp_path}/bad\\xff.csv")


def test_what_was_saved_is_told_when_it_is_stopped(command, sid, tmp_path, monkeypatch):
    for name in ("1.csv", "2.csv"):
        (tmp_path / name).write_text(name)
    bar = Bars.bar

    def stop_at_the_second(bars, name, total):
        if name == "2.csv":
            raise KeyboardInterrupt
        return bar(bars, name, total)

    monkeypatch.setattr(Bars, "bar", stop_at_the_second)
    monkeypatch.setattr(transfers, "AT_ONCE", 1)

    saved = command.json("upload", sid, tmp_path / "1.csv", tmp_path / "2.csv", code=130)

    assert [record["name"] for record in saved] == ["1.csv"]


def test_of_two_files_with_one_name_the_first_keeps_it(command, sid, tmp_path):
    paths = [tmp_path / f"{number}/a.csv" for number in range(4)]
    for path in paths:
        path.parent.mkdir()
        path.write_text(str(path))

    saved = command.json("upload", sid, *paths)

    assert [record["name"] for record in saved] == ["a.csv", "a (1).csv", "a (2).csv", "a (3).csv"]
    assert [record["sha256"] for record in saved] == [
        hashlib.sha256(str(path).encode()).hexdigest() for path in paths
    ]


def test_what_was_skipped_is_told_to_programs_too(command, sid, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / ".DS_Store").write_text("x")

    assert command.json("upload", sid, tmp_path / "d") == []

    assert json.loads(command.err) == {"skipped": str(tmp_path / "d" / ".DS_Store"), "reason": "hidden"}


def test_a_closed_session_ends_the_upload_at_once(command, server, sid, tmp_path):
    (tmp_path / "a.csv").write_text("1")
    server.call("PATCH", f"/sessions/{sid}", json_body={"status": "completed"})

    command("upload", sid, tmp_path / "a.csv", tmp_path / "a.csv", code=1)

    assert command.err.count("session_closed") == 1


def test_a_large_file_goes_in_parts(command, sid, tmp_path):
    (tmp_path / "big.bin").write_bytes(os.urandom(9 << 20))

    (record,) = command.json("upload", sid, tmp_path / "big.bin")

    command("download", sid, record["attachment_id"], tmp_path / "back.bin")
    assert (tmp_path / "back.bin").read_bytes() == (tmp_path / "big.bin").read_bytes()


def test_files_are_registered_where_they_stand(command, server, sid, folder):
    folder.mkdir(exist_ok=True)
    for number in range(120):
        (folder / f"{number}.txt").write_text("x")
    (server.root / "beside.txt").write_text("x")

    assert len(command.json("register", sid, *[f"{number}.txt" for number in range(120)])) == 120
    (record,) = command.json("register", sid, "--root", "--in-place", "beside.txt")
    assert record["storage"] == "reference"


def test_files_are_removed_and_restored(command, server, sid):
    made = [server.call("PUT", f"/uploads/{sid}?name={name}.csv", b"x").json() for name in "abc"]

    assert "in the trash" in command("rm", sid, "attachments/a.csv", made[1]["attachment_id"])
    assert "gone" in command("rm", sid, "attachments/c.csv", "--permanent")
    assert [row["path"] for row in command.json("ls", sid, "--trash")] == [
        "attachments/b.csv",
        "attachments/a.csv",
    ]
    command("restore", sid, "attachments/a.csv")
    server.call("PUT", f"/uploads/{sid}?name=b.csv", b"other")
    command("restore", sid, made[1]["attachment_id"], code=1)
    command("restore", sid, made[1]["attachment_id"], "--rename")

    assert sorted(row["name"] for row in command.json("ls", sid)) == ["a.csv", "b (1).csv", "b.csv"]


@pytest.mark.parametrize("path", ["art_book/one.txt", "att_notes.txt", "art_abcdefghijklmnopqrstuvwxyz.csv"])
def test_a_path_may_begin_like_an_id(command, server, sid, folder, tmp_path, path):
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text("x")
    command("register", sid, path)

    command("download", sid, path, tmp_path / "back")
    command("rm", sid, path)
    command("restore", sid, path)

    assert (tmp_path / "back").read_text() == "x"
    assert [row["path"] for row in command.json("ls", sid)] == [path]


def test_a_name_that_was_typed_on_a_mac_is_found(command, server, sid):
    apart = unicodedata.normalize("NFD", CAFE)
    server.call("PUT", f"/uploads/{sid}{query(name=CAFE)}", b"x")

    command("rm", sid, f"attachments/{apart}")
    command("restore", sid, f"attachments/{apart}")

    assert [row["name"] for row in command.json("ls", sid)] == [CAFE]


def test_all_of_the_trash_is_listed_and_can_be_restored(command, server, sid):
    names = [f"{number:03}.csv" for number in range(101)]
    saved = server.session(f"{sid}-t")
    assert saved.post(*(file_part(b"x", name, field="files") for name in names[:100])).status == 201
    saved.saved(names[100])
    whole = {"path": f"{saved.id}/attachments", "recursive": True}
    assert server.call("POST", "/files/delete", json_body=whole).status == 200

    assert len(command.json("ls", saved.id, "--trash")) == 101
    command("restore", saved.id, *(f"attachments/{name}" for name in names))

    assert len(command.json("ls", saved.id)) == 101


def test_what_is_not_in_the_trash_exits_with_4(command, sid):
    command("restore", sid, "none.csv", code=4)

    assert "file_not_found" in command.err


def test_a_session_is_downloaded_as_a_zip(command, server, sid, tmp_path):
    server.call("PUT", f"/uploads/{sid}?name=a.csv", b"x")

    command("zip", sid, tmp_path / "all.zip")

    with zipfile.ZipFile(tmp_path / "all.zip") as members:
        assert f"{sid}/attachments/a.csv" in members.namelist()


def test_usage_is_told(command):
    (usage,) = command.json("usage")

    assert usage["used_bytes"] >= 0
    assert "in the trash" in command("usage")


# exits


def test_what_is_not_there_exits_with_4(command, sid):
    command("ls", "no-such-session", code=4)
    assert "session_not_found" in command.err
    command("rm", sid, "none.csv", code=4)
    command.json("download", sid, "none.csv", code=4)
    assert json.loads(command.err)["code"] == "file_not_found"


def test_a_wrong_command_line_exits_with_2(command, tmp_path):
    command("ls", code=2)
    command("nothing", code=2)
    command("upload", "s", tmp_path / "none", code=2)
    command.server = []
    command("sessions", "--url", "ftp://127.0.0.1/", code=2)
    assert "is no URL of a Jupyter server" in command.err


def test_no_server_exits_with_3(command):
    command.server = []
    command("sessions", code=3)
    assert "jupyter lab" in command.err
    command.server = ["--url", "http://127.0.0.1:1/", "--token", "t"]
    command("sessions", code=3)


def test_a_wrong_token_exits_with_1(command):
    command("sessions", "--token", "wrong", code=1)

    assert "forbidden" in command.err


def test_a_target_that_cannot_be_written_exits_with_1(command, server, sid, tmp_path):
    server.call("PUT", f"/uploads/{sid}?name=a.csv", b"x")

    command("download", sid, "attachments/a.csv", tmp_path / "none/a.csv", code=1)


def test_stopping_it_exits_with_130(command, monkeypatch):
    def stop(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(module.cli, "main", stop)

    command("sessions", code=130)


def test_the_version_is_told(command):
    assert "jupyter workspace, version" in command("--version")


# finding the server


def test_a_terminal_of_the_server_needs_no_address(command, server, sid, monkeypatch):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(server.home / "runtime"))
    command.server = []

    assert sid in command("sessions")


def test_a_process_of_a_hub_needs_no_address(command, server, sid, monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_SERVICE_URL", server.url)
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", server.token)
    command.server = []

    assert sid in command("sessions")
