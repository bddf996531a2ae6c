"""A plan that is to be carried out inside a fence that stands already: what that fence holds of it, what can be added, what cannot. Pure.

Inside a fence nothing can be mounted and no namespace be made. What a process can still put around itself: no sockets for the network, lower limits, another
environment, a clock. Not where it writes: files are made and opened for writing by the guard of the fence around, which no Landlock ruleset of the caller's
binds. Everything that the plan closes and that cannot be added must be closed by the fence around, clause by clause; what is not is named, and then nothing
runs.

The fence around may be open for something that these settings do not list because they cannot be seen from inside: the command line of the outer run, the
folder that it was started in, files that it hides. What came from there counts for the inner run as well, as it would count outside; what comes from a file
that the inner run has read itself is compared.
"""

from __future__ import annotations

from collections.abc import Iterator

from paddock.host.facts import Facts
from paddock.model.around import STARTED_IN, Around, Open, Spot, digest_of, nearest
from paddock.model.cgroups import PROCESSES, Cgroup
from paddock.model.hosts import HostError, Pattern, parse_pattern, parse_target
from paddock.model.paths import ancestors
from paddock.model.plan import Access, Place, Plan
from paddock.model.policy import Limits
from paddock.model.programs import DENIED
from paddock.model.record import names, record, replace
from paddock.model.settings import Notice, Origin, Scope, Settings

__all__ = ["Clause", "Narrowing", "compare", "counted"]

_ORDER = {Access.HIDDEN: 0, Access.READ: 1, Access.WRITE: 2}
_SOCKET = "a socket of a program outside"
# What the inner run does by itself; every other limit is of a whole fence.
_OWN_LIMITS = {"timeout_seconds": "timeoutSeconds", "open_files": "openFiles"}
_NAMES = {"memory_mb": "memoryMb", "disk_mb": "diskMb", "processes": "processes", "cpu_seconds": "cpuSeconds", **_OWN_LIMITS}
_MOST_NOTICES = 8


@record
class Clause:
    """Something that the plan closes, the fence around leaves open and nothing inside can close. ``rule`` is who asks for it (None: what is not listed is
    closed), ``remedy`` what would help.
    """

    text: str
    rule: Origin | None
    remedy: str


@record
class Narrowing:
    """``roots`` are the only places, besides the fence's own areas, where the command has to write. ``no_network``: sockets for the network are refused to it.
    ``missing`` must be empty for a run. ``added`` says in words what the run adds.
    """

    roots: tuple[str, ...]
    no_network: bool
    missing: tuple[Clause, ...]
    added: tuple[str, ...]
    notices: tuple[Notice, ...]


def compare(plan: Plan, settings: Settings, around: Around) -> Narrowing:
    """What becomes of ``plan`` in the fence ``around``."""
    # A source that was left out on purpose (``--setting-sources``) has been judged as well: what the outer run opened because of it is not wanted.
    seen = frozenset(source.file for source in settings.sources if source.state != "absent") | {"builtin"}
    if settings.scalar("paddock.filesystem.project") == "read-only":
        seen |= {STARTED_IN}  # said in so many words
    network = _Network(plan, around, seen)
    roots = _write_roots(plan, around, seen)
    missing = (
        *_files(plan, around, seen),
        *_names(plan, settings, around, seen),
        *_programs(plan, around),
        *network.missing(),
        *_limits(plan, settings, around),
    )
    added = ["processes around it are out of reach"]
    added += ["no network"] if network.cut else []
    added += [f"{name}={getattr(plan.limits, field)}" for field, name in _OWN_LIMITS.items() if _adds(plan.limits, around.limits, field)]
    return Narrowing(roots, network.cut, missing, tuple(added), tuple(network.notices()))


def counted(facts: Facts, around: Around) -> Facts:
    """The facts with a cgroup that cannot be seen from here: the fence around is counted as a whole, and so is what runs in it."""
    if around.limits.processes is None:
        return facts
    return replace(facts, cgroups=(Cgroup(2, "", "", (PROCESSES,)),))


def _write_roots(plan: Plan, around: Around, seen: frozenset[str]) -> tuple[str, ...]:
    """The places where the plan allows writing, or where the outer run does by something that counts here too, unless they lie below another such place."""
    inner = _places(plan)
    written = {path for path, place in inner.items() if place.access is Access.WRITE}
    written |= {spot.path for spot in around.layout if spot.access is Access.WRITE and _inherits(inner.get(nearest(inner, spot.path)), spot, seen)}
    return tuple(sorted(path for path in written if not written.intersection(ancestors(path))))


def _places(plan: Plan) -> dict[str, Place]:
    return {place.path: place for place in plan.layout if not place.pin}


