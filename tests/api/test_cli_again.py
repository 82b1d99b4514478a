"""The same upload once more: what is there with the same bytes is not doubled.

API 4: `rename` is for a name that is taken, and nobody who repeats a command wants his files twice.
"""

import json
import uuid

import pytest
from api.commands import Command

from jupyter_workspace.client import discovery

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("alone")]

CAFE = "caf\u00e9.csv"


@pytest.fixture
def data(tmp_path):
    """A folder with a few files in a tree."""
    folder = tmp_path / "data"
    for name in ("a.csv", "sub/a.csv", "sub/b.csv", CAFE):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def paths(command, sid):
    return sorted(row["path"] for row in command.json("ls", sid))


@pytest.mark.parametrize("few", [8, 0])
@pytest.mark.parametrize("choice", ["rename", "replace"])
def test_a_folder_that_was_sent_half_is_completed(command, sid, data, choice, few, monkeypatch):
    monkeypatch.setattr("jupyter_workspace.cli.present.FEW", few)
    (first,) = command.json("upload", sid, data / "sub" / "b.csv", "--dir", "attachments/data/sub")

    saved = command.json("upload", sid, data, "--on-conflict", choice)
    again = command.json("upload", sid, data, "--on-conflict", choice)

    assert json.loads(command.err) == {"already_there": 4}
    assert again == saved
    assert first in saved
    names = ("a.csv", CAFE, "sub/a.csv", "sub/b.csv")
    assert paths(command, sid) == [f"attachments/data/{name}" for name in names]


def test_a_person_is_told_how_many_were_there(command, sid, data):
    command("upload", sid, data / "a.csv")

    assert "attachments/a.csv" in command("upload", sid, data / "a.csv")

    assert command.err == "1 file was there already.\n"


def test_other_bytes_of_the_same_size_are_sent(command, sid, data):
    command("upload", sid, data)
    (data / "a.csv").write_text("b.csv")

    command("upload", sid, data)

    assert command.err == "3 files were there already.\n"
    assert "attachments/data/a (1).csv" in paths(command, sid)


def test_what_was_renamed_is_not_doubled_either(command, sid, data):
    command("upload", sid, data / "a.csv")
    (data / "a.csv").write_text("other")
    (renamed,) = command.json("upload", sid, data / "a.csv")

    assert command.json("upload", sid, data / "a.csv") == [renamed]

    assert paths(command, sid) == ["attachments/a (1).csv", "attachments/a.csv"]


def test_a_numbered_file_does_not_stand_for_the_one_without_a_number(command, sid, data):
    (data / "a (1).csv").write_bytes((data / "a.csv").read_bytes())
    command("upload", sid, data / "a (1).csv")

    command("upload", sid, data / "a.csv")

    assert paths(command, sid) == ["attachments/a (1).csv", "attachments/a.csv"]


def test_what_was_removed_by_hand_a_moment_ago_is_sent_again(command, server, sid, data):
    command("upload", sid, data)
    (server.root / "workspace" / sid / "attachments" / "data" / "a.csv").unlink()

    command("upload", sid, data)

    assert command.err == "3 files were there already.\n"


def test_what_was_changed_by_hand_a_moment_ago_is_sent_again(command, server, sid, data):
    command("upload", sid, data / "a.csv")
    (server.root / "workspace" / sid / "attachments" / "a.csv").write_text("b.csv")

    command("upload", sid, data / "a.csv", "--on-conflict", "replace")

    assert (command.err, server.call("GET", f"/files/download?path={sid}/attachments/a.csv").body) == (
        "",
        b"a.csv",
    )


def test_who_wants_an_error_gets_it_for_the_same_bytes_too(command, sid, data):
    command("upload", sid, data / "a.csv")

    command("upload", sid, data / "a.csv", "--on-conflict", "error", code=1)

    assert "name_taken" in command.err


def test_of_two_files_with_one_name_and_content_one_is_sent(command, sid, data):
    (data / "sub" / "a.csv").write_bytes((data / "a.csv").read_bytes())

    first, second = command.json("upload", sid, data / "a.csv", data / "sub" / "a.csv")

    assert first == second


# API 11 (16): a dot is the session's folder.
def test_a_folder_can_go_into_the_session_itself(command, sid, data):
    command("upload", sid, data, data / "a.csv", "--dir", ".")
    command("upload", sid, data, data / "a.csv", "--dir", ".")

    assert paths(command, sid) == [
        "a.csv",
        *(f"data/{name}" for name in ("a.csv", CAFE, "sub/a.csv", "sub/b.csv")),
    ]


@pytest.mark.parametrize("few", [8, 0])
@pytest.mark.parametrize("bad", ["bad.", ".bad"])
def test_a_name_that_is_refused_does_not_keep_the_others_back(command, sid, data, bad, few, monkeypatch):
    monkeypatch.setattr("jupyter_workspace.cli.present.FEW", few)
    (data / bad).write_text("x")

    saved = command.json("upload", sid, data / bad, data / "a.csv", code=1)

    assert [row["name"] for row in saved] == ["a.csv"]
    said = json.loads(command.err)
    assert (said["code"], said["of"]) == ("name_invalid", str(data / bad))


@pytest.mark.parametrize(("folder", "code"), [(".bad", "name_invalid"), ("../up", "path_escapes")])
def test_a_folder_that_is_refused_is_told_as_its_upload_tells_it(command, sid, data, folder, code):
    command.json("upload", sid, data / "a.csv", "--dir", folder, code=1)

    assert json.loads(command.err)["code"] == code


def test_who_may_not_upload_is_told_once(capsys, guarded, data, monkeypatch):
    headers = {"X-Person": "ada", "X-Refuse": "uploads:write"}
    monkeypatch.setattr(discovery.Server, "headers", property(lambda _: headers))
    command = Command(capsys, guarded)
    sid = guarded.session(f"again-{uuid.uuid4().hex[:10]}").id

    command("upload", sid, data, code=1)

    assert command.err.count("forbidden") == 1


def test_a_session_that_is_not_there_exits_with_4(command, data):
    command("upload", "no-such-session", data, code=4)

    assert command.err.count("session_not_found") == 1
