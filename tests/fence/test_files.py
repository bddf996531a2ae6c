"""The file system of a fence: what is shown, written, hidden and made up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from paddock.errors import LaunchError
from paddock.model.plan import Access, Bind, Kind, Place, PrivateFile
from tests.conftest import applies
from tests.fence.running import RULE, make_plan, place, python, run, shell


def test_the_project_is_writable_and_the_rest_is_read_only(project: Path, outside: Path) -> None:
    more = place(outside, Access.READ)
    result = python(
        project, f"attempt(open, 'made', 'w'); attempt(open, '{outside}/made', 'w'); attempt(open, '/usr/made', 'w'); attempt(open, '{outside}/file')", more
    )
    assert result.out.split() == ["ok", "EROFS", "EROFS", "ok"]
    assert (project / "made").exists()


def test_a_folder_that_no_place_names_is_read_only_but_readable(project: Path) -> None:
    found = python(project, "attempt(open, '/etc/passwd'); attempt(os.mkdir, '/srv/made'); attempt(open, '/etc/passwd', 'a')").out.split()
    # For a file that is somebody else's, the kernel looks at permissions first.
    assert found == ["ok", "EROFS", "EROFS" if os.getuid() == 0 else "EACCES"]


def test_a_second_write_place(project: Path, outside: Path) -> None:
    assert python(project, f"attempt(open, '{outside}/made', 'w')", place(outside, Access.WRITE)).out == "ok\n"
    assert (outside / "made").exists()


def test_a_read_only_file_in_the_project_cannot_be_changed_removed_or_replaced(project: Path) -> None:
    (project / "locked").write_text("safe")
    (project / "other").write_text("x")
    script = """
attempt(open, 'locked', 'a')
attempt(os.unlink, 'locked')
attempt(os.rename, 'other', 'locked')
attempt(os.rename, 'locked', 'elsewhere')
attempt(os.link, 'locked', 'second')
attempt(os.chmod, 'locked', 0o777)
attempt(os.truncate, 'locked', 0)
attempt(open, 'other', 'a')
"""
    result = python(project, script, place(project / "locked", Access.READ))
    assert result.out.split() == ["EROFS", "EBUSY", "EBUSY", "EBUSY", "EXDEV", "EROFS", "EROFS", "ok"]
    assert (project / "locked").read_text() == "safe"


def test_a_hidden_file_can_be_seen_but_not_read_or_opened_up(project: Path) -> None:
    (project / "secret").write_text("CANARY")
    (project / "plain").write_text("CANARY")
    script = "attempt(open, 'secret'); attempt(os.chmod, 'secret', 0o644); attempt(open, 'secret', 'w'); attempt(os.unlink, 'secret'); attempt(open, 'plain')"
    result = python(project, script, place(project / "secret", Access.HIDDEN))
    assert result.out.split() == ["EACCES", "EROFS", "EROFS", "EBUSY", "ok"]


def test_a_hidden_folder_is_empty_and_stays_so(project: Path, outside: Path) -> None:
    script = f"print(os.listdir('{outside}')); attempt(open, '{outside}/file'); attempt(os.chmod, '{outside}', 0o755); attempt(os.mkdir, '{outside}/x')"
    above = place(outside.parent, Access.READ)
    assert python(project, script, above, place(outside, Access.HIDDEN)).out.split() == ["[]", "ENOENT", "EROFS", "EROFS"]
    assert python(project, script, above).out.split() == ["['file']", "ok", "EROFS", "EROFS"]


def test_an_emptied_folder_shows_only_the_way_to_what_is_shown_again(project: Path, outside: Path) -> None:
    (outside / "deep" / "shown").mkdir(parents=True)
    (outside / "deep" / "shown" / "data").write_text("data")
    (outside / "deep" / "secret").write_text("CANARY")
    (outside / "note").write_text("note")
    layout = (place(outside, Access.HIDDEN, skeleton=True), place(outside / "deep" / "shown", Access.WRITE), place(outside / "note", Access.READ))
    script = f"""
