"""Named settings for cases that every team meets: data, validated like any file, read by the library and by whoever else offers them."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["PROFILES", "Profile", "profile_named"]

from typing import NamedTuple

from paddock.errors import UsageError


class Profile(NamedTuple):
    """``settings`` as in a file. ``workspace`` says that a run gets a fresh private folder of its own unless it names one, which it may then only read."""

    name: str
    summary: str
    settings: Mapping[str, object]
    workspace: bool


PROFILES: Mapping[str, Profile] = {
    "untrusted": Profile(
        "untrusted",
        "code that nobody has looked at: an empty folder, no network, nothing of the caller's, little of the machine",
        {
            "sandbox": {
                "network": {"deniedDomains": ["*"], "allowLocalBinding": False},
                "filesystem": {
                    # Where people, their backups and their services keep things, as the file system hierarchy standard has it.
                    "denyRead": ["~/", "/home", "/root", "/srv", "/mnt", "/media", "/opt", "/var/lib", "/var/log", "/var/backups", "/var/spool", "/var/mail"],
                    "allowRead": ["."],
                },
            },
            "paddock": {
                # What a program needs to find others and to write in the right language; everything else may say something about the caller.
                "environment": {
                    "remove": ["*"],
                    "keep": ["PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TERM", "TZ"],
                    "set": {"HOME": "/tmp"},  # noqa: S108 -- the fence's own, private and empty
                },
                "limits": {"memoryMb": 2048, "processes": 128, "cpuSeconds": 300, "timeoutSeconds": 600, "openFiles": 1024, "diskMb": 256},
            },
        },
        workspace=True,
    ),
}


def profile_named(name: str) -> Profile:
    """The profile called ``name``. Raises ``UsageError`` with the nearest name."""
    found = PROFILES.get(name)
    if found is None:
        from difflib import get_close_matches

        near = get_close_matches(name, PROFILES, 1)
        raise UsageError(f"there is no profile {name!r}", hint=f"did you mean {near[0]!r}?" if near else "known: " + ", ".join(PROFILES))
    return found
