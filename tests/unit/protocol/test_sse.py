import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_workspace.errors import ParameterInvalid
from jupyter_workspace.protocol import sse
from jupyter_workspace.protocol.sse import Frame, FrameReader


def test_an_event_is_a_frame_with_its_cursor():
    assert sse.event_frame("artifact_created", b"{}", 7) == b"id: 7\nevent: artifact_created\ndata: {}\n\n"
    assert sse.event_frame("done", b"{}") == b"event: done\ndata: {}\n\n"


@pytest.mark.parametrize("data", [b"a\nb", b"a\rb"])
def test_data_of_several_lines_is_refused(data):
    with pytest.raises(ValueError, match="one line"):
        sse.event_frame("a", data)


def test_the_other_frames():
    assert sse.cursor_frame(9) == b"id: 9\n\n"
    assert sse.comment_frame("still\nhere") == b": still here\n\n"
    assert sse.comment_frame() == b": \n\n"
    assert sse.retry_frame(3000) == b"retry: 3000\n\n"


@pytest.mark.parametrize(
    ("header", "cursor"), [(None, None), ("", None), ("0", 0), ("9223372036854775807", 2**63 - 1)]
)
def test_the_last_id_is_a_cursor(header, cursor):
    assert sse.parse_last_event_id(header) == cursor


@pytest.mark.parametrize("header", ["-1", "1.5", "a", "٣", " 1", "9223372036854775808", "9" * 40])
def test_a_last_id_that_we_never_sent_is_refused(header):
    with pytest.raises(ParameterInvalid) as caught:
        sse.parse_last_event_id(header)

    assert caught.value.facts == {"parameter": "Last-Event-ID"}


STREAM = (
    sse.comment_frame("hello")
    + sse.retry_frame(3000)
    + sse.event_frame("artifact_created", '{"name":"größe"}'.encode(), 7)
    + sse.cursor_frame(9)
    + b"data: a\r\ndata:b\r\n\r\nid: x\0y\rdata\r\r"
)
FRAMES = [
    Frame("artifact_created", '{"name":"größe"}', "7"),
    Frame("message", "a\nb", "9"),
    Frame("message", "", "9"),
]


@given(st.integers(1, 200))
def test_a_client_reads_the_same_frames_however_they_are_cut(size):
    reader = FrameReader()

    frames = []
    for start in range(0, len(STREAM), size):
        frames += reader.feed(STREAM[start : start + size])
    frames += reader.feed(b": the end\n")

    assert frames == FRAMES
    assert reader.cursor == "9"


@given(st.lists(st.binary()))
def test_no_stream_makes_the_reader_fail(pieces):
    reader = FrameReader()

    for piece in pieces:
        reader.feed(piece)


def test_an_endless_event_is_refused(monkeypatch):
    monkeypatch.setattr(sse, "MAX_FRAME_BYTES", 100)
    reader = FrameReader()
    reader.feed(b"data: " + b"x" * 60 + b"\n")

    with pytest.raises(ValueError, match="too long"):
        reader.feed(b"x" * 60)
