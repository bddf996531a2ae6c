"""Managed settings that an operating system keeps itself: configuration profiles on macOS, the registry on Windows. Spec 1.3. Imported only there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from paddock.errors import Problem, SettingsError
from paddock.settings.files import read_optional

__all__ = ["DOMAIN", "REGISTRY", "OsPolicy", "Registry", "from_profiles", "from_registry", "windows_registry"]

DOMAIN = "com.anthropic.claudecode"
PROFILES = ("Library/Managed Preferences/{user}/" + DOMAIN + ".plist", "Library/Managed Preferences/" + DOMAIN + ".plist")
"""Where macOS puts the values that a profile forces, for one person and for everybody; the first goes before the second."""
REGISTRY = (("HKLM", r"SOFTWARE\Policies\ClaudeCode"), ("HKCU", r"SOFTWARE\Policies\ClaudeCode"))
"""Registry keys: the machine's, and the one that its user can write."""
VALUE = "Settings"

Registry = Callable[[str, str, str], str | None]
"""Hive, key and name to the text of a ``REG_SZ`` or ``REG_EXPAND_SZ`` value; None when there is none."""


class OsPolicy(NamedTuple):
    """JSON text from one place. ``path`` is the file it came from, empty for the registry. ``user`` marks what its user can write."""

    name: str
    text: str
    path: str = ""
    user: bool = False


def from_profiles(system: str, user: str) -> Iterator[OsPolicy]:
    """The forced values of the domain, as JSON. Raises ``SettingsError`` for a file that is not a property list."""
    import json
    import plistlib

    for place in PROFILES:
        path = f"{system.rstrip('/')}/{place.format(user=user)}"
        found = read_optional(path)
        if found is None:
            continue
        try:
            values = plistlib.loads(found[0])
            text = json.dumps(values)
        except (ValueError, TypeError, plistlib.InvalidFileException) as error:
            raise SettingsError([Problem(path, 0, 0, f"is not a property list of settings: {error}")]) from None
        yield OsPolicy(path, text, path)


def from_registry(read: Registry) -> Iterator[OsPolicy]:
    """The JSON text of both registry keys."""
    for hive, key in REGISTRY:
        text = read(hive, key, VALUE)
        if text is not None:
            yield OsPolicy(rf"{hive}\{key}", text, user=hive == "HKCU")


def windows_registry(hive: str, key: str, name: str) -> str | None:
    """The running system's registry."""
    import winreg

    hives = {"HKLM": "HKEY_LOCAL_MACHINE", "HKCU": "HKEY_CURRENT_USER"}
    registry = vars(winreg)
    try:
        with registry["OpenKey"](registry[hives[hive]], key) as opened:
            value, kind = registry["QueryValueEx"](opened, name)
    except FileNotFoundError:
        return None
    if kind == registry["REG_EXPAND_SZ"]:
        value = registry["ExpandEnvironmentStrings"](value)
    return value if kind in (registry["REG_SZ"], registry["REG_EXPAND_SZ"]) and isinstance(value, str) else None
