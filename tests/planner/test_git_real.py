"""Repositories made by git itself, in the layouts that it knows: their real git directories are found, and what git runs or believes there is kept."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from paddock.host.files import HostFiles
from paddock.model.plan import Access
from paddock.planner import git as planner_git
from paddock.planner.gitconfig import general_files
from paddock.planner.layout import Ground, Layout, lay_out
from paddock.planner.view import View
from tests.planner.fakes import effective, filesystem


def git(folder: Path, *words: str) -> str:
    environ = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "n", "GIT_AUTHOR_EMAIL": "n", "GIT_COMMITTER_NAME": "n", "GIT_COMMITTER_EMAIL": "n"}
    argv = ["git", "-c", "protocol.file.allow=always", *words]
    return subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True, timeout=60, env=environ).stdout.strip()


class Home:
    """A home with a project in it, laid out as it is now."""

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self.project = self.home / "app"
        self.project.mkdir()
        git(self.project, "init", "-q", "-b", "main")
        git(self.project, "commit", "-q", "--allow-empty", "-m", "first")
        self.environ: dict[str, str] = {}

    def put(self, name: str, text: str = "x") -> Path:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def layout(self, cwd: Path | None = None, *more: Path) -> Layout:
        here = str(cwd or self.project)
        policy = filesystem(allow_write=[here, *map(str, more)])
        return lay_out(policy, Ground(here, str(self.home), here, git_configs=general_files(self.environ, str(self.home))), View(HostFiles()))

    def kept(self, *names: str, cwd: Path | None = None) -> list[bool]:
        places = self.layout(cwd).places()
        return [effective(places, str((cwd or self.project) / name)) is Access.READ for name in names]


@pytest.fixture
def ground(isolated_environment: Path) -> Home:
    return Home(isolated_environment)


@pytest.mark.parametrize("inside", [True, False])
def test_a_worktree(ground: Home, *, inside: bool) -> None:
    tree = ground.project / "tree" if inside else ground.home / "tree"
    git(ground.project, "worktree", "add", "-q", str(tree))
    own = ".git/worktrees/tree"
    assert ground.kept(".git/hooks", ".git/config", f"{own}/gitdir", f"{own}/commondir") == [True] * 4
    assert ground.kept(".git/refs", f"{own}/HEAD", f"{own}/index", ".git/objects") == [False] * 4
    if inside:
        assert ground.kept("tree/.git") == [True]
    else:
        places = ground.layout(tree).places()
        common = ground.project / ".git"
        assert [effective(places, str(path)) for path in (common / "hooks", common / "config", common / "worktrees/tree/commondir", tree / ".git")] == [
            Access.READ
        ] * 4
        assert [effective(places, str(path)) for path in (common / "refs", common / "worktrees/tree/index", tree / "x")] == [Access.WRITE] * 3
        assert effective(places, str(ground.project / "x")) is Access.READ, "the other working folder is none of its business"


def test_a_worktree_with_configuration_of_its_own(ground: Home) -> None:
    ground.put("tree/own/pre-commit")
    (ground.project / "tree" / "own").rename(ground.project / "own")
    (ground.project / "tree").rmdir()
    git(ground.project, "worktree", "add", "-q", str(ground.project / "tree"))
    (ground.project / "own").rename(ground.project / "tree" / "own")
    git(ground.project, "config", "extensions.worktreeConfig", "true")
    git(ground.project / "tree", "config", "--worktree", "core.hooksPath", "own")
    assert ground.kept(".git/worktrees/tree/config.worktree", "tree/own/pre-commit") == [True, True]


def test_submodules_one_in_the_other(ground: Home) -> None:
    for name in ("inner", "outer"):
        library = ground.home / name
        library.mkdir()
        git(library, "init", "-q")
        git(library, "commit", "-q", "--allow-empty", "-m", "first")
    git(ground.home / "outer", "submodule", "--quiet", "add", str(ground.home / "inner"), "deep/inner")
    git(ground.home / "outer", "commit", "-qm", "inner")
    git(ground.project, "submodule", "--quiet", "add", str(ground.home / "outer"), "libs/outer")
    git(ground.project, "submodule", "--quiet", "update", "--init", "--recursive")
    outer, inner = ".git/modules/libs/outer", ".git/modules/libs/outer/modules/deep/inner"
    kept = [f"{folder}/{name}" for folder in (outer, inner) for name in ("hooks", "config")]
    assert ground.kept(*kept, "libs/outer/.git", "libs/outer/deep/inner/.git", ".gitmodules") == [True] * 7
    assert ground.kept(f"{outer}/index", f"{inner}/refs", "libs/outer/x") == [False] * 3
    ground.put("libs/outer/tools/pre-commit")
    git(ground.project / "libs/outer", "config", "core.hooksPath", "tools")
    assert ground.kept("libs/outer/tools/pre-commit") == [True], "relative to the submodule's working folder"


def test_clones_that_share_objects(ground: Home) -> None:
    git(ground.project, "clone", "-q", "--shared", ".", "shared")
    git(ground.project, "clone", "-q", "--reference", ".", str(ground.project), "reference")
    assert ground.kept("shared/.git/hooks", "shared/.git/config", "reference/.git/hooks") == [True] * 3
    assert ground.kept("shared/.git/objects/info/alternates", "shared/.git/refs") == [False] * 2, "objects are data"


def test_a_git_directory_elsewhere(ground: Home) -> None:
    for name, place in (("one", ground.project / "elsewhere"), ("two", ground.home / "outside")):
        (ground.project / name).mkdir()
        git(ground.project / name, "init", "-q", f"--separate-git-dir={place}")
    assert ground.kept("one/.git", "two/.git", "elsewhere/hooks", "elsewhere/config") == [True] * 4
    assert ground.kept("elsewhere/refs", "one/x") == [False] * 2
    assert effective(ground.layout().places(), str(ground.home / "outside" / "refs")) is Access.READ


def test_a_git_directory_behind_a_link(ground: Home) -> None:
    (ground.project / ".git").rename(ground.project / "store")
    (ground.project / ".git").symlink_to("store")
    assert git(ground.project, "rev-parse", "--is-inside-work-tree") == "true"
    assert ground.kept(".git", "store/hooks", "store/config") == [True] * 3
    assert ground.kept("store/refs", "store/index") == [False] * 2


def test_bare_repositories(ground: Home) -> None:
    git(ground.project, "init", "-q", "--bare", "mirror.git")
    git(ground.project, "clone", "-q", "--mirror", ".", "data/x")
    for folder in ("mirror.git", "data/x"):
        assert ground.kept(f"{folder}/hooks", f"{folder}/config", f"{folder}/HEAD") == [True] * 3
        assert ground.kept(f"{folder}/refs", f"{folder}/objects") == [False] * 2


@pytest.mark.parametrize("scope", ["--local", "--global", "--system"])
@pytest.mark.parametrize("written", ["tools/hooks", "./tools/hooks/", "~/app/tools/hooks", "{project}/tools/hooks"])
def test_where_hooks_are(ground: Home, scope: str, written: str) -> None:
    hook = ground.put("tools/hooks/pre-commit")
    ground.put("tools/other")
    assert ground.kept("tools/hooks/pre-commit") == [False]
    system = ground.home / "system.conf"
    ground.environ = {"GIT_CONFIG_SYSTEM": str(system)}
    extra = {"--system": ["-f", str(system)], "--global": ["-f", str(ground.home / ".gitconfig")]}.get(scope, [scope])
    git(ground.project, "config", *extra, "core.hooksPath", written.format(project=ground.project))
    assert ground.kept("tools/hooks/pre-commit", "tools/other") == [True, False]
    hook.chmod(0o755)
    found = subprocess.run(
        ["git", "rev-parse", "--git-path", "hooks/pre-commit"], cwd=ground.project, capture_output=True, text=True, check=True,
        env={**os.environ, **ground.environ}, timeout=60,
    ).stdout.strip()  # fmt: skip
    assert os.path.realpath(ground.project / found) == str(hook), "the twin: git finds the hook there"


@pytest.mark.parametrize("name", ["GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME"])
def test_files_that_variables_name(ground: Home, name: str) -> None:
    ground.put("tools/hooks/pre-commit")
    file = ground.put("conf/git/config", "[core]\n\thooksPath = tools/hooks\n")
    ground.environ = {name: str(file if name == "GIT_CONFIG_GLOBAL" else ground.project / "conf")}
    assert ground.kept("tools/hooks/pre-commit", "conf/git/config") == [True, True]
    ground.environ = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    assert ground.kept("tools/hooks/pre-commit") == [False]


@pytest.mark.parametrize("scope", ["local", "global"])
@pytest.mark.parametrize("how", ["include.path", "includeIf.gitdir:/**.path"])
def test_included_files(ground: Home, scope: str, how: str) -> None:
    ground.put("shared.conf", "[core]\n\thooksPath = tools/hooks\n[include]\n\tpath = more.conf\n")
    ground.put("more.conf", '[filter "x"]\n\tclean = ./tools/clean.sh %f\n')
    ground.put("tools/hooks/pre-commit")
    ground.put("tools/clean.sh")
    file = ground.project / ".git" / "config" if scope == "local" else ground.home / ".gitconfig"
    git(ground.project, "config", "-f", str(file), how, str(ground.project / "shared.conf"))
    assert ground.kept("shared.conf", "more.conf", "tools/hooks/pre-commit", "tools/clean.sh") == [True] * 4


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("core.fsmonitor", "tools/run", True),
        ("core.fsmonitor", "true", False),
        ("core.sshCommand", "./tools/run -v", True),
        ("core.sshCommand", "ssh -i tools/run", False),
        ("filter.x.clean", "sh tools/run %f", True),
        ("filter.x.process", "'{project}/tools/run' process", True),
        ("diff.x.textconv", "~/app/tools/run", True),
        ("merge.x.driver", "tools/run %A %O %B", True),
        ("credential.helper", "!tools/run", True),
        ("credential.https://x.helper", "{project}/tools/run", True),
        ("gpg.ssh.program", "tools/run", True),
        ("init.templateDir", "tools", True),
        ("alias.x", "!tools/run", False),
        ("user.name", "tools/run", False),
        ("core.fsmonitor", "/", False),
    ],
)
def test_programs_that_git_starts_by_itself(ground: Home, key: str, value: str, *, kept: bool) -> None:
    ground.put("tools/run")
    git(ground.project, "config", key, value.format(project=ground.project))
    assert ground.kept("tools/run") == [kept]


def test_many_repositories_are_found_and_more_than_the_bound_are_said(ground: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(12):
        git(ground.project, "init", "-q", f"r{number:02}")
    assert all(ground.kept(*(f"r{number:02}/.git/hooks" for number in range(12))))
    monkeypatch.setattr(planner_git, "MAX_REPOSITORIES", 5)
    laid = ground.layout()
    (said,) = [item for item in laid.uncovered if "not looked into" in item.reason]
    assert said.reason.startswith("8 repositories")
    assert effective(laid.places(), str(ground.project / ".git" / "hooks")) is Access.READ, "the working folder's own comes first"


def test_what_the_budget_leaves_out_is_named(ground: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        git(ground.project, "init", "-q", f"r{number:02}")
    monkeypatch.setattr("paddock.planner.protect.MAX_NODES", 12)
    laid = ground.layout()
    (said,) = [item for item in laid.uncovered if "budget" in item.reason]
    assert said.subject.startswith(str(ground.project / "r0"))
    assert said.subject in said.reason
