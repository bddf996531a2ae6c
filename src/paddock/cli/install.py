"""``paddock install`` and ``paddock uninstall``: an agent's own configuration, with a diff before anything changes."""

from __future__ import annotations

import os
from collections.abc import Callable

from paddock.agents.configuration import Change, Keeper, diff
from paddock.agents.fencing import own_command
from paddock.agents.guide import alias, coverage, whole_agent
from paddock.agents.inside import INSIDE, Inside
from paddock.agents.known import NAMES, has_hook, target
from paddock.agents.target import Target
from paddock.cli.options import Option, Parsed, help_text, parse_mixed
from paddock.cli.output import Output, escape
from paddock.cli.request import working_folder
from paddock.errors import UsageError
from paddock.session.logbook import state_home

__all__ = ["OPTIONS", "USAGE", "main", "remove"]

OPTIONS: tuple[Option, ...] = (
    Option("--scope", "SCOPE", "whose configuration: user (the usual one), project or managed"),
    Option("--dry-run", "", "show the change and make none"),
    Option("--json", "", "for programs"),
    Option("--help", "", "this page"),
)
USAGE = "paddock install [OPTIONS] AGENT"
UNINSTALL_USAGE = "paddock uninstall [OPTIONS] AGENT"
SUMMARY = f"""Makes an agent ask Paddock before it uses a tool, and run its shell commands inside the fence. Of an agent that cannot be made to ask it
tells how it runs inside as a whole, and changes nothing. AGENT: {", ".join(NAMES)}."""
UNINSTALL_SUMMARY = "Puts the agent's configuration back as it was; when it was changed since, takes out only what Paddock had added."


def main(words: list[str], out: Output) -> int:
    """0 when the configuration is as it should be now."""
    return _carry_out(words, out, USAGE, SUMMARY, _install)


def remove(words: list[str], out: Output) -> int:
    """0 when nothing of Paddock is left in the configuration."""
    return _carry_out(words, out, UNINSTALL_USAGE, UNINSTALL_SUMMARY, _uninstall)


def _carry_out(words: list[str], out: Output, usage: str, summary: str, work: Callable[[Target, str, Keeper, Parsed, Output], None]) -> int:
    parsed = parse_mixed(words, OPTIONS)
    if parsed.has("--help"):
        out.text(help_text(usage, summary, OPTIONS))
        return 0
    if len(parsed.rest) != 1:
        raise UsageError("which agent?", hint=f"{usage}; one of: {', '.join(NAMES)}")
    name = parsed.rest[0]
    if name in INSIDE and not has_hook(name):
        _tell(INSIDE[name], parsed, out, begins=work is _install)
        return 0
    agent = target(name)
    chosen = parsed.last("--scope", agent.scopes[0])
    if chosen not in agent.scopes:
        raise UsageError(f"{agent.title} has no scope {chosen!r}", hint=f"one of: {', '.join(agent.scopes)}")
    environ = dict(os.environ)
    every = agent.every_scope and not parsed.has("--scope")
    paths = [agent.path(scope, project=working_folder(), environ=environ) for scope in (agent.scopes if every else (chosen,))]
    found = [path for path in paths if os.path.lexists(path)] if every else paths
    if not found:
        out.text(f"{agent.title}: there is nothing to change: {', '.join(map(escape, paths))} do not exist\n")
    for path in found:
        work(agent, path, Keeper(f"{state_home(environ)}/agents"), parsed, out)
    return 0


def _tell(agent: Inside, parsed: Parsed, out: Output, *, begins: bool) -> None:
    """What there is to do by hand for an agent whose configuration stays as it is."""
    program = own_command()
    if parsed.has("--scope"):
        raise UsageError(f"{agent.title} has no scopes: its configuration is not changed")
    if parsed.has("--json"):
        rows = [row._asdict() for row in coverage(agent)]
        out.json({"schema": 1, "agent": agent.name, "changed": False, "command": whole_agent(agent, program), "alias": alias(agent, program), "coverage": rows})
        return
    if not begins:
        out.text(f"{agent.title}: nothing was changed, so there is nothing to put back. Take the alias out of your shell's start-up file.\n")
        return
    out.text(f"{agent.title} does not ask before it uses a tool; run it inside as a whole:\n\n  {escape(whole_agent(agent, program))}\n\n")
    out.text(f"or, for every start, with this line in your shell's start-up file:\n\n  {escape(alias(agent, program))}\n\n")
    if agent.words:
        out.text(f"{' '.join(agent.words)}: its own sandbox cannot be built inside a fence, and would refuse every command.\n\n")
    out.table([(row.part, row.what, row.known) for row in coverage(agent)], ("part", "what happens to it", "known by"))


def _install(agent: Target, path: str, keeper: Keeper, parsed: Parsed, out: Output) -> None:
    change = agent.install(path, own_command())
    made = not parsed.has("--dry-run")
    if made:
        keeper.make(change)
    if parsed.has("--json"):
        out.json(_document(agent, change, made=made and change.needed))
        return
    _show(change, out)
    out.text(_state(change, made=made, done=agent.words[0], already=agent.words[1], agent=agent))
    for note in agent.notes(path):
        out.warn(note)
    out.text("\n")
    out.table([(row.part, row.what, row.known) for row in agent.coverage], ("part", "what happens to it", "known by"))


def _uninstall(agent: Target, path: str, keeper: Keeper, parsed: Parsed, out: Output) -> None:
    as_left, original = keeper.original(path)
    change = agent.remove(path)
    if as_left:
        change = Change(path, change.before, original)
    made = not parsed.has("--dry-run")
    if made:
        keeper.make(change)
        keeper.forget(path)
    if parsed.has("--json"):
        out.json(_document(agent, change, made=made and change.needed))
        return
    _show(change, out)
    out.text(_state(change, made=made, done=agent.words[2], already=agent.words[3], agent=agent))


def _show(change: Change, out: Output) -> None:
    styles = {"+": "good", "-": "bad"}
    for line in diff(change):
        out.text(out.paint(styles.get(line[:1], "dim"), escape(line), err=False) + "\n")


def _state(change: Change, *, made: bool, done: str, already: str, agent: Target) -> str:
    if not change.needed:
        return f"{agent.title} {already}: {escape(change.path)}\n"
    return f"{agent.title} {done}: {escape(change.path)}\n" if made else f"nothing was changed (--dry-run): {escape(change.path)}\n"


def _document(agent: Target, change: Change, *, made: bool) -> dict[str, object]:
    return {
        "schema": 1,
        "agent": agent.name,
        "file": change.path,
        "changed": made,
        "diff": list(diff(change)),
        "coverage": [row._asdict() for row in agent.coverage],
    }
