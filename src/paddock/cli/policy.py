"""``paddock policy``: show, explain, validate, schema."""

from __future__ import annotations

from paddock.cli.options import COMMON, Option, help_text, parse
from paddock.cli.output import Output
from paddock.cli.request import request_from
from paddock.cli.sections import print_sections, show_plan
from paddock.errors import UsageError
from paddock.session.prepare import load_settings, prepare
from paddock.session.show import plan_json, policy_json, policy_sections

__all__ = ["WORDS", "main"]

# word -> (module, summary); help, dispatch and the reference page are made from this table. An empty module: this file.
WORDS: dict[str, tuple[str, str]] = {
    "show": ("", "what is in force in this folder, and where each part comes from"),
    "explain": ("paddock.cli.explain", "what a command may do with a path, a host, a variable or a program, and why"),
    "validate": ("paddock.cli.validate", "check settings files"),
    "schema": ("", "print the JSON Schema of the settings"),
}
OPTIONS: tuple[Option, ...] = (
    *COMMON,
    Option("--origin", "", "for each value its scope, file and line, and what it beat"),
    Option("--plan", "", "show the plan for this host as well"),
    Option("--json", "", "for programs"),
    Option("--help", "", "this page"),
)
USAGE = "paddock policy show [OPTIONS]"
SUMMARY = "Shows the policy in force in this folder, and where each part comes from."


def main(words: list[str], out: Output) -> int:
    """Do what the first word says. Exit codes are those of the words; 0 for ``show`` and ``schema``."""
    word = words[0] if words else "--help"
    if word in ("-h", "--help"):
        out.text(usage())
        return 0
    if word not in WORDS:
        raise UsageError(f"unknown word {word!r}", hint=f"paddock policy {'|'.join(WORDS)}")
    module = WORDS[word][0]
    if module:
        code = __import__(module, fromlist=["main"]).main(words[1:], out)
        if not isinstance(code, int):
            raise TypeError(f"policy {word} returned {code!r}")
        return code
    return _schema(words[1:], out) if word == "schema" else _show(words[1:], out)


def usage() -> str:
    """The help text of ``paddock policy`` itself."""
    width = max(map(len, WORDS))
    lines = ["usage: paddock policy WORD [OPTIONS] [ARGUMENTS]", "", "words:"]
    lines += [f"  {word:<{width}}  {summary}" for word, (_, summary) in WORDS.items()]
    return "\n".join([*lines, "", "paddock policy WORD --help tells more about a word."]) + "\n"


def _schema(words: list[str], out: Output) -> int:
    if words in (["--help"], ["-h"]):
        out.text("usage: paddock policy schema\n\nPrints the JSON Schema of the settings, for editors.\n")
        return 0
    if words:
        raise UsageError(f"unexpected word {words[0]!r}", hint="paddock policy schema")
    from paddock.session.schema import json_schema

    out.json(json_schema())
    return 0


def _show(words: list[str], out: Output) -> int:
    parsed = parse(words, OPTIONS)
    if parsed.has("--help"):
        out.text(help_text(USAGE, SUMMARY, OPTIONS))
        return 0
    if parsed.rest:
        raise UsageError(f"unexpected word {parsed.rest[0]!r}", hint=USAGE)
    request = request_from(parsed)
    prepared = prepare(request) if parsed.has("--plan") else None
    settings = prepared.settings if prepared else load_settings(request)
    if parsed.has("--json"):
        policy = policy_json(settings)
        out.json({"policy": policy, "plan": plan_json(prepared.plan)} if prepared else policy)
        return 0
    print_sections(policy_sections(settings, origins=parsed.has("--origin")), out)
    if prepared:
        show_plan(prepared, out, as_json=False)
    return 0
