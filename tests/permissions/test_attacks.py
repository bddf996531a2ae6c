"""Lines that look like something that is allowed and are something else, each beside the nearest line that is what it looks like."""

from __future__ import annotations

from pathlib import Path

import pytest

from paddock.host.links import steps
from paddock.permissions.folders import standing
from paddock.permissions.shell.split import split
from paddock.permissions.world import REFERENCE, Fencing, World
from tests.permissions.test_decide import judge

EDITS = World("/p", "/h", "acceptEdits")


@pytest.mark.parametrize(
    ("attack", "plain"),
    [
        ("git log --outp=x", "git log --oneline"),
        ("git grep --open=x y", "git grep y"),
        ("git diff --ext x", "git diff x"),
        ("git cat-file --filt x", "git cat-file -p x"),
        ("git log --show-sig", "git log --stat"),
        ("for x in --output=f; do git log $x; done", 'for x in f; do git log f"$x"; done'),
        ("find . $x", 'find . -name x"$y"'),
        ('find . "$x"', "find . -name x"),
        ("echo -delete | xargs find .", "echo x | xargs ls"),
        ("ls | xargs sort", "ls | sort"),
        ("ls | xargs git log", "git log"),
        ("printf *", "echo *"),
        ("test -v 'a[$(x)]'", "test -n a"),
        ("[ -v a ]", "[ -n a ]"),
        ("test *", "test -f x"),
        ("test $x", 'test "$x"'),
        ('test "$x" "$y"', 'test "$x" = "$y"'),
        ("test -f $x", 'test -f "$x"'),
        ("date 0101", "date +%s"),
        ("lsof -Db/tmp/x", "lsof -F"),
        ("ss -K", "ss -tlp"),
        ("ss --ki", "ss --tcp"),
        ("ss -D x", "ss -t"),
        ("file --uncomp x", "file x"),
        ("cat < /dev/tcp/a/1", "cat < /dev/null"),
        ("for x in /dev/tcp/a/1; do cat < $x; done", "for x in /dev/tcp/a/1; do cat < y; done"),
        ("for PATH in /tmp; do ls; done", "for x in /tmp; do ls; done"),
        ("echo ${PATH:=x}; ls", "echo ${x:=y}; ls"),
        ("echo $((PATH=5)); ls", "echo $((i=5)); ls"),
        ("for y in 'a[$(x)]'; do echo $((y)); done", "echo $((y))"),
        ("echo ${y@P}", "echo ${y@Q}"),
        ('echo "${x:-`y`}"', 'echo "${x:-y}"'),
        ("time -o x ls", "time -p ls"),
        ("command time -o x ls", "time ls"),
        ("CDPATH=/ cd sub && ls", "LANG=C cd sub && ls"),
        ("builtin cd /", "builtin cd sub"),
        ("command cd / && ls", "command cd sub && ls"),
        ("while true; do cd ..; done", "while true; do cd /p; done"),
        ("cd sub && git status", "git status"),
        ("ls | xargs cd", "cd sub"),
    ],
)
def test_what_runs_unasked_only_looks(attack: str, plain: str) -> None:
    assert judge(attack).decision == "ask"
    assert judge(plain).decision == "allow"


@pytest.mark.parametrize(
    ("attack", "plain"),
    [
        ("cp --target-directory=/etc x", "cp -r x y"),
        ("cp -t/etc x", "cp x y"),
        ("mv -t /etc x", "mv x y"),
        ("sed -i 's/a/b/e' x", "sed -i 's/a/b/g' x"),
        ("sed -n 'w /etc/x' y", "sed -n '/a/p' y"),
        ("sed -f x y", "sed -E 's|a|b|' y"),
        ("sed '1e rm x' y", "sed 1d y"),
        ("sed -i/../../x 1d y", "sed -i.bak 1d y"),
        ("ls | xargs rm x", "rm x"),
        ("rm x$y", "rm xy"),
        ("cd sub || cd other; rm ../../x", "cd sub || cd other; rm x"),
        ("for x in 1 2; do cd ..; done; rm x", "for x in 1 2; do rm x; done"),
        ("touch -r /etc/x y", "touch y"),
        ("cp '-t/etc' x", "cp -- x y"),
        ("rm -- -x /etc/x", "rm -- -x"),
    ],
)
def test_what_mode_accept_edits_accepts_stays_in_the_working_folders(attack: str, plain: str) -> None:
    assert judge(attack, EDITS).decision == "ask"
    assert judge(plain, EDITS).decision == "allow"


@pytest.mark.parametrize("command", ["X=1 cp x .git/hooks/pre-commit", "sudo cp x .git/config", "cp -t.git/hooks x", "tee .bashrc", "ln -s x .envrc"])
def test_protected_paths_are_seen_however_the_command_is_dressed(command: str) -> None:
    assert judge(command, allow=["Bash"]).decision == "ask"
    assert judge(command.replace(".git/", "git/").replace(".bashrc", "bashrc").replace(".envrc", "envrc"), allow=["Bash"]).decision == "allow"


