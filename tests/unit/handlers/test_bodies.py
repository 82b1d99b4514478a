import pytest

from jupyter_workspace.errors import BodyInvalid
from jupyter_workspace.handlers import bodies
from jupyter_workspace.handlers.bodies import BlockSink, JsonSink, NoBody
from jupyter_workspace.handlers.pulling import MOST, content_length
from tests.unit.opening import caught


async def test_a_json_body_is_gathered_up_to_its_limit(monkeypatch):
    monkeypatch.setattr(bodies, "JSON_BYTES", 5)
    sink = JsonSink()
    await sink.feed(b"123")
    await sink.feed(b"45")

    error = await caught(sink.feed(b"6"))

    assert isinstance(error, BodyInvalid)
    assert sink.content == b"12345"
    await sink.discard()
    assert sink.content == b""


async def test_what_comes_where_nothing_is_expected_is_ignored():
    sink = NoBody()

    await sink.feed(b"123")
    await sink.discard()

    assert not sink.is_complete
    assert not isinstance(sink, BlockSink)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("", None),
        ("12", 12),
        ("0", 0),
        ("-1", None),
        ("1.5", None),
        ("\u0661", None),
        ("9" * 5000, MOST),
        (str(MOST), MOST),
        (str(MOST - 1), MOST),
        ("999999999999999999", 999999999999999999),
    ],
)
def test_a_length_is_read_without_trust(text, expected):
    assert content_length(text) == expected