os.chdir('{outside}')
print(sorted(os.listdir('.')), sorted(os.listdir('deep')), open('deep/shown/data').read(), open('note').read())
attempt(open, 'file')
attempt(open, 'deep/secret')
attempt(open, 'made', 'w')
attempt(open, 'deep/made', 'w')
attempt(open, 'note', 'w')
attempt(open, 'deep/shown/made', 'w')
"""
    lines = python(project, script, *layout).out.splitlines()
    assert lines == ["['deep', 'note'] ['shown'] data note", "ENOENT", "ENOENT", "EROFS", "EROFS", "EROFS", "ok"]


def test_a_hidden_place_below_a_shown_one_below_a_hidden_one(project: Path, outside: Path) -> None:
    (outside / "shown").mkdir()
    (outside / "shown" / "secret").write_text("CANARY")
    layout = (place(outside, Access.HIDDEN, skeleton=True), place(outside / "shown", Access.WRITE), place(outside / "shown" / "secret", Access.HIDDEN))
    assert python(project, f"attempt(open, '{outside}/shown/secret'); attempt(open, '{outside}/shown/new', 'w')", *layout).out.split() == ["EACCES", "ok"]


def test_a_pinned_folder_cannot_be_moved_away_and_stays_writable(project: Path) -> None:
    (project / "conf").mkdir()
    (project / "conf" / "locked").write_text("safe")
    layout = (place(project / "conf", Access.WRITE, pin=True), place(project / "conf" / "locked", Access.READ))
    script = """
attempt(os.rename, 'conf', 'conf2')
attempt(os.rename, 'conf/locked', 'x')
attempt(open, 'conf/new', 'w')
os.mkdir('free')
attempt(os.rename, 'free', 'freer')
"""
    assert python(project, script, *layout).out.split() == ["EBUSY", "EXDEV", "ok", "ok"]
    assert (project / "conf" / "locked").read_text() == "safe"


def test_a_link_is_protected_itself_and_still_leads_where_it_did(project: Path) -> None:
    (project / "target").write_text("target")
    (project / "link").symlink_to("target")
    (project / "free").symlink_to("target")
    script = """
