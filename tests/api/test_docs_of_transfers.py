"""The examples of `docs/upload-clients.md` and `docs/downloads.md`, as they are written there."""

import ast
import asyncio
import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from api.javascript import installed

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[2] / "docs"
CONTENT = b"month,sales\n" * 9
SECONDS = 120


def example(page, language, chapter):
    """The first example of a chapter in that language."""
    text = (DOCS / page).read_text().partition(f"\n## {chapter}\n")[2].partition("\n## ")[0]
    found = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert found, (page, chapter)
    return found[1]


@pytest.fixture
def churn(server, session, tmp_path, monkeypatch):
    """The session that the examples call churn, and a folder with what they upload."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "sales.csv").write_bytes(CONTENT)
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures/a.txt").write_text("a")
    return session


def as_ours(text, session):
    """Of this test's session, which others do not see."""
    return text.replace("churn", session.id)


def run_python(text, session):
    code = compile(as_ours(text, session), "example", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names = {"url": session.server.url, "token": session.server.token}
    result = eval(code, names)
    if inspect.isawaitable(result):
        asyncio.run(result)


def run_shell(text, session):
    # The command as it is installed.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    said = {"URL": session.server.url.rstrip("/"), "TOKEN": session.server.token, "PATH": path}
    said |= {"JUPYTER_WORKSPACE_URL": session.server.url, "JUPYTER_TOKEN": session.server.token}
    command = ["bash", "-ec", as_ours(text, session)]
    subprocess.run(command, env={**os.environ, **said}, check=True, timeout=SECONDS)


def assert_uploaded(session, *more):
    stored = {record["path"]: record for record in session.attachments()}
    assert stored.keys() == {"attachments/sales.csv", *more}
    assert (session.folder / "attachments/sales.csv").read_bytes() == CONTENT


# tuspy leaves the file open that it was given the name of.
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.parametrize("chapter", ["Ours", "tuspy", "aiotus"])
def test_the_examples_in_python_upload(churn, chapter):
    for name in {"tuspy": ["tusclient"], "aiotus": ["aiotus", "aiohttp"]}.get(chapter, []):
        pytest.importorskip(name)

    run_python(example("upload-clients.md", "python", chapter), churn)

    assert_uploaded(churn)


def test_the_example_of_the_command_line_uploads(churn):
    text = example("upload-clients.md", "sh", "Ours")

    run_shell(text.replace("jupyter workspace", 'jupyter workspace --url "$URL"'), churn)

    assert_uploaded(churn, "attachments/pictures/a.txt")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_examples_of_curl_upload_and_go_on_with_a_download(churn, tmp_path):
    run_shell(example("upload-clients.md", "sh", "curl"), churn)
    assert_uploaded(churn)

    (record,) = churn.attachments()
    (tmp_path / "sales.csv").write_bytes(CONTENT[:50])
    download = example("downloads.md", "sh", "One file").replace("art_…", record["artifact_id"])
    run_shell(download, churn)

    assert (tmp_path / "sales.csv").read_bytes() == CONTENT


def test_the_example_of_tus_js_client_uploads(churn, tmp_path):
    folder = installed("tus-js-client@4")
    text = as_ours(example("upload-clients.md", "js", "tus-js-client"), churn)
    program = f"""
const tus = require({str(folder / "node_modules/tus-js-client")!r});
const [baseUrl, token] = process.argv.slice(2);
const file = require('node:fs').readFileSync('sales.csv');
Object.assign(file, {{name: 'sales.csv', type: 'text/csv'}});
{text}
"""
    (tmp_path / "example.cjs").write_text(program)
    command = ["node", "example.cjs", churn.server.url, churn.server.token]

    subprocess.run(command, cwd=tmp_path, check=True, timeout=SECONDS)

    assert_uploaded(churn)
