"""The kernel's side against a real server, with real kernels: nothing is replaced."""

import asyncio
import hashlib
import json
import signal
import zipfile

import httpx2
import nbformat
import pytest
from api.kernels import EXAMPLES, Server, opened

from jupyter_workspace import errors
from jupyter_workspace.client.async_client import AsyncClient
from jupyter_workspace.client.client import Client
from jupyter_workspace.models.artifact import Register

pytestmark = pytest.mark.slow

DATA = EXAMPLES / "penguins.csv"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("server"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def notebook(server):
    with opened(server, "work/churn.ipynb") as made:
        made.run("import jupyter_workspace as jw; ws = jw.current()")
        yield made


@pytest.fixture
def client(server):
    with Client(server.url, server.token) as made:
        yield made


@pytest.fixture
def session_id(client, notebook):
    return client.resolve_session(notebook_path=notebook.path).session_id


def artifact(client, session_id, path):
    return next(file for file in client.each_file(session_id, kind="artifact") if file.path == path)


# the notebook finds itself


def test_kernel_and_panel_find_the_same_session(notebook, session_id):
    assert notebook.run("ws.session_id") == repr(session_id)


def test_a_kernel_of_a_server_loads_nothing_of_the_server(notebook):
    assert notebook.run("import sys; sorted({'jupyter_server', 'sqlalchemy'} & set(sys.modules))") == "[]"


def test_the_kernels_token_opens_nothing_else(notebook):
    code = """
import os, urllib.request, urllib.error
url, token = os.environ["JUPYTER_WORKSPACE_URL"], os.environ["JUPYTER_WORKSPACE_TOKEN"]
def status(header, value):
    request = urllib.request.Request(url + "api/contents", headers={header: value})
    try:
        return urllib.request.urlopen(request, timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code
print(status("X-Jupyter-Workspace-Token", token), status("Authorization", f"token {token}"))
"""

    assert notebook.run(code) == "403 403"


def test_an_upload_is_read_by_name(notebook, client, session_id):
    client.upload(session_id, b"a,b\n1,2\n", "sales.csv")

    assert notebook.run("ws['sales.csv'].read_text()") == repr("a,b\n1,2\n")
    assert notebook.run("[f.name for f in ws.attachments]") == "['sales.csv']"


def test_a_second_upload_of_a_name_is_warned_of(notebook, client, session_id):
    for _ in range(2):
        client.upload(session_id, b"x", "twice.csv")

    notebook.run("import warnings; caught = warnings.catch_warnings(record=True); log = caught.__enter__()")
    notebook.run("warnings.simplefilter('always'); ws['twice.csv']")

    assert "twice (1).csv" in notebook.run("caught.__exit__(None, None, None); print(log[0].message)")


def test_a_missing_file_is_the_builtin_error_with_a_suggestion(notebook):
    code = "try:\n    ws['nothing.csv']\nexcept FileNotFoundError as error:\n    print(error)"

    assert "There is no file 'nothing.csv'" in notebook.run(code)


# what code makes


def test_a_registered_file_says_where_it_comes_from(notebook, client, session_id):
    # S0-17
    notebook.run("(ws / 'models/m.bin').write_bytes(b'model')")
    notebook.run("model = ws.register('models/m.bin', metadata={'loss': 0.5})")

    record = artifact(client, session_id, "models/m.bin")
    assert record.sha256 == hashlib.sha256(b"model").hexdigest()
    assert record.metadata == {"loss": 0.5}
    assert record.source == "register"
    assert record.provenance.notebook_path == "work/churn.ipynb"
    assert record.provenance.kernel_id
    assert record.provenance.execution_count > 0
    assert client.read(session_id, record.artifact_id) == b"model"


def test_a_registered_file_says_which_cell_made_it(notebook, client, session_id):
    notebook.run_cell("cell-7", "ws.publish(b'x', 'cell.bin')")

    assert artifact(client, session_id, "cell.bin").provenance.cell_id == "cell-7"


def test_registering_the_same_bytes_again_gives_the_same_file(notebook):
    notebook.run("(ws / 'same.bin').write_bytes(b'1'); one = ws.register('same.bin')")

    assert (
        notebook.run("two = ws.register('same.bin'); (one.artifact_id == two.artifact_id, two.version)")
        == "(True, 1)"
    )


def test_other_bytes_are_a_new_version_of_the_same_file(notebook):
    notebook.run("one = ws.publish(b'1', 'version.bin'); two = ws.publish(b'22', 'version.bin')")

    assert (
        notebook.run("(one.id == two.id, one.artifact_id == two.artifact_id, two.version)")
        == "(True, False, 2)"
    )


def test_a_list_is_registered_at_once(notebook):
    notebook.run("paths = [ws / f'batch/{n}.txt' for n in range(3)]; [p.write_text(p.name) for p in paths]")

    assert (
        notebook.run("[f.path for f in ws.register(paths)]")
        == "['batch/0.txt', 'batch/1.txt', 'batch/2.txt']"
    )


def test_a_file_beside_the_notebook_is_copied_into_the_session(notebook, client, session_id):
    # S0-18
    notebook.run("import pathlib; pathlib.Path('beside.bin').write_bytes(b'1')")

    notebook.run("beside = ws.register('beside.bin'); pathlib.Path('beside.bin').write_bytes(b'2')")

    record = next(file for file in client.each_file(session_id) if file.name == "beside.bin")
    assert (record.kind, record.storage) == ("artifact", "local")
    assert client.read(session_id, record.attachment_id) == b"1"


def test_a_file_beside_the_notebook_can_stay_where_it_is(notebook, client, session_id):
    # S0-18
    notebook.run("import pathlib; pathlib.Path('big.bin').write_bytes(b'big')")

    notebook.run("big = ws.register('big.bin', copy=False)")

    record = next(file for file in client.each_file(session_id) if file.name == "big.bin")
    assert (record.storage, record.root_path) == ("reference", "work/big.bin")
    assert notebook.run("ws['big.bin'] == pathlib.Path('big.bin').resolve()") == "True"


def test_identical_bytes_can_be_one_file(notebook):
    # S0-23
    notebook.run("first = ws.publish(b'identical', 'first.bin')")
    notebook.run("import pathlib; pathlib.Path('second.bin').write_bytes(b'identical')")

    assert notebook.run("ws.register('second.bin', deduplicate=True).id == first.id") == "True"


def test_a_file_outside_the_servers_folder_is_sent(notebook, client, session_id, tmp_path):
    path = tmp_path / "outside.bin"
    path.write_bytes(b"outside")

    notebook.run(f"ws.register({str(path)!r}, metadata={{'a': 1}})")

    record = next(file for file in client.each_file(session_id) if file.name == "outside.bin")
    assert client.read(session_id, record.attachment_id) == b"outside"
    assert record.metadata == {"a": 1}


def test_a_cell_shows_a_file_with_a_download_link_that_works(notebook, server):
    notebook.run("file = ws.publish('<b>', 'shown <b>.txt')")

    html = notebook.run("print(file._repr_html_())")

    assert "shown &lt;b&gt;.txt" in html
    link = html.partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    assert link.startswith("/base/api/workspace/sessions/")
    origin = server.url.removesuffix("/base/")
    answer = httpx2.get(f"{origin}{link}", headers={"Authorization": f"token {server.token}"})
    assert answer.content == b"<b>"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_what_happens_is_followed_from_a_cursor(notebook, client, session_id):
    before = [event.sequence for event in client.events(session_id)]
    notebook.run("ws.publish('x', 'followed.txt')")

    page = client.poll_events(session_id, after=before[-1], wait_seconds=10)

    assert [(event.sequence, event.path) for event in page.events] == [(before[-1] + 1, "followed.txt")]


def test_a_deleted_file_is_in_the_trash_and_comes_back(notebook, client, session_id):
    notebook.run("gone = ws.publish('x', 'gone.txt'); ws.delete('gone.txt')")

    assert notebook.run("'gone.txt' in ws, (ws.path / 'gone.txt').exists()") == "(False, False)"
    trashed = next(file for file in client.list_trash(session_id).trash if file.name == "gone.txt")
    assert client.restore_file(session_id, trashed.attachment_id).path == "gone.txt"
    assert notebook.run("ws['gone.txt'].read_text()") == "'x'"


# the main job


def test_the_quickstart_runs_and_its_results_are_fetched(server, client, tmp_path):
    path = "examples/quickstart.ipynb"
    (server.root / "examples").mkdir(exist_ok=True)
    (server.root / path).write_bytes((EXAMPLES / "quickstart.ipynb").read_bytes())
    session = client.resolve_session(notebook_path=path)
    data = client.upload(session.session_id, DATA)
    cells = nbformat.read(server.root / path, as_version=4).cells

    with opened(server, path) as notebook:
        for cell in cells:
            if cell.cell_type == "code":
                notebook.run(cell.source)

    made = {file.path: file for file in client.each_file(session.session_id, kind="artifact")}
    assert set(made) == {"plots/flippers.png", "models/mass.npz"}
    assert made["plots/flippers.png"].media == "image"
    assert made["models/mass.npz"].provenance.inputs == [data.artifact_id]
    assert 0 < made["models/mass.npz"].metadata["r_squared"] < 1
    seen = [event.path for event in client.events(session.session_id)]
    assert seen == ["attachments/penguins.csv", "plots/flippers.png", "models/mass.npz"]
    archive = client.zip_session(session.session_id, tmp_path)
    with zipfile.ZipFile(archive) as members:
        assert members.testzip() is None
        assert f"{session.session_id}/plots/flippers.png" in members.namelist()


def test_the_quickstart_says_what_is_missing(server):
    path = "examples/empty.ipynb"
    (server.root / "examples").mkdir(exist_ok=True)
    (server.root / path).write_bytes((EXAMPLES / "quickstart.ipynb").read_bytes())
    cells = {cell.id: cell.source for cell in nbformat.read(server.root / path, as_version=4).cells}

    with opened(server, path) as notebook:
        notebook.run(cells["find"])
        with pytest.raises(AssertionError, match=r"penguins\.csv has not been uploaded"):
            notebook.run(cells["read"])


# clients elsewhere


async def test_an_async_client_does_the_same(server, tmp_path):
    async with AsyncClient(server.url, server.token) as client:
        session = await client.put_session("async")
        record = await client.upload(session.session_id, b"abc" * 1_000_000, "big.bin", folder="data")
        path = await client.download(session.session_id, record.attachment_id, tmp_path)
        paths = [file.path async for file in client.each_file(session.session_id)]

    assert path.stat().st_size == 3_000_000
    assert paths == ["data/big.bin"]


def test_uploads_at_the_same_time_are_all_there(server):
    async def send():
        async with AsyncClient(server.url, server.token) as client:
            await client.put_session("many")
            await asyncio.gather(*(client.upload("many", bytes([n]) * 1000, f"{n}.bin") for n in range(20)))
            return [file.name async for file in client.each_file("many")]

    assert len(set(asyncio.run(send()))) == 20


def test_sessions_are_listed_changed_and_deleted(client):
    client.create_session("plain", name="Plain")

    assert client.update_session("plain", description="d").description == "d"
    assert "plain" in [session.session_id for session in client.each_session(q="plai")]
    with pytest.raises(errors.SessionExists):
        client.create_session("plain")
    client.delete_session("plain", files=True)
    with pytest.raises(errors.SessionNotFound):
        client.get_session("plain")


def test_a_closed_session_refuses_writes(client):
    client.put_session("closed")
    client.update_session("closed", status="completed")

    with pytest.raises(errors.SessionClosed):
        client.upload("closed", b"x", "a.bin")


def test_files_are_renamed_scanned_and_counted(client, server):
    session = client.put_session("files")
    (server.root / session.path / "found.txt").write_text("x")
    record = client.upload("files", b"abc", "a.csv")

    client.scan("files")
    renamed = client.update_file("files", record.attachment_id, name="b.csv", metadata={"k": 1})

    assert (renamed.path, renamed.metadata) == ("attachments/b.csv", {"k": 1})
    assert {file.path for file in client.each_file("files")} == {"attachments/b.csv", "found.txt"}
    assert client.list_attachments("files").total == 1
    assert client.get_usage().file_count >= 2
    assert client.get_service().api_version == 1


def test_what_is_not_there_cannot_be_registered(client):
    # S0-19
    client.put_session("nothing")

    with pytest.raises(errors.SourceNotFound):
        client.register("nothing", Register(path="none.bin"))


def test_a_wrong_token_opens_nothing(server):
    with Client(server.url, "wrong", is_scoped=True) as client, pytest.raises(PermissionError):
        client.get_usage()


def test_code_that_outlives_its_server_finds_the_next_one(tmp_path, monkeypatch):
    server = Server(tmp_path)
    server.start()
    try:
        with opened(server, "a.ipynb") as notebook:
            names = ("URL", "TOKEN", "CONNECTION_FILE")
            told = notebook.run(
                f"import os, json; print(json.dumps({{n: os.environ['JUPYTER_WORKSPACE_' + n] for n in {names}}}))"
            )
        for name, value in json.loads(told).items():
            monkeypatch.setenv(f"JUPYTER_WORKSPACE_{name}", value)
        with Client() as client:
            client.put_session("lasting")
            first = client.server.url
            server.stop(signal.SIGKILL)
            server.start()

            assert client.get_session("lasting").session_id == "lasting"
            assert client.server.url != first
    finally:
        server.stop()