@pytest.mark.parametrize(
    "command",
    [
        "timeout --sig KILL 5 rm x",
        "timeout --preserve-status 5 rm x",
        "sudo -u a -- rm x",
        "nohup -- rm x",
        "env -S 'rm x'",
        "env --split-string='rm x'",
        "env -iS'rm x'",
        "git -c alias.x='!rm y' x",
        "busybox rm x",
        "parallel -j 2 rm x",
        "xargs -I{} rm x",
        "nsenter -t 1 rm x",
        "#" * 11_000 + "\nrm x",
    ],
)
def test_a_deny_rule_is_not_dodged_by_what_starts_the_program(command: str) -> None:
    assert judge(command, deny=["Bash(rm *)"], allow=["Bash"]).decision == "deny"
    assert judge(command.replace("rm ", "ls "), deny=["Bash(rm *)"], allow=["Bash"]).decision != "deny"


@pytest.mark.parametrize("command", ["git -C . push x", "git -c a.b=c push x", "git --git-dir x push", "git --no-pager push x", "sudo git -P push"])
def test_options_before_a_subcommand_do_not_hide_it(command: str) -> None:
    assert judge(command, deny=["Bash(git push *)"], allow=["Bash"]).decision == "deny"
    assert judge(command.replace("push", "pull"), deny=["Bash(git push *)"], allow=["Bash"]).decision == "allow"


@pytest.mark.parametrize("command", ["$x y", "r$x y", "/bin/$x y", "/bin/r? y", "$(echo rm) y", "sudo $x y", "for x in rm; do $x y; done", "rm$x y"])
def test_a_program_that_cannot_be_told_is_not_allowed_where_a_rule_refuses_one(command: str) -> None:
    verdict = judge(command, deny=["Bash(rm *)"], allow=["Bash"])
    assert verdict.decision == "ask"
    assert verdict.reasons[0].hit is not None
    assert verdict.reasons[0].hit.text == "Bash(rm *)"
    assert judge(command, allow=["Bash"]).decision == "allow"
    assert judge(command, deny=["Bash(rm *)"], allow=["Bash"], world=World("/p", "/h", reading=REFERENCE)).decision == "allow"
    # Inside the fence, the fence decides.
    assert judge(command, deny=["Bash(rm *)"], world=World("/p", "/h", fencing=Fencing(enabled=True))).decision == "allow"


def test_arguments_that_cannot_be_told_count_as_far_as_they_can_be() -> None:
    deny, allow = ["Bash(git push *)"], ["Bash(git *)"]
    assert judge("git $x", deny=deny, allow=allow).decision == "ask"
    assert judge("git pu* x", deny=deny, allow=allow).decision == "ask"
    assert judge("git pull $x", deny=deny, allow=allow).decision == "allow"
    assert judge("git add *.c", deny=deny, allow=allow).decision == "allow"


def test_variables_do_not_leave_the_fence_with_an_excluded_command() -> None:
    world = World("/p", "/h", fencing=Fencing(enabled=True, excluded=("git *",)))
    for attack in ("GIT_SSH_COMMAND=x git pull", "PATH=/tmp; git pull", "for PATH in /tmp; do git pull; done", 'git "${x:-`y`}"'):
        assert judge(attack, world).fenced is True, attack
    assert judge("LANG=C git pull", world).fenced is False


def test_standing_in_a_folder_makes_it_no_working_folder() -> None:
    world = World("/etc", "/h", "acceptEdits", roots=("/p",))
    assert judge("touch x", world).decision == "ask"
    assert judge("touch /p/x", world).decision == "allow"


def test_behind_a_link_the_way_up_begins_where_the_link_leads(tmp_path: Path) -> None:
    project, other = tmp_path / "p", tmp_path / "other"
    (other / "sub").mkdir(parents=True)
    project.mkdir()
    (project / "link").symlink_to(other / "sub")
    (project / "sub").mkdir()
    world = World(str(project), "/h", "acceptEdits", steps=steps)
    deny = [f"Read(/{other}/**)"]
    for command in ("cat link/../key", "cat < link/../key", "cd link && cat ../key"):
        assert judge(command, world, deny=deny, allow=["Bash"]).decision == "deny", command
        assert judge(command.replace("link", "sub"), world, deny=deny, allow=["Bash"]).decision == "allow", command
    assert judge("touch link/../x", world).decision == "ask"
    assert judge("touch sub/../x", world).decision == "allow"


def test_only_some_folders_are_followed() -> None:
    assert judge("cd y; " * 3 + "ls").decision == "allow"
    assert judge("cd y; " * 1000 + "ls").decision == "ask"
    line = split("cd y; " * 1000 + "ls")
    assert len(standing(line, "/p", "/h").folders) < 20


def test_a_path_with_a_nul_means_nothing() -> None:
    assert judge("cat < x\0", allow=["Bash"]).decision == "ask"
