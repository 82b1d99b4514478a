"""Our schemas on Jupyter's bus: what is emitted fits them, and each property is explained."""

import asyncio

import msgspec
import pytest
from jupyter_events import EventLogger

from jupyter_workspace.integrations.telemetry import (
    ARTIFACT_EVENT,
    BASE,
    SCHEMAS,
    JupyterBus,
    register_schemas,
    schema,
)
from jupyter_workspace.models.event import Event
from jupyter_workspace.models.file import Provenance


@pytest.fixture
def logger():
    made = EventLogger()
    register_schemas(made)
    return made


def event(**changed):
    known = {
        "sequence": 1,
        "event_id": "evt_1",
        "change_type": "created",
        "session_id": "churn",
        "artifact_id": "art_1",
        "attachment_id": "att_1",
        "node_id": None,
        "kind": "artifact",
        "source": "watch",
        "name": "a.txt",
        "path": "out/a.txt",
        "size": 3,
        "mime": "text/plain",
        "hash": None,
        "timestamp": 1.5,
        "provenance": None,
    }
    return Event(**{**known, **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"change_type": "deleted", "hash": "sha256:00", "node_id": "cell-1"},
        {"kind": "attachment", "source": "upload", "provenance": Provenance(cell_id="c", inputs=["art_2"])},
    ],
)
async def test_what_is_announced_arrives_as_it_is(logger, changed):
    arrived = asyncio.get_running_loop().create_future()

    async def listen(logger, schema_id, data):
        arrived.set_result((schema_id, data))

    logger.add_listener(schema_id=ARTIFACT_EVENT, listener=listen)
    wanted = event(**changed)
    JupyterBus(logger).announce(msgspec.json.encode(wanted))

    async with asyncio.timeout(5):
        schema_id, data = await arrived
    assert schema_id == "https://events.jupyter-workspace.dev/artifact/v1"
    assert msgspec.convert(data, Event) == wanted


async def test_without_a_listener_it_is_announced_to_nobody(logger):
    JupyterBus(logger).announce(msgspec.json.encode(event()))


def test_schemas_can_be_registered_again(logger):
    register_schemas(logger)

    assert ARTIFACT_EVENT in logger.schemas


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_under_our_address_and_explains_itself(name):
    found = schema(name)

    assert found["$id"].startswith(BASE)
    assert found["$id"].endswith(f"/v{found['version']}")
    assert found["personal-data"] is True
    assert found["description"]
    for property_name, told in found["properties"].items():
        assert told["title"], property_name
        assert told["description"].endswith("."), property_name


def test_the_schema_of_an_artifact_tells_of_each_member_of_an_event():
    assert set(schema("artifact_event/v1.yaml")["properties"]) == set(Event.__struct_fields__)
