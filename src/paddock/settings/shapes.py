"""The shapes that settings use by name: paths, host patterns, ports, variable names, rules, credential entries."""

from __future__ import annotations

from collections.abc import Callable

from paddock.settings.types import Shape, any_value, boolean, choice, integer, list_of, record, text

__all__ = [
    "ABSOLUTE_PATH",
    "ALLOWED_HOSTS",
    "CREDENTIAL_FILES",
    "CREDENTIAL_VARIABLES",
    "DENIED_HOSTS",
    "HELPER",
    "HOSTS",
    "PATHS",
    "PORT",
    "PROGRAM",
    "PROGRAMS",
    "PROTECTED_NAMES",
    "RULES",
    "SERVERS",
    "STRINGS",
    "TLS_TERMINATE",
    "VARIABLES",
    "VARIABLE_PATTERNS",
    "VARIABLE_VALUE",
    "VERSION",
    "variable_name",
]

_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")
_DIGITS = frozenset("0123456789")


def _path(value: object) -> str:
    if not isinstance(value, str) or not value:
        return "a path cannot be empty"
    if "\0" in value:
        return "a path cannot contain NUL"
    if value.startswith("~") and value != "~" and not value.startswith("~/"):
        # Only the current user's home is documented (spec 3.1); another user's would need the password database.
        return f'"{value}": only "~" and "~/…" are understood, not another user\'s home'
    return ""


def _absolute(value: object) -> str:
    reason = _path(value)
    return reason or ("" if isinstance(value, str) and value.startswith("/") else f'"{value}" is not an absolute path')


def _word(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        return "an empty entry"
    return "" if value.isprintable() else "an entry with control characters"


def _host_pattern(list_kind: str) -> Callable[[object], str]:
    """A test by the gate's own reader: what it could not read would otherwise come up at the first connection of a running command."""

    def test(value: object) -> str:
        reason = _word(value)
        if reason or not isinstance(value, str):
            return reason
        from paddock.model.hosts import HostError, parse_pattern

        try:
            parse_pattern(value, list_kind)
        except HostError as error:
            return f"{error} (did you mean {error.hint}?)" if error.hint else str(error)
        return ""

    return test


def variable_name(value: object) -> str:
    """Why a string cannot name an environment variable, or ``""``. Letters, digits and underscore, no digit first: POSIX.1-2017 XBD 8.1."""
    if isinstance(value, str) and value and value[0] in _LETTERS and not (set(value) - _LETTERS - _DIGITS):
        return ""
    return f'"{value}" is not the name of an environment variable'


def _variable_pattern(value: object) -> str:
    if not isinstance(value, str) or not value:
        return "an empty entry"
    # Wider than a name: programs put dots, slashes and colons into the environment too, and such a variable must be removable.
    return "" if value.isprintable() and "=" not in value else f'"{value}" cannot match the name of an environment variable'


def _version(value: object) -> str:
    parts = value.partition("-")[0].partition("+")[0].split(".") if isinstance(value, str) else []
    return "" if 2 <= len(parts) <= 4 and all(part.isascii() and part.isdigit() for part in parts) else f'"{value}" is not a version such as 1.2.3'


def _one_way_to_name(value: object) -> str:
    named = [name for name in _SERVER_NAMES if isinstance(value, dict) and name in value]
    return "" if len(named) == 1 else "an entry has exactly one of " + ", ".join(_SERVER_NAMES)


def _extract(value: object) -> str:
    import re  # few files have such an entry

    try:
        groups = re.compile(str(value)).groups
    except re.error as error:
        return f'"{value}" is not a regular expression: {error}'
    return "" if groups else f'"{value}" has no group: the first one is what is masked'


def _no_nul(value: object) -> str:
    return "a value in the environment cannot contain NUL" if isinstance(value, str) and "\0" in value else ""


def _program(value: object) -> str:
    reason = _word(value)
    if reason or not isinstance(value, str) or ("/" not in value and value not in (".", "..")) or value.startswith("/"):
        return reason
    return f'"{value}" is neither the name of a program nor an absolute path'


STRINGS = list_of(text())
RULES = list_of(text("a permission rule"))
"""Permission rules: only that they are strings. A malformed rule is the matcher's business, which skips it with a warning (spec 1.7)."""
PATHS = list_of(text("a path", _path, is_path=True))
PROTECTED_NAMES = list_of(text("a name or a path", _path))
"""Names, and paths that start from the project whatever file they are in: they mean the same for everybody, so the administrator may write them too."""
ABSOLUTE_PATH = text("an absolute path", _absolute, pattern="^/")
HOSTS = list_of(text("a host pattern", _word))
ALLOWED_HOSTS = list_of(text("a host pattern", _host_pattern("allow")))
DENIED_HOSTS = list_of(text("a host pattern", _host_pattern("deny")))
VARIABLES = list_of(text("a variable name", variable_name, pattern="^[A-Za-z_][A-Za-z0-9_]*$"))
VARIABLE_PATTERNS = list_of(text("a variable name, with * for any run of characters", _variable_pattern))
VARIABLE_VALUE = text("a string", _no_nul)
PORT = integer(1, 65535)
PROGRAM = record({"command": text("a program"), "args": STRINGS}, ("command",))
PROGRAMS = list_of(text("a program", _program))
TLS_TERMINATE = record({"caCertPath": text("a path", _path), "caKeyPath": text("a path", _path)})

VERSION = text("a version", _version)
HELPER = record({"path": text("a path", _absolute, pattern="^/"), "args": STRINGS}, ("path",))

_SERVER_NAMES = ("serverName", "serverCommand", "serverUrl")
SERVERS = list_of(record({"serverName": text(), "serverCommand": STRINGS, "serverUrl": text()}, test=_one_way_to_name))

_MASK_FIELDS: dict[str, Shape] = {
    "mode": choice("deny", "mask"),
    "injectHosts": HOSTS,
    "extract": text("a regular expression", _extract),
    "onExtractNoMatch": choice("warn", "deny", "error"),
    "decode": choice("jwt"),
    "maskClaims": STRINGS,
    "maskDuplicates": boolean(),
    "awsPairs": any_value(),
    "sigv4": any_value(),
}
CREDENTIAL_FILES = list_of(record({"path": text("a path", _path), **_MASK_FIELDS}, ("path", "mode"), is_path=True))
CREDENTIAL_VARIABLES = list_of(record({"name": text("a variable name", variable_name), **_MASK_FIELDS}, ("name", "mode")))
