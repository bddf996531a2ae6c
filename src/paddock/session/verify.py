"""``paddock verify``: canaries inside the very plan that ``paddock run`` would use here.

One fence, built and served by the code that serves a run, around one program that tries everything (``fence/inside/canary``). What it says is taken as the
words of a stranger: read strictly, compared with what was to be expected from this plan, and with what was noticed outside.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from json import JSONDecodeError, dumps, loads
from threading import Lock

from paddock.errors import LaunchError, UnsupportedError
from paddock.fence.kernel.numbers import NUMBERS
from paddock.model.events import Event
from paddock.model.paths import is_beneath
from paddock.model.plan import Access, Plan
from paddock.model.record import record, replace
from paddock.model.text import cap
from paddock.session import verify_files, verify_kernel, verify_network, verify_processes
from paddock.session.prepare import Prepared
from paddock.session.run import STARTED, conduct
from paddock.session.supervise import SIGNALS, Ending
from paddock.session.verify_groups import limits_in_force
from paddock.session.verify_host import HostSide
from paddock.session.verify_table import ANY, Canary, Evidence
from paddock.session.verify_view import access

__all__ = [
    "ABSENT",
    "BROKEN",
    "HELD",
    "SCHEMA",
    "UNCLEAR",
    "Answer",
    "Finding",
    "Verification",
    "expected",
    "interpreter",
    "judge",
    "read_answers",
    "to_document",
    "verify",
]

SCHEMA = 1
HELD, BROKEN, UNCLEAR, ABSENT = "held", "got through", "unclear", "does not apply"

PATIENCE_SECONDS = 30.0
_ANSWERS_LIMIT = 1 << 18
_TEXT_LIMIT = 200
_INTERRUPTED = frozenset(128 + number for number in SIGNALS)
_MODULES = ("base", "files", "processes", "calls", "network", "main")
_PACKAGE = "paddock.fence.inside.canary"
# What the C library and its loader ignore where a program must not be led astray (ld.so(8), secure-execution mode): through these a file of the project could
# speak in the probe's place. Everything else is the plan's.
_LEADING_PREFIXES = ("LD_", "MALLOC_")
_LEADING = frozenset(
    ("GCONV_PATH", "GETCONF_DIR", "GLIBC_TUNABLES", "HOSTALIASES", "LOCALDOMAIN", "LOCPATH", "NIS_PATH", "NLSPATH", "RESOLV_HOST_CONF", "RES_OPTIONS", "TZDIR")
)
_BOOTSTRAP = """
import sys
from types import ModuleType
text, sources = sys.argv[1], sys.argv[2:]
names = ["paddock", "paddock.fence", "paddock.fence.inside", "paddock.fence.inside.canary"]
for name in names + [names[-1] + "." + source.partition("\\n")[0] for source in sources]:
    module = sys.modules[name] = ModuleType(name)
    above, _, last = name.rpartition(".")
    if above:
        setattr(sys.modules[above], last, module)
for source in sources:
    name, _, code = source.partition("\\n")
    exec(compile(code, name + ".py", "exec"), sys.modules[names[-1] + "." + name].__dict__)
sys.exit(sys.modules[names[-1] + ".main"].main(text))
"""


@record
class Finding:
    """One canary's result. ``got`` is what came of it, in words; ``reason`` is empty unless it is not held."""

    canary: Canary
    state: str
    got: str
    reason: str = ""


@record
class Verification:
    """Everything found. ``digest`` names the plan, as the report of a run does."""

    digest: str
    seconds: float
    findings: tuple[Finding, ...]
    notices: tuple[str, ...]

    def count(self, state: str) -> int:
        """How many canaries ended so."""
        return sum(finding.state == state for finding in self.findings)

    @property
    def held(self) -> bool:
        """Whether every canary that applies held."""
        return not self.count(BROKEN) and not self.count(UNCLEAR)


