import sys
from types import SimpleNamespace

import pytest

from jupyter_workspace import load_ipython_extension
from jupyter_workspace.client import cell, discovery, hook, kernel, startup
from jupyter_workspace.client.cell import Execution, around, notebook_folder
from jupyter_workspace.client.hook import Hook, hook_of
from jupyter_workspace.client.place import Place
from jupyter_workspace.models.file import Provenance
from tests.unit.client.conftest import make_place
from tests.unit.client.flows import session

SECONDS = 10


class Shell:
    """What the hook needs of IPython."""

    def __init__(self):
        self.callbacks = {"pre_run_cell": [], "post_run_cell": []}
        self.events = SimpleNamespace(register=lambda name, call: self.callbacks[name].append(call))
        self.magics = {}
        self.history_manager = SimpleNamespace(input_hist_parsed=[""])
        self.kernel = None

    def register_magic_function(self, function, kind, name):
        self.magics[kind, name] = function

    def transform_cell(self, code):
        return code

    def should_run_async(self, code, *, transformed_cell):
        return "await" in transformed_cell and code == transformed_cell

    def run(self, code, *, cancelled=False):
        """Runs a function as a cell."""
        info = SimpleNamespace(store_history=True)
        for call in self.callbacks["pre_run_cell"]:
            call(info)
        self.history_manager.input_hist_parsed.append("code")
        code()
        for call in self.callbacks["post_run_cell"]:
            call(None if cancelled else SimpleNamespace(info=info))


@pytest.fixture
def shell(monkeypatch, tmp_path):
    made = Shell()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: made))
    monkeypatch.setattr(discovery, "kernel_id", lambda _=None: "k1")
    work = tmp_path / "root/work"
    work.mkdir(parents=True)
    monkeypatch.chdir(work)
    return made


@pytest.fixture
def known_server(server, environment, tmp_path, folder):
    environment.setenv("JUPYTER_WORKSPACE_URL", "http://127.0.0.1:8888/base/")
    environment.setenv("JUPYTER_WORKSPACE_TOKEN", "secret")
    environment.setenv("JUPYTER_WORKSPACE_ROOT", str(tmp_path / "root"))
    return server


@pytest.fixture
def ws(shell, known_server):
    made = kernel.current()
    shell.callbacks["post_run_cell"][0](None)
    yield made
    made.close()


def told(shell, server):
    """What was registered by now, path and provenance."""
    assert hook_of(shell).background.wait(SECONDS)
    return [(file["path"], file["provenance"]) for file in server.files]


def saying_yes(server):
    server.sessions["churn"]["metadata"] = {"capture": "notebook-folder"}


def test_what_a_cell_wrote_is_told_after_it(shell, ws, known_server):
    shell.run(lambda: (ws / "a.txt").write_text("x"))

    assert told(shell, known_server) == [("a.txt", {"kernel_id": "k1", "execution_count": 1})]


def test_a_cell_that_wrote_nothing_tells_nothing(shell, ws, known_server):
    asked = len(known_server.requests)

    shell.run(lambda: None)

    assert told(shell, known_server) == []
    assert len(known_server.requests) == asked


def test_files_of_one_cell_are_told_in_one_request(shell, ws, known_server):
    shell.run(lambda: [(ws / f"{number}.txt").write_text("x") for number in range(30)])

    assert len(told(shell, known_server)) == 30
    assert [request.method for request in known_server.requests].count("POST") == 2


def test_a_cell_that_was_cancelled_is_told_too(shell, ws, known_server):
    shell.run(lambda: (ws / "a.txt").write_text("x"), cancelled=True)

    assert [path for path, _ in told(shell, known_server)] == ["a.txt"]


def test_a_cell_that_runs_another_is_one_with_it(shell, ws, known_server):
    def outer():
        (ws / "1.txt").write_text("x")
        shell.run(lambda: (ws / "2.txt").write_text("x"))
        (ws / "3.txt").write_text("x")

    shell.run(outer)

    assert [path for path, _ in told(shell, known_server)] == ["1.txt", "2.txt", "3.txt"]
    assert [request.method for request in known_server.requests] == ["GET", "POST", "POST"]


