"""What is told about refused file accesses: what a person would want to know, once, and nothing that would have failed outside as well."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from paddock.fence.guard import observe
from paddock.model.plan import Access, PrivateFile
from paddock.model.record import replace
from paddock.model.settings import Origin, Scope
from paddock.model.unprotect import PROTECTED, SEALED, Lifting
from tests.conftest import applies
from tests.fence.running import RULE, Result, make_plan, place, python, run, shell


def told(result: Result) -> list[tuple[str, str]]:
    return result.sink.violations()


def test_reading_a_hidden_file_is_told_with_the_rule(project: Path, outside: Path) -> None:
    result = shell(
        project, f"cat {outside}/file; cat {outside}/file", place(outside.parent, Access.READ), place(outside / "file", Access.HIDDEN, reason="a secret")
    )
    assert "Permission denied" in result.err
    (event,) = [e for e in result.sink.events if e.kind == "violation"]
    assert (event.area, event.act, event.subject, event.reason, event.rule) == ("file", "read", str(outside / "file"), "a secret", RULE)
    assert "allowRead" in event.remedy


def test_what_is_allowed_is_not_told(project: Path, outside: Path) -> None:
    script = f"""
cat {outside}/file; ls / /usr /proc/self /dev
echo x > made; mkdir d; mv made d/made; rm -r d
echo x > /tmp/x; rm /tmp/x; : > /dev/null; touch /dev/shm/x
"""
    assert told(shell(project, script, place(outside.parent, Access.READ))) == []


@pytest.mark.parametrize(
    ("script", "subject"),
    [
        ("echo x > {}/new", "new"),
        ("echo x >> {}/file", "file"),
        ("rm -f {}/file", "file"),
        ("mkdir {}/folder", "folder"),
        ("mv {}/file {}/other", "file"),
        ("ln -s x {}/link", "link"),
        ("cd {} && echo x > new", "new"),
        ("cd {}/.. && echo x > outside/../outside/./new", "new"),
        ("ln -s {} way; echo x > way/new", "new"),
        ("ln -s {}/file link; echo x > link", "file"),
    ],
)
def test_a_refused_write_is_told_by_its_real_path(project: Path, outside: Path, script: str, subject: str) -> None:
    result = shell(project, script.replace("{}", str(outside)), place(outside.parent, Access.READ))
    assert told(result) == [("write", str(outside / subject))]
    assert (outside / "file").read_text() == "outside\n"
    assert sorted(p.name for p in outside.iterdir()) == ["file"]


def test_a_write_where_no_place_is_named_is_told_with_the_way_to_allow_it(project: Path) -> None:
    applies(os.getuid() == 0, "nobody else could write there without a fence either")
    result = shell(project, "echo x > /srv/paddock-test")
    (event,) = [e for e in result.sink.events if e.kind == "violation"]
    assert (event.act, event.subject, event.rule) == ("write", "/srv/paddock-test", None)
    assert "allowWrite" in event.remedy


def test_a_protected_name_is_told_with_its_reason(project: Path) -> None:
    (project / "hook").write_text("safe")
    result = shell(project, "echo x > hook; rm -f hook; echo y > other", place(project / "hook", Access.READ, reason="protected: a hook"))
    (event,) = [e for e in result.sink.events if e.kind == "violation"]
    assert (event.subject, event.reason, event.rule) == (str(project / "hook"), "protected: a hook", RULE)


@pytest.mark.parametrize(
    ("key", "lock", "remedy", "entry"),
    [
        (PROTECTED, None, '--unprotect .vscode, or add ".vscode" to paddock.filesystem.unprotect', ".vscode"),
        (PROTECTED, Origin(Scope.MANAGED, "/etc/m.json", 3, 1, "the.lock"), "only managed settings may lift it (/etc/m.json:3 sets the.lock)", None),
        (SEALED, None, "nothing lifts this", None),
    ],
)
def test_a_protected_folder_is_told_with_the_entry_that_lifts_it(project: Path, key: str, lock: Origin | None, remedy: str, entry: str | None) -> None:
    (project / ".vscode").mkdir()
    kept = replace(place(project / ".vscode", Access.READ, reason="protected: tasks"), why=Origin(Scope.BUILTIN, "builtin", key=key, text=".vscode"))
    result = shell(project, "echo x > .vscode/tasks.json", kept, lifting=Lifting(str(project), lock))
    (event,) = [e for e in result.sink.events if e.kind == "violation"]
    assert (event.subject, event.remedy, dict(event.detail).get("unprotect")) == (str(project / ".vscode" / "tasks.json"), remedy, entry)


def test_what_would_fail_without_a_fence_is_not_told(project: Path, outside: Path) -> None:
    script = f"rm -f {outside}/absent; mkdir {outside}; cat {outside}/absent; echo x > {outside}/no/such/folder; mkdir -p {outside}; cat absent"
    assert told(shell(project, script, place(outside.parent, Access.READ))) == []


def test_a_private_file_is_not_told_as_the_hosts(project: Path) -> None:
    private = PrivateFile("/etc/hosts", b"127.0.0.1 localhost\n", 0o644, RULE)
    assert told(shell(project, "cat /etc/hosts; echo x > /etc/hosts", private_files=(private,))) == []


def test_listing_an_emptied_folder_is_no_violation_and_reading_what_is_gone_is(project: Path, outside: Path) -> None:
    layout = (place(outside, Access.HIDDEN, skeleton=True), place(project, Access.WRITE))
    result = run(make_plan(project, ("/bin/sh", "-c", f"ls {outside}; cat {outside}/file"), *layout[:1]))
    assert told(result) == [("read", str(outside / "file"))]


def test_the_number_of_events_is_capped_and_the_cap_is_told(project: Path, outside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe, "MAX_EVENTS", 5)
    result = shell(project, f"for i in 1 2 3 4 5 6 7 8 9; do echo x > {outside}/$i; done", place(outside.parent, Access.READ))
    assert len(told(result)) == 5
    assert [e.reason for e in result.sink.events if e.kind == "notice"] == ["5 different refused file accesses were told; more are not"]


def test_rubbish_for_paths_harms_nobody(project: Path) -> None:
    script = """
