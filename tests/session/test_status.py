"""The whole status: from files, owners and a real launch to one document."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

import paddock.session.status as status_module
from paddock import __version__
from paddock.host.writers import Writers, writers_of
from paddock.model.plan import Plan
from paddock.session.installation import hook_files, program_places, program_trees
from paddock.session.launch_report import NEEDED, Launch, Layer
from paddock.session.prepare import load_settings
from paddock.session.status import STATUS_SCHEMA, Status, Subject, look, to_document
from tests.session.seat import Seat, take_seat
from tests.session.test_doctor import able

WHOLE = Launch("", "", {name: Layer(True, "seen") for name in (*NEEDED, "landlock", "observer")}, ())


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    return take_seat(tmp_path, monkeypatch)


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """No fence is built: the plans that would have been launched."""
    plans: list[Plan] = []

    def keep(plan: Plan) -> Launch:
        plans.append(plan)
        return WHOLE

    monkeypatch.setattr(status_module, "try_launch", keep)
    return plans


def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else's rights on this machine get into the way."""
    monkeypatch.setattr(status_module, "writers_of", lambda places, trees=(): Writers({0: "/"}))


def test_a_folder_is_fenced_for_real(seat: Seat) -> None:
    able()
    found = look(seat.request())
    assert (found.fenced, found.trouble, found.backend) == (True, "", "namespaces")
    assert found.launch is not None
    assert found.launch.layers["namespaces"].detail == "cgroup, ipc, mnt, net, pid, user, uts"


def test_it_is_this_folders_plan_that_is_launched(seat: Seat, launched: list[Plan]) -> None:
    seat.world.write("user", {"sandbox": {"network": {"allowedDomains": ["a.test"]}}})
    look(seat.request())
    ((plan,),) = (launched,)
    assert (plan.cwd, [rule.pattern for rule in plan.network.allowed]) == (str(seat.world.project), ["a.test"])


def test_sound_is_fenced_and_nobody_else_can_change_it(seat: Seat, launched: list[Plan], monkeypatch: pytest.MonkeyPatch) -> None:
    alone(monkeypatch)
    assert look(seat.request()).sound
    monkeypatch.setattr(status_module, "writers_of", lambda places, trees=(): Writers({0: "/", 54321: "/opt"}))
    found = look(seat.request())
    assert (found.fenced, found.sound) == (True, False)
    assert "program can be changed by user 54321 through /opt" in found.reasons


def test_a_broken_policy_is_not_fenced_and_says_why(seat: Seat, launched: list[Plan]) -> None:
    seat.world.write("user", '{"sandbox": {"filesystem": {"denyred": []}}}')
    found = look(seat.request())
    assert (found.fenced, found.sound, found.trust) == (False, False, "unknown")
    assert "denyred" in found.reasons[0]
    assert not launched
    assert json.dumps(to_document(found))


