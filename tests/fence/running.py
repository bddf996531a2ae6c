"""Plans made by hand, and real launches of them."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from paddock.fence.namespaces import Fence, start
from paddock.fence.ports import Counts
from paddock.host.cgroups import HostTree, find
from paddock.model.cgroups import Cgroup
from paddock.model.events import Event
from paddock.model.guard import GuardRules
from paddock.model.plan import Access, Kind, Place, Plan
from paddock.model.policy import Limits, NetworkPolicy
from paddock.model.record import replace
from paddock.model.settings import Origin, Scope
from paddock.model.usage import Usage
from paddock.planner import names
from tests.conftest import applies, must

PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
RULE = Origin(Scope.CLI, "--settings", 7, 3, "sandbox.filesystem.denyRead", "entry")


@dataclass
class Sink:
    """An event sink that only remembers."""

    events: list[Event] = field(default_factory=list)

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def violations(self) -> list[tuple[str, str]]:
        return [(e.act, e.subject) for e in self.events if e.kind == "violation"]


@dataclass
class Result:
    code: int
    out: str
    err: str
    sink: Sink
    usage: Usage
    counts: Counts


def place(path: Path | str, access: Access, *, skeleton: bool = False, pin: bool = False, reason: str = "") -> Place:
    """A place as the planner would make it from what lies there now."""
    real = Path(path)
    kind = Kind.SYMLINK if real.is_symlink() else Kind.DIRECTORY if real.is_dir() else Kind.FILE
    return Place(str(path), access, kind, RULE, reason, skeleton, pin)


def make_plan(project: Path, argv: Sequence[str], *more: Place, **changes: object) -> Plan:
    """A plan that lets ``argv`` write in ``project`` and nowhere else."""
    layout = sorted((place(project, Access.WRITE), *more), key=lambda p: p.path.count("/") if p.path != "/" else 0)
    plan = Plan(
        argv=tuple(argv),
        cwd=str(project),
        home=os.environ["HOME"],
        uid=os.getuid(),
        gid=os.getgid(),
        layout=tuple(layout),
        private_files=(),
        binds=(),
        environment={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": os.environ["HOME"]},
        removed=(),
        network=NetworkPolicy(),
        host_ports=(),
        doors=False,
        limits=Limits(),
        tmp_bytes=16 << 20,
        shm_bytes=8 << 20,
        run_bytes=1 << 20,
        uncovered=(),
        notices=(),
        backend="namespaces",
        digest="0",
    )
    return replace(plan, **changes)


def run(plan: Plan, *, stdin: int | None = None, stdout: int | None = None, passed: tuple[int, ...] = ()) -> Result:
    """Carry a plan out, reading everything that its command writes. The fence is gone when this returns."""
    sink = Sink()
    null = os.open(os.devnull, os.O_RDONLY)
    out, err = os.pipe(), os.pipe()
    fence = start(plan, sink, stdio=(null if stdin is None else stdin, out[1] if stdout is None else stdout, err[1]), passed=passed)
    try:
        fence.spawn()
        os.close(out[1])
        os.close(err[1])
        code, texts = _pump(fence, (out[0], err[0]))
    finally:
        fence.close()
        for listener in fence.listeners:
            os.close(listener.fd)
        for fd in (null, out[0], err[0]):
            os.close(fd)
    return Result(code, texts[0].decode("utf-8", "surrogateescape"), texts[1].decode("utf-8", "surrogateescape"), sink, fence.usage, fence.counts())


def _pump(fence: Fence, pipes: tuple[int, int]) -> tuple[int, list[bytes]]:
    texts = dict.fromkeys(pipes, b"")
    poll = select.poll()
    for fd in (fence.control_fd, *pipes):
        poll.register(fd, select.POLLIN)
    if fence.observer is not None:
        poll.register(fence.observer.fileno(), select.POLLIN)
    code: int | None = None
    open_pipes = set(pipes)
    while code is None or open_pipes:
        for fd, _ in poll.poll():
            if fd in texts:
                chunk = os.read(fd, 65536)
                texts[fd] += chunk
                if not chunk:
                    poll.unregister(fd)
                    open_pipes.discard(fd)
            elif fd == fence.control_fd:
                code = fence.handle_control()
                if code is not None:
                    poll.unregister(fd)
            elif fence.observer is not None and not fence.observer.handle():
                poll.unregister(fd)
    return code, [texts[fd] for fd in pipes]


def guarding(project: Path, **changes: object) -> GuardRules:
    """The rules of the guard for a project, with the real tables."""
    tables = {"anywhere": names.ANYWHERE, "prefixes": names.PREFIXES, "nested": names.NESTED, "kept": names.KEPT_WRITABLE, "own_folder": names.OWN_FOLDER}
    rules = GuardRules(roots=(str(project),), settings_files=names.SETTINGS_FILES, dependency_folders=names.DEPENDENCY_FOLDERS, **tables)  # type: ignore[arg-type]
    return replace(rules, **changes)


def shell(project: Path, script: str, *more: Place, **changes: object) -> Result:
    """Run ``script`` with ``sh`` in ``project``."""
    return run(make_plan(project, ("/bin/sh", "-c", script), *more, **changes))


def python(project: Path, script: str, *more: Place, **changes: object) -> Result:
    """Run ``script`` with Python in ``project``. ``attempt(call, *arguments)`` prints ``ok`` or the name of the errno."""
    head = (
        "import ctypes, errno, os, socket, sys\n"
        "def attempt(call, *arguments, **named):\n"
        "    try: call(*arguments, **named)\n"
        "    except OSError as error: print(errno.errorcode[error.errno])\n"
        "    else: print('ok')\n"
    )
    return run(make_plan(project, (PYTHON, "-I", "-S", "-c", head + script), *more, **changes))


def cgroups(*controllers: str, version: int | None = None) -> tuple[Cgroup, ...]:
    """The cgroups that a plan would have made here for these controllers; the test is skipped where one is missing."""
    found = [c for c in find(HostTree()) if version in (None, c.version)]
    chosen: dict[Cgroup, tuple[str, ...]] = {}
    for controller in controllers:
        cgroup = next((c for c in found if controller in c.controllers), None)
        applies(cgroup is not None or os.getuid() == 0, f"this user may make no cgroup that counts {controller}")
        must(cgroup is not None, f"no cgroup here in which {controller} could be counted")
        assert cgroup is not None
        chosen[cgroup] = (*chosen.get(cgroup, ()), controller)
    return tuple(replace(cgroup, controllers=used) for cgroup, used in chosen.items())