class _Memory:
    """An event sink that only remembers: what canaries provoke is no business of the log."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._events: list[Event] = []

    def emit(self, event: Event) -> None:
        with self._lock:
            self._events.append(event)

    def events(self) -> tuple[Event, ...]:
        with self._lock:
            return tuple(self._events)


def verify(prepared: Prepared) -> Verification:
    """Try every canary that this plan gives a meaning to.

    Must be called from a process with a single thread. Raises ``LaunchError`` when the fence cannot be built or the probe cannot be run, ``UnsupportedError``
    inside a fence, and when there is no interpreter that can be seen inside, ``KeyboardInterrupt`` when a signal asked for the end; nothing is left behind in
    any case.
    """
    if prepared.narrowing is not None:
        hint = "run `paddock verify` outside, with the options of the outer run"
        raise UnsupportedError("this runs in a fence of Paddock already: here is no fence of its own to try", cause="a run inside a run", hint=hint)
    began = time.monotonic()
    plan = prepared.plan
    python = interpreter(plan)
    plan = _with_probe(plan, python)
    state = prepared.settings.context.state_home
    hidden = state if access(plan, state) is Access.HIDDEN and os.access(state, os.W_OK | os.X_OK) else ""
    made: list[str] = []
    host = HostSide(hidden, made, tuple(verify_files.absent_names(plan)))
    made += verify_files.made_by_probe(plan, host)
    with host:
        wanted = canaries(plan, host)
        counted: set[str] = set()
        text, events = _run_probe(plan, host, python, wanted, lambda: counted.update(limits_in_force(plan, besides=host.process)))
        evidence = Evidence(host.look(), events, frozenset(counted))
    answers = read_answers(text, {canary.name for canary in wanted if not canary.absent})
    findings = tuple(judge(canary, answers.get(canary.name), evidence) for canary in wanted)
    notices = tuple(dict.fromkeys(event.reason for event in events if event.kind == "notice" and event.area == "run" and event.reason))
    return Verification(plan.digest, time.monotonic() - began, findings, notices)


def canaries(plan: Plan, host: HostSide) -> tuple[Canary, ...]:
    """Every canary of a plan, in the order in which they are tried."""
    rooms = (verify_files, verify_processes, verify_kernel, verify_network)
    return tuple(canary for room in rooms for canary in room.canaries(plan, host))


# -- the probe


def interpreter(plan: Plan) -> str:
    """The Python that runs the probe: this program's own where the plan shows it and its library, else the system's.

    Never one that the command could write: it would say what the command wants to be heard. Raises ``UnsupportedError``.
    """
    own = os.path.realpath(sys.executable)
    if _is_only_read(plan, own) and _is_only_read(plan, os.path.dirname(os.path.realpath(os.__file__))):
        return own
    for path, library in (("/usr/bin/python3", "/usr/lib"), ("/usr/local/bin/python3", "/usr/local/lib")):
        real = os.path.realpath(path)
        if os.path.exists(real) and _is_only_read(plan, real) and _is_only_read(plan, os.path.realpath(library)):
            return real
    raise UnsupportedError(
        "no Python can be seen inside this fence that the command could not have changed, so there is nothing to run the probe with",
        cause=f"this program runs by {own}, which the plan hides or lets the command write",
        hint="install python3 of the system, or show the interpreter with sandbox.filesystem.allowRead",
    )


def _with_probe(plan: Plan, python: str) -> Plan:
    """A list of programs, with the one that tries everything and what that loads."""
    if plan.startable is None:
        return plan
    from paddock.planner.elf import HEAD_BYTES, interpreter_of

    with open(python, "rb") as file:
        loader = interpreter_of(file.read(HEAD_BYTES))
    files = {*plan.startable.files, python, *((os.path.realpath(loader),) if loader else ())}
    library = os.path.realpath(os.path.join(os.path.dirname(python), "..", "lib"))
    return replace(plan, startable=replace(plan.startable, files=tuple(sorted(files)), folders=tuple(dict.fromkeys((*plan.startable.folders, library)))))


def _is_only_read(plan: Plan, path: str) -> bool:
    """Whether the plan shows this and lets nothing at or below it be written."""
    return access(plan, path) is Access.READ and not any(place.access is Access.WRITE and is_beneath(place.path, path) for place in plan.layout)


def _is_leading(name: str) -> bool:
    """Whether a variable could make the interpreter load or believe something else."""
    return name in _LEADING or name.startswith(_LEADING_PREFIXES)


def _command(python: str, wanted: tuple[Canary, ...]) -> tuple[str, ...]:
    numbers = {name: NUMBERS[name] for name in sorted(verify_kernel.USED) if name in NUMBERS}
    job = {"numbers": numbers, "canaries": [[c.name, c.verb, *c.arguments] for c in wanted if not c.absent]}
    return (python, "-I", "-S", "-c", _BOOTSTRAP, dumps(job), *(f"{name}\n{_source(name)}" for name in _MODULES))


def _source(name: str) -> str:
    folder = os.path.dirname(os.path.realpath(__import__(_PACKAGE, fromlist=["main"]).__file__ or ""))
    with open(f"{folder}/{name}.py", encoding="utf-8") as file:
        return file.read()


def _run_probe(plan: Plan, host: HostSide, python: str, wanted: tuple[Canary, ...], meanwhile: Callable[[], None]) -> tuple[bytes, tuple[Event, ...]]:
    """What the probe said, and what was told meanwhile. ``meanwhile`` is called once, when the fence stands and the probe has been started."""
    memory = _Memory()
    timeout = min(PATIENCE_SECONDS, plan.limits.timeout_seconds or PATIENCE_SECONDS)
    environment = {name: value for name, value in plan.environment.items() if not _is_leading(name)}
    plan = replace(plan, argv=_command(python, wanted), environment=environment, limits=replace(plan.limits, timeout_seconds=timeout))
    reader, writer = os.pipe2(os.O_CLOEXEC)
    try:
        _widen(writer)
        handed_in, nameless = host.streams
        ending = conduct(plan, memory, stdio=(handed_in, writer, nameless), on_step=lambda step: meanwhile() if step == STARTED else None)
        os.close(writer)
        writer = -1
        text = _read(reader)
    finally:
        for fd in (reader, writer):
            if fd >= 0:
                os.close(fd)
    _require(ending, text)
    return text, memory.events()


def _widen(pipe: int) -> None:
    """Room for every answer, so that nobody has to read while the fence stands; the usual 64 KiB hold about four hundred answers (F_SETPIPE_SZ, fcntl(2))."""
    import fcntl

    try:
        fcntl.fcntl(pipe, 1031, _ANSWERS_LIMIT)
    except PermissionError:
        return  # this user has used up what pipes may take


def _read(reader: int) -> bytes:
    """Everything in the pipe, up to a limit. Nobody holds the other end any more."""
    text = b""
    while len(text) <= _ANSWERS_LIMIT:
        data = os.read(reader, 65536)
        if not data:
            break
        text += data
    return text


def _require(ending: Ending, text: bytes) -> None:
    """Raises unless the probe came to its end."""
    if ending.cause == "signal" or ending.code in _INTERRUPTED:
        raise KeyboardInterrupt  # a signal to this program is passed on, and the probe may be gone before the grace period is over
    if ending.cause == "timeout":
        raise LaunchError(
            "the probe did not come to its end in time", step="try the canaries", hint="a longer paddock.limits.timeoutSeconds, or a quieter machine"
        )
    if ending.cause == "limit":
        raise LaunchError("a limit of this plan ended the probe", step="try the canaries", hint="a larger paddock.limits.memoryMb, cpuSeconds or diskMb")
    if not text:
        hint = "the plan may hide its library, or a limit may be too small for an interpreter"
        raise LaunchError(f"the probe inside ended with {ending.code} before it said anything", step="run the probe", hint=hint)


# -- what it said


@record
class Answer:
    """The words of the probe about one canary."""

    said: tuple[tuple[str, str], ...]
    twin: str


def read_answers(text: bytes, names: set[str]) -> dict[str, Answer]:
    """The answers, by canary. Raises ``LaunchError`` for anything that the probe does not say: then nothing it said is worth anything.

    A last line that is cut off is no answer.
    """
    if len(text) > _ANSWERS_LIMIT:
        raise _babble("it says too much")
    found: dict[str, Answer] = {}
    for line in text.split(b"\n")[:-1]:
        try:
            value = loads(line.decode("ascii"))
        except (UnicodeDecodeError, JSONDecodeError, RecursionError) as error:
            raise _babble("a line is no JSON") from error
        name, answer = _answer(value)
        if name not in names or name in found:
            raise _babble(f"an answer to {name!r}")
        found[name] = answer
    return found


def _answer(value: object) -> tuple[str, Answer]:
    if not isinstance(value, dict) or set(value) != {"name", "said", "twin"}:
        raise _babble("a line is no answer")
    name, said, twin = value["name"], value["said"], value["twin"]
    if not isinstance(name, str) or not isinstance(twin, str) or not isinstance(said, list):
        raise _babble("a line is no answer")
    for pair in said:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            raise _babble("a line is no answer")
    return name, Answer(tuple((what, result) for what, result in said), twin)


def _babble(what: str) -> LaunchError:
    return LaunchError(f"the probe inside said something that it does not say: {cap(what, _TEXT_LIMIT)}", step="read what the probe said")


# -- what it means


def judge(canary: Canary, answer: Answer | None, evidence: Evidence) -> Finding:
    """Held only when every act got the refusal that was meant, nothing was noticed outside, and the twin worked."""
    if canary.absent:
        return Finding(canary, ABSENT, "", canary.absent)
    if answer is None:
        return Finding(canary, UNCLEAR, "", "the probe did not come to it")
    got = _got(answer)
    wrong = [f"{what}: {word}" for what, word in answer.said if word not in canary.expects.get(what, canary.expects.get(ANY, frozenset()))]
    noticed = canary.check(evidence)
    excuse = canary.excuse(evidence) if wrong or noticed else ""
    if excuse:
        return Finding(canary, ABSENT, got, excuse)
    if wrong or noticed:
        reason = "; ".join((*wrong[:3], *((f"and {len(wrong) - 3} more",) if len(wrong) > 3 else ()), *((noticed,) if noticed else ())))
        return Finding(canary, BROKEN, got, cap(reason, _TEXT_LIMIT * 2))
    if not answer.said:
        return Finding(canary, UNCLEAR, got, f"nothing was tried: {cap(answer.twin, _TEXT_LIMIT)}")
    if answer.twin != "ok":
        return Finding(canary, UNCLEAR, got, f"the same act does not work where it should: {cap(answer.twin, _TEXT_LIMIT)}")
    return Finding(canary, HELD, got)


def _got(answer: Answer) -> str:
    """The different words, each with how often it came."""
    counts: dict[str, int] = {}
    for _, word in answer.said:
        counts[word] = counts.get(word, 0) + 1
    times = "\N{MULTIPLICATION SIGN}"
    return cap(", ".join(f"{word} {times}{count}" if count > 1 else word for word, count in counts.items()), _TEXT_LIMIT)


def to_document(found: Verification) -> Mapping[str, object]:
    """For programs: one JSON object."""
    return {
        "schema": SCHEMA,
        "plan": found.digest,
        "held": found.held,
        "seconds": round(found.seconds, 3),
        "canaries": [_row(finding) for finding in found.findings],
        "notices": [_unicode(notice) for notice in found.notices],
    }


def _row(finding: Finding) -> dict[str, str]:
    canary = finding.canary
    words = {"name": canary.name, "tried": canary.tries, "expected": expected(canary), "got": finding.got}
    return {name: _unicode(text) for name, text in {**words, "result": finding.state, "reason": finding.reason}.items()}


def _unicode(text: str) -> str:
    """Names of files are bytes: what is no Unicode is written by its number, because strict readers of JSON refuse lone surrogates (PEP 383)."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


def expected(canary: Canary) -> str:
    """What was to come back, in words."""
    if canary.absent:
        return ""
    return canary.shown or " or ".join(sorted({word for group in canary.expects.values() for word in group}))
