"""For each rule settings that trigger it, a near miss that does not, and what silences it. Data only: the reference page shows them, the tests try them."""

from __future__ import annotations

from typing import Final, NamedTuple

from paddock.model.settings import Scope

__all__ = ["EXAMPLES", "Example"]

Settings = dict[str, object]


class Example(NamedTuple):
    """``found`` triggers the rule, ``near`` looks like it and does not, ``silent`` is what ``found`` should have been. ``scope`` is who reads the file.

    ``present`` are files of the project, by name, that all three are about.
    """

    found: Settings
    near: Settings
    silent: Settings
    scope: Scope = Scope.PROJECT
    present: tuple[tuple[str, str], ...] = ()


def _allow(*rules: str) -> Settings:
    return {"permissions": {"allow": list(rules)}}


def _deny(*rules: str) -> Settings:
    return {"permissions": {"deny": list(rules)}}


def _files(**lists: list[str]) -> Settings:
    return {"sandbox": {"filesystem": dict(lists)}}


def _network(**keys: object) -> Settings:
    return {"sandbox": {"network": dict(keys)}}


EXAMPLES: Final[dict[str, Example]] = {
    "rule-malformed": Example(_deny("Read(./.env"), _deny("Read(./(a).txt)"), _deny("Read(./.env)")),
    "tool-case": Example(_deny("bash(rm *)"), _deny("mcp__bash__run"), _deny("Bash(rm *)")),
    "tool-unknown": Example(_deny("Raed(./x)"), _deny("Skill(deploy)"), _deny("Read(./x)")),
    "rule-never-consulted": Example(_deny("Write(docs/**)"), _deny("Write"), _deny("Edit(docs/**)")),
    "rule-primary-field": Example(_deny("Bash(command:rm *)"), _deny("Bash(run_in_background:true)"), _deny("Bash(rm *)")),
    "rule-tool-pattern": Example(_allow("mcp__*"), _allow("mcp__github__*"), _allow("mcp__github__get_*")),
    "rule-anchored-path": Example(_deny("Read(/etc/passwd)"), _deny("Read(/config/passwords)"), _deny("Read(//etc/passwd)")),
    "rule-never-matches": Example(
        _allow("Bash(npm run build && npm test)"), _allow('Bash(git commit -m "build && test")'), _allow("Bash(npm run build)", "Bash(npm test)")
    ),
    "excluded-bare": Example(
        {"sandbox": {"excludedCommands": ["docker"]}},
        {"sandbox": {"excludedCommands": ["docker ps"]}},
        {"sandbox": {"excludedCommands": ["docker *"]}},
    ),
    "entry-duplicate": Example(_deny("Bash(curl *)", "Bash(curl *)"), _deny("Bash(curl *)", "Bash(curl)"), _deny("Bash(curl *)")),
    "entry-shadowed": Example(
        {"permissions": {"allow": ["Bash(aws s3 ls)"], "deny": ["Bash(aws *)"]}},
        {"permissions": {"allow": ["Bash(aws *)"], "deny": ["Bash(aws s3 rm *)"]}},
        {"permissions": {"allow": ["Bash(aws s3 ls)"], "deny": ["Bash(aws iam *)"]}},
    ),
    "rule-redundant": Example(_allow("Bash(git log *)", "Bash(git log --oneline *)"), _allow("Bash(git log *)", "Bash(git show *)"), _allow("Bash(git log *)")),
    "scope-ignored": Example({"sandbox": {"network": {"allowManagedDomainsOnly": True}}}, {"sandbox": {"network": {"deniedDomains": ["example.com"]}}}, {}),
    "allow-too-broad": Example(_allow("Bash(python *)"), _allow("Bash(python tools/check.py *)"), _allow("Bash(python tools/check.py)")),
    "mode-bypass-in-project": Example(
        {"permissions": {"defaultMode": "bypassPermissions"}}, {"permissions": {"defaultMode": "acceptEdits"}}, {"permissions": {"defaultMode": "default"}}
    ),
    "unprotect-family": Example(
        {"paddock": {"filesystem": {"unprotect": [".vscode"]}}},
        {"paddock": {"filesystem": {"unprotect": ["docs/.vscode"]}}},
        {"paddock": {"filesystem": {"unprotect": [".vscode/settings.json"]}}},
    ),
    "list-empty": Example({"allowedMcpServers": []}, {"permissions": {"allow": []}}, {"allowedMcpServers": [{"serverName": "issues"}]}),
    "host-everything": Example(_network(allowedDomains=["*.com"]), _network(allowedDomains=["*.example.com"]), _network(allowedDomains=["api.example.com"])),
    "host-takes-anything": Example(
        _network(allowedDomains=["github.com"]), _network(allowedDomains=["github.example.com"]), _network(allowedDomains=["git.example.com"])
    ),
    "socket-host-access": Example(
        _network(allowUnixSockets=["/var/run/docker.sock"]),
        _network(allowUnixSockets=["/var/run/postgresql/.s.PGSQL.5432"]),
        _network(allowUnixSockets=["./dev.sock"]),
    ),
    "loopback-open": Example(_network(allowLocalBinding=True), _network(allowLocalBinding=False), {"paddock": {"network": {"publish": [5173]}}}),
    "publish-service-port": Example(
        {"paddock": {"network": {"publish": [5432]}}}, {"paddock": {"network": {"publish": [5433]}}}, {"paddock": {"network": {"publish": [15432]}}}
    ),
    "path-relative-in-user-file": Example(_files(allowWrite=["."]), _files(allowWrite=["~/notes"]), _files(allowWrite=["~/projects/app"]), scope=Scope.USER),
    "hides-certificates": Example(
        _files(denyRead=["/etc/ssl"]),
        _files(denyRead=["/etc/ssl/private"]),
        _files(denyRead=["/etc/ssl"], allowRead=["/etc/ssl/certs", "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem"]),
    ),
    "write-on-path": Example(
        _files(allowWrite=["/usr/local"]),
        _files(allowWrite=["/usr/local/share"]),
        _files(allowWrite=["/usr/local"], denyWrite=["/usr/local/bin", "/usr/local/sbin"]),
    ),
    "secret-reopened": Example(_files(allowRead=["~/.aws/config"]), _files(allowRead=["~/.awsome"]), _files(allowRead=["~/.config/app"])),
    "secret-readable": Example(
        {}, _files(denyRead=["./.en*"]), _files(denyRead=["./.env"]), present=((".env", "DB_PASSWORD=x\n"), (".env.example", "DB_PASSWORD=\n"))
    ),
}
"""By the rule's id."""
