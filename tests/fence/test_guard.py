"""The guard as a stand-in for the kernel: what it carries out has the results, the errnos and the traces that the call itself would have had."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from paddock.errors import UnsupportedError
from paddock.fence.launcher import lockdown
from paddock.model.guard import Denial
from tests.conftest import must
from tests.fence.running import PYTHON, RULE, guarding, make_plan, python, run, shell

CALLS = (Path(__file__).parent / "calls.py").read_text()


def unfenced(folder: Path) -> str:
    """What the same program prints without a fence, for a caller who has as few capabilities as there are inside."""
    argv = [PYTHON, "-I", "-S", "-c", CALLS, str(folder)]
    if os.getuid() == 0:
        must(Path("/usr/bin/setpriv").exists(), "setpriv (util-linux) is not installed")
        argv = ["/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all", "--securebits=+noroot,+noroot_locked", *argv]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60, start_new_session=True)
    return done.stdout


@pytest.mark.parametrize("hidden", [(), (Denial("/nowhere", RULE),)], ids=["writing", "reading too"])
def test_every_call_gives_what_it_gives_without_a_fence(project: Path, tmp_path: Path, hidden: tuple[Denial, ...]) -> None:
    other = tmp_path / "unfenced"
    other.mkdir()
    expected = unfenced(other)
    result = run(make_plan(project, (PYTHON, "-I", "-S", "-c", CALLS, str(project)), guard=guarding(project, hidden=hidden)))
    assert result.err == ""
    assert result.out.splitlines() == expected.splitlines()
    assert "interrupted" in expected


def test_a_refusal_is_told_with_its_rule_and_its_remedy(project: Path) -> None:
    result = shell(project, "echo x > .envrc; echo x > plain", guard=guarding(project))
    assert "Operation not permitted" in result.err
    assert sorted(p.name for p in project.iterdir()) == ["plain"]
    (event,) = [e for e in result.sink.events if e.kind == "violation"]
    assert (event.act, event.subject, event.reason) == ("write", str(project / ".envrc"), "protected: script that direnv runs on entering a folder")
    assert event.rule is not None
    assert event.rule.text == ".envrc"
    assert "paddock.filesystem.unprotect" in event.remedy


def test_a_denied_path_is_told_with_its_entry(project: Path) -> None:
    result = shell(project, "echo x > later", guard=guarding(project, denied=(Denial(str(project / "later"), RULE),)))
    assert not (project / "later").exists()
    (event,) = [e for e in result.sink.events if e.kind == "violation"]
    assert (event.subject, event.rule) == (str(project / "later"), RULE)


def test_what_exists_can_be_asked_for(project: Path) -> None:
    """Programs make sure that something is there by making it: they must hear that it is."""
    (project / ".vscode").mkdir()
    (project / ".envrc").write_text("old\n")
    script = """
attempt(os.mkdir, '.vscode')
attempt(os.open, '.envrc', os.O_CREAT | os.O_EXCL | os.O_WRONLY)
attempt(os.close, os.open('.envrc', os.O_CREAT | os.O_RDONLY))
attempt(os.open, '.envrc', os.O_WRONLY)
attempt(os.truncate, '.envrc', 0)
attempt(os.rename, '.envrc', 'other')
attempt(os.link, '.envrc', 'other')
"""
    result = python(project, script, guard=guarding(project))
    assert result.out.split() == ["EEXIST", "EEXIST", "ok", "EPERM", "EPERM", "EPERM", "EPERM"]
    assert (project / ".envrc").read_text() == "old\n"


def test_what_lies_outside_the_write_roots_is_not_judged(project: Path) -> None:
    assert python(project, "attempt(open, '/tmp/.envrc', 'w'); attempt(os.mkdir, '/dev/shm/.vscode')", guard=guarding(project)).out.split() == ["ok", "ok"]


@pytest.mark.parametrize("error", ["EBUSY", "EINVAL"])
def test_without_a_guard_a_denied_path_is_a_refusal_and_a_protected_name_a_notice(project: Path, monkeypatch: pytest.MonkeyPatch, error: str) -> None:
    import errno

    def none(_program: bytes, *, killable: bool) -> int:
        assert killable
        raise OSError(getattr(errno, error), "no")

    monkeypatch.setattr(lockdown, "install_listener", none)
    result = shell(project, "echo x > .envrc", guard=guarding(project))
    assert result.code == 0
    assert any("protected names that do not exist yet can be created" in e.reason for e in result.sink.events if e.kind == "notice")
    with pytest.raises(UnsupportedError, match="later"):
        shell(project, "true", guard=guarding(project, denied=(Denial(str(project / "later"), RULE),)))


def test_a_guard_that_is_killed_leaves_nothing_unjudged(project: Path) -> None:
    from paddock.fence.namespaces import start
    from tests.fence.running import Sink

    read, write = os.pipe()
    null = os.open(os.devnull, os.O_RDWR)
    script = "read go; : > made || echo refused; : < /etc/passwd || echo closed; echo end"
    fence = start(make_plan(project, ("/bin/sh", "-c", script), guard=guarding(project)), Sink(), stdio=(read, null, null))
    try:
        fence.spawn()
        os.kill(fence._launcher, 9)
        os.waitid(os.P_PID, fence._launcher, os.WEXITED | os.WNOWAIT)
        assert fence.observer is not None
        assert not fence.observer.handle()
        os.write(write, b"go\n")
        assert fence.handle_control() is not None
        assert not (project / "made").exists()
    finally:
        fence.close()
        for fd in (read, write, null, *(listener.fd for listener in fence.listeners)):
            os.close(fd)
