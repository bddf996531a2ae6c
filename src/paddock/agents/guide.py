"""What ``paddock install`` says about an agent that is not asked by a hook: how it runs inside as a whole, and what is covered then."""

from __future__ import annotations

from shlex import join, quote

from paddock.agents.inside import Inside
from paddock.agents.target import Coverage

__all__ = ["alias", "coverage", "whole_agent"]

_TRIED = "tested with the real agent"


def alias(agent: Inside, program: str) -> str:
    """A line for the start-up file of a shell: the agent's usual name starts it inside."""
    return f"alias {agent.program}={quote(whole_agent(agent, program))}"


def whole_agent(agent: Inside, program: str) -> str:
    """The command line that starts the agent inside."""
    return join((program, "run", "--agent", agent.name, "--", agent.program, *agent.words))


def coverage(agent: Inside) -> tuple[Coverage, ...]:
    """The honest table."""
    known = _TRIED if agent.driven else "untested"
    rows = [
        Coverage("commands that the agent runs", "inside the fence", known),
        Coverage("its own file tools and web fetches", "inside the fence, too", "the fence is around the whole process tree" if agent.driven else known),
        Coverage("its MCP servers, hooks and plugins", "inside the fence, too: what they need has to be allowed", ""),
        Coverage("rules about tools, such as Bash(git push *)", "not asked: the fence knows files, hosts, variables and programs", ""),
    ]
    if agent.state:
        rows += [
            Coverage("what it obeys at its next start", "unwritable inside: settings, hooks, plugins, instructions", known),
            Coverage("its login, key and transcripts", "readable by every command: the agent needs them where it runs", ""),
        ]
    return tuple(rows)
