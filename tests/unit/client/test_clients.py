"""The two drivers: what they send, and what becomes of what they get."""

import asyncio
import gc
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import UnixStreamServer
from tempfile import TemporaryDirectory
from urllib.parse import quote

import httpx2
import pytest

from jupyter_workspace import errors
from jupyter_workspace.client import connection
from jupyter_workspace.client.async_client import AsyncClient
from jupyter_workspace.client.client import Client
from jupyter_workspace.client.discovery import server_at
from jupyter_workspace.client.wire import Lost, Renew, Request, Work
from tests.unit.client.flows import event, session

URL = "http://127.0.0.1:8888/base/"


@pytest.fixture
def client(server):
    with Client(URL, "secret") as made:
        yield made


@pytest.fixture
async def async_client(server):
    async with AsyncClient(URL, "secret") as made:
        yield made


def test_requests_go_below_the_base_url_with_token_and_agent(client, server):
    client.get_session("churn")

    request = server.requests[0]
    assert str(request.url) == "http://127.0.0.1:8888/base/api/workspace/sessions/churn"
    assert request.headers["Authorization"] == "token secret"
    assert request.headers["User-Agent"].startswith("jupyter-workspace-client")


def test_the_root_of_the_api_is_asked_for(client, server):
    client.get_service()

    assert server.requests[0].url.path == "/base/api/workspace"


def test_encoded_segments_stay_encoded(client, server):
    with pytest.raises(errors.FileNotFound):
        client.get_file("churn", "a/b")

    assert server.requests[0].url.raw_path.endswith(b"/artifacts/a%2Fb")


def test_a_kernel_needs_no_arguments(server, environment):
    environment.setenv("JUPYTER_WORKSPACE_URL", URL)
    environment.setenv("JUPYTER_WORKSPACE_TOKEN", "kernel")

    with Client() as client:
        client.get_session("churn")

    assert server.requests[0].headers["X-Jupyter-Workspace-Token"] == "kernel"


def test_without_a_token_no_header_is_sent(server):
    with Client(URL) as client:
        client.get_session("churn")

    assert "Authorization" not in server.requests[0].headers


def test_the_methods_tell_the_signature_and_text_of_their_flow(client):
    assert client.get_session.__name__ == "get_session"
    assert "SessionNotFound" in client.get_session.__doc__
    assert Client.each_file.__name__ == "each_file"
    assert Client.get_file is AsyncClient.get_file
    assert Client.each_file is AsyncClient.each_file


def test_both_clients_have_the_same_operations():
    def operations(of):
        return {name for name, value in vars(of).items() if type(value).__name__.endswith(("Call", "Each"))}

    assert operations(Client) == operations(AsyncClient)


def test_an_upload_streams_the_bytes(client, server):
    record = client.upload("churn", b"abc", "a.bin")

    assert record.path == "attachments/a.bin"
    assert server.requests[0].content == b"abc"
    assert server.requests[0].headers["Content-Length"] == "3"
    assert "Transfer-Encoding" not in server.requests[0].headers


def test_a_download_lies_on_disk(client, server, tmp_path):
    server.add("attachments/a.csv", b"abc")

    path = client.download("churn", "att_00000000000000000000000001", tmp_path)

    assert path.read_bytes() == b"abc"


def test_files_are_iterated(client, server):
    server.add("a.csv")
    server.add("b.csv")

    assert [file.name for file in client.each_file("churn")] == ["a.csv", "b.csv"]


def test_events_are_iterated(client, server):
    server.events = [event(1), event(2)]

    assert [one.sequence for one in client.events("churn")] == [1, 2]


def test_an_iteration_can_be_left(client, server):
    server.add("a.csv")
    server.add("b.csv")

    files = client.each_file("churn")
    first = next(files)
    files.close()

    assert first.name == "a.csv"


def test_a_server_that_is_down_is_tried_again_and_told(client, server, pauses):
    server.is_down = True

    with pytest.raises(ConnectionError, match="refused"):
        client.get_session("churn")

    assert pauses == [0.2, 0.5, 1.0, 2.0]


def moved(tmp_path, environment):
    file = tmp_path / "connection.json"
    file.write_text(json.dumps({"url": "http://127.0.0.1:9999/base/", "token": "new"}))
    environment.setenv("JUPYTER_WORKSPACE_URL", URL)
    environment.setenv("JUPYTER_WORKSPACE_TOKEN", "old")
    environment.setenv("JUPYTER_WORKSPACE_CONNECTION_FILE", str(file))


def only_the_new_one(server):
    answer = server.answer

    def refuse_the_old(request):
        if request.url.port == 8888:
            raise httpx2.ConnectError("refused", request=request)
        return answer(request)

    server.answer = refuse_the_old


