"""Runs on a host that is not in order: full disks, no descriptors, folders that are missing, unwritable, or somebody else's. A right result or a reason."""

from __future__ import annotations

import ast
import os
import resource
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from paddock.errors import UsageError
from paddock.events.reader import read
from paddock.model.record import replace
from paddock.session.run import run
from paddock.settings.foreign import foreign_link
from tests.conftest import applies, must
from tests.fence.conftest import why_not
from tests.session.faults import Observer, World, command_line, full_disk, own_mounts, read_only, start_trial, start_work

EXIT_7 = ("/bin/sh", "-c", "exit 7")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Also the world of ``command_line``."""
    must(not why_not(), f"no fence can be built here: {why_not()}")
    made = World(tmp_path / "world")
    monkeypatch.chdir(made.project)
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    return made


def paddock(world: World, *argv: str, before: Callable[[], None] = lambda: None) -> tuple[int, str]:
    """The command line in a process of its own: how it ended, and everything that was printed."""

    def work() -> int:
        before()
        return command_line("run", "--", *argv)()

    return start_work(work, Observer()).finish()


def test_a_full_disk_below_the_log_costs_records_and_is_said(world: World) -> None:
    assert paddock(world, *EXIT_7) == (7, "")
    state = world.base / "state"

    def fill() -> None:
        own_mounts(full_disk(state))

    code, said = paddock(world, *EXIT_7, before=fill)
    assert code == 7
    assert "the event log is incomplete" in said
    assert "No space left on device" in said


def test_a_disk_that_fills_up_tears_at_most_the_last_line(world: World) -> None:
    (world.base / "state").mkdir()

    def work() -> int:
        own_mounts(full_disk(world.base / "state"))
        for number in (60, 61):
            (world.base / f"state/filler-{number}").unlink()
        log = world.base / "state/paddock/events.jsonl"
        log.parent.mkdir(mode=0o700)
        log.touch(0o600)
        filler = world.base / "state/filler-0"
        os.truncate(filler, filler.stat().st_size - 4096)  # room for some records, and not for all
        code = 0
        for _ in range(12):
            code = command_line("run", "--quiet", "--", *EXIT_7)()
        kinds = [record.event.kind for record in read(str(log.parent))]
        os.write(1, f"{log.stat().st_size} {4 < len(kinds) < 24}\n".encode())
        return code

    assert start_work(work, Observer()).finish() == (7, "4096 True\n")


def test_a_full_disk_below_the_cache_is_a_reason_not_to_start(world: World) -> None:
    (world.base / "cache").mkdir()
    code, said = paddock(world, "touch", "ran", before=lambda: own_mounts(full_disk(world.base / "cache")))
    assert code == 125
    assert "No space left on device" in said
    assert not (world.project / "ran").exists()


def test_a_full_project_is_the_command_s_own_trouble(world: World) -> None:
    script = "(echo x > new) 2>/dev/null && echo written; echo y > /tmp/new && exit 7"
    assert paddock(world, "/bin/sh", "-c", script, before=lambda: own_mounts(full_disk(world.project), lambda: os.chdir(world.project))) == (7, "")
    assert paddock(world, "/bin/sh", "-c", script) == (7, "written\n")


def test_a_full_tmp_outside_is_not_the_one_inside(world: World) -> None:
    tmp = Path("/tmp")
    keep = world.base if world.base.is_relative_to(tmp) else None
    script = "head -c 100000 /dev/zero > /tmp/new && exit 7"
    assert paddock(world, "/bin/sh", "-c", script, before=lambda: own_mounts(full_disk(tmp, keep), lambda: os.chdir(world.project))) == (7, "")


def test_a_full_tmp_inside_is_an_error_inside(world: World) -> None:
    prepared = world.prepared("/bin/sh", "-c", "head -c 2000000 /dev/zero > /tmp/new; echo; rm /tmp/new; echo y > /tmp/new && exit 7")
    small = replace(prepared, plan=replace(prepared.plan, tmp_bytes=1 << 20))
    code, said = start_trial(small, Observer()).finish()
    assert code == 7
    assert "No space left on device" in said


@pytest.mark.parametrize("first", [True, False], ids=["first run", "later run"])
def test_a_read_only_root_costs_the_log_and_nothing_else(world: World, first: bool) -> None:
    if not first:
        assert paddock(world, *EXIT_7) == (7, "")
    code, said = paddock(world, "/bin/sh", "-c", "touch new 2>&1; exit 7", before=lambda: own_mounts(read_only("/"), read_only(world.base)))
    assert code == 7
    assert "Read-only file system" in said
    assert "the event log is incomplete" in said


def test_a_read_only_state_folder_is_said(world: World) -> None:
    applies(os.getuid() != 0, "root writes everywhere")
    assert paddock(world, *EXIT_7) == (7, "")
    (world.base / "state/paddock").chmod(0o500)
    (world.base / "state/paddock/events.jsonl").chmod(0o400)
    code, said = paddock(world, *EXIT_7)
    assert code == 7
    assert "the event log is incomplete: events.jsonl: Permission denied" in said


@pytest.mark.parametrize("value", ["", "relative", "/nonexistent/home"])
def test_a_home_that_is_none_is_neither_used_nor_made(world: World, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", value)
    if value.startswith("/"):
        for name in ("STATE", "CACHE", "CONFIG"):
            monkeypatch.delenv(f"XDG_{name}_HOME")
    code, said = paddock(world, *EXIT_7)
    assert code == 7
    assert ("/nonexistent/home/.local/state/paddock" in said) == value.startswith("/")
    assert not Path("/nonexistent").exists()


@pytest.mark.parametrize("name", ["STATE", "CACHE", "CONFIG"])
def test_a_folder_that_is_a_loop_of_links_or_a_file_is_a_reason(world: World, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.project / "loop").symlink_to("loop")
    (world.project / "file").touch()
    for place, why in (("loop", "Too many levels of symbolic links"), ("file", "Not a directory")):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(world.project / place))
        code, said = paddock(world, *EXIT_7)
        assert code == 125
        assert why in said
        assert "Traceback" not in said


@pytest.mark.parametrize("place", ["/nonexistent/runtime", "/proc/1/root"])
def test_no_runtime_folder_is_needed(world: World, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", place)
    assert paddock(world, *EXIT_7) == (7, "")


def test_a_log_that_is_replaced_while_the_command_runs_is_never_followed(world: World) -> None:
    prepared = world.prepared(*EXIT_7)
    log = world.base / "state/paddock/events.jsonl"
    victim = world.base / "victim"
    victim.touch()
    for link in (False, True):
        observer = Observer("wait for the command")
        trial = start_trial(prepared, observer)
        observer.wait_until_held()
        log.rename(world.base / f"moved-{link}")
        if link:
            log.symlink_to(victim)
        observer.go()
        assert trial.finish() == (7, "")
        if not link:
            assert world.records() == ["run.end"]  # in a new file of that name
    assert victim.read_bytes() == b""


def give_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``path`` belong to another user; where this user cannot, let this user be another one."""
    if os.getuid() == 0:
        os.lchown(path, 54321, 54321)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 54321)


