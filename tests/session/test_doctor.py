from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from paddock.errors import LaunchError
from paddock.host.doctor_facts import look_around
from paddock.model.cgroups import Cgroup
from paddock.model.record import replace
from paddock.session.doctor import Diagnosis, diagnose, to_document
from paddock.session.trial import Trial, chains, try_chain
from tests.conftest import must

ROOT = Path(__file__).resolve().parents[2]
DOCTOR = """
import json, os
from paddock.session.doctor import diagnose, to_document
print(json.dumps(to_document(diagnose(os.environ))))
"""


def able() -> None:
    must(diagnose(os.environ).fit, "this host cannot carry the fence: `paddock doctor` says why")


def refuse() -> None:
    raise LaunchError("mount: no", step="mount", errno=13, hint="try this")


def test_a_fit_host_is_called_fit() -> None:
    able()
    diagnosis = diagnose(os.environ)
    assert diagnosis.fit
    assert {f.result.trial.name: f.result.state for f in diagnosis.findings if f.result.trial.needed} == dict.fromkeys(
        [*(t.name for chain in chains() for t in chain if t.needed), "fence"], "ok"
    )
    assert to_document(diagnosis)["first_failure"] is None


def test_it_says_what_would_keep_each_limit() -> None:
    around = look_around()
    bare = replace(around, facts=replace(around.facts, uid=1000, kernel=(6, 1), cgroups=()))
    assert Diagnosis(bare, ()).limits["memoryMb"] == "watcher"
    root = replace(bare, facts=replace(bare.facts, uid=0))
    assert Diagnosis(root, ()).limits["processes"].startswith("nothing")
    group = Cgroup(2, "/g", "/g", ("memory", "pids", "cpuacct"))
    grouped = replace(root, facts=replace(root.facts, cgroups=(group,)))
    found = Diagnosis(grouped, ()).limits
    assert (found["memoryMb"], found["processes"], found["timeoutSeconds"]) == ("cgroup v2", "cgroup v2", "clock")
    assert to_document(Diagnosis(grouped, ()))["limits"] == found


def test_steps_that_work_and_a_whole_that_does_not() -> None:
    able()
    diagnosis = diagnose(os.environ, launch=refuse)
    assert not diagnosis.fit
    assert diagnosis.first_failure is not None
    assert diagnosis.first_failure.result.trial.name == "fence"
    assert diagnosis.first_failure.result.errno == 13
    assert diagnosis.first_failure.fix is not None
    assert diagnosis.first_failure.fix.advice == "try this"


def namespaces() -> dict[str, str]:
    return {entry.name: str(entry.readlink()) for entry in Path("/proc/self/ns").iterdir()}


def test_a_whole_that_ends_without_a_word_is_a_failure_too() -> None:
    able()

    def vanish() -> None:
        raise ConnectionResetError(104, "the fence has ended")

    diagnosis = diagnose(os.environ, launch=vanish)
    assert diagnosis.first_failure is not None
    assert diagnosis.first_failure.result.errno == 104
    assert diagnosis.first_failure.fix is not None
    assert "report" in diagnosis.first_failure.fix.advice


def test_trying_leaves_nothing_and_changes_nothing() -> None:
    before = namespaces(), len(list(Path("/proc/self/fd").iterdir())), children()
    diagnose(os.environ)
    assert (namespaces(), len(list(Path("/proc/self/fd").iterdir())), children()) == before
    assert not (Path(os.environ["XDG_STATE_HOME"]) / "paddock").exists()


def children() -> list[str]:
    """Processes of this one, dead ones that nobody waited for included; a fixture of another test may have some."""
    return sorted(child for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split())