def test_what_the_first_cell_writes_after_current_is_told(shell, known_server):
    def first():
        with kernel.current() as ws:
            (ws / "a.txt").write_text("x")

    first()
    shell.callbacks["post_run_cell"][0](SimpleNamespace(info=object()))

    assert [path for path, _ in told(shell, known_server)] == ["a.txt"]


def test_a_cell_that_begins_ends_the_one_that_was_joined_late(shell, known_server):
    with kernel.current() as ws:
        (ws / "a.txt").write_text("x")

    shell.run(lambda: None)

    assert [path for path, _ in told(shell, known_server)] == ["a.txt"]


def test_a_cell_without_a_number_has_none(shell, ws, known_server):
    info = SimpleNamespace(store_history=False)
    shell.callbacks["pre_run_cell"][0](info)
    (ws / "a.txt").write_text("x")
    shell.callbacks["post_run_cell"][0](SimpleNamespace(info=info))

    assert told(shell, known_server) == [("a.txt", {"kernel_id": "k1"})]


def test_what_the_code_registered_itself_is_not_told_again(shell, ws, known_server):
    def code():
        ws.publish("x", "a.txt")
        (ws / "b.txt").write_text("x")
        ws.register([ws / "b.txt"])

    shell.run(code)

    assert [path for path, _ in told(shell, known_server)] == ["a.txt", "b.txt"]


def test_what_was_read_is_an_input(shell, ws, known_server, folder):
    one, two = known_server.add("attachments/a.csv"), known_server.add("attachments/b.csv")
    (folder / "attachments").mkdir()
    (folder / "attachments/a.csv").write_text("abc")

    def code():
        ws["a.csv"].read_text()
        ws.attachments["b.csv"].read_bytes()
        (ws / "sum.txt").write_text("x")

    shell.run(code)
    shell.run(lambda: (ws / "later.txt").write_text("x"))

    _, _, (_, joined), (_, later) = told(shell, known_server)
    assert joined["inputs"] == [one["artifact_id"], two["artifact_id"]]
    assert "inputs" not in later


def test_what_the_cell_wrote_is_no_input_of_its(shell, ws, known_server):
    known_server.add("own.txt")

    def code():
        (ws / "own.txt").write_text("new")
        ws["own.txt"].read_text()
        ws.publish("x", "sum.txt")

    shell.run(code)

    assert "inputs" not in dict(told(shell, known_server))["sum.txt"]


def test_what_the_server_does_not_know_is_no_input(shell, ws, known_server, folder):
    (folder / "fresh.txt").write_text("x")

    shell.run(lambda: (ws["fresh.txt"].read_text(), ws.publish("x", "sum.txt")))

    assert "inputs" not in dict(told(shell, known_server))["sum.txt"]


def test_the_notebooks_folder_is_left_alone_until_somebody_says_yes(shell, ws, known_server, tmp_path):
    shell.run(lambda: (tmp_path / "root/work/plot.png").write_text("x"))

    assert told(shell, known_server) == []


def test_the_notebooks_folder_is_listed_in_place_after_a_yes(shell, known_server, tmp_path):
    saying_yes(known_server)
    work = tmp_path / "root/work"
    (work / "a.ipynb").write_text("{}")

    with kernel.current() as ws:
        shell.callbacks["post_run_cell"][0](None)
        shell.run(
            lambda: [(work / name).write_text("x") for name in ("plot.png", "a.ipynb", ".b", "c.ipynb")]
        )
        shell.run(lambda: (ws / "own.txt").write_text("x"))

    assert [path for path, _ in told(shell, known_server)] == ["plot.png", "c.ipynb", "own.txt"]


def test_a_yes_holds_from_the_next_cell_on_whoever_else_asked_for_the_session(
    shell, ws, known_server, tmp_path
):
    with kernel.current():
        ws.capture_folder(True)
        shell.callbacks["post_run_cell"][0](None)

    shell.run(lambda: (tmp_path / "root/work/plot.png").write_text("x"))

    assert told(shell, known_server) == [("plot.png", {"kernel_id": "k1", "execution_count": 1})]