@pytest.mark.parametrize("name", ["STATE", "CACHE", "CONFIG"])
def test_another_user_s_link_is_not_followed(world: World, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target = world.base / "target"
    target.mkdir()
    link = world.base / "link"
    link.symlink_to(target)
    monkeypatch.setenv(f"XDG_{name}_HOME", f"{link}/deep")
    world.environ[f"XDG_{name}_HOME"] = f"{link}/deep"
    world.prepared(*EXIT_7)  # the twin: a link of one's own is one's own business
    assert foreign_link(f"{link}/deep/paddock") == ""
    before = sorted(target.rglob("*"))
    give_away(link, monkeypatch)
    assert foreign_link(f"{link}/deep/paddock") == str(link)
    with pytest.raises(UsageError, match="is a link that belongs to user"):
        world.prepared(*EXIT_7)
    assert sorted(target.rglob("*")) == before


def test_another_user_s_folders_and_files_are_not_used(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    applies(os.getuid() == 0, "only root can give files away")
    assert paddock(world, *EXIT_7) == (7, "")
    for folder, code, why in (
        (world.base / "state/paddock", 7, "not safe to use (it belongs to user 54321)"),
        (next((world.base / "cache/paddock/projects").iterdir()), 125, "belongs to another user"),
    ):
        os.chown(folder, 54321, 54321)
        found = paddock(world, *EXIT_7)
        assert found[0] == code
        assert why in found[1]
        os.chown(folder, 0, 0)
    settings = world.base / "config/paddock/settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text("{}")
    assert paddock(world, *EXIT_7) == (7, "")
    os.chown(settings, 54321, 54321)
    code, said = paddock(world, *EXIT_7)
    assert code == 125
    assert "belongs to user 54321, so it is not your own" in said


def test_too_few_descriptors_outside_are_a_reason_or_enough(world: World) -> None:
    """Every number between far too few and enough: one that is nearly enough fails where others do not."""
    assert paddock(world, *EXIT_7) == (7, "")
    seen = set()
    for most in range(4, 40):

        def few(most: int = most) -> None:
            warnings.simplefilter("ignore")  # sockets of a step that fails half-way end with their process; pytest would have a file opened to say so
            os.closerange(3, 4096)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

        code, said = paddock(world, *EXIT_7, before=few)
        assert (code, said) == (7, "") or (code == 125 and "Too many open files" in said), (most, code, said)
        assert "Traceback" not in said, most
        seen.add(code)
    assert seen == {7, 125}


def test_too_few_descriptors_for_the_gate_are_a_reason_or_enough(world: World) -> None:
    script = "import socket\ntry: socket.create_connection(('192.0.2.1', 80), 0.2).recv(1)\nexcept OSError: pass"
    observer = Observer()
    for most in range(19, 29, 3):

        def few(most: int = most) -> None:
            os.closerange(3, 4096)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

        trial = start_trial(world.prepared("/usr/bin/python3", "-I", "-S", "-c", script), observer, before=few)
        code, said = trial.finish()
        assert code in (0, 125), (most, code, said)
        assert (code == 125) == ("Too many open files" in said), (most, said)


def test_few_descriptors_inside_are_the_command_s_own_trouble(world: World) -> None:
    prepared = world.prepared("/bin/sh", "-c", "exit 7")
    for most in range(3, 16):
        limited = replace(prepared, plan=replace(prepared.plan, limits=replace(prepared.plan.limits, open_files=most)))
        code, said = start_trial(limited, Observer()).finish()
        assert code in (7, 125, 127), (most, code, said)
        assert "unforeseen" not in said, (most, said)


def test_deadlines_are_kept_by_a_clock_that_nobody_sets(repository: Path) -> None:
    """The clock of the day only names moments (when something happened, since when to list); whatever waits uses the monotonic one."""
    users: dict[str, set[str]] = {}
    for path in (repository / "src/paddock").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and (node.value.id, node.attr) in DAY_CLOCKS:
                users.setdefault(path.relative_to(repository / "src/paddock").as_posix(), set()).add(node.attr)
    assert users == {"events/memory.py": {"time"}, "session/junit_file.py": {"time"}, "session/logbook.py": {"time"}}


DAY_CLOCKS = {("time", name) for name in ("time", "time_ns", "gmtime", "CLOCK_REALTIME", "clock_gettime", "clock_settime")} | {
    ("datetime", name) for name in ("now", "utcnow", "today")
}


def test_a_time_limit_holds_while_the_day_s_clock_jumps(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    jumps = iter([4e9, 0.0, 2e9, 1.0] * 100)
    monkeypatch.setattr(time, "time", lambda: next(jumps))
    prepared = world.prepared("/bin/sh", "-c", "sleep 600")
    limited = replace(prepared, plan=replace(prepared.plan, limits=replace(prepared.plan.limits, timeout_seconds=0.2)))
    code, _ = start_work(lambda: run(limited, on_publish=lambda _: None).ending.code, Observer()).finish()
    assert code == 124
    assert set(world.records()) == {"run.end", "run.start", "violation"}


def test_a_run_that_could_not_start_has_its_end_in_the_log(world: World) -> None:
    assert paddock(world, "no-such-program")[0] == 127
    last, first = read(str(world.base / "state/paddock"))
    assert (first.event.kind, last.event.kind) == ("run.start", "run.end")
    assert last.event.reason == "no-such-program: command not found"
    assert dict(last.event.detail)["code"] == 127


def test_a_user_who_may_start_no_more_processes_is_told_so(world: World) -> None:
    applies(os.getuid() != 0, "this limit does not bind root")
    prepared = world.prepared(*EXIT_7)
    trial = start_trial(prepared, Observer(), before=lambda: resource.setrlimit(resource.RLIMIT_NPROC, (1, 1)))
    code, said = trial.finish()
    assert code == 125
    assert said == "LaunchError: cannot start the launcher: Resource temporarily unavailable [start the launcher]\n"
