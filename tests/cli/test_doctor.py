from __future__ import annotations

import io
import json

import pytest

import paddock.cli.doctor as verb
from paddock.cli.output import Output
from paddock.errors import UsageError
from paddock.host.doctor_facts import look_around
from paddock.host.doctor_fixes import Fix
from paddock.model.record import replace
from paddock.session.doctor import Diagnosis, Finding
from paddock.session.trial import Result, Trial


def run(*words: str) -> tuple[int, str]:
    out = io.StringIO()
    return verb.main(list(words), Output(out, io.StringIO())), out.getvalue()


def diagnosis(*findings: Finding) -> Diagnosis:
    around = look_around()
    return Diagnosis(replace(around, container="docker"), findings)


GOOD = Finding(Result(Trial("a", "make a user namespace", lambda: None), "ok"))
BAD = Finding(Result(Trial("b", "load the rules", lambda: None), "failed", 22, "no\x1b[2J"), Fix("the cause", "the advice", ("sudo it",)))
LATER = Finding(Result(Trial("c", "mount", lambda: None), "not tried"))
OPTIONAL = Finding(Result(Trial("d", "watch", lambda: None, needed=False), "failed", 16, "busy"), Fix("another", "nothing to do"))


def test_a_host_that_is_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verb, "diagnose", lambda _: diagnosis(GOOD, BAD, LATER, OPTIONAL))
    code, out = run()
    assert code == 1
    assert out.splitlines()[1:] == [
        "  ok         make a user namespace",
        "  FAILED     load the rules: no\\x1b[2J",
        "             cause: the cause",
        "             fix:   the advice",
        "                    sudo it",
        "  not tried  mount",
        "  missing    watch: busy",
        "             cause: another",
        "             fix:   nothing to do",
        "This host cannot carry the fence yet. Mend this first: load the rules.",
    ]
    code, out = run("--json")
    assert code == 1
    value = json.loads(out)
    assert (value["fit"], value["first_failure"], value["steps"][1]["commands"]) == (False, "b", ["sudo it"])


def test_a_host_that_is_fit_may_lack_what_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verb, "diagnose", lambda _: diagnosis(GOOD, OPTIONAL))
    code, out = run()
    assert code == 0
    assert "in a container (docker)" in out.splitlines()[0]
    assert out.splitlines()[-1] == "This host can carry the fence."
    assert json.loads(run("--json")[1])["fit"] is True


def test_wrong_words() -> None:
    with pytest.raises(UsageError):
        run("extra")
    with pytest.raises(UsageError):
        run("--fix")
    assert "Exit code 0: fit; 1: not fit" in run("--help")[1]
