import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_workspace import errors
from jupyter_workspace.client.handle import FileHandle
from jupyter_workspace.client.place import session_path
from tests.unit.client.flows import event


def last_body(server):
    return json.loads(server.requests[-1].content)


# paths


def test_a_slash_gives_a_path_to_write_to_with_its_folders(ws, folder):
    path = ws / "plots/deep/loss.png"

    assert path == folder / "plots" / "deep" / "loss.png"
    assert path.parent.is_dir()
    assert not path.exists()


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "", ".", "a\\b"])
def test_a_slash_never_leads_out(ws, path):
    with pytest.raises(errors.PathEscapes):
        ws / path


@given(st.text(alphabet="ab./\\ \u0301é", max_size=12))
def test_a_path_of_the_session_stays_inside_whatever_is_asked(text):
    try:
        path = session_path(text)
    except errors.PathEscapes:
        return

    assert not path.is_absolute()
    assert not {".", ".."} & set(path.parts)
    assert path.parts
    assert session_path(str(path)) == path


def test_paths_are_composed():
    assert str(session_path(unicodedata.normalize("NFD", "é//a.png"))) == "é/a.png"


def test_the_folder_is_a_path_here_and_an_error_elsewhere(ws, far_ws, folder):
    assert ws.path == folder
    with pytest.raises(errors.FolderUnreachable, match=r"write with ws\.publish"):
        far_ws / "a.png"
    assert isinstance(errors.FolderUnreachable(), FileNotFoundError)


def test_a_root_without_the_sessions_folder_is_another_machines(ws, folder):
    folder.rmdir()

    with pytest.raises(errors.FolderUnreachable):
        _ = ws.path


# reading


def test_a_file_is_found_by_name_and_by_its_own_path(ws, folder, server):
    path = folder / "a.csv"
    path.write_bytes(b"abc")
    server.add("a.csv")

    assert ws["a.csv"] == path
    assert ws[path] == path
    assert "a.csv" in ws
    assert "b.csv" not in ws
    assert 3 not in ws


def test_an_ambiguous_name_is_in_the_session(ws, server):
    server.add("x/a.csv")
    server.add("y/a.csv")

    assert "a.csv" in ws


def test_a_position_is_no_name(ws):
    with pytest.raises(TypeError, match="by id, path or name"):
        ws[0]
    with pytest.raises(TypeError):
        iter(ws)


def test_lists_are_asked_for_when_looked_at(ws, server):
    assert repr(ws.attachments) == "<no attachments yet>"
    assert ws.artifacts._repr_html_() == "<i>no artifacts yet</i>"

    server.add("attachments/a.csv")
    server.add("m.pkl")
    server.add("n.pkl")

    assert len(ws.attachments) == 1
    assert [file.name for file in ws.artifacts] == ["m.pkl", "n.pkl"]
    assert (ws.artifacts[0].name, ws.artifacts[-1].name) == ("m.pkl", "n.pkl")
    assert [file.name for file in ws.artifacts[:1]] == ["m.pkl"]
    assert ws.artifacts["m.pkl"].path == "m.pkl"


@pytest.mark.parametrize("position", [2, -3])
def test_a_position_out_of_range_is_an_index_error(ws, server, position):
    server.add("m.pkl")

    with pytest.raises(IndexError, match="no artifact at position"):
        ws.artifacts[position]


def test_a_list_knows_what_is_in_it(ws, server):
    server.add("plots/m.png")
    file = ws.artifacts[0]

    assert file in ws.artifacts
    assert file not in ws.attachments
    assert {"m.png", "plots/m.png", file.id} <= {
        name for name in ("m.png", "plots/m.png", file.id) if name in ws.artifacts
    }
    assert 3 not in ws.artifacts


def test_a_list_shows_a_table(ws, server):
    server.add("plots/<b>.png")

    assert "plots/<b>.png" in repr(ws.artifacts)
    html = ws.artifacts._repr_html_()
    assert "plots/&lt;b&gt;.png" in html
    assert (
        'href="/base/api/workspace/sessions/churn/artifacts/art_00000000000000000000000001?mode=stream'
        in html
    )


def test_events_go_on_after_a_sequence(ws, server):
    server.events = [event(4)]

    assert [one.sequence for one in ws.events(after=3, include_ext=["png"])] == [4]
    assert dict(server.requests[-1].url.params)["after"] == "3"


def test_a_zip_is_fetched(ws, tmp_path):
    assert ws.zip(tmp_path / "all.zip").read_bytes() == b"PK"


def test_a_file_is_downloaded_by_name(ws, server, tmp_path):
    server.add("m.pkl", b"model")

    assert ws.download("m.pkl", tmp_path).read_bytes() == b"model"


# a file