@pytest.mark.parametrize(("scope", "everyone", "named"), [("managed", "", True), ("user", "", True), ("project", "", False)])
def test_a_policy_file_that_others_can_write_is_named(
    seat: Seat, launched: list[Plan], scope: str, everyone: str, named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = seat.world.write(scope, {})

    def only_this(places: tuple[str, ...], trees: tuple[str, ...] = ()) -> Writers:
        return writers_of([str(file)]) if str(file) in places else Writers()

    monkeypatch.setattr(status_module, "writers_of", only_this)
    assert not [reason for reason in look(seat.request()).reasons if str(file) in reason]
    if scope != "managed":
        file.chmod(0o646)  # of a managed file this is an error of its own
    else:
        monkeypatch.setattr(status_module, "writers_of", lambda places, trees=(): Writers({}, {}, str(file) if str(file) in places else ""))
    assert bool([reason for reason in look(seat.request()).reasons if f"everyone through {file}" in reason]) is named


def test_trust(seat: Seat, launched: list[Plan]) -> None:
    assert look(seat.request()).trust == "nothing"
    seat.world.write("project", {"sandbox": {"network": {"allowedDomains": ["a.test"]}}})
    assert look(seat.request()).trust == "waiting"
    assert look(seat.request(trust_project=True)).trust == "accepted"


def test_the_document(seat: Seat, launched: list[Plan], monkeypatch: pytest.MonkeyPatch) -> None:
    alone(monkeypatch)
    managed = seat.world.write("managed", {"sandbox": {"network": {"allowedDomains": ["a.test"]}}}, "paddock")
    document = to_document(look(seat.request()))
    assert set(document) == {"schema", "fenced", "sound", "reasons", "folder", "user", "backend", "managed", "trust", "writers", "versions"}
    assert (document["schema"], document["fenced"], document["sound"], document["user"]) == (STATUS_SCHEMA, True, True, os.geteuid())
    part = json.loads(json.dumps(document))
    assert part["managed"]["selected"] == [str(managed)]
    assert part["backend"]["strength"] == "full"
    assert part["backend"]["layers"]["landlock"] == {"active": True, "detail": "seen"}
    assert part["versions"]["paddock"] == __version__
    assert {item["subject"] for item in part["writers"]} == {"managed policy", "user policy", "project policy", "program", "hooks"}
    assert [item["counts"] for item in part["writers"]] == [True, True, False, True, True]


@pytest.mark.parametrize(("program", "managed", "binding"), [((0,), True, True), ((0, 1), True, False), ((0,), False, False)])
def test_a_policy_binds_whoever_cannot_change_it(
    seat: Seat, launched: list[Plan], monkeypatch: pytest.MonkeyPatch, program: tuple[int, ...], managed: bool, binding: bool
) -> None:
    if managed:
        seat.world.write("managed", {"model": "m"}, "paddock")
    monkeypatch.setattr(os, "geteuid", lambda: 1)
    monkeypatch.setattr(status_module, "writers_of", lambda places, trees=(): Writers(dict.fromkeys(program if trees else (0,), "/opt")))
    found = look(seat.request())
    assert found.binding is binding
    assert [subject.mine for subject in found.subjects if subject.name == "program"] == ["/opt" if 1 in program else ""]


def test_a_private_group_is_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = Subject("program", (), Writers({}, {77: "/opt"}))
    monkeypatch.setattr(status_module, "group_members", lambda gid: frozenset({os.geteuid()}))
    assert subject.others() == ()
    monkeypatch.setattr(status_module, "group_members", lambda gid: frozenset({os.geteuid(), 54321}))
    assert subject.others() == ("group 77 through /opt",)


def test_missing_layers_are_reasons(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    alone(monkeypatch)
    layers = {**WHOLE.layers, "landlock": Layer(False, "this kernel has none")}
    monkeypatch.setattr(status_module, "try_launch", lambda plan: Launch("", "", layers, ()))
    found: Status = look(seat.request())
    assert (found.fenced, found.sound, found.reasons) == (True, False, ("landlock: this kernel has none",))


def test_the_program_is_all_of_it() -> None:
    places, trees = program_places(), program_trees()
    assert sys.executable in places
    assert any("libc" in place for place in places)
    assert str(Path(status_module.__file__).parents[1]) in trees
    assert any(tree.endswith("/h11") for tree in trees)
    assert str(Path(os.__file__).parent) in trees


def test_hooks_name_their_files(seat: Seat) -> None:
    script = seat.world.project / "tools" / "check.py"
    script.parent.mkdir()
    script.touch()
    own = seat.world.home / "mine.sh"
    own.touch()
    commands = ['sh "$CLAUDE_PROJECT_DIR/tools/check.py" --all', "~/mine.sh", "no-such-program x", "env ls", 'unclosed "', str(script)]
    hooks = {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": command}]} for command in commands]}
    seat.world.write("user", {"hooks": hooks})
    settings = load_settings(seat.request())
    entries = [entry for key, found in settings.lists.items() if key.startswith("hooks.") for entry in found]
    assert hook_files(entries, settings.context, seat.environ) == ("/usr/bin/sh", str(script), str(own), "/usr/bin/env")
