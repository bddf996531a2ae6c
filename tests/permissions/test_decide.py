"""Decisions, as pairs: what is refused or asked about, and the nearest thing that is not."""

from __future__ import annotations

import pytest

from paddock.model.record import replace
from paddock.model.settings import Context, Entry, Origin, Scope
from paddock.permissions.decide import decide
from paddock.permissions.ruleset import RuleSet
from paddock.permissions.world import REFERENCE, Call, Fencing, Verdict, World

CONTEXT = Context("/p", "/p", "", "/h", "/h/.claude", "/h/.config/paddock", "/h/.state", "/h/.cache")
WORLD = World("/p", "/h")


def rules(**lists: list[str]) -> RuleSet:
    origin = Origin(Scope.PROJECT, "/p/.claude/settings.json", 7)
    return RuleSet({name: [Entry(text, origin) for text in texts] for name, texts in lists.items()}, CONTEXT)


def judge(command: str, world: World = WORLD, **lists: list[str]) -> Verdict:
    return decide(Call("Bash", {"command": command}), rules(**lists), world)


@pytest.mark.parametrize(
    ("command", "decision"),
    [
        ("make", "allow"),
        ("make x && make y", "allow"),
        ("make; curl x", "ask"),
        ("make $(curl x)", "ask"),
        ("make <(curl x)", "ask"),
        ("make > out", "ask"),
        ("make > /dev/null 2>&1", "allow"),
        ("make > $X", "ask"),
        ("make > ~/x", "ask"),
        ("make > /dev/tcp/h/1", "ask"),
        ("LANG=C make", "allow"),
        ("LD_PRELOAD=x make", "ask"),
        ("X=1; make", "ask"),
        ("CI=1; make", "allow"),
        ('make "', "ask"),
        ("make \u202e", "ask"),
        ("for x in 1; do make; done", "allow"),
        ("make() { curl x; }; make", "ask"),
        ("m\\ake", "ask"),
        ("cat <<E && curl x\nE", "ask"),
    ],
)
def test_what_one_allow_rule_allows(command: str, decision: str) -> None:
    assert judge(command, allow=["Bash(make *)"]).decision == decision


@pytest.mark.parametrize(
    "command",
    [
        *("rm x", '"rm" x', "r\\m x", "/bin/rm x", "sudo rm x", "FOO=1 rm x", "a; rm x", "a | rm x", "echo $(rm x)", "echo `rm x`", "(rm x)", "{ rm x; }"),
        *(
            "if a; then rm x; fi",
            "f() { rm x; }",
            "bash -c 'rm x'",
            "sh -lc 'a; rm x'",
            "eval rm x",
            "eval 'rm x'",
            "trap 'rm x' EXIT",
            "env rm x",
            "xargs rm x",
        ),
        *(
            "find . -exec rm x ;",
            "timeout 5 rm x",
            "sudo bash -c 'sudo rm x'",
            "cat <<E && rm x\nE",
            "cat <<E; rm x\nE",
            "a <(rm x)",
            "X=$(rm x)",
            "! rm x",
            "time rm x",
            "rm  x",
        ),
        *("echo ${X:-$(rm x)}", "[[ -f $(rm x) ]]", "while rm x; do a; done", "ls # \\\nrm x", "r\\\nm x", "exec rm x", "coproc rm x", "echo $((1+$(rm x)))"),
    ],
)
def test_a_deny_rule_is_not_got_around(command: str) -> None:
    verdict = judge(command, deny=["Bash(rm *)"], allow=["Bash"])
    assert verdict.decision == "deny"
    assert verdict.reasons[0].hit is not None
    assert verdict.reasons[0].hit.origin.line == 7


@pytest.mark.parametrize("command", ["rmdir x", "echo rm x", "echo 'rm x'", "git rm x", "# rm x", "cat <<'E'\nrm x\nE", "trap - EXIT"])
def test_a_deny_rule_means_no_more_than_it_says(command: str) -> None:
    assert judge(command, deny=["Bash(rm *)"], allow=["Bash"]).decision == "allow"


def test_the_first_list_decides() -> None:
    assert judge("git push", deny=["Bash(git push *)"], allow=["Bash(git push)"]).decision == "deny"
    assert judge("git push", ask=["Bash(git push *)"], allow=["Bash(git push)"]).decision == "ask"
    assert judge("git push", allow=["Bash(git push)"]).decision == "allow"


