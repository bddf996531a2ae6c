"""Denied programs as places: every way to the file, and what is said about the ways that stay."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from paddock.model.plan import Access, Kind, Place
from paddock.model.policy import ProgramPolicy, ProgramRule
from paddock.model.programs import DENIED
from paddock.model.settings import Origin, Scope
from paddock.planner.layout import Layout
from paddock.planner.programs import Search, deny
from paddock.planner.view import View
from tests.planner.fakes import APP, HOME, Link, Tree, filesystem, tree
from tests.planner.fakes import layout as lay

PATH = "/usr/local/bin:/usr/bin:/bin"


def rule(name: str, line: int = 1) -> ProgramRule:
    return ProgramRule(name, Origin(Scope.PROJECT, f"{APP}/.claude/settings.json", line, 1, "permissions.deny", f"Bash({name} *)"))


def system(programs: Mapping[str, str | bytes | Link | None]) -> Tree:
    """A host with these programs; /bin is /usr/bin."""
    host = tree({"/usr/bin": None, "/bin": Link("usr/bin"), "/usr/local/bin": None, **programs})
    host.programs.update(path for path, content in programs.items() if isinstance(content, (str, bytes)))
    return host


def denied(host: Tree, *names: str, path: str = PATH, command: str = "true", read: tuple[str, ...] = ()) -> Layout:
    layout = lay(filesystem(allow_read=read), host)
    deny(ProgramPolicy(tuple(rule(name, at) for at, name in enumerate(names, 1))), layout, Search(View(host), path, APP, HOME), command)
    return layout


def masks(layout: Layout) -> dict[str, Place]:
    return {place.path: place for place in layout.places() if place.reason == DENIED}


def test_a_name_is_the_file_in_every_folder_of_programs() -> None:
    host = system({"/usr/bin/curl": "elf", "/usr/local/bin/curl": "elf", "/usr/games/curl": "elf", "/usr/bin/wget": "elf"})
    found = masks(denied(host, "curl"))
    assert set(found) == {"/usr/bin/curl", "/usr/local/bin/curl", "/usr/games/curl"}
    place = found["/usr/bin/curl"]
    assert (place.access, place.kind, place.why.text) == (Access.HIDDEN, Kind.FILE, "Bash(curl *)")


def test_links_are_followed_to_the_file_and_who_else_goes_is_said() -> None:
    host = system(
        {"/usr/bin/awk": Link("/etc/alternatives/awk"), "/etc/alternatives/awk": Link("/usr/bin/mawk"), "/usr/bin/nawk": Link("mawk"), "/usr/bin/mawk": "elf"}
    )
    host.programs.add("/usr/bin/mawk")
    layout = denied(host, "awk")
    assert set(masks(layout)) == {"/usr/bin/mawk"}
    assert "keeps /usr/bin/mawk from being started, and so mawk, nawk" in layout.notices[-1].text


def test_other_names_of_the_same_file_go_with_it() -> None:
    host = system({"/usr/bin/perl": "elf", "/usr/bin/perl5": "elf", "/usr/bin/other": "elf"})
    host.names_of.update({"/usr/bin/perl": 7, "/usr/bin/perl5": 7})
    layout = denied(host, "perl")
    assert set(masks(layout)) == {"/usr/bin/perl", "/usr/bin/perl5"}
    assert not layout.uncovered


def test_a_name_elsewhere_that_is_not_found_is_said() -> None:
    host = system({"/usr/bin/tool": "elf"})
    host.names_of["/usr/bin/tool"] = 7
    layout = denied(host, "tool")
    assert set(masks(layout)) == {"/usr/bin/tool"}
    assert [gap.reason for gap in layout.uncovered] == ["1 more names of this file are not in the folders of programs: it can be started by them"]


def test_a_multi_call_binary_loses_the_name_and_nothing_else() -> None:
    host = system({"/usr/bin/busybox": "elf", "/usr/bin/wget": Link("busybox"), "/usr/bin/ls": Link("busybox")})
    layout = denied(host, "wget")
    found = masks(layout)
    assert {path: place.kind for path, place in found.items()} == {"/usr/bin/wget": Kind.SYMLINK}
    assert "asked to be wget" in layout.uncovered[0].reason
    assert set(masks(denied(host, "busybox"))) == {"/usr/bin/busybox"}, "the twin: named itself, it goes as a whole"


def test_a_file_of_many_other_names_loses_one() -> None:
    names = [f"/usr/bin/{name}" for name in "abcdefghijk"]
    host = system(dict.fromkeys(names, "elf"))
    host.names_of.update(dict.fromkeys(names, 7))
    layout = denied(host, "a")
    assert set(masks(layout)) == {"/usr/bin/a"}
    assert "a file of many programs" in layout.uncovered[0].reason


def test_a_file_of_many_names_of_its_own_goes_as_a_whole() -> None:
    names = ["/usr/bin/git", *(f"/usr/lib/git-core/git-{name}" for name in "abcdefghijk")]
    host = system(dict.fromkeys(names, "elf"))
    host.names_of.update(dict.fromkeys(names, 7))
    assert set(masks(denied(host, "git"))) == set(names)


def test_what_the_command_can_write_is_not_masked_but_said() -> None:
    host = system({f"{APP}/node_modules/.bin/tsc": "#!/usr/bin/env node\n", "/usr/bin/tsc": "elf"})
    layout = denied(host, "tsc", path=f"{APP}/node_modules/.bin:{PATH}")
    assert set(masks(layout)) == {"/usr/bin/tsc"}
    assert [(gap.subject, gap.why.line) for gap in layout.uncovered] == [(f"{APP}/node_modules/.bin/tsc", 1)]


def test_a_rule_that_shows_the_file_does_not_let_it_start() -> None:
    host = system({"/usr/bin/curl": "elf"})
    assert set(masks(denied(host, "curl", read=("/usr/bin/curl",)))) == {"/usr/bin/curl"}


def test_the_first_rule_is_named() -> None:
    host = system({"/usr/bin/curl": "elf"})
    assert masks(denied(host, "/bin/curl", "curl"))["/usr/bin/curl"].why.line == 1


@pytest.mark.parametrize("name", ["nothing", "/usr/bin/nothing", "notes"])
def test_what_is_no_program_is_no_matter(name: str) -> None:
    host = system({"/usr/bin/curl": "elf"}).add("/usr/bin/notes", "text")
    layout = denied(host, name)
    assert not masks(layout)
    assert not layout.uncovered


def test_the_shell_that_the_run_was_asked_to_start_stays() -> None:
    host = system({"/usr/bin/bash": "elf", "/usr/bin/dash": "elf", "/usr/bin/sh": Link("dash"), "/usr/bin/curl": "elf"})
    layout = denied(host, "bash", "sh", "curl", command="/bin/bash")
    assert set(masks(layout)) == {"/usr/bin/dash", "/usr/bin/curl"}
    assert "it is what this run was asked to start" in layout.notices[0].text
    assert "/usr/bin/curl" in masks(denied(host, "curl", command="curl")), "only a shell: another program is denied by whomever it is called"


def test_relative_names_are_not_kept() -> None:
    layout = denied(system({}), "./deploy.sh")
    assert not masks(layout)
    assert layout.uncovered[0].subject == "./deploy.sh"
