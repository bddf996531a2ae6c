"""Vectors about scopes, merging, the administrator's sources, trust and broken files: written to files of a machine of their own and loaded as for a run."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from paddock.errors import PolicyError, SettingsError
from paddock.model.settings import Scope, Settings
from paddock.permissions.rule import Strictness, notices, parse
from paddock.planner.environment import build
from paddock.planner.meaning import policy_from
from paddock.settings.administrators import take_chain
from paddock.settings.agent import switches
from paddock.settings.gathered import Gathered
from paddock.settings.layer import Family
from paddock.settings.load import AGENT_ONLY, LoadRequest, context_for, load, settle
from paddock.settings.managed import FOLDERS, Roots
from paddock.settings.overrides import EVERY, REFERENCE
from paddock.settings.start import asks_about_hosts, start
from paddock.settings.table import KEYS, Merge
from paddock.settings.tier import AdminSource, Rank
from paddock.settings.truststore import record_trust

Vector = Mapping[str, Any]
Query = Callable[["World", Settings], object]

BASES = {"local": ".claude/settings.local.json", "project": ".claude/settings.json"}
RULES = Strictness(refuse=False, write_patterns=False)


class World:
    """A machine with one administrator, one person and one project, below a folder of its own."""

    def __init__(self, base: Path, vector: Vector) -> None:
        self.base = base
        self.vector = vector
        self.platform = str(vector.get("platform", "linux"))
        self.home = self.folder("home/dev")
        self.project = self.folder("home/dev/app")
        self.cli: tuple[str, ...] = ()
        self.environ = {"HOME": str(self.home), **{name: value for name, value in vector.get("env", {}).items() if vector["kind"] != "env"}}

    def folder(self, name: str) -> Path:
        path = self.base
        for part in Path(name).parts:
            path /= part
            path.mkdir(exist_ok=True)
            path.chmod(0o755)
        return path

    def place(self, scope: str) -> Path:
        if scope == "managed":
            return self.base / self.system() / "managed-settings.json"
        return self.home / ".claude/settings.json" if scope == "user" else self.project / BASES[scope]

    def system(self) -> str:
        """The administrator's folder of the platform."""
        return next(folder for family, folder in FOLDERS.get(self.platform, FOLDERS["linux"]) if family is Family.CLAUDE)

    def put(self, path: Path, content: object) -> None:
        self.folder(str(path.parent.relative_to(self.base)))
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        path.chmod(0o644)

    def write(self, scope: str, content: object) -> None:
        if scope == "cli":
            self.cli = (*self.cli, content if isinstance(content, str) else json.dumps(content))
        else:
            self.put(self.place(scope), content)

    def request(self, overrides: frozenset[str] = REFERENCE, *, trusted: bool = True, interactive: bool = True) -> LoadRequest:
        platform = self.platform if self.platform in ("linux", "wsl", "macos") else "linux"
        return LoadRequest(
            str(self.project),
            self.environ,
            settings=self.cli,
            trust_project=trusted,
            roots=Roots(str(self.base), platform),
            overrides=overrides,
            interactive=interactive,
        )

    def told(self, path: str) -> str:
        """A path of this machine as the vectors write it."""
        return path.removeprefix(str(self.base)) if path.startswith(f"{self.base}/home") else path


@contextmanager
def world(vector: Vector) -> Iterator[World]:
    """A machine for one vector."""
    with tempfile.TemporaryDirectory(prefix="vectors-") as name:
        base = Path(name).resolve()
        base.chmod(0o755)
        yield World(base, vector)


# -- questions that are no keys


def _hosts(name: str) -> Query:
    return lambda _, settings: [rule.pattern for rule in getattr(policy_from(settings).network, name) if rule.origin.scope is not Scope.BUILTIN]


def _paths(name: str) -> Query:
    """Absolute; as they were written where the vector expects that."""

    def ask(made: World, settings: Settings) -> object:
        rules = [rule for rule in getattr(policy_from(settings).filesystem, name) if rule.origin.scope is not Scope.BUILTIN]
        written = any(mark in json.dumps(made.vector["expected"]) for mark in ('"~', '"./', '"."'))
        return [rule.origin.text if written else made.told(rule.path) for rule in rules]

    return ask


