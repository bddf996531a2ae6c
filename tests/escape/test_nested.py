"""Attacks on the way in which a Paddock finds out that it is inside a fence: a wrong yes would run a command without one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from paddock.host import around
from paddock.model.around import PLACE, describe
from paddock.model.plan import Access
from tests.conftest import must
from tests.fence.conftest import why_not
from tests.fence.running import make_plan, place
from tests.planner.fakes import SETTINGS
from tests.session.inside import COMMAND, nested, paddock

QUESTIONS = ("_is_own_mount", "_is_locked_down", "_has_no_way_out", "_cannot_make_namespaces")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    must(not why_not(), f"no fence can be built here: {why_not()}")
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def planted(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A description that says what an attacker would like to be believed, where this process looks for one."""
    file = project / "fence.json"
    file.write_bytes(describe(make_plan(project, ("true",)), SETTINGS, ""))
    monkeypatch.setattr(around, "PLACE", str(file))
    return file


def test_outside_no_question_is_answered_with_yes(planted: Path) -> None:
    """Each by itself would be enough for a no."""
    fd = os.open(planted, os.O_RDONLY)
    answers = (around._is_own_mount(fd), around._is_locked_down(), around._has_no_way_out())
    os.close(fd)
    assert answers == (False, False, False)
    assert not around._cannot_make_namespaces(), "fences can be built here"
    assert around.find() is None


@pytest.mark.parametrize("fooled", QUESTIONS)
def test_one_question_that_is_fooled_is_not_enough(planted: Path, monkeypatch: pytest.MonkeyPatch, fooled: str) -> None:
    monkeypatch.setattr(around, fooled, lambda *_: True)
    assert around.find() is None


@pytest.mark.parametrize("honest", QUESTIONS)
def test_one_honest_question_is(planted: Path, monkeypatch: pytest.MonkeyPatch, honest: str) -> None:
    for name in QUESTIONS:
        if name != honest:
            monkeypatch.setattr(around, name, lambda *_: True)
    assert around.find() is None


def test_a_place_that_is_not_closed_makes_the_whole_description_a_lie(project: Path, planted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in QUESTIONS:
        monkeypatch.setattr(around, name, lambda *_: True)
    assert around.find() is None, "/ is writable here"
    (project / "secret").write_text("readable")
    open_places = [place("/", Access.WRITE), place(project, Access.WRITE)]
    planted.write_bytes(describe(make_plan(project, ("true",), *open_places), SETTINGS, ""))
    assert around.find() is not None, "the twin: all questions answered, and nothing is said to be closed"
    for closed in (place(project / "secret", Access.HIDDEN), place(project / "secret", Access.READ)):
        planted.write_bytes(describe(make_plan(project, ("true",), *open_places, closed), SETTINGS, ""))
        assert around.find() is None


@pytest.mark.parametrize("content", [b"", b"{}", b"null", b"[" * 100000, b'{"schema":1}', bytes(100)])
def test_rubbish_is_no_description(planted: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    for name in QUESTIONS:
        monkeypatch.setattr(around, name, lambda *_: True)
    planted.write_bytes(content)
    assert around.find() is None


def test_variables_do_not_make_a_run_an_inner_one(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = os.readlink("/proc/self/ns/net")
    monkeypatch.setenv("PADDOCK", "1")
    ran = paddock(project, "run", "--quiet", "--", "readlink", "/proc/self/ns/net")
    assert ran.returncode == 0
    assert ran.stdout.strip() != outside


def test_variables_do_not_make_an_inner_run_another_one(project: Path) -> None:
    ran = nested(project, 'readlink /proc/self/ns/net; env -u PADDOCK "$@" run -- readlink /proc/self/ns/net')
    assert ran.returncode == 0, ran.stderr
    assert len(set(ran.stdout.split())) == 1


def test_the_description_cannot_be_changed_moved_or_covered_from_inside(project: Path) -> None:
    code = f"""
import os, json
place = {PLACE!r}
before = open(place).read()
folder = os.path.dirname(place)
for name, act in {{
    'write': lambda: open(place, 'w'), 'append': lambda: open(place, 'a'), 'unlink': lambda: os.unlink(place), 'rename': lambda: os.rename(place, place + 'x'),
    'move the folder': lambda: os.rename(folder, '/dev/other'), 'move over': lambda: os.rename('mine', place), 'chmod': lambda: os.chmod(place, 0o666),
    'link': lambda: os.link('mine', folder + '/y'), 'symlink': lambda: os.symlink('mine', folder + '/y'), 'new': lambda: os.mkdir('/dev/paddock2'),
    'descriptor': lambda: os.open(f'/proc/self/fd/{{os.open(place, os.O_RDONLY)}}', os.O_RDWR), 'truncate': lambda: os.truncate(place, 0),
}}.items():
    open('mine', 'w').write(before.replace('hidden', 'write'))
    try:
        act()
    except OSError as error:
        print(name, error.errno)
    else:
        print(name, 'DONE')
assert open(place).read() == before
open('mine', 'a').write('x')
"""
    ran = paddock(project, "run", "--quiet", "--", COMMAND[0], "-I", "-c", code)
    assert ran.returncode == 0, ran.stderr
    found = dict(line.rsplit(" ", 1) for line in ran.stdout.splitlines())
    assert len(found) == 12
    assert set(found.values()) <= {"1", "13", "16", "18", "30"}, found  # EPERM, EACCES, EBUSY, EXDEV, EROFS


def test_a_forged_description_elsewhere_changes_nothing(project: Path) -> None:
    """Also where an older idea of the place would be: below /run, which the command may write."""
    forge = (
        'mkdir -p /run/paddock && sed s/write/hidden/g /dev/paddock/fence.json >/run/paddock/fence.json; echo x >late; "$@" run --deny-read late -- cat late'
    )
    ran = nested(project, forge)
    assert ran.returncode == 125
    assert f"{project}/late can be read in the fence around" in ran.stderr


def test_the_description_tells_no_secret(project: Path) -> None:
    rules = {
        "env": {"HARMLESS_NAME": "v4lue"},
        "sandbox": {"network": {"deniedDomains": ["internal-name.example"]}, "credentials": {"envVars": [{"name": "OTHER_NAME", "mode": "deny"}]}},
    }
    environ = {**os.environ, "OTHER_NAME": "s3cret", "MY_TOKEN": "t0ken"}
    ran = paddock(project, "run", "--quiet", "--settings", json.dumps(rules), "--", "cat", PLACE, env=environ)
    assert json.loads(ran.stdout)["schema"] == 1
    for text in ("v4lue", "s3cret", "t0ken", "internal-name", "OTHER_NAME", "MY_TOKEN"):
        assert text not in ran.stdout


def test_the_inner_command_cannot_look_into_the_processes_around(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run takes out of the environment is still in that of the agent that called it."""
    monkeypatch.setenv("AGENTS_OWN", "s3cret")
    (project / "remove.json").write_text('{"paddock": {"environment": {"remove": ["AGENTS_OWN"]}}}')
    script = 'sleep 100 & "$@" run --settings remove.json -- sh -c "cat /proc/$!/environ; env | grep AGENTS"; grep -c s3cret /proc/$!/environ'
    ran = nested(project, script)
    assert ran.stdout == "1\n", "the agent itself may look; the inner command printed nothing"
    assert "Permission denied" in ran.stderr
