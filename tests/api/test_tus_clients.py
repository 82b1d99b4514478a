"""Clients that others wrote, as they come: tuspy, aiotus and tus-js-client."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import subprocess
from pathlib import Path

import pytest
from api.javascript import installed
from api.resuming import PREFIX, begun, content_of, metadata
from api.running import BASE_URL, Server

FLOWS = Path(__file__).parent / "clients" / "flows.mjs"
SIZE = 2_345_678

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("clients") / "home")
    made.start()
    yield made
    assert "Traceback" not in made.log.read_text()
    made.stop()


@pytest.fixture
def session(server):
    return server.session()


@pytest.fixture
def endpoint(server, session):
    return f"http://127.0.0.1:{server.port}{BASE_URL}api/workspace/uploads/{session.id}"


def only(session):
    records = session.attachments()
    assert len(records) == 1
    return records[0]


# tuspy


@pytest.fixture
def tuspy(server, endpoint):
    client = pytest.importorskip("tusclient.client", reason="tuspy is not installed")
    return client.TusClient(endpoint, headers=server.login)


@pytest.mark.parametrize("with_checksum", [False, True])
@pytest.mark.parametrize("chunk", [SIZE, 400_000])
@pytest.mark.parametrize("said", [{}, {"filename": "tuspy.bin"}])
def test_tuspy_uploads(tuspy, session, with_checksum, chunk, said):
    # RELIABILITY 2.4, F8: without metadata it sends an empty header
    content = content_of(SIZE)

    tuspy.uploader(
        file_stream=io.BytesIO(content), chunk_size=chunk, metadata=said, upload_checksum=with_checksum
    ).upload()

    assert only(session)["sha256"] == hashlib.sha256(content).hexdigest()
    assert only(session)["name"] == said.get("filename", "upload.bin")


def test_tuspy_goes_on_from_an_address(tuspy, session):
    content = content_of(SIZE)
    first = tuspy.uploader(file_stream=io.BytesIO(content), chunk_size=300_000)
    first.upload(stop_at=900_000)

    tuspy.uploader(file_stream=io.BytesIO(content), url=first.url, chunk_size=300_000).upload()

    assert only(session)["sha256"] == hashlib.sha256(content).hexdigest()


def test_tuspy_goes_on_after_the_server_was_killed(server, tuspy, session):
    content = content_of(SIZE)
    first = tuspy.uploader(file_stream=io.BytesIO(content), chunk_size=300_000)
    first.upload(stop_at=900_000)

    server.kill()
    server.start()
    tuspy.uploader(file_stream=io.BytesIO(content), url=first.url, chunk_size=300_000).upload()

    assert only(session)["sha256"] == hashlib.sha256(content).hexdigest()


# aiotus


def test_aiotus_uploads_to_an_address_that_it_was_given(server, session):
    # RELIABILITY 2.5: it cannot follow a path-absolute Location, so the upload is made for it.
    aiohttp = pytest.importorskip("aiohttp", reason="aiotus is not installed")
    core = pytest.importorskip("aiotus.core", reason="aiotus is not installed")
    content = content_of(SIZE)
    upload = begun(session, SIZE, Upload_Metadata=metadata(filename="aiotus.bin"))
    url = f"http://127.0.0.1:{server.port}{PREFIX}{upload.path}"

    async def send():
        async with aiohttp.ClientSession(headers=server.login) as connection:
            await core.upload_buffer(connection, url, io.BytesIO(content), chunksize=500_000)
            return await core.offset(connection, url), await core.metadata(connection, url)

    offset, said = asyncio.run(send())

    assert offset == SIZE
    assert said["filename"] == b"aiotus.bin"
    assert only(session)["sha256"] == hashlib.sha256(content).hexdigest()


# tus-js-client


@pytest.fixture(scope="module")
def javascript():
    """A folder with tus-js-client in its node_modules."""
    return installed("tus-js-client@4")


def test_tus_js_client_uploads_in_every_way_it_has(server, session, endpoint, javascript):
    # RELIABILITY 2.4, 2.5
    options = json.dumps({"endpoint": endpoint, "headers": server.login})
    command = ["node", str(FLOWS), str(javascript), options]

    output = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout

    flows = [json.loads(line) for line in output.splitlines()]
    stored = {record["name"]: record for record in session.attachments()}
    assert [flow for flow in flows if "error" in flow] == []
    assert {flow["name"] for flow in flows} == stored.keys() | {"terminated"}
    assert len(flows) == 10
    for flow in flows:
        if flow["name"] != "terminated":
            assert stored[flow["name"]]["sha256"] == flow["sha256"], flow["name"]
