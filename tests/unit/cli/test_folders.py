import os

from jupyter_workspace.cli.folders import UNREADABLE, choose


def make(folder, *paths):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)


def test_a_folder_keeps_its_name_and_its_tree(tmp_path):
    make(tmp_path, "data/b.csv", "data/a.csv", "data/sub/deep/c.csv")

    chosen, skipped = choose([tmp_path / "data"])

    assert [(one.folder, one.path.name, one.size) for one in chosen] == [
        ("data", "a.csv", 10),
        ("data", "b.csv", 10),
        ("data/sub/deep", "c.csv", 19),
    ]
    assert skipped == []


def test_a_file_goes_into_the_target_folder_itself(tmp_path):
    make(tmp_path, ".hidden.csv")

    chosen, _ = choose([tmp_path / ".hidden.csv"])

    assert [(one.folder, one.path.name) for one in chosen] == [("", ".hidden.csv")]


def test_hidden_files_junk_and_links_in_circles_are_left_out_and_named(tmp_path):
    make(
        tmp_path,
        "d/a",
        "d/.git/HEAD",
        "d/.DS_Store",
        "d/Thumbs.db",
        "d/__pycache__/x.pyc",
        "d/sub/desktop.ini",
    )
    (tmp_path / "d/circle").symlink_to(tmp_path / "d")
    (tmp_path / "d/broken").symlink_to("nowhere")
    (tmp_path / "d/link").symlink_to(tmp_path / "d/a")
    os.mkfifo(tmp_path / "d/pipe")

    chosen, skipped = choose([tmp_path / "d"])

    assert [one.path.name for one in chosen] == ["a", "link"]
    assert {path.relative_to(tmp_path / "d").as_posix(): reason for path, reason in skipped} == {
        ".git": "hidden",
        ".DS_Store": "hidden",
        "Thumbs.db": "junk",
        "__pycache__": "junk",
        "sub/desktop.ini": "junk",
        "circle": "a link to a folder",
        "broken": "no file",
        "pipe": "no file",
    }


def test_a_folder_that_cannot_be_looked_into_is_named(tmp_path, monkeypatch):
    make(tmp_path, "d/a", "d/closed/b")
    scandir = os.scandir

    def refuse(path):
        if os.fspath(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scandir(path)

    # Root, as whom tests run in a container, may read everything.
    monkeypatch.setattr(os, "scandir", refuse)

    chosen, skipped = choose([tmp_path / "d"])

    assert [one.path.name for one in chosen] == ["a"]
    assert skipped == [(tmp_path / "d/closed", UNREADABLE)]


def test_a_file_that_is_gone_is_left_to_its_upload(tmp_path):
    assert choose([tmp_path / "gone"]) == ([(tmp_path / "gone", "", 0)], [])


def test_the_folder_where_one_stands_has_a_name(tmp_path, monkeypatch):
    make(tmp_path, "data/a.csv")
    monkeypatch.chdir(tmp_path / "data")

    chosen, _ = choose([tmp_path / "data/."])

    assert [one.folder for one in chosen] == ["data"]
