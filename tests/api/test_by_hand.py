"""The user works in a session's folder with the tools people have, while the server runs and while it does not.

Ids follow the files, the events tell what happened, and nothing of the user's is ever touched.
"""

import os
import shutil
import subprocess

import pytest
from api.running import Server, sha256

BEFORE = {"a.txt": b"one\n", "in/b.txt": b"two\n", "in/deep/c.txt": b"three\n", "empty": b""}
AS_BEFORE = {path: path for path in BEFORE}

VIM = "vim -es -u NONE -N -c 'set {} nobomb' -c '%s/one/1/' -c wq a.txt"
GIT = "git -c user.name=ada -c user.email=ada@example.org -c init.defaultBranch=main -c commit.gpgsign=false"

#: What is typed, and then for each file that differs from before: whose id it has, '' for a new one.
CASES = {
    "rename": ("mv a.txt b.txt", {"a.txt": None, "b.txt": "a.txt"}),
    "rename to another case": ("mv a.txt A.TXT", {"a.txt": None, "A.TXT": "a.txt"}),
    "move a folder": (
        "mv in out",
        {"in/b.txt": None, "in/deep/c.txt": None, "out/b.txt": "in/b.txt", "out/deep/c.txt": "in/deep/c.txt"},
    ),
    "copy": ("cp a.txt in/a.txt", {"in/a.txt": ""}),
    "copy and remove": ("cp a.txt in/a.txt; rm a.txt", {"a.txt": None, "in/a.txt": "a.txt"}),
    "remove": ("rm -r in a.txt", {"a.txt": None, "in/b.txt": None, "in/deep/c.txt": None}),
    "edit in place": ("printf more >> a.txt", {}),
    "edit by sed": ("sed -i s/one/1/ a.txt", {}),
    "edit by vim in place": (VIM.format("backupcopy=yes"), {}),
    "edit by vim by rename": (VIM.format("backupcopy=no"), {}),
    "edit by emacs, with a backup": ("mv a.txt a.txt~; sed s/one/1/ a.txt~ > a.txt", {"a.txt~": ""}),
    "rsync": ("cp a.txt .a.txt.Xy12; printf more >> .a.txt.Xy12; mv .a.txt.Xy12 a.txt", {}),
    "touch": ("touch a.txt in/b.txt", {}),
    "hard link": ("ln a.txt b.txt", {"b.txt": ""}),
    "hard link instead": ("ln a.txt b.txt; rm a.txt", {"a.txt": None, "b.txt": "a.txt"}),
    "link left behind": ("mv a.txt b.txt; ln -s b.txt a.txt", {"a.txt": None, "b.txt": "a.txt"}),
    "link to outside": (
        "rm a.txt; ln -s /etc/passwd a.txt; ln -s / all; ln -s none dangling",
        {"a.txt": None},
    ),
    "pipe": ("mkfifo pipe; rm a.txt; mkfifo a.txt", {"a.txt": None}),
    "folder in a file's place": ("mv a.txt b; mkdir a.txt; mv b a.txt", {"a.txt": None, "a.txt/b": "a.txt"}),
    "file in a folder's place": (
        "mv in old; mv a.txt in; rm -r old",
        {"a.txt": None, "in": "a.txt", "in/b.txt": None, "in/deep/c.txt": None},
    ),
    "away and back": ("mv in ../../elsewhere; mv ../../elsewhere in", {}),
    "swap": ("mv a.txt t; mv in/b.txt a.txt; mv t in/b.txt", {}),
    "unpack over itself": ("tar cf ../../all.tar .; rm -r *; tar xf ../../all.tar; rm ../../all.tar", {}),
    "never listed": ("mkdir __pycache__ .ipynb_checkpoints; cp a.txt __pycache__; cp a.txt .hidden", {}),
    "git": (
        f"""{GIT} init -q; {GIT} add .; {GIT} commit -qm 1; {GIT} switch -qc other; {GIT} mv a.txt b.txt
        printf 2 > in/b.txt; {GIT} commit -qam 2; {GIT} switch -q main; {GIT} switch -q other""",
        {"a.txt": None, "b.txt": "a.txt"},
    ),
}

#: Some of them are enough for a start, since the comparison is the same.
WHILE_DOWN = ("move a folder", "copy and remove", "edit by sed", "link left behind", "pipe", "swap")