def test_a_whole_fence_is_tried_only_when_its_steps_work(monkeypatch: pytest.MonkeyPatch) -> None:
    able()
    monkeypatch.setattr("paddock.session.doctor.chains", lambda: ((Trial("mounts", "", lambda: broken(13)),),))
    tried: list[str] = []
    diagnosis = diagnose(os.environ, launch=lambda: tried.append("fence"))
    assert tried == []
    assert [f.result.state for f in diagnosis.findings] == ["failed", "not tried", "ok"]
    assert diagnosis.first_failure is not None
    assert diagnosis.first_failure.result.trial.name == "mounts"


def broken(number: int) -> None:
    raise OSError(number, "no")


def test_the_first_failure_ends_a_chain() -> None:
    results = try_chain((Trial("a", "", lambda: None), Trial("b", "", lambda: broken(28)), Trial("c", "", lambda: None)))
    assert [(r.state, r.errno, r.words) for r in results] == [("ok", 0, ""), ("failed", 28, "no"), ("not tried", 0, "")]


def test_a_child_that_is_ended_counts_as_failed() -> None:
    results = try_chain((Trial("a", "", lambda: os.kill(os.getpid(), 9)), Trial("b", "", lambda: None)))
    assert [r.state for r in results] == ["failed", "not tried"]
    assert "was ended" in results[0].words


def test_an_unexpected_exception_is_reported_on_one_line() -> None:
    def wrong() -> None:
        raise ValueError("two\nlines")

    (result,) = try_chain((Trial("a", "", wrong),))
    assert (result.state, result.words) == ("failed", "ValueError('two\\nlines')")


def inside(*before: str) -> dict[str, object]:
    """The diagnosis made in a user namespace of its own, after some shell commands that take something away."""
    must(shutil.which("unshare"), "util-linux is not installed")
    able()
    script = "; ".join([*before, 'exec "$0" -c "$1"'])
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    words = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", script, sys.executable, DOCTOR]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120, env=environment)
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return value


def step(document: dict[str, object], name: str) -> dict[str, object]:
    steps = document["steps"]
    assert isinstance(steps, list)
    (found,) = [s for s in steps if s["name"] == name]
    assert isinstance(found, dict)
    return found


def test_nothing_taken_away() -> None:
    document = inside("true")
    assert document["first_failure"] is None, document["steps"]


@pytest.mark.parametrize(
    ("before", "name", "cause"),
    [
        ("echo 0 > /proc/sys/user/max_user_namespaces", "user-namespace", "user.max_user_namespaces is 0"),
        ("echo 1 > /proc/sys/user/max_user_namespaces", "second-user-namespace", "limit of user namespaces is reached"),
        ("echo 0 > /proc/sys/user/max_net_namespaces", "namespaces", "user.max_net_namespaces is 0"),
        ("mount -t tmpfs none /proc/irq", "proc", "parts of /proc are covered"),
    ],
)
def test_what_is_missing_is_found_and_explained(before: str, name: str, cause: str) -> None:
    document = inside(before)
    assert document["fit"] is False
    assert document["first_failure"] == name
    found = step(document, name)
    assert found["state"] == "failed"
    assert cause in str(found["cause"])
    assert step(document, "landlock")["state"] == "ok"


def test_a_missing_library_is_found_and_explained() -> None:
    library = next((p for p in Path("/usr/lib").glob("**/libnftables.so.1")), None)
    must(library, "libnftables.so.1 is not installed")
    document = inside(f"mount --bind /dev/null {library}")
    assert document["first_failure"] == "ruleset"
    assert "libnftables.so.1" in str(step(document, "ruleset")["cause"])
    assert step(document, "mounts")["state"] == "not tried"


def test_a_state_folder_that_others_can_write_is_a_warning() -> None:
    able()
    state = Path(os.environ["XDG_STATE_HOME"]) / "paddock"
    state.mkdir()
    state.chmod(0o777)
    diagnosis = diagnose(os.environ)
    assert diagnosis.fit
    document = to_document(diagnosis)
    assert step(document, "event-log")["state"] == "failed"
    state.chmod(0o700)
    assert step(to_document(diagnose(os.environ)), "event-log")["state"] == "ok"
