"""What is found after a run: on a real file system, whose clocks and inode numbers are what is asked."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from paddock.host.files import HostFiles
from paddock.model.planted import GIT, HARD_LINK, LINK, NAME, PROGRAM, SCRIPT, TOOL, Candidate
from paddock.model.policy import FilesystemPolicy
from paddock.planner import planted
from paddock.planner.layout import Ground, lay_out
from paddock.planner.planted import Before, look, remember
from paddock.planner.view import View
from paddock.session.planted import beginning
from tests.planner.fakes import filesystem


class Place:
    """A home with a project in it. ``before`` is the memory; ``found`` what is there now, as (path seen from the project, made, kind)."""

    def __init__(self, base: Path) -> None:
        # Not below /tmp, where a project's own top folder is shown and everything else is private: here the home is a write root of its own kind.
        self.home = base.resolve()
        self.project = self.home / "app"
        self.project.mkdir()
        self.path = ""
        self.policy: dict[str, object] = {}

    def put(self, name: str, text: str = "x", mode: int = 0o644) -> Path:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def remember(self) -> Before:
        policy = {"allow_write": [str(self.project)], **self.policy}
        files, view = HostFiles(), View(HostFiles())
        self.began = beginning()
        laid = lay_out(self.laid(**policy), Ground(str(self.project), str(self.home), str(self.project), allow_home=True), view)
        laid.places()
        return remember(view, files, laid, cwd=str(self.project), home=str(self.home), path=self.path, since=self.began[0])

    @staticmethod
    def laid(**policy: object) -> FilesystemPolicy:
        return filesystem(**policy)  # type: ignore[arg-type]  # as its caller names them

    def candidates(self, before: Before) -> tuple[list[Candidate], list[str]]:
        now, monotonic = beginning()
        return look(before, HostFiles(), now=now, elapsed=monotonic - self.began[1])

    def found(self, before: Before) -> list[tuple[str, bool, str]]:
        return [(os.path.relpath(item.path, self.project), item.made, item.kind) for item in self.candidates(before)[0]]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def settle() -> None:
    """Wait for the next tick of the file systems' clock, which comes every few milliseconds: what was made until here is older than what follows."""
    began = beginning()[0]
    deadline = time.monotonic() + 5
    while beginning()[0] == began and time.monotonic() < deadline:
        os.sched_yield()


def test_nothing_is_found_when_nothing_happened(place: Place) -> None:
    for name in (".mcp.json", ".git/HEAD", ".git/hooks/pre-commit", "run.sh", "eslint.config.js", "src/a.py"):
        place.put(name, "#!/bin/sh\n", 0o755)
    (place.project / "out").symlink_to("/etc/passwd")
    settle()
    assert place.found(place.remember()) == []


def test_ordinary_work_is_not_told(place: Place) -> None:
    place.put("src/a.py")
    settle()
    before = place.remember()
    for name in ("src/a.py", "src/b.py", "new/c.py", "Makefile", "package.json", "node_modules/x/.npmrc", "app"):
        place.put(name)
    place.put("program", "\x7fELF", 0o755)
    place.put("src/helper", "#!/bin/sh\n", 0o755)
    (place.project / "inner").symlink_to("src/a.py")
    (place.project / "new" / "up").symlink_to("../src")
    assert place.found(before) == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (".mcp.json", NAME),
        ("new/deep/.envrc", NAME),
        ("src/.vscode/tasks.json", NAME),
        (".github/workflows/ci.yml", NAME),
        (".aider.conf.yml", NAME),
        (".paddock/settings.json", NAME),
        ("src/.git", GIT),
        ("eslint.config.js", TOOL),
        ("src/new/prettier.config.mjs", TOOL),
    ],
)
def test_a_new_file_that_is_obeyed(place: Place, name: str, kind: str) -> None:
    place.put("src/a.py")
    place.put(".github/dependabot.yml")
    settle()
    before = place.remember()
    place.put(name)
    assert place.found(before) == [(name, True, kind)]


def test_hooks_and_configuration_of_git(place: Place) -> None:
    place.put(".git/HEAD")
    settle()
    before = place.remember()
    for name in (".git/hooks/pre-commit", ".git/hooks/other.sample", ".git/config", ".git/index", "sub/.git/config", "sub/.git/HEAD"):
        place.put(name, "[core]\n\tpager = x\n")
    assert place.found(before) == [(name, True, GIT) for name in (".git/config", ".git/hooks/pre-commit", "sub/.git/config")]


def test_a_new_repository_with_nothing_in_its_configuration_is_ordinary_work(place: Place) -> None:
    settle()
    before = place.remember()
    for name in ("sub/.git/config", "sub/.git/HEAD", "sub/.git/hooks/pre-commit.sample"):
        place.put(name, "[core]\n\tbare = false\n")
    assert place.found(before) == []


