"""Zips of a session, of a part of it, of a selection and of a folder."""

from __future__ import annotations

import io
import itertools
import json
import os
import shutil
import subprocess
import zipfile
from pathlib import PurePosixPath

import pytest
from api.running import BASE_URL, sha256
from api.wire import query

MANIFEST = "attachments_manifest.json"


def zipped(session, **parameters):
    answer = session.call("GET", f"/download{query(**parameters)}")
    assert answer.status == 200, answer.text()
    return answer


def opened(answer):
    return zipfile.ZipFile(io.BytesIO(answer.body))


def names(answer, top):
    """The files in a zip below its top folder, without the manifest."""
    with opened(answer) as archive:
        found = [name for name in archive.namelist() if not name.endswith("/")]
    assert all(name.startswith(f"{top}/") for name in found)
    return [name.removeprefix(f"{top}/") for name in found if name != f"{top}/{MANIFEST}"]


@pytest.fixture(scope="module")
def full(server):
    """A session with files of several kinds; tests only read it."""
    session = server.session()
    session.saved("sales.csv", b"a,b\n" * 1000)
    session.saved("naïve 日本語 📈.txt", b"x")
    session.saved("empty.bin", b"")
    session.saved("b.png", b"\x89PNG\r\n\x1a\n" + bytes(100), dir="plots/deep")
    session.made("model.pkl", b"\0" * 5000)
    session.made("plots/notes.md", b"# notes")
    (session.folder / "empty folder/in it").mkdir(parents=True)
    return session


ALL = [
    "attachments/empty.bin", "attachments/naïve 日本語 📈.txt", "attachments/sales.csv", "model.pkl",
    "plots/deep/b.png", "plots/notes.md",
]  # fmt: skip


def test_a_session_is_one_zip_with_one_top_folder(full):
    # S0-83 S0-84 S0-85 S0-90 S1-27 C5; API 6
    answer = zipped(full)

    assert answer.headers["Content-Type"] == "application/zip"
    assert f'filename="{full.id}.zip"' in answer.headers["Content-Disposition"]
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert sorted(names(answer, full.id)) == ALL
    with opened(answer) as archive:
        assert archive.testzip() is None
        for name in ALL:
            assert archive.read(f"{full.id}/{name}") == (full.folder / name).read_bytes()


def test_members_are_stored_and_have_utf_8_names(full):
    # S0-84 C5; API 6
    with opened(zipped(full)) as archive:
        for member in archive.infolist():
            assert member.compress_type == zipfile.ZIP_STORED
            assert member.filename.isascii() or member.flag_bits & 0x800
            path = PurePosixPath(member.filename)
            assert not path.is_absolute()
            assert ".." not in path.parts


def test_empty_folders_are_in_the_zip(full):
    # API 11.41
    with opened(zipped(full)) as archive:
        assert f"{full.id}/empty folder/in it/" in archive.namelist()


def test_the_last_member_is_a_manifest_of_the_others(full):
    # S0-20; API 6, 11.55
    answer = zipped(full)

    with opened(answer) as archive:
        manifest = json.loads(archive.read(f"{full.id}/{MANIFEST}"))
        assert archive.namelist()[-1] == f"{full.id}/{MANIFEST}"
    digests = {record["path"]: record["sha256"] for record in manifest["files"]}
    assert digests == {name: sha256((full.folder / name).read_bytes()) for name in ALL}