attempt(os.unlink, 'link')
attempt(os.rename, 'target', 'link')
attempt(os.symlink, 'elsewhere', 'link')
print(os.readlink('link'), open('link').read())
attempt(os.unlink, 'free')
"""
    lines = python(project, script, place(project / "link", Access.READ)).out.split()
    assert lines == ["EBUSY", "EBUSY", "EEXIST", "target", "target", "ok"]
    assert (project / "link").readlink() == Path("target")


def test_a_hidden_link_leads_nowhere(project: Path) -> None:
    (project / "target").write_text("CANARY")
    (project / "link").symlink_to("target")
    assert python(project, "attempt(open, 'link'); attempt(open, 'target')", place(project / "link", Access.HIDDEN)).out.split() == ["EACCES", "ok"]


def test_a_link_below_an_emptied_folder_is_there_again(project: Path, outside: Path) -> None:
    (outside / "link").symlink_to(project)
    result = python(project, f"print(os.readlink('{outside}/link'))", place(outside, Access.HIDDEN, skeleton=True), place(outside / "link", Access.READ))
    assert result.out.strip() == str(project)


@pytest.mark.parametrize("access", list(Access))
def test_a_place_of_another_kind_than_planned_stops_the_launch(project: Path, access: Access) -> None:
    (project / "thing").mkdir()
    with pytest.raises(LaunchError, match=r"changed while starting: .*thing was a file and is now a directory") as caught:
        run(make_plan(project, ("true",), Place(str(project / "thing"), access, Kind.FILE, RULE)))
    assert str(project / "thing") in caught.value.step
    assert caught.value.hint


@pytest.mark.parametrize("access", list(Access))
def test_a_link_where_a_folder_was_planned_stops_the_launch(project: Path, outside: Path, access: Access) -> None:
    (project / "way").symlink_to(outside)
    with pytest.raises(LaunchError):
        run(make_plan(project, ("true",), Place(str(project / "way"), access, Kind.DIRECTORY, RULE)))
    with pytest.raises(LaunchError):
        run(make_plan(project, ("true",), Place(str(project / "way" / "file"), access, Kind.FILE, RULE)))


def test_a_place_that_has_gone_stops_the_launch(project: Path) -> None:
    with pytest.raises(LaunchError, match="is not there any more"):
        run(make_plan(project, ("true",), Place(str(project / "gone"), Access.READ, Kind.FILE, RULE)))


def test_a_private_file_covers_the_hosts_and_cannot_be_written(project: Path) -> None:
    made = PrivateFile("/etc/hosts", b"127.0.0.1 localhost mine\n", 0o644, RULE)
    result = python(
        project, "print(open('/etc/hosts').read(), end=''); attempt(open, '/etc/hosts', 'a'); attempt(os.unlink, '/etc/hosts')", private_files=(made,)
    )
    assert result.out == "127.0.0.1 localhost mine\nEROFS\nEROFS\n"


def test_a_private_file_is_made_below_an_emptied_folder_and_left_out_where_there_is_no_room(project: Path, outside: Path) -> None:
    files = (PrivateFile(str(outside / "deep" / "made"), b"made", 0o600, RULE), PrivateFile("/usr/no-such-name", b"x", 0o644, RULE))
    script = f"print(open('{outside}/deep/made').read(), oct(os.stat('{outside}/deep/made').st_mode)); attempt(open, '/usr/no-such-name')"
    assert python(project, script, place(outside, Access.HIDDEN, skeleton=True), private_files=files).out.split() == ["made", "0o100600", "ENOENT"]
    assert not (outside / "deep").exists()


def test_a_bind_is_made_private_on_the_host_and_writable_inside(project: Path, tmp_path: Path) -> None:
    source = tmp_path / "state" / "cache"
    bind = Bind(str(source), "/run/paddock/cache/npm", RULE)
    assert python(project, "attempt(open, '/run/paddock/cache/npm/made', 'w'); attempt(os.rmdir, '/run/paddock/cache/npm')", binds=(bind,)).out.split() == [
        "ok",
        "EBUSY",
    ]
    assert (source / "made").exists()
    assert [p.stat().st_mode & 0o777 for p in (source, source.parent)] == [0o700, 0o700]


def test_a_bind_that_another_run_makes_meanwhile_is_used(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "state" / "cache").mkdir(parents=True)
    bind = Bind(str(tmp_path / "state" / "cache"), "/run/paddock/cache", RULE)
    monkeypatch.setattr(os.path, "lexists", lambda _path: False)  # it was not there yet when this run looked
    assert python(project, "attempt(open, '/run/paddock/cache/made', 'w')", binds=(bind,)).out == "ok\n"
    assert (tmp_path / "state" / "cache" / "made").exists()


def test_temporary_folders_are_private_empty_and_capped_together(project: Path) -> None:
    marker = Path("/tmp") / f"paddock-test-{os.getpid()}"
    marker.write_text("CANARY")
    try:
        script = f"""
attempt(open, '{marker}')
attempt(open, '/tmp/made', 'w')
attempt(open, '/var/tmp/made', 'w')
def fill(name):
    with open(name, 'wb', buffering=0) as file:
        for _ in range(10):
            if file.write(bytes(1 << 20)) < 1 << 20: raise OSError(28, 'short')
attempt(fill, '/tmp/a')
attempt(fill, '/var/tmp/b')
"""
        assert python(project, script, tmp_bytes=16 << 20).out.split() == ["ENOENT", "ok", "ok", "ok", "ENOSPC"]
    finally:
        marker.unlink()


@pytest.mark.parametrize("area", ["/dev/shm", "/run", "/tmp", "/dev"])
def test_memory_areas_have_a_cap(project: Path, area: str) -> None:
    script = f"""