def test_a_folder_made_to_look_like_a_git_directory(place: Place) -> None:
    place.put("data/HEAD")
    settle()
    before = place.remember()
    for name in ("data/objects/x", "data/refs/x", "data/config"):
        place.put(name)
    assert place.found(before) == [("data/config", True, GIT)]


@pytest.mark.parametrize("value", ["tools/hooks", "/", "..", "."])
def test_a_planted_hooks_path_tells_the_hooks_and_never_the_whole_project(place: Place, value: str) -> None:
    place.put(".git/HEAD")
    place.put("tools/hooks/pre-commit")
    settle()
    before = place.remember()
    place.put(".git/config", f"[core]\n\thooksPath = {value}\n")
    names = [name for name, _, _ in place.found(before)]
    assert names == [".git/config", *(["tools/hooks/pre-commit"] if value == "tools/hooks" else [])]


def test_scripts_that_people_start(place: Place) -> None:
    place.put("build.sh", "#!/bin/sh\n", 0o755)
    place.put("bin/old", "#!/bin/sh\n", 0o755)
    place.put("plain.sh", "#!/bin/sh\n")
    settle()
    before = place.remember()
    place.put("build.sh", "#!/bin/sh\nevil\n", 0o755)
    place.put("bin/new", "#!/bin/sh\n", 0o755)
    (place.project / "plain.sh").chmod(0o755)
    assert place.found(before) == [("bin/new", True, SCRIPT), ("build.sh", False, SCRIPT), ("plain.sh", False, SCRIPT)]


@pytest.mark.parametrize("target", ["/etc/passwd", "../../other", "/nowhere/at/all", "/tmp/x", "/proc/self/environ"])
def test_a_link_that_leaves(place: Place, target: str) -> None:
    place.put("src/a.py")
    settle()
    before = place.remember()
    (place.project / "src" / "way").symlink_to(target)
    (place.project / "chain").symlink_to("src/way")
    assert place.found(before) == [("chain", True, LINK), ("src/way", True, LINK)]
    assert place.candidates(before)[0][1].target == target


def test_a_virtual_environment_is_ordinary_work(place: Place) -> None:
    settle()
    before = place.remember()
    for folder, marked in (("env", True), ("fake", False)):
        (place.project / folder / "bin").mkdir(parents=True)
        (place.project / folder / "bin" / "python3").symlink_to("/usr/bin/python3")
        (place.project / folder / "bin" / "python").symlink_to("/etc/shadow")
        if marked:
            place.put(f"{folder}/pyvenv.cfg")
    assert place.found(before) == [("env/bin/python", True, LINK), ("fake/bin/python", True, LINK), ("fake/bin/python3", True, LINK)]


def test_a_link_that_was_turned_round(place: Place) -> None:
    link = place.project / "way"
    link.symlink_to("src")
    settle()
    before = place.remember()
    link.unlink()
    link.symlink_to("/etc")
    assert place.found(before) == [("way", False, LINK)]


def test_a_name_that_a_team_lifted(place: Place) -> None:
    place.put(".vscode/tasks.json", "{}")
    place.put(".vscode/settings.json", "{}")
    place.put(".envrc", "a")
    place.policy = {"unprotect": [f"{place.project}/**/.vscode", f"{place.project}/**/.envrc"]}
    settle()
    before = place.remember()
    place.put(".vscode/tasks.json", "{ }")
    place.put(".vscode/launch.json", "{}")
    place.put(".envrc", "b")
    (place.project / ".envrc").unlink()
    place.put(".envrc", "a")  # away and back, as a checkout does
    assert place.found(before) == [(".vscode/launch.json", True, NAME), (".vscode/tasks.json", False, NAME)]


def test_a_folder_that_is_older_than_the_run_moved_to_where_it_counts(place: Place) -> None:
    """Its files keep their change times: only the names tell."""
    place.put("stash/x/tasks.json")
    place.put("other/stash/sub/eslint.config.js")
    place.put("src/sub/a.py")
    settle()
    before = place.remember()
    (place.project / "stash" / "x").rename(place.project / ".vscode")
    (place.project / "src").rename(place.project / "was")
    (place.project / "other" / "stash").rename(place.project / "src")
    names = [name for name, _, _ in place.found(before)]
    assert names == [".vscode/tasks.json", "src/sub/eslint.config.js"]


def test_a_file_whose_times_were_set_back(place: Place) -> None:
    place.put("run", "#!/bin/sh\n", 0o755)
    settle()
    before = place.remember()
    path = place.put("run", "#!/bin/sh\nx\n", 0o755)
    new = place.put("src/.envrc")
    for touched in (path, new, new.parent, place.project):
        os.utime(touched, (0, 0))
    assert place.found(before) == [("src/.envrc", True, NAME), ("run", False, SCRIPT)]


