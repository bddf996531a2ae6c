from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from paddock.settings.gitfiles import find_repository, is_tracked

NAME = ".claude/settings.local.json"


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *words], check=True, capture_output=True, timeout=30)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "repo"
    for name in (NAME, f"sub/{NAME}", ".claude/settings.json", ".claude/settings.local.json5", "link.txt", "src/a.py", "z"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    git(tmp_path, "init", "-q", str(root))
    return root


def tracked(root: Path, name: str = NAME) -> bool:
    return is_tracked(str(root / name))


@pytest.mark.parametrize("version", ["2", "3", "4"])
@pytest.mark.parametrize("extended", [False, True])
def test_agrees_with_git_for_every_index_version(repository: Path, version: str, extended: bool) -> None:
    git(repository, "add", "-f", ".")
    git(repository, "update-index", "--index-version", version)
    if extended:
        git(repository, "update-index", "--skip-worktree", "src/a.py", NAME)
    assert tracked(repository)
    assert tracked(repository, f"sub/{NAME}")
    git(repository, "rm", "-q", "--cached", "-f", "--sparse", NAME)
    assert not tracked(repository), "the file below sub/ is another one"
    assert tracked(repository, f"sub/{NAME}")


def test_without_an_index_nothing_is_tracked(repository: Path) -> None:
    assert not tracked(repository)


def test_outside_a_repository_nothing_is_tracked(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    assert not is_tracked(str(tmp_path / "x"))


def test_a_file_called_link_is_not_a_split_index(repository: Path) -> None:
    git(repository, "add", "link.txt")
    assert b"link" in (repository / ".git/index").read_bytes()
    assert not tracked(repository)


def test_what_cannot_be_told_counts_as_tracked(repository: Path) -> None:
    git(repository, "add", "link.txt", "z")
    index = repository / ".git/index"
    whole = index.read_bytes()
    assert not tracked(repository)
    for damaged in (b"", b"JUNK" + whole[4:], whole[:4] + b"\0\0\0\x09" + whole[8:], whole[:8] + b"\0\0\xff\xff" + whole[12:]):
        index.write_bytes(damaged)
        assert tracked(repository)
    index.write_bytes(whole)
    git(repository, "update-index", "--split-index")
    assert tracked(repository)


def test_the_index_of_a_linked_worktree_is_its_own(repository: Path) -> None:
    git(repository, "add", "z")
    git(repository, "commit", "-q", "-m", "x")
    tree = repository.parent / "tree"
    git(repository, "worktree", "add", "-q", str(tree))
    (tree / ".claude").mkdir()
    (tree / NAME).write_text("")
    assert not tracked(tree)
    git(tree, "add", "-f", NAME)
    assert tracked(tree)
    assert not tracked(repository)
    found = find_repository(str(tree))
    assert found is not None
    assert (found.root, found.main_root) == (str(tree), str(repository))


def test_a_worktree_of_a_bare_repository_is_its_own_main_checkout(repository: Path) -> None:
    git(repository, "add", "z")
    git(repository, "commit", "-q", "-m", "x")
    bare = repository.parent / "bare.git"
    git(repository, "clone", "-q", "--bare", ".", str(bare))
    tree = repository.parent / "tree"
    git(bare, "worktree", "add", "-q", str(tree))
    found = find_repository(str(tree / "."))
    assert found is not None
    assert found.main_root == str(tree)


@pytest.mark.parametrize("content", ["", "nonsense", "gitdir: /nowhere", "gitdir: ../"])
def test_a_gitfile_that_leads_nowhere_is_no_repository(tmp_path: Path, content: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".git").write_text(content)
    assert find_repository(str(tmp_path / "a")) is None