def _handlers(_: World, settings: Settings) -> object:
    entries = [entry.value for name, entries in settings.lists.items() if name.startswith("hooks.") for entry in entries]
    return [handler.get("command") for entry in entries if isinstance(entry, dict) for handler in entry.get("hooks", [])]


def _credentials(key: str, name: str, mode: str) -> Query:
    return lambda _, settings: [e.value[name] for e in settings.list(f"sandbox.credentials.{key}") if isinstance(e.value, dict) and e.value["mode"] == mode]


def _rules(_: World, settings: Settings) -> object:
    def understood(text: object) -> bool:
        try:
            parse(str(text))
        except PolicyError:
            return False
        return True

    return [entry.value for name in ("allow", "ask", "deny") for entry in settings.list(f"permissions.{name}") if understood(entry.value)]


def _listed(name: str) -> Query:
    return lambda _, settings: [entry.value for entry in settings.list(f"permissions.{name}")]


def _servers(_: World, settings: Settings) -> str:
    held = any(entry.origin.key == "enableAllProjectMcpServers" for entry in settings.trust_needed)
    return "pending" if held else "approved" if settings.scalar("enableAllProjectMcpServers") is True else "unset"


def _warnings(_: World, settings: Settings) -> int:
    return len([notice for notice in (*settings.notices, *notices(settings, RULES)) if notice.level == "warning"])


QUESTIONS: dict[str, Query] = {
    "starting_mode": lambda _, settings: settings.scalar("permissions.defaultMode", "builtin_default"),
    "bypass_available": lambda _, settings: settings.scalar("permissions.disableBypassPermissionsMode") != "disable",
    "auto_available": lambda _, settings: settings.scalar("permissions.disableAutoMode") != "disable",
    "prompt_for_unknown": lambda _, settings: asks_about_hosts(settings, REFERENCE),
    "handlers_run": _handlers,
    "hooks_run": lambda made, settings: bool(_handlers(made, settings)),
    "env_applied": lambda _, settings: bool(settings.map("env")),
    "masked": _credentials("envVars", "name", "mask"),
    "denied": _credentials("envVars", "name", "deny"),
    "mask_files": _credentials("files", "path", "mask"),
    "deny_files": _credentials("files", "path", "deny"),
    "allowedDomains": _hosts("allowed"),
    "deniedDomains": _hosts("denied"),
    "allowWrite": _paths("allow_write"),
    "denyWrite": _paths("deny_write"),
    "allowRead": _paths("allow_read"),
    "denyRead": _paths("deny_read"),
    "additional_dirs": lambda _, settings: [entry.value for entry in settings.list("permissions.additionalDirectories")],
    "allow": _listed("allow"),
    "ask": _listed("ask"),
    "deny": _listed("deny"),
    "rules": _rules,
    "warnings": _warnings,
    "mcp_project_servers": _servers,
}


def value_of(settings: Settings, name: str) -> object:
    """The effective value of a key: its default when nobody sets it, None when it has none."""
    key = KEYS[name]
    if key.merge is Merge.SCALAR:
        return settings.scalar(name, key.default)
    if key.merge is Merge.MAP:
        kept = {inner: entry.value for inner, entry in settings.map(name).items()}
        return {**kept, **{entry.origin.text: entry.value for entry, reason in settings.void if reason == AGENT_ONLY and entry.origin.key == name}}
    if key.merge is Merge.LISTS:
        return {inner.removeprefix(f"{name}."): [e.value for e in found] for inner, found in settings.lists.items() if inner.startswith(f"{name}.")}
    return [entry.value for entry in settings.list(name) if entry.origin.scope is not Scope.BUILTIN] if name in settings.lists else None


