"""From what a project is made of to the settings it could start with. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from paddock.errors import UsageError
from paddock.model.globs import covers, escape
from paddock.model.paths import join
from paddock.session.init_look import Found
from paddock.settings.profiles import Profile, profile_named
from paddock.settings.validate import COMMENT

__all__ = ["choose", "missing", "propose"]

Settings = dict[str, object]
_MOST_SECRETS = 20
_LEAD = (
    "What commands in this project may do inside Paddock's fence{from_profiles}. It is yours: change it.",
    "Only what differs from the defaults stands here; `paddock policy show --origin` tells all that counts. Members called // are comments.",
)


def choose(found: Found, names: Sequence[str]) -> tuple[Profile, ...]:
    """The profiles to start from: what was named, and the project's languages unless a language or a profile that stands alone was named.

    Raises ``UsageError`` for names that do not go together.
    """
    named = [profile_named(name) for name in dict.fromkeys(names)]
    single = [profile for profile in named if profile.kind in ("alone", "managed")]
    if single and len(named) > 1:
        raise UsageError(f"the profile {single[0].name!r} stands alone", hint=f"name it without {', '.join(p.name for p in named if p is not single[0])}")
    if any(profile.kind != "addition" for profile in named):
        return tuple(named)
    return (*(profile_named(name) for name in found.languages), *named)


def propose(found: Found, profiles: Sequence[Profile], *, named: bool) -> Settings:
    """Settings for a project. ``named``: somebody chose a profile of a language, so that it stays as it is where the look tells nothing better."""
    out: Settings = {}
    for profile in profiles:
        _join(out, profile.settings)
        if profile.workspace:
            why = "The project can be read and not changed. allowWrite opens single folders."
            _join(out, {"paddock": {"filesystem": {COMMENT: why, "project": "read-only"}}})
    if profiles and profiles[0].kind == "managed":
        return out
    words = " and ".join(profile.name for profile in profiles)
    lead = _LEAD[0].format(from_profiles=f", from Paddock's profile{'s' if len(profiles) > 1 else ''} {words}" if profiles else "")
    if not any(profile.kind == "alone" for profile in profiles):
        _fit_java(out, found)
        _fit_servers(out, found, keep=named)
        _hide(out, found)
    return {COMMENT: [lead, *_LEAD[1:]], **_ordered(out)}


def _fit_java(out: Settings, found: Found) -> None:
    network = _section(out, "paddock", "network")
    tools = network.get("tools")
    if found.java and isinstance(tools, list):
        network["tools"] = [tool for tool in tools if tool not in ("maven", "gradle") or tool in found.java]


def _fit_servers(out: Settings, found: Found, *, keep: bool) -> None:
    """Single ports instead of every port that something listens on, where the project says which."""
    known = [server for server in found.servers if server.port]
    if len(known) == len(found.servers) and (known or not keep):
        sandbox = _section(out, "sandbox")
        network = sandbox.get("network")
        if isinstance(network, dict) and "allowLocalBinding" in network:
            del sandbox["network"]
    if known:
        places = ", ".join(f"{server.port} ({server.place})" for server in known if server.place.isprintable())
        why = f"Ports of development servers, reachable on this machine's loopback and nowhere else: {places}."
        _join(out, {"paddock": {"network": {COMMENT: why, "publish": [server.port for server in known]}}})


def _hide(out: Settings, found: Found) -> None:
    secrets = [f"./{escape(path)}" for path in found.secrets if path.isprintable()][:_MOST_SECRETS]
    if secrets:
        why = "By their names these hold secrets. Take out what commands need to read."
        _join(out, {"sandbox": {"filesystem": {COMMENT: why, "denyRead": secrets}}})


def _section(settings: Settings, *names: str) -> Settings:
    """An object inside, an empty one that belongs to nothing where there is none."""
    for name in names:
        inner = settings.get(name)
        settings = inner if isinstance(inner, dict) else {}
    return settings


def _join(out: Settings, more: Mapping[str, object]) -> None:
    """Lists and comments are joined, single values replaced; comments stay in front."""
    for name, value in more.items():
        there = out.get(name)
        if isinstance(value, Mapping):
            inner = there if isinstance(there, dict) else {}
            _join(inner, value)
            out[name] = {COMMENT: inner[COMMENT], **inner} if COMMENT in inner else inner
        elif name == COMMENT and there is not None:
            lines = [*_lines(there), *(line for line in _lines(value) if line not in _lines(there))]
            out[name] = lines if len(lines) > 1 else lines[0]
        elif isinstance(value, list):
            known = there if isinstance(there, list) else []
            out[name] = [*known, *(item for item in value if item not in known)]
        else:
            out[name] = value


def _lines(comment: object) -> list[object]:
    return list(comment) if isinstance(comment, list) else [comment]


def _ordered(settings: Settings) -> Settings:
    """The objects at the top in one order, empty ones left out."""
    order = ("permissions", "sandbox", "paddock")
    return {name: settings[name] for name in (*order, *(name for name in settings if name not in order)) if settings.get(name)}


def missing(proposal: Mapping[str, object], own: Mapping[str, object] | None, others: Sequence[Mapping[str, object]], root: str) -> Settings:
    """What of a proposal neither a project's file (``own``, None: it has no such object) nor the ``others`` that count say yet.

    Where one has a single value, that stays. A comment goes along with an object that is new in the file.
    """
    out: Settings = {}
    there = [own, *others] if own is not None else others
    for name, value in proposal.items():
        values = [file[name] for file in there if name in file]
        if isinstance(value, Mapping):
            mine = own.get(name) if own is not None else None
            inner = missing(value, mine if isinstance(mine, Mapping) else None, [v for v in values if isinstance(v, Mapping) and v is not mine], root)
            if inner:
                out[name] = {COMMENT: value[COMMENT], **inner} if COMMENT in value and mine is None else inner
        elif name == COMMENT:
            continue
        elif isinstance(value, list):
            known = [item for found in values if isinstance(found, list) for item in found]
            if new := [item for item in value if not any(_says(old, item, root) for old in known)]:
                out[name] = new
        elif not values:
            out[name] = value
    return out


def _says(old: object, new: object, root: str) -> bool:
    """Whether one item makes another superfluous: the same, or a path of the project that it covers."""
    if old == new:
        return True
    if not (isinstance(old, str) and isinstance(new, str) and new.startswith("./") and not old.startswith(("/", "~"))):
        return False
    return covers(join(escape(root), old), join(root, new))
