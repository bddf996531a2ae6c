from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

import paddock.cli.verify as verb
from paddock.cli.output import Output
from paddock.cli.run import main as run_main
from paddock.cli.verify import BROKEN_EXIT, main
from paddock.errors import UsageError
from paddock.session.prepare import Prepared
from paddock.session.verify import ABSENT, BROKEN, HELD, UNCLEAR, Finding, Verification
from paddock.session.verify_table import Canary
from tests.session.seat import Seat, take_seat
from tests.session.test_doctor import able


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    return take_seat(tmp_path, monkeypatch)


def run(*words: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return main(list(words), Output(out, err)), out.getvalue(), err.getvalue()


def found(monkeypatch: pytest.MonkeyPatch, *states: str) -> None:
    """No fence is built: this is what came of it."""
    findings = tuple(
        Finding(
            Canary(f"c{number}", "try\x1b it", "verb", (), {"*": frozenset({"EPERM"})}, absent="why not" if state == ABSENT else ""),
            state,
            "ok",
            "a reason\x1b",
        )
        for number, state in enumerate(states)
    )

    def verified(prepared: Prepared) -> Verification:
        return Verification(prepared.plan.digest, 0.25, findings, ("a notice",))

    monkeypatch.setattr(verb, "verify", verified)


@pytest.mark.parametrize(
    ("states", "code"),
    [((HELD, ABSENT), 0), ((HELD, BROKEN), BROKEN_EXIT), ((HELD, UNCLEAR), 125), ((UNCLEAR, BROKEN), BROKEN_EXIT), ((ABSENT,), 0)],
)
def test_the_exit_code_tells(seat: Seat, monkeypatch: pytest.MonkeyPatch, states: tuple[str, ...], code: int) -> None:
    found(monkeypatch, *states)
    assert run()[0] == code
    ended, text, _ = run("--json")
    assert ended == code
    document = json.loads(text)
    assert [canary["result"] for canary in document["canaries"]] == list(states)
    assert document["held"] is (code == 0)


def test_the_table_names_what_got_through(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch, HELD, BROKEN, UNCLEAR, ABSENT)
    _, text, err = run()
    lines = text.splitlines()
    assert lines[0].startswith("plan ")
    assert "GOT THROUGH: c1: a reason\\x1b" in lines
    assert "UNCLEAR: c2: a reason\\x1b" in lines
    assert lines[-1] == "1 held, 1 got through, 1 unclear, 1 do not apply here (0.2 s)"
    assert "\x1b" not in text
    assert err == "paddock: a notice\n"


def test_it_is_the_plan_of_a_run_with_the_same_options(seat: Seat) -> None:
    able()
    seat.world.write("project", {"sandbox": {"filesystem": {"denyRead": ["./secret"]}}})
    (seat.world.project / "secret").write_text("x")
    options = ["--allow-domain", "a.test", "--deny-read", "/etc/hostname", "--trust-project"]
    code, text, _ = run("--json", *options)
    assert code == 0
    out = io.StringIO()
    assert run_main(["--dry-run", "--json", "-", *options, "--", "any", "command"], Output(out, io.StringIO())) == 0
    digest = json.loads(text)["plan"]
    assert json.loads(out.getvalue())["digest"] == digest
    assert json.loads(run("--json", *options[:2])[1])["plan"] != digest


@pytest.mark.parametrize("settings", [{"sandbox": {"filesystem": {"denyRead": ["~/"]}}}, {"paddock": {"filesystem": {"project": "read-only"}}}])
def test_it_holds_with_other_settings(seat: Seat, settings: dict[str, object]) -> None:
    able()
    code, text, err = run("--settings", json.dumps(settings))
    assert (code, err) == (0, ""), text


def test_wrong_words(seat: Seat) -> None:
    with pytest.raises(UsageError, match="unexpected word"):
        run("--", "true")