def answer(made: World, settings: Settings, expected: Mapping[str, Any], prefix: str = "") -> dict[str, object]:
    """The outcome in the shape of what is expected."""
    out: dict[str, object] = {}
    for name, wanted in expected.items():
        dotted = prefix + name
        short = [key for key in KEYS if key.rpartition(".")[2] == name]
        if dotted in KEYS:
            found = value_of(settings, dotted)
            void = any(entry.origin.key == dotted for entry, _ in settings.void)
            # A list that nobody sets and one whose every entry is void are both "nothing", which vectors write in either way.
            out[name] = [] if found is None and wanted == [] else None if found == [] and wanted is None and void else found
        elif not prefix and name in QUESTIONS:
            out[name] = QUESTIONS[name](made, settings)
        elif isinstance(wanted, dict) and not set(wanted) <= {"set", "length"}:
            out[name] = answer(made, settings, wanted, f"{dotted}.")
        elif not prefix and len(short) == 1:
            out[name] = value_of(settings, short[0])
        else:
            out[name] = f"{dotted} is no key and no question"
    return out


# -- kinds


def layered(vector: Vector) -> object:
    """``merge``, ``scope_restricted`` and ``lock``."""
    with world(vector) as made:
        for scope, content in vector["layers"].items():
            made.write(scope, content)
        return answer(made, load(made.request()), vector["expected"])


def dropin_merge(vector: Vector) -> object:
    with world(vector) as made:
        folder = made.base / made.system()
        for name, content in vector["files"].items():
            made.put(folder / name, content)
        settings = load(made.request())
        reported = [source.file.removeprefix(f"{folder}/") for source in settings.sources if source.state == "ignored" and source.detail]
        return {**answer(made, settings, {k: v for k, v in vector["expected"].items() if k != "reported"}), "reported": reported}


RANKS = {"remote": Rank.REMOTE, "mdm": Rank.POLICY, "hklm": Rank.POLICY, "file": Rank.FILE, "windows_file": Rank.FILE, "hkcu": Rank.USER_POLICY}
WINDOWS = ("mdm", "hklm", "windows_file", "hkcu")


def managed_select(vector: Vector) -> object:
    with world(vector) as made:
        _helper(made, vector)
        sources = dict(vector["sources"])
        parent = json.dumps(sources.pop("parent")) if "parent" in sources else ""
        request = made.request()._replace(parent=parent)
        out = Gathered(REFERENCE)
        chain = []
        for name, content in sources.items():
            text = content if isinstance(content, str) else json.dumps(content)
            layer = out.take(Scope.MANAGED, Family.CLAUDE, name, text)
            if layer is not None:
                chain.append(AdminSource(RANKS[name], name, (layer,), made.platform == "wsl" and name in WINDOWS))
        selection = take_chain(out, chain, request)
        try:
            settings = settle(out, context_for(request.cwd, request.environ), request)
        except SettingsError:
            return {"starts": False}
        selected = selection.source
        expected = {name: wanted for name, wanted in vector["expected"].items() if name not in ("selected", "effective", "parent_applied", "starts")}
        return {
            **answer(made, settings, expected),
            "starts": True,
            "selected": None if selected is None else selected.name if selected.name in RANKS else selected.rank.value,
            "effective": answer(made, settings, vector["expected"].get("effective", {})),
            "parent_applied": any(layer.file == "parent settings" for layer in selection.layers),
        }


def _helper(made: World, vector: Vector) -> None:
    """The program that a source names, with the output and exit code of the vector."""
    for content in vector["sources"].values():
        if not isinstance(content, dict) or "policyHelper" not in content:
            continue
        path = made.base / content["policyHelper"]["path"].lstrip("/")
        printed = vector.get("helper_stdout", "")
        text = printed if isinstance(printed, str) else json.dumps(printed)
        made.put(path, f"#!/bin/sh\ncat <<'END'\n{text}\nEND\nexit {vector.get('helper_exit', 0)}\n")
        path.chmod(0o755)