def test_programs_in_a_folder_of_the_path(place: Place) -> None:
    place.put("node_modules/.bin/tool", "#!/bin/sh\n", 0o755)
    place.path = f"/usr/bin:{place.project}/node_modules/.bin:{place.project}/absent:relative/bin"
    settle()
    before = place.remember()
    place.put("node_modules/.bin/ls", "\x7fELF", 0o755)
    place.put("node_modules/.bin/data")
    place.put("node_modules/.bin/tool", "#!/bin/sh\nx", 0o755)
    place.put("absent/git", "#!/bin/sh\n", 0o755)
    place.put("relative/bin/git", "#!/bin/sh\n", 0o755)
    assert place.found(before) == [
        ("absent/git", True, PROGRAM),
        ("node_modules/.bin/ls", True, PROGRAM),
        ("node_modules/.bin/tool", False, PROGRAM),
        ("relative/bin/git", True, PROGRAM),
    ]


def test_what_starts_by_itself_in_a_home_that_can_be_written(place: Place) -> None:
    place.policy = {"allow_write": [str(place.home)]}
    (place.home / ".config").mkdir()
    settle()
    before = place.remember()
    for name in ("../.config/autostart/x.desktop", "../.config/systemd/user/x.service", "../.bashrc", ".config/autostart/x.desktop"):
        place.put(name)
    assert place.found(before) == [(name, True, NAME) for name in ("../.bashrc", "../.config/autostart/x.desktop", "../.config/systemd/user/x.service")]


def test_a_new_file_with_a_name_somewhere_else(place: Place) -> None:
    elsewhere = place.home / "elsewhere"
    elsewhere.write_text("x")
    settle()
    before = place.remember()
    (place.project / "linked").hardlink_to(elsewhere)
    place.put("a").with_name("b").hardlink_to(place.project / "a")
    assert place.found(before) == [("linked", True, HARD_LINK)]


def test_what_cannot_be_written_is_not_asked_about(place: Place) -> None:
    """A name that is held was changed by somebody outside, while the run lasted."""
    place.put(".mcp.json")
    place.put("held/.envrc")
    settle()
    before = place.remember()
    place.put(".mcp.json", "changed outside")
    assert place.found(before) == []


def test_a_clock_that_was_set_back_is_said_and_names_are_compared(place: Place) -> None:
    place.put("src/a.py")
    settle()
    before = place.remember()
    place.put("src/.envrc")
    now, _ = beginning()
    found, gaps = look(before._replace(since=now + 10**12), HostFiles(), now=now, elapsed=0)
    assert [item.path for item in found] == [str(place.project / "src" / ".envrc")]
    assert any("clock was set back" in gap for gap in gaps)
    assert look(before._replace(since=now + 10**12), HostFiles(), now=now + 2 * 10**12, elapsed=10**12) == ([], []), "the twin: times are believed"


@pytest.mark.parametrize(
    ("bound", "value", "make", "said"),
    [
        ("MAX_FOLDERS", 1, lambda place: [place.put(f"n{i}/x") for i in range(4)], "new folders were not looked into"),
        ("MAX_NAMES", 5, lambda place: [place.put(f"n{i}") for i in range(9)], "more than 5 names"),
        ("MAX_FOLDERS", 9, lambda place: place.put("new/node_modules/x"), "new folders of dependencies were not looked into"),
    ],
)
def test_what_was_not_looked_at_is_said(
    place: Place, monkeypatch: pytest.MonkeyPatch, bound: str, value: int, make: Callable[[Place], object], said: str
) -> None:
    settle()
    before = place.remember()
    monkeypatch.setattr(planted, bound, value)
    make(place)
    assert any(said in gap for gap in place.candidates(before)[1])


def test_files_that_were_not_remembered_are_said(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        place.put(f"s{number}", "#!/bin/sh", 0o755)
    monkeypatch.setattr(planted, "MAX_MARKS", 2)
    assert any("some were not" in gap for gap in place.remember().gaps)


def test_hostile_names_and_kinds(place: Place) -> None:
    settle()
    before = place.remember()
    (place.project / ".mcp.json").mkdir()
    os.mkfifo(place.project / ".mcp.json" / "pipe")
    os.mkfifo(place.project / ".envrc")
    (place.project / "loop").symlink_to("loop")
    (place.project / ".git").symlink_to(".git")
    place.put("\x1b[2Jx\n/.envrc")
    assert {name for name, _, _ in place.found(before)} == {".git", ".envrc", ".mcp.json/pipe", "\x1b[2Jx\n/.envrc"}
