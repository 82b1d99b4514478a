import msgspec
import pytest

from jupyter_workspace import errors
from jupyter_workspace.client.registration import merged, registration, session_key
from jupyter_workspace.models.artifact import ProvenanceGiven
from jupyter_workspace.models.file import Provenance


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"abc")
    return path


def wire(body):
    members = msgspec.to_builtins(body)
    return {name: members[name] for name in ("path", "root_path", "name") if name in members}


def test_a_file_of_the_session_is_named_by_its_path(here, folder):
    # S0-17
    path = write(folder / "plots" / "loss.png")

    assert wire(registration(here, path, copy=True)) == {"path": "plots/loss.png"}


def test_a_relative_path_is_the_kernels_first_then_the_sessions(here, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "root")
    write(folder / "a.pkl")
    write(folder / "b.pkl")
    write(tmp_path / "root" / "a.pkl")

    assert wire(registration(here, "a.pkl", copy=True)) == {"root_path": "a.pkl"}
    assert wire(registration(here, "b.pkl", copy=True)) == {"path": "b.pkl"}


def test_a_folder_reached_through_a_link_is_the_same_folder(here, folder, tmp_path):
    write(folder / "a.pkl")
    (tmp_path / "link").symlink_to(folder)

    assert wire(registration(here, tmp_path / "link" / "a.pkl", copy=True)) == {"path": "a.pkl"}


def test_a_file_in_place_says_so(here, tmp_path):
    # S0-18
    path = write(tmp_path / "root" / "data" / "big.bin")

    body = registration(here, path, copy=False, name="big")

    assert wire(body) == {"root_path": "data/big.bin", "name": "big"}
    assert body.copy is False


@pytest.mark.parametrize("place", ["elsewhere/a.pkl", "root/.cache/a.pkl"])
def test_a_file_that_the_server_cannot_see_is_sent(here, server, tmp_path, place):
    path = write(tmp_path / place)

    body = registration(here, path, copy=True)

    sent = server.requests[-1]
    assert wire(body) == {"path": "a.pkl"}
    assert dict(sent.url.params) == {"name": "a.pkl", "dir": ".", "on_conflict": "replace"}
    assert sent.content == b"abc"


def test_a_sent_file_may_have_another_name(here, tmp_path):
    body = registration(here, write(tmp_path / "a.pkl"), copy=True, name="b.pkl")

    assert wire(body) == {"path": "b.pkl"}


def test_a_file_that_the_server_cannot_see_cannot_stay_in_place(here, tmp_path):
    with pytest.raises(errors.PathEscapes, match="Leave out copy=False"):
        registration(here, write(tmp_path / "a.pkl"), copy=False)


def test_from_another_machine_everything_is_sent(far, server, tmp_path):
    registration(far, write(tmp_path / "a.pkl"), copy=True)

    assert server.requests[-1].method == "PUT"


def test_a_missing_file_is_refused_before_anything_is_sent(here, server):
    # S0-19
    server.requests.clear()

    with pytest.raises(FileNotFoundError, match="where the kernel runs"):
        registration(here, "none.pkl", copy=True)

    assert server.requests == []


def test_a_folder_is_refused_with_what_to_do(here, folder):
    with pytest.raises(IsADirectoryError, match="as a list of paths"):
        registration(here, folder, copy=True)


def test_an_absolute_path_inside_is_a_key_of_the_session(here, folder, tmp_path):
    assert session_key(here, folder / "plots" / "a.png") == "plots/a.png"
    assert session_key(here, tmp_path / "x") == str(tmp_path / "x")
    assert session_key(here, "a.png") == "a.png"


def test_the_caller_adds_to_the_provenance_and_overrides_it():
    class Handle:
        artifact_id = "art_1"

    known = Provenance(kernel_id="k1", execution_count=3)

    told = merged(known, {"execution_count": 4, "inputs": [Handle(), "art_2"]})

    assert told == ProvenanceGiven(kernel_id="k1", execution_count=4, inputs=["art_1", "art_2"])


def test_provenance_may_be_given_as_one():
    known = Provenance(kernel_id="k1")

    assert merged(known, Provenance(git_commit="abc")) == ProvenanceGiven(kernel_id="k1", git_commit="abc")
    assert merged(known, None) == ProvenanceGiven(kernel_id="k1")


def test_an_unknown_member_of_provenance_is_refused_by_name():
    with pytest.raises(TypeError, match="author is no member"):
        merged(Provenance(), {"author": "me"})
