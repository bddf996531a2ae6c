"""What is no settings file, in every place where one is looked for: a run is refused with the file's name, and with everything that is wrong at once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from paddock.errors import SettingsError
from paddock.permissions.rule import notices
from paddock.planner.meaning import policy_from
from paddock.settings.files import MAX_BYTES
from paddock.settings.overrides import REFERENCE
from tests.conftest import applies
from tests.settings.world import World, values

PLACES = [(scope, family) for scope in ("managed", "local", "project", "user") for family in ("claude", "paddock")]
GOOD = {"permissions": {"deny": ["Bash(kept)"]}}


def text(content: str | bytes) -> Callable[[Path], None]:
    def put(path: Path) -> None:
        path.unlink()
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(0o644)

    return put


def instead(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def put(path: Path) -> None:
        path.unlink()
        make(path)

    return put


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "empty": (text(""), "the file is empty"),
    "space": (text(" \n\t "), "the file is empty"),
    "truncated": (text('{"permissions": {"deny": ["Bash(x)"]'), "the text ends where"),
    "truncated in a string": (text('{"permissions": {"de'), "this string has no closing quote"),
    "huge": (text(b'{"a": "' + b"x" * MAX_BYTES + b'"}'), "is larger than 2 MiB"),
    "deep": (text('{"a":' + "[" * 100_000 + "]" * 100_000 + "}"), "more than 64 objects and arrays inside each other"),
    "deep objects": (text('{"a":' * 50_000), "more than 64 objects and arrays inside each other"),
    "latin-1": (text('{"model": "caf\u00e9"}'.encode("latin-1")), "byte 0xe9 is not UTF-8"),
    "utf-16": (text('{"model": "x"}'.encode("utf-16")), "is not UTF-8"),
    "byte order mark": (text(b"\xef\xbb\xbf{}"), "starts with a byte order mark"),
    "surrogate": (text('{"model": "\\ud800"}'), "half of a surrogate pair"),
    "NUL": (text("{}\0"), "text after the end"),
    "twice": (text('{"permissions": {"deny": ["Bash(a)"], "deny": []}}'), '"deny" stands twice in this object, first in line 1'),
    "two sections": (text('{"sandbox": {},\n "sandbox": {}}'), '"sandbox" stands twice'),
    "comment": (text('{\n // no\n "model": "x"}'), "JSON has no comments"),
    "comma": (text('{"model": "x",}'), "a comma before the closing bracket"),
    "single quotes": (text("{'model': 'x'}"), "strings take double quotes"),
    "two values": (text("{} {}"), "text after the end of the JSON value"),
    "a list": (text("[]"), "settings are one JSON object"),
    "null": (text("null"), "settings are one JSON object"),
    "infinity": (text('{"paddock": {"limits": {"timeoutSeconds": 1e999}}}'), "this number is too large"),
    "long number": (text('{"paddock": {"limits": {"processes": ' + "9" * 100_000 + "}}}"), "this number is too long"),
    "wrong type": (text('{"sandbox": {"enabled": "false"}}'), "sandbox.enabled: expected true or false, found a string"),
    "wrong list": (text('{"permissions": {"deny": "Bash(x)"}}'), "permissions.deny: expected a list, found a string"),
    "wrong entry": (text('{"sandbox": {"filesystem": {"denyRead": [["x"]]}}}'), "expected a path, found a list"),
    "unknown": (text('{"sandbox": {"network": {"allow": []}}}'), "unknown setting sandbox.network.allow"),
    "directory": (instead(Path.mkdir), "is a directory, not a file"),
    "FIFO": (instead(os.mkfifo), "is a FIFO, not a file"),
    "link to a directory": (instead(lambda path: path.symlink_to(path.parent)), "is a directory, not a file"),
    "link to a device": (instead(lambda path: path.symlink_to("/dev/zero")), "is a device, not a file"),
    "loop": (instead(lambda path: path.symlink_to(path.name)), "cannot be read: Too many levels of symbolic links"),
}


@pytest.mark.parametrize("place", PLACES, ids="-".join)
@pytest.mark.parametrize("name", BAD)
def test_a_run_is_refused_with_the_name_of_the_file(world: World, name: str, place: tuple[str, str]) -> None:
    make, message = BAD[name]
    path = world.write(place[0], GOOD, place[1])
    assert values(world.load(), "permissions.deny") == ["Bash(kept)"], "the twin: a good file counts"
    make(path)
    with pytest.raises(SettingsError) as caught:
        world.load()
    (problem,) = caught.value.problems
    assert problem.file == str(path)
    assert message in str(problem)
    assert "\n" not in str(problem)


@pytest.mark.parametrize("name", BAD)
def test_the_same_on_the_command_line(world: World, name: str) -> None:
    make, message = BAD[name]
    path = world.put(world.base / "given.json", GOOD)
    make(path)
    with pytest.raises(SettingsError) as caught:
        world.load(settings=(str(path),))
    assert message in str(caught.value)


@pytest.mark.parametrize("scope", ["local", "project", "user"])
@pytest.mark.parametrize("name", [name for name in BAD if name != "unknown"])
def test_the_reference_goes_on_without_the_file_or_the_entry(world: World, name: str, scope: str) -> None:
    world.write("managed", {"permissions": {"deny": ["Bash(managed)"]}})
    path = world.write(scope, GOOD)
    BAD[name][0](path)
    settings = world.load(overrides=REFERENCE)
    assert values(settings, "permissions.deny") == ["Bash(managed)"]
    states = {source.file: (source.state, bool(source.detail)) for source in settings.sources}
    assert states[str(path)] == ("ignored", True) or name == "wrong entry"


def test_everything_that_is_wrong_is_told_at_once(world: World) -> None:
    world.write("managed", "{")
    world.write("user", {"sandbox": {"enabled": 1, "filesystem": {"denyRead": [2, "x", 3]}}})
    world.write("project", {"permissions": {"alow": []}})
    with pytest.raises(SettingsError) as caught:
        world.load(settings=("{]",))
    assert len(caught.value.problems) == 6


def test_a_huge_text_on_the_command_line(world: World) -> None:
    with pytest.raises(SettingsError, match="is larger than 2 MiB"):
        world.load(settings=('{"model": "' + "x" * MAX_BYTES + '"}',))


@pytest.mark.parametrize("place", PLACES, ids="-".join)
def test_a_file_that_changes_while_it_is_read(world: World, place: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    path = world.write(place[0], GOOD, place[1])
    inode, real = path.stat().st_ino, os.read

    def grow(fd: int, count: int) -> bytes:
        if os.fstat(fd).st_ino == inode:
            with path.open("ab") as file:
                file.write(b" ")
        return real(fd, count)

    monkeypatch.setattr(os, "read", grow)
    with pytest.raises(SettingsError, match="changed while it was read"):
        world.load()


@pytest.mark.parametrize("place", PLACES, ids="-".join)
def test_links_to_files_count_in_every_position(world: World, place: tuple[str, str]) -> None:
    path = world.write(*place[:1], GOOD, place[1])
    elsewhere = world.folder("system/elsewhere")
    real = path.rename(elsewhere / "real.json")
    path.symlink_to(os.path.relpath(real, path.parent))
    assert values(world.load(), "permissions.deny") == ["Bash(kept)"], "the file is a link"
    path.unlink()
    path.parent.rmdir()
    (elsewhere / path.name).symlink_to("real.json")
    path.parent.symlink_to(os.path.relpath(elsewhere, path.parent.parent))
    assert values(world.load(), "permissions.deny") == ["Bash(kept)"], "the folder is a link, and the file in it"


@pytest.mark.parametrize("place", PLACES, ids="-".join)
def test_a_link_that_leads_nowhere(world: World, place: tuple[str, str]) -> None:
    path = world.write(*place[:1], GOOD, place[1])
    path.unlink()
    path.symlink_to("missing.json")
    if place[0] != "managed":
        assert values(world.load(), "permissions.deny") == []
        return
    with pytest.raises(SettingsError, match="is a link that leads nowhere"):
        world.load()
    assert values(world.load(overrides=REFERENCE), "permissions.deny") == []


@pytest.mark.parametrize("folder", ["home/app/.claude", "home/app/.paddock", "home/.claude", "home/.config/paddock"])
def test_a_file_where_a_folder_is_expected_holds_nothing(world: World, folder: str) -> None:
    path = world.base / folder
    world.folder(str(path.parent.relative_to(world.base)))
    path.write_text("{")
    assert world.load().notices == ()


@pytest.mark.parametrize("kind", ["Bash(x{})", "Read(x{})", "Edit(//x/{})", "WebFetch(domain:h{}.example)"])
def test_a_hundred_thousand_rules(world: World, kind: str) -> None:
    per_file = 20_000
    for number in range(5):
        rules = [kind.format(number * per_file + index) for index in range(per_file)]
        world.drop_in(f"{number}.json", json.dumps({"permissions": {"deny": rules}}))
    settings = world.load()
    assert len(values(settings, "permissions.deny")) == 100_000
    policy = policy_from(settings)
    assert len(policy.filesystem.deny_read) + len(policy.filesystem.deny_write) + len(policy.network.denied) >= (0 if kind.startswith("Bash") else 100_000)
    assert notices(settings) == ()


def test_a_home_that_does_not_exist(world: World) -> None:
    world.write("project", GOOD)
    world.environ = {"HOME": str(world.base / "gone")}
    settings = world.load()
    assert values(settings, "permissions.deny") == ["Bash(kept)"]
    assert settings.context.home == str(world.base / "gone")
    assert {s.state for s in settings.sources if s.scope.value == "user"} == {"absent"}


def test_an_unreadable_managed_file_is_refused(world: World) -> None:
    applies(os.geteuid() != 0, "root reads everything")
    for family in ("claude", "paddock"):
        path = world.write("managed", GOOD, family)
        path.chmod(0)
        with pytest.raises(SettingsError, match="Permission denied"):
            world.load()
        path.chmod(0o644)
        path.parent.chmod(0)
        with pytest.raises(SettingsError, match="Permission denied"):
            world.load()
        path.parent.chmod(0o755)
        assert values(world.load(), "permissions.deny") == ["Bash(kept)"]


def test_an_unreadable_folder_of_a_person_or_a_project_is_refused(world: World) -> None:
    applies(os.geteuid() != 0, "root reads everything")
    for scope in ("user", "project"):
        path = world.write(scope, GOOD)
        path.parent.chmod(0)
        with pytest.raises(SettingsError, match="Permission denied"):
            world.load()
        path.parent.chmod(0o755)
    assert values(world.load(), "permissions.deny") == ["Bash(kept)"]


@pytest.mark.parametrize("name", ["line\nbreak", "\x1b[31mred", "back\\slash", "\udcff byte"])
def test_a_project_with_an_odd_name(world: World, name: str) -> None:
    folder = world.project / name
    folder.mkdir()
    (folder / ".claude").mkdir()
    (folder / ".claude/settings.json").write_text('{"sandbox": {"filesystem": {"denyWrite": ["./x"]}}}')
    settings = world.load(cwd=folder)
    assert values(settings, "sandbox.filesystem.denyWrite") == ["./x"]
    assert policy_from(settings).filesystem.deny_write[0].path == f"{folder}/x"
