"""What cells write becomes known by itself: real kernels, a real server, nothing replaced."""

import asyncio
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from api.kernels import Server, opened

from jupyter_workspace.client.client import Client
from jupyter_workspace.client.discovery import find_server
from jupyter_workspace.client.reader import EventReader

pytestmark = pytest.mark.slow

STARTUP = Path(__file__).parents[2] / "jupyter-config/ipython-startup/50-jupyter-workspace.py"
SECONDS = 20


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("live"))
    # As the wheel installs it, for kernels of this server only.
    startup = made.home / "ipython/profile_default/startup"
    startup.mkdir(parents=True)
    shutil.copy(STARTUP, startup)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def client(server):
    with Client(server.url, server.token) as made:
        yield made


@pytest.fixture
def notebook(server, request):
    with opened(server, f"{request.node.name}/a.ipynb") as made:
        made.run("import jupyter_workspace as jw; ws = jw.current()")
        yield made


def session_of(client, notebook):
    return client.resolve_session(notebook_path=notebook.path).session_id


def known(client, session_id, *paths):
    """The records of these paths, once all are known with a cell."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        files = {file.path: file for file in client.each_file(session_id)}
        found = [files.get(path) for path in paths]
        if all(file and file.provenance and file.provenance.kernel_id for file in found):
            return found
        time.sleep(0.1)
    raise AssertionError(f"{paths} are not all known: {files}")


def events_of(client, session_id):
    return [(event.change_type, event.path) for event in client.events(session_id)]


def test_what_a_cell_writes_is_known_with_its_cell(notebook, client):
    # S0-17
    session_id = session_of(client, notebook)

    notebook.run_cell("cell-1", "for n in range(3): (ws / f'out/{n}.txt').write_text(str(n))")

    records = known(client, session_id, "out/0.txt", "out/1.txt", "out/2.txt")
    for record in records:
        assert record.kind == "artifact"
        assert record.provenance.cell_id == "cell-1"
        assert record.provenance.execution_count == 2
        assert record.provenance.notebook_path == notebook.path


def test_watcher_and_hook_together_give_one_event(notebook, client):
    session_id = session_of(client, notebook)

    notebook.run_cell("slow", "import time; (ws / 'a.txt').write_text('a'); time.sleep(6)")

    (record,) = known(client, session_id, "a.txt")
    assert record.provenance.cell_id == "slow"
    assert events_of(client, session_id) == [("created", "a.txt")]


def test_three_hundred_files_of_a_cell_give_three_hundred_events(notebook, client):
    session_id = session_of(client, notebook)

    notebook.run("for n in range(300): (ws / f'{n:03}.txt').write_text(str(n))")

    known(client, session_id, *(f"{n:03}.txt" for n in range(300)))
    events = events_of(client, session_id)
    assert len(events) == len(set(events)) == 300


# S0-70 as C31 has it: what a cell wrote before it failed is known
def test_a_cell_that_fails_is_seen_too(notebook, client):
    session_id = session_of(client, notebook)

    notebook.fail("(ws / 'before.txt').write_text('x'); 1 / 0")

    known(client, session_id, "before.txt")


def test_what_was_read_is_an_input_of_what_was_written(notebook, client):
    session_id = session_of(client, notebook)
    data = client.upload(session_id, b"1,2\n", "sales.csv")
    other = client.upload(session_id, b"3,4\n", "other.csv")

    notebook.run(
        "text = ws['sales.csv'].read_text(); more = ws.attachments['other.csv'].read_text()\n"
        "(ws / 'sum.txt').write_text(text + more)"
    )
    notebook.run("(ws / 'later.txt').write_text('nothing was read')")

    joined, later = known(client, session_id, "sum.txt", "later.txt")
    assert joined.provenance.inputs == [data.artifact_id, other.artifact_id]
    assert later.provenance.inputs == []


def test_a_published_object_knows_its_inputs(notebook, client):
    session_id = session_of(client, notebook)
    data = client.upload(session_id, b"1,2\n", "sales.csv")

    notebook.run("made = ws.publish(ws['sales.csv'].read_bytes(), 'copy.csv')")

    (record,) = known(client, session_id, "copy.csv")
    assert record.provenance.inputs == [data.artifact_id]


def test_the_commit_is_noted(server, client):
    folder = server.root / "repo"
    folder.mkdir()
    git = ["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "one"], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout

    with opened(server, "repo/a.ipynb") as notebook:
        notebook.run("import jupyter_workspace as jw; ws = jw.current()")
        notebook.run("(ws / 'a.txt').write_text('x')")

        (record,) = known(client, session_of(client, notebook), "a.txt")
    assert record.provenance.git_commit == commit.strip()


def test_a_captured_block_lists_what_it_wrote_where_it_stands(notebook, client):
    session_id = session_of(client, notebook)

    shown = notebook.run(
        "from pathlib import Path\n"
        "Path('before.txt').write_text('x')\n"
        "with ws.capture() as captured:\n"
        "    Path('beside.txt').write_text('x')\n"
        "    (ws / 'inside.txt').write_text('x')\n"
        "[file.path for file in captured.files]"
    )

    assert shown == "['inside.txt', 'references/beside.txt']"
    inside, beside = known(client, session_id, "inside.txt", "references/beside.txt")
    assert (inside.storage, beside.storage) == ("local", "reference")
    assert beside.root_path == f"{Path(notebook.path).parent}/beside.txt"


def test_a_cell_can_be_captured_by_its_first_line(notebook, client):
    shown = notebook.run("%%artifacts\nfrom pathlib import Path\nn = Path('magic.txt').write_text('x')")

    assert "magic.txt" in shown
    known(client, session_of(client, notebook), "references/magic.txt")


def test_a_captured_cell_that_fails_shows_its_error_once_and_what_it_wrote_is_known(notebook, client):
    told = notebook.fail("%%artifacts\nopen('before.txt', 'w').write('x')\n1 / 0")

    assert [error["ename"] for error in told] == ["ZeroDivisionError"] * 2
    assert [bool(error["traceback"]) for error in told] == [True, False]
    known(client, session_of(client, notebook), "references/before.txt")
    again = notebook.fail("import sys; raise sys.last_value")
    assert [bool(error["traceback"]) for error in again] == [True]


def test_a_captured_cell_that_awaits_is_told_of_the_other_way(notebook, client):
    (error,) = notebook.fail("%%artifacts\nimport asyncio\nawait asyncio.sleep(0)")
    notebook.run(
        "import asyncio\n"
        "with ws.capture() as captured:\n"
        "    await asyncio.sleep(0)\n"
        "    n = open('waited.txt', 'w').write('x')"
    )

    assert (error["ename"], "ws.capture()" in error["evalue"]) == ("SyntaxError", True)
    known(client, session_of(client, notebook), "references/waited.txt")


def test_captures_may_stand_in_each_other_and_be_interrupted(notebook, client):
    shown = notebook.run(
        "with ws.capture() as outer:\n"
        "    n = (ws / '1.txt').write_text('1')\n"
        "    with ws.capture() as inner:\n"
        "        n = (ws / '2.txt').write_text('2')\n"
        "[file.path for file in outer.files], [file.path for file in inner.files]"
    )
    notebook.fail(
        "with ws.capture() as stopped:\n    n = (ws / '3.txt').write_text('3')\n    raise KeyboardInterrupt"
    )

    assert shown == "(['1.txt', '2.txt'], ['2.txt'])"
    assert notebook.run("[file.path for file in stopped.files]") == "['3.txt']"
    session_id = session_of(client, notebook)
    known(client, session_id, "1.txt", "2.txt", "3.txt")
    assert len(events_of(client, session_id)) == 3


def test_what_programs_write_that_a_cell_starts_belongs_to_the_cell(notebook, client):
    notebook.run_cell(
        "shell", "import subprocess; n = subprocess.run('echo x > sub.txt', shell=True, cwd=ws.path)"
    )

    (record,) = known(client, session_of(client, notebook), "sub.txt")
    assert record.provenance.cell_id == "shell"


def test_a_notebook_that_is_renamed_while_it_runs_keeps_its_session(server, client):
    with opened(server, "renamed/old.ipynb") as notebook:
        notebook.run("import jupyter_workspace as jw; ws = jw.current()")
        session_id = session_of(client, notebook)
        (running,) = [one for one in server.api("GET", "sessions") if one["path"] == notebook.path]
        server.api("PATCH", "contents/renamed/old.ipynb", json={"path": "renamed/new.ipynb"})
        server.api("PATCH", f"sessions/{running['id']}", json={"path": "renamed/new.ipynb"})

        notebook.run("n = (ws / 'after.txt').write_text('x')")

        (record,) = known(client, session_id, "after.txt")
        assert record.provenance.notebook_path == "renamed/new.ipynb"
        assert client.resolve_session(notebook_path="renamed/new.ipynb").session_id == session_id


def test_an_old_notebook_that_once_said_yes_is_seen_without_knowing_of_us(server, client):
    path = "old/old.ipynb"
    with opened(server, path) as notebook:
        notebook.run("import jupyter_workspace as jw; jw.current().capture_folder(True)")
    session_id = session_of(client, notebook)
    assert client.get_session(session_id).metadata == {"capture": "notebook-folder"}

    with opened(server, path) as notebook:
        notebook.run_cell("plot", "open('loss.png', 'wb').write(b'png')")

        (record,) = known(client, session_id, "references/loss.png")
        assert (record.storage, record.root_path) == ("reference", "old/loss.png")
        assert record.provenance.cell_id == "plot"
        assert notebook.run("sorted(name for name in dir() if 'workspace' in name)") == "[]"
        assert not (server.root / "workspace" / session_id / "loss.png").exists()


def test_beside_the_notebook_only_files_of_the_person_are_listed(server, client):
    with opened(server, "busy/a.ipynb") as notebook:
        notebook.run("import jupyter_workspace as jw; ws = jw.current(); again = jw.current()")
        notebook.run("n = ws.capture_folder(True)")

        notebook.run(
            "import os\nfrom pathlib import Path\n"
            "for path in ('.ipynb_checkpoints/a.ipynb', '.hidden', '__pycache__/x.pyc', 'ends in dot.',\n"
            "             'deep/er/y.csv', 'z.csv'):\n"
            "    Path(path).parent.mkdir(parents=True, exist_ok=True)\n"
            "    Path(path).write_text(path)\n"
            "os.symlink('z.csv', 'link.csv'); os.symlink('/etc', 'folder'); os.mkfifo('pipe')"
        )

        session_id = session_of(client, notebook)
        records = known(client, session_id, "references/y.csv", "references/z.csv")
    assert [record.root_path for record in records] == ["busy/deep/er/y.csv", "busy/z.csv"]
    assert client.list_files(session_id).total == 2
    # Nothing was copied.
    assert client.get_session(session_id).size == 0


def test_a_notebook_that_never_said_yes_stays_alone(server, client):
    path = "alone/alone.ipynb"

    with opened(server, path) as notebook:
        notebook.run("open('loss.png', 'wb').write(b'png')")
        notebook.run("open('more.png', 'wb').write(b'png')")

    assert client.list_sessions(notebook_path=path).total == 0


def test_the_extension_can_be_loaded_by_its_name(server, client):
    with opened(server, "ext/a.ipynb") as notebook:
        notebook.run("%load_ext jupyter_workspace")
        session_id = session_of(client, notebook)
        folder = server.root / client.get_session(session_id).path
        notebook.run(f"open({str(folder / 'a.txt')!r}, 'w').write('x')")

        known(client, session_id, "a.txt")


def test_something_that_stands_elsewhere_is_brought_in(notebook, client, tmp_path):
    (tmp_path / "outside.csv").write_text("a")

    notebook.run("one = ws.ingest('data:text/csv;base64,YQ==', 'data.csv')")
    notebook.run(f"two = ws.ingest({str(tmp_path / 'outside.csv')!r})")

    assert notebook.run("one.kind, one.path, two.path") == (
        "('attachment', 'attachments/data.csv', 'attachments/outside.csv')"
    )
    assert (
        notebook.run("three = ws.ingest(ws.resolve(one, 'reference'), 'again.csv'); three.read_text()")
        == "'a'"
    )
    assert notebook.run("ws.resolve('data.csv', 'data_uri')") == "'data:text/csv;base64,YQ=='"
    assert notebook.run("ws.resolve(ws.resolve(one, 'reference')) == one.local_path") == "True"


def test_events_are_followed_over_a_kill_of_the_server(tmp_path):
    server = Server(tmp_path)
    server.start()
    try:
        with opened(server, "a.ipynb") as notebook:
            notebook.run("import jupyter_workspace as jw; ws = jw.current(); (ws / '1.txt').write_text('x')")
            told = notebook.run(
                "import os; {n: v for n, v in os.environ.items() if n.startswith('JUPYTER_WORKSPACE_')}"
            )
        environment = eval(told)
        with Client(server.url, server.token) as client:
            session_id = session_of(client, notebook)
            known(client, session_id, "1.txt")

        async def restart_and_add():
            await asyncio.to_thread(server.stop, signal.SIGKILL)
            await asyncio.to_thread(server.start)
            with Client(server.url, server.token) as other:
                await asyncio.to_thread(other.upload, session_id, b"x", "2.txt", folder=".")

        async def follow():
            seen = []
            with Client.at(find_server(environment)) as mine:
                async for event in EventReader(mine, session_id, after=0, follow=True):
                    seen.append((event.sequence, event.path))
                    if len(seen) == 2:
                        break
                    await restart_and_add()
            return seen

        assert asyncio.run(follow()) == [(1, "1.txt"), (2, "2.txt")]
    finally:
        server.stop()
