import pytest

from jupyter_workspace import errors
from tests.unit.client.fake_server import told
from tests.unit.client.flows import session

USUAL = {"copy": True, "deduplicate": False}
DATA = "data:text/csv;base64,YQ=="


@pytest.mark.parametrize(
    "source", [DATA, "workspace://other/a.csv", "https://example.org/a.csv", "s3://b/a.csv"]
)
def test_what_has_an_address_is_brought_in_by_the_server(ws, server, source):
    ws.ingest(source, "a.csv")

    assert told(server.requests[-1]) == {"source": source, "name": "a.csv", **USUAL}


def test_the_servers_refusal_of_an_address_is_the_callers(ws, server):
    server.refusals.append({"message": "Switched off.", "code": "forbidden"})

    with pytest.raises(PermissionError, match="Switched off"):
        ws.ingest("https://example.org/a.csv")


def test_a_path_outside_the_session_becomes_an_attachment(ws, tmp_path):
    (tmp_path / "a.csv").write_text("x")

    file = ws.ingest(tmp_path / "a.csv")

    assert (file.kind, file.path) == ("attachment", "attachments/a.csv")


def test_a_path_in_the_session_is_registered_where_it_stands(ws, folder, server):
    (folder / "sub").mkdir()
    (folder / "sub/a.csv").write_text("x")

    assert ws.ingest(str(folder / "sub/a.csv")).path == "sub/a.csv"
    assert server.requests[-1].method == "POST"


def test_a_path_that_is_not_there_is_the_builtin_error(ws):
    with pytest.raises(FileNotFoundError):
        ws.ingest("none.csv")


# and back


@pytest.fixture
def known(server, folder):
    (folder / "attachments").mkdir()
    (folder / "attachments/a b.csv").write_text("a")
    return server.add("attachments/a b.csv", b"a")


def test_a_name_is_resolved_in_three_forms(ws, known, folder):
    path = folder / "attachments/a b.csv"

    assert ws.resolve("a b.csv") == path
    assert ws.resolve("a b.csv", "reference") == "workspace://churn/attachments/a%20b.csv"
    assert ws.resolve("a b.csv", "data_uri") == DATA


def test_a_file_is_resolved_in_three_forms(ws, known, folder):
    file = ws.attachments[0]

    assert ws.resolve(file) == folder / "attachments/a b.csv"
    assert ws.resolve(file, "reference") == "workspace://churn/attachments/a%20b.csv"
    assert ws.resolve(file, "data_uri") == DATA


def test_a_reference_is_resolved_back(ws, known, folder):
    assert ws.resolve("workspace://churn/attachments/a%20b.csv") == folder / "attachments/a b.csv"


def test_a_reference_to_another_session_is_looked_up_there(ws, server, folder):
    server.sessions["other"] = session("other")
    other = folder.parent / "other"
    other.mkdir()
    (other / "b.csv").write_text("b")

    assert ws.resolve("workspace://other/b.csv") == other / "b.csv"
    with pytest.raises(errors.SessionNotFound):
        ws.resolve("workspace://none/b.csv")


def test_a_data_uri_becomes_a_path_with_its_content(ws):
    path = ws.resolve(DATA)

    assert (path.name, path.read_bytes()) == ("attachment.csv", b"a")
    assert ws.resolve(DATA) == path
    assert ws.resolve(DATA, "data_uri") == DATA


def test_a_data_uri_becomes_a_reference_by_being_brought_in(ws, server):
    assert ws.resolve(DATA, "reference").startswith("workspace://churn/")
    assert told(server.requests[-1]) == {"source": DATA, **USUAL}


def test_another_form_is_an_error(ws, known):
    with pytest.raises(ValueError, match="no form"):
        ws.resolve("a b.csv", "xml")
