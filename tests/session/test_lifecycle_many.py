"""Many runs at once, and many in one process: every result right, nothing mixed, nothing left."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from paddock.errors import PaddockError
from paddock.events.reader import read
from paddock.model.record import replace
from paddock.model.settings import Entry, Origin, Scope
from paddock.session.run import run
from paddock.settings.truststore import accepted_entries, record_trust
from tests.conftest import must
from tests.fence.conftest import why_not
from tests.session.faults import Observer, Trial, World, children, command_line, nothing_left, start_trial, start_work, with_argv

FOLDERS = 50
IN_ONE = 20

ASK = """
import socket
with socket.create_connection(("192.0.2.1", 80), 5) as asked:
    asked.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
    assert b" 403 " in asked.recv(4096)
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    must(not why_not(), f"no fence can be built here: {why_not()}")
    made = World(tmp_path / "world")
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    return made


def start(folder: Path, number: int) -> Trial:
    """``paddock run`` in ``folder``: it writes there, and in its cache, what only it knows, and ends with a code of its own."""
    script = f"echo {number} > own-{number} && echo {number} > /run/paddock/cache/own-{number} && ls | wc -l > /tmp/count && echo run {number}; exit {number}"

    def work() -> int:
        os.chdir(folder)
        return command_line("run", "--quiet", "--", "/bin/sh", "-c", script)()

    return start_work(work, Observer())


def records_by_run(world: World) -> dict[str, list[tuple[int, str, str]]]:
    found: dict[str, list[tuple[int, str, str]]] = {}
    for record in read(str(world.base / "state/paddock")):
        found.setdefault(record.run, []).append((record.number, record.event.kind, record.event.subject))
    return found


def test_fifty_first_runs_in_fifty_folders_at_once(world: World) -> None:
    folders = [world.base / f"home/project-{number}" for number in range(FOLDERS)]
    for folder in folders:
        folder.mkdir()
    before = set(children(os.getpid()))
    trials = [start(folder, number) for number, folder in enumerate(folders)]
    assert [trial.finish() for trial in trials] == [(number, f"run {number}\n") for number in range(FOLDERS)]
    for number, folder in enumerate(folders):
        assert {path.name: path.read_text() for path in folder.iterdir()} == {f"own-{number}": f"{number}\n"}
    caches = [sorted(path.name for path in cache.iterdir() if path.name.startswith("own-")) for cache in (world.base / "cache/paddock/projects").iterdir()]
    assert sorted(names for names in caches if names) == sorted([f"own-{number}"] for number in range(FOLDERS))
    runs = records_by_run(world)
    assert len(runs) == FOLDERS
    assert all([(number, kind) for number, kind, _ in sorted(told)] == [(1, "run.start"), (2, "run.end")] for told in runs.values())
    assert set(children(os.getpid())) == before


def test_twenty_runs_in_one_folder_at_once(world: World) -> None:
    assert start(world.project, 99).finish() == (99, "run 99\n")
    new = frozenset(f"home/project/own-{number}" for number in range(IN_ONE))
    cache = next((world.base / "cache/paddock/projects").iterdir()).relative_to(world.base)
    with nothing_left(world, new=new | {f"{cache}/own-{number}" for number in range(IN_ONE)}):
        trials = [start(world.project, number) for number in range(IN_ONE)]
        assert [trial.finish() for trial in trials] == [(number, f"run {number}\n") for number in range(IN_ONE)]
    assert len(records_by_run(world)) == IN_ONE + 1


def test_a_killed_run_takes_nothing_from_one_beside_it(world: World) -> None:
    """The other run stands, with the same folders, cache and log, while everything of the first is taken away."""
    prepared = world.prepared("/bin/sh", "-c", "sleep 600")
    kept, killed = Observer("end the fence"), Observer("wait for the command")
    beside = start_trial(with_argv(prepared, "/bin/sh", "-c", "echo on; read line < go; echo $line; exit 7"), kept)
    os.mkfifo(world.project / "go")
    beside_up = start_trial(prepared, killed)
    killed.wait_until_held()
    assert beside_up.kill("supervisor")
    killed.go()
    assert beside_up.finish()[0] == -9
    beside.wait_for("on\n")
    with open(world.project / "go", "w", encoding="ascii") as go:
        go.write("still here\n")
    kept.wait_until_held()
    kept.go()
    assert beside.finish() == (7, "still here\n")


def test_acceptances_of_several_people_s_words_at_once_are_whole(tmp_path: Path) -> None:
    """Every reader finds one of the sets that were accepted, and never a mixture."""
    state, project = str(tmp_path / "state"), "/project"

    def entry(name: str) -> Entry:
        return Entry(name, Origin(Scope.PROJECT, "/project/.paddock/settings.json", 1, 1, "sandbox.network.allowedDomains", name))

    sets = {f"{number:064x}": [entry(f"host-{number}-{item}.example") for item in range(40)] for number in range(8)}
    wrong: list[object] = []

    def accept(digest: str) -> None:
        for _ in range(5):
            record_trust(state, project, digest, sets[digest])
            found = [text for _, text in accepted_entries(state, project)]
            if len(found) != 40 or len({text.split("-")[1] for text in found}) != 1:
                wrong.append(found)

    threads = [threading.Thread(target=accept, args=(digest,)) for digest in sets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(list((tmp_path / "state/trust").iterdir())) == 1


def test_what_a_killed_acceptance_left_is_removed_by_the_next(tmp_path: Path) -> None:
    state, project = str(tmp_path / "state"), "/project"
    record = Path(record_trust(state, project, "0" * 64, []))
    ended = os.fork()
    if ended == 0:
        os._exit(0)
    os.waitpid(ended, 0)
    stale, other, mine = (record.with_name(name) for name in (f"{record.name}.{ended}.00", f"x.json.{ended}.00", f"{record.name}.{os.getpid()}.00"))
    for draft in (stale, other, mine):
        draft.touch()
    record_trust(state, project, "1" * 64, [])
    assert set(record.parent.iterdir()) == {record, other, mine}


def test_fifty_runs_in_one_process_leave_nothing_in_it(world: World) -> None:
    """As a library: commands that succeed, that do not exist, that need the gate, and fences that cannot be built."""
    plain = world.prepared("true")
    missing = with_argv(plain, "no-such-program")
    asking = with_argv(plain, "/usr/bin/python3", "-I", "-S", "-c", ASK)
    impossible = replace(plain, plan=replace(plain.plan, cwd="/no-such-folder"))

    def one(number: int) -> bool:
        prepared = (plain, missing, asking, impossible, plain)[number % 5]
        try:
            outcome = run(prepared, on_publish=lambda _: None)
        except PaddockError:
            return prepared in (missing, impossible)
        return prepared in (plain, asking) and outcome.ending.code == 0

    def held() -> tuple[list[str], list[int], list[str]]:
        """Descriptors by what they are, children, threads."""
        descriptors = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{fd}")]
        return sorted(name for name in descriptors if not name.startswith("/proc/")), children(os.getpid()), os.listdir("/proc/self/task")

    def work() -> int:
        right = [one(number) for number in range(5)]
        before = held()
        right += [one(number) for number in range(50)]
        after = held()
        os.write(1, f"{before}\n{after}\n".encode() if before != after else b"")
        return 0 if all(right) else 1

    assert start_work(work, Observer()).finish() == (0, "")
