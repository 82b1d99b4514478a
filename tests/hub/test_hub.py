"""Behind JupyterHub: the same routes, two users, and nobody at the other's."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading

import psutil
import pytest

from jupyter_workspace.handlers.routes import ROUTES

IDS = {
    "session_id": "nobody",
    "artifact_id": "att_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "archive_id": "arc_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "upload_id": "upl_aaaaaaaaaaaaaaaaaaaaaaaaaa",
}
FETCH = {"Sec_Fetch_Mode": "cors", "Sec_Fetch_Site": "same-origin"}
ROWS = [pytest.param(row, id=row.operation) for row in ROUTES if not getattr(row, "is_open", False)]


def address(user: str, path: str) -> str:
    filled = re.sub(r"\{(\w+)\}", lambda match: IDS[match[1]], path)
    return f"/user/{user}/api/workspace{filled.rstrip('/') or ''}"


def at(user: str, path: str) -> str:
    return f"/user/{user}/api/workspace{path}"


@pytest.fixture(scope="module")
def session(ada):
    answer = ada.ask("PUT", at("ada", "/sessions/hubbed"), b"{}", X_XSRFToken=ada.xsrf("/user/ada/"), **FETCH)
    assert answer.status in {200, 201}, answer.body
    return "hubbed"


@pytest.mark.parametrize("row", ROWS)
def test_each_route_refuses_whoever_is_nobody(ada, row):
    # RELIABILITY S9, S11
    answer = ada.ask(row.method, address("ada", row.path), cookies=False)

    assert answer.status == 403


@pytest.mark.parametrize("row", ROWS)
def test_each_route_refuses_the_other_user_with_all_cookies(ada, bob, row):
    # RELIABILITY S9
    path = address("ada", row.path)
    stolen = "; ".join(f"{name}={value}" for (name, _), value in bob.cookies.items())

    plain = bob.ask(row.method, path, X_XSRFToken=bob.xsrf("/user/bob/"), **FETCH)
    forged = bob.ask(
        row.method, path, cookies=False, Cookie=stolen, X_XSRFToken=bob.xsrf("/user/bob/"), **FETCH
    )

    assert (plain.status, forged.status) == (403, 403)


@pytest.mark.parametrize("row", ROWS)
def test_a_page_must_send_the_token_of_its_own_path(ada, row):
    # RELIABILITY F3, 2.6
    path = address("ada", row.path)

    without = ada.ask(row.method, path, **FETCH)
    of_the_hub = ada.ask(row.method, path, X_XSRFToken=ada.xsrf("/hub/"), **FETCH)
    with_it = ada.ask(row.method, path, X_XSRFToken=ada.xsrf("/user/ada/"), **FETCH)

    assert (without.status, of_the_hub.status) == (403, 403)
    assert with_it.status != 403


@pytest.mark.parametrize("row", ROWS)
def test_a_script_with_a_token_of_the_hub_reaches_its_own_server_only(ada, ada_token, row):
    own = ada.ask(row.method, address("ada", row.path), cookies=False, Authorization=f"token {ada_token}")
    other = ada.ask(row.method, address("bob", row.path), cookies=False, Authorization=f"token {ada_token}")

    assert own.status != 403
    assert other.status == 403


@pytest.mark.parametrize("row", ROWS)
def test_a_token_in_an_address_opens_nothing(ada, ada_token, row):
    # RELIABILITY 2.6: logs and histories keep addresses
    answer = ada.ask(row.method, f"{address('ada', row.path)}?token={ada_token}", cookies=False)

    assert answer.status == 403


@pytest.mark.parametrize("row", ROWS)
def test_what_a_page_embeds_or_links_to_may_read_and_change_nothing(ada, row):
    # RELIABILITY 2.6: such requests carry cookies and no token
    path = address("ada", row.path)

    embedded = ada.ask(row.method, path, Sec_Fetch_Mode="no-cors", Sec_Fetch_Site="same-origin")
    linked = ada.ask(row.method, path, Sec_Fetch_Mode="navigate", Sec_Fetch_Site="cross-site")

    if row.method in {"GET", "HEAD"}:
        assert embedded.status != 403
    else:
        assert (embedded.status, linked.status) == (403, 403)


def test_a_large_file_goes_in_and_out_through_the_proxy(hub, ada, session):
    # S1-12
    content = os.urandom(1 << 20) * 64
    digest = hashlib.sha256(content).hexdigest()

    saved = ada.ask(
        "PUT",
        at("ada", f"/uploads/{session}?name=big.bin"),
        content,
        X_XSRFToken=ada.xsrf("/user/ada/"),
        **FETCH,
    ).json()
    sent = ada.ask(
        "GET",
        at("ada", f"/files/download?path={saved['files_path']}"),
        Sec_Fetch_Site="same-origin",
        Sec_Fetch_Mode="navigate",
    )

    assert saved["sha256"] == digest == hashlib.sha256(sent.body).hexdigest()
    assert (hub.home("ada") / "workspace" / session / "attachments" / "big.bin").stat().st_size == len(
        content
    )


def test_a_download_by_address_works_from_a_page_of_ours_and_from_no_other_site(ada, session):
    ada.ask(
        "PUT", at("ada", f"/uploads/{session}?name=a.txt"), b"a", X_XSRFToken=ada.xsrf("/user/ada/"), **FETCH
    )
    path = at("ada", f"/files/download?path={session}/attachments/a.txt")

    typed = ada.ask("GET", path, Sec_Fetch_Site="none", Sec_Fetch_Mode="navigate")
    embedded = ada.ask(
        "GET", path, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors", Referer="https://evil.example/"
    )

    assert typed.status == 200
    assert embedded.status == 403


def test_a_long_poll_hears_of_an_upload_through_the_proxy(ada, session):
    # S0-47, S0-57
    token = ada.xsrf("/user/ada/")
    now = ada.ask(
        "GET",
        at("ada", f"/sessions/{session}/artifact-events?after=9223372036854775807"),
        X_XSRFToken=token,
        **FETCH,
    ).json()["next_cursor"]
    heard: list[dict] = []

    def listen():
        answer = ada.ask(
            "GET",
            at("ada", f"/sessions/{session}/artifact-events?after={now}&wait_seconds=20"),
            X_XSRFToken=token,
            **FETCH,
        )
        heard.extend(answer.json()["events"])

    reader = threading.Thread(target=listen)
    reader.start()
    ada.ask("PUT", at("ada", f"/uploads/{session}?name=news.csv"), b"a,b\n", X_XSRFToken=token, **FETCH)
    reader.join(30)

    assert [event["name"] for event in heard] == ["news.csv"]


def test_code_in_a_kernel_reaches_its_server_without_the_proxy(hub, ada, session):
    told = hub.connection("ada")
    code = (
        "import jupyter_workspace as jw; ws = jw.current('hubbed'); "
        "(ws / 'plots/a.txt').write_text('x'); print(ws.register('plots/a.txt').path)"
    )
    environment = {
        **os.environ,
        "JUPYTER_WORKSPACE_URL": told["url"],
        "JUPYTER_WORKSPACE_TOKEN": told["token"],
        "JUPYTER_WORKSPACE_ROOT": str(hub.home("ada")),
    }

    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=hub.home("ada"),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.strip() == "plots/a.txt", done.stderr


def test_the_kernels_token_of_one_user_is_nothing_to_the_other(hub, ada, bob):
    told = hub.connection("ada")

    answer = bob.ask("GET", at("bob", "/sessions"), cookies=False, X_Jupyter_Workspace_Token=told["token"])

    assert answer.status == 403


def test_the_command_line_works_through_the_hub(hub, ada, ada_token, session):
    url = f"http://127.0.0.1:{hub.port}/user/ada/"
    command = [
        sys.executable,
        "-c",
        "from jupyter_workspace.cli.main import main; main()",
        "--url",
        url,
        "--json",
    ]
    environment = {**os.environ, "JUPYTER_TOKEN": ada_token}

    done = subprocess.run(
        [*command, "sessions"], env=environment, capture_output=True, text=True, check=False
    )

    assert "hubbed" in [json.loads(line)["session_id"] for line in done.stdout.splitlines()], done.stderr


def test_the_command_line_finds_the_server_in_a_process_of_the_hub(hub, ada, session):
    # What the hub gives a user's server, and with it every process beside it, is all that it has to go by.
    (server,) = [
        one for one in psutil.Process(hub.process.pid).children(recursive=True) if serves(one, "ada")
    ]
    given = {name: text for name, text in server.environ().items() if name.startswith("JUPYTERHUB_")}
    environment = {"PATH": os.environ["PATH"], "HOME": str(hub.home("ada")), **given}
    command = [sys.executable, "-c", "from jupyter_workspace.cli.main import main; main()", "--json"]

    done = subprocess.run(
        [*command, "sessions"], env=environment, capture_output=True, text=True, check=False
    )

    assert session in [json.loads(line)["session_id"] for line in done.stdout.splitlines()], done.stderr


def serves(process, user):
    return process.environ().get("JUPYTERHUB_USER") == user and "jupyterhub" in " ".join(process.cmdline())
