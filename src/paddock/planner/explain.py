"""Why a plan says what it says about one path, one variable or one program.

Nothing is decided here: the plan's own tree, view and environment are asked, and the answer is put into words. What would change an answer is found by the
session, which plans again with the change and asks here again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from paddock.model import globs, paths
from paddock.model.decision import Decision
from paddock.model.guard import Hidden, Judge
from paddock.model.plan import Access, Kind
from paddock.model.policy import EnvironmentPolicy, FilesystemPolicy, PathRule
from paddock.model.programs import NOT_LISTED
from paddock.model.record import record
from paddock.model.settings import Origin, Scope
from paddock.planner import environment
from paddock.planner.layout import PRIVATE_FOLDERS
from paddock.planner.plan import Draft
from paddock.planner.programs import is_denied
from paddock.planner.tree import Mark, Standing

__all__ = ["PathAnswer", "ProgramAnswer", "explain_path", "explain_program", "explain_variable"]

_FENCE = Origin(Scope.BUILTIN, "builtin", text="the fence itself")
_KERNELS_OWN = ("/dev", "/proc")
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 -- compared, not used
# execve(2) reads no more of a script's first line (since Linux 5.1).
_INTERPRETER_BYTES = 256


@record
class PathAnswer:
    """``path`` as asked, ``real`` where it leads, ``kind`` None when nothing is there. ``links`` are the links on the way, each with its text.

    ``rules`` are the entries of the settings that name the path or something above it, each with its list; the decisions name the one that counts.
    """

    path: str
    real: str
    kind: Kind | None
    links: tuple[tuple[str, str], ...]
    read: Decision
    write: Decision
    rules: tuple[tuple[str, Origin], ...]
    notes: tuple[str, ...]


@record
class ProgramAnswer:
    """``found`` is where PATH finds the program inside, ``real`` where that leads; both empty when it finds none. ``passed`` are places on PATH that hold it
    and are hidden, each with the place it leads to.
    """

    found: str
    real: str
    decision: Decision
    passed: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def explain_path(draft: Draft, files: FilesystemPolicy, path: str) -> PathAnswer:
    """What the command may do at ``path``, which must be absolute and normalised."""
    found = draft.view.resolve(path)
    own = _own(draft, path, found.path)
    read, write = own or _on_host(draft, found.path, found.links, exists=found.kind is not None)
    if own is None and read.allowed:
        read = _hidden_later(draft, found.path) or read
    if own is None and write.allowed:
        write = _guarded(draft, found.path) or write
    return PathAnswer(
        path=path,
        real=found.path,
        kind=found.kind,
        links=tuple((link, draft.view.readlink(link)) for link in found.links),
        read=read,
        write=write,
        rules=tuple(_naming(draft, files, path, found.path)),
        notes=tuple(_notes(draft, path, found.path, found.kind)) if own is None else (),
    )


def _own(draft: Draft, path: str, real: str) -> tuple[Decision, Decision] | None:
    """The answer for what is the fence's own: files and caches that exist only inside, devices, memory."""
    for file in draft.plan.private_files:
        if file.path == real:
            return Decision("allow", "a file that exists only inside stands in front of the host's", file.why), Decision("deny", "read-only inside", file.why)
    for bind in draft.plan.binds:
        if paths.is_beneath(path, bind.target) or paths.is_beneath(real, bind.target):
            both = Decision("allow", f"a folder private to this project stands there, kept in {bind.source}", bind.why)
            return both, both
    if any(paths.is_beneath(real, top) for top in _KERNELS_OWN) and not paths.is_beneath(real, _SHARED_MEMORY):
        both = Decision("allow", f"/{real.split('/')[1]} is made anew inside: only harmless devices and the fence's own processes are there")
        return both, both
    standing = draft.layout.tree.standing(real)
    if standing.private and not standing.hidden:
        area = max((folder for folder in PRIVATE_FOLDERS if paths.is_beneath(real, folder)), key=len)
        return (
            Decision("deny", f"what the host has there is not seen: inside, {area} is the fence's own and empty at the start"),
            Decision("allow", f"inside, {area} is the fence's own memory: what is written there is gone at the end"),
        )
    return None


