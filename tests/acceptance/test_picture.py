"""The acceptance picture: two projects that work unchanged inside the fence, and a poisoned package that gets nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from scripts.readme import shown, written
from scripts.stage import ATTEMPTS, PLANTED, Ran, Stage
from tests.acceptance.canary import dns_canary, tcp_canary
from tests.conftest import must

pytestmark = pytest.mark.acceptance


def good(ran: Ran) -> Ran:
    assert ran.code == 0, f"exit {ran.code}\n{ran.out}\n{ran.err}"
    return ran


def trusted(stage: Stage, example: str, *, dependencies: bool = True) -> Path:
    project = stage.copy(example, dependencies=dependencies)
    done = stage.paddock("trust", "--yes", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    return project


def status(stage: Stage, project: Path) -> str:
    return stage.outside("git", "status", "--porcelain", "--untracked-files=all", cwd=project)


@pytest.mark.registry
def test_a_day_in_an_npm_project(stage: Stage, registries: bool) -> None:
    must(registries, "no package registry answers from here")
    project = trusted(stage, "npm-project")
    installed = good(stage.run("npm", "ci", cwd=project))
    assert (project / "node_modules" / "ms" / "package.json").exists()
    assert (project / "node_modules" / ".cache" / "built.json").exists(), "the project's own install script ran"
    assert installed.report["flows"], "the packages came through the gate"
    tested = good(stage.run("npm", "test", cwd=project))
    assert "pass 3" in tested.out
    assert tested.report["refused"] == [], "ordinary work is refused nothing"

    answered, _, printed = stage.serve(project)
    assert answered, printed

    good(stage.run("git", "switch", "-q", "-c", "topic", cwd=project))
    with (project / "src" / "tides.js").open("a") as text:
        text.write("// a change\n")
    committed = good(stage.run("git", "commit", "-a", "-m", "Change a line", cwd=project))
    assert "pass 3" in committed.out + committed.err, "the project's hook ran its tests"
    good(stage.run("git", "switch", "-q", "main", cwd=project))
    assert "a change" not in (project / "src" / "tides.js").read_text()
    assert stage.outside("git", "log", "--format=%an %s", "topic", cwd=project).splitlines()[0] == "Somebody Change a line"
    assert status(stage, project) == ""


@pytest.mark.registry
def test_a_second_install_finds_its_downloads_again(stage: Stage, registries: bool) -> None:
    must(registries, "no package registry answers from here")
    project = trusted(stage, "npm-project")
    good(stage.run("npm", "ci", cwd=project))
    again = good(stage.run("npm", "ci", "--offline", cwd=project))
    assert again.report["flows"] == []
    assert not (stage.home / ".npm" / "_cacache").exists(), "the person's own cache is not the project's"


@pytest.mark.registry
def test_a_day_in_a_python_project(stage: Stage, registries: bool) -> None:
    must(registries, "no package registry answers from here")
    project = trusted(stage, "python-project")
    good(stage.run(os.path.realpath(sys.executable), "-m", "venv", ".venv", cwd=project))
    good(stage.run(".venv/bin/pip", "install", "-e", ".[test]", cwd=project))
    tested = good(stage.run(".venv/bin/pytest", "-q", cwd=project))
    assert "2 passed" in tested.out
    assert tested.report["refused"] == [], "ordinary work is refused nothing"

    good(stage.run("git", "switch", "-q", "-c", "topic", cwd=project))
    with (project / "src" / "tally" / "__init__.py").open("a") as text:
        text.write("\n# a change\n")
    good(stage.run("git", "commit", "-q", "-a", "-m", "Change a line", cwd=project))
    good(stage.run("git", "switch", "-q", "main", cwd=project))
    assert stage.outside("git", "log", "--format=%s", "topic", cwd=project).splitlines()[0] == "Change a line"
    assert status(stage, project) == ""


def test_the_hostile_package_works_where_no_fence_is(stage: Stage) -> None:
    """The twin of the next test: the same package, with servers of ours in the attacker's place, gets everything."""
    project = stage.copy("npm-project", dependencies=False)
    with tcp_canary(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n") as collector, tcp_canary(b"welcome\n") as address, dns_canary() as resolver:
        attacker = {"ATTACK_COLLECTOR": collector.address, "ATTACK_ADDRESS": address.address, "ATTACK_RESOLVER": resolver.address}
        ran, attempts = stage.install_hostile_package(project, stage.hostile_tarball(), fenced=False, extra=attacker)
    good(ran)
    assert {a["attempt"]: a["succeeded"] for a in attempts} == {a.words: True for a in ATTEMPTS}, attempts
    assert b"what was stolen" in b"".join(collector.got)
    assert address.got == [b"hello\n"]
    assert any(b"c2vjcmv0" in query.lower() for query in resolver.got)
    assert "left-padded" in (stage.home / ".bashrc").read_text()


def test_the_hostile_package_gets_nothing_and_the_report_says_why(stage: Stage) -> None:
    project = trusted(stage, "npm-project", dependencies=False)
    before = {path: path.read_bytes() for path in stage.home.rglob("*") if path.is_file() and ".git/" not in str(path) and "state" not in str(path)}
    ran, attempts = stage.install_hostile_package(project, stage.hostile_tarball())
    good(ran)

    assert {a["attempt"]: a["succeeded"] for a in attempts} == {a.words: False for a in ATTEMPTS}, attempts
    settings = str(project / ".claude" / "settings.json")
    quoted = lines_of(settings)
    for attempt in ATTEMPTS:
        refusal = ran.refusal_of(attempt)
        assert refusal, f"nothing in the report answers: {attempt.words}\n{ran.report}"
        rule = refusal["rule"]
        assert rule["file"] == settings, refusal
        if attempt.area in ("dns", "network"):
            # Nothing refuses these by name; they are refused because the team's list does not hold them. What is named is that list, and where to add to it.
            assert rule["key"] == "sandbox.network.allowedDomains"
            assert settings in refusal["remedy"]
        else:
            assert rule["text"] in quoted[rule["line"] - 1], "the line that the report names holds the rule"

    said = ran.err
    for attempt in ATTEMPTS:
        line = next((line for line in said.splitlines() if attempt.subject.rpartition("/")[2].casefold() in line.casefold()), "")
        assert line, f"the block at the end does not name: {attempt.words}\n{said}"
    assert said.count("allow: ") >= len(ATTEMPTS), said
    assert PLANTED not in ran.out + ran.err + str(ran.report)
    assert {path: path.read_bytes() for path in before} == before
    assert status(stage, project) == ""


def test_the_readme_shows_what_really_happens(stage: Stage) -> None:
    # In a folder with a short name, as the README's was: the report caps long paths.
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        assert shown(Stage(Path(short), stage.command, stage.environment)) == written(), "run ./dev docs"


def lines_of(file: str) -> list[str]:
    return Path(file).read_text().splitlines()


def test_without_trust_the_projects_hosts_do_not_count(stage: Stage) -> None:
    project = stage.copy("npm-project", dependencies=False)
    ran = stage.run("true", cwd=project)
    assert ran.code == 0
    assert "paddock trust" in ran.err


def marked_processes(mark: str) -> list[int]:
    """The processes of this machine that carry ``mark`` in their arguments."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if mark.encode() in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
            except OSError:  # it has ended meanwhile
                continue
    return found


def test_nothing_is_left_after_paddock_is_killed(stage: Stage) -> None:
    project = trusted(stage, "python-project")
    mark = f"PADDOCK-KILL-{os.getpid()}-{project.stat().st_ino}"
    mounts = Path("/proc/self/mountinfo").read_text()
    files = {str(path) for path in stage.base.rglob("*")}
    script = f"echo {mark} >/dev/null; echo ready; while :; do sleep 1000; done"
    process = subprocess.Popen(
        [str(stage.command), "run", "--", "sh", "-c", script], cwd=project, env=stage.inside, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    inside = [pid for pid in marked_processes(mark) if pid != process.pid]
    assert inside, "the twin: while it runs, its processes can be seen"
    watched = [os.pidfd_open(pid) for pid in inside]
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert process.stdout.read() == ""  # end of file comes when the last process inside is gone
    process.stdout.close()
    for descriptor in watched:
        import select

        assert select.select([descriptor], [], [], 10)[0], "a process outlived Paddock"
        os.close(descriptor)
    assert marked_processes(mark) == []
    assert Path("/proc/self/mountinfo").read_text() == mounts
    new = {str(path) for path in stage.base.rglob("*")} - files
    kept = {str(stage.home / name) for name in (".cache", ".cache/paddock", ".local", ".local/state", ".local/state/paddock")}
    assert not {path for path in new - kept if not path.startswith((str(stage.home / ".cache/paddock/"), str(stage.home / ".local/state/paddock/")))}
    assert not [path for path in new if Path(path).is_socket()]
    assert status(stage, project) == ""
