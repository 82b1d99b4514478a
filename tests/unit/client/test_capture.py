import pytest

from jupyter_workspace.client import snapshot
from jupyter_workspace.client.capture import capture_setting, captures_folder
from jupyter_workspace.errors import SessionClosed
from tests.unit.client.flows import session


@pytest.fixture
def work(tmp_path, monkeypatch, folder):
    path = tmp_path / "root/work"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


def last_body(server):
    return server.requests[-1].content.decode()


def test_a_block_makes_artifacts_of_what_it_writes(ws, work, server):
    (work / "before.txt").write_text("x")

    with ws.capture() as captured:
        (ws / "inside.txt").write_text("x")
        (work / "beside.txt").write_text("x")

    assert [file.path for file in captured.files] == ["inside.txt", "beside.txt"]
    assert '"root_path":"work/beside.txt","copy":false' in last_body(server)


def test_a_block_that_fails_is_captured_too(ws, work):
    captured = ws.capture()

    def fails():
        with captured:
            (work / "beside.txt").write_text("x")
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert [file.path for file in captured.files] == ["beside.txt"]


def test_the_error_of_a_block_is_not_hidden_by_one_of_the_server(ws, work, server):
    def fails():
        with ws.capture():
            (work / "beside.txt").write_text("x")
            raise KeyError

    server.refusals.append({"message": "It is closed.", "code": "session_closed"})

    with pytest.warns(UserWarning, match="not listed: It is closed"), pytest.raises(KeyError):
        fails()


def test_a_block_whose_files_are_refused_says_so(ws, work, server):
    server.refusals.append({"message": "It is closed.", "code": "session_closed"})

    with pytest.raises(SessionClosed), ws.capture():
        (work / "beside.txt").write_text("x")


def test_only_the_named_folder_is_looked_at(ws, work):
    (work / "plots").mkdir()

    with ws.capture("plots") as captured:
        (work / "a.txt").write_text("x")
        (work / "plots/b.txt").write_text("x")

    assert [file.name for file in captured.files] == ["b.txt"]


def test_what_the_server_cannot_see_is_sent(ws, work, tmp_path, server):
    outside = tmp_path / "outside"
    outside.mkdir()

    with ws.capture(outside) as captured:
        (outside / "c.txt").write_text("x")

    assert [file.path for file in captured.files] == ["c.txt"]
    assert [request.method for request in server.requests][-2:] == ["PUT", "POST"]


def test_without_the_folder_files_are_sent_too(far_ws, work):
    with far_ws.capture() as captured:
        (work / "c.txt").write_text("x")

    assert [file.name for file in captured.files] == ["c.txt"]


def test_many_files_are_registered_in_several_requests(ws, work):
    with ws.capture() as captured:
        for number in range(150):
            (work / f"{number}.txt").write_text("x")

    assert len(captured.files) == 150


def test_a_folder_with_too_many_files_is_named(ws, work, monkeypatch):
    monkeypatch.setattr(snapshot.snapshot, "__kwdefaults__", {"passing_by": (), "most_files": 1})
    for name in "abc":
        (work / name).write_text("x")

    with pytest.warns(UserWarning, match="Name a smaller folder"), ws.capture() as captured:
        (work / "d").write_text("x")

    assert captured.files == []


def test_the_setting_is_one_member_of_the_metadata():
    on = capture_setting({"a": 1}, is_on=True)

    assert on == {"a": 1, "capture": "notebook-folder"}
    assert capture_setting(on, is_on=False) == {"a": 1}


def test_the_switch_is_kept_by_the_session(ws, server):
    server.sessions["churn"]["metadata"] = {"a": 1}

    assert captures_folder(ws.capture_folder(True).session)

    assert server.sessions["churn"]["metadata"] == {"a": 1, "capture": "notebook-folder"}
    assert not captures_folder(ws.capture_folder(False).session)
    assert session()["metadata"] == {}
