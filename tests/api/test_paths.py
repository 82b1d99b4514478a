"""Paths that try to leave: on every route and in every field, nothing outside is read, written or told of."""

from __future__ import annotations

import shutil
from urllib.parse import quote

import pytest
from api.wire import file_part, query, text_part

SECRET = "the secret outside"
OUT = [
    "..", "../", "../..", "../secret.txt", "../../secret.txt", "../../../../../../etc/passwd", "a/../../secret.txt", "a/..", "a/../b",
    "./..", "/", "/etc/passwd", "//etc/passwd", "\\", "\\etc\\passwd", "..\\secret.txt", "..\\..\\secret.txt", "a\\..\\..\\x", "C:/x", "C:\\x", "c:",
    "\\\\host\\share", "attachments/../../secret.txt", ".../../secret.txt", "..;/secret.txt", "a/..;/x", "%2e%2e/secret.txt", "..%2fsecret.txt",
    "..%252fsecret.txt", "%252e%252e%252fsecret.txt", "..%c0%afsecret.txt", "..%ef%bc%8fsecret.txt", "..\u2215secret.txt", "..\uff0fsecret.txt",
    "\uff0e\uff0e/secret.txt", "\u2024\u2024/secret.txt", "file:///etc/passwd", "~/x", "~root/x", "$HOME/x", "a\0/../../secret.txt", "..\0",
    "../\0", "a/./b", ".", "./a", "a/.", ".jupyter_workspace", ".jupyter_workspace/trash", "../.jupyter_workspace/journals",
    "attachments/../.jupyter_workspace", ".JUPYTER_WORKSPACE/x", ".jupyter\u200c_workspace/x", "a/" * 2000 + "x", "x" * 5000, "../" * 1500 + "etc/passwd",
    ".git/config", "a/.hidden/b", "proc/self/environ", "/proc/self/environ", "/dev/zero", "CON", "aux/../../x", "a//../../secret.txt", " ../secret.txt",
    "..\n/secret.txt", "\u202e../secret.txt",
]  # fmt: skip


def word(path):
    return ascii(path)[:40]


@pytest.fixture(scope="module")
def place(server):
    """A session with something outside it that nobody may reach; at the end it is still as it was."""
    session = server.session()
    session.saved("inside.csv", b"inside", dir="")
    outside = [
        server.home / "secret.txt",
        server.root / "secret.txt",
        server.root / "workspace" / "secret.txt",
    ]
    for path in outside:
        path.write_text(SECRET)
    before = tree(server)
    yield session
    assert [path.read_text() for path in outside] == [SECRET] * 3
    assert tree(server) == before


def tree(server):
    """What stands in the served root, but for the tests' sessions and the server's own state."""
    paths = [path.relative_to(server.root) for path in server.root.rglob("*")]
    return sorted(
        str(path) for path in paths if not any(part.startswith(("s-", ".jupyter_")) for part in path.parts)
    )


def harmless(answer):
    assert answer.status < 500 or answer.status in {503, 507}, answer.text()
    assert SECRET not in answer.text()
    assert "root:x:0" not in answer.text()
    return answer


@pytest.mark.parametrize("path", OUT, ids=word)
def test_no_field_of_any_route_leads_out(server, place, path):
    # S0-15 S0-86 S1-02 S1-03 S2-26 S2-27 S2-55 S2-64 S2-72 S3-14 S3-15 C25; API 1 Paths, Hidden
    encoded = query(path=path)
    att = place.files()[0]["attachment_id"]

    answers = [
        place.put("a.csv", dir=path),
        place.put(path),
        place.post(file_part(b"x", "a.csv"), text_part("dir", path)),
        place.post(file_part(b"x", "a.csv"), text_part("filename", path)),
        place.register(path),
        place.call("POST", "/artifacts", json_body=[{"path": path}]),
        place.call("POST", "/artifacts", json_body={"root_path": path}),
        place.call("POST", "/artifacts", json_body={"source": path}),
        place.call("PATCH", f"/artifacts/{att}", json_body={"path": path}),
        place.call("PATCH", f"/artifacts/{att}", json_body={"name": path}),
        place.call("GET", f"/artifacts{encoded}"),
        place.call("GET", f"/download{encoded}"),
        server.call("GET", f"/files{encoded}"),
        server.call("GET", f"/files{query(path=f'{place.id}/{path}')}"),
        server.call("GET", f"/files/download{encoded}"),
        server.call("GET", f"/files/download{query(path=f'{place.id}/{path}')}"),
        server.call("POST", "/files/delete", json_body={"path": path, "recursive": True, "permanent": True}),
        server.call("POST", "/files/upload", b"", {}),
    ]

    for answer in answers:
        harmless(answer)
    for answer in answers[10:16]:
        assert answer.status in {200, 400, 404}