@pytest.mark.parametrize(
    "tool", [["unzip", "-tqq"], ["7z", "t", "-bso0", "-bsp0"], ["python", "-m", "zipfile", "-t"]], ids=lambda tool: tool[0]
)  # fmt: skip
@pytest.mark.parametrize("compress", [None, "deflate"])
def test_other_programs_accept_the_zip(full, tmp_path, tool, compress):
    # S0-83 C5; API 6
    if shutil.which(tool[0]) is None:
        pytest.skip(f"{tool[0]} is not installed")
    path = tmp_path / "session.zip"
    path.write_bytes(zipped(full, compress=compress).body)

    done = subprocess.run([*tool, str(path)], capture_output=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_length_is_announced_and_true(full):
    # S0-82; API 6
    answer = zipped(full)
    head = full.call("HEAD", "/download")

    assert int(answer.headers["Content-Length"]) == len(answer.body)
    for name in (
        "Content-Length",
        "ETag",
        "Last-Modified",
        "Content-Type",
        "Content-Disposition",
        "Accept-Ranges",
    ):
        assert head.headers[name] == answer.headers[name]
    assert (head.status, head.body) == (200, b"")


def test_the_zip_of_unchanged_files_is_the_same_to_the_byte(full):
    # API 6, 11.55
    first, second = zipped(full), zipped(full)

    assert first.body == second.body
    assert first.headers["ETag"] == second.headers["ETag"]


def test_ranges_of_a_zip_are_slices_of_it(full):
    # S0-82; API 6
    whole = zipped(full).body
    ends = [
        0,
        1,
        29,
        30,
        31,
        97,
        4000,
        4100,
        len(whole) // 2,
        len(whole) - 700,
        len(whole) - 23,
        len(whole) - 1,
    ]

    for start, stop in itertools.pairwise(ends):
        answer = full.call("GET", "/download", headers={"Range": f"bytes={start}-{stop - 1}"})
        assert answer.status == 206
        assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(whole)}"
        assert answer.body == whole[start:stop]


def test_a_broken_download_goes_on(full):
    # API 6
    first = zipped(full)
    half = len(first.body) // 2

    rest = full.call(
        "GET", "/download", headers={"Range": f"bytes={half}-", "If-Range": first.headers["ETag"]}
    )

    assert rest.status == 206
    assert first.body[:half] + rest.body == first.body


def test_a_changed_session_is_another_zip(session):
    # API 6, 11.41
    session.saved("a.csv", b"1")
    first = zipped(session)
    session.saved("b.csv", b"2")

    answer = session.call(
        "GET", "/download", headers={"Range": "bytes=5-", "If-Range": first.headers["ETag"]}
    )

    assert answer.status == 200
    assert answer.headers["ETag"] != first.headers["ETag"]


def test_the_same_zip_is_not_sent_twice(full):
    # API 6
    etag = full.call("HEAD", "/download").headers["ETag"]

    answer = full.call("GET", "/download", headers={"If-None-Match": etag})

    assert (answer.status, answer.body) == (304, b"")


def test_a_range_beyond_the_zip_is_unsatisfiable(full):
    # API 6, 11.40
    answer = full.call("GET", "/download", headers={"Range": "bytes=999999999-"})

    assert answer.status == 416
    assert answer.headers["Content-Range"].startswith("bytes */")


def test_deflate_trades_ranges_for_size(full):
    # S0-84; API 6
    stored, deflated = zipped(full), zipped(full, compress="deflate")

    assert "Content-Length" not in deflated.headers
    assert len(deflated.body) < len(stored.body)
    with opened(deflated) as archive:
        assert archive.testzip() is None
        assert archive.read(f"{full.id}/model.pkl") == b"\0" * 5000
    asked = full.call("GET", "/download?compress=deflate", headers={"Range": "bytes=0-9"})
    assert asked.status == 200


def test_head_of_a_deflated_zip_promises_nothing(full):
    # API 1 HEAD, 6: neither length nor tag is known beforehand, and those of an empty body are not its
    head = full.call("HEAD", "/download?compress=deflate")

    assert head.status == 200
    assert head.headers["Content-Type"] == "application/zip"
    assert not {"content-length", "etag"} & {name.lower() for name in head.headers}