@pytest.mark.parametrize(
    "command", ["cat .env", "head -1 .env", "cat ./.env", "cat $HOME/../p/.env", "cat < .env", "cd /p && cat .env", "grep x /p/.env", "sudo cat .env"]
)
def test_reading_commands_obey_read_rules(command: str) -> None:
    assert judge(command, deny=["Read(./.env)"], allow=["Bash"]).decision == "deny"
    assert judge(command.replace(".env", ".other"), deny=["Read(./.env)"], allow=["Bash"]).decision == "allow"


def test_writing_by_redirection_obeys_edit_rules() -> None:
    assert judge("echo x > a/b", deny=["Edit(a/**)"], allow=["Bash", "Edit(//p/**)"]).decision == "deny"
    assert judge("echo x > c/b", deny=["Edit(a/**)"], allow=["Bash", "Edit(//p/**)"]).decision == "allow"
    assert judge("cd a && echo x > b", deny=["Edit(a/**)"], allow=["Bash", "Edit(//p/**)"]).decision == "deny"


@pytest.mark.parametrize(
    "command",
    ["rm -rf /", "rm -rf ~", "rm -rf '~'", "rm -rf ./~", "rm -rf .", "rm -rf $HOME", 'rm -rf "$D"/*', "sudo rm -r /usr", "rm -rf /*", "bash -c 'rm -rf /'"],
)
def test_critical_removals_are_asked_about_whatever_allows_them(command: str) -> None:
    assert judge(command, allow=["Bash"]).decision == "ask"
    assert judge(command, allow=["Bash"], world=World("/p", "/h", "bypassPermissions")).decision == "ask"
    assert judge("rm -rf build", allow=["Bash"]).decision == "allow"


@pytest.mark.parametrize(
    ("mode", "interactive", "decision"),
    [
        ("default", True, "ask"),
        ("default", False, "deny"),
        ("auto", True, "ask"),
        ("dontAsk", True, "deny"),
        ("bypassPermissions", True, "allow"),
        ("plan", True, "ask"),
    ],
)
def test_what_no_rule_speaks_about_follows_the_mode(mode: str, decision: str, *, interactive: bool) -> None:
    assert judge("make", World("/p", "/h", mode, interactive=interactive)).decision == decision


def test_what_only_looks_runs_unasked() -> None:
    assert judge("ls -la && git status | head").decision == "allow"
    for risky in (
        "find . -delete",
        "sort -o x y",
        "sort --out=x y",
        "git -c core.pager=x log",
        "git diff --output=x",
        "sort *",
        "git branch new",
        "docker -H h ps",
        "date -s x",
        "fd -x rm",
    ):
        assert judge(risky).decision == "ask", risky


def test_inside_the_fence_only_rules_and_critical_removals_stand_before_a_command() -> None:
    fenced = World("/p", "/h", fencing=Fencing(enabled=True))
    assert judge("curl x | sh", fenced) == judge("curl x | sh", fenced)._replace(decision="allow", fenced=True)
    assert judge("curl x", fenced, deny=["Bash(curl *)"]).decision == "deny"
    assert judge("curl x", fenced, ask=["Bash(curl *)"]).decision == "ask"
    assert judge("curl x", fenced, ask=["Bash"]).decision == "allow"
    assert judge("rm -rf /", fenced).decision == "ask"


def test_leaving_the_fence_is_a_permission_of_its_own() -> None:
    fenced = World("/p", "/h", fencing=Fencing(enabled=True))
    call = Call("Bash", {"command": "make", "dangerouslyDisableSandbox": True})
    out = decide(call, rules(allow=["Bash"]), fenced)
    assert (out.decision, out.fenced) == ("ask", False)
    kept = decide(call, rules(allow=["Bash"]), World("/p", "/h", fencing=Fencing(enabled=True, may_leave=False)))
    assert (kept.decision, kept.fenced) == ("allow", True)


def test_one_excluded_part_does_not_take_a_line_outside() -> None:
    fencing = Fencing(enabled=True, excluded=("git *",))
    assert judge("git pull", World("/p", "/h", fencing=fencing)).fenced is False
    assert judge("cat secret; git pull", World("/p", "/h", fencing=fencing)).fenced is True
    assert judge("cat secret; git pull", World("/p", "/h", fencing=fencing, reading=REFERENCE)).fenced is False


def test_links_count_at_both_ends() -> None:
    links = {"/p/a": ("/p/a", "/srv/x")}
    world = World("/p", "/h", steps=lambda path: links.get(path, (path,)))
    call = Call("Read", {"file_path": "/p/a"})
    assert decide(call, rules(deny=["Read(//srv/**)"]), world).decision == "deny"
    assert decide(call, rules(allow=["Read(./**)"]), world).decision == "ask"
    assert decide(call, rules(allow=["Read(./**)", "Read(//srv/**)"]), world).decision == "allow"


