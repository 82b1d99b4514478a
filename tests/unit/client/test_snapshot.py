import os
import time

from jupyter_workspace.client.snapshot import snapshot, stamp, written


def test_new_and_changed_files_are_what_was_written(tmp_path):
    (tmp_path / "same").write_text("1")
    (tmp_path / "changed").write_text("1")
    (tmp_path / "deleted").write_text("1")
    before = snapshot(tmp_path)

    (tmp_path / "changed").write_text("22")
    (tmp_path / "deleted").unlink()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/new").write_text("1")
    os.utime(tmp_path / "sub/new", (2e9, 2e9))

    assert written(before, snapshot(tmp_path)) == ["changed", "sub/new"]


def test_a_file_that_was_moved_over_another_is_written(tmp_path):
    (tmp_path / "a").write_text("1")
    os.utime(tmp_path / "a", (1e9, 1e9))
    before = snapshot(tmp_path)

    (tmp_path / ".b").write_text("2")
    os.utime(tmp_path / ".b", (1e9, 1e9))
    (tmp_path / ".b").replace(tmp_path / "a")

    assert written(before, snapshot(tmp_path)) == ["a"]


def test_hidden_generated_and_linked_files_are_not_looked_at(tmp_path):
    for path in (".hidden", "__pycache__/a.pyc", ".git/HEAD", "skipped/a", "kept/a"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "kept/a")
    (tmp_path / "linked").symlink_to(tmp_path / "kept")

    assert set(snapshot(tmp_path, passing_by={"skipped"})) == {"kept/a"}


def test_a_folder_with_too_many_files_is_left_alone(tmp_path):
    for number in range(4):
        (tmp_path / str(number)).write_text("x")

    assert snapshot(tmp_path, most_files=4) is not None
    assert snapshot(tmp_path, most_files=3) is None


def test_a_folder_that_is_not_there_is_empty(tmp_path):
    assert snapshot(tmp_path / "none") == {}
    assert stamp(tmp_path / "none") is None


def test_a_thousand_files_are_looked_at_in_a_few_milliseconds(tmp_path):
    for number in range(1000):
        (tmp_path / str(number)).touch()

    def seconds():
        begin = time.process_time()
        snapshot(tmp_path)
        return time.process_time() - begin

    # 4 ms where this was written; slower machines are slower.
    assert min(seconds() for _ in range(10)) < 0.02
