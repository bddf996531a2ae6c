"""Signals to ``paddock run``: before its command exists, while it runs, when it has ended, while the report is written."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from paddock.cli.output import Output
from paddock.session import supervise
from tests.conftest import must
from tests.fence.conftest import why_not
from tests.session.faults import KEEPER, LAUNCHER, SUPERVISOR, Observer, World, command_line, nothing_left, start_trial, start_work

FORWARDED = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT]
NAMES = [number.name[3:] for number in FORWARDED]
IDLE = "while :; do sleep 0.02; done"


@pytest.fixture
def world(tmp_path: Path) -> World:
    must(not why_not(), f"no fence can be built here: {why_not()}")
    made = World(tmp_path)
    assert start_trial(made.prepared("true"), Observer()).finish() == (0, "")  # a first run makes its folders
    return made


@pytest.mark.parametrize("number", FORWARDED, ids=NAMES)
def test_what_the_command_makes_of_a_signal_is_the_exit_code(world: World, number: signal.Signals) -> None:
    name = number.name[3:]
    for script, code in ((f"trap 'exit 7' {name}; echo on; {IDLE}", 7), (f"echo on; {IDLE}", 128 + number)):
        trial = start_trial(world.prepared("/bin/sh", "-c", script), Observer())
        trial.wait_for("on\n")
        assert trial.kill(SUPERVISOR, number)
        assert trial.finish()[0] == code  # a shell may say what ended its child


@pytest.mark.parametrize("number", FORWARDED, ids=NAMES)
def test_a_command_that_ignores_a_signal_is_ended_after_the_grace(world: World, number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "GRACE_SECONDS", 0.1)
    script = f"trap '' INT TERM HUP QUIT; (setsid sleep 600 &); echo on; {IDLE}"
    with nothing_left(world):
        trial = start_trial(world.prepared("/bin/sh", "-c", script), Observer())
        trial.wait_for("on\n")
        assert trial.kill(SUPERVISOR, number)
        assert trial.finish() == (128 + number, "")


def test_a_second_signal_is_passed_on_too(world: World) -> None:
    trial = start_trial(world.prepared("/bin/sh", "-c", f"trap 'echo first' TERM; trap 'exit 9' INT; echo on; {IDLE}"), Observer())
    trial.wait_for("on\n")
    assert trial.kill(SUPERVISOR, signal.SIGTERM)
    trial.wait_for("first\n")
    assert trial.kill(SUPERVISOR, signal.SIGINT)
    assert trial.finish() == (9, "")


def test_a_signal_before_the_command_exists_ends_the_run_without_starting_it(world: World) -> None:
    clean = Observer()
    prepared = world.prepared("/bin/sh", "-c", "touch started; exit 7")
    assert start_trial(prepared, clean).finish() == (7, "")
    assert (world.project / "started").exists()
    (world.project / "started").unlink()
    steps = clean.seen(SUPERVISOR)
    before = steps[steps.index("start the launcher") : steps.index("start the command") + 1]
    for step in (*before, *clean.seen(LAUNCHER), *clean.seen(KEEPER)):
        with nothing_left(world):
            observer = Observer(step)
            trial = start_trial(prepared, observer)
            observer.wait_until_held()
            assert trial.kill(SUPERVISOR, signal.SIGTERM)
            observer.go()
            assert trial.finish() == (143, ""), step
            # Not one step more than the one that was being done.
            done = observer.seen(SUPERVISOR)
            assert "wait for the command" not in done
            assert step in before[-2:] or before[-2] not in done, (step, done)
    assert world.records()[:2] == ["run.end", "run.start"]
    assert not (world.project / "started").exists()


@pytest.mark.parametrize("step", ["end the fence", "record the end", "close the event log"])
def test_a_signal_when_the_command_has_ended_changes_nothing(world: World, step: str) -> None:
    observer = Observer(step)
    trial = start_trial(world.prepared("/bin/sh", "-c", "exit 7"), observer)
    observer.wait_until_held()
    for number in FORWARDED:
        assert trial.kill(SUPERVISOR, number)
    observer.go()
    assert trial.finish() == (7, "")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -15), (signal.SIGHUP, -1), (signal.SIGQUIT, -3)], ids=NAMES)
def test_a_signal_while_the_report_is_written_ends_paddock_by_it(world: World, number: signal.Signals, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    observer = Observer("write the report")
    told = Output.block

    def held(self: Output, text: str) -> None:
        observer("write the report")
        told(self, text)

    monkeypatch.setattr(Output, "block", held)
    monkeypatch.chdir(world.project)
    for name, value in world.environ.items():
        monkeypatch.setenv(name, value)
    trial = start_work(command_line("run", "--", "/bin/sh", "-c", "exit 7"), observer)
    observer.wait_until_held()
    assert trial.kill(SUPERVISOR, number)
    if number is signal.SIGINT:
        observer.go()
    code, said = trial.finish()
    assert code == status
    assert "Traceback" not in said


@pytest.mark.parametrize("number", FORWARDED, ids=NAMES)
def test_what_the_caller_ignores_stays_ignored_outside_and_inside(world: World, number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "GRACE_SECONDS", 0.05)  # after which whoever takes the signal for one would end the command

    def ignore() -> None:
        signal.signal(number, signal.SIG_IGN)

    observer = Observer("wait for the command")
    script = f"kill -{number.name[3:]} $$; sleep 0.3; echo alive; exit 7"
    trial = start_trial(world.prepared("/bin/sh", "-c", script), observer, before=ignore)
    observer.wait_until_held()
    assert trial.kill(SUPERVISOR, number)
    observer.go()
    assert trial.finish() == (7, "alive\n")
    # The twin: what is not ignored arrives.
    assert start_trial(world.prepared("/bin/sh", "-c", f"kill -{number.name[3:]} $$; echo alive; exit 7"), Observer()).finish() == (128 + number, "")
