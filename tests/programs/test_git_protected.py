"""Real git across branches that differ in protected files: it works, or stops before anything was touched and says what would let it."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import must

WHO = {"GIT_AUTHOR_NAME": "n", "GIT_AUTHOR_EMAIL": "n@example.test", "GIT_COMMITTER_NAME": "n", "GIT_COMMITTER_EMAIL": "n@example.test"}
PLAIN = {"GIT_CONFIG_NOSYSTEM": "1", **WHO}
STOPPED = "so nothing was touched"


def git(folder: Path, *words: str, check: bool = True) -> str:
    environ = {**os.environ, **PLAIN}
    return subprocess.run(["git", *words], cwd=folder, check=check, capture_output=True, text=True, timeout=60, env=environ).stdout


def paddock(folder: Path, *words: str, options: Sequence[str] = (), **extra: str) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("paddock")
    must(command.exists(), "Paddock is not installed beside this interpreter: use ./dev test")
    argv = [str(command), "run", *options, "--", *words]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **PLAIN, **extra})


def state(folder: Path) -> dict[str, str]:
    """Everything that a command could have touched: the tree with its contents, what git thinks of it, where its branches are."""
    files = [path for path in sorted(folder.rglob("*")) if ".git" not in path.relative_to(folder).parts]
    tree = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder" for path in files}
    asked = {words: git(folder, *words.split()) for words in ("status --porcelain=v2 --branch --untracked-files=all", "for-each-ref", "stash list")}
    left = [
        name for name in ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply", "index.lock") if (folder / ".git" / name).exists()
    ]
    return {**tree, **asked, "left": ",".join(left)}


def change(folder: Path, branch: str, files: dict[str, str | None], *, start: str = "main") -> None:
    git(folder, "checkout", "-q", "-b", branch, start)
    for name, text in files.items():
        path = folder / name
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", branch)
    git(folder, "checkout", "-q", "main")


@pytest.fixture
def repository(isolated_environment: Path) -> Path:
    """``main`` with protected and ordinary files, and a branch for each way to differ from it; ``main`` has gone on meanwhile."""
    app = isolated_environment / "app"
    app.mkdir()
    git(app, "init", "-q", "-b", "main")
    start: dict[str, str] = {".mcp.json": "1", ".github/workflows/ci.yml": "1", ".vscode/tasks.json": "1", "a": "1", "b": "1", "sub dir/x": "1"}
    for name, text in start.items():
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        (app / name).write_text(text)
    git(app, "add", "-A")
    git(app, "commit", "-q", "-m", "first")
    change(app, "changed", {".mcp.json": "2", "a": "2", "new": "2"})
    change(app, "removed", {".mcp.json": None, "a": "2"})
    change(app, "workflow", {".github/workflows/ci.yml": "2", "a": "2"})
    change(app, "inside", {".vscode/launch.json": "2", "a": "2"})
    change(app, "harmless", {"a": "2", "sub dir/x": "2", "Makefile": "all:"})
    change(app, "adds", {"sub dir/.envrc": "2", "a": "2"})
    change(app, "agents", {"AGENTS.md": "2", ".aider.conf.yml": "2", ".github/actions/x/action.yml": "2", "a": "2"})
    change(app, "packages", {"node_modules/p/.npmrc": "2", "a": "2"})
    change(app, "back", {"a": "3"}, start="changed")
    git(app, "checkout", "-q", "back")
    (app / ".mcp.json").write_text("1")
    git(app, "commit", "-qam", "as it was")
    git(app, "checkout", "-q", "main")
    (app / "c").write_text("1")
    git(app, "add", "-A")
    git(app, "commit", "-q", "-m", "main goes on")
    return app


KEPT = {"changed": ".mcp.json", "removed": ".mcp.json", "workflow": ".github/workflows/ci.yml", "inside": ".vscode/launch.json", "adds": "sub dir/.envrc"}
LIFTS = {"changed": ".mcp.json", "removed": ".mcp.json", "workflow": ".github/workflows", "inside": ".vscode", "adds": "'sub dir/.envrc'"}
GOING = [("checkout", "{}"), ("checkout", "-q", "{}", "--"), ("switch", "{}"), ("checkout", "-b", "mine", "{}"), ("switch", "-c", "mine", "{}"),
         ("checkout", "--detach", "{}"), ("checkout", "-f", "{}"), ("checkout", "-qfB", "mine", "{}")]  # fmt: skip
JOINING = [("merge", "{}"), ("merge", "--no-ff", "-m", "words", "{}"), ("merge", "--squash", "{}"), ("rebase", "{}"), ("rebase", "--onto", "{}", "main~1"),
           ("cherry-pick", "{}"), ("cherry-pick", "-n", "-x", "{}"), ("reset", "--hard", "{}"), ("reset", "--keep", "{}"), ("-C", "sub dir", "checkout", "{}"),
           ("-c", "core.quotePath=false", "checkout", "{}"), ("--git-dir=.git", "--work-tree=.", "merge", "{}")]  # fmt: skip


def words_of(pattern: tuple[str, ...], branch: str) -> list[str]:
    return [word.format(branch) for word in pattern]


@pytest.mark.parametrize("branch", KEPT)
@pytest.mark.parametrize("pattern", [GOING[0], JOINING[0]], ids=" ".join)
def test_every_way_to_differ(repository: Path, pattern: tuple[str, ...], branch: str) -> None:
    words = words_of(pattern, branch)
    stops(repository, words, KEPT[branch], LIFTS[branch])
    lifted = paddock(repository, "git", *words, options=["--unprotect", LIFTS[branch].strip("'")])
    assert lifted.returncode == 0, lifted.stderr
    assert git(repository, "status", "--porcelain") == ""


def in_copies(repository: Path, branch: str) -> dict[str, tuple[Path, int, str]]:
    """Every command in a copy of the repository, all in one run: by command, the copy, the exit code and what was said."""
    top = repository.parent / "copies"
    top.mkdir()
    script = []
    found: dict[str, tuple[Path, int, str]] = {}
    commands = [words_of(pattern, branch) for pattern in (*GOING, *JOINING)]
    for number, words in enumerate(commands):
        shutil.copytree(repository, top / str(number), symlinks=True)
        git(top / str(number), "status")  # the copies have other inodes: git compares again, as it would after a checkout
        script.append(f"cd {number}; git {shlex.join(words)} >/dev/null 2>../{number}.said; echo $?; cd ..")
    codes = paddock(top, "sh", "-c", "\n".join(script)).stdout.split()
    assert len(codes) == len(commands)
    for number, words in enumerate(commands):
        found[" ".join(words)] = (top / str(number), int(codes[number]), (top / f"{number}.said").read_text())
    return found


def test_every_command_stops(repository: Path) -> None:
    before = {name.replace(str(repository), ""): value for name, value in state(repository).items()}
    for words, (copy, code, said) in in_copies(repository, "changed").items():
        assert (code, STOPPED in said) == (1, True), f"{words}: {said}"
        assert "\n  .mcp.json\n" in said, words
        assert f"--unprotect {copy.name}/.mcp.json -- git " in said, words
        assert {name.replace(str(copy), ""): value for name, value in state(copy).items()} == before, words


def test_every_command_works_where_nothing_kept_differs(repository: Path) -> None:
    for words, (copy, code, said) in in_copies(repository, "harmless").items():
        assert (code, STOPPED in said) == (0, False), f"{words}: {said}"
        assert (copy / "a").read_text() == "2", words


def test_names_that_do_not_exist_yet(repository: Path) -> None:
    before = state(repository)
    ran = paddock(repository, "git", "checkout", "agents")
    assert (ran.returncode, STOPPED in ran.stderr) == (1, True), ran.stderr
    assert "  to allow it: paddock run --unprotect .aider.conf.yml --unprotect .github/actions --unprotect AGENTS.md -- git checkout agents\n" in ran.stderr
    assert state(repository) == before
    assert paddock(repository, "git", "checkout", "packages").returncode == 0
    assert git(repository, "status", "--porcelain") == ""


def stops(folder: Path, words: list[str], name: str, entry: str) -> None:
    before = state(folder)
    ran = paddock(folder, "git", *words)
    assert ran.returncode == 1, ran.stderr
    assert STOPPED in ran.stderr
    assert f"\n  {name}\n" in ran.stderr
    assert state(folder) == before
    said = re.search(r"^  to allow it: paddock run (.*) -- git (.*)$", ran.stderr, re.MULTILINE)
    assert said is not None, ran.stderr
    assert said[1] == f"--unprotect {entry}"


def test_without_the_look_a_tree_is_left_in_pieces(repository: Path) -> None:
    """The twin: what all this is for. Git may even say that it went well."""
    assert git(repository, "status", "--porcelain") == ""
    ran = paddock(repository, "git", "checkout", "-q", "changed", PADDOCK_GIT_CHECK="0")
    assert "unable to unlink" in ran.stderr
    assert git(repository, "status", "--porcelain") != ""


@pytest.mark.parametrize(
    ("prepare", "words", "name"),
    [
        ([], ["checkout", "changed", "--", "."], ".mcp.json"),
        ([], ["checkout", "changed", ".mcp.json", "a"], ".mcp.json"),
        ([], ["restore", "--source=changed", "-SW", "."], ".mcp.json"),
        ([], ["restore", "-s", "changed", ".mcp.json"], ".mcp.json"),
        ([], ["cherry-pick", "main..back"], ".mcp.json"),
        ([], ["rebase", "main", "back"], ".mcp.json"),
        ([["checkout", "-q", "changed"]], ["checkout", "-"], ".mcp.json"),
        ([["checkout", "-q", "changed"]], ["revert", "--no-edit", "HEAD"], ".mcp.json"),
        ([["checkout", "-q", "changed"]], ["rebase", "main"], ".mcp.json"),
        ([["config", "alias.co", "checkout -q"]], ["co", "changed"], ".mcp.json"),
        ([["branch", "-q", "-u", "changed", "main"]], ["merge"], ".mcp.json"),
        ([["branch", "-q", "-u", "changed", "main"]], ["rebase"], ".mcp.json"),
        ([["checkout", "-q", "--detach"]], ["checkout", "changed"], ".mcp.json"),
        ([], ["switch", "--orphan", "empty"], ".mcp.json"),
        ([], ["switch", "--", "changed"], ".mcp.json"),
        ([], ["reset", "--hard", "changed", "--"], ".mcp.json"),
    ],
    ids=lambda part: " ".join(part) if part and isinstance(part[0], str) and isinstance(part, list) else None,
)
def test_other_forms_stop(repository: Path, prepare: list[list[str]], words: list[str], name: str) -> None:
    for step in prepare:
        git(repository, *step)
    before = state(repository)
    ran = paddock(repository, "git", *words)
    assert (ran.returncode, STOPPED in ran.stderr) == (1, True), ran.stderr
    assert f"\n  {name}\n" in ran.stderr
    assert state(repository) == before


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        ([], ["checkout", "changed", "--", "a", "new"]),
        ([], ["checkout", "changed", "a"]),
        ([], ["restore", "--staged", "--source=changed", "."]),
        ([], ["restore", "."]),
        ([], ["checkout", "."]),
        ([], ["checkout", "-b", "mine"]),
        ([], ["checkout", "--orphan", "mine"]),
        ([], ["reset", "--soft", "changed"]),
        ([], ["reset", "-q", "changed"]),
        ([], ["reset", "--hard"]),
        ([], ["merge", "-s", "ours", "changed"]),
        ([], ["merge", "back"]),
        ([["merge", "-q", "-m", "x", "changed"]], ["merge", "changed"]),
        ([["cherry-pick", "changed"]], ["merge", "changed"]),
        ([["checkout", "-q", "changed"]], ["rebase", "main~1"]),
        ([["checkout", "-q", "changed"]], ["checkout", "changed"]),
        ([["checkout", "-q", "harmless"]], ["rebase", "main"]),
        ([["config", "alias.st", "status --short"]], ["st"]),
        ([["config", "alias.sh", "!echo 'a b'"]], ["sh"]),
        ([], ["checkout", "--help"]),
        ([], ["stash", "list"]),
        ([], ["--version"]),
        ([], ["--exec-path"]),
        ([], ["worktree", "list"]),
        ([], ["-C", "sub dir", "status"]),
        ([], ["-C", "sub dir", "restore", "x"]),
    ],
    ids=lambda part: " ".join(part) if part and isinstance(part, list) and isinstance(part[0], str) else None,
)
def test_what_changes_nothing_kept_goes_on(repository: Path, prepare: list[list[str]], words: list[str]) -> None:
    for step in prepare:
        git(repository, *step)
    ran = paddock(repository, "git", *words)
    assert STOPPED not in ran.stderr
    must(ran.returncode != 16 or words[-1] != "--help", "no manual pages")
    if words[-1] != "--help":
        assert ran.returncode == 0, ran.stderr


def test_what_fails_anyway_fails_with_gits_own_words(repository: Path) -> None:
    for words in (["checkout", "no-such-branch"], ["merge", "no-such-branch"], ["frobnicate"], ["switch"], ["rebase", "--bogus"], ["stash", "pop"], ["pull"]):
        inside, outside = (
            paddock(repository, "git", *words),
            subprocess.run(["git", *words], cwd=repository, capture_output=True, text=True, check=False, env={**os.environ, **PLAIN}),
        )
        assert (inside.returncode, inside.stderr) == (outside.returncode, outside.stderr), words


# -- stashes


def test_a_stash_of_what_a_person_changed(repository: Path) -> None:
    (repository / "a").write_text("mine")
    assert paddock(repository, "git", "stash").returncode == 0
    assert paddock(repository, "git", "stash", "pop").returncode == 0
    (repository / ".mcp.json").write_text("by a person, outside")
    before = state(repository)
    for words in (["stash"], ["stash", "push", "-m", "words"], ["stash", "-k"], ["stash", "push", "--", ".mcp.json"]):
        ran = paddock(repository, "git", *words)
        assert (ran.returncode, STOPPED in ran.stderr) == (1, True), words
        assert state(repository) == before
    assert paddock(repository, "git", "stash", "push", "--", "a").returncode == 0


@pytest.mark.parametrize(
    "words", [["stash", "pop"], ["stash", "apply", "-q"], ["stash", "apply", "stash@{0}"], ["stash", "pop", "0"], ["stash", "branch", "other"]]
)
def test_taking_a_stash_back(repository: Path, words: list[str]) -> None:
    (repository / ".mcp.json").write_text("by a person, outside")
    git(repository, "stash")
    before = state(repository)
    ran = paddock(repository, "git", *words)
    assert (ran.returncode, STOPPED in ran.stderr) == (1, True), ran.stderr
    assert state(repository) == before


def test_a_stash_of_new_files(repository: Path) -> None:
    (repository / ".envrc").write_text("new, by a person")
    before = state(repository)
    ran = paddock(repository, "git", "stash", "-u")
    assert (ran.returncode, STOPPED in ran.stderr) == (1, True), ran.stderr
    assert state(repository) == before
    git(repository, "stash", "-u")
    (repository / ".envrc").write_text("another")
    before = state(repository)
    ran = paddock(repository, "git", "stash", "pop")
    assert STOPPED in ran.stderr
    assert state(repository) == before


# -- pulls


@pytest.fixture
def clone(repository: Path) -> Path:
    """A clone beside the repository, one commit behind it."""
    other = repository.parent / "clone"
    git(repository.parent, "clone", "-q", str(repository), str(other))
    return other


@pytest.mark.parametrize("words", [["pull"], ["pull", "-q", "--ff-only"], ["pull", "--rebase"], ["pull", "--no-rebase", "origin", "main"]])
@pytest.mark.parametrize("own", [False, True])
def test_pull(repository: Path, clone: Path, words: list[str], *, own: bool) -> None:
    if own:
        (clone / "mine").write_text("1")
        git(clone, "add", "-A")
        git(clone, "commit", "-qm", "mine")
    if own and words == ["pull"]:
        git(clone, "config", "pull.rebase", "true")
    if own and "--ff-only" in words:
        return
    (repository / "b").write_text("2")
    git(repository, "commit", "-qam", "ordinary")
    ran = paddock(clone, "git", *words)
    assert ran.returncode == 0, ran.stderr
    assert (clone / "b").read_text() == "2"
    (repository / ".mcp.json").write_text("2")
    git(repository, "commit", "-qam", "kept")
    before = state(clone)
    ran = paddock(clone, "git", *words)
    assert (ran.returncode, STOPPED in ran.stderr) == (1, True), ran.stderr
    assert state(clone) == before, "not even the remote's branches have moved"
    lifted = paddock(clone, "git", *words, options=["--unprotect", ".mcp.json"])
    assert lifted.returncode == 0, lifted.stderr
    assert (clone / ".mcp.json").read_text() == "2"


def test_a_branch_of_the_remote_by_its_bare_name(repository: Path, clone: Path) -> None:
    before = state(clone)
    ran = paddock(clone, "git", "checkout", "changed")
    assert (ran.returncode, STOPPED in ran.stderr) == (1, True), ran.stderr
    assert state(clone) == before
    assert paddock(clone, "git", "checkout", "harmless").returncode == 0


# -- odd places


def test_no_commit_yet_bare_and_no_repository_at_all(isolated_environment: Path) -> None:
    folder = isolated_environment / "app"
    folder.mkdir()
    (folder / ".mcp.json").write_text("1")
    git(folder, "init", "-q")
    assert paddock(folder, "git", "checkout", "-b", "other").returncode == 0
    assert paddock(folder, "git", "stash").returncode != 0
    assert STOPPED not in paddock(folder, "git", "reset", "--hard").stderr
    git(folder, "init", "-q", "--bare", "bare.git")
    assert STOPPED not in paddock(folder, "git", "-C", "bare.git", "checkout", "x").stderr
    assert paddock(folder, "git", "-C", "/", "checkout", "x").returncode == 128


def test_a_submodule_and_a_worktree(repository: Path, isolated_environment: Path) -> None:
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repository), "part")
    git(repository, "commit", "-qm", "part")
    (repository / "part").joinpath(".mcp.json")
    ran = paddock(repository, "git", "-C", "part", "checkout", "origin/changed")
    assert (ran.returncode, STOPPED in ran.stderr) == (1, True), ran.stderr
    assert "--unprotect part/.mcp.json" in ran.stderr
    assert git(repository / "part", "status", "--porcelain") == ""
    assert paddock(repository, "git", "-C", "part", "checkout", "origin/harmless").returncode == 0
    tree = isolated_environment / "tree"
    git(repository, "worktree", "add", "-q", str(tree), "-b", "w", "main~1")
    ran = paddock(tree, "git", "merge", "changed")
    assert (ran.returncode, STOPPED in ran.stderr) == (1, True), ran.stderr
    assert git(tree, "status", "--porcelain") == ""
    assert paddock(tree, "git", "merge", "harmless").returncode == 0


def test_names_with_anything_in_them(isolated_environment: Path) -> None:
    app = isolated_environment / "a 'b'"
    app.mkdir()
    git(app, "init", "-q", "-b", "main")
    for name in ("it's/.mcp.json", "*/.mcp.json", "\x1b[2J/.mcp.json", "x"):
        (app / name).parent.mkdir(exist_ok=True)
        (app / name).write_text("1")
    git(app, "add", "-A")
    git(app, "commit", "-qm", "first")
    change(app, "one", {"it's/.mcp.json": "2"})
    change(app, "star", {"*/.mcp.json": "2"})
    change(app, "control", {"\x1b[2J/.mcp.json": "2"})
    change(app, "none", {"x": "2"})
    for branch in ("one", "star", "control"):
        ran = paddock(app, "git", "checkout", branch)
        assert (ran.returncode, STOPPED in ran.stderr) == (1, True), ran.stderr
        assert "\x1b" not in ran.stderr
        assert git(app, "status", "--porcelain") == ""
    assert "--unprotect 'it'\\''s/.mcp.json'" in paddock(app, "git", "checkout", "one").stderr
    assert paddock(app, "git", "checkout", "none").returncode == 0


def test_who_else_keeps_a_file_is_named(repository: Path) -> None:
    settings = repository / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text('{\n "sandbox": {\n  "filesystem": {"denyWrite": ["./a"]}\n }\n}\n')
    ran = paddock(repository, "git", "checkout", "harmless")
    assert (ran.returncode, STOPPED in ran.stderr) == (1, True), ran.stderr
    assert "kept by sandbox.filesystem.denyWrite" in ran.stderr
    assert "settings.json:3" in ran.stderr
    assert "--unprotect" not in ran.stderr


def test_the_script_is_ours_and_nobody_elses(repository: Path) -> None:
    script = "command -v git; for act in 'echo x >' 'rm -f' 'chmod 777'; do sh -c \"$act /run/paddock/bin/git\" && echo no; done; git log -1 --format=%s"
    ran = paddock(repository, "sh", "-c", script)
    assert ran.stdout.splitlines() == ["/run/paddock/bin/git", "main goes on"]
    assert git(repository, "status", "--porcelain") == ""


def test_without_anything_to_look_at_there_is_no_script(isolated_environment: Path) -> None:
    folder = isolated_environment / "app"
    folder.mkdir()
    assert "/run/paddock" not in paddock(folder, "sh", "-c", "command -v git; echo $PATH").stdout
    git(folder, "init", "-q")
    read_only = ["--settings", '{"paddock": {"filesystem": {"project": "read-only"}}}']
    assert "/run/paddock" not in paddock(folder, "sh", "-c", "command -v git; echo $PATH", options=read_only).stdout
    assert "/run/paddock/bin" in paddock(folder, "sh", "-c", "command -v git; echo $PATH").stdout


def test_streams_arguments_and_codes_are_gits(repository: Path) -> None:
    script = "printf 'a\\nb\\n' | git hash-object --stdin; git cat-file -e HEAD:no; echo $?; git -c x.y='a b' config x.y; git diff --quiet HEAD~1; echo $?"
    inside = paddock(repository, "sh", "-c", script)
    outside = subprocess.run(["sh", "-c", script], cwd=repository, capture_output=True, text=True, check=False, env={**os.environ, **PLAIN})
    assert inside.stdout == outside.stdout
