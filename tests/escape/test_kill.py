"""Whatever is killed, and whenever: no process, mount, network, file or socket of a run stays behind."""

from __future__ import annotations

import errno

import pytest

from paddock.fence.launcher.process import all_steps
from tests.conftest import must
from tests.fence.conftest import why_not
from tests.session.faults import KEEPER, LAUNCHER, SUPERVISOR, Leftovers, Observer, World, nothing_left, start_trial, with_argv

# Leaves a daemon that ignores everything which can be ignored, and ends at once.
BRIEF = ("/bin/sh", "-c", "(trap '' HUP INT TERM QUIT; setsid sleep 600 & ) ; exit 0")
LONG = ("/bin/sh", "-c", "(trap '' HUP INT TERM QUIT; setsid sleep 600 & ) ; sleep 600")
SETTINGS = """
{"paddock": {"network": {"tools": ["pip"]}, "limits": {"memoryMb": 512, "cpuSeconds": 600, "timeoutSeconds": 600}},
 "sandbox": {"filesystem": {"denyRead": ["./secret"]}}}
"""
WAIT = "wait for the command"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    must(not why_not(), f"no fence can be built here: {why_not()}")
    made = World(tmp_path_factory.mktemp("kill"), SETTINGS)
    (made.project / "secret").write_text("x")
    return made


@pytest.fixture(scope="module")
def clean(world: World) -> Observer:
    """What a run that nobody disturbs is told: every step there is, whoever adds one later."""
    observer = Observer()
    trial = start_trial(world.prepared(*BRIEF), observer)
    assert trial.finish() == (0, "")
    return observer


def test_every_step_of_the_launch_is_told_to_the_observer(world: World, clean: Observer) -> None:
    steps = [step.describe() for step in all_steps(world.prepared(*BRIEF).plan)]
    told = [*clean.seen(LAUNCHER), *clean.seen(KEEPER)]
    assert [step for step in steps if step not in told] == []


def brief_or_long(clean: Observer, step: str) -> tuple[str, ...]:
    steps = clean.seen(SUPERVISOR)
    return BRIEF if step in steps[steps.index(WAIT) + 1 :] else LONG


def every_step(clean: Observer) -> list[str]:
    return [*clean.seen(SUPERVISOR), *clean.seen(LAUNCHER), *clean.seen(KEEPER)]


def test_killing_the_supervisor_at_every_step_leaves_nothing(world: World, clean: Observer) -> None:
    prepared = world.prepared(*BRIEF)
    for step in every_step(clean):
        with nothing_left(world):
            observer = Observer(step)
            trial = start_trial(with_argv(prepared, *brief_or_long(clean, step)), observer)
            observer.wait_until_held()
            assert trial.kill(SUPERVISOR)
            observer.go()
            assert trial.finish()[0] == -9, step
    assert "run.end" in world.records()


def test_killing_the_launcher_at_every_step_leaves_nothing(world: World, clean: Observer) -> None:
    prepared = world.prepared(*BRIEF)
    killed = 0
    for step in every_step(clean):
        with nothing_left(world):
            observer = Observer(step)
            trial = start_trial(prepared, observer)
            observer.wait_until_held()
            killed += trial.kill(LAUNCHER)
            observer.go()
            code, said = trial.finish()
            assert code in (0, 125, 127, 137), (step, said)  # 127: the command had started, and no library of its could be opened any more
            assert (code == 125) == ("the launcher ended without a word" in said), (step, said)
    assert killed >= len(all_steps(prepared.plan))


def test_killing_process_1_at_every_step_leaves_nothing(world: World, clean: Observer) -> None:
    prepared = world.prepared(*LONG)
    killed = 0
    for step in every_step(clean):
        with nothing_left(world):
            observer = Observer(step)
            trial = start_trial(with_argv(prepared, *brief_or_long(clean, step)), observer)
            observer.wait_until_held()
            killed += (hit := trial.kill(KEEPER))
            observer.go()
            if not hit and trial.observer.pid_of(SUPERVISOR) and step not in clean.seen(SUPERVISOR)[-2:]:
                trial.kill(SUPERVISOR)
            code, said = trial.finish()
            assert code in (0, -9, 125, 137), (step, code, said)
            assert (code == 137) == (step == WAIT), (step, code, said)
    assert killed >= len(all_steps(prepared.plan))


