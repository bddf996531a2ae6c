"""Writes the pages of the documentation that come from the program itself.

``./dev docs`` writes them; with ``--check`` this only says which are behind, as ``tests/project/test_docs.py`` does.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paddock.settings.table import Key
    from paddock.settings.types import Shape

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "src"), str(Path(__file__).resolve().parents[1])]

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
    from paddock.settings.managed import FOLDERS, WINDOWS_IN_WSL
    from paddock.settings.ospolicy import DOMAIN, PROFILES, REGISTRY
    from paddock.settings.table import KEYS, Class

    folders = [f"| {platform} | {' | '.join(f'`/{folder}/`' for _, folder in found)} |" for platform, found in FOLDERS.items()]
    places = [
        *("## Where managed settings are", "", "| system | Paddock's folder | also read |", "| --- | --- | --- |", *folders, ""),
        "On Windows the folders are below the system drive. In each, `managed-settings.json` is read first and then `managed-settings.d/*.json` in",
        "alphabetical order; a later file wins a single value, and lists are joined. Of the sources that are also read, one is in force: the first of",
        f"a profile of macOS (`{DOMAIN}`, in `/{PROFILES[1]}`), the registry of Windows (`{REGISTRY[0][0]}\\{REGISTRY[0][1]}`),",
        f"and the files. A WSL machine reads `/{WINDOWS_IN_WSL}/` as well when it sets `wslInheritsWindowsSettings`; it does not read the registry.",
        "",
    ]
    parts = [SETTINGS_HEAD, GENERATED, *places]
    for cls in Class:
        parts += [
            f"## {cls.value[0].upper()}{cls.value[1:]}\n",
            "| key | what it says | type | default | trust | only from | since | example |",
            "| --- " * 8 + "|",
        ]
        parts += [key_row(key) for key in sorted((k for k in KEYS.values() if k.cls is cls), key=lambda k: k.name)]
        parts.append("")
    return "\n".join(parts)


SETTINGS_HEAD = """# Settings

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

Every object of settings may hold a comment: a member called `"//"`, a text or a list of texts, which has no effect. The file stays JSON for its other readers.

"Trust" marks keys whose entries in a project's own files count only after `paddock trust`. "Since" is the release of Paddock that knows the key; "later" keys
are known and not carried out yet.
"""


def key_row(key: Key) -> str:
    """One key as a row of its table."""
    from paddock.model.settings import Scope
    from paddock.settings.examples import EXAMPLES

    default = "" if key.default is None else f"`{default_text(key.default)}`"
    trust = "" if key.widens.value == "never" else {"always": "yes", "values": "some values", "outside project": "paths outside"}[key.widens.value]
    scopes = "" if key.scopes >= frozenset(Scope) - {Scope.BUILTIN} else ", ".join(s.value for s in Scope if s in key.scopes and s is not Scope.BUILTIN)
    cells = (f"`{key.name}`", key.about, type_text(key.shape), default, trust, scopes, key.since, f"`{default_text(EXAMPLES[key.name])}`")
    return "| " + " | ".join(map(cell, cells)) + " |"


def type_text(shape: Shape) -> str:
    """What a value looks like, in words."""
    if shape.item is None:
        return shape.wanted
    several = type_text(shape.item)
    words = several.removeprefix("a ").removeprefix("an ")
    return f"{shape.wanted}: each {words}" if shape.wanted == "a list" else f"{shape.wanted} of names, each with {several}"


def differences_page() -> str:
    """The page about differences, its table from the rows that the program goes by."""
    from paddock.settings.overrides import OVERRIDES

    page = (ROOT / "docs/explanation/differences.md").read_text(encoding="utf-8")
    before, begin, rest = page.partition("<!-- overrides -->\n")
    _, end, after = rest.partition("<!-- end of overrides -->\n")
    if not begin or not end:
        raise SystemExit("docs: the marks around the table are missing in docs/explanation/differences.md")
    rows = ["| | where the format says | Paddock | because | name |", "| --- | --- | --- | --- | --- |"]
    rows += [f"| **{cell(o.title)}** | {cell(o.reference)} | {cell(o.paddock)} | {cell(o.reason)} | `{o.id}` |" for o in OVERRIDES]
    return before + begin + "\n".join(rows) + "\n" + end + after


def default_text(value: object) -> str:
    """A default as it would stand in a file."""
    import json

    return json.dumps(list(value) if isinstance(value, tuple | frozenset) else value)


def cell(text: str) -> str:
    """Text that may stand in a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def builtin_page() -> str:
    """What holds without any settings."""
    from paddock.settings.builtin import AGENT_VARIABLES, DENY_READ, REMOVE

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
        *(f"| `{name}` | {cell(why)} |" for name, why in (*REMOVE, *AGENT_VARIABLES)),
        "",
    ]
    return "\n".join(parts)


def lint_page() -> str:
    """Every rule of the linter, with what triggers it and what does not."""
    from paddock.session.lint.examples import EXAMPLES
    from paddock.session.lint.table import RULES

    def settings(document: object) -> str:
        import json

        return f"`{cell(json.dumps(document))}`"

    parts = ["# What `paddock lint` finds", "", LINT_HEAD, GENERATED]
    for rule in RULES:
        example = EXAMPLES[rule.id]
        where = "" if example.scope.value == "project" else f" (in a {example.scope.value} file)"
        files = "".join(f", with a file `{name}` in the project" for name, _ in example.present[:1])
        parts += [
            f"## {rule.id}",
            "",
            f"{rule.level[0].upper()}{rule.level[1:]}. {rule.why}",
            "",
            "| | |",
            "| --- | --- |",
            f"| found{where} | {settings(example.found)}{files} |",
            f"| not found | {settings(example.near)} |",
            f"| instead | {settings(example.silent)} |",
            f"| `--fix` | {rule.fix or 'leaves it to you'} |",
            "",
        ]
    return "\n".join(parts)


LINT_HEAD = """An *error* keeps a run from starting. A *warning* is an entry that does nothing, does something else than it seems to, or opens more than it
should. An *info* is a remark. Warnings and errors make the exit code 1. `--fix` carries out only what widens nothing: it takes away entries that never count,
and corrects the spelling of those that deny or ask. How to use it: [Lint settings](../how-to/lint.md).
"""


def library_page() -> str:
    """The public names of the package, from their own words."""
    from scripts.docs_library import library_page as page

    return page(GENERATED)


def profiles_page() -> str:
    """The profiles, from the data that runs get."""
    from scripts.docs_profiles import profiles_page as page

    return page(GENERATED)


PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/cli.md": cli_page,
    "docs/reference/settings.md": settings_page,
    "docs/reference/builtin.md": builtin_page,
    "docs/reference/lint.md": lint_page,
    "docs/reference/library.md": library_page,
    "docs/reference/profiles.md": profiles_page,
    "docs/explanation/differences.md": differences_page,
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
