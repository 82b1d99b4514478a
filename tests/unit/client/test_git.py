import pytest

from jupyter_workspace.client.git import commit_of

ONE, TWO = "1" * 40, "2" * 40


@pytest.fixture
def git(tmp_path):
    home = tmp_path / ".git"
    (home / "refs/heads").mkdir(parents=True)
    (home / "HEAD").write_text("ref: refs/heads/main\n")
    return home


def test_the_commit_of_the_branch_is_found_from_a_folder_below(git, tmp_path):
    (git / "refs/heads/main").write_text(f"{ONE}\n")
    (tmp_path / "a/b").mkdir(parents=True)

    assert commit_of(tmp_path / "a/b") == ONE


def test_a_detached_head_is_the_commit_itself(git, tmp_path):
    (git / "HEAD").write_text(f"{TWO}\n")

    assert commit_of(tmp_path) == TWO


def test_a_packed_branch_is_found(git, tmp_path):
    (git / "packed-refs").write_text(
        f"# pack-refs with: peeled\n{TWO} refs/heads/other\n{ONE} refs/heads/main\n^{TWO}\n"
    )

    assert commit_of(tmp_path) == ONE


def test_a_worktree_has_a_head_of_its_own(git, tmp_path):
    (git / "refs/heads/side").write_text(f"{TWO}\n")
    own = git / "worktrees/side"
    own.mkdir(parents=True)
    (own / "HEAD").write_text("ref: refs/heads/side\n")
    (own / "commondir").write_text("../..\n")
    tree = tmp_path / "side"
    tree.mkdir()
    (tree / ".git").write_text(f"gitdir: {own}\n")

    assert commit_of(tree) == TWO


@pytest.mark.parametrize("head", ["", "ref: refs/heads/.invalid", "ref: refs/heads/main", "zzz"])
def test_what_cannot_be_read_is_not_known(git, tmp_path, head):
    (git / "HEAD").write_text(head)

    assert commit_of(tmp_path) is None


def test_outside_a_repository_there_is_no_commit(tmp_path):
    assert commit_of(tmp_path) is None


def test_a_link_to_nowhere_is_no_repository(tmp_path):
    (tmp_path / ".git").write_text("")

    assert commit_of(tmp_path) is None
