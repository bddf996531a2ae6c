"""Agents that run inside the fence as a whole: the few things that each of them needs there, as data.

An agent needs its model's host, its key and a place for its state; everything else stays as the settings say. What an agent obeys when it is started the next
time (its settings, hooks, plugins, instructions) stays unwritable, because the next start may be one outside. Taken from each agent's public documentation;
what was watched with the real program is what ``tests/reference`` drives.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping

from paddock.errors import PolicyError, UsageError
from paddock.model.paths import is_beneath
from paddock.model.record import record, replace
from paddock.model.settings import Settings
from paddock.session.prepare import Request

__all__ = ["INSIDE", "Inside", "State", "inside", "make_places", "refuse_void", "with_agent"]


@record
class State:
    """A place that the agent writes: below home, moved by ``variable`` where that is set. ``guarded`` are names in it that must not change."""

    place: str
    variable: str = ""
    guarded: tuple[str, ...] = ()

    def path(self, environ: Mapping[str, str]) -> str:
        """Where it is for this caller: absolute where a variable says so, below ``~`` otherwise. Raises ``UsageError`` for home or a folder above it."""
        moved = environ.get(self.variable, "") if self.variable else ""
        if not os.path.isabs(moved):
            return self.place
        moved, home = os.path.realpath(moved), os.path.realpath(environ.get("HOME", "/"))
        if is_beneath(home, moved):
            raise UsageError(f"{self.variable} is {moved}, and all of that would become writable", hint="name a folder that holds nothing else")
        return moved


@record
class Inside:
    """``hosts`` are always reached; ``keys`` are variables with a key, each with the host that it is for, reached where the key is set.

    ``addresses`` are variables with the address of another endpoint. ``files`` are state of a single file, made as an empty object; there is none where its
    variable is set. ``config`` is only read. ``words`` follow the agent's name where its own sandbox has to be off, because none can be built inside a fence.
    """

    name: str
    title: str
    program: str
    hosts: tuple[str, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    addresses: tuple[str, ...] = ()
    state: tuple[State, ...] = ()
    files: tuple[State, ...] = ()
    config: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    driven: bool = False


_ANTHROPIC = ("ANTHROPIC_API_KEY", "api.anthropic.com")
_OPENAI = ("OPENAI_API_KEY", "api.openai.com")
_GOOGLE = "generativelanguage.googleapis.com"
_GEMINI = ("GEMINI_API_KEY", _GOOGLE)
_MANY = (
    _ANTHROPIC,
    _OPENAI,
    _GEMINI,
    ("OPENROUTER_API_KEY", "openrouter.ai"),
    ("DEEPSEEK_API_KEY", "api.deepseek.com"),
    ("GROQ_API_KEY", "api.groq.com"),
    ("MISTRAL_API_KEY", "api.mistral.ai"),
    ("XAI_API_KEY", "api.x.ai"),
)

INSIDE: Mapping[str, Inside] = {
    found.name: found
    for found in (
        # https://code.claude.com/docs/en/network-config, /en/settings
        Inside(
            "claude-code",
            "Claude Code",
            "claude",
            ("api.anthropic.com", "platform.claude.com"),
            (_ANTHROPIC, ("ANTHROPIC_AUTH_TOKEN", ""), ("CLAUDE_CODE_OAUTH_TOKEN", "")),
            ("ANTHROPIC_BASE_URL",),
            (
                State(
                    "~/.claude",
                    "CLAUDE_CONFIG_DIR",
                    (
                        *("settings.json", "settings.local.json", "CLAUDE.md", "agents", "commands", "hooks"),
                        *("output-styles", "plugins", "rules", "skills", "workflows", "local"),
                    ),
                ),
            ),
            (State("~/.claude.json", "CLAUDE_CONFIG_DIR"),),
            driven=True,
        ),
        # https://developers.openai.com/codex/config-reference, /codex/hooks
        Inside(
            "codex",
            "Codex CLI",
            "codex",
            ("api.openai.com", "chatgpt.com", "auth.openai.com"),
            (_OPENAI, ("CODEX_API_KEY", "")),
            ("OPENAI_BASE_URL",),
            (
                State(
                    "~/.codex",
                    "CODEX_HOME",
                    ("config.toml", "hooks.json", "hooks", "AGENTS.md", "AGENTS.override.md", "prompts", "rules", "skills", "plugins", "packages", "bin"),
                ),
            ),
            words=("--sandbox", "danger-full-access"),
            driven=True,
        ),
        # https://geminicli.com/docs/reference/configuration
        Inside(
            "gemini-cli",
            "Gemini CLI",
            "gemini",
            (_GOOGLE, "cloudcode-pa.googleapis.com", "oauth2.googleapis.com"),
            (_GEMINI, ("GOOGLE_API_KEY", "")),
            ("GOOGLE_GEMINI_BASE_URL",),
            (State("~/.gemini", "", ("settings.json", "trustedFolders.json", "GEMINI.md", ".env", "agents", "commands", "extensions", "policies", "skills")),),
            driven=True,
        ),
        # https://opencode.ai/docs/config, /docs/providers
        Inside(
            "opencode",
            "opencode",
            "opencode",
            ("opencode.ai", "models.opencode.ai"),
            (*_MANY, ("OPENCODE_API_KEY", "")),
            state=(
                State("~/.local/share/opencode", "", ("bin",)),
                State("~/.local/state/opencode"),
                State(
                    "~/.config/opencode",
                    "",
                    (
                        *("config.json", "opencode.json", "opencode.jsonc", "tui.json", "AGENTS.md", "package.json", "node_modules"),
                        *("agent", "agents", "command", "commands", "mode", "modes", "plugin", "plugins", "skill", "skills", "tool", "tools"),
                    ),
                ),
            ),
            driven=True,
        ),
        # https://aider.chat/docs/config/options.html, /docs/config/api-keys.html
        Inside("aider", "aider", "aider", (), _MANY, ("OPENAI_API_BASE",), (State("~/.aider"),), config=("~/.aider.conf.yml", "~/.aider.model.settings.yml")),
        Inside("generic", "another agent", "AGENT"),
    )
}


def inside(name: str) -> Inside:
    """An agent by name. Raises ``UsageError``."""
    found = INSIDE.get(name)
    if found is None:
        from difflib import get_close_matches

        near = get_close_matches(name, INSIDE, 1)
        raise UsageError(f"unknown agent {name!r}", hint=f"did you mean {near[0]}?" if near else f"one of: {', '.join(INSIDE)}")
    return found


def with_agent(request: Request, agent: Inside) -> Request:
    """The request with what this agent needs, as settings of the command line's scope. Raises ``UsageError`` for an address that is none."""
    return replace(request, given=(*request.given, (_source(agent), json.dumps(settings_for(agent, request.environ)))))


