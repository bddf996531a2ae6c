"""The environment that a command gets: the caller's, without what the policy takes out, with what the fence needs.

Values are never judged or printed; a plan holds those that are passed and only the names of those that are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from paddock.model.addresses import GATE_IPV4, HTTP_PROXY_PORT, SOCKS_PROXY_PORT
from paddock.model.plan import RemovedVariable
from paddock.model.policy import EnvironmentPolicy, VariableRule
from paddock.model.settings import Notice, Origin, Scope

__all__ = ["PROXY_VARIABLES", "build"]

_FENCE = Origin(Scope.BUILTIN, "builtin", text="the fence itself")
_PROXY = Origin(Scope.BUILTIN, "builtin", key="paddock.network.proxyEnv", text="proxies outside the fence cannot be reached from inside")

# Read by libcurl, Python, Go, Node and git, in both spellings; ``http_proxy`` only small in libcurl because of CGI (everything.curl.dev, "HTTPoxy").
PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy")

# A name in the sense of POSIX 8.1 plus what shells export in practice (bash functions are ``BASH_FUNC_x%%``): anything without ``=`` and NUL.
_FORBIDDEN_IN_NAMES = ("=", "\0")


class _Matcher:
    """Variable rules by name: exact ones in a table, patterns one after the other. Compared without regard to case."""

    def __init__(self, rules: Iterable[VariableRule]) -> None:
        self._exact: dict[str, VariableRule] = {}
        self._patterns: list[tuple[list[str], VariableRule]] = []
        for rule in rules:
            name = rule.name.upper()
            if "*" in name:
                self._patterns.append((name.split("*"), rule))
            else:
                self._exact.setdefault(name, rule)

    def find(self, name: str) -> VariableRule | None:
        """The first rule that names this variable."""
        name = name.upper()
        return self._exact.get(name) or next((rule for parts, rule in self._patterns if _matches(name, parts)), None)


def _matches(name: str, parts: list[str]) -> bool:
    """Whether ``name`` is ``parts`` joined by any runs of characters."""
    first, last = parts[0], parts[-1]
    if len(name) < len(first) + len(last) or not name.startswith(first) or not name.endswith(last):
        return False
    position, end = len(first), len(name) - len(last)
    for part in parts[1:-1]:
        found = name.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True


def build(
    policy: EnvironmentPolicy, environ: Mapping[str, str], *, home: str, proxies: bool, extra: Mapping[str, str]
) -> tuple[dict[str, str], tuple[RemovedVariable, ...], tuple[Notice, ...]]:
    """``(environment, removed, notices)``; a variable that gets another value is not removed. ``proxies`` announces the explicit doors; ``extra`` are variables
    of presets, which the policy can override.
    """
    removed: list[RemovedVariable] = []
    notices: list[Notice] = []
    result = _filtered(policy, environ, removed, notices)
    _proxies(result, removed, announce=proxies)
    for name in ("TEMP", "TMP"):
        result.pop(name, None)
    result.update(extra)
    result.update({"HOME": home, "TMPDIR": "/tmp", "PADDOCK": "1"})  # noqa: S108 -- the fence's own private folder
    denied = _Matcher(policy.deny)
    for name, value, origin in policy.set:
        if not name or any(c in name for c in _FORBIDDEN_IN_NAMES) or "\0" in value:
            notices.append(Notice(f"the variable {name!r} cannot be set: not a valid name or value", origin))
        elif denied.find(name):
            notices.append(Notice(f"the variable {name} is set here and denied as a credential: it stays out", origin))
        else:
            result[name] = value
    # What the policy sets is there, whatever became of the caller's value: nobody is to look for it among what is missing.
    return result, tuple(gone for gone in removed if gone.name not in result), tuple(notices)


def _filtered(policy: EnvironmentPolicy, environ: Mapping[str, str], removed: list[RemovedVariable], notices: list[Notice]) -> dict[str, str]:
    keep = {rule.name for rule in policy.keep}
    remove, deny = _Matcher(policy.remove), _Matcher(policy.deny)
    result: dict[str, str] = {}
    for name, value in environ.items():
        if not name or any(c in name for c in _FORBIDDEN_IN_NAMES):
            notices.append(Notice(f"the variable {name!r} has no valid name: it is not passed on"))
            continue
        rule = deny.find(name) or (None if name in keep else remove.find(name))
        if rule is None:
            result[name] = value
        else:
            removed.append(RemovedVariable(name, rule.origin))
    return result


def _proxies(result: dict[str, str], removed: list[RemovedVariable], *, announce: bool) -> None:
    """Take the caller's proxies out (nothing inside could reach them) and announce ours when asked to."""
    for name in [name for name in result if name.lower() in PROXY_VARIABLES]:
        del result[name]
        if not announce:
            removed.append(RemovedVariable(name, _PROXY))
    if not announce:
        return
    http = f"http://{GATE_IPV4}:{HTTP_PROXY_PORT}"
    values = {"http_proxy": http, "https_proxy": http, "all_proxy": f"socks5h://{GATE_IPV4}:{SOCKS_PROXY_PORT}", "no_proxy": "localhost,127.0.0.1,::1"}
    for name, value in values.items():
        result[name] = result[name.upper()] = value
