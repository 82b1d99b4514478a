import base64
import hashlib
import io
import os

import pytest

from jupyter_workspace import errors
from jupyter_workspace.client import patience, transfers
from jupyter_workspace.client.wire import Lost
from tests.unit.client.flows import Landed, answer, record, run

CONTENT = b"abc"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
REPR_DIGEST = f"sha-256=:{base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()}:"
PAUSE = Lost("reset", begun=True)


class Pipe:
    """Gives its bytes once and cannot seek."""

    def __init__(self, content):
        self._buffer = io.BytesIO(content)

    def read(self, size):
        return self._buffer.read(size)

    def seekable(self):
        return False


def sent_bytes(request):
    return b"".join(request.body.chunks())


# up


def test_a_path_is_sent_with_its_name_length_and_digest(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_bytes(CONTENT)

    told = run(transfers.upload("churn", path), answer(record(), 201))

    request, headers = told.requests[0], dict(told.requests[0].headers)
    assert (request.method, request.path, dict(request.query)) == (
        "PUT",
        "/uploads/churn",
        {"name": "sales.csv"},
    )
    assert (headers["Content-Length"], headers["Repr-Digest"]) == ("3", REPR_DIGEST)
    assert sent_bytes(request) == CONTENT
    assert sent_bytes(request) == CONTENT, "it can be sent again"
    assert told.result.name == "sales.csv"


@pytest.mark.parametrize("source", [CONTENT, bytearray(CONTENT), memoryview(CONTENT), io.BytesIO(CONTENT)])
def test_bytes_are_sent_with_their_digest_and_no_name(source):
    told = run(transfers.upload("churn", source), answer(record(), 201))

    assert dict(told.requests[0].query) == {}
    assert dict(told.requests[0].headers)["Repr-Digest"] == REPR_DIGEST
    assert sent_bytes(told.requests[0]) == CONTENT


def test_an_open_file_is_sent_from_where_it_stands(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_bytes(b"head" + CONTENT)

    with path.open("rb") as file:
        file.seek(4)
        told = run(transfers.upload("churn", file, folder="data", on_conflict="replace"), answer(record()))

        assert sent_bytes(told.requests[0]) == CONTENT
    expected = {"name": "sales.csv", "dir": "data", "on_conflict": "replace"}
    assert dict(told.requests[0].query) == expected


def test_a_pipe_is_sent_in_chunks_without_length_or_digest():
    told = run(transfers.upload("churn", Pipe(CONTENT), "a.bin"), answer(record(), 201))

    headers = dict(told.requests[0].headers)
    assert "Content-Length" not in headers
    assert "Repr-Digest" not in headers
    assert not told.requests[0].repeatable


def test_a_repeated_upload_has_the_same_key():
    told = run(transfers.upload("churn", CONTENT), PAUSE, answer(record(), 201))

    keys = {dict(request.headers)["Idempotency-Key"] for request in told.requests}
    assert len(told.requests) == 2
    assert len(keys) == 1


def test_two_uploads_have_two_keys():
    keys = set()
    for _ in range(2):
        told = run(transfers.upload("churn", CONTENT), answer(record(), 201))
        keys.add(dict(told.requests[0].headers)["Idempotency-Key"])

    assert len(keys) == 2


@pytest.mark.parametrize("source", [3, None, io.StringIO("text")])
def test_what_has_no_bytes_is_refused_before_anything_is_sent(source):
    # S0-25
    with pytest.raises(TypeError) as caught:
        run(transfers.upload("churn", source))

    assert caught.value.told.requests == []


def test_a_name_that_is_no_text_is_refused_before_anything_is_sent(tmp_path):
    path = tmp_path / os.fsdecode(b"bad\xff.txt")
    path.write_bytes(CONTENT)

    with pytest.raises(errors.NameInvalid, match="udcff") as caught:
        run(transfers.upload("churn", path))
    with pytest.raises(errors.NameInvalid):
        run(transfers.upload("churn", path, "good.txt", folder=path.name))

    assert caught.value.told.requests == []
    assert run(transfers.upload("churn", path, "good.txt"), answer(record(), 201)).result.size == 3


def test_a_missing_file_is_refused_before_anything_is_sent(tmp_path):
    with pytest.raises(FileNotFoundError):
        run(transfers.upload("churn", tmp_path / "none"))


# down


def whole(*chunks, is_lost=False, length=3):
    return Landed(answer(status=200, etag='"v1"', content_length=str(length)), chunks, is_lost)


def rest(start, *chunks, total=3, is_lost=False):
    head = answer(status=206, etag='"v1"', content_range=f"bytes {start}-{total - 1}/{total}")
    return Landed(head, chunks, is_lost)


def test_a_download_lies_complete_under_its_name(tmp_path):
    told = run(transfers.download("churn", "att_1", tmp_path), answer(record()), whole(CONTENT))

    assert told.result == tmp_path / "sales.csv"
    assert told.result.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [told.result]
    # By version, so that two parts are of one content.
    assert told.requests[1].path.endswith("/art_0123456789abcdef")


def test_a_download_replaces_the_file_that_was_named(tmp_path):
    target = tmp_path / "old.csv"
    target.write_bytes(b"old")

    told = run(transfers.download("churn", "att_1", target), answer(record()), whole(CONTENT))

    assert told.result.read_bytes() == CONTENT


def test_a_broken_download_goes_on_where_it_stopped():
    told = run(transfers.read("churn", "att_1"), answer(record()), whole(b"a", is_lost=True), rest(1, b"bc"))

    assert told.result == CONTENT
    headers = dict(told.requests[-1].headers)
    assert (headers["Range"], headers["If-Range"]) == ("bytes=1-", '"v1"')


def test_a_download_begins_again_when_the_server_sends_all():
    told = run(transfers.read("churn", "att_1"), answer(record()), whole(b"xx", is_lost=True), whole(CONTENT))

    assert told.result == CONTENT


def test_a_connection_lost_after_the_last_byte_is_no_loss():
    told = run(transfers.read("churn", "att_1"), answer(record()), whole(CONTENT, is_lost=True))

    assert told.result == CONTENT


def test_progress_keeps_a_download_alive():
    told = run(
        transfers.read("churn", "att_1"),
        answer(record()),
        whole(b"a", is_lost=True),
        rest(1, is_lost=True),
        rest(1, b"b", is_lost=True),
        rest(2, is_lost=True),
        rest(2, is_lost=True),
        rest(2, b"c"),
    )

    assert told.result == CONTENT


def test_a_download_without_progress_is_given_up(tmp_path):
    with pytest.raises(errors.ServerUnreachable) as caught:
        run(
            transfers.download("churn", "att_1", tmp_path),
            answer(record()),
            whole(b"a", is_lost=True),
            *[rest(1, is_lost=True)] * 1000,
        )

    assert sum(caught.value.told.pauses) > patience.PATIENCE_SECONDS / 2
    assert list(tmp_path.iterdir()) == [], "so little is not worth a file that stays"


def test_a_download_without_a_first_byte_is_soon_given_up(tmp_path):
    with pytest.raises(errors.ServerUnreachable) as caught:
        run(transfers.download("churn", "att_1", tmp_path), answer(record()), *[PAUSE] * 1000)

    assert sum(caught.value.told.pauses) < 60


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_download_waits_for_a_server_behind_its_proxy(status):
    away = answer(b"<html>", status, retry_after="2")

    told = run(
        transfers.read("churn", "att_1"),
        answer(record()),
        whole(b"a", is_lost=True),
        *[Landed(away)] * 2,
        rest(1, b"bc"),
    )

    assert told.result == CONTENT
    assert min(told.pauses[1:]) >= 2


def test_other_bytes_than_promised_are_not_kept(tmp_path):
    # S1-12
    with pytest.raises(errors.DigestMismatch):
        run(transfers.download("churn", "att_1", tmp_path), answer(record()), whole(b"xyz"))

    assert list(tmp_path.iterdir()) == []


def test_a_part_that_does_not_fit_is_not_taken():
    wrong = Landed(answer(status=206, content_range="bytes 0-2/3"), (CONTENT,))

    told = run(
        transfers.read("churn", "att_1"), answer(record()), whole(b"a", is_lost=True), wrong, whole(CONTENT)
    )

    assert told.result == CONTENT
    assert "Range" not in dict(told.requests[-1].headers)


def test_an_answer_that_is_too_short_is_not_taken():
    with pytest.raises(errors.ServerUnreachable, match="too early"):
        run(transfers.read("churn", "att_1"), answer(record()), whole(b"a"))


def test_a_refused_download_tells_why():
    with pytest.raises(errors.VersionGone):
        run(
            transfers.read("churn", "art_1"),
            answer(record()),
            Landed(answer({"message": "m", "code": "version_gone"}, 410)),
        )


def test_a_file_whose_digest_is_not_known_yet_is_taken_as_it_comes():
    told = run(transfers.read("churn", "att_1"), answer(record(sha256=None)), whole(b"any"))

    assert told.result == b"any"


def test_a_zip_is_named_after_its_session_and_takes_a_selection(tmp_path):
    told = run(
        transfers.zip_session(
            "churn", tmp_path, kind="artifact", include_ext=["png"], artifact_id=["att_1", "att_2"]
        ),
        Landed(answer(status=200), (b"PK",)),
    )

    assert told.result == tmp_path / "churn.zip"
    assert told.result.read_bytes() == b"PK"
    assert told.requests[0].query == (
        ("kind", "artifact"),
        ("include_ext", "png"),
        ("artifact_id", "att_1"),
        ("artifact_id", "att_2"),
    )


def test_one_id_selects_one_file_for_a_zip(tmp_path):
    told = run(
        transfers.zip_session("churn", tmp_path / "a.zip", artifact_id="att_1"),
        Landed(answer(status=200), (b"PK",)),
    )

    assert told.requests[0].query == (("artifact_id", "att_1"),)
    assert told.result.name == "a.zip"


@pytest.mark.parametrize("make", [lambda path: path, lambda path: path.read_bytes()])
def test_a_digest_ends_when_its_upload_is_stopped(tmp_path, make):
    # Ctrl-C waits for threads: 42 s for a file of 6 GiB.
    (tmp_path / "a.bin").write_bytes(b"abc")
    flow = transfers.upload("churn", make(tmp_path / "a.bin"), "a.bin")
    digest = flow.send(next(flow).call())

    flow.close()

    assert digest.call() is None