@pytest.mark.parametrize(
    ("tool", "given", "lists", "decision"),
    [
        ("Read", {"file_path": "/p/x"}, {}, "allow"),
        ("Read", {"file_path": "/etc/x"}, {}, "ask"),
        ("Edit", {"file_path": "/p/x"}, {}, "ask"),
        ("Edit", {"file_path": "/p/x"}, {"allow": ["Edit(//p/**)"]}, "allow"),
        ("Edit", {"file_path": "/p/.git/config"}, {"allow": ["Edit(//p/**)"]}, "ask"),
        ("Write", {"file_path": "/p/.env"}, {"deny": ["Read(.env)"]}, "deny"),
        ("NotebookEdit", {"notebook_path": "/p/a/n.ipynb"}, {"deny": ["Edit(a/**)"]}, "deny"),
        ("Grep", {"pattern": "x"}, {}, "allow"),
        ("WebFetch", {"url": "https://a.example/x"}, {"allow": ["WebFetch(domain:a.example)"]}, "allow"),
        ("WebFetch", {"url": "https://b.example/x"}, {"allow": ["WebFetch(domain:a.example)"]}, "ask"),
        ("WebFetch", {"url": "https://A.example./x"}, {"deny": ["WebFetch(domain:a.example)"]}, "deny"),
        ("WebFetch", {"url": "https://a.example\\@b.example/"}, {"allow": ["WebFetch(domain:b.example)"]}, "ask"),
        ("WebFetch", {"url": "https://a.example\\@b.example/"}, {"deny": ["WebFetch(domain:a.example)"]}, "deny"),
        ("WebFetch", {"url": "https://a.example\\@b.example/"}, {"deny": ["WebFetch(domain:b.example)"]}, "deny"),
        ("mcp__s__get", {}, {"allow": ["mcp__s__get"]}, "allow"),
        ("mcp__s__get", {}, {"allow": ["mcp__s"]}, "allow"),
        ("mcp__s2__get", {}, {"allow": ["mcp__s"]}, "ask"),
        ("mcp__s__get", {}, {"deny": ["mcp__*"]}, "deny"),
        ("Agent", {"subagent_type": "Explore"}, {"deny": ["Agent(Explore)"]}, "deny"),
        ("Agent", {"subagent_type": "Other", "model": "opus"}, {"deny": ["Agent(model:op*)"]}, "deny"),
        ("Agent", {"subagent_type": "Other"}, {"deny": ["Agent(model:*)"]}, "allow"),
        ("Unknown", {}, {}, "ask"),
        ("Bash", {}, {}, "allow"),
        ("Bash", {"command": 5}, {"deny": ["Bash(rm *)"]}, "allow"),
    ],
)
def test_other_tools(tool: str, given: dict[str, object], lists: dict[str, list[str]], decision: str) -> None:
    assert decide(Call(tool, given), rules(**lists), WORLD).decision == decision


@pytest.mark.parametrize(
    ("hook", "lists", "decision"),
    [
        ("deny", {"allow": ["Bash"]}, "deny"),
        ("allow", {"deny": ["Bash(make *)"]}, "deny"),
        ("allow", {"ask": ["Bash(make *)"]}, "ask"),
        ("allow", {}, "allow"),
        ("ask", {"allow": ["Bash"]}, "ask"),
        ("none", {"allow": ["Bash"]}, "allow"),
    ],
)
def test_hooks_speak_between_rules(hook: str, lists: dict[str, list[str]], decision: str) -> None:
    assert decide(Call("Bash", {"command": "make"}), rules(**lists), WORLD, hook).decision == decision


@pytest.mark.parametrize("mode", ["default", "acceptEdits", "bypassPermissions"])
def test_what_stands_behind_a_very_long_beginning_is_not_waved_through(mode: str) -> None:
    world = replace(WORLD, mode=mode, fencing=Fencing(enabled=True))
    long = "true; " * 4000
    assert judge(f"{long}curl x", world, deny=["Bash(curl *)"]).decision == "ask"
    assert judge(f"{long}curl x", world, ask=["Bash(curl *)"]).decision == "ask"
    assert judge(f"{long}curl x", replace(world, interactive=False), deny=["Bash(curl *)"]).decision == "deny"
    # Where nothing could be refused, and where all of it is looked at, the fence is enough.
    assert judge(f"{long}curl x", world).decision == "allow"
    assert judge("true; " * 1000 + "make x", world, deny=["Bash(curl *)"]).decision == "allow"
    assert judge("true; " * 1000 + "curl x", world, deny=["Bash(curl *)"]).decision == "deny"
