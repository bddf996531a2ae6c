"""The list of the only programs, as files."""

from __future__ import annotations

from paddock.model.policy import ProgramPolicy
from paddock.model.programs import Startable
from paddock.planner.layout import Layout
from paddock.planner.programs import Search, deny
from paddock.planner.startable import startable
from paddock.planner.view import View
from tests.planner.fakes import APP, HOME, Link, Tree, filesystem
from tests.planner.fakes import layout as lay
from tests.planner.test_elf import program
from tests.planner.test_programs import PATH, rule, system

ELF = program(b"/lib64/ld.so\0")


def host() -> Tree:
    out = system(
        {
            "/usr/bin/git": ELF,
            "/usr/bin/make": ELF,
            "/usr/bin/env": ELF,
            "/usr/bin/node18": ELF,
            "/usr/bin/node": Link("node18"),
            "/usr/bin/tsc": "#!/usr/bin/env -S node --flag\nx",
            "/usr/bin/static": "elf",
            "/usr/lib/ld.so": "elf",
            "/lib64": Link("usr/lib"),
            f"{APP}/bin/git": ELF,
            "/opt/tool/bin/tool": ELF,
            "/opt/tool/lib": None,
        }
    )
    out.programs.add("/usr/bin/node18")
    return out


def listed(*names: str, path: str = PATH, denied: tuple[str, ...] = ()) -> tuple[Startable, Layout]:
    files = host()
    layout, search = lay(filesystem(), files), Search(View(files), path, APP, HOME)
    policy = ProgramPolicy(tuple(map(rule, denied)), tuple(map(rule, names)), rule("x").origin)
    deny(policy, layout, search, "true")
    return startable(policy, layout, search), layout


def test_a_program_and_its_loader() -> None:
    found, _ = listed("git", "nothing")
    assert found.files == ("/usr/bin/git", "/usr/lib/ld.so")
    assert found.folders == ("/usr/lib",)
    assert listed("/usr/bin/make")[0].files == ("/usr/bin/make", "/usr/lib/ld.so")
    assert listed("static")[0].files == ("/usr/bin/static",)
    assert listed()[0].files == ()


def test_a_script_with_what_it_needs() -> None:
    assert listed("tsc")[0].files == ("/usr/bin/env", "/usr/bin/node18", "/usr/bin/tsc", "/usr/lib/ld.so")


def test_an_installation_of_its_own_brings_libraries() -> None:
    assert listed("/opt/tool/bin/tool")[0].folders == ("/usr/lib", "/opt/tool/lib")


def test_what_the_command_can_write_is_left_out_and_said() -> None:
    found, layout = listed("git", path=f"{APP}/bin:{PATH}")
    assert f"{APP}/bin/git" not in found.files
    assert "/usr/bin/git" in found.files
    assert [gap.subject for gap in layout.uncovered] == [f"{APP}/bin/git"]


def test_a_denied_program_is_left_out() -> None:
    assert "/usr/bin/git" not in listed("git", "make", denied=("git",))[0].files
