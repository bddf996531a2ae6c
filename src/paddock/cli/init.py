"""``paddock init``: a project's first policy, from what the project is made of."""

from __future__ import annotations

import os

from paddock.cli.options import Option, Parsed, help_text, parse
from paddock.cli.output import Output, escape
from paddock.cli.request import working_folder
from paddock.errors import UsageError
from paddock.session.init import MANAGED, Draft, draft, settings_text, write, write_new
from paddock.session.profiles import PROFILES, profile_named

__all__ = ["LEFT_ALONE", "OPTIONS", "USAGE", "main"]

LEFT_ALONE = 1
OPTIONS: tuple[Option, ...] = (
    Option("--profile", "NAME", f"start from this profile; may be given more than once: {', '.join(PROFILES)}"),
    Option("--merge", "", "add what is missing to a settings file that is there; nothing in it is changed or removed"),
    Option("--output", "FILE", "with --profile enterprise: write there, to a file that does not exist yet; without it, to standard output"),
    Option("--dry-run", "", "show what would be written and write nothing"),
    Option("--json", "", "for programs"),
    Option("--help", "", "this page"),
)
USAGE = "paddock init [OPTIONS]"
SUMMARY = (
    "Looks at the project in this folder, without running anything of it, and writes a commented policy to .paddock/settings.json, shown as a diff. "
    "A file that is there is never replaced. Exit code 0: written, or nothing is missing; 1: a file is there and was left alone."
)
_SCHEMA = 1
_SHOWN = 3
"""Names of one kind in a row."""


def main(words: list[str], out: Output) -> int:
    """0 when the project has what was proposed, or it was only to be shown; 1 when a file that is there was left as it is."""
    parsed = parse(words, OPTIONS)
    if parsed.has("--help"):
        out.text(help_text(USAGE, SUMMARY, OPTIONS))
        return 0
    if parsed.rest:
        raise UsageError(f"unexpected word {parsed.rest[0]!r}", hint=f"{USAGE}; a profile is named with --profile")
    names = parsed.values.get("--profile", [])
    if len(set(names)) == 1 and profile_named(names[0]).kind == "managed":
        return _managed(names[0], parsed, out)
    made = draft(working_folder(), os.environ, names)
    if parsed.has("--output"):
        raise UsageError("--output goes with a profile for administrators", hint="paddock init --profile enterprise --output FILE")
    todo = [file for file in made.files if file.needed]
    todo = [] if parsed.has("--dry-run") else [file for file in todo if file.before is None or parsed.has("--merge")]
    for file in todo:
        write(file)
    left = not parsed.has("--dry-run") and any(file.needed and file not in todo for file in made.files)
    if parsed.has("--json"):
        out.json(_document(made, [file.path for file in todo]))
    else:
        _show(made, [file.path for file in todo], parsed, out)
    return LEFT_ALONE if left else 0


def _managed(name: str, parsed: Parsed, out: Output) -> int:
    text = settings_text(profile_named(name))
    target = parsed.last("--output")
    if parsed.has("--merge") or parsed.has("--json"):
        raise UsageError(f"the profile {name!r} is printed as it is", hint="leave out --merge and --json")
    if not target or parsed.has("--dry-run"):
        out.text(text)
    else:
        write_new(os.path.join(working_folder(), target), text)
    out.note(f"for {MANAGED}, which only root should be able to write; check it with `paddock policy validate --scope managed FILE`")
    return 0


def _show(made: Draft, written: list[str], parsed: Parsed, out: Output) -> None:
    out.table(_rows(made), ("found", "where", "so"))
    if made.found.cut:
        out.warn("this project is large: only its beginning was looked at")
    if made.above:
        out.warn(f"settings count for commands that start in this folder; the repository begins in {made.above}")
    styles = {"+": "good", "-": "bad"}
    for file in made.files:
        if file.needed:
            out.text("\n")
            for line in file.diff():
                out.text(out.paint(styles.get(line[:1], "dim"), escape(line), err=False) + "\n")
    out.text("\n")
    if not any(file.needed for file in made.files):
        out.line("Nothing is missing from this project's settings.")
        return
    for file in made.files:
        if file.needed:
            out.line(_state(os.path.relpath(file.path, working_folder()), new=file.before is None, written=file.path in written, dry=parsed.has("--dry-run")))
    if made.widening:
        count = len(made.widening)
        out.line(f"{count} {'entry opens' if count == 1 else 'entries open'} something and {'counts' if count == 1 else 'count'} after `paddock trust`:")
        out.table(made.widening)
    out.line("Try it: paddock run -- COMMAND. See all that counts: paddock policy show --origin.")


def _state(path: str, *, new: bool, written: bool, dry: bool) -> str:
    if written:
        return f"{'Written' if new else 'Added to'}: {path}"
    if dry:
        return f"Nothing was written (--dry-run): {path}"
    return f"Left as it is: {path} exists. Apply what you want of the diff by hand, or all of it with --merge."


def _rows(made: Draft) -> list[tuple[str, str, str]]:
    found = made.found
    used = {profile.name for profile in made.profiles}
    rows = [(name, _few(files), f"profile {name}" if name in used else "not used: another profile was named") for name, files in found.languages.items()]
    rows += [("development server", server.place, f"port {server.port}" if server.port else "any port it listens on") for server in found.servers]
    rows += [("secrets", _few(found.secrets), "hidden")] if found.secrets else []
    rows += [("environment", _few(found.environment), "readable, as applications need it; hide it in denyRead if yours does not")] if found.environment else []
    if found.containers:
        so = "no engine is reached from inside; --profile containers says how agents ask for one" if "containers" not in used else "profile containers"
        rows.append(("containers", _few(found.containers), so))
    rows += [(about, name, "cannot be written inside") for name, about in found.protected[:8]]
    rows += [("settings", _few(found.settings), "what they say is not repeated")] if found.settings else []
    rows += [("unreadable", _few(found.unreadable), "not looked at")] if found.unreadable else []
    return rows or [("nothing", "", "that says what this project needs")]


def _few(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _document(made: Draft, written: list[str]) -> dict[str, object]:
    found = made.found
    return {
        "schema": _SCHEMA,
        "profiles": [profile.name for profile in made.profiles],
        "found": {
            "languages": found.languages,
            "servers": [{"port": server.port, "place": server.place} for server in found.servers],
            "containers": found.containers,
            "secrets": found.secrets,
            "environment": found.environment,
            "protected": [{"name": name, "about": about} for name, about in found.protected],
            "settings": found.settings,
            "unreadable": found.unreadable,
            "cut": found.cut,
        },
        "files": [
            {"path": file.path, "exists": file.before is not None, "needed": file.needed, "written": file.path in written, "diff": file.diff()}
            for file in made.files
        ],
        "widening": [{"key": key, "text": text} for key, text in made.widening],
    }