def test_a_client_follows_its_server_to_another_port(server, tmp_path, environment, pauses):
    moved(tmp_path, environment)
    only_the_new_one(server)

    with Client() as client:
        session = client.get_session("churn")

    assert session.session_id == "churn"
    assert server.requests[0].headers["X-Jupyter-Workspace-Token"] == "new"
    assert client.server.url == "http://127.0.0.1:9999/base/"
    assert pauses == []


async def test_an_async_client_follows_too(server, tmp_path, environment, pauses):
    moved(tmp_path, environment)
    only_the_new_one(server)

    async with AsyncClient() as client:
        session = await client.get_session("churn")

    assert session.session_id == "churn"
    assert client.server.url == "http://127.0.0.1:9999/base/"


async def test_of_several_requests_under_way_all_follow(server, tmp_path, environment):
    moved(tmp_path, environment)
    only_the_new_one(server)
    refused, others = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow():
        outcome = yield Request("GET", "/sessions/churn")
        yield Work(lambda: loop.call_soon_threadsafe(refused.set) and others.wait(60))
        followed = yield Renew()
        return outcome, followed

    async with AsyncClient() as client:
        one = asyncio.create_task(client.run(slow()))
        await refused.wait()
        await client.get_session("churn")
        new = client._http
        others.set()
        outcome, followed = await one

        assert isinstance(outcome, Lost)
        assert followed, "its request went to the server that is no more"
        assert client._http is new, "nobody is under way with what is closed"


def test_a_forgotten_client_closes_its_connections(server):
    client = Client(URL, "secret")
    http = client._http

    del client
    gc.collect()

    assert http.is_closed


async def test_async_operations_are_awaited(async_client, server, tmp_path):
    record = await async_client.upload("churn", b"abc", "a.bin")
    path = await async_client.download("churn", record.attachment_id, tmp_path)

    assert path.read_bytes() == b"abc"
    assert server.requests[0].content == b"abc"


async def test_async_streams_are_iterated(async_client, server):
    server.add("a.csv")

    assert [file.name async for file in async_client.each_file("churn")] == ["a.csv"]


async def test_an_async_request_with_json_is_sent(async_client, server):
    session = await async_client.resolve_session(kernel_id="k1")

    assert session.session_id == "churn"


async def test_an_async_client_tries_again_and_tells(async_client, server, pauses):
    server.is_down = True

    with pytest.raises(errors.ServerUnreachable):
        await async_client.get_session("churn")

    assert pauses == [0.2, 0.5, 1.0, 2.0]


# the connection


def test_proxies_of_the_environment_are_not_asked_for_this_machine():
    near = connection.options_for(server_at(URL, "t", is_scoped=True))
    away = connection.options_for(server_at("https://hub.org/", "t", is_scoped=True))

    assert (near["trust_env"], away["trust_env"]) == (False, True)


def test_certificates_of_the_environment_are_trusted(monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))

    with pytest.raises(OSError, match="No such file"):
        connection.options_for(server_at("https://localhost:8888/", "t", is_scoped=True))


def test_without_tls_nobody_is_trusted():
    context = connection.options_for(server_at(URL, "t", is_scoped=True))["verify"]

    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.get_ca_certs() == []


def test_a_refused_certificate_has_a_hint():
    lost = connection.lost(httpx2.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"))

    assert lost.hint == "Set SSL_CERT_FILE to a file with the server's certificate."
    assert not lost.begun


@pytest.mark.parametrize(
    "error", [httpx2.ReadError(""), httpx2.ReadTimeout("slow"), httpx2.RemoteProtocolError("x")]
)
def test_a_connection_that_breaks_later_may_have_reached_the_server(error):
    lost = connection.lost(error)

    assert lost.begun
    assert lost.reason


def test_each_request_has_its_time():
    arguments = connection.arguments(
        server_at(URL, "t", is_scoped=True), Request("GET", "/x", patience_seconds=85), None
    )

    assert (arguments["timeout"].read, arguments["timeout"].connect) == (85, 5)


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(session("churn")).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Quiet: a Unix socket has no address to print."""


@pytest.fixture
def unix_url():
    with TemporaryDirectory() as folder, UnixStreamServer(f"{folder}/jupyter.sock", Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http+unix://{quote(server.server_address, safe='')}/base/"
        server.shutdown()
        thread.join()


def test_a_server_on_a_unix_socket_is_reached(unix_url):
    with Client(unix_url, "t") as client:
        assert client.get_session("churn").session_id == "churn"


async def test_a_server_on_a_unix_socket_is_reached_async(unix_url):
    async with AsyncClient(unix_url, "t") as client:
        assert (await client.get_session("churn")).session_id == "churn"


async def test_a_pipe_is_sent_in_chunks(async_client, server):
    class Pipe:
        def __init__(self):
            self.chunks = [b"abc", b"def"]

        def read(self, size):
            return self.chunks.pop(0) if self.chunks else b""

    await async_client.upload("churn", Pipe(), "x")

    assert server.requests[0].content == b"abcdef"
    assert server.requests[0].headers["Transfer-Encoding"] == "chunked"