def _inherits(mine: Place | None, theirs: Spot | None, seen: frozenset[str]) -> bool:
    """Whether something that only a default closes here was opened for the outer run by what cannot be seen from here."""
    return (mine is None or mine.why.scope is Scope.BUILTIN) and theirs is not None and theirs.file not in seen


def _files(plan: Plan, around: Around, seen: frozenset[str]) -> Iterator[Clause]:
    """Both layouts are constant between their places: it is enough to look at each place of either."""
    inner = _places(plan)
    outer = {spot.path: spot for spot in around.layout}
    for path in sorted({"/", *inner, *outer}):
        mine, theirs = inner.get(nearest(inner, path)), outer.get(nearest(outer, path))
        wanted = mine.access if mine else Access.READ
        given = theirs.access if theirs else Access.READ
        if _ORDER[given] <= _ORDER[wanted] or _inherits(mine, theirs, seen):
            continue
        if wanted is Access.HIDDEN and mine is not None:
            yield from _shown(path, mine)
        elif wanted is Access.READ:
            yield Clause(f"{path} is writable in the fence around and cannot be made read-only here", mine.why if mine else None, _RESTART)
    for file in plan.private_files:
        decisive = outer.get(nearest(outer, file.path))
        if file.path not in around.private and (decisive is None or decisive.access is not Access.HIDDEN):
            yield Clause(f"{file.path} cannot be replaced by a private file here", file.why, _RESTART)


def _names(plan: Plan, settings: Settings, around: Around, seen: frozenset[str]) -> Iterator[Clause]:
    """What the guard around keeps from being made. Our own protected names it keeps as well, in whichever repository, unless they are lifted."""
    outer = {spot.path: spot for spot in around.layout}
    for denial in plan.guard.denied:
        if denial.why.scope is Scope.BUILTIN or (denial.path, denial.is_glob) in around.guarded:
            continue
        above = outer.get(nearest(outer, denial.path))
        if denial.is_glob or (above is not None and above.access is Access.WRITE):
            yield Clause(f"{denial.path} can be made in the fence around and cannot be kept from being made here", denial.why, _RESTART)
    lifted = {str(entry.value) for entry in settings.list("paddock.filesystem.unprotect")}
    for item in around.unprotected:
        if item.file in seen and item.what not in lifted:
            yield Clause(f"{item.what} is not protected in the fence around", None, f"lift it here too, or take it out of {item.file}")


_RESTART = "start the outer run with this rule, and anew when it is about something that was made since"


def _shown(path: str, mine: Place) -> Iterator[Clause]:
    if mine.reason != _SOCKET:  # a socket is a neighbour's in the same fence, as its processes and its /tmp are
        what = "started" if mine.reason == DENIED else "read"
        yield Clause(f"{path} can be {what} in the fence around and cannot be hidden here", mine.why, _RESTART)


def _programs(plan: Plan, around: Around) -> Iterator[Clause]:
    """Landlock could be added for what is executed, but no mount for what is mapped as code: a list can be no shorter than that of the fence around."""
    mine, theirs = plan.startable, around.startable
    if mine is None:
        return
    if theirs is None:
        yield Clause("every program can be started in the fence around, and that cannot be narrowed to a list here", mine.why, _RESTART)
        return
    more = sorted((theirs[0] - set(mine.files)) | (theirs[1] - set(mine.folders)))
    if more:
        yield Clause(f"{more[0]} can be started in the fence around and is not listed here", mine.why, "list it here too, or start the outer run without it")