def trust(vector: Vector) -> object:
    with world(vector) as made:
        for scope in ("managed", "cli", "local", "project", "user"):
            if scope in vector:
                made.write(scope, vector[scope])
        if "local" in vector:
            _git(made, tracked=vector.get("local_tracked") is True)
        if any("symlink" in name and value for name, value in vector.items()):
            (made.project / ".claude").rename(made.project / "elsewhere")
            (made.project / ".claude").symlink_to("elsewhere")
        trusted = vector.get("trusted", True)
        request = made.request(trusted=trusted is True, interactive=vector.get("interactive", True))
        if trusted == "parent_only":
            _trust_parent(made, request)
        return answer(made, load(request), vector["expected"])


def _trust_parent(made: World, request: LoadRequest) -> None:
    """Accept, for the folder above, what the project asks for."""
    waiting = load(request)
    record_trust(waiting.context.state_home, str(made.home), waiting.trust_digest or "none", waiting.trust_needed)


def _git(made: World, *, tracked: bool) -> None:
    """A repository in the project whose index holds the local file, or nothing. gitformat-index(5), version 2."""
    made.put(made.project / ".git/HEAD", "ref: refs/heads/main\n")
    name = BASES["local"].encode()
    entry = bytes(60) + len(name).to_bytes(2, "big") + name
    entry += bytes(8 - len(entry) % 8)
    index = b"DIRC" + (2).to_bytes(4, "big") + int(tracked).to_bytes(4, "big") + (entry if tracked else b"") + bytes(20)
    (made.project / ".git/index").write_bytes(index)


def invalid(vector: Vector) -> object:
    """``starts`` asks about the product, everything else about the reference."""
    with world(vector) as made:
        scope, path = vector["scope"], str(made.place(vector["scope"]))
        made.write(scope, vector["text"] if "text" in vector else vector["content"])
        settings = load(made.request())
        applied = any(source.file == path and source.state == "read" for source in settings.sources)
        counted = any(e.origin.file == path for found in settings.lists.values() for e in found) or any(
            e.origin.file == path for e in settings.scalars.values()
        )
        own = {
            "file_applied": applied,
            "accepted": applied,
            "effect": "some" if counted else "none",
            "starts": _loads(made.request(EVERY)),
        }
        return {**answer(made, settings, {name: wanted for name, wanted in vector["expected"].items() if name not in own}), **own}


def _loads(request: LoadRequest) -> bool:
    try:
        load(request)
    except SettingsError:
        return False
    return True


def env(vector: Vector) -> object:
    with world(vector) as made:
        made.write("user", {"env": vector.get("env", {})})
        if "managed_env" in vector:
            made.write("managed", {"env": vector["managed_env"]})
        settings = load(made.request())
        effective = value_of(settings, "env")
        merged = {**vector.get("shell", {}), **(effective if isinstance(effective, dict) else {})}
        given, _, _ = build(policy_from(settings).environment, vector.get("shell", {}), home=str(made.home), proxies=False, extra={})
        read = switches(merged)
        facts: dict[str, object] = {
            "effective": effective,
            "child_env_has": [name for name in merged if name in given],
            "treated_as_unset_for_provider": bool(read.cancelled),
            **read._asdict(),
        }
        return {name: facts[name] if name in facts else given.get(name) for name in vector["expected"]}


def sandbox_start(vector: Vector) -> object:
    with world(vector) as made:
        made.write(vector.get("scope", "user"), {"sandbox": vector["sandbox"]})
        overrides = EVERY if vector.get("product_mode") == "strict" else REFERENCE
        settings = load(made.request(overrides))
        return start(settings, vector.get("platform", "linux"), available=vector["dependencies_ok"], overrides=overrides)._asdict()


KINDS: dict[str, Callable[[Vector], object]] = {
    "merge": layered,
    "scope_restricted": layered,
    "lock": layered,
    "dropin_merge": dropin_merge,
    "managed_select": managed_select,
    "trust": trust,
    "invalid": invalid,
    "env": env,
    "sandbox_start": sandbox_start,
}

__all__ = ["KINDS"]

os.umask(0o022)  # the machines' files must not be writable by a developer's group
