from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from paddock.errors import UnsupportedError
from paddock.host.doctor_facts import Distribution, Surroundings
from paddock.host.facts import Facts
from paddock.model.record import replace
from paddock.session.setup import Command, Plan, carry_out, make_plan

FACTS = Facts((6, 8), "x86_64", "host", 1000, 1000, 4, False, 15000, None, None, ())
DEBIAN = Distribution("debian", "12", "Debian 12", "debian")
BARE = Surroundings(FACTS, DEBIAN, "", seccomp=False, masked_proc=False, chroot=False, apparmor="", max_net_namespaces=100)
PROGRAMS = {"sudo": "/usr/bin/sudo", "apt-get": "/usr/bin/apt-get", "dnf": "/usr/bin/dnf"}


def test_a_user_installs_with_sudo() -> None:
    plan = make_plan(BARE, programs=PROGRAMS)
    assert not plan.complete
    assert [c.argv for c in plan.commands] == [("/usr/bin/sudo", "--", "/usr/bin/apt-get", "install", "--yes", "--no-install-recommends", "libnftables1")]
    assert plan.refresh is not None
    assert plan.refresh.argv == ("/usr/bin/sudo", "--", "/usr/bin/apt-get", "update")


def test_root_installs_without() -> None:
    plan = make_plan(replace(BARE, facts=replace(FACTS, uid=0)), programs={"apt-get": "/usr/bin/apt-get"})
    assert plan.commands[0].argv[0] == "/usr/bin/apt-get"


def test_without_sudo_it_explains() -> None:
    plan = make_plan(BARE, programs={"apt-get": "/usr/bin/apt-get"})
    assert plan.commands == ()
    assert "sudo is not installed; as root: apt-get install" in plan.explanations[-1]


def test_without_the_manager_it_explains() -> None:
    plan = make_plan(BARE, programs={"sudo": "/usr/bin/sudo"})
    assert plan.commands == ()
    assert plan.explanations[-1].startswith("apt-get is not installed")


def test_an_unknown_distribution_is_told_what_is_missing() -> None:
    plan = make_plan(replace(BARE, distribution=Distribution("nixos", "", "NixOS", "")), programs=PROGRAMS)
    assert plan.commands == ()
    assert "NixOS" in plan.explanations[-1]
    assert "libnftables" in plan.explanations[-1]


def test_another_family_names_the_library_its_own_way() -> None:
    plan = make_plan(replace(BARE, distribution=Distribution("fedora", "41", "Fedora 41", "fedora")), programs=PROGRAMS)
    assert plan.commands[0].argv == ("/usr/bin/sudo", "--", "/usr/bin/dnf", "install", "--assumeyes", "libnftables.so.1()(64bit)")
    assert plan.refresh is None


def test_nothing_to_do() -> None:
    plan = make_plan(replace(BARE, facts=replace(FACTS, nftables=True)), programs=PROGRAMS)
    assert plan.complete
    assert plan.commands == ()


def test_the_ubuntu_restriction_is_explained_and_not_lifted() -> None:
    plan = make_plan(replace(BARE, facts=replace(FACTS, apparmor_restricts_userns=1)), programs=PROGRAMS)
    assert any("apparmor_restrict_unprivileged_userns" in e and "profile" in e for e in plan.explanations)
    assert not any("sysctl" in word for c in plan.commands for word in c.argv)
    assert make_plan(BARE, programs=PROGRAMS).explanations == ()


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def plan_of(install: str, refresh: str = "") -> Plan:
    return Plan((), (Command((install, "a b", "$HOME"), "installs"),), Command((refresh,), "fetches") if refresh else None, ())


def test_arguments_arrive_as_they_are_and_the_environment_is_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LD_PRELOAD_LIKE", "1")
    monkeypatch.setenv("https_proxy", "proxy.test")
    program = script(tmp_path / "install", f'printf "%s\\n" "$@" > {tmp_path}/words; env > {tmp_path}/env')
    assert carry_out(plan_of(program)) == 0
    assert (tmp_path / "words").read_text() == "a b\n$HOME\n"
    environment = (tmp_path / "env").read_text()
    assert "PATH=/usr/sbin:/usr/bin:/sbin:/bin\n" in environment
    assert "https_proxy=proxy.test\n" in environment
    assert "LD_PRELOAD_LIKE" not in environment


def test_the_list_of_packages_is_fetched_when_installing_fails_without(tmp_path: Path) -> None:
    install = script(tmp_path / "install", f"test -e {tmp_path}/list")
    refresh = script(tmp_path / "refresh", f"/usr/bin/touch {tmp_path}/list")
    assert carry_out(plan_of(install)) == 1
    assert carry_out(plan_of(install, refresh)) == 0


def test_a_failure_is_a_failure(tmp_path: Path) -> None:
    assert carry_out(plan_of(script(tmp_path / "install", "exit 7"))) == 7
    with pytest.raises(UnsupportedError, match="cannot be started"):
        carry_out(plan_of(os.fspath(tmp_path / "none")))
