from __future__ import annotations

import io
from collections.abc import Callable

import pytest

import paddock.cli.setup as verb
from paddock.cli.output import Output
from paddock.errors import UsageError
from paddock.session.setup import Command, Need, Plan

INSTALL = Command(("/usr/bin/sudo", "--", "/usr/bin/apt-get", "install", "libnftables1"), "installs libnftables1")
MISSING = Plan(
    (Need("libnftables1", "rules", present=False), Need("bubblewrap", "second way", present=False, optional=True)), (INSTALL,), None, ("ask the administrator",)
)
DONE = Plan((Need("libnftables1", "rules", present=True), Need("bubblewrap", "second way", present=False, optional=True)), (), None, ())


class Stage:
    """Plays the machine: what is planned before and after, what was run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ran: list[Plan] = []
        self.plan = MISSING
        self.after: Callable[[], Plan] = lambda: DONE
        self.status = 0
        monkeypatch.setattr(verb, "make_plan", lambda **_: self.plan)
        monkeypatch.setattr(verb, "carry_out", self.carry_out)

    def carry_out(self, plan: Plan) -> int:
        self.ran.append(plan)
        self.plan = self.after()
        return self.status

    def run(self, *words: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        return verb.main(list(words), Output(out, err)), out.getvalue(), err.getvalue()


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    return Stage(monkeypatch)


def test_dry_run_says_what_and_why_and_does_nothing(stage: Stage) -> None:
    code, out, err = stage.run("--dry-run")
    assert (code, stage.ran) == (0, [])
    assert "libnftables1  missing " in out
    assert "bubblewrap    missing, optional" in out
    assert "would run: /usr/bin/sudo -- /usr/bin/apt-get install libnftables1 (installs libnftables1)" in out
    assert err == "paddock: ask the administrator\n"


def test_yes_does_it(stage: Stage) -> None:
    code, _, err = stage.run("--yes")
    assert (code, stage.ran) == (0, [MISSING])
    assert "paddock doctor" in err


def test_nobody_to_ask_means_no(stage: Stage) -> None:
    code, _, err = stage.run()
    assert (code, stage.ran) == (1, [])
    assert "nobody to ask" in err


@pytest.mark.parametrize(("answer", "ran", "code"), [("y\n", 1, 0), ("YES\n", 1, 0), ("\n", 0, 1), ("n\n", 0, 1), ("", 0, 1)])
def test_a_person_is_asked(stage: Stage, monkeypatch: pytest.MonkeyPatch, answer: str, ran: int, code: int) -> None:
    stdin = io.StringIO(answer)
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", stdin)
    assert stage.run()[0] == code
    assert len(stage.ran) == ran


def test_nothing_missing(stage: Stage) -> None:
    stage.plan = DONE
    assert stage.run()[0] == 0
    assert stage.ran == []


def test_a_failure_is_said(stage: Stage) -> None:
    stage.status = 100
    code, _, err = stage.run("--yes")
    assert code == 1
    assert "installing failed" in err


def test_a_package_that_does_not_bring_it_is_said(stage: Stage) -> None:
    stage.after = lambda: MISSING
    code, _, err = stage.run("--yes")
    assert code == 1
    assert "still missing" in err


def test_wrong_words(stage: Stage) -> None:
    with pytest.raises(UsageError):
        stage.run("extra")
    assert "--dry-run" in stage.run("--help")[1]
