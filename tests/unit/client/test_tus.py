import base64
import hashlib

import pytest

from jupyter_workspace import errors
from jupyter_workspace.client import patience, transfers, tus, unfinished
from jupyter_workspace.client.content import PathContent, content_of
from jupyter_workspace.client.unfinished import Note, Unfinished, fingerprint
from jupyter_workspace.client.wire import Lost, Request
from tests.unit.client.flows import SERVICE, TIME, Landed, answer, record, run

MIB = 1 << 20
SIZE = 40 * MIB
CONTENT = bytes(range(256)) * (SIZE // 256)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
UPLOAD = "upl_0123456789abcdef"
CUT = Lost("reset", begun=True)
REFUSED = Lost("refused", begun=False)
CREATED = answer(status=201, location=f"/base/api/workspace/uploads/churn/{UPLOAD}")
LIMITS = {"min_part_size": 0, "max_part_size": 0}


def state(name="open", **members):
    return answer(
        {"upload_id": UPLOAD, "state": name, "offset": 0, "length": SIZE, "expires_at": TIME, **members}
    )


def head(offset):
    return answer(status=200, upload_offset=str(offset))


def stored(offset, **headers):
    return answer(status=204, upload_offset=str(offset), **headers)


def ended():
    return stored(SIZE, upload_attachment_id="att_1")


BEGUN = (CREATED, state(), head(0))
FILE = answer(record(size=SIZE, sha256=SHA256))


@pytest.fixture
def content():
    return content_of(CONTENT)


def send(content, *outcomes, **options):
    return run(tus.send("churn", content, {"filename": "a.bin"}, jitter=lambda: 0.5, **options), *outcomes)


def parts(told):
    """Offset and length of each part that was sent."""
    found = [request for request in told.requests if request.method == "PATCH"]
    return [(int(dict(request.headers)["Upload-Offset"]), request.body.length) for request in found]


def body(request):
    return b"".join(request.body.chunks())


# the way of an upload


def test_an_upload_begins_with_its_length_name_and_digest(content):
    told = send(content, *BEGUN, stored(16 * MIB), ended(), FILE)

    headers = dict(told.requests[0].headers)
    metadata = dict(pair.split(" ") for pair in headers["Upload-Metadata"].split(","))
    assert (told.requests[0].method, told.requests[0].path) == ("POST", "/uploads/churn")
    assert (headers["Tus-Resumable"], headers["Upload-Length"]) == ("1.0.0", str(SIZE))
    assert {key: base64.b64decode(value).decode() for key, value in metadata.items()} == {
        "filename": "a.bin",
        "sha256": SHA256,
    }


def test_parts_grow_and_are_the_content(content):
    told = send(content, *BEGUN, stored(16 * MIB), ended(), FILE)

    assert parts(told) == [(0, 16 * MIB), (16 * MIB, 24 * MIB)]
    assert b"".join(body(request) for request in told.requests if request.method == "PATCH") == CONTENT
    assert told.result.sha256 == SHA256


def test_a_cut_is_followed_by_the_offset_that_the_server_has(content):
    told = send(content, *BEGUN, CUT, state(), head(5 * MIB), stored(21 * MIB), ended(), FILE)

    assert parts(told) == [(0, 16 * MIB), (5 * MIB, 16 * MIB), (21 * MIB, 19 * MIB)]
    assert told.pauses == [0.5]


@pytest.mark.parametrize("status", [408, 409, 423, 429, 500, 502, 503, 504])
def test_what_passes_is_waited_for(content, status):
    told = send(content, *BEGUN, answer(status=status), state(), head(16 * MIB), ended(), FILE)

    assert parts(told) == [(0, 16 * MIB), (16 * MIB, 16 * MIB)]
    assert told.pauses == [0.5]


def test_parts_shrink_after_cuts_without_a_byte_and_pauses_grow(content):
    nothing = (CUT, state(), head(0))
    told = send(
        content,
        *BEGUN,
        *nothing * 4,
        stored(MIB),
        stored(2 * MIB),
        CUT,
        state("done", attachment_id="att_1"),
        FILE,
    )

    assert [length for _, length in parts(told)] == [16 * MIB, 8 * MIB, 4 * MIB, 2 * MIB, MIB, MIB, MIB]
    assert told.pauses == [0.5, 1.0, 2.0, 4.0, 0.5]


def test_a_part_is_never_smaller_than_the_server_wants():
    size = tus.PartSize(least=MIB)

    for _ in range(20):
        size.was_cut()

    assert size.bytes == MIB


def test_a_part_is_never_larger_than_the_server_takes():
    size = tus.PartSize(most=20 * MIB)

    for _ in range(20):
        size.succeeded()

    assert size.bytes == 20 * MIB
    assert tus.PartSize(most=MIB).bytes == MIB


def test_a_proxys_limit_is_stayed_below(content):
    too_large = answer(b"<html>", status=413)
    steps = [stored(n * tus.PROXY_BYTES) for n in range(1, 42) if n * tus.PROXY_BYTES < SIZE]
    told = send(content, *BEGUN, too_large, steps[0], too_large, *steps[1:], ended(), FILE)

    sizes = [length for _, length in parts(told)]
    assert sizes[:4] == [16 * MIB, tus.PROXY_BYTES, 2 * tus.PROXY_BYTES, tus.PROXY_BYTES]
    assert max(sizes[3:]) < MIB
    assert told.pauses == []


def test_a_proxy_that_takes_nothing_is_an_error(content):
    with pytest.raises(errors.WorkspaceError, match="413"):
        send(content, *BEGUN, *[answer(status=413)] * 30)


def test_the_servers_own_limit_is_its_error(content):
    with pytest.raises(errors.FileTooLarge):
        send(content, *BEGUN, answer({"code": "file_too_large"}, 413))


def test_a_server_that_moved_is_looked_for(content):
    outcomes = (*BEGUN, answer(status=403), state(), head(0), stored(16 * MIB), ended(), FILE)
    flow = tus.send("churn", content, {}, jitter=lambda: 0.5)

    told = run(flow, *outcomes, renewed=True)

    assert told.renewals == 1
    with pytest.raises(PermissionError):
        send(content, *BEGUN, answer(status=403))


def test_a_server_that_stays_away_ends_the_upload(content):
    with pytest.raises(errors.ServerUnreachable) as caught:
        send(content, *BEGUN, CUT, *[REFUSED] * 1000)

    assert sum(caught.value.told.pauses) > patience.PATIENCE_SECONDS


def test_progress_restores_patience(content):
    lost = (CUT, *[REFUSED] * 5)
    outcomes = [*BEGUN]
    for offset in range(1, 30):
        outcomes += [*lost, state(), head(offset)]

    told = send(content, *outcomes, CUT, state("done", attachment_id="att_1"), FILE)

    assert told.result.sha256 == SHA256


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_names_a_time_is_not_asked_before_it(content, status):
    busy = answer(status=status, retry_after="7")

    told = send(content, *BEGUN, busy, state(), head(16 * MIB), ended(), FILE)

    assert told.pauses == [7 * 1.125]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_proxy_without_a_server_costs_time_at_most(content, status):
    # B16. The server is being started again behind it: no answer of these is the server's.
    away = answer(b"<html>", status=status)

    told = send(
        content,
        *(away, CREATED),
        *(away, state(), away, state(), head(0)),
        *(stored(16 * MIB), away, away, state(), head(16 * MIB), stored(SIZE), away),
        *(state("done", attachment_id="att_1"), away, FILE),
    )

    assert parts(told) == [(0, 16 * MIB), (16 * MIB, 24 * MIB), (16 * MIB, 16 * MIB)]
    assert told.result.sha256 == SHA256


def test_a_proxy_without_a_server_for_long_is_no_refusal(path, note):
    away = answer(b"<html>", status=502)
    with pytest.raises(errors.ServerUnreachable, match="502"):
        send(PathContent(path), *BEGUN, *[away] * 1000, note=note)

    assert note.read() == Note(UPLOAD, SHA256)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (507, "disk_full", errors.DiskFull),
        (507, "quota_exceeded", errors.QuotaExceeded),
        (403, "forbidden", errors.Forbidden),
    ],
)
def test_what_can_be_made_right_leaves_an_upload_that_goes_on_later(path, note, status, code, error):
    # B1: the upload stays resumable at the acknowledged offset.
    with pytest.raises(error):
        send(PathContent(path), *BEGUN, stored(16 * MIB), answer({"code": code}, status), note=note)

    told = send(PathContent(path), state(), head(16 * MIB), ended(), FILE, note=note)

    assert parts(told)[0][0] == 16 * MIB


