"""Answers of ``policy explain``: each proposal is tried here as well, and each answer is held against a real fence."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from paddock.errors import UsageError
from paddock.model.decision import Decision
from paddock.session.explain import Answer, Explainer, guess
from paddock.session.explain_hosts import parse_question
from paddock.session.explain_json import EXPLAIN_SCHEMA, to_document
from tests.conftest import must
from tests.session.seat import Seat, take_seat
from tests.session.test_doctor import able


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    return take_seat(tmp_path, monkeypatch)


def ask(seat: Seat, text: str, kind: str = "", **more: object) -> Answer:
    return Explainer(seat.request(**more)).ask(text, kind)


def only(answer: Answer) -> Decision:
    ((_, decision),) = answer.decisions
    return decision


def sandbox(**parts: object) -> dict[str, object]:
    return {"sandbox": parts}


def files(**lists: list[str]) -> dict[str, object]:
    return sandbox(filesystem=lists)


def hosts(**lists: list[str]) -> dict[str, object]:
    return sandbox(network=lists)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("/etc/passwd", "path"),
        ("~/x", "path"),
        ("./x", "path"),
        ("src/a", "path"),
        ("here", "path"),
        ("example.test", "host"),
        ("example.test:8080", "host"),
        ("https://example.test/a/b", "host"),
        ("localhost", "host"),
        ("[::1]:80", "host"),
        ("LANG", "env"),
        ("$anything", "env"),
        ("SOME_TOKEN", "env"),
        ("git push", "command"),
        ("git", "command"),
    ],
)
def test_the_kind_is_guessed(seat: Seat, text: str, kind: str) -> None:
    (seat.world.project / "here").touch()
    assert guess(text, seat.request()) == kind


@pytest.mark.parametrize(("text", "kind"), [("", ""), ("a b", "host"), ("a=b", "env"), ("x\0y", "path"), (" ", "command"), ("http://", "host")])
def test_text_that_cannot_be_meant(seat: Seat, text: str, kind: str) -> None:
    with pytest.raises(UsageError):
        ask(seat, text, kind)


def test_the_rule_is_named_with_its_file_and_line(seat: Seat) -> None:
    where = seat.world.write("project", files(denyRead=["./secret"]))
    (seat.world.project / "secret").touch()
    read = dict(ask(seat, "secret").decisions)["read"]
    assert (read.allowed, read.rule is not None and (read.rule.file, read.rule.line, read.rule.text)) == (False, (str(where), 5, "./secret"))


def test_the_proposal_to_read_works_when_it_is_followed(seat: Seat) -> None:
    seat.world.write("project", files(denyRead=["./secret"]))
    (seat.world.project / "secret").touch()
    read = dict(ask(seat, "secret").decisions)["read"]
    assert read.remedy.startswith('add "./secret" to sandbox.filesystem.allowRead in .paddock/settings.local.json')
    seat.world.write("local", files(allowRead=["./secret"]), "paddock")
    assert dict(ask(seat, "secret").decisions)["read"].allowed


def test_an_administrators_lock_leaves_no_proposal_and_says_why(seat: Seat) -> None:
    (seat.world.project / "secret").touch()
    path = str(seat.world.project / "secret")
    seat.world.write("managed", files(denyRead=[path]))
    assert dict(ask(seat, "secret").decisions)["read"].remedy
    seat.world.write("managed", sandbox(filesystem={"denyRead": [path], "allowManagedReadPathsOnly": True}))
    answer = ask(seat, "secret")
    assert not dict(answer.decisions)["read"].remedy
    assert any("allowManagedReadPathsOnly" in note for note in answer.notes)


def test_writing_a_protected_name_and_a_denied_one(seat: Seat) -> None:
    (seat.world.project / ".husky").mkdir()
    (seat.world.project / "held").mkdir()
    seat.world.write("user", files(denyWrite=[str(seat.world.project / "held")]))
    husky = dict(ask(seat, ".husky").decisions)["write"]
    assert "paddock.filesystem.unprotect" in husky.remedy
    held = dict(ask(seat, "held").decisions)["write"]
    assert held.remedy.startswith("remove ")
    assert ".claude/settings.json:5" in held.remedy
    seat.world.write("managed", files(denyWrite=[str(seat.world.project / "held")]))
    assert not dict(ask(seat, "held").decisions)["write"].remedy


def test_paddocks_own_state_is_nobodys_to_open(seat: Seat) -> None:
    state = seat.world.folder("home/.local/state/paddock")
    write = dict(ask(seat, str(state)).decisions)["write"]
    assert (write.allowed, write.remedy) == (False, "")


def test_no_wider_folder_is_proposed_for_a_missing_path(seat: Seat) -> None:
    answer = ask(seat, "/opt/none/such")
    assert not dict(answer.decisions)["write"].remedy
    assert any("missing path" in note for note in answer.notes)


def test_trust_is_proposed_when_it_is_what_is_missing(seat: Seat) -> None:
    seat.world.write("project", hosts(allowedDomains=["a.test"]))
    assert only(ask(seat, "a.test")).remedy.startswith("`paddock trust`")
    assert "allowedDomains" in only(ask(seat, "b.test")).remedy
    assert only(ask(seat, "a.test", trust_project=True)).allowed


def test_hosts(seat: Seat) -> None:
    seat.world.write("user", hosts(allowedDomains=["*.good.test", "tea.test:8080"], deniedDomains=["bad.good.test"]))
    yes = only(ask(seat, "a.good.test:22"))
    assert (yes.allowed, yes.rule is not None and yes.rule.text) == (True, "*.good.test")
    no = ask(seat, "https://bad.good.test/x")
    assert only(no).remedy.startswith('remove "bad.good.test"')
    assert ("allowedDomains", "*.good.test") in [(name, origin.text) for name, origin in no.rules]
    port = ask(seat, "tea.test")
    assert not only(port).allowed
    assert any("443 is assumed" in note for note in port.notes)
    assert any("another port" in note for note in port.notes)
    assert only(ask(seat, "tea.test:8080")).allowed


def test_a_denied_host_that_is_not_listed_either_needs_both_changes(seat: Seat) -> None:
    seat.world.write("user", hosts(deniedDomains=["bad.test"]))
    remedy = only(ask(seat, "bad.test")).remedy
    assert remedy.startswith('remove "bad.test"')
    assert 'and add "bad.test:443"' in remedy


def test_loopback_inside_is_the_fences_own(seat: Seat) -> None:
    answer = ask(seat, "127.0.0.1:8000")
    assert not only(answer).allowed
    assert any("fence's own" in note for note in answer.notes)
    seat.world.write("user", hosts(allowedDomains=["localhost:8000"]))
    listed = ask(seat, "127.0.0.1:8000")
    assert only(listed).allowed
    assert not listed.notes


def test_nobody_is_led_to_a_metadata_address(seat: Seat) -> None:
    answer = ask(seat, "169.254.169.254:80")
    assert (only(answer).allowed, only(answer).remedy) == (False, "")


@pytest.mark.parametrize(
    ("text", "host", "port", "assumed"),
    [
        ("a.test", "a.test", 443, True),
        ("A.Test.:80", "a.test", 80, False),
        ("http://u:p@a.test/x", "a.test", 80, False),
        ("https://a.test:8443", "a.test", 8443, False),
        ("::1", "::1", 443, True),
        ("[::1]:22", "::1", 22, False),
        ("ssh://a.test/r.git", "a.test", 22, False),
    ],
)
def test_hosts_as_people_write_them(text: str, host: str, port: int, assumed: bool) -> None:
    question = parse_question(text)
    assert (question.host.text, question.port, question.assumed) == (host, port, assumed)


def test_variables_and_the_administrators_word(seat: Seat) -> None:
    seat.environ["MY_TOKEN"] = "s3cret"
    answer = ask(seat, "MY_TOKEN")
    assert "paddock.environment.keep" in only(answer).remedy
    assert "s3cret" not in repr(answer)
    seat.world.write("managed", sandbox(credentials={"envVars": [{"name": "MY_TOKEN", "mode": "deny"}]}))
    denied = only(ask(seat, "MY_TOKEN"))
    assert (denied.allowed, denied.remedy) == (False, "")
    assert only(ask(seat, "LANG")).allowed


def test_commands_say_what_is_not_judged(seat: Seat) -> None:
    answer = ask(seat, "sh -c true", "command")
    assert only(answer).allowed
    assert ("found", "/usr/bin/sh") in answer.facts
    assert any("Bash rules are not judged" in note for note in answer.notes)
    assert not only(ask(seat, "no-such-program", "command")).allowed


def test_a_files_own_mode_is_said(seat: Seat) -> None:
    file = seat.world.project / "closed"
    file.touch()
    file.chmod(0o000)
    answer = ask(seat, "closed")
    assert dict(answer.decisions)["read"].allowed
    assert any("may not read it" in note and "mode 0000" in note for note in answer.notes)
    file.chmod(0o600)
    assert not any("may not" in note for note in ask(seat, "closed").notes)


def test_the_document_for_programs(seat: Seat) -> None:
    document = to_document([ask(seat, "a.test"), ask(seat, ".")])
    assert document["schema"] == EXPLAIN_SCHEMA
    answers = document["answers"]
    assert isinstance(answers, list)
    assert (answers[0]["kind"], answers[0]["decisions"]["reach"]["allowed"]) == ("host", False)
    assert answers[0]["decisions"]["reach"]["remedy"]
    assert answers[1]["decisions"]["write"]["allowed"]
    assert "remedy" not in answers[1]["decisions"]["write"]


RUN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from paddock.cli.main import main; sys.exit(main(sys.argv[1:]))"


def test_the_answers_are_what_a_command_meets(seat: Seat) -> None:
    able()
    project = seat.world.project
    for name in ("open", "secret", "held", "keys/one.key", "keys/two.txt", ".envrc"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text("x")
    (project / "way").symlink_to("secret")
    (seat.world.home / "note").write_text("x")
    (seat.world.home / ".netrc").write_text("x")
    rules = files(denyRead=["./secret", "./keys/*.key"], denyWrite=["./held"], allowWrite=["~/note"])
    seat.world.write("local", rules, "paddock")
    names = ["open", "secret", "held", "keys/one.key", "keys/two.txt", ".envrc", "way", "~/note", "~/.netrc", "/etc/hostname", "absent"]
    explainer = Explainer(seat.request())
    answers = {name: {act: decision.allowed for act, decision in explainer.ask(name, "path").decisions} for name in names}
    words = [os.path.expanduser(name) for name in names]
    script = "\n".join(f"(: <{w}) 2>/dev/null && echo r || echo -; (: >>{w}) 2>/dev/null && echo w || echo -" for w in map(shlex.quote, words))
    source = str(Path(__file__).resolve().parents[2] / "src")
    argv = [sys.executable, "-I", "-S", "-c", RUN, source, "run", "--quiet", "--", "/bin/sh", "-c", script]
    done = subprocess.run(argv, env=seat.environ, cwd=project, capture_output=True, text=True, timeout=60, check=False)
    must(done.returncode == 0, f"the fence did not work: {done.stderr}")
    said = done.stdout.split()
    met = {name: {"read": said[2 * i] == "r", "write": said[2 * i + 1] == "w"} for i, name in enumerate(names)}
    del answers["absent"]["read"], met["absent"]["read"]  # there is nothing to read
    if os.geteuid() != 0:
        del answers["/etc/hostname"]["write"], met["/etc/hostname"]["write"]  # refused by its mode before any fence
    assert answers == met
    assert {True, False} == {value for answer in answers.values() for value in answer.values()}