def fill(size):
    with open('{area}/fill', 'wb', buffering=0) as file:
        for _ in range(size):
            if file.write(bytes(1 << 20)) < 1 << 20: raise OSError(28, 'short')
attempt(fill, 40)
"""
    expected = "EROFS" if area == "/dev" else "ENOSPC"
    assert python(project, script).out.strip() == expected


def test_devices_are_a_handful_and_terminals_are_the_fences_own(project: Path) -> None:
    names = shell(project, "ls /dev").out.split()
    assert names == ["fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero"]
    script = "open('/dev/null', 'w').write('x'); a, b = os.openpty(); print(os.ttyname(b)); print(len(open('/dev/urandom', 'rb').read(8)))"
    assert python(project, script).out.split() == ["/dev/pts/0", "8"]


def test_no_device_works_in_a_writable_place(project: Path) -> None:
    applies(os.getuid() == 0, "only root can make a device node to try")
    os.mknod(project / "zero", 0o020666, os.makedev(1, 5))
    assert python(project, "attempt(open, 'zero', 'rb'); attempt(open, '/dev/zero', 'rb')").out.split() == ["EACCES", "ok"]


def test_kernel_settings_are_read_only_for_everybody(project: Path) -> None:
    names = ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches", "/proc/sysrq-trigger")
    script = "".join(f"attempt(os.open, '{name}', os.O_WRONLY)\n" for name in names if Path(name).exists()) + "attempt(open, '/proc/sys/kernel/hostname')"
    found = python(project, script).out.split()
    assert set(found[:-1]) <= {"EROFS", "EACCES"}
    if os.getuid() == 0:
        assert set(found[:-1]) == {"EROFS"}  # for user 0 only the mount stands in the way
    assert found[-1] == "ok"


@pytest.mark.parametrize("name", ["kcore", "keys", "timer_list"])
def test_what_proc_tells_about_the_whole_machine_is_hidden(project: Path, name: str) -> None:
    applies(Path("/proc", name).exists(), f"this kernel has no /proc/{name}")
    assert python(project, f"attempt(open, '/proc/{name}'); attempt(open, '/proc/version')").out.split() == ["EACCES", "ok"]


def test_firmware_is_hidden_and_control_groups_are_read_only(project: Path) -> None:
    applies(Path("/sys/firmware").exists(), "no /sys/firmware here")
    assert python(project, "print(os.listdir('/sys/firmware'), 'mm' in os.listdir('/sys/kernel')); attempt(os.mkdir, '/sys/fs/cgroup/made')").out.split() == [
        "[]",
        "True",
        "EROFS",
    ]


def test_only_the_fences_processes_are_visible(project: Path) -> None:
    found = python(
        project, "print(sorted(int(n) for n in os.listdir('/proc') if n.isdigit()) == [1, os.getpid()], open('/proc/1/cmdline').read().strip(chr(0)))"
    ).out
    assert found == "True paddock-keeper\n"


def test_nothing_of_the_hosts_root_is_left_under_the_new_one(project: Path) -> None:
    lines = shell(project, "cat /proc/self/mountinfo").out.splitlines()
    roots = [line for line in lines if line.split()[4] == "/"]
    assert len(roots) == 1
    writable = {line.split()[4] for line in lines if "rw" in line.split()[5].split(",")}
    assert writable <= {
        str(project),
        "/tmp",
        "/var/tmp",
        "/run",
        "/proc",
        "/dev/pts",
        "/dev/shm",
        *(f"/dev/{n}" for n in ("full", "null", "random", "tty", "urandom", "zero")),
    }
    assert not any("nosuid" not in line.split()[5] for line in lines)


def test_a_plan_may_start_from_an_empty_root(project: Path) -> None:
    layout = (
        Place("/", Access.HIDDEN, Kind.DIRECTORY, RULE, skeleton=True),
        *(place(p, Access.READ) for p in ("/usr", "/bin", "/lib", "/lib64", "/etc/passwd") if os.path.lexists(p)),
    )
    script = "attempt(open, '/etc/passwd'); attempt(open, '/etc/group'); attempt(open, 'made', 'w'); attempt(os.mkdir, '/made'); attempt(open, '/tmp/x', 'w')"
    assert python(project, script, *layout).out.split() == ["ok", "ENOENT", "ok", "EROFS", "ok"]


def test_a_thousand_places(project: Path) -> None:
    for number in range(1000):
        (project / f"file{number}").write_text("x")
    layout = tuple(place(project / f"file{number}", Access.HIDDEN if number % 2 else Access.READ) for number in range(1000))
    assert python(project, "attempt(open, 'file998'); attempt(open, 'file998', 'w'); attempt(open, 'file999')", *layout).out.split() == [
        "ok",
        "EROFS",
        "EACCES",
    ]


PROPAGATION = """
import os, select, subprocess, sys
sys.path[:0] = {path!r}
from pathlib import Path
from paddock.model.plan import Access
from tests.fence.running import Sink, make_plan, place
from paddock.fence.namespaces import start
shared, project = Path({shared!r}), Path({project!r})
plan = make_plan(project, ("/bin/sh", "-c", f"read line; ls {{shared}}/sub"), place(shared, Access.READ))
read, write = os.pipe()
fence = start(plan, Sink(), stdio=(read, 1, 2))
subprocess.run(["mount", "-t", "tmpfs", "none", shared / "sub"], check=True)
(shared / "sub" / "later").touch()
fence.spawn()
os.write(write, b"go\\n")
poll = select.poll()
for fd in (fence.control_fd, fence.observer.fileno()):
    poll.register(fd, select.POLLIN)