def test_a_handle_has_the_records_attributes(ws, server, folder):
    (folder / "m.pkl").write_bytes(b"model")
    server.add("m.pkl", b"model", metadata={"a": 1})

    file = ws.artifacts[0]

    assert (file.id, file.kind, file.size, file.version) == (
        "att_00000000000000000000000001",
        "artifact",
        5,
        1,
    )
    assert file.metadata == {"a": 1}
    assert file.local_path == folder / "m.pkl"
    assert file.read_bytes() == b"model"
    assert file.read_text() == "model"
    with file.open() as stream, Path(file).open("rb") as same:
        assert stream.read() == same.read()
    assert file == ws.artifacts[0]
    assert len({file, ws.artifacts[0]}) == 1
    assert "'m.pkl'" in repr(file)
    assert "Download" in file._repr_html_()
    assert FileHandle.name is FileHandle.__dict__["name"]


def test_a_handle_elsewhere_fetches(far_ws, server):
    server.add("m.pkl", b"model")

    file = far_ws.artifacts[0]

    assert file.local_path is None
    assert file.read_bytes() == b"model"


def test_deleting_goes_to_the_trash_unless_told(ws, server, folder):
    (folder / "m.pkl").write_bytes(b"model")
    server.add("m.pkl", b"model")

    ws.delete(ws / "m.pkl")
    first = server.requests[-1]
    ws.delete(ws.artifacts[0], permanent=True)
    second = server.requests[-1]

    assert (first.method, dict(first.url.params)) == ("DELETE", {})
    assert (second.method, dict(second.url.params)) == ("DELETE", {"permanent": "1"})


# writing


def test_registering_sends_path_metadata_and_provenance(ws, server, folder):
    (folder / "m.pkl").write_bytes(b"model")

    file = ws.register("m.pkl", metadata={"loss": 0.5}, provenance={"git_commit": "abc"})

    assert isinstance(file, FileHandle)
    assert last_body(server)["metadata"] == {"loss": 0.5}
    assert last_body(server)["provenance"] == {"kernel_id": "k1", "git_commit": "abc"}


def test_a_list_is_registered_at_once(ws, server, folder):
    for name in ("a.pkl", "b.pkl"):
        (folder / name).write_bytes(b"model")

    files = ws.register(sorted(folder.glob("*.pkl")), metadata={"a": 1})

    assert [file.name for file in files] == ["a.pkl", "b.pkl"]
    assert [one["path"] for one in last_body(server)] == ["a.pkl", "b.pkl"]


def test_publishing_writes_the_file_whole_and_registers_it(ws, server, folder):
    file = ws.publish({"a": 1}, "out/a.json", {"k": 1})

    assert json.loads((folder / "out" / "a.json").read_text()) == {"a": 1}
    assert [path.name for path in (folder / "out").iterdir()] == ["a.json"], "nothing else is left"
    assert last_body(server)["path"] == "out/a.json"
    assert last_body(server)["metadata"] == {"k": 1}
    assert file.path == "out/a.json"


def test_publishing_again_replaces(ws, folder):
    ws.publish("one", "a.txt")
    ws.publish("two", "a.txt")

    assert (folder / "a.txt").read_text() == "two"


def test_a_failed_publication_leaves_the_old_file(ws, folder, server):
    ws.publish("one", "a.json")
    server.requests.clear()

    with pytest.raises(TypeError):
        ws.publish(object(), "a.json")

    assert (folder / "a.json").read_text() == "one"
    assert [path.name for path in folder.iterdir()] == ["a.json"]
    assert server.requests == []


def test_publishing_from_another_machine_sends_the_bytes(far_ws, server):
    file = far_ws.publish(b"abc", "out/a.bin")

    upload = server.requests[-2]
    assert upload.content == b"abc"
    assert dict(upload.url.params) == {"name": "a.bin", "dir": "out", "on_conflict": "replace"}
    assert file.path == "out/a.bin"


def test_publishing_never_leads_out(ws):
    with pytest.raises(errors.PathEscapes):
        ws.publish(b"", "../a.bin")


# the session


def test_a_refresh_looks_at_the_folder_and_reads_the_record(ws, server):
    server.sessions["churn"]["artifacts"] = 9

    assert ws.refresh() is ws
    assert ws.session.artifacts == 9
    assert ws.session_id == "churn"


def test_a_closed_session_is_not_scanned(ws, server):
    server.sessions["churn"]["status"] = "completed"
    ws.refresh()
    server.requests.clear()

    ws.refresh()

    assert [request.method for request in server.requests] == ["GET"]


def test_a_workspace_shows_itself_and_closes(ws):
    with ws:
        assert repr(ws).startswith("<session 'churn'")
        assert 'href="/base/api/workspace/sessions/churn/download"' in ws._repr_html_()

    assert ws._place.client._http.is_closed