@pytest.mark.parametrize(
    ("parameters", "wanted"),
    [
        ({"path": "plots"}, ["plots/deep/b.png", "plots/notes.md"]),
        ({"path": "plots/"}, ["plots/deep/b.png", "plots/notes.md"]),
        ({"path": "plots/deep"}, ["plots/deep/b.png"]),
        ({"path": "model.pkl"}, ["model.pkl"]),
        ({"path": ""}, ALL),
        ({"kind": "artifact"}, ["model.pkl", "plots/notes.md"]),
        ({"kind": "attachment"}, [name for name in ALL if name not in {"model.pkl", "plots/notes.md"}]),
        ({"include_mime": "image/"}, ["plots/deep/b.png"]),
        ({"include_ext": "csv,.MD"}, ["attachments/sales.csv", "plots/notes.md"]),
        ({"include_ext": "none-such"}, []),
        ({"path": "plots", "kind": "artifact"}, ["plots/notes.md"]),
    ],
)  # fmt: skip
def test_a_part_of_a_session_is_chosen(full, parameters, wanted):
    # S0-100; API 6
    assert sorted(names(zipped(full, **parameters), full.id)) == sorted(wanted)


def test_files_are_chosen_by_id(full):
    # S0-100; API 6
    chosen = [record for record in full.files() if record["name"] in {"sales.csv", "model.pkl"}]
    ids = [chosen[0]["attachment_id"], chosen[1]["artifact_id"]]

    assert sorted(names(zipped(full, artifact_id=ids), full.id)) == ["attachments/sales.csv", "model.pkl"]


@pytest.mark.parametrize(
    ("parameters", "status"),
    [
        ({"artifact_id": "att_" + "a" * 26}, 404),
        ({"artifact_id": "nonsense"}, 400),
        ({"path": "nowhere"}, 404),
        ({"path": "plot"}, 404),
        ({"path": "../x"}, 400),
        ({"path": "/etc"}, 400),
        ({"kind": "folder"}, 400),
        ({"kind": ""}, 400),
        ({"compress": "gzip"}, 400),
        ({"path": ["a", "b"]}, 400),
    ],
)  # fmt: skip
def test_what_cannot_be_chosen_is_refused(full, parameters, status):
    # C17; API 6, 11.41
    assert full.call("GET", f"/download{query(**parameters)}").status == status


def test_the_zip_of_an_empty_session(session):
    # S0-83; API 6
    answer = zipped(session)

    assert names(answer, session.id) == []
    with opened(answer) as archive:
        assert archive.namelist()[-1] == f"{session.id}/{MANIFEST}"


def test_hidden_and_state_files_are_left_out(session):
    # S0-88 C4; API 6, 11.35
    session.saved("a.csv")
    for name in (".secret", ".git/config", ".ipynb_checkpoints/x.ipynb", "__pycache__/x.pyc", "sub/.hidden"):
        target = session.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("secret")

    answer = zipped(session)

    assert names(answer, session.id) == ["attachments/a.csv"]
    assert b"secret" not in answer.body


def test_links_are_not_followed_out_of_the_session(server, session, tmp_path):
    # S0-72 C5; API 6
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "passwd").write_text("secret")
    session.saved("a.csv")
    (session.folder / "file").symlink_to(outside / "passwd")
    (session.folder / "folder").symlink_to(outside)
    (session.folder / "other").symlink_to(server.root / "workspace" / ".jupyter_workspace")
    (session.folder / "loop").symlink_to(session.folder)

    answer = zipped(session)

    assert b"secret" not in answer.body
    assert names(answer, session.id) == ["attachments/a.csv"]


def test_a_pipe_does_not_hang_the_zip(session):
    # S0-69; API 6
    session.saved("a.csv")
    os.mkfifo(session.folder / "pipe")

    assert names(zipped(session), session.id) == ["attachments/a.csv"]


def test_a_file_that_a_kernel_just_wrote_is_in_the_zip(session):
    # S0-98 S0-99; API 11.41
    (session.folder / "fresh.csv").write_text("x")

    answer = zipped(session)

    assert "fresh.csv" in names(answer, session.id)


