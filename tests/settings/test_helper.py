"""The policy helper: what it prints replaces the managed settings, and nothing it does gets past its bounds."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from paddock.errors import SettingsError
from paddock.settings import helper
from tests.conftest import applies
from tests.settings.world import World, values

DENY = {"permissions": {"deny": ["Bash(file)"]}}


def program(world: World, text: str, name: str = "opt/policy") -> Path:
    path = world.put(world.system / name, f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def printing(content: object) -> str:
    return f"cat <<'END'\n{json.dumps(content)}\nEND"


def named(world: World, **more: object) -> None:
    world.write("managed", {**DENY, "policyHelper": {"path": "/opt/policy", **more}})


def refusal(world: World) -> str:
    with pytest.raises(SettingsError) as caught:
        world.load()
    return str(caught.value)


def ended(folder: Path) -> None:
    """Killed processes need a moment until whoever adopted them has reaped them."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.killpg(int((folder / "pid").read_text()), 0)
        except ProcessLookupError:
            return
        os.sched_yield()
    pytest.fail("something of the helper's session is still there")


def test_its_output_replaces_the_source_that_named_it(world: World) -> None:
    path = program(world, printing({"managedSettings": {"model": "h", "permissions": {"deny": ["Bash(helper)"]}}}))
    named(world)
    settings = world.load()
    assert settings.scalar("model") == "h"
    assert values(settings, "permissions.deny") == ["Bash(helper)"]
    assert settings.scalars["model"].origin.file == str(path)
    assert [entry.value for entry, reason in settings.void if "policy helper" in reason] == ["Bash(file)"]
    assert [s.state for s in settings.sources if s.file == str(world.path("managed"))] == ["ignored"]


def test_without_settings_in_its_answer_nothing_is_applied(world: World) -> None:
    program(world, "echo '{}'")
    named(world)
    settings = world.load()
    assert values(settings, "permissions.deny") == []
    assert any(source.detail == "the policy helper gave no settings" for source in settings.sources)


def test_it_gets_its_arguments_no_input_and_no_environment_of_the_caller(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED_SECRET", "x")
    script = 'read line && exit 9\nprintf \'{"managedSettings": {"model": "%s|%s|%s|%s"}}\' "$1" "$PLANTED_SECRET" "$CLAUDE_CODE_VERSION" "$PWD"'
    program(world, script)
    named(world, args=["a b; exit 7"])
    assert world.load().scalar("model") == f"a b; exit 7||{helper.REFERENCE_VERSION}|/"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 3", "the policy helper ended with 3"),
        ("kill -9 $$", "the policy helper was ended by signal 9"),
        ("echo not json", "expected a value"),
        ("echo '[]'", "the policy helper printed something else than an object"),
        ("echo '{\"managedSettings\": []}'", "settings are one JSON object"),
        ('echo \'{"managedSettings": {"sandbox": {"enabled": 3}}}\'', "sandbox.enabled: expected true or false"),
        ("head -c 1000001 /dev/zero", "the policy helper printed more than 1000000 bytes"),
        ("cat /dev/zero", "the policy helper printed more than 1000000 bytes"),
    ],
)
def test_anything_else_refuses_the_run(world: World, script: str, message: str) -> None:
    program(world, script)
    named(world)
    assert message in refusal(world)


def test_exactly_the_limit_is_read(world: World) -> None:
    text = json.dumps({"managedSettings": {"model": "h"}})
    program(world, f"printf '%s' '{text}'; head -c {helper.MAX_OUTPUT - len(text)} /dev/zero | tr '\\0' ' '")
    named(world)
    assert world.load().scalar("model") == "h"


@pytest.mark.parametrize("script", ["exec sleep 100", "exec >&-; exec sleep 100", "sleep 100 & exit 0"], ids=["silent", "closed", "left behind"])
def test_one_that_hangs_is_ended_with_all_it_started(tmp_path: Path, script: str) -> None:
    path = tmp_path / "hang"
    path.write_text(f"#!/bin/sh\necho $$ >{tmp_path}/pid\n{script}\n")
    path.chmod(0o755)
    with pytest.raises(SettingsError, match="took longer than"):
        helper.run(str(path), [], timeout=1.0)
    ended(tmp_path)


def test_what_a_good_helper_leaves_behind_ends_too(tmp_path: Path) -> None:
    path = tmp_path / "daemon"
    path.write_text(f"#!/bin/sh\necho $$ >{tmp_path}/pid\nsleep 100 >&- &\necho '{{}}'\n")
    path.chmod(0o755)
    assert helper.run(str(path), []) == b"{}\n"
    ended(tmp_path)


def test_a_helper_that_others_can_write_is_refused_and_not_run(world: World) -> None:
    path = program(world, f"touch {world.base}/ran\n{printing({})}")
    named(world)
    path.chmod(0o775)
    assert f"{path}: it can be written by group or others" in refusal(world)
    assert not (world.base / "ran").exists()
    path.chmod(0o755)
    world.load()
    assert (world.base / "ran").exists(), "the twin: unchanged, it does run"


def test_a_missing_helper_is_refused(world: World) -> None:
    named(world)
    assert "cannot be checked: No such file or directory" in refusal(world)
    path = program(world, "")
    path.chmod(0o644)
    assert "the policy helper cannot be started: Permission denied" in refusal(world)


@pytest.mark.parametrize("scope", ["user", "project", "local"])
def test_nobody_but_an_administrator_names_one(world: World, scope: str) -> None:
    program(world, f"touch {world.base}/ran")
    world.write(scope, {"policyHelper": {"path": str(world.system / "opt/policy")}})
    settings = world.load(trust=True, settings=('{"policyHelper": {"path": "/opt/policy"}}',))
    assert not (world.base / "ran").exists()
    assert {reason for _, reason in settings.void} == {"policyHelper counts only from managed settings"}


def test_a_managed_file_that_is_refused_runs_nothing(world: World) -> None:
    program(world, f"touch {world.base}/ran")
    named(world)
    world.path("managed").chmod(0o666)
    assert "can be written by group or others" in refusal(world)
    assert not (world.base / "ran").exists()


def test_somebody_elses_helper_is_refused(world: World) -> None:
    applies(os.geteuid() == 0, "only root can give a file away")
    path = program(world, printing({}))
    named(world)
    os.chown(path, 12345, -1)
    assert "it belongs to user 12345, not to root" in refusal(world)
