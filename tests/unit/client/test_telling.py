import pytest

from jupyter_workspace import errors
from jupyter_workspace.client.telling import bodies_of, tell
from jupyter_workspace.models.artifact import Register
from jupyter_workspace.models.file import Provenance


class Batches:
    """A client that refuses batches with certain paths."""

    def __init__(self, refused=()):
        self.refused = dict(refused)
        self.sent = []
        self.known = []

    def register_batch(self, session_id, bodies):
        paths = [body.path for body in bodies]
        self.sent.append(len(paths))
        for path in paths:
            if path in self.refused:
                raise self.refused[path]
        self.known += paths


def files(count):
    return [Register(path=f"{number}.txt") for number in range(count)]


def test_a_cell_is_told_in_one_request():
    client = Batches()

    tell(client, "churn", files(100))

    assert client.sent == [100]


def test_more_than_a_request_takes_is_told_in_order():
    client = Batches()

    tell(client, "churn", files(250))

    assert client.sent == [100, 100, 50]
    assert client.known == [f"{number}.txt" for number in range(250)]


@pytest.mark.parametrize("error", [errors.SourceNotFound(), errors.Busy()])
def test_a_file_that_is_gone_again_keeps_no_other_back(error):
    client = Batches({"3.txt": error})

    tell(client, "churn", files(8))

    assert client.known == [f"{number}.txt" for number in range(8) if number != 3]


# Below the server's root a name that no upload could have is one that is not there
@pytest.mark.parametrize("error", [errors.NameInvalid("no"), errors.FileNotFound("no")])
def test_a_refusal_is_raised_by_name_when_all_were_tried(error):
    client = Batches({"3.txt": error})

    with pytest.raises(type(error), match=r"'3\.txt': no"):
        tell(client, "churn", files(8))

    assert len(client.known) == 7


def test_a_closed_session_is_asked_once():
    client = Batches({"3.txt": errors.SessionClosed()})

    with pytest.raises(errors.SessionClosed):
        tell(client, "churn", files(8))

    assert client.sent == [8]


def test_own_files_are_registered_and_those_outside_stay_where_they_are(here, tmp_path):
    outside = tmp_path / "root/work"
    changes = {here.folder: ["a.txt"], outside: ["plots/b.png"]}

    bodies = bodies_of(here, changes, Provenance(cell_id="c"), outside)

    assert [(body.path, body.root_path, body.copy) for body in bodies] == [
        ("a.txt", bodies[0].root_path, True),
        (bodies[1].path, "work/plots/b.png", False),
    ]
    assert {body.provenance.cell_id for body in bodies} == {"c"}


@pytest.mark.parametrize("outside", [None, "elsewhere"])
def test_what_the_server_cannot_see_is_not_listed(here, tmp_path, outside):
    folder = tmp_path / (outside or "root/work")

    assert bodies_of(here, {folder: ["b.png"]}, Provenance(), outside and folder) == []


def test_a_session_on_another_machine_has_nothing_to_tell(far, tmp_path):
    assert bodies_of(far, {tmp_path: ["b.png"]}, Provenance(), tmp_path) == []