def _on_host(draft: Draft, real: str, links: tuple[str, ...], *, exists: bool) -> tuple[Decision, Decision]:
    tree = draft.layout.tree
    for link in links:
        hidden = _hidden(tree.standing(link))
        if hidden is not None:
            no = Decision("deny", f"the link {link} on the way is hidden{_because(hidden)}", hidden[0])
            return no, no
    standing = tree.standing(real)
    hidden = _hidden(standing)
    if hidden is not None:
        no = Decision("deny", f"hidden{_because(hidden)}", hidden[0])
        return no, no
    opened = standing.opened
    shown = Decision("allow", f"shown by a rule{_because(opened)}", opened[0]) if opened else Decision("allow", "no rule hides it")
    return shown, _writing(standing, exists=exists)


def _writing(standing: Standing, *, exists: bool) -> Decision:
    kept = standing.sealed or standing.deny_write or standing.protect
    if standing.access() is Access.WRITE and standing.write is not None:
        return Decision("allow", f"{'' if exists else 'can be created: '}below a place that may be written{_because(standing.write)}", standing.write[0])
    if kept is not None:
        return Decision("deny", kept[1] or "a rule keeps it from being written", kept[0])
    return Decision("deny", "outside the places that the command may write")


def _hidden(standing: Standing) -> Mark | None:
    if standing.access() is not Access.HIDDEN:
        return None
    return standing.hidden or (_FENCE, "the fence has memory of its own there")


def _because(mark: Mark) -> str:
    return f": {mark[1]}" if mark[1] else ""


def _naming(draft: Draft, files: FilesystemPolicy, path: str, real: str) -> Iterator[tuple[str, Origin]]:
    """Every entry that names the path, where it leads, or a folder above either."""
    lists = (("denyRead", files.deny_read), ("allowRead", files.allow_read), ("allowWrite", files.allow_write), ("denyWrite", files.deny_write))
    for name, rules in lists:
        for rule in rules:
            if any(_names(draft, rule, at) for at in (path, real)):
                yield name, rule.origin


def _names(draft: Draft, rule: PathRule, path: str) -> bool:
    if rule.is_glob:
        return globs.covers(rule.path, path)
    return paths.is_beneath(path, rule.path) or paths.is_beneath(path, draft.view.resolve(rule.path).path)


def _hidden_later(draft: Draft, real: str) -> Decision | None:
    """What the guard answers about opening something that was not there, or did not match, when the plan was made."""
    folder, _, name = real.rpartition("/")
    refusal = Hidden(draft.plan.guard).judge(folder or "/", name)
    return None if refusal is None else Decision("deny", refusal.reason, refusal.rule)


def _guarded(draft: Draft, real: str) -> Decision | None:
    """What the guard answers about a name in a place that may be written."""
    folder, _, name = real.rpartition("/")
    refusal = Judge(draft.plan.guard).judge(folder or "/", name)
    if refusal is None:
        return None
    return Decision("deny", refusal.reason, refusal.rule, draft.plan.lifting.remedy(refusal.path, refusal.rule))


def _notes(draft: Draft, path: str, real: str, kind: Kind | None) -> Iterator[str]:
    if kind is None:
        yield "nothing is there yet"
    for gap in draft.plan.uncovered:
        if _speaks_of(gap.subject, path) or _speaks_of(gap.subject, real):
            yield f"not covered: {gap.reason} ({gap.why})"
    if any(place.path == real and place.skeleton for place in draft.plan.layout):
        yield "it can be listed, and holds only the way to what is shown below it"
    if any(place.path == real and place.pin for place in draft.plan.layout):
        yield "it cannot be renamed or removed: something protected lies below"


def _speaks_of(subject: str, path: str) -> bool:
    """Whether a gap is about this very path; those about a whole folder are said by ``--dry-run``."""
    return subject == path or (subject.startswith("/") and globs.is_glob(subject) and globs.covers(subject, path))