def test_a_yes_said_elsewhere_is_learned_of(shell, known_server, tmp_path):
    now = [0.0]
    watcher = Hook(clock=lambda: now[0])
    place = make_place(known_server, {"JUPYTER_WORKSPACE_ROOT": str(tmp_path / "root")})
    watcher.watch(place, place.client)
    watcher.cell_ends(None)
    saying_yes(known_server)
    now[0] = 31.0

    watcher.cell_ends(None)
    assert watcher.background.wait(SECONDS)

    assert place.session.metadata == {"capture": "notebook-folder"}
    asked = len(known_server.requests)
    watcher.cell_ends(None)
    assert watcher.background.wait(SECONDS)
    assert len(known_server.requests) == asked


def test_what_goes_wrong_is_a_warning_at_the_next_cell(shell, ws, known_server):
    known_server.refusals.append({"message": "It is closed.", "code": "session_closed"})

    shell.run(lambda: (ws / "a.txt").write_text("x"))
    assert hook_of(shell).background.wait(SECONDS)

    with pytest.warns(UserWarning, match="not told to its session .It is closed"):
        shell.run(lambda: None)


def test_two_sessions_are_told_what_is_theirs(shell, ws, known_server, folder):
    known_server.sessions["other"] = session("other")
    (folder.parent / "other").mkdir()

    def code():
        with kernel.current("other") as other:
            (other / "theirs.txt").write_text("x")
        (ws / "ours.txt").write_text("x")

    shell.run(code)
    shell.run(lambda: (ws / "more.txt").write_text("x"))

    assert {path for path, _ in told(shell, known_server)} == {"theirs.txt", "ours.txt", "more.txt"}
    addressed = [
        request.url.path.split("/")[-2] for request in known_server.requests if request.method == "POST"
    ]
    assert addressed == ["sessions", "churn", "other", "churn"]


def test_the_hook_is_installed_once(shell):
    assert hook_of(shell) is hook_of(shell)
    assert len(shell.callbacks["pre_run_cell"]) == 1


def test_the_extension_watches_this_notebook(shell, known_server, folder):
    load_ipython_extension(shell)
    shell.callbacks["post_run_cell"][0](None)

    shell.run(lambda: (folder / "a.txt").write_text("x"))

    assert [path for path, _ in told(shell, known_server)] == ["a.txt"]
    assert ("cell", "artifacts") in shell.magics


def test_the_magic_gives_what_its_cell_wrote(shell, ws, known_server, tmp_path):
    def run_cell(code):
        (tmp_path / "root/work" / code).write_text("x")
        return SimpleNamespace(error_before_exec=None, error_in_exec=None, raise_error=lambda: None)

    shell.run_cell = run_cell

    files = shell.magics["cell", "artifacts"]("", "magic.txt")

    assert [file.path for file in files] == ["magic.txt"]


def test_the_magic_runs_no_cell_that_awaits(shell, ws):
    with pytest.raises(SyntaxError, match="capture"):
        shell.magics["cell", "artifacts"]("", "await it()")


def test_the_shell_shows_an_error_of_the_captured_cell_no_second_time(shell, ws):
    error = ValueError("of the cell")

    def raise_error():
        raise error

    shell.run_cell = lambda _: SimpleNamespace(
        error_before_exec=None, error_in_exec=error, raise_error=raise_error
    )

    with pytest.raises(ValueError, match="of the cell") as caught:
        shell.magics["cell", "artifacts"]("", "fail()")

    assert caught.value._render_traceback_() == []
    assert not hasattr(error, "_render_traceback_")


# a kernel that starts


@pytest.fixture
def started(known_server, environment, tmp_path):
    known_server.sessions["churn"]["notebook_path"] = "work/churn.ipynb"
    environment.setenv("JPY_SESSION_NAME", str(tmp_path / "root/work/churn.ipynb"))
    return known_server