def until_part(flow, *outcomes):
    """Sends the outcomes, and gives the part that comes then."""
    waiting, step = list(outcomes), next(flow)
    while True:
        if not isinstance(step, Request):
            step = flow.send(step.call())
        elif waiting:
            step = flow.send(waiting.pop(0))
        else:
            return step


def test_a_file_that_changes_is_an_error_and_leaves_no_upload(path, tmp_path, note):
    flow = tus.send("churn", PathContent(path), {}, note=note, jitter=lambda: 0.5)
    part = until_part(flow, *BEGUN, stored(16 * MIB))
    path.write_bytes(b"shorter")

    # As the clients do when the body of a request cannot be read.
    with pytest.raises(errors.DigestMismatch) as caught:
        list(part.body.chunks())
    last = flow.throw(caught.value)

    assert (last.method, last.path) == ("DELETE", f"/uploads/churn/{UPLOAD}")
    with pytest.raises(errors.DigestMismatch, match="changed while it was uploaded"):
        flow.send(answer(status=204))
    note.close()
    assert list((tmp_path / "notes").iterdir()) == []


@pytest.mark.parametrize("size", [SIZE - 1, SIZE, SIZE + 1])
def test_the_bytes_of_a_file_that_changed_are_not_read(path, size):
    # E.g. a log that grows: the record would have a part of a line.
    content = PathContent(path)
    path.write_bytes(b"x" * size)

    with pytest.raises(errors.DigestMismatch):
        list(content.part(0, SIZE).chunks())