libc = ctypes.CDLL(None, use_errno=True)
def raw(path, directory=-100, flags=0):
    fd = libc.openat(directory, path, flags)
    print(errno.errorcode[ctypes.get_errno()] if fd < 0 else 'ok')
raw(ctypes.c_void_p(8))
raw(ctypes.c_void_p(-4096))
raw(b'')
raw(b'relative', 999)
raw(b'x' * 5000)
raw(b'/' + b'y/' * 2047 + b'z')
raw(os.fsencode('/\\udcff'))
raw(b'/etc/passwd')
# A path that ends at the end of a page, with nothing after it
import mmap
libc.mmap.restype = ctypes.c_void_p
pages = libc.mmap(None, ctypes.c_size_t(8192), 3, 0x22, -1, ctypes.c_long(0))
libc.munmap(ctypes.c_void_p(pages + 4096), ctypes.c_size_t(4096))
ctypes.memmove(pages + 4096 - 12, b'/etc/passwd\\0', 12)
raw(ctypes.c_void_p(pages + 4096 - 12))
"""
    assert python(project, script).out.split() == ["EFAULT", "EFAULT", "ENOENT", "EBADF", "ENAMETOOLONG", "ENAMETOOLONG", "ENOENT", "ok", "ok"]


def test_callers_that_die_while_they_wait_stop_nobody(project: Path) -> None:
    script = """
import signal
pids = []
for _ in range(20):
    pid = os.fork()
    if pid == 0:
        while True: os.close(os.open('/etc/passwd', os.O_RDONLY))
    pids.append(pid)
for pid in pids: os.kill(pid, signal.SIGKILL)
for pid in pids: os.waitpid(pid, 0)
open('done', 'w').close()
print('done')
"""
    assert python(project, script).out == "done\n"


def test_an_interrupted_open_is_made_once(project: Path) -> None:
    script = """
import signal
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
for number in range(500): os.close(os.open(f'f{number}', os.O_CREAT | os.O_EXCL | os.O_WRONLY))
print('done')
"""
    assert python(project, script).out == "done\n"


def test_a_process_that_may_not_be_looked_into_works_all_the_same(project: Path) -> None:
    script = "ctypes.CDLL(None).prctl(4, 0, 0, 0, 0); attempt(open, '/etc/passwd'); attempt(open, 'made', 'w')"
    assert python(project, script).out.split() == ["ok", "ok"]


def test_a_read_only_project_is_told_with_its_own_entry(project: Path) -> None:
    entry = Origin(Scope.USER, "/s.json", 4, 1, "paddock.filesystem.project", "read-only")
    (project / "src").write_text("x")
    plan = {"layout": (place(project.parent, Access.READ),), "lifting": Lifting(str(project), read_only=entry)}
    result = shell(project, "echo x > src", **plan)
    (event,) = [e for e in result.sink.events if e.kind == "violation"]
    assert (event.subject, event.reason, event.rule) == (str(project / "src"), "this project is read-only", entry)
    assert "allowWrite" in event.remedy