def test_an_old_notebook_that_said_yes_is_seen_from_its_first_cell(shell, started, tmp_path):
    saying_yes(started)
    startup.begin()

    shell.run(lambda: (tmp_path / "root/work/plot.png").write_text("x"))

    assert told(shell, started) == [("plot.png", {"kernel_id": "k1", "execution_count": 1})]


def test_a_notebook_without_a_session_gets_none(shell, started, tmp_path):
    started.sessions.clear()
    startup.begin()

    shell.run(lambda: (tmp_path / "root/work/plot.png").write_text("x"))
    shell.run(lambda: (tmp_path / "root/work/other.png").write_text("x"))

    assert told(shell, started) == []
    assert started.sessions == {}


def test_a_notebook_elsewhere_is_not_asked_for(shell, started, environment, tmp_path):
    environment.setenv("JPY_SESSION_NAME", str(tmp_path / "elsewhere/a.ipynb"))

    startup.begin()

    assert told(shell, started) == []
    assert started.requests == []


@pytest.mark.parametrize("missing", startup.NEEDED)
def test_a_kernel_of_another_server_is_left_alone(shell, started, environment, missing):
    environment.delenv(missing)

    startup.begin()

    assert not hasattr(shell, hook._ATTRIBUTE)


def test_a_console_is_left_alone(shell, started, monkeypatch):
    monkeypatch.setattr(discovery, "kernel_id", lambda _=None: None)

    startup.begin()

    assert not hasattr(shell, hook._ATTRIBUTE)


def test_plain_python_is_left_alone(started, monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)

    startup.begin()

    assert started.requests == []


def test_a_session_that_the_code_asked_for_meanwhile_stays(shell, started, tmp_path):
    watcher = Hook()
    place = make_place(started, {"JUPYTER_WORKSPACE_ROOT": str(tmp_path / "root")})
    watcher.watch(place, place.client)

    watcher.expect(lambda: (make_place(started, {}), place.client))

    assert watcher.background.wait(SECONDS)
    assert watcher._sessions["churn"].place is place


# where a cell stands


def test_the_notebooks_folder_is_what_the_server_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()

    assert notebook_folder({"JPY_SESSION_NAME": str(tmp_path / "a/b.ipynb")}) == tmp_path / "a"
    assert notebook_folder({"JPY_SESSION_NAME": "a/b.ipynb"}) == tmp_path
    assert notebook_folder({"JPY_SESSION_NAME": str(tmp_path / "gone/b.ipynb")}) == tmp_path
    assert notebook_folder({}) == tmp_path


def test_sessions_are_not_looked_at_from_outside(here, far, folder, tmp_path):
    root = tmp_path / "root"

    assert around(here, root) == {root: {"workspace"}}
    assert around(here, root / "work") == {root / "work": frozenset()}
    assert around(here, folder) == {}
    assert around(far, root) == {root: frozenset()}


def test_a_path_is_no_input_where_the_folder_is_not(far, tmp_path):
    execution = Execution(Provenance())

    execution.has_read(far, tmp_path / "a.csv")

    assert execution.provenance(far.client).inputs == []


def test_a_link_out_of_the_folder_is_found_by_its_name(here, tmp_path, server):
    one = server.add("a.csv")
    execution = Execution(Provenance())
    execution.look_at(cell.inside(here))

    execution.has_read(here, tmp_path / "a.csv")

    assert execution.provenance(here.client).inputs == [one["artifact_id"]]


def test_an_input_is_not_another_file_whose_name_only_begins_so(here, folder, server):
    (folder / "a.csv").write_text("x")
    server.add("a.csv.bak")
    one = server.add("a.csv")
    execution = Execution(Provenance())

    execution.has_read(here, folder / "a.csv")

    assert execution.provenance(here.client).inputs == [one["artifact_id"]]


def test_what_is_gone_was_not_made(here, tmp_path):
    execution = Execution(Provenance())

    execution.has_made(tmp_path / "none")

    assert execution.changes() == {}


def test_a_place_without_cells_notes_nothing(here, folder):
    assert isinstance(here, Place)
    here.note_read(folder / "a")
    here.note_made(folder / "a")