def _source(agent: Inside) -> str:
    return f"--agent {agent.name}"


def settings_for(agent: Inside, environ: Mapping[str, str]) -> dict[str, object]:
    """The grants in the words of the settings."""
    kept = [name for name, _ in agent.keys if environ.get(name)]
    hosts = [*agent.hosts, *(host for name, host in agent.keys if host and name in kept), *_named(agent, environ)]
    places = [state.path(environ) for state in agent.state]
    guarded = [f"{state.path(environ).rstrip('/')}/{name}" for state in agent.state for name in state.guarded]
    return {
        "sandbox": {
            "network": {"allowedDomains": list(dict.fromkeys(hosts))},
            "filesystem": {"allowWrite": [*places, *_files(agent, environ)], "allowRead": list(agent.config), "denyWrite": guarded},
        },
        "paddock": {"environment": {"keep": kept}},
    }


def _named(agent: Inside, environ: Mapping[str, str]) -> Iterator[str]:
    """The hosts of other endpoints that the caller's own environment names."""
    from ipaddress import ip_address
    from urllib.parse import urlsplit

    for name in agent.addresses:
        text = environ.get(name, "")
        if not text:
            continue
        try:
            parts = urlsplit(text)
            host, port = parts.hostname or "", parts.port or {"http": 80, "https": 443}[parts.scheme]
        except (ValueError, KeyError):
            host, port = "", 0
        if not host:
            raise UsageError(f"{name} is not the address of an endpoint", hint="it should begin with https:// and a host")
        try:
            address = ip_address(host)
        except ValueError:
            yield f"{host}:{port}"
            continue
        yield f"localhost:{port}" if address.is_loopback else f"[{host}]:{port}" if address.version == 6 else f"{host}:{port}"


def make_places(agent: Inside, environ: Mapping[str, str]) -> None:
    """Make the places for the agent's state that are missing: inside, nothing can be made in the folder above. Raises ``UsageError``."""
    home = environ.get("HOME", "")
    for place in (state.path(environ) for state in agent.state):
        try:
            os.makedirs(_below(place, home), mode=0o700, exist_ok=True)
        except OSError as error:
            raise UsageError(f"the state of {agent.title}, {place}, cannot be made: {error.strerror}") from error
    for place in _files(agent, environ):
        try:
            fd = os.open(_below(place, home), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(fd, "wb") as file:
                file.write(b"{}\n")
        except FileExistsError:
            continue
        except OSError as error:
            raise UsageError(f"the state of {agent.title}, {place}, cannot be made: {error.strerror}") from error


def _files(agent: Inside, environ: Mapping[str, str]) -> list[str]:
    return [file.place for file in agent.files if not environ.get(file.variable)]


def _below(place: str, home: str) -> str:
    if place[:2] == "~/":
        if not os.path.isabs(home):
            raise UsageError("no home folder: HOME is not set")
        return f"{home}/{place[2:]}"
    return place


def refuse_void(settings: Settings, agent: Inside) -> None:
    """Refuse what an administrator's lock makes useless: an agent without its model or its state fails later, and says less about why.

    Raises ``PolicyError`` naming the first entry.
    """
    counted = {entry.value for entries in settings.lists.values() for entry in entries if isinstance(entry.value, str)}
    for entry, reason in settings.void:
        if entry.origin.file == _source(agent) and entry.value not in counted:
            hint = "ask whoever administers this machine to allow it, or run the agent without --agent"
            raise PolicyError(f"{agent.title} needs {entry.value}, which does not count here: {reason}", hint=hint)