def test_a_file_object_that_was_cut_is_an_error(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(CONTENT)
    with path.open("r+b") as file:
        content = content_of(file)
        file.truncate(MIB)

        with pytest.raises(errors.DigestMismatch):
            list(content.part(0, SIZE).chunks())


def test_a_file_that_was_removed_is_an_error(path):
    content = PathContent(path)
    path.unlink()

    with pytest.raises(errors.DigestMismatch, match="removed"):
        list(content.part(0, SIZE).chunks())


def test_a_refusal_for_now_is_not_waited_for_long(content):
    down = answer({"code": "scan_unavailable"}, 503)
    with pytest.raises(errors.ScanUnavailable) as caught:
        send(content, *BEGUN, stored(16 * MIB), *[down, state(offset=SIZE), head(SIZE)] * 20)

    assert sum(caught.value.told.pauses) < 60
    # An empty part asks the server to try again.
    assert parts(caught.value.told)[-1] == (SIZE, 0)


def test_a_server_that_is_being_started_is_waited_for(content):
    starting = answer({"code": "starting"}, 503)

    told = send(content, *BEGUN, *[starting, state(), head(0)] * 8, stored(16 * MIB), ended(), FILE)

    assert told.result.sha256 == SHA256


def test_a_file_that_is_long_in_the_making_is_asked_for(content):
    told = send(
        content,
        *BEGUN,
        stored(16 * MIB),
        stored(SIZE),
        state("finishing"),
        state("done", attachment_id="att_1"),
        FILE,
    )

    assert told.pauses == [1.0]
    assert told.requests[-1].path.endswith("/att_1")


@pytest.mark.parametrize(
    ("code", "error"),
    [("infected", errors.Infected), ("name_taken", errors.NameTaken), (None, errors.WorkspaceError)],
)
def test_a_refusal_at_the_end_is_the_error_it_stands_for(content, code, error):
    with pytest.raises(error):
        send(content, *BEGUN, stored(16 * MIB), CUT, state("failed", **({"code": code} if code else {})))


@pytest.mark.parametrize("status", [404, 410])
def test_an_upload_that_is_gone_is_an_error_where_it_was_begun(content, status):
    gone = answer(b"", status=status, tus_resumable="1.0.0")
    with pytest.raises(errors.UploadGone):
        send(content, *BEGUN, gone)
    with pytest.raises(errors.UploadGone):
        send(content, CREATED, state(), gone)


# B16: a hub that was restarted answers so until its proxy knows the user's server again
@pytest.mark.parametrize("status", [404, 424])
def test_a_proxy_that_knows_no_server_is_waited_for(content, status):
    astray = answer({"message": "Not Found"}, status)

    told = send(
        content, *BEGUN, astray, astray, state(), astray, state(), head(0), stored(16 * MIB), ended(), FILE
    )

    assert told.result.sha256 == SHA256
    assert len(told.pauses) == 3


def test_a_proxy_that_knows_no_server_for_long_leaves_an_upload_that_can_be_gone_on_with(content):
    with pytest.raises(errors.ServerUnreachable):
        send(content, *BEGUN, *[answer(b"", 404)] * 60)


def test_a_record_with_other_bytes_is_an_error(content):
    with pytest.raises(errors.DigestMismatch):
        send(content, *BEGUN, stored(16 * MIB), ended(), answer(record(sha256="0" * 64)))


def test_progress_is_told_from_the_first_byte_to_the_last(content):
    done = []
    flow = tus.send("churn", content, {}, on_progress=done.append, jitter=lambda: 0.5)

    run(flow, *BEGUN, stored(16 * MIB), ended(), FILE)

    assert done == [0, 16 * MIB, SIZE]
    told = send(content, *BEGUN, stored(16 * MIB), ended(), FILE, on_progress=done.append)
    body(told.requests[3])
    assert done[-16:] == [n * MIB for n in range(1, 17)]


# a client that is started again


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "a.bin"
    made.write_bytes(CONTENT)
    return made


@pytest.fixture
def note(tmp_path):
    made = Unfinished.at(tmp_path / "notes", "mark")
    yield made
    made.close()


def test_an_upload_that_was_begun_is_gone_on_with(path, note):
    note.write(Note(UPLOAD, SHA256))

    told = send(PathContent(path), state(), head(30 * MIB), ended(), FILE, note=note)

    assert parts(told) == [(30 * MIB, 10 * MIB)]
    assert [request.method for request in told.requests] == ["GET", "HEAD", "PATCH", "GET"]
    assert body(told.requests[2]) == CONTENT[30 * MIB :]


def test_an_upload_that_ended_while_the_client_was_away_is_found(path, note):
    note.write(Note(UPLOAD, SHA256))

    told = send(PathContent(path), state("done", attachment_id="att_1"), FILE, note=note)

    assert parts(told) == []
    assert told.result.sha256 == SHA256


def test_other_content_is_sent_from_the_beginning(path, note):
    note.write(Note(UPLOAD, "0" * 64))

    told = send(PathContent(path), *BEGUN, stored(16 * MIB), ended(), FILE, note=note)

    assert told.requests[0].method == "POST"


def test_an_upload_that_expired_is_begun_anew(path, note):
    note.write(Note(UPLOAD, SHA256))

    told = send(
        PathContent(path), state(), answer(status=410), *BEGUN, stored(16 * MIB), ended(), FILE, note=note
    )

    assert [request.method for request in told.requests][:3] == ["GET", "HEAD", "POST"]


def test_an_upload_that_was_begun_anew_can_be_gone_on_with(path, tmp_path, note):
    note.write(Note("upl_expired", SHA256))
    with pytest.raises(errors.ServerUnreachable):
        send(PathContent(path), answer(status=410), *BEGUN, CUT, *[REFUSED] * 1000, note=note)
    note.close()

    again = Unfinished.at(tmp_path / "notes", "mark")

    assert again.read() == Note(UPLOAD, SHA256)
    again.close()


def test_a_note_is_kept_until_the_upload_ends(path, tmp_path, note):
    with pytest.raises(errors.ServerUnreachable):
        send(PathContent(path), *BEGUN, CUT, *[REFUSED] * 1000, note=note)
    assert note.read() == Note(UPLOAD, SHA256)

    send(PathContent(path), state(), head(0), stored(16 * MIB), ended(), FILE, note=note)

    note.close()
    assert list((tmp_path / "notes").iterdir()) == []


def test_a_refused_upload_is_not_gone_on_with(path, tmp_path, note):
    with pytest.raises(errors.Infected):
        send(PathContent(path), *BEGUN, answer({"code": "infected"}, 422), note=note)

    note.close()
    assert list((tmp_path / "notes").iterdir()) == []


def test_two_processes_do_not_go_on_with_the_same_upload(tmp_path, note):
    assert Unfinished.at(tmp_path / "notes", "mark") is None
    other = Unfinished.at(tmp_path / "notes", "other")
    assert other.read() is None
    other.close()


def test_old_notes_are_removed(tmp_path, monkeypatch, note):
    note.write(Note(UPLOAD, SHA256))
    monkeypatch.setattr(unfinished, "KEPT_SECONDS", -1.0)

    other = Unfinished.at(tmp_path / "notes", "other")

    assert [path.name for path in (tmp_path / "notes").iterdir()] == ["other.json"]
    other.close()
    # Nothing was begun that could be gone on with.
    assert list((tmp_path / "notes").iterdir()) == []


def test_a_note_that_another_process_removes_is_no_error(tmp_path, monkeypatch, note):
    (tmp_path / "notes/gone.json").symlink_to("nowhere")

    Unfinished.at(tmp_path / "notes", "other").close()


def test_a_fingerprint_tells_place_and_content_apart(path, tmp_path):
    first = fingerprint(path, "churn", None)

    assert fingerprint(path, "churn", None) == first
    assert fingerprint(path, "other", None) != first
    with path.open("r+b") as file:
        file.seek(SIZE // 2)
        file.write(b"x")
    assert fingerprint(path, "churn", None) != first


# which way is taken


def service(*, is_there=True):
    features = {**SERVICE["features"], "tus": is_there}
    return answer({**SERVICE, "features": features, "limits": {**SERVICE["limits"], **LIMITS}})


def test_large_content_goes_in_parts(path):
    told = run(
        transfers.upload("churn", path, folder="data", on_conflict="replace"),
        service(),
        *BEGUN,
        stored(16 * MIB),
        ended(),
        FILE,
    )

    metadata = dict(pair.split(" ") for pair in dict(told.requests[1].headers)["Upload-Metadata"].split(","))
    assert base64.b64decode(metadata["dir"]) == b"data"
    assert base64.b64decode(metadata["on_conflict"]) == b"replace"
    assert told.result.sha256 == SHA256


def test_bytes_go_in_parts_too_without_a_note(tmp_path):
    told = run(
        transfers.upload("churn", CONTENT, "a.bin"), service(), *BEGUN, stored(16 * MIB), ended(), FILE
    )

    assert told.result.sha256 == SHA256
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("options", [{}, {"key": "k"}])
def test_without_tus_or_with_a_key_it_goes_at_once(options):
    outcomes = [answer(record(), 201)] if options else [service(is_there=False), answer(record(), 201)]

    told = run(transfers.upload("churn", CONTENT, "a.bin", **options), *outcomes)

    assert told.requests[-1].method == "PUT"


def test_what_a_proxy_refuses_at_once_goes_in_parts():
    small = CONTENT[: 3 * MIB]
    whole = {"length": len(small)}
    told = run(
        transfers.upload("churn", small, "a.bin"),
        answer(b"<html>", status=413),
        service(),
        CREATED,
        state(**whole),
        head(0),
        stored(len(small), upload_attachment_id="att_1"),
        answer(record(sha256=hashlib.sha256(small).hexdigest())),
    )

    assert [request.method for request in told.requests] == [
        "PUT",
        "GET",
        "POST",
        "GET",
        "HEAD",
        "PATCH",
        "GET",
    ]


def test_what_the_server_refuses_for_its_size_is_an_error():
    with pytest.raises(errors.FileTooLarge):
        run(transfers.upload("churn", b"abc"), answer({"code": "file_too_large"}, 413), service())
    with pytest.raises(errors.WorkspaceError, match="413"):
        run(transfers.upload("churn", b"abc"), answer(b"", status=413), service(is_there=False))


def test_a_small_upload_says_how_far_it_is():
    done = []

    told = run(transfers.upload("churn", b"abc", on_progress=done.append), answer(record(), 201))

    assert body(told.requests[0]) == b"abc"
    assert done == [3]


def test_a_download_says_how_far_it_is(tmp_path):
    done = []
    landed = Landed(answer(status=200, etag='"v"', content_length="3"), (b"ab", b"c"))
    run(transfers.download("churn", "att_1", tmp_path, on_progress=done.append), answer(record()), landed)

    assert done == [2, 3]