@pytest.mark.parametrize("path", [path for path in OUT if "\0" not in path and len(path) < 500], ids=word)
def test_no_part_of_an_address_leads_out(server, place, path):
    # S0-86 S2-72 S3-09 C11; API 1 Ids, 11.2
    encoded = quote(path, safe="")

    for method, target in [
        ("GET", f"/sessions/{encoded}"),
        ("GET", f"/sessions/{encoded}/download"),
        ("PUT", f"/uploads/{encoded}?name=x"),
        ("GET", f"/sessions/{place.id}/artifacts/{encoded}"),
        ("GET", f"/sessions/{place.id}/artifacts/{encoded}?mode=stream"),
        ("DELETE", f"/sessions/{place.id}/artifacts/{encoded}?permanent=1"),
    ]:
        answer = harmless(server.call(method, target))
        assert answer.status in {400, 404}, (target, answer.text())


@pytest.mark.parametrize("path", ["..", "../x", "/x", "\\x", "a/../b", "C:/x"])
def test_a_folder_that_leads_out_is_told_so(place, path):
    # S3-14 S3-15 C29; API 1 Paths, 11.48
    answer = place.put("a.csv", dir=path)

    assert (answer.status, answer.code) == (400, "path_escapes")


@pytest.mark.parametrize("path", ["a/./b", "./a", "a/."])
def test_a_component_that_is_a_dot_is_refused(place, path):
    # API 11.48
    assert place.put("a.csv", dir=path).status == 400
    assert place.register(path).status == 400


@pytest.mark.parametrize("path", [".hidden", "a/.hidden", ".hidden/a", ".jupyter_workspace"])
def test_hidden_folders_are_refused_on_write_and_not_there_on_read(server, place, path):
    # S3-19 S3-34 C4; API 1 Hidden
    target = place.folder / path
    target.mkdir(parents=True)
    (target / "x.csv").write_text("hidden")

    assert place.put("a.csv", dir=path).status == 400
    assert place.register(f"{path}/x.csv").status in {400, 404}
    assert server.call("GET", f"/files{query(path=f'{place.id}/{path}')}").status == 404
    assert server.call("GET", f"/files/download{query(path=f'{place.id}/{path}/x.csv')}").status == 404
    assert server.call("POST", "/files/delete", json_body={"path": f"{place.id}/{path}/x.csv"}).status in {
        400,
        404,
    }
    assert (target / "x.csv").read_text() == "hidden"


@pytest.fixture
def linked(session, tmp_path):
    """Links in a session, to a folder and a file outside of the served root."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file.csv").write_text(SECRET)
    session.saved("inside.csv", b"inside", dir="")
    (session.folder / "way").symlink_to(outside)
    (session.folder / "link.csv").symlink_to(outside / "file.csv")
    (session.folder / "pushed aside.csv").symlink_to(outside / "file.csv")
    (session.folder / "absent.csv").symlink_to(outside / "new.csv")
    yield session
    assert sorted(path.name for path in outside.iterdir()) == ["file.csv"]
    assert (outside / "file.csv").read_text() == SECRET


def test_links_lead_nowhere(server, linked):
    # S0-72 S2-55 S2-64 S3-15 S3-40; API 1 Paths, 8
    att = linked.files()[0]["attachment_id"]
    answers = [
        linked.put("a.csv", dir="way"),
        linked.put("a.csv", dir="way/deep"),
        linked.put("absent.csv", dir="", on_conflict="replace"),
        linked.put("pushed aside.csv", dir="", on_conflict="replace"),
        linked.put("link.csv", dir="", on_conflict="error"),
        linked.register("way/file.csv"),
        linked.register("link.csv"),
        linked.call("PATCH", f"/artifacts/{att}", json_body={"path": "way/moved.csv"}),
        linked.call("GET", "/download"),
        server.call("GET", f"/files{query(path=f'{linked.id}/way')}"),
        server.call("GET", f"/files/download{query(path=f'{linked.id}/way')}"),
        server.call("GET", f"/files/download{query(path=f'{linked.id}/way/file.csv')}"),
        server.call("GET", f"/files/download{query(path=f'{linked.id}/link.csv')}"),
        linked.call("POST", "/scan"),
    ]

    for answer in answers:
        harmless(answer)
    for answer in (*answers[:2], *answers[5:8], *answers[9:13]):
        assert answer.status in {400, 404}, answer.text()


def test_a_link_is_deleted_and_not_what_it_leads_to(server, linked):
    # S3-40; API 8
    answer = server.call(
        "POST", "/files/delete", json_body={"path": f"{linked.id}/link.csv", "permanent": True}
    )

    assert answer.status == 200
    assert not (linked.folder / "link.csv").is_symlink()


def test_a_session_whose_folder_is_a_link_gives_nothing_out(server, tmp_path):
    # S2-55 S3-15; API 1 Paths
    session = server.session()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file.csv").write_text(SECRET)
    shutil.rmtree(session.folder)
    session.folder.symlink_to(outside)

    for answer in (
        session.put("a.csv"),
        session.register("file.csv"),
        session.call("POST", "/scan"),
        session.call("GET", "/download"),
        server.call("GET", f"/files{query(path=session.id)}"),
        server.call("GET", f"/files/download{query(path=f'{session.id}/file.csv')}"),
    ):
        harmless(answer)

    assert sorted(path.name for path in outside.iterdir()) == ["file.csv"]
    session.folder.unlink()
    session.call("DELETE")
