"""C4: what is promised is on the disk first. The order of system calls, for every path that acknowledges."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from faults.tracing import traced

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

#: A small file is written in one go, a large one in blocks: two ways through the staging area.
SIZES = [3000, 5 << 20]


@dataclass
class Seen:
    """A trace, and where its database and journal are."""

    trace: object
    server: object

    def one(self, name, *parts):
        found = self.trace.find(name, *parts)
        assert found, f"no {name} of {parts}"
        return found[-1]

    def commits(self):
        """The ends of transactions: the rollback journal is emptied, and that is synced."""
        emptied = self.trace.find("ftruncate", ".sqlite-journal>", ", 0")
        synced = self.trace.find("fsync|fdatasync", ".sqlite-journal>")
        ends = [min((s for s in synced if s.begun > e.ended), key=lambda s: s.begun) for e in emptied]
        for end, cut in zip(ends, emptied, strict=True):
            database = [s for s in self.trace.find("fsync|fdatasync", ".sqlite>") if s.ended < cut.begun]
            assert database, "a transaction ended before the database file was synced"
            assert end.begun > cut.ended
        return sorted(ends, key=lambda call: call.ended)

    def answer(self):
        return self.one("sendto|sendmsg|write", '"HTTP/1.1 2')

    def renames(self):
        return [call for call in self.trace.find("rename.*") if "attachments_manifest" not in call.arguments]

    def check_end(self, moved_by):
        """`moved_by` < commit of the rows < journal line on the disk < first byte of the answer."""
        answer = self.answer()
        before = [
            commit for commit in self.commits() if moved_by < commit.begun and commit.ended < answer.begun
        ]
        assert before, "the rows were not committed between the last change of the disk and the answer"
        line = [
            call
            for call in self.trace.find("fdatasync|fsync", "/journals/")
            if before[0].ended < call.begun and call.ended < answer.begun
        ]
        assert line, "the journal's line was not on the disk before the answer"

    def check_folder(self, folder, rename):
        """The folder that got a name is synced after that; gives the end of the sync."""
        synced = [call for call in self.trace.find("fsync", f"{folder}>") if call.begun > rename.ended]
        assert synced, f"{folder} was not synced after {rename.arguments}"
        return synced[0].ended

    def check_intent(self, rename):
        """The promise was committed before the first change of the disk."""
        assert any(commit.ended < rename.begun for commit in self.commits()), "no intent before the rename"

    def check_moves(self, expected):
        """Each rename, promised before and synced after; `expected` = (from, to) endings of folders."""
        renames = self.renames()
        folders = [tuple(path.rpartition("/")[2] for path in call.paths[:2]) for call in renames]
        assert folders == expected, [call.arguments for call in renames]
        self.check_intent(renames[0])
        self.check_end(
            max(
                self.check_folder(folder, rename)
                for rename in renames
                for folder in rename.paths[:2]
                if not folder.endswith("/staging")
            )
        )

    def check_staged(self):
        """What was staged was on the disk before it got its name."""
        rename = self.renames()[0]
        name = rename.arguments.split('"')[1]
        synced = self.one("fsync|fdatasync", f"/staging/{name}>")
        written = self.trace.find("pwrite64", f"/staging/{name}>")
        assert all(call.ended < synced.begun for call in written), "bytes were written after the sync"
        assert synced.ended < rename.begun, "the rename came before the sync of the bytes"


@pytest.fixture
def act(server, tmp_path):
    """Does something while the server is traced, and gives what was seen; the answer must be a success."""
    api = server.api()
    assert api.send("PUT", "/sessions/s", {}).status == 201
    assert api.upload("s", "first.bin", b"first").status == 201

    def do(action: Callable) -> Seen:
        with traced(server, tmp_path / "trace.txt") as trace:
            answer = action(api)
        assert answer.status < 300, answer.body
        return Seen(trace, server)

    return do


@pytest.mark.parametrize("size", SIZES)
def test_put_syncs_file_then_names_it_then_commits_then_answers(act, size):
    seen = act(lambda api: api.upload("s", "a.bin", os.urandom(size)))

    seen.check_staged()
    seen.check_moves([("staging", "attachments")])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("part", ["file", "files"])
def test_form_syncs_all_its_files_before_it_names_them(act, part, size):
    count = 1 if part == "file" else 3
    files = [(f"{number}.bin", os.urandom(size)) for number in range(count)]

    seen = act(lambda api: api.upload_form("s", files, part=part))

    seen.check_staged()
    synced = seen.trace.find("fsync|fdatasync", "/staging/")
    assert len({call.paths[0] for call in synced}) >= count
    assert max(call.ended for call in synced[:count]) < seen.renames()[0].begun
    seen.check_moves([("staging", "attachments")] * count)


def test_a_new_folder_is_on_the_disk_before_the_answer(act, server):
    seen = act(lambda api: api.upload("s", "a.bin", b"x", dir="deep/er"))

    made = seen.trace.find("mkdirat|mkdir", '"deep"', after=0) + seen.trace.find("mkdirat|mkdir", '"er"')
    assert len(made) == 2
    for call, folder in zip(made, ["/s", "/s/deep"], strict=True):
        assert seen.check_folder(folder, call) < seen.answer().begun
    seen.check_moves([("staging", "er")])


def test_register_syncs_the_file_and_its_folders_then_commits_then_answers(act, server):
    folder = server.workspace / "s" / "plots" / "today"
    folder.mkdir(parents=True)
    (folder / "loss.bin").write_bytes(os.urandom(100_000))

    seen = act(lambda api: api.send("POST", "/sessions/s/artifacts", {"path": "plots/today/loss.bin"}))

    assert seen.renames() == []
    file = seen.one("fsync|fdatasync", "/plots/today/loss.bin>")
    folders = [seen.one("fsync", f"{path}>") for path in ["/plots/today", "/s/plots", "workspace/s"]]
    seen.check_end(max(call.ended for call in [file, *folders]))


def test_replace_keeps_the_old_bytes_until_the_new_ones_are_on_the_disk(act):
    seen = act(lambda api: api.upload("s", "first.bin", os.urandom(70_000), on_conflict="replace"))

    seen.check_staged()
    seen.check_moves([("staging", "attachments"), ("staging", "trash")])


def test_delete_is_on_the_disk_before_the_answer(act, server):
    file_id = server.api().records("s")[0]["attachment_id"]

    seen = act(lambda api: api.delete(f"/sessions/s/artifacts/{file_id}"))

    seen.check_moves([("attachments", "trash")])


def test_restore_is_on_the_disk_before_the_answer(act, server):
    file_id = server.api().records("s")[0]["attachment_id"]
    assert server.api().delete(f"/sessions/s/artifacts/{file_id}").status == 204

    seen = act(lambda api: api.send("POST", f"/sessions/s/artifacts/{file_id}/restore", {}))

    seen.check_moves([("trash", "attachments")])


def test_rename_is_on_the_disk_before_the_answer(act, server):
    file_id = server.api().records("s")[0]["attachment_id"]

    seen = act(lambda api: api.send("PATCH", f"/sessions/s/artifacts/{file_id}", {"name": "second.bin"}))

    seen.check_moves([("attachments", "attachments")])


def test_a_new_session_is_in_its_journal_before_the_answer(act):
    seen = act(lambda api: api.send("PUT", "/sessions/another", {}))

    seen.check_end(seen.check_folder("/workspace", seen.one("mkdirat|mkdir", '"another"')))