def test_the_originals_stay_as_they_are(full):
    # S0-85 S0-89; API 6
    before = [
        (name, (full.folder / name).stat().st_mtime_ns, (full.folder / name).stat().st_ino) for name in ALL
    ]

    zipped(full)

    assert [
        (name, (full.folder / name).stat().st_mtime_ns, (full.folder / name).stat().st_ino) for name in ALL
    ] == before


def test_nothing_of_a_zip_is_left_on_the_disk(server, full):
    # S0-88 S0-89; API 6 streamed
    zipped(full)

    assert not list(server.home.rglob("*.zip"))


def test_a_deleted_file_is_not_in_the_zip(session):
    # S2-14; API 6
    session.saved("a.csv")
    session.call("DELETE", f"/artifacts/{session.saved('b.csv')['attachment_id']}")

    assert names(zipped(session), session.id) == ["attachments/a.csv"]


# Selections


def test_a_large_selection_is_kept_and_downloaded(server, full):
    # S0-100; API 6 archives, 11.54
    ids = [record["attachment_id"] for record in full.files()]

    made = full.call("POST", "/archives", json_body={"artifact_ids": ids})
    assert made.status == 201, made.text()
    target = made.headers["Location"]
    answer = server.request("GET", target.removeprefix(BASE_URL), headers=server.login)
    head = server.request("HEAD", target.removeprefix(BASE_URL), headers=server.login)

    assert target.startswith(f"{BASE_URL}api/workspace/sessions/{full.id}/archives/")
    assert sorted(names(answer, full.id)) == ALL
    assert head.headers["ETag"] == answer.headers["ETag"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"artifact_ids": []}, 400),
        ({"artifact_ids": "x"}, 400),
        ({"artifact_ids": ["nonsense"]}, 400),
        ({"artifact_ids": ["att_" + "a" * 26]}, 404),
        ({}, 400),
        ([], 400),
        ({"artifact_ids": ["att_" + "a" * 26], "more": 1}, 400),
    ],
)
def test_a_selection_that_cannot_be_is_refused(full, body, status):
    # C17 C23; API 6, 11.9, 11.41
    assert full.call("POST", "/archives", json_body=body).status == status


# Folders by path


@pytest.mark.parametrize(
    ("path", "top", "wanted"),
    [
        ("", None, ALL),
        ("/plots", "plots", ["deep/b.png", "notes.md"]),
        ("/plots/deep", "deep", ["b.png"]),
        ("/attachments/", "attachments", ["empty.bin", "naïve 日本語 📈.txt", "sales.csv"]),
    ],
)
def test_a_folder_by_path_is_a_zip_named_after_it(server, full, path, top, wanted):
    # S1-26 S3-24 C5 C6 C7; API 8, 6
    answer = server.call("GET", f"/files/download{query(path=full.id + path)}")

    assert answer.status == 200
    assert f'filename="{top or full.id}.zip"' in answer.headers["Content-Disposition"]
    assert sorted(names(answer, top or full.id)) == sorted(wanted)


def test_a_file_that_is_called_as_the_manifest_is_not_lost(server, session):
    # S0-83; API 6, 11.55
    session.saved(MANIFEST, b"mine", dir="")
    session.saved(MANIFEST, b"mine, too", dir="other")

    whole, part = zipped(session), server.call("GET", f"/files/download{query(path=f'{session.id}/other')}")

    with opened(whole) as archive:
        assert archive.read(f"{session.id}/attachments_manifest (1).json") == b"mine"
        assert archive.read(f"{session.id}/other/{MANIFEST}") == b"mine, too"
        assert len(json.loads(archive.read(f"{session.id}/{MANIFEST}"))["files"]) == 2
    with opened(part) as archive:
        assert archive.read("other/attachments_manifest (1).json") == b"mine, too"
        assert archive.namelist()[-1] == f"other/{MANIFEST}"