class _Network:
    """Hosts, names and ports. ``cut`` says that the command needs no network at all: that is the one thing that can be added."""

    def __init__(self, plan: Plan, around: Around, seen: frozenset[str]) -> None:
        self.plan = plan
        self.around = around
        self.seen = seen
        network = plan.network
        inherited = [item for item in around.allowed if item.file not in seen]
        everything_denied = any(rule.pattern.strip() == "*" for rule in network.denied)
        reachable = bool(network.allowed or inherited) and not everything_denied
        self.cut = bool(around.allowed) and not reachable

    def missing(self) -> Iterator[Clause]:
        if self.cut:
            return
        around, network = self.around, self.plan.network
        mine = [pattern for rule in network.allowed for pattern in _patterns(rule.pattern, "allow")]
        for item in self._not_inherited(around.allowed):
            if not _covers(mine, item.what):
                yield Clause(f"{item.what} can be reached in the fence around and is not listed here", None, f"list it here too, or take it out of {item.file}")
        for rule in network.denied:
            if digest_of(rule.pattern) not in around.denied and any(_overlap(rule.pattern, item.what) for item in around.allowed):
                yield Clause(f"{rule.pattern} cannot be denied here", rule.origin, _RESTART)
        names = {rule.pattern for rule in network.dns_names}
        for item in self._not_inherited(around.dns):
            if item.what not in names:
                yield Clause(f"records of {item.what} can be asked for in the fence around", None, f"list it here too, or take it out of {item.file}")
        for item in self._not_inherited(around.local_binding):
            if not network.local_binding:
                text = "ports that the command listens on appear on the host's loopback (allowLocalBinding of the fence around)"
                yield Clause(text, None, f"allow it here too, or take it out of {item.file}")
        for item in self._not_inherited(around.publish):
            if int(item.what) not in network.publish and not network.local_binding:
                yield Clause(f"port {item.what} is published by the fence around", None, f"list it here too, or take it out of {item.file}")

    def notices(self) -> Iterator[Notice]:
        """What the settings allow and the fence around does not give."""
        theirs = [pattern for item in self.around.allowed for pattern in _patterns(item.what, "allow")]
        refused = [rule for rule in self.plan.network.allowed if not _covers(theirs, rule.pattern)]
        for rule in refused[:_MOST_NOTICES]:
            yield Notice(f"{rule.pattern} is not reachable: the fence around this one does not allow it", rule.origin)
        if len(refused) > _MOST_NOTICES:
            yield Notice(f"{len(refused) - _MOST_NOTICES} more hosts are not reachable: the fence around this one does not allow them")
        if self.plan.doors and not self.around.doors:
            yield Notice("proxyEnv announces doors that the fence around this one does not have")

    def _not_inherited(self, items: tuple[Open, ...]) -> Iterator[Open]:
        return (item for item in items if item.file in self.seen)


def _patterns(text: str, kind: str) -> tuple[Pattern, ...]:
    try:
        return parse_pattern(text, kind)
    except HostError:
        return ()


def _covers(mine: list[Pattern], text: str) -> bool:
    """Whether everything that ``text`` means is allowed by one of ``mine``. Sure answers only: what is not known to be covered is not."""
    wanted = _patterns(text, "allow")
    return bool(wanted) and all(any(_is_same(pattern, one) or _includes(pattern, text, one) for pattern in mine) for one in wanted)


def _is_same(one: Pattern, other: Pattern) -> bool:
    key = ("labels", "address", "everything")
    return all(getattr(one, name) == getattr(other, name) for name in key) and one.port in (None, other.port)


def _includes(pattern: Pattern, text: str, wanted: Pattern) -> bool:
    """Whether ``pattern`` allows the single host that ``text`` names."""
    if pattern.everything:
        return pattern.port in (None, wanted.port) and not wanted.address  # names only, as on every allow list
    if wanted.everything or "*" in text or (pattern.port is not None and pattern.port != wanted.port):
        return False
    try:
        host, port = parse_target(text, wanted.port or 443)
    except HostError:
        return False
    return pattern.matches(host, port)


def _overlap(denied: str, allowed: str) -> bool:
    """Whether some host may be meant by both. True unless both name single hosts that differ, or one is outside of the other's wildcard.

    A denied address is also one that an allowed name may resolve to.
    """
    one, other = _patterns(denied, "deny"), _patterns(allowed, "allow")
    if not one or not other:
        return True
    return any(_may_meet(first, denied, second, allowed) for first in one for second in other)


def _may_meet(first: Pattern, denied: str, second: Pattern, allowed: str) -> bool:
    if first.port is not None and second.port is not None and first.port != second.port:
        return False
    if ("*" in denied and "*" in allowed) or (first.address and not second.address):
        return True
    if "*" in denied:
        return _matches(first, allowed, second.port)
    return _matches(second, denied, first.port)


def _matches(pattern: Pattern, single: str, port: int | None) -> bool:
    try:
        host, found = parse_target(single, port or pattern.port or 443)
    except HostError:
        return True
    return pattern.matches(host, pattern.port or found)


def _adds(mine: Limits, theirs: Limits, field: str) -> bool:
    value, given = getattr(mine, field), getattr(theirs, field)
    return value is not None and (given is None or given > value)


def _limits(plan: Plan, settings: Settings, around: Around) -> Iterator[Clause]:
    for name in names(Limits):
        if name not in _OWN_LIMITS and _adds(plan.limits, around.limits, name):
            key = f"paddock.limits.{_NAMES.get(name, name)}"
            entry = settings.scalars.get(key)
            theirs = getattr(around.limits, name)
            text = f"{key} {getattr(plan.limits, name)} is a limit of a whole fence, and the fence around has {'none' if theirs is None else theirs}"
            yield Clause(text, entry.origin if entry else None, _RESTART)
