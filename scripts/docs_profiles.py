"""The reference page about profiles, from the data that programs get."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["profiles_page"]

_HEAD = """# Profiles

Settings for cases that every team meets. `paddock init` writes a project's first policy from them; `paddock run --profile NAME` uses one as it is, with the
scope of the command line but weaker than `--settings`; `paddock.Policy.profile(NAME)` does the same for programs.
[How to start with one](../how-to/start-with-a-profile.md).
"""
_WORKSPACE = (
    " In a program, a run that names no folder gets a private one, which is gone afterwards; on the command line, in a project's file, and for a run that "
    "names a folder, `paddock.filesystem.project` is `read-only` as well."
)
_KINDS = {
    "language": "chosen by what the project holds",
    "addition": "joins what the project needs",
    "alone": "stands alone",
    "managed": "for an administrator's file only",
}


def profiles_page(generated: str) -> str:
    """Every profile: when to take it, and what it says."""
    from paddock.session.init_text import render
    from paddock.settings.profiles import PROFILES

    rows = [f"| [`{p.name}`](#{p.name}) | {p.summary} | {_KINDS[p.kind]} |" for p in PROFILES.values()]
    parts = [_HEAD, generated, "\n".join(["| profile | for | in `paddock init` |", "| --- | --- | --- |", *rows]) + "\n"]
    for profile in PROFILES.values():
        parts.append(f"## {profile.name}\n\n{profile.summary[0].upper()}{profile.summary[1:]}.{_WORKSPACE * profile.workspace}\n")
        settings: Mapping[str, object] = profile.settings
        parts.append(f"```json\n{render(settings)}```\n")
    return "\n".join(parts)
