"""Downloads that a program left behind, and what the next one makes of them."""

import hashlib
import os

import pytest

from jupyter_workspace import errors
from jupyter_workspace.client import landing, transfers
from jupyter_workspace.client.landing import PartFile
from jupyter_workspace.client.wire import Lost
from tests.unit.client.flows import Landed, answer, record, run

SIZE = 3 << 20
CONTENT = os.urandom(SIZE)
HALF = SIZE // 2
ETAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'
RECORD = answer(record(size=SIZE, sha256=ETAG.strip('"')))
CUT = Lost("reset", begun=True)


def whole(content=CONTENT, etag=ETAG):
    return Landed(answer(status=200, etag=etag, content_length=str(len(content))), (content,))


def rest(start, content=None, etag=ETAG):
    head = answer(status=206, etag=etag, content_range=f"bytes {start}-{SIZE - 1}/{SIZE}")
    return Landed(head, (CONTENT[start:] if content is None else content,))


@pytest.fixture
def target(tmp_path):
    return tmp_path / "sales.csv"


def parts(target):
    return sorted(target.parent.glob(".part-*"))


def left(target, content=CONTENT[:HALF], etag=ETAG):
    """What a program leaves that was killed."""
    part = PartFile.beside(target)
    part.is_of(etag)
    part.file.write(content)
    part.file.close()
    (path,) = parts(target)
    return path


def download(target, *outcomes):
    return run(transfers.download("churn", "att_1", target), RECORD, *outcomes)


def asked(told):
    headers = dict(told.requests[1].headers)
    return headers.get("Range"), headers.get("If-Range")


def test_a_download_goes_on_with_what_a_killed_program_left(target):
    left(target)

    told = download(target, rest(HALF))

    assert asked(told) == (f"bytes={HALF}-", ETAG)
    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]


def test_what_is_of_another_version_is_discarded(target):
    left(target, b"x" * HALF, '"another"')

    told = download(target, whole())

    assert asked(told) == (f"bytes={HALF}-", '"another"'), "the server says that it has another one"
    assert target.read_bytes() == CONTENT
    assert parts(target) == []


def test_a_part_that_is_damaged_is_fetched_anew(target):
    # A power cut: the name is there, the bytes are not.
    left(target, bytes(HALF))

    told = download(target, rest(HALF), whole())

    assert "Range" not in dict(told.requests[2].headers)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("length", [SIZE, SIZE + 5])
def test_a_part_that_has_all_bytes_or_too_many_ends_well(target, length):
    left(target, (CONTENT + b"other")[:length])
    end = Landed(answer(status=416, content_range=f"bytes */{SIZE}"))

    download(target, end, *([] if length == SIZE else [whole()]))

    assert target.read_bytes() == CONTENT
    assert parts(target) == []


def test_a_part_of_another_version_in_the_answer_is_not_appended(target):
    left(target)

    told = download(target, rest(HALF, etag='"another"'), whole())

    assert "Range" not in dict(told.requests[2].headers)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("etag", ["", 'W/"weak"', '"' + "x" * 200 + '"', '"é"'])
def test_what_has_no_strong_tag_is_not_gone_on_with(target, etag):
    left(target, etag=etag)

    told = download(target, whole())

    assert asked(told) == (None, None)
    assert list(target.parent.iterdir()) == [target]


def test_two_downloads_of_one_target_do_not_mix(target):
    left(target)
    first = PartFile.beside(target)

    told = download(target, whole())

    assert first.etag == ETAG
    assert asked(told) == (None, None), "the other has it"
    first.file.seek(0, os.SEEK_END)
    first.file.write(CONTENT[HALF:])
    first.become(target)
    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]


def test_a_part_that_became_its_target_meanwhile_is_not_written_to(target, monkeypatch):
    # Opened by us while its owner moved it away and let it go.
    path = left(target)
    take = landing.locks.take

    def owner_ends(file):
        if path.exists():
            path.replace(target)
        return take(file)

    monkeypatch.setattr(landing.locks, "take", owner_ends)
    part = PartFile.beside(target)

    assert part.etag == ""
    assert target.read_bytes() == CONTENT[:HALF]
    part.discard()


def test_a_link_in_the_place_of_a_part_is_not_followed(target):
    path = left(target)
    precious = target.with_name("precious")
    path.replace(precious)
    path.symlink_to(precious)

    download(target, whole())

    assert precious.read_bytes() == CONTENT[:HALF]


def test_a_download_that_is_stopped_can_be_gone_on_with(target):
    flow = transfers.download("churn", "att_1", target)
    next(flow)
    step = flow.send(RECORD)
    while not hasattr(step, "landing"):
        step = flow.send(step.call())
    step.landing.accepts(answer(status=200, etag=ETAG, content_length=str(SIZE)))
    step.landing.write(CONTENT[:HALF])

    flow.close()

    assert asked(download(target, rest(HALF))) == (f"bytes={HALF}-", ETAG)


def test_a_refused_download_leaves_nothing(target):
    left(target)

    with pytest.raises(errors.VersionGone):
        download(target, Landed(answer({"code": "version_gone"}, 410)))

    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (answer(status=403), errors.Forbidden),
        (answer({"code": "internal"}, status=500), errors.Internal),
        (answer({"code": "busy"}, status=503), errors.Busy),
        (answer(status=502), errors.ServerUnreachable),
    ],
)
def test_what_has_come_outlives_a_server_that_refuses_for_now(tmp_path, refusal, error):
    # A token that has expired, a server that fails: neither says anything about the bytes.
    path = left(tmp_path / "churn.zip")

    with pytest.raises(error):
        run(transfers.zip_session("churn", tmp_path), *[refusal] * 100)

    assert path.stat().st_size == HALF


def test_who_stops_it_in_the_last_moment_has_the_whole(target):
    part = PartFile.beside(target)
    part.is_of(ETAG)
    part.file.write(CONTENT)

    part.become(target)
    part.keep()

    assert list(target.parent.iterdir()) == [target]
    assert target.read_bytes() == CONTENT


def test_parts_of_other_targets_stay_until_they_are_old(target):
    other = left(target.with_name("other.csv"))

    download(target, whole())
    assert parts(target) == [other]

    os.utime(other, (0, 0))
    download(target, whole())
    assert parts(target) == []


def test_of_several_parts_the_longest_is_gone_on_with(target):
    left(target, CONTENT[:10])
    with PartFile.beside(target).file:
        left_beside = [PartFile.beside(target)]
        left_beside[0].is_of(ETAG)
        left_beside[0].file.write(CONTENT[:HALF])
        left_beside[0].file.close()

    told = download(target, rest(HALF))

    assert asked(told)[0] == f"bytes={HALF}-"
    assert list(target.parent.iterdir()) == [target]


def test_a_zip_goes_on_too(tmp_path):
    left(tmp_path / "churn.zip")

    told = run(transfers.zip_session("churn", tmp_path), rest(HALF))

    assert dict(told.requests[0].headers)["If-Range"] == ETAG
    assert (tmp_path / "churn.zip").read_bytes() == CONTENT
