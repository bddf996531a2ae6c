from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

import paddock.cli.install as installing
from paddock.cli.output import Output
from paddock.errors import SettingsError, UsageError

PROGRAM = "/opt/my paddock/bin/paddock"
LINE = "'/opt/my paddock/bin/paddock' hook claude-code || exit 2"
MINE = {"matcher": "Bash", "hooks": [{"type": "command", "command": "mine"}]}


@pytest.fixture
def settings(isolated_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(installing, "own_command", lambda: PROGRAM)
    (isolated_environment / ".claude").mkdir()
    return isolated_environment / ".claude" / "settings.json"


def run(*words: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    verb = installing.remove if words[0] == "uninstall" else installing.main
    assert verb(list(words[1:]), Output(out, err)) == 0
    return out.getvalue(), err.getvalue()


def ours(path: Path) -> dict[str, list[str]]:
    """The commands of each event, in their order."""
    hooks = json.loads(path.read_text())["hooks"]
    return {event: [handler["command"] for entry in entries for handler in entry["hooks"]] for event, entries in hooks.items()}


def test_a_new_file_and_back(settings: Path) -> None:
    text, _ = run("install", "claude-code")
    assert any(line.startswith("+ ") and LINE in line for line in text.splitlines())
    assert ours(settings) == {event: [LINE] for event in ("PreToolUse", "PostToolUse", "PostToolUseFailure")}
    run("uninstall", "claude-code")
    assert not settings.exists()


def test_what_is_there_stays_behind_ours_and_comes_back_byte_for_byte(settings: Path) -> None:
    before = b'{ "model":"x",\n   "hooks": {"PreToolUse": [' + json.dumps(MINE).encode() + b"]}}\n\n"
    settings.write_bytes(before)
    run("install", "claude-code")
    assert ours(settings)["PreToolUse"] == [LINE, "mine"]
    run("uninstall", "claude-code")
    assert settings.read_bytes() == before


def test_installing_twice_is_installing_once(settings: Path) -> None:
    run("install", "claude-code")
    once = settings.read_bytes()
    text, _ = run("install", "claude-code")
    assert "asks Paddock already" in text
    assert settings.read_bytes() == once


def test_a_file_that_changed_since_loses_only_our_lines(settings: Path) -> None:
    run("install", "claude-code")
    document = json.loads(settings.read_text())
    document["model"] = "x"
    document["hooks"]["PreToolUse"][0]["hooks"].append({"type": "command", "command": "mine"})
    document["hooks"]["Stop"] = [MINE]
    settings.write_text(json.dumps(document))
    run("uninstall", "claude-code")
    left = json.loads(settings.read_text())
    assert left["model"] == "x"
    assert ours(settings) == {"PreToolUse": ["mine"], "Stop": ["mine"]}


def test_a_dry_run_changes_nothing(settings: Path) -> None:
    text, _ = run("install", "--dry-run", "claude-code")
    assert "nothing was changed" in text
    assert "+++ " in text
    assert not settings.exists()


def test_a_link_stays_a_link(settings: Path, tmp_path: Path) -> None:
    (tmp_path / "dotfiles.json").write_text("{}")
    settings.symlink_to(tmp_path / "dotfiles.json")
    run("install", "claude-code")
    assert settings.is_symlink()
    assert ours(tmp_path / "dotfiles.json")["PreToolUse"] == [LINE]


def test_the_projects_file(settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run("install", "--scope", "project", "claude-code")
    assert ours(tmp_path / ".claude" / "settings.json")["PreToolUse"] == [LINE]
    assert not settings.exists()


@pytest.mark.parametrize("text", ["{", '{"hooks": []}', '{"hooks": {"PreToolUse": {}}}'])
def test_a_file_that_is_not_understood_is_left_as_it_is(settings: Path, text: str) -> None:
    settings.write_text(text)
    with pytest.raises((SettingsError, UsageError)):
        run("install", "claude-code")
    assert settings.read_text() == text


def test_the_clients_own_sandbox_is_told(settings: Path) -> None:
    settings.write_text('{"sandbox": {"enabled": true}, "disableAllHooks": true}')
    _, warned = run("install", "claude-code")
    assert "sandbox.enabled" in warned
    assert "disableAllHooks" in warned
    settings.write_text("{}")
    assert run("install", "claude-code")[1] == ""


def test_the_document(settings: Path) -> None:
    document = json.loads(run("install", "--json", "claude-code")[0])
    assert (document["agent"], document["file"], document["changed"]) == ("claude-code", str(settings), True)
    assert document["coverage"][0]["part"] == "Bash, Monitor"


@pytest.mark.parametrize(
    ("words", "hint"), [((), "one of"), (("claud-code",), "did you mean claude-code"), (("--scope", "x", "claude-code"), "user, project, managed")]
)
def test_wrong_words(settings: Path, words: tuple[str, ...], hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        run("install", *words)
    assert hint in caught.value.hint


def test_an_agent_without_hooks_is_told_about_and_nothing_changes(settings: Path, isolated_environment: Path) -> None:
    before = sorted(path for path in isolated_environment.rglob("*"))
    text, _ = run("install", "codex")
    assert "run --agent codex -- codex --sandbox danger-full-access" in text
    assert "alias codex=" in text
    assert "tested with the real agent" in text
    assert "untested" in run("install", "aider")[0]
    assert "nothing was changed" in run("uninstall", "codex")[0]
    assert json.loads(run("install", "--json", "codex")[0])["changed"] is False
    assert sorted(path for path in isolated_environment.rglob("*")) == before
    with pytest.raises(UsageError):
        run("install", "--scope", "user", "codex")


def test_servers_of_every_known_file_that_exists(settings: Path, isolated_environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "there is nothing to change" in run("install", "mcp")[0]
    files = {isolated_environment / ".claude.json": {"a": 1}, tmp_path / ".mcp.json": {}}
    for path, more in files.items():
        path.write_text(json.dumps({"mcpServers": {"desk": {"command": "desk"}}} | more))
    before = {path: path.read_bytes() for path in files}
    text, warned = run("install", "mcp")
    assert text.count("now start inside") == len(files)
    assert "allowedDomains" in warned
    assert all(json.loads(path.read_text())["mcpServers"]["desk"]["command"] == PROGRAM for path in files)
    assert run("uninstall", "mcp")[0].count("start as before") == len(files)
    assert {path: path.read_bytes() for path in files} == before
