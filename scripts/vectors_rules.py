"""Vectors about rules for tool calls, hooks and MCP servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from paddock.errors import PolicyError
from paddock.model.hosts import HostError, parse_host
from paddock.model.settings import Entry, Origin, Scope
from paddock.permissions.classify import classify
from paddock.permissions.commandline import CommandLine
from paddock.permissions.critical import critical_target
from paddock.permissions.decide import decide
from paddock.permissions.hooks import TIMED_OUT, combine, matcher_matches, read_result
from paddock.permissions.hosts import HostRules, decide_host
from paddock.permissions.ruleset import RuleSet
from paddock.permissions.servers import Server, judge_server
from paddock.permissions.shell.split import split
from paddock.permissions.shell.wrappers import stripped
from paddock.permissions.tools import LABELS, TOOLS
from paddock.permissions.world import REFERENCE, Call, Fencing, World
from scripts.vectors_paths import context_of

__all__ = ["KINDS"]

ESCAPES = "CLAUDE_CODE_SUBPROCESS_ENV_SCRUB"


def _entries(rules: Mapping[str, Any]) -> dict[str, list[Entry]]:
    origin = Origin(Scope.PROJECT, "/home/dev/app/.claude/settings.json", 1)
    return {name: [Entry(text, origin) for text in rules.get(name, ())] for name in ("allow", "ask", "deny")}


def _world(vector: Mapping[str, Any]) -> World:
    ctx = vector.get("ctx", {})
    sandbox = vector.get("sandbox", {})
    fencing = Fencing(
        enabled=sandbox.get("enabled", False),
        auto_allow=sandbox.get("autoAllowBashIfSandboxed", True) and ESCAPES not in ctx.get("env", {}),
        may_leave=sandbox.get("allowUnsandboxedCommands", True),
        excluded=tuple(sandbox.get("excludedCommands", vector.get("excludedCommands", ()))),
    )
    links = ctx.get("symlinks", {})
    return World(
        cwd=ctx.get("cwd", "/home/dev/app"),
        home=ctx.get("home", "/home/dev"),
        mode=vector.get("mode", "default"),
        additional=tuple(ctx.get("additional_dirs", ())),
        interactive=ctx.get("interactive", True),
        classifier=ctx.get("auto_available", vector.get("mode") == "auto"),
        bypass_available=ctx.get("bypass_available", False),
        platform=ctx.get("platform", "linux"),
        fencing=fencing,
        reading=REFERENCE,
        steps=lambda path: (path, links[path]) if path in links else (path,),
    )


def rule_parse(vector: Mapping[str, Any]) -> dict[str, object]:
    """What a rule is."""
    try:
        found = classify(vector["rule"], vector["list"])
    except PolicyError:
        return {"valid": False, "warning": True}
    if found.form == "ignored" and found.suggest.partition("(")[0] == found.rule.tool:
        return {"valid": False, "warning": True}
    out: dict[str, object] = {
        "valid": True,
        "tool": found.rule.tool,
        "specifier": found.rule.specifier,
        "warning": bool(found.warning),
        "consulted": found.form != "ignored",
        "suggest": found.suggest,
        "removes_tool": found.removes_tool,
        "matches_known_tool": found.rule.tool in TOOLS and found.rule.tool not in LABELS,
    }
    if found.form == "tool-glob":
        out["tool_glob"] = found.rule.tool
    if found.parameter:
        out |= {"param": found.parameter, "value": found.value}
    return out


def rule_match(vector: Mapping[str, Any]) -> str:
    """Whether one rule speaks about one call."""
    rules = RuleSet(_entries({vector["list"]: [vector["rule"]]}), context_of({}), broken=[])
    call = Call(vector["tool"], vector["input"])
    if vector["list"] == "allow" and vector["tool"] == "Bash":
        line = CommandLine(call.text("command"), rules, _world(vector))
        return "match" if all(line.allowed(command) is not None for command in line.line.simple) else "no_match"
    verdict = decide(call, rules, _world(vector))
    return "match" if any(reason.hit is not None for reason in verdict.reasons) else "no_match"


def webfetch(vector: Mapping[str, Any]) -> str:
    """Whether a domain rule speaks about an address."""
    return rule_match({**vector, "list": vector.get("list", "allow"), "tool": "WebFetch"})


def splitting(vector: Mapping[str, Any]) -> list[str]:
    """The simple commands of a line."""
    return [command.text for command in split(vector["input"]["command"]).simple]


def strip(vector: Mapping[str, Any]) -> str:
    """A command without what an allow rule looks past."""
    command = split(vector["input"]["command"]).commands[0]
    words = stripped(command)
    return command.text if words is None else " ".join(word.text for word in words)


def decision(vector: Mapping[str, Any]) -> dict[str, object]:
    """A whole decision."""
    hook = vector.get("hook", {})
    said = "deny" if hook.get("exit") == 2 else hook.get("permissionDecision", "")
    verdict = decide(Call(vector["tool"], vector["input"]), RuleSet(_entries(vector["rules"]), context_of(vector), broken=[]), _world(vector), said)
    return {"decision": verdict.decision, "sandboxed": verdict.fenced}


def excluded(vector: Mapping[str, Any]) -> dict[str, object]:
    """Whether a command leaves the sandbox."""
    world = _world({**vector, "sandbox": {"enabled": True}})
    line = CommandLine(vector["input"]["command"], RuleSet({}, context_of({})), world)
    return {"sandboxed": not line.excluded()}


def critical(vector: Mapping[str, Any]) -> bool:
    """Whether a removal is critical."""
    world = _world(vector)
    commands = split(vector["command"]).commands
    return any(critical_target(c, cwd=world.cwd, home=world.home, additional=world.additional, platform=world.platform) for c in commands)


def network(vector: Mapping[str, Any]) -> dict[str, object]:
    """What happens to a connection."""
    lists = vector["network"]
    managed = vector.get("managed_network", {})
    rules = vector["rules"]
    only = managed.get("allowManagedDomainsOnly", False)
    allowed = managed.get("allowedDomains", []) if only else [*lists.get("allowedDomains", []), *_domains(rules.get("allow", ()))]
    denied = [*lists.get("deniedDomains", []), *managed.get("deniedDomains", []), *_domains(rules.get("deny", ()))]
    hosts = HostRules(tuple(allowed), tuple(denied), strict=lists.get("strictAllowlist", False) or only)
    try:
        host = parse_host(vector["host"])
    except HostError:
        return {"decision": "deny"}
    return {"decision": decide_host(host, vector["port"], hosts, _world(vector))}


def _domains(rules: list[str]) -> list[str]:
    return [text.removeprefix("WebFetch(domain:").removesuffix(")") for text in rules if text.startswith("WebFetch(domain:")]


def hook_matcher(vector: Mapping[str, Any]) -> str:
    """Whether a matcher means a tool."""
    return "match" if matcher_matches(vector["matcher"], vector["tool"]) else "no_match"


def hook_result(vector: Mapping[str, Any]) -> dict[str, object]:
    """What one hook says."""
    code = TIMED_OUT if vector["exit"] == "timeout" else vector["exit"]
    found = read_result(vector["event"], code, vector["stdout"], vector.get("stderr", ""))
    out: dict[str, object] = {"effect": found.effect, "error_notice": found.failed}
    if found.reason and found.reason == vector.get("stderr"):
        out["reason"] = "stderr"
    return out


def hook_combine(vector: Mapping[str, Any]) -> str:
    """What several hooks say."""
    return combine(vector["decisions"])


def mcp_server(vector: Mapping[str, Any]) -> str:
    """Whether a server is loaded."""
    given = vector["server"]
    server = Server(given["name"], tuple(given.get("command", ())), given.get("url", ""))
    origin = Origin(Scope.MANAGED, "/etc/paddock/managed-settings.json", 1)

    def entries(name: str) -> list[Entry] | None:
        return None if vector[name] is None else [Entry(value, origin) for value in vector[name]]

    env = vector.get("env", {})
    verdict = judge_server(server, entries("allowedMcpServers"), entries("deniedMcpServers"), env.get)
    return "load" if verdict.loads else "block"


KINDS: dict[str, Callable[[Mapping[str, Any]], object]] = {
    "rule_parse": rule_parse,
    "rule_match": rule_match,
    "param": rule_match,
    "webfetch": webfetch,
    "split": splitting,
    "strip": strip,
    "decision": decision,
    "excluded": excluded,
    "critical": critical,
    "network": network,
    "hook_matcher": hook_matcher,
    "hook_result": hook_result,
    "hook_combine": hook_combine,
    "mcp_server": mcp_server,
}
