from __future__ import annotations

import os
from pathlib import Path

import pytest

from paddock.errors import SettingsError
from paddock.settings.managed import Roots, check_owner, managed_folders
from tests.conftest import applies
from tests.settings.world import World, values

DENY = {"permissions": {"deny": ["Bash(x)"]}}


def refusal(world: World) -> str:
    with pytest.raises(SettingsError) as caught:
        world.load()
    (problem,) = caught.value.problems
    return str(problem)


def test_drop_ins_come_after_the_base_in_alphabetical_order(world: World) -> None:
    world.write("managed", {"model": "base", "permissions": {"deny": ["Bash(x)", "Bash(y)"]}})
    world.drop_in("20-y.json", {"model": "twenty", "permissions": {"deny": ["Bash(y)", "Bash(z)"]}})
    world.drop_in("100-x.json", {"model": "hundred"})
    world.drop_in(".hidden.json", {"model": "hidden"})
    world.drop_in("30.json.bak", {"model": "backup"})
    settings = world.load()
    assert settings.scalar("model") == "twenty"
    assert set(values(settings, "permissions.deny")) == {"Bash(x)", "Bash(y)", "Bash(z)"}
    assert [Path(s.file).name for s in settings.sources if s.scope.value == "managed" and s.state == "read"] == [
        "20-y.json",
        "100-x.json",
        "managed-settings.json",
    ]


def test_both_families_are_read_and_ours_goes_first(world: World) -> None:
    world.write("managed", {"model": "theirs", **DENY})
    world.drop_in("1.json", {"model": "ours"}, "paddock")
    settings = world.load()
    assert settings.scalar("model") == "ours"
    assert values(settings, "permissions.deny") == ["Bash(x)"]


def test_a_broken_drop_in_is_refused_and_named(world: World) -> None:
    world.write("managed", DENY)
    broken = world.drop_in("1.json", "{not json")
    assert refusal(world).startswith(f"{broken}:1:2: ")


def test_a_file_that_others_can_write_is_refused(world: World) -> None:
    path = world.write("managed", DENY)
    assert values(world.load(), "permissions.deny") == ["Bash(x)"]
    for mode in (0o664, 0o646):
        path.chmod(mode)
        assert f"{path}: it can be written by group or others (mode {mode:04o}) (chmod go-w" in refusal(world)


def test_a_folder_on_the_way_that_others_can_write_is_refused(world: World) -> None:
    world.write("managed", DENY)
    etc = world.system / "etc"
    etc.chmod(0o775)
    assert f"{etc} can be written by group or others" in refusal(world)


def test_every_hop_of_a_link_is_judged(world: World) -> None:
    path = world.write("managed", DENY)
    elsewhere = world.folder("system/srv/policy")
    path.rename(elsewhere / "real.json")
    (elsewhere / "hop.json").symlink_to("real.json")
    path.symlink_to("../../srv/policy/hop.json")
    assert values(world.load(), "permissions.deny") == ["Bash(x)"]
    elsewhere.chmod(0o777)
    assert f"{elsewhere} can be written by group or others" in refusal(world)


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "loop").symlink_to("loop")
    problem = check_owner(str(tmp_path / "loop"), Roots(str(tmp_path)))
    assert problem is not None
    assert "too many symbolic links" in problem.message


def test_an_absolute_link_starts_at_the_root_again(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "good").symlink_to("/etc/passwd")
    (tmp_path / "bad").symlink_to("/tmp/somewhere")
    roots = Roots(str(tmp_path))
    assert check_owner(str(tmp_path / "good"), roots) is None
    problem = check_owner(str(tmp_path / "bad"), roots)
    assert problem is not None
    assert problem.message.startswith("/tmp can be written by group or others")


def test_somebody_elses_file_is_refused(world: World) -> None:
    applies(os.geteuid() == 0, "only root can give a file away")
    path = world.write("managed", DENY)
    os.chown(path, 12345, -1)
    assert f"{path}: it belongs to user 12345, not to root" in refusal(world)
    os.chown(path, 0, -1)
    assert values(world.load(), "permissions.deny") == ["Bash(x)"]


def test_an_unreadable_managed_file_or_folder_is_refused(world: World) -> None:
    applies(os.geteuid() != 0, "root reads everything")
    path = world.write("managed", DENY)
    path.chmod(0)
    assert "Permission denied" in refusal(world)
    path.chmod(0o644)
    folder = world.drop_in("1.json", {}).parent
    folder.chmod(0o311)
    assert f"{folder}: cannot be listed" in refusal(world)
    folder.chmod(0o755)
    assert values(world.load(), "permissions.deny") == ["Bash(x)"]


def test_the_real_locations() -> None:
    folders, _ = managed_folders(Roots(platform="linux"))
    bases = [folder.files[-1] for folder in folders]
    assert bases == ["/etc/paddock/managed-settings.json", "/etc/claude-code/managed-settings.json"]
    assert Roots().owners() == (0,)
