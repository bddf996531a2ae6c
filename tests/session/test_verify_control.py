"""The control: without any fence the same program reports that everything gets through. A canary that cannot fail would show nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from paddock.model.plan import Access, Kind, Place, Plan
from paddock.model.settings import Origin, Scope
from paddock.session import verify_files, verify_kernel, verify_network, verify_processes
from paddock.session.verify import BROKEN, Finding, judge, read_answers
from paddock.session.verify import _command as command
from paddock.session.verify_host import HostSide
from paddock.session.verify_table import Canary, Evidence
from tests.conftest import must
from tests.fence.running import PYTHON, make_plan
from tests.session.test_doctor import able

HERE = Origin(Scope.CLI, "--settings", 1)
# Nothing is sent to addresses outside: only what stays on this machine is tried.
AT_HOME = ("host-loopback", "abstract-socket", "path-socket")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """A plan that nobody carries out."""
    project, state = tmp_path / "project", tmp_path / "state"
    for folder in (project / ".vscode", state):
        folder.mkdir(parents=True)
    (tmp_path / "secret").write_text("a secret")
    (project / ".mcp.json").write_text("{}")
    more = (
        Place(str(tmp_path / "secret"), Access.HIDDEN, Kind.FILE, HERE),
        Place(str(state), Access.HIDDEN, Kind.DIRECTORY, HERE),
        Place(str(project / ".mcp.json"), Access.READ, Kind.FILE, HERE),
    )
    layout = (Place(str(tmp_path), Access.READ, Kind.DIRECTORY, HERE), Place(str(project), Access.WRITE, Kind.DIRECTORY, HERE), *more)
    return make_plan(project, (), layout=layout, home=str(tmp_path))


def tried(plan: Plan, state: Path) -> dict[str, Finding]:
    made: list[str] = []
    host = HostSide(str(state), made, tuple(verify_files.absent_names(plan)))
    made += verify_files.made_by_probe(plan, host)
    with host:
        rooms = (*verify_files.canaries(plan, host), *verify_processes.canaries(plan, host), *verify_kernel.canaries(plan, host))
        wanted: tuple[Canary, ...] = (*rooms, *(canary for canary in verify_network.canaries(plan, host) if canary.name in AT_HOME))
        environment = {**plan.environment, "TOKEN": "x"}
        done = subprocess.run(
            command(PYTHON, wanted),
            stdin=host.streams[0],
            stderr=host.streams[1],
            stdout=subprocess.PIPE,
            cwd=plan.cwd,
            env=environment,
            check=False,
            timeout=60,
        )
        evidence = Evidence(host.look(), ())
    left = [name for name in os.listdir("/tmp") if host.token in name]
    assert left == [], "the probe clears up after itself even where /tmp is not a fence's own"
    answers = read_answers(done.stdout, {canary.name for canary in wanted if not canary.absent})
    return {canary.name: judge(canary, answers.get(canary.name), evidence) for canary in wanted if not canary.absent}


def test_without_a_fence_everything_gets_through(plan: Plan, tmp_path: Path) -> None:
    able()
    must(os.path.exists(PYTHON), "there is no Python")
    found = tried(plan, tmp_path / "state")
    assert len(found) > 30
    held = {name: (finding.state, finding.got, finding.reason) for name, finding in found.items() if finding.state != BROKEN}
    held.pop("trace-keeper", None)  # outside of a fence process 1 is the machine's own, which holds out by itself
    assert held == {}
