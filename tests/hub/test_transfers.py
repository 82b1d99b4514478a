"""Behind JupyterHub: resumable uploads and downloads, by script, by page and by command line."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys

import pytest
from api.cutting import Line, sometimes
from api.resuming import PIECE, VERSION, begun, create, creation, metadata
from api.wire import chunked
from tusclient.client import TusClient

from jupyter_workspace.client import patience
from jupyter_workspace.client.client import Client

MIB = 1 << 20
SIZE = 20 * MIB + 12345
FETCH = {"Sec_Fetch_Mode": "cors", "Sec_Fetch_Site": "same-origin"}
COMMAND = [sys.executable, "-c", "from jupyter_workspace.cli.main import main; main()", "--json"]


@pytest.fixture(autouse=True)
def impatient(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(patience, "FIRST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(patience, "LONGEST_PAUSE_SECONDS", 1.0)


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    path = tmp_path_factory.mktemp("big") / "big.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.fixture
def session(ada_server):
    return ada_server.session()


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def assert_arrived(session, path):
    (record,) = session.attachments()
    assert record["sha256"] == digest(path) == digest(session.folder / record["path"])


def test_tuspy_uploads_through_the_proxy(ada_server, session, big):
    # API 4: the Location has the user's base path
    client = TusClient(f"{ada_server.url}api/workspace/uploads/{session.id}", headers=ada_server.login)

    with big.open("rb") as stream:
        uploader = client.uploader(file_stream=stream, chunk_size=4 * MIB, metadata={"filename": "a.bin"})
        uploader.upload()

    assert uploader.url.startswith(f"{ada_server.url}api/workspace/uploads/{session.id}/upl_")
    assert_arrived(session, big)


def test_a_page_uploads_with_its_cookie_and_the_token_of_its_path(ada, session, ada_server):
    # RELIABILITY F3, 2.6: HEAD needs the token, too
    said = {name.replace("-", "_"): value for name, value in {**VERSION, **PIECE}.items()}
    content = os.urandom(500_000)
    sent = {**FETCH, **said, "X_XSRFToken": ada.xsrf("/user/ada/")}
    made = ada.ask(
        "POST",
        ada_server.address(f"/uploads/{session.id}"),
        b"",
        **{
            **sent,
            "Content_Type": "",
            "Upload_Length": "500000",
            "Upload_Metadata": metadata(filename="page.bin"),
        },
    )
    where = made.headers["Location"]

    first = ada.ask("PATCH", where, content[:200_000], Upload_Offset="0", **sent)
    looked = ada.ask("HEAD", where, **sent)
    unseen = ada.ask("HEAD", where, **{**FETCH, **said})
    last = ada.ask(
        "POST", where, content[200_000:], Upload_Offset="200000", X_HTTP_Method_Override="PATCH", **sent
    )
    forged = ada.ask("DELETE", where, **{**FETCH, **said})

    assert (made.status, first.status, last.status) == (201, 204, 204)
    assert looked.headers["Upload-Offset"] == "200000"
    assert (unseen.status, forged.status) == (403, 403)
    assert session.attachments()[0]["sha256"] == hashlib.sha256(content).hexdigest()


def test_an_upload_through_the_proxy_goes_on_after_cuts(hub, session, ada_server, big):
    # B9, B16
    with Line(hub.port, sometimes(7, 12 * MIB)) as line:
        url = f"http://127.0.0.1:{line.port}/user/ada/"
        with Client(url, ada_server.token) as client:
            client.upload(session.id, big)

    assert_arrived(session, big)


def test_an_upload_outlives_the_death_of_the_proxy(hub, session, ada_server, big):
    # B16: the hub starts its proxy again
    killed = []

    def kill(done):
        if done > 4 * MIB and not killed:
            killed.append(done)
            hub.program("configurable-http-proxy").kill()

    with Client(ada_server.url, ada_server.token) as client:
        client.upload(session.id, big, on_progress=kill)

    assert killed
    assert_arrived(session, big)


def test_the_command_line_uploads_and_downloads_through_the_proxy(ada_server, session, big, tmp_path):
    folder = tmp_path / "data"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "big.bin").write_bytes(big.read_bytes())
    run = [*COMMAND, "--url", ada_server.url]
    environment = {**os.environ, "JUPYTER_TOKEN": ada_server.token}

    subprocess.run([*run, "upload", session.id, folder], env=environment, capture_output=True, check=True)
    down = [*run, "download", session.id, "attachments/data/deep/big.bin", tmp_path / "back.bin"]
    subprocess.run(down, env=environment, capture_output=True, check=True)

    assert digest(tmp_path / "back.bin") == digest(big)
    assert_arrived(session, big)


def test_the_command_line_finds_the_server_of_its_user(hub, ada_server, session, big):
    # A process beside the user's server has the hub's variables, and no word of ours.
    environment = hub.program("jupyterhub-singleuser").environ()
    assert environment["JUPYTERHUB_USER"] in {"ada", "bob"}
    beside = next(
        process.environ()
        for process in hub.program("jupyterhub-singleuser").parent().children()
        if process.environ().get("JUPYTERHUB_USER") == "ada"
    )
    assert "JUPYTER_WORKSPACE_URL" not in beside

    done = subprocess.run(
        [*COMMAND, "upload", session.id, big], env=beside, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sha256"] == digest(big)
    assert_arrived(session, big)


def test_the_upload_of_one_user_is_nothing_to_the_other(ada_server, bob, session):
    # S9, S12
    upload = begun(session, 5)
    address = ada_server.address(upload.path)
    sent = {**FETCH, "Tus_Resumable": "1.0.0", "X_XSRFToken": bob.xsrf("/user/bob/")}

    answers = [bob.ask(method, address, **sent) for method in ("HEAD", "GET", "DELETE")]
    answers.append(
        bob.ask("PATCH", address, b"x", Upload_Offset="0", Content_Type=PIECE["Content-Type"], **sent)
    )

    assert [answer.status for answer in answers] == [403] * 4
    assert upload.offset() == 0


def test_a_refusal_before_the_body_is_heard_through_the_proxy(session):
    # API 11.42
    assert create(session, creation(5, Upload_Metadata=metadata(filename="../a"))).status == 400
    assert create(session, creation(2**62)).status == 507


# Smuggling

SECOND = b"GET /user/ada/api/workspace/usage HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"),
        (b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello"),
        (b"Content-Length: 5, 5\r\n", b"hello"),
        (b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
        (b"X-Folded: a\r\n Content-Length: 0\r\nContent-Length: 5, 0\r\n", b"hello"),
        (b"Content-Length : 5\r\nContent-Length: 0\r\n", b"hello"),
        (b"Content-Length: 5\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\n", chunked(b"x").replace(b"\r\n", b"\n")),
    ],
    ids=["CL+TE", "TE+CL", "two CL", "CL list", "odd TE", "folded", "blank CL", "bare LF", "LF in chunks"],
)
def test_a_body_of_two_ends_hides_no_second_request(ada_server, session, framing, body):
    # RELIABILITY S19
    head = ada_server.head("PUT", f"/uploads/{session.id}?name=a", {"Connection": "keep-alive"})
    with ada_server.wire(10) as wire:
        wire.send(head.removesuffix(b"\r\n") + framing + b"\r\n" + body + SECOND)

        assert wire.answer("PUT").status in {400, 501}
        assert wire.is_closed()

    assert session.names() == []
