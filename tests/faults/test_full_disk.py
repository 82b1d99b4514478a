"""B1: a full disk. What comes is refused cleanly, deleting works, and nothing needs a person afterwards."""

from __future__ import annotations

import os
import subprocess
import time

import pytest
from faults.invariants import check_agreement, check_content, check_database, check_log, within_grace
from faults.truth import Truth

MIB = 2**20
SIZE = 96 * MIB

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")


@pytest.fixture
def disk(tmp_path):
    """A disk of 96 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def server(disk, make_server):
    """A server with root and index on that disk, and the room that it sets aside."""
    server = make_server(root=disk / "root", data=disk / "data")
    server.start()
    assert server.api().send("PUT", "/sessions/s", {}).status == 201
    ballast = server.state / "ballast"
    deadline = time.monotonic() + 15
    while not ballast.exists() or ballast.stat().st_size < 8 * MIB:
        assert time.monotonic() < deadline, "no room was set aside"
        time.sleep(0.1)
    return server


def fill(disk):
    """Takes all that is left, down to the last block."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in [MIB, 4096, 1]:
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                continue
    return filler


def add(server, truth, name, size):
    content = os.urandom(size)
    answer = server.api().upload(truth.session, name, content)
    if answer.status == 201:
        return truth.new(answer.json, content)
    assert (answer.status, answer.code) == (507, "disk_full"), answer.body
    return None


def address(known):
    return f"/sessions/s/artifacts/{known.attachment_id}"


def check(server, truth):
    check_agreement(server, server.api(), truth)
    check_content(server, server.api(), truth, 10)


def test_uploads_are_refused_before_the_disk_is_full_and_leave_nothing(server, disk):
    truth = Truth("s")
    while add(server, truth, "a.bin", 5 * MIB):
        pass

    refused = server.api().upload_form("s", [("b.bin", os.urandom(8 * MIB)), ("c.bin", b"c")])
    assert (refused.status, refused.code) == (507, "disk_full"), refused.body
    within_grace("staged bytes were left", lambda: not list((server.state / "staging").iterdir()))
    check(server, truth)
    # Deleting to the trash is enough: the trash makes room.
    for known in list(truth.live().values())[:3]:
        assert server.api().delete(address(known)).status == 204
        known.kept = "trash"
    oldest = min(truth.in_trash().values(), key=lambda known: known.artifact_id)
    assert add(server, truth, "after.bin", 5 * MIB)
    assert len(server.api().records("s", "trash")) < 3, f"{oldest} and all others are still in the trash"
    check_log(server)


def test_on_a_disk_filled_by_others_files_can_still_be_deleted(server, disk):
    truth = Truth("s")
    files = [add(server, truth, f"{number}.bin", MIB) for number in range(5)]
    filler = fill(disk)

    assert add(server, truth, "new.bin", 10) is None
    to_trash, for_good, *_ = files
    assert server.api().delete(address(to_trash)).status == 204
    to_trash.kept = "trash"
    assert server.api().delete(address(for_good), permanent=1).status == 204
    for_good.kept = "gone"
    truth.purge(for_good)
    check(server, truth)

    filler.unlink()
    assert add(server, truth, "new.bin", MIB)
    within_grace("no room was set aside again", (server.state / "ballast").exists, seconds=15)
    check(server, truth)
    check_log(server)


def test_a_kill_and_a_start_on_a_full_disk_lose_nothing(server, disk):
    truth = Truth("s")
    files = [add(server, truth, f"{number}.bin", MIB) for number in range(5)]
    filler = fill(disk)
    server.kill()
    fill(disk)

    server.start()

    assert server.api().delete(address(files[0])).status == 204
    files[0].kept = "trash"
    check(server, truth)
    filler.unlink()
    assert add(server, truth, "new.bin", MIB)
    check(server, truth)
    server.stop()
    check_database(server)
    check_log(server)


def test_a_disk_that_fills_up_under_an_upload_refuses_it(server, disk):
    truth = Truth("s")
    add(server, truth, "first.bin", MIB)
    content = os.urandom(30 * MIB)

    def body():
        yield content[: 10 * MIB]
        fill(disk)
        for start in range(10 * MIB, len(content), MIB):
            yield content[start : start + MIB]

    answer = server.api().call("PUT", "/uploads/s?name=big.bin", body=body())

    assert (answer.status, answer.code) == (507, "disk_full"), answer.body
    within_grace("staged bytes were left", lambda: not list((server.state / "staging").iterdir()))
    (disk / "filler").unlink()
    assert add(server, truth, "second.bin", MIB)
    check(server, truth)
    check_log(server)
