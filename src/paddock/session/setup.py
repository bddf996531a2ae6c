"""What ``paddock setup`` does: missing system packages, the commands that install them, and what it leaves to the administrator.

Programs come from fixed system folders and get argument lists and a small environment of their own; nothing of the caller's PATH is used.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from paddock.errors import UnsupportedError
from paddock.host.doctor_facts import PROGRAM_FOLDERS, Surroundings, find_program, look_around
from paddock.host.doctor_fixes import LIBNFTABLES, explain, install_words
from paddock.model.record import record

__all__ = ["Command", "Need", "Plan", "carry_out", "look", "make_plan"]

# What a package manager may see of the caller's environment: how to get out to the network.
_PASSED_ON = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@record
class Need:
    """A system package. ``present`` says that what it brings was found; ``optional`` that a run does without."""

    package: str
    why: str
    present: bool
    optional: bool = False


@record
class Command:
    """``argv`` with an absolute program; ``why`` in words."""

    argv: tuple[str, ...]
    why: str


@record
class Plan:
    """``commands`` to run in order (a package list is fetched only when installing fails without, ``refresh``); ``explanations`` is what is left to a
    person.
    """

    needs: tuple[Need, ...]
    commands: tuple[Command, ...]
    refresh: Command | None
    explanations: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing that is needed is missing."""
        return all(n.present or n.optional for n in self.needs)


def look(around: Surroundings) -> tuple[Need, ...]:
    """The packages that Paddock uses on Linux, and whether they are here."""
    family = around.distribution.family
    return (
        Need(LIBNFTABLES.get(family, "libnftables"), "loads the rules that lead every connection of the fence to the gate", around.facts.nftables),
        Need("bubblewrap", "a second way to build a fence, where only it may", bool(find_program("bwrap")), optional=True),
    )


def make_plan(around: Surroundings | None = None, *, optional: bool = False, programs: Mapping[str, str] | None = None) -> Plan:
    """What to do on this machine (or on the one described). ``optional`` installs optional packages too.

    ``programs`` maps a program's name to its path; without it programs are looked up in the system folders.
    """
    around = look_around() if around is None else around
    needs = look(around)
    missing = tuple(n.package for n in needs if not n.present and (optional or not n.optional))
    explanations = list(_explanations(around))
    if not missing:
        return Plan(needs, (), None, tuple(explanations))
    words = install_words(around.distribution.family, missing)
    if not words:
        explanations.append(
            f"{around.distribution.name} is not a distribution that Paddock knows: install what brings {' and '.join(missing)} with its own means"
        )
        return Plan(needs, (), None, tuple(explanations))
    privileges = _privileges(around.facts.uid, programs)
    manager = _find(words[0], programs)
    if privileges is None or not manager:
        missing_program = "sudo" if privileges is None else words[0]
        explanations.append(f"{missing_program} is not installed; as root: {' '.join(words)}")
        return Plan(needs, (), None, tuple(explanations))
    install = Command((*privileges, manager, *words[1:]), f"installs {' and '.join(missing)}")
    refresh = Command((*privileges, manager, "update"), "fetches the list of packages") if words[0] == "apt-get" else None
    return Plan(needs, (install,), refresh, tuple(explanations))


def _privileges(uid: int, programs: Mapping[str, str] | None) -> tuple[str, ...] | None:
    """The words in front of a command that needs root: none for root; None when there is no way."""
    if uid == 0:
        return ()
    sudo = _find("sudo", programs)
    return (sudo, "--") if sudo else None


def _find(name: str, programs: Mapping[str, str] | None) -> str:
    return find_program(name) if programs is None else programs.get(name, "")


def _explanations(around: Surroundings) -> list[str]:
    """Settings of the machine that stand in the way and that only its administrator may change: said, never changed."""
    if around.facts.uid == 0:
        return []
    from errno import EACCES, ENOSPC

    found = []
    if around.facts.apparmor_restricts_userns == 1:
        found.append(explain("namespaces", EACCES, around))
    if around.facts.unprivileged_userns_clone == 0:
        found.append(explain("user-namespace", EACCES, around))
    if around.facts.max_user_namespaces == 0:
        found.append(explain("user-namespace", ENOSPC, around))
    return ["; ".join((fix.cause, fix.advice, *fix.commands)) for fix in found]


def carry_out(plan: Plan) -> int:
    """Run the commands of the plan at the caller's terminal. Returns the exit status of the first that fails for good, or 0.

    Raises ``UnsupportedError`` when a program cannot be started.
    """
    for command in plan.commands:
        status = _run(command)
        if status and plan.refresh is not None and _run(plan.refresh) == 0:
            status = _run(command)
        if status:
            return status
    return 0


def _run(command: Command) -> int:
    from subprocess import run

    environment = {name: value for name, value in os.environ.items() if name in _PASSED_ON}
    environment |= {"PATH": ":".join(PROGRAM_FOLDERS), "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "TERM": os.environ.get("TERM", "dumb")}
    try:
        return run(command.argv, env=environment, cwd="/", check=False).returncode
    except OSError as error:
        raise UnsupportedError(f"{command.argv[0]} cannot be started: {error.strerror}") from error