while fence.handle_control() is None if fence.control_fd in (ready := dict(poll.poll())) else True:
    if fence.observer.fileno() in ready and not fence.observer.handle():
        poll.unregister(fence.observer.fileno())
print("outside:", os.listdir(shared / "sub"))
fence.close()
"""


def test_what_the_host_mounts_later_does_not_appear_inside(project: Path, outside: Path) -> None:
    applies(os.getuid() == 0, "only root can mount on the host")
    root = Path(__file__).resolve().parents[2]
    paths = [str(root), str(root / "src"), *[p for p in sys.path if p.endswith("site-packages")]]
    code = PROPAGATION.format(path=paths, shared=str(outside), project=str(project))
    setup = 'mount -t tmpfs none "$0" && mount --make-shared "$0" && mkdir "$0/sub" && exec "$1" -c "$2"'
    done = subprocess.run(["unshare", "-m", "sh", "-c", setup, outside, sys.executable, code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("outside: ['later']\n", 0), done.stderr


def test_temporary_folders_are_there_below_an_emptied_var(project: Path) -> None:
    script = "attempt(open, '/var/tmp/made', 'w'); print(os.listdir('/var')); attempt(os.mkdir, '/var/made'); attempt(open, '/tmp/made', 'w')"
    assert python(project, script, place("/var", Access.HIDDEN, skeleton=True)).out.splitlines() == ["ok", "['tmp']", "EROFS", "ok"]


def test_a_place_may_take_the_place_of_a_private_folder(project: Path, tmp_path: Path) -> None:
    applies(project.is_relative_to("/tmp"), "the test's folder lies elsewhere")
    made = tmp_path / "made"
    assert python(project, f"attempt(open, '{made}', 'w')", place("/tmp", Access.WRITE)).out == "ok\n"
    assert made.exists()


def test_the_number_of_files_in_memory_is_capped(project: Path) -> None:
    script = """
def fill():
    for number in range(40000): os.close(os.open(f'/tmp/{number}', os.O_CREAT | os.O_WRONLY))
attempt(fill)
"""
    assert python(project, script, tmp_bytes=4 << 20).out == "ENOSPC\n"
