"""Writes the pages of the documentation that come from the program itself.

``./dev docs`` writes them; with ``--check`` this only says which are behind, as ``tests/project/test_docs.py`` does.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "src")]

ROOT = Path(__file__).resolve().parents[1]
GENERATED = "<!-- Written by ./dev docs from the program itself: change it there. -->\n"


def cli_page() -> str:
    """The help text of every verb."""
    from paddock.cli.main import VERBS
    from paddock.cli.policy import WORDS

    parts = ["# Command line", GENERATED, fenced(help_of([]))]
    for verb in VERBS:
        parts += [f"## paddock {verb}\n", fenced(help_of([verb]))]
        for word in WORDS if verb == "policy" else ():
            parts += [f"### paddock {verb} {word}\n", fenced(help_of([verb, word]))]
    parts.append("Exit codes have [a page of their own](exit-codes.md).\n")
    return "\n".join(parts)


def help_of(words: list[str]) -> str:
    """What ``paddock WORDS --help`` prints."""
    from paddock.cli.main import main

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = main([*words, "--help"])
    if code != 0 or not printed.getvalue():
        raise SystemExit(f"docs: paddock {' '.join(words)} --help ended with {code}")
    return printed.getvalue()


def fenced(text: str) -> str:
    """A block of plain text."""
    return f"```text\n{text.rstrip()}\n```\n"


def settings_page() -> str:
    """Every key, from the table that validation uses."""
    from paddock.model.settings import Scope
    from paddock.settings.table import KEYS, Class

    head = """# Settings

Settings are JSON objects. At each scope two families of files are read; both count.

| scope, strongest first | Paddock's file | also read |
| --- | --- | --- |
| managed | `/etc/paddock/managed-settings.json`, `/etc/paddock/managed-settings.d/*.json` | the same names in `/etc/claude-code/` |
| cli | `--settings FILE` or JSON text, and single options | |
| local | `.paddock/settings.local.json` | `.claude/settings.local.json` |
| project | `.paddock/settings.json` | `.claude/settings.json` |
| user | `$XDG_CONFIG_HOME/paddock/settings.json` | `~/.claude/settings.json` |
| builtin | Paddock's own, shown by `paddock policy show` | |

Lists are joined over the scopes, single values come from the strongest scope that sets them, objects are merged name by name. An unknown key
below `sandbox`, `permissions` or `paddock` is an error with its place and the nearest spelling; other top-level keys belong to other readers.
`paddock policy show` prints what is in force and where each value came from, and `paddock policy schema` prints a JSON Schema for editors.

What a key is for `paddock run`:

- **enforced**: the fence holds it;
- **satisfied by construction**: `paddock run` always does what the stricter value asks for;
- **concerns the tool layer**: it is for an agent's own tools; said once and otherwise left alone;
- **refused**: it would leave the command with less than was asked for, so the run does not start.

"Trust" marks keys whose entries in a project's own files count only after `paddock trust`.
"""
    parts = [head, GENERATED]
    every = frozenset(Scope)
    for cls in Class:
        parts += [f"## {cls.value[0].upper()}{cls.value[1:]}\n", "| key | what it says | default | trust | only from |", "| --- | --- | --- | --- | --- |"]
        for key in sorted((k for k in KEYS.values() if k.cls is cls), key=lambda k: k.name):
            default = "" if key.default is None else f"`{default_text(key.default)}`"
            trust = "" if key.widens.value == "never" else {"always": "yes", "values": "some values", "outside project": "paths outside"}[key.widens.value]
            scopes = "" if key.scopes >= every - {Scope.BUILTIN} else ", ".join(s.value for s in Scope if s in key.scopes and s is not Scope.BUILTIN)
            parts.append(f"| `{key.name}` | {cell(key.about)} | {default} | {trust} | {scopes} |")
        parts.append("")
    return "\n".join(parts)


def default_text(value: object) -> str:
    """A default as it would stand in a file."""
    import json

    return json.dumps(list(value) if isinstance(value, tuple | frozenset) else value)


def cell(text: str) -> str:
    """Text that may stand in a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def builtin_page() -> str:
    """What holds without any settings."""
    from paddock.settings.builtin import DENY_READ, REMOVE

    parts = [
        "# What holds without any settings",
        "",
        "The builtin scope. `allowRead`, an `allowWrite` entry that names the place, and `paddock.environment.keep` re-open single items,",
        "and the report says so.",
        "",
        GENERATED,
        "## Not readable",
        "",
        "| place | why |",
        "| --- | --- |",
        *(f"| `{place}` | {cell(why)} |" for place, why in DENY_READ),
        "",
        "## Not passed on",
        "",
        "| variable | why |",
        "| --- | --- |",
        *(f"| `{name}` | {cell(why)} |" for name, why in REMOVE),
        "",
    ]
    return "\n".join(parts)


PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/cli.md": cli_page,
    "docs/reference/settings.md": settings_page,
    "docs/reference/builtin.md": builtin_page,
}


def stale() -> list[str]:
    """The generated pages that are not what the program says now."""
    return [name for name, page in PAGES.items() if not (ROOT / name).exists() or (ROOT / name).read_text(encoding="utf-8") != page()]


def main(words: list[str]) -> int:
    """Write or check."""
    behind = stale()
    for name in behind:
        if "--check" not in words:
            (ROOT / name).write_text(PAGES[name](), encoding="utf-8")
        print(f"{'behind' if '--check' in words else 'wrote'}: {name}")
    return 1 if behind and "--check" in words else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
