"""Words about a plan: each answer is the plan's own, and the differential test holds it against the layout that the launcher mounts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.model.plan import Access, Kind
from paddock.model.policy import EnvironmentPolicy, FilesystemPolicy, Policy, VariableRule
from paddock.model.settings import Origin, Scope
from paddock.planner.explain import PathAnswer, explain_path, explain_program, explain_variable
from paddock.planner.plan import Draft, draft
from tests.planner.fakes import APP, FACTS, HOME, SETTINGS, Link, Tree, effective, filesystem, policy, tree


def drafted(wanted: Policy, files: Tree, *, environ: dict[str, str] | None = None) -> Draft:
    return draft(wanted, SETTINGS, FACTS, files, argv=("true",), cwd=APP, environ=environ or {"PATH": "/usr/bin"})


def ask(path: str, rules: FilesystemPolicy, files: Tree) -> PathAnswer:
    return explain_path(drafted(policy(rules), files), rules, path)


def verdicts(answer: PathAnswer) -> tuple[str, str]:
    return answer.read.verdict, answer.write.verdict


def by(origin: Origin | None) -> str:
    return f"{origin.key} {origin.text}" if origin else ""


def test_open_reading_and_closed_writing_have_no_rule() -> None:
    answer = ask("/srv", filesystem(), tree({}))
    assert (verdicts(answer), answer.read.rule, answer.write.rule) == (("allow", "deny"), None, None)
    assert answer.kind is Kind.DIRECTORY


def test_the_project_is_written_by_its_rule() -> None:
    answer = ask(f"{APP}/src", filesystem(), tree({f"{APP}/src/a": ""}))
    assert verdicts(answer) == ("allow", "allow")
    assert by(answer.write.rule) == f"allowWrite {APP}"


def test_a_hidden_path_is_neither_read_nor_written_and_names_the_rule() -> None:
    answer = ask(f"{APP}/.env", filesystem(deny_read=[f"{APP}/.env"]), tree({f"{APP}/.env": "A=1"}))
    assert verdicts(answer) == ("deny", "deny")
    assert by(answer.read.rule) == by(answer.write.rule) == f"denyRead {APP}/.env"
    shown = ask(f"{APP}/.env", filesystem(deny_read=[f"{APP}/.env"], allow_read=[f"{APP}/.env"]), tree({f"{APP}/.env": "A=1"}))
    assert shown.read.allowed
    assert ("denyRead", f"denyRead {APP}/.env") in [(name, by(origin)) for name, origin in shown.rules]


def test_a_pattern_is_named_too() -> None:
    answer = ask(f"{APP}/a.key", filesystem(deny_read=[f"{APP}/*.key"]), tree({f"{APP}/a.key": "k", f"{APP}/b.txt": "b"}))
    assert by(answer.read.rule) == f"denyRead {APP}/*.key"
    assert ask(f"{APP}/b.txt", filesystem(deny_read=[f"{APP}/*.key"]), tree({f"{APP}/b.txt": "b"})).read.allowed


def test_links_are_followed_and_told() -> None:
    files = tree({f"{APP}/way": Link("/srv/end"), "/srv/end": Link("real"), "/srv/real": "x"})
    answer = ask(f"{APP}/way", filesystem(), files)
    assert (answer.real, answer.links) == ("/srv/real", ((f"{APP}/way", "/srv/end"), ("/srv/end", "real")))
    assert verdicts(answer) == ("allow", "deny")  # where it leads counts, not where it stands


def test_a_hidden_link_on_the_way_hides_what_can_be_read_elsewhere() -> None:
    files = tree({"/opt/closet/way": Link("/srv/real"), "/srv/real": "x"})
    rules = filesystem(deny_read=["/opt/closet"])
    answer = ask("/opt/closet/way", rules, files)
    assert not answer.read.allowed
    assert "/opt/closet/way" in answer.read.reason
    assert ask("/srv/real", rules, files).read.allowed


def test_deny_write_wins_and_protection_is_named() -> None:
    files = tree({f"{APP}/docs/a": "", f"{APP}/.husky/pre-commit": ""})
    rules = filesystem(deny_write=[f"{APP}/docs"])
    assert by(ask(f"{APP}/docs/a", rules, files).write.rule) == f"denyWrite {APP}/docs"
    husky = ask(f"{APP}/.husky/pre-commit", rules, files)
    assert (husky.write.allowed, husky.write.reason) == (False, "protected: git hooks")


def test_a_protected_name_that_does_not_exist_may_not_be_made() -> None:
    answer = ask(f"{APP}/.mcp.json", filesystem(), tree({}))
    assert (answer.kind, answer.write.allowed, answer.write.reason) == (None, False, "protected: a list of MCP servers that agents start")
    assert ".mcp.json" in answer.write.remedy
    assert ask(f"{APP}/plain", filesystem(), tree({})).write.allowed
    assert "outside" in ask("/srv/.mcp.json", filesystem(), tree({})).write.reason


def test_a_missing_path_that_is_hidden_may_not_be_read_once_it_is_there() -> None:
    rules = filesystem(deny_read=[f"{APP}/later", f"{APP}/**/.env"])
    for path in ("later", "later/x", "sub/.env"):
        answer = ask(f"{APP}/{path}", rules, tree({}))
        assert (verdicts(answer), answer.read.rule in [rule.origin for rule in rules.deny_read]) == (("deny", "deny"), True)
    assert verdicts(ask(f"{APP}/other", rules, tree({}))) == ("allow", "allow")


def test_a_missing_path_that_is_denied_may_not_be_made() -> None:
    rules = filesystem(deny_write=[f"{APP}/later"])
    answer = ask(f"{APP}/later", rules, tree({}))
    assert (answer.write.allowed, by(answer.write.rule)) == (False, by(rules.deny_write[0].origin))
    assert ask(f"{APP}/other", rules, tree({})).write.allowed


@pytest.mark.parametrize(("path", "read", "write"), [("/tmp/x", "deny", "allow"), ("/run/y", "deny", "allow"), ("/dev/null", "allow", "allow")])
def test_the_fences_own_folders(path: str, read: str, write: str) -> None:
    assert verdicts(ask(path, filesystem(), tree({"/tmp/x": "", "/run/y": "", "/dev/null": ""}))) == (read, write)


def test_a_rule_shows_the_hosts_file_in_a_folder_of_the_fence() -> None:
    assert ask("/run/y", filesystem(allow_read=["/run/y"]), tree({"/run/y": ""})).read.allowed


def test_private_files_stand_before_the_hosts() -> None:
    answer = ask("/etc/resolv.conf", filesystem(allow_write=[APP, "/etc"]), tree({"/etc/resolv.conf": "nameserver 9.9.9.9"}))
    assert verdicts(answer) == ("allow", "deny")
    assert "only inside" in answer.read.reason


NAMES = ("a", "b", ".husky")
PLACES = [f"{APP}/{one}" for one in NAMES] + [f"{APP}/{one}/{two}" for one in NAMES for two in NAMES] + ["/srv/x", "/srv/x/y", HOME, f"{HOME}/z", "/srv"]
SOME = st.lists(st.sampled_from(PLACES), max_size=3)


@given(deny=SOME, show=SOME, write=SOME, hold=SOME, asked=st.sampled_from(PLACES))
def test_the_answer_is_what_the_launcher_mounts(deny: list[str], show: list[str], write: list[str], hold: list[str], asked: str) -> None:
    files = tree({f"{path}/end": "" for path in PLACES})
    rules = filesystem(deny_read=deny, allow_read=show, allow_write=[APP, *write], deny_write=hold)
    made = drafted(policy(rules), files)
    answer = explain_path(made, rules, asked)
    mounted = effective(made.plan.layout, asked)
    assert verdicts(answer) == ("deny" if mounted is Access.HIDDEN else "allow", "allow" if mounted is Access.WRITE else "deny")


def rule(name: str, scope: Scope = Scope.USER) -> VariableRule:
    return VariableRule(name, Origin(scope, "settings.json", 3, key="paddock.environment.remove", text=name))


SET = Origin(Scope.USER, "settings.json", 5, key="env", text="MODE")


@pytest.mark.parametrize(
    ("name", "verdict", "words"),
    [
        ("LANG", "allow", "as it is outside"),
        ("MY_TOKEN", "deny", "taken out"),
        ("OTHER_TOKEN", "deny", "would be taken out"),
        ("KEPT_TOKEN", "allow", "as it is outside"),
        ("UNSET", "allow", "would be passed"),
        ("MODE", "allow", "set by the settings"),
        ("PADDOCK", "allow", "set by the fence"),
        ("TMPDIR", "allow", "replaced by the fence"),
        ("http_proxy", "deny", "taken out"),
    ],
)
def test_variables(name: str, verdict: str, words: str) -> None:
    variables = EnvironmentPolicy(keep=(rule("KEPT_TOKEN"),), remove=(rule("*TOKEN*"),), set=(("MODE", "x", SET),))
    environ = {"PATH": "/usr/bin", "LANG": "C", "MY_TOKEN": "s3cret", "KEPT_TOKEN": "k", "TMPDIR": "/var/x", "http_proxy": "http://p.example"}
    wanted = Policy(filesystem(), policy().network, variables, policy().limits)
    decision = explain_variable(drafted(wanted, tree({}), environ=environ), variables, environ, name)
    assert (decision.verdict, words in decision.reason) == (verdict, True), decision.reason
    assert "s3cret" not in repr(decision)
    assert (decision.rule == SET) is (name == "MODE")


def programs(*paths: str, **more: str) -> Tree:
    files = tree({path: more.get(path.rpartition("/")[2], "\x7fELF") for path in paths})
    files.programs.update(paths)
    return files


def test_a_program_is_found_where_path_finds_it() -> None:
    files = programs("/usr/bin/tool", "/opt/bin/tool")
    found = explain_program(drafted(policy(), files, environ={"PATH": "/nowhere:/opt/bin:/usr/bin"}), "tool")
    assert (found.found, found.decision.allowed) == ("/opt/bin/tool", True)


def test_a_hidden_program_is_passed_over_and_named() -> None:
    files = programs("/usr/bin/tool", "/opt/bin/tool")
    rules = filesystem(deny_read=["/opt/bin"])
    found = explain_program(drafted(policy(rules), files, environ={"PATH": "/opt/bin:/usr/bin"}), "tool")
    assert (found.found, found.passed) == ("/usr/bin/tool", (("/opt/bin/tool", "/opt/bin/tool"),))
    alone = explain_program(drafted(policy(rules), files, environ={"PATH": "/opt/bin"}), "tool")
    assert (alone.found, alone.decision.allowed, by(alone.decision.rule)) == ("", False, "denyRead /opt/bin")


def test_what_cannot_be_executed_is_no_program() -> None:
    files = tree({"/usr/bin/tool": "data"})
    assert not explain_program(drafted(policy(), files), "tool").decision.allowed
    files.programs.add("/usr/bin/tool")
    assert explain_program(drafted(policy(), files), "tool").decision.allowed


def test_a_script_names_its_interpreter() -> None:
    files = programs("/usr/bin/tool", "/opt/py/bin/python", tool="#!/opt/py/bin/python -I\nprint()\n")
    seen = explain_program(drafted(policy(), files), "tool")
    assert any("/opt/py/bin/python can be read" in note for note in seen.notes)
    hidden = explain_program(drafted(policy(filesystem(deny_read=["/opt/py"])), files), "tool")
    assert any("not usable inside: hidden" in note for note in hidden.notes)


def test_a_program_that_the_command_can_change_is_said() -> None:
    files = programs(f"{APP}/bin/tool", "/usr/bin/other")
    inside = explain_program(drafted(policy(), files, environ={"PATH": f"{APP}/bin:/usr/bin"}), "tool")
    assert any("can change this program" in note for note in inside.notes)
    assert not explain_program(drafted(policy(), files), "other").notes
