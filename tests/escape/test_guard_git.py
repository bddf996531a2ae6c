"""Repositories that the command makes itself: they work, and nothing in them runs anything when a person enters them outside."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from paddock.model.guard import Denial
from tests.conftest import must
from tests.fence.conftest import why_not
from tests.fence.running import RULE, Result, guarding, python, shell

GIT = "/usr/bin/git"
EVIL = "[core]\\n\\tfsmonitor = ./evil\\n"
HARMLESS = "[core]\\n\\tbare = true\\n"
# A git directory in the making, by hand.
PARTS = {
    "HEAD": "open('g/HEAD', 'w').write('ref: refs/heads/main\\n')",
    "objects": "os.mkdir('g/objects')",
    "refs": "os.mkdir('g/refs')",
    "config": f"open('g/config', 'w').write('{EVIL}')",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder to work in, where fences can be built."""
    must(not why_not(), f"no fence can be built here: {why_not()}")
    must(Path(GIT).exists(), "git is not installed")
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def git(project: Path, *words: str) -> str:
    """What git says outside, as the person who enters the folder afterwards."""
    done = subprocess.run([GIT, *words], cwd=project, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def inside(project: Path, script: str) -> Result:
    return shell(
        project,
        f"export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b\n{script}",
        guard=guarding(project),
    )


def test_a_day_with_a_repository_of_its_own(project: Path) -> None:
    script = """set -e
git init -q -b main .
git config user.name somebody
git remote add origin https://example.com/x.git
echo a > f; git add f; git commit -qm one
git checkout -q -b other; echo b > f; git commit -qam two
git checkout -q main; echo c > g; git add g; git commit -qm three
git rebase -q other; git stash -q || true; echo d >> g; git stash -q; git stash pop -q; git commit -qam four
git tag v1; git gc -q; git branch -q --set-upstream-to=other main
git clone -q . copy; cd copy; git log --oneline | wc -l; echo e > h; git add h; git commit -qm five; git push -q origin HEAD:refs/heads/pushed
cd ..; git log --oneline pushed | wc -l
git init -q --bare -b main bare; git push -q bare main; git --git-dir=bare log --oneline | wc -l
"""
    result = inside(project, script)
    assert (result.code, result.err) == (0, ""), result.err
    assert result.out.split() == ["4", "5", "4"]
    assert git(project, "config", "user.name") == "somebody"
    assert git(project, "status", "--porcelain", "-uno") == ""
    assert result.sink.violations() == []


def test_linked_worktrees_work(project: Path) -> None:
    script = """set -e
git init -q -b main .; echo a > f; git add f; git commit -qm one
git worktree add -q wt -b other; cd wt; echo b > g; git add g; git commit -qm two; git status --porcelain; git log --oneline | wc -l
cd ..; git worktree list | wc -l; git worktree add -q wt2 main --detach; git worktree remove wt2; git worktree prune
"""
    result = inside(project, script)
    assert (result.code, result.err, result.out.split()) == (0, "", ["2", "2"])
    assert (project / "wt" / ".git").read_text() == f"gitdir: {project}/.git/worktrees/wt\n"
    assert (project / ".git/worktrees/wt/commondir").read_text() == "../..\n"
    assert result.sink.violations() == []


def test_the_file_of_a_worktree_says_nothing_else(project: Path) -> None:
    """Whoever makes one gets no hand on it, whatever he writes."""
    script = """
os.makedirs('.git/worktrees/w'); os.mkdir('wt')
open('.git/worktrees/w/gitdir', 'w').write(os.path.abspath('wt/.git') + '\\n')
fd = os.open('wt/.git', os.O_CREAT | os.O_RDWR)
os.write(fd, b'gitdir: /tmp/evil\\n')
attempt(os.open, 'wt/.git', os.O_RDWR)
attempt(os.open, f'/proc/self/fd/{fd}', os.O_RDWR)
"""
    assert python(project, script, guard=guarding(project)).out.split() == ["EPERM", "ok"]
    assert (project / "wt" / ".git").read_text() == f"gitdir: {project}/.git/worktrees/w\n"


@pytest.mark.parametrize(
    "act",
    [
        "echo evil > .git/hooks/pre-commit",
        "cp .git/hooks/pre-commit.sample .git/hooks/pre-commit",
        "mv .git/hooks/pre-commit.sample .git/hooks/pre-commit",
        "ln .git/hooks/pre-commit.sample .git/hooks/pre-commit",
        "ln -s ../../evil .git/hooks/pre-commit",
        "mkdir .git/hooks/pre-commit",
        "mv .git/hooks h; mv f h/pre-commit; mv h .git/hooks",
        "mv .git/hooks h; ln -s ../h .git/hooks",
        "mv .git g; echo evil > g/hooks/pre-commit",
        "mv .git/HEAD H; echo evil > .git/hooks/pre-commit",
        "mv .git g; rm g/HEAD; echo evil > g/hooks/pre-commit; git symbolic-ref HEAD x; echo 'ref: refs/heads/main' > g/HEAD",
        "mv .git g; rm g/HEAD; echo evil > g/hooks/pre-commit; mv g .git",
        "printf '[core]\\n fsmonitor = ./evil\\n' >> .git/config",
        "git config core.fsmonitor ./evil",
        "git config --local alias.st '!./evil'",
        "git config include.path ../evil",
        "git config core.hooksPath ../evil",
        "git config remote.origin.url 'ext::sh -c ./evil'",
        "git config filter.x.clean ./evil",
        "ln .git/config c; printf '[core]\\n fsmonitor = ./evil\\n' >> c",
        "cp .git/config c; printf '[core]\\n fsmonitor = ./evil\\n' >> c; mv c .git/config",
        "cp .git/config c; printf '[core]\\n fsmonitor = ./evil\\n' >> c; mv -f c .git/config",
        "rm .git/config; ln -s ../f .git/config",
        "rm .git/config; echo evil > .git/config",
        "echo x > .git/config.worktree",
        "echo ../evil > .git/commondir",
        "rm -rf .git; echo 'gitdir: evil' > .git",
        "rm -rf .git; ln -s evil .git",
        "mkdir sub; echo 'gitdir: ../evil' > sub/.git",
        "echo 'gitdir: evil' > x; mkdir sub; mv x sub/.git",
        "mkdir -p .git/modules/s; cp -r .git/HEAD .git/objects .git/refs .git/modules/s/; echo evil > .git/modules/s/config",
        "mkdir -p .git/worktrees/w; echo ../../../evil > .git/worktrees/w/commondir; echo x > .git/worktrees/w/HEAD",
        "mkdir sub; mkdir sub/.git; mkdir sub/.git/hooks; echo evil > sub/.git/hooks/post-checkout",
    ],
)
def test_nothing_is_planted_in_a_repository_of_its_own(project: Path, act: str) -> None:
    prepare = f"git init -q -b main . && mkdir evil && echo f > f\n{act}; true"
    result = inside(project, prepare)
    assert result.sink.violations(), (result.out, result.err)
    assert "evil" not in git(project, "config", "--list", "--includes")
    for found in project.rglob("hooks/*"):
        assert found.name.endswith(".sample") or git(found.parents[1], "rev-parse", "--git-dir") not in (".", str(found.parents[1])), found
    for path in (project / ".git", project / "sub" / ".git", project / ".git/hooks", project / ".git/config"):
        assert not path.is_symlink()
    assert not (project / ".git").is_file()
    assert not (project / "sub" / ".git").is_file()


@pytest.mark.parametrize("last", PARTS)
def test_a_git_directory_is_judged_when_it_becomes_one(project: Path, last: str) -> None:
    order = [part for part in PARTS if part != last] + [last]
    steps = "\n".join(f"attempt(lambda: {PARTS[part]})" for part in order)
    result = python(project, f"os.mkdir('g')\n{steps}", guard=guarding(project))
    assert result.out.split() == ["ok", "ok", "ok", "EPERM"]
    assert git(project / "g", "config", "core.fsmonitor") == ""


@pytest.mark.parametrize("last", ["HEAD", "objects", "refs"])
@pytest.mark.parametrize("way", ["os.rename('x', {!r})", "os.symlink('../x', {!r})"])
def test_the_last_part_may_be_moved_or_linked_as_little(project: Path, last: str, way: str) -> None:
    steps = "\n".join(PARTS[part] for part in PARTS if part != last)
    kind = "open('x', 'w').close()" if last == "HEAD" else "os.mkdir('x')"
    result = python(project, f"os.mkdir('g')\n{steps}\n{kind}\nattempt(lambda: {way.format('g/' + last)})", guard=guarding(project))
    assert result.out.split() == ["EPERM"]


def test_whoever_holds_a_configuration_open_holds_another_one(project: Path) -> None:
    """The file is judged, and a copy of what was judged takes its place."""
    script = f"""
import subprocess
os.mkdir('.git')
lock = os.open('.git/config.lock', os.O_CREAT | os.O_RDWR)
os.write(lock, b'{HARMLESS}')
os.link('.git/config.lock', 'second')
attempt(os.rename, '.git/config.lock', '.git/config')
os.pwrite(lock, b'{EVIL}', 0)
open('second', 'w').write('{EVIL}')
os.mkdir('g')
config = os.open('g/config', os.O_CREAT | os.O_RDWR)
os.write(config, b'{HARMLESS}')
for part in ('objects', 'refs'): os.mkdir('g/' + part)
attempt(lambda: {PARTS["HEAD"]})
os.pwrite(config, b'{EVIL}', 0)
"""
    result = python(project, script, guard=guarding(project))
    assert result.out.split() == ["ok", "ok"], result.err
    for path in (".git/config", "g/config"):
        assert (project / path).read_text() == "[core]\n\tbare = true\n"
        assert (project / path).stat().st_nlink == 1


def test_a_dependency_folder_keeps_no_repository_from_being_judged(project: Path) -> None:
    result = inside(project, "mkdir -p node_modules/x; cd node_modules/x; git init -q . ; echo x > .envrc; echo evil > .git/hooks/pre-commit")
    assert (project / "node_modules/x/.envrc").exists()
    assert not (project / "node_modules/x/.git/hooks/pre-commit").exists()
    assert result.sink.violations() == [("write", str(project / "node_modules/x/.git/hooks/pre-commit"))]


def test_ordinary_folders_and_files_of_such_names_stay_ordinary(project: Path) -> None:
    script = """
os.makedirs('src/hooks/use'); open('src/hooks/useState.ts', 'w').close(); open('src/hooks/use/x', 'w').close()
open('config', 'w').close(); os.rename('config', 'src/config'); open('src/HEAD', 'w').close(); os.mkdir('src/objects')
os.mkdir('refs'); open('commondir', 'w').close(); open('gitdir', 'w').close(); os.link('src/config', 'x')
print('ok')
"""
    result = python(project, script, guard=guarding(project))
    assert (result.out, result.err) == ("ok\n", "")


def test_lifting_lifts_this_too(project: Path) -> None:
    script = "git init -q . && echo x > .git/hooks/pre-commit && git config core.fsmonitor false && echo '[a]' >> .git/config; echo $?"
    lifted = frozenset((f"{project}/.git/hooks/pre-commit",))
    result = shell(project, script, guard=guarding(project, lifted_paths=lifted))
    assert result.out.split() == ["2"] or result.out.split() == ["1"]
    assert os.path.exists(project / ".git/hooks/pre-commit")
    assert result.sink.violations() == [("write", str(project / ".git/config"))]


COMMON_ATTACKS = {
    "a worktree's folder is moved to where its commondir leads to other files": """
os.makedirs('.git/worktrees/w'); open('.git/worktrees/w/commondir', 'w').write('../..\\n'); open('.git/worktrees/w/HEAD', 'w').write('ref: refs/heads/main\\n')
os.makedirs('a/b'); os.makedirs('a/objects'); os.makedirs('a/refs'); open('a/config', 'w').write(EVIL)
attempt(os.rename, '.git/worktrees/w', 'a/b/w')
""",
    "all of them are moved": """
os.makedirs('.git/worktrees/w'); open('.git/worktrees/w/commondir', 'w').write('../..\\n'); open('.git/worktrees/w/HEAD', 'w').write('ref: refs/heads/main\\n')
os.makedirs('a/objects'); os.makedirs('a/refs'); open('a/config', 'w').write(EVIL)
attempt(os.rename, '.git/worktrees', 'a/b')
""",
    "the repository around them is taken apart": """
os.makedirs('.git/worktrees/w'); open('.git/worktrees/w/commondir', 'w').write('../..\\n'); open('.git/worktrees/w/HEAD', 'w').write('ref: refs/heads/main\\n')
os.mkdir('.git/objects'); os.mkdir('.git/refs'); os.rename('.git', 'g')
attempt(lambda: open('g/config', 'w').write(EVIL))
""",
    "the repository around them is made last": """
os.makedirs('a/worktrees/w'); open('a/config', 'w').write(EVIL); os.mkdir('a/objects')
open('a/worktrees/w/commondir', 'w').write('../..\\n'); open('a/worktrees/w/HEAD', 'w').write('ref: refs/heads/main\\n')
attempt(os.mkdir, 'a/refs')
""",
    "it is moved while nobody can look into it": """
os.makedirs('.git/worktrees/w'); open('.git/worktrees/w/commondir', 'w').write('../..\\n'); os.mkdir('a')
os.chmod('.git/worktrees/w', 0)
attempt(os.rename, '.git/worktrees', 'a/b')
""",
    "the same one level down": """
os.makedirs('.git/worktrees/w'); open('.git/worktrees/w/commondir', 'w').write('../..\\n'); os.mkdir('a')
os.chmod('.git/worktrees/w', 0o300)
attempt(os.rename, '.git/worktrees/w', 'a/w')
""",
    "a commondir is written to after it was judged": """
os.makedirs('.git/worktrees/w'); common = os.open('.git/worktrees/w/commondir', os.O_CREAT | os.O_RDWR); os.write(common, b'../..\\n')
open('.git/worktrees/w/HEAD', 'w').write('ref: refs/heads/main\\n')
os.pwrite(common, b'/tmp/', 0)
print('EPERM' if open('.git/worktrees/w/commondir').read() == '../..\\n' else 'ok')
""",
}


@pytest.mark.parametrize("attack", COMMON_ATTACKS)
def test_no_commondir_leads_to_an_unjudged_configuration(project: Path, attack: str) -> None:
    result = python(project, f"EVIL = '{EVIL}'\n{COMMON_ATTACKS[attack]}", guard=guarding(project))
    assert result.out == "EPERM\n", result.err


def test_a_worktree_s_folder_may_be_made(project: Path) -> None:
    script = """
os.makedirs('.git/worktrees/w'); open('.git/worktrees/w/commondir', 'w').write('../..\\n'); open('.git/worktrees/w/gitdir', 'w').write('/x/.git\\n')
attempt(lambda: open('.git/worktrees/w/HEAD', 'w').write('ref: refs/heads/main\\n'))
attempt(os.rename, '.git/worktrees/w', '.git/worktrees/v')
"""
    assert python(project, script, guard=guarding(project)).out == "ok\nok\n"


LIBGIT2 = """
os.makedirs('r/.git/hooks'); os.makedirs('r/.git/objects'); os.makedirs('r/.git/refs')
fd = os.open('r/.git/config', os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
"""


def test_a_configuration_without_words_can_be_made(project: Path) -> None:
    """libgit2, and cargo with it, makes the empty file first and replaces it then."""
    script = f"""{LIBGIT2}
os.close(fd)
open('r/.git/config.lock', 'w').write('[core]\\n\\tbare = false\\n')
os.rename('r/.git/config.lock', 'r/.git/config')
open('r/.git/HEAD', 'w').write('ref: refs/heads/main\\n')
"""
    result = python(project, script, guard=guarding(project))
    assert (result.out, result.err, result.sink.violations()) == ("", "", [])
    assert git(project / "r", "config", "core.bare") == "false"


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("os.write(fd, b'[alias]\\n\\tst = !evil\\n')", "EBADF"),
        ("os.open('/proc/self/fd/%d' % fd, os.O_WRONLY)", "EPERM"),
        ("os.ftruncate(fd, 10)", "EINVAL"),
        ("os.open('r/.git/config', os.O_CREAT | os.O_WRONLY)", "EPERM"),
        ("os.open('r/.git/hooks/config', os.O_CREAT | os.O_WRONLY)", "EPERM"),
        ("os.open('r/.git/config.worktree', os.O_CREAT | os.O_WRONLY)", "EPERM"),
        ("(os.unlink('r/.git/config'), open('r/.git/HEAD', 'w').close(), os.open('r/.git/config', os.O_CREAT | os.O_WRONLY))", "EPERM"),
        ("os.open('denied/.git/config', os.O_CREAT | os.O_WRONLY)", "EPERM"),
    ],
)
def test_it_gets_no_words(project: Path, act: str, said: str) -> None:
    denied = Denial(str(project / "denied" / ".git" / "config"), RULE)
    script = f"{LIBGIT2}\nos.makedirs('denied/.git')\nattempt(lambda: {act})"
    result = python(project, script, guard=guarding(project, denied=(denied,)))
    assert result.out == f"{said}\n", result.err
    config = project / "r" / ".git" / "config"
    assert not config.exists() or config.read_bytes() == b""
    assert not (project / "r" / ".git" / "hooks" / "config").exists()
    assert not (project / "denied" / ".git" / "config").exists()
