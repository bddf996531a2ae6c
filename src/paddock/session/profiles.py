"""Named settings, for those who may not look into the settings room themselves."""

from __future__ import annotations

from collections.abc import Sequence
from json import dumps

from paddock.errors import UsageError
from paddock.settings.profiles import PROFILES, Profile, profile_named

__all__ = ["PROFILES", "Profile", "closes", "given", "profile_for_a_run", "profile_named"]

_READ_ONLY = {"paddock": {"filesystem": {"project": "read-only"}}}


def given(names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Profiles as settings of the command line, (name, JSON text) each. One that wants a private folder gets the working folder to read, as in the library.

    Raises ``UsageError`` as ``profile_for_a_run`` does.
    """
    out: list[tuple[str, str]] = []
    for name in names:
        profile = profile_for_a_run(name)
        out.append((f"--profile {name}", dumps(dict(profile.settings))))
        if profile.workspace:
            out.append((f"--profile {name}", dumps(_READ_ONLY)))
    return tuple(out)


def profile_for_a_run(name: str) -> Profile:
    """The profile called ``name``. Raises ``UsageError`` for an unknown name, and for one that only an administrator's file can say."""
    profile = profile_named(name)
    if profile.kind == "managed":
        hint = f"`paddock init --profile {name}` prints it for /etc/paddock/managed-settings.json"
        raise UsageError(f"the profile {name!r} is for an administrator's file: much of it counts nowhere else", hint=hint)
    return profile


def closes(names: Sequence[str]) -> bool:
    """Whether one of the profiles stands alone: what files open (a variable to keep, a folder to show) is not meant for what runs under it."""
    return any(profile_for_a_run(name).kind == "alone" for name in names)