@pytest.mark.parametrize("error", [OSError(errno.EIO, "injected"), RuntimeError("injected")])
def test_a_failure_at_every_step_is_a_refusal_that_names_it(world: World, clean: Observer, error: Exception) -> None:
    prepared = world.prepared(*BRIEF)
    for step in every_step(clean):
        with nothing_left(world):
            trial = start_trial(prepared, Observer(step, error))
            code, said = trial.finish()
            if isinstance(error, RuntimeError) and step in clean.seen(SUPERVISOR):
                assert said == "unforeseen RuntimeError: injected\n"  # a defect of ours: the command line shows where, and ends with 125
                continue
            assert code == 125, (step, said)
            assert said.startswith("LaunchError: cannot "), (step, said)
            assert "injected" in said
            assert said.endswith(f"[{step}]\n")


def test_killing_the_supervisor_and_the_launcher_together_leaves_nothing(world: World, clean: Observer) -> None:
    """As ``kill -9`` of a whole process group does. Only a cgroup can stay then, empty, until the next run."""
    prepared = world.prepared(*LONG)
    for step in (*clean.seen(LAUNCHER), *clean.seen(KEEPER), WAIT):
        observer = Observer(step)
        trial = start_trial(prepared, observer)
        observer.wait_until_held()
        trial.kill(SUPERVISOR)
        trial.kill(LAUNCHER)
        observer.go()
        assert trial.finish()[0] == -9, step
    with nothing_left(world):
        assert start_trial(world.prepared(*BRIEF), Observer()).finish() == (0, "")
    assert Leftovers.now(world.base).cgroups == frozenset()


def test_killing_the_guard_ends_the_command_and_says_so(world: World) -> None:
    observer = Observer()
    # It opens nothing more by itself: a program that it started without a guard would end first, with 127.
    trial = start_trial(world.prepared("/bin/sh", "-c", "echo on; kill -STOP $$"), observer)
    trial.wait_for("on\n")
    assert trial.kill(LAUNCHER)
    assert trial.finish()[0] == 137
    assert "notice" in world.records()[:3]


def test_killing_a_supervisor_with_an_open_gate_leaves_nothing(world: World) -> None:
    ask = """
import socket, time
asked = socket.create_connection(("192.0.2.1", 80), 5)
asked.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
print(asked.recv(4096)[9:12].decode(), flush=True)
time.sleep(600)
"""
    with nothing_left(world):
        trial = start_trial(world.prepared("/usr/bin/python3", "-I", "-S", "-c", ask), Observer())
        trial.wait_for("403\n")
        assert trial.kill(SUPERVISOR)
        assert trial.finish()[0] == -9


@pytest.mark.parametrize(
    "daemon",
    [
        "setsid sh -c '{life}' &",
        "nohup sh -c '{life}' &",
        "(setsid sh -c '{life}' &)",
        "setsid sh -c 'trap \"\" HUP INT QUIT TERM TSTP USR1 USR2; {life}' < /dev/null > /dev/null 2>&1 &",
    ],
    ids=["session of its own", "nohup", "two forks", "deaf"],
)
@pytest.mark.parametrize("end", ["exit 7", "sleep 600"])
def test_a_daemon_ends_with_the_run(world: World, daemon: str, end: str) -> None:
    """However the run ends. The first line of the twin: the daemon lives while the run does."""
    life = "while :; do echo > beat; sleep 0.01; done"
    script = daemon.format(life=life) + "\nwhile ! test -e beat; do sleep 0.01; done; rm beat; while ! test -e beat; do sleep 0.01; done; echo up; " + end
    (world.project / "beat").unlink(missing_ok=True)
    trial = start_trial(world.prepared("/bin/sh", "-c", script), Observer())
    trial.wait_for("up\n")
    if end != "exit 7":
        assert trial.kill(SUPERVISOR)
    assert trial.finish()[0] == (7 if end == "exit 7" else -9)  # this alone says that nothing lives
    (world.project / "beat").unlink()