def explain_variable(draft: Draft, policy: EnvironmentPolicy, environ: Mapping[str, str], name: str) -> Decision:
    """Whether the command sees the variable ``name``. Values are neither judged nor told."""
    inside, outside = draft.plan.environment, environ
    removed = next((gone for gone in draft.plan.removed if gone.name == name), None)
    if name in inside:
        origin = next((where for known, _, where in policy.set if known == name), None)
        if origin is not None:
            return Decision("allow", "set by the settings", origin)
        if name not in outside:
            return Decision("allow", "set by the fence")
        return Decision("allow", "passed as it is outside" if inside[name] == outside[name] else "replaced by the fence with a value of its own")
    if removed is not None:
        return Decision("deny", f"taken out{_reason(removed.why)}", removed.why)
    # Not set out here: what would become of it is asked of the same function that makes the environment.
    passed, gone, _ = environment.build(policy, {name: ""}, home=draft.plan.home, proxies=draft.plan.doors, extra={})
    if name in passed:
        return Decision("allow", "not set outside; it would be passed")
    why = gone[0].why if gone else None
    return Decision("deny", "not set outside; it would be taken out" + (_reason(why) if why else ""), why)


def _reason(origin: Origin) -> str:
    return f": {origin.text}" if origin.text else ""


def explain_program(draft: Draft, word: str) -> ProgramAnswer:
    """Where PATH finds ``word`` inside, as execvp(3) looks; a word with a slash is looked for in the working folder."""
    plan = draft.plan
    folders = plan.environment.get("PATH", "").split(":")
    places = [paths.join(plan.cwd, word)] if "/" in word else [paths.join(paths.join(plan.cwd, folder or "."), word) for folder in folders]
    passed: list[tuple[str, str]] = []
    for place in dict.fromkeys(places):
        found = draft.view.resolve(place)
        if found.kind is not Kind.FILE or not draft.view.executable(found.path):
            continue
        own = _own(draft, place, found.path)
        read = (own or _on_host(draft, found.path, found.links, exists=True))[0]
        if not read.allowed:
            passed.append((place, found.path))
            continue
        startable = plan.startable
        if startable is not None and found.path not in startable.files:
            text = "the command can write there, and is started nothing that it can write" if draft.layout.access(found.path) is Access.WRITE else ""
            decision = Decision("deny", f"{place} is {NOT_LISTED}" + (f": {text}" if text else ""), startable.why)
            return ProgramAnswer(place, found.path, decision, tuple(passed), tuple(_program_notes(draft, found.path)))
        reason = f"found on PATH: {read.reason}" if "/" not in word else read.reason
        return ProgramAnswer(place, found.path, Decision("allow", reason, read.rule), tuple(passed), tuple(_program_notes(draft, found.path)))
    if passed:
        hidden = _reading(draft, passed[0][0])
        return ProgramAnswer("", "", Decision("deny", f"{passed[0][0]} is {hidden.reason}", hidden.rule), tuple(passed), tuple(_by_name(draft, passed[0][1])))
    return ProgramAnswer("", "", Decision("deny", "not found on the PATH inside" if "/" not in word else "no program is there"), (), ())


def _reading(draft: Draft, place: str) -> Decision:
    """Whether what is at ``place`` can be read inside."""
    found = draft.view.resolve(place)
    own = _own(draft, place, found.path)
    return (own or _on_host(draft, found.path, found.links, exists=True))[0]


def _by_name(draft: Draft, real: str) -> Iterator[str]:
    if is_denied(draft.layout, real):
        yield "it can be started in no way: a rule denies the program, whatever it is called with"


def _program_notes(draft: Draft, real: str) -> Iterator[str]:
    if draft.layout.access(real) is Access.WRITE:
        yield "the command can change this program: it lies below a place that may be written"
    start = (draft.view.read(real) or b"")[:_INTERPRETER_BYTES]
    words = start[2:].split(b"\n")[0].split() if start.startswith(b"#!") else []
    if not words:
        return
    interpreter = words[0].decode("utf-8", "surrogateescape")
    if interpreter.startswith("/") and "\0" not in interpreter:
        found = draft.view.resolve(paths.normalise(interpreter))
        state = "is not there" if found.kind is None else _reading(draft, paths.normalise(interpreter)).reason
        readable = found.kind is not None and _reading(draft, paths.normalise(interpreter)).allowed
        yield f"a script; its interpreter {interpreter} {'can be read inside' if readable else 'is not usable inside: ' + state}"
