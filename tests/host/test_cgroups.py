"""Where a cgroup can be made, on machines that exist as text only."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import pytest

from paddock.host.cgroups import HostTree, find
from paddock.model.cgroups import Cgroup


@dataclass
class FakeTree:
    """Files by path. Everything below ``owned`` can be written."""

    files: dict[str, str] = field(default_factory=dict)
    owned: tuple[str, ...] = ()

    def read(self, path: str) -> str:
        return self.files.get(path, "")

    def writable(self, path: str) -> bool:
        return any(path == place or path.startswith(place + "/") for place in self.owned)


UNIFIED = "30 24 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
MANAGER = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service"
SCOPE = "/user.slice/user-1000.slice/user@1000.service/app.slice/shell.scope"


def session(**more: str) -> dict[str, str]:
    """A desktop session whose manager got memory and pids from systemd."""
    handed_on = {f"{MANAGER}/{name}cgroup.subtree_control": "memory pids\n" for name in ("", "app.slice/")}
    return {"/proc/self/cgroup": f"0::{SCOPE}\n", "/proc/self/mountinfo": UNIFIED, f"/sys/fs/cgroup{SCOPE}/cgroup.type": "domain\n"} | handed_on | more


def test_a_delegated_subtree_is_used_at_the_nearest_place_that_hands_controllers_on() -> None:
    own = f"/sys/fs/cgroup{SCOPE}"
    found = find(FakeTree(session(), (MANAGER,)))
    assert found == (
        Cgroup(2, own, own, ("cpuacct",)),  # holds processes: it hands nothing on, and counting time needs no controller
        Cgroup(2, f"{MANAGER}/app.slice", own, ("memory", "pids", "cpuacct")),
        Cgroup(2, MANAGER, own, ("memory", "pids", "cpuacct")),
    )


def test_a_session_that_belongs_to_root_is_of_no_use() -> None:
    login = session() | {"/proc/self/cgroup": "0::/user.slice/user-1000.slice/session-3.scope\n"}
    assert find(FakeTree(login, (MANAGER,))) == ()


def test_without_the_right_to_go_back_there_is_nothing() -> None:
    class NoReturn(FakeTree):
        def writable(self, path: str) -> bool:
            return super().writable(path) and path != f"/sys/fs/cgroup{SCOPE}/cgroup.procs"

    assert find(NoReturn(session(), (MANAGER,))) == ()


def test_a_folder_without_its_list_of_processes_is_of_no_use() -> None:
    class Half(FakeTree):
        def writable(self, path: str) -> bool:
            return super().writable(path) and path != f"{MANAGER}/app.slice/cgroup.procs"

    assert [c.folder for c in find(Half(session(), (MANAGER,)))] == [f"/sys/fs/cgroup{SCOPE}", MANAGER]


def test_a_threaded_cgroup_takes_no_ordinary_children() -> None:
    tree = FakeTree(session(**{f"{MANAGER}/app.slice/cgroup.type": "domain threaded\n"}), (MANAGER,))
    assert f"{MANAGER}/app.slice" not in [c.folder for c in find(tree)]


def test_a_container_that_sees_only_its_own_part() -> None:
    mounts = "30 24 0:27 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n"
    below = {"/proc/self/cgroup": "0::/docker/abc/x\n", "/proc/self/mountinfo": mounts, "/sys/fs/cgroup/cgroup.subtree_control": "pids"}
    assert [c.folder for c in find(FakeTree(below, ("/sys/fs/cgroup",)))] == ["/sys/fs/cgroup/x", "/sys/fs/cgroup"]
    beside = below | {"/proc/self/cgroup": "0::/docker/other\n"}
    assert find(FakeTree(beside, ("/sys/fs/cgroup",))) == ()
    outside = below | {"/proc/self/cgroup": "0::/../other\n"}
    assert find(FakeTree(outside, ("/sys/fs/cgroup",))) == ()


OLD = """\
40 24 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
41 24 0:31 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory
42 24 0:32 / /sys/fs/cgroup/with\\040space rw - cgroup cgroup rw,pids
43 24 0:33 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
44 24 0:34 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
"""
MEMBER = "9:name=systemd:/a\n4:memory:/jobs/7\n3:pids:/\n2:cpu,cpuacct:/a\n0::/\n"


def test_version_1_has_a_hierarchy_for_each_controller() -> None:
    tree = FakeTree({"/proc/self/cgroup": MEMBER, "/proc/self/mountinfo": OLD}, ("/sys/fs/cgroup",))
    assert find(tree) == (
        Cgroup(2, "/sys/fs/cgroup/unified", "/sys/fs/cgroup/unified", ("cpuacct",)),
        Cgroup(1, "/sys/fs/cgroup/cpu,cpuacct/a", "/sys/fs/cgroup/cpu,cpuacct/a", ("cpuacct",)),
        Cgroup(1, "/sys/fs/cgroup/memory/jobs/7", "/sys/fs/cgroup/memory/jobs/7", ("memory",)),
        Cgroup(1, "/sys/fs/cgroup/with space", "/sys/fs/cgroup/with space", ("pids",)),
    )
    tree.owned = ("/sys/fs/cgroup/memory/jobs/7",)
    assert [c.controllers for c in find(tree)] == [("memory",)]


@pytest.mark.parametrize("text", ["", "nonsense\n", "30 24 0:27 / /sys/fs/cgroup rw - ext4 /dev/sda rw\n"])
def test_a_machine_without_cgroups(text: str) -> None:
    assert find(FakeTree({"/proc/self/mountinfo": text}, ("/",))) == ()


def test_this_machine_s_answers_are_folders_in_which_one_can_be_made() -> None:
    for cgroup in find(HostTree()):
        made = f"{cgroup.folder}/paddock-test-{os.getpid()}"
        os.mkdir(made)
        try:
            assert {"memory": "memory.", "pids": "pids.max", "cpuacct": "cpu"}[cgroup.controllers[0]] in " ".join(os.listdir(made))
        finally:
            os.rmdir(made)