class Folder:
    """A session with some files, and what was known and on the disk before somebody worked in it."""

    def __init__(self, server):
        self.session = server.session()
        for path, content in BEFORE.items():
            target = self.session.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        assert self.session.call("POST", "/scan").status == 200
        self.before = self.listed()
        assert set(self.before) == set(BEFORE)

    def work(self, command):
        home = {**os.environ, "HOME": str(self.session.server.home), "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            ["sh", "-ec", command],
            cwd=self.session.folder,
            env=home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        self.bytes = on_disk(self.session.folder)

    def listed(self):
        return {record["path"]: record for record in self.session.files()}

    def check(self, changes):
        """Ids, digests, events and disk after the work; changes: as in CASES."""
        said = self.session.call("POST", "/scan").json()
        listed = self.listed()
        assert self.session.call("POST", "/scan").json() == {**said, "created": 0, "updated": 0, "deleted": 0}
        wanted = {path: old for path, old in {**AS_BEFORE, **changes}.items() if old is not None}
        assert set(listed) == set(wanted)
        known = {record["attachment_id"] for record in self.before.values()}
        for path, old in wanted.items():
            record, content = listed[path], (self.session.folder / path).read_bytes()
            if old:
                assert record["attachment_id"] == self.before[old]["attachment_id"], path
                is_same = sha256(content) == self.before[old]["sha256"]
                assert (record["artifact_id"] == self.before[old]["artifact_id"]) == is_same, path
            else:
                assert record["attachment_id"] not in known, path
            assert (record["size"], record["sha256"]) == (len(content), sha256(content))
            assert self.session.content(record["attachment_id"]).body == content
        self.check_events(listed)
        assert on_disk(self.session.folder) == self.bytes

    def check_events(self, listed):
        """A reader who only follows the events has the same list."""
        followed = {}
        for event in self.session.events(limit=100):
            if event["change_type"] == "deleted":
                del followed[event["attachment_id"]]
            else:
                assert (event["change_type"] == "updated") == (event["attachment_id"] in followed)
                followed[event["attachment_id"]] = (event["path"], event["artifact_id"], event["hash"])
        assert followed == {
            record["attachment_id"]: (path, record["artifact_id"], f"sha256:{record['sha256']}")
            for path, record in listed.items()
        }


def on_disk(folder):
    """All that lies in a folder, of whatever kind: bytes, the targets of links, None."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = path.readlink()
        else:
            found[name] = path.read_bytes() if path.is_file() else None
    return found


def typed(case):
    """The command of a case, when its program is there."""
    command, _ = CASES[case]
    if shutil.which(command.split()[0]) is None:
        pytest.skip(f"{command.split()[0]} is not installed")
    return command


@pytest.mark.parametrize("case", CASES)
def test_ids_and_events_follow_what_is_done_by_hand(server, case):
    # S0-62, S0-65; API 11.26, 11.30, 11.35; S2: links and pipes
    folder = Folder(server)

    folder.work(typed(case))

    folder.check(CASES[case][1])


@pytest.mark.slow
def test_ids_and_events_follow_what_was_done_while_no_server_ran(tmp_path):
    server = Server(tmp_path / "home")
    server.start()
    try:
        folders = {case: Folder(server) for case in WHILE_DOWN}
        server.kill()
        for case, folder in folders.items():
            folder.work(typed(case))
        server.start()
        for case, folder in folders.items():
            folder.check(CASES[case][1])
    finally:
        server.stop()


def test_a_file_moved_to_another_session_is_gone_here_and_new_there(server):
    one, two = Folder(server), Folder(server)

    one.work(f"mv a.txt ../{two.session.id}/came.txt; mv in ../{two.session.id}/came")
    two.bytes = on_disk(two.session.folder)

    one.check({"a.txt": None, "in/b.txt": None, "in/deep/c.txt": None})
    two.check({"came.txt": "", "came/b.txt": "", "came/deep/c.txt": ""})


# API 3, 11.32: what was deleted stays deleted, whatever comes to its place
def test_a_deleted_file_is_not_brought_back_by_its_bytes(server):
    folder = Folder(server)
    gone = folder.before["a.txt"]
    assert folder.session.call("DELETE", f"/artifacts/{gone['attachment_id']}").status == 204

    folder.work("printf 'one\\n' > a.txt")
    folder.session.call("POST", "/scan")

    assert folder.listed()["a.txt"]["attachment_id"] != gone["attachment_id"]
    assert folder.session.file(gone["attachment_id"]).status == 404
    assert len(folder.session.call("GET", "/trash").json()["trash"]) == 1


def test_a_whole_folder_that_is_moved_leaves_an_empty_session_and_a_plain_folder(server):
    folder = Folder(server)
    elsewhere = server.workspace / f"plain-{folder.session.id}"

    folder.work(f"cd ..; mv {folder.session.id} {elsewhere.name}")
    moved = on_disk(elsewhere)

    assert folder.session.call("POST", "/scan").json()["deleted"] == len(BEFORE)
    assert folder.listed() == {}
    assert server.call("GET", f"/sessions/{elsewhere.name}").status == 404
    assert on_disk(elsewhere) == moved
    elsewhere.rename(folder.session.folder)
    assert folder.session.call("POST", "/scan").json()["created"] == len(BEFORE)
