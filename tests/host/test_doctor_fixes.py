from __future__ import annotations

import errno

import pytest

from paddock.host.doctor_facts import Distribution, Surroundings
from paddock.host.doctor_fixes import LIBNFTABLES, explain, install_words
from paddock.host.facts import Facts
from paddock.model.record import names, replace

FACTS = Facts((6, 8), "x86_64", "host", 1000, 1000, 4, True, 15000, None, None, ())
UBUNTU = Distribution("ubuntu", "24.04", "Ubuntu 24.04", "debian")
PLAIN = Surroundings(FACTS, UBUNTU, "", seccomp=False, masked_proc=False, chroot=False, apparmor="unconfined", max_net_namespaces=100)


def around(**changes: object) -> Surroundings:
    """A host that differs in some facts, whichever of the two classes holds them."""
    known = set(names(Facts))
    facts = replace(FACTS, **{k: v for k, v in changes.items() if k in known})
    return replace(PLAIN, facts=facts, **{k: v for k, v in changes.items() if k not in known})


CASES = [
    ("user-namespace", errno.EPERM, around(unprivileged_userns_clone=0), "kernel.unprivileged_userns_clone"),
    ("user-namespace", errno.ENOSPC, around(max_user_namespaces=0), "user.max_user_namespaces is 0"),
    ("user-namespace", errno.ENOSPC, around(), "limit of user namespaces"),
    ("second-user-namespace", errno.ENOSPC, around(), "limit of user namespaces"),
    ("user-namespace", errno.EINVAL, around(), "CONFIG_USER_NS"),
    ("user-namespace", errno.EPERM, around(chroot=True), "chroot"),
    ("user-namespace", errno.EPERM, around(seccomp=True, container="docker"), "container (docker) whose filter"),
    ("id-maps", errno.EPERM, around(apparmor_restricts_userns=1), "apparmor_restrict_unprivileged_userns"),
    ("namespaces", errno.EPERM, around(apparmor_restricts_userns=1), "apparmor_restrict_unprivileged_userns"),
    ("loopback", errno.EPERM, around(apparmor_restricts_userns=1), "apparmor_restrict_unprivileged_userns"),
    ("mounts", errno.EACCES, around(apparmor_restricts_userns=1), "apparmor_restrict_unprivileged_userns"),
    ("namespaces", errno.ENOSPC, around(), "network namespaces"),
    ("mounts", errno.EPERM, around(container="docker"), "forbids mounts"),
    ("mounts", errno.ENOSYS, around(kernel=(5, 4)), "5.12 or newer"),
    ("proc", errno.EPERM, around(masked_proc=True, container="podman"), "/proc are covered"),
    ("ruleset", errno.ELIBACC, around(), "libnftables.so.1"),
    ("ruleset", errno.EINVAL, around(), "nf_tables"),
    ("landlock", errno.EOPNOTSUPP, around(), "switched off at boot"),
    ("landlock", errno.ENOSYS, around(kernel=(5, 4)), "without Landlock"),
    ("landlock", errno.ENOSYS, around(seccomp=True), "container's filter"),
    ("filter", errno.EINVAL, around(), "CONFIG_SECCOMP_FILTER"),
    ("observer", errno.EBUSY, around(), "cannot be handed to the guard"),
    ("capabilities", errno.EPERM, around(), "does not know"),
]


@pytest.mark.parametrize(("step", "number", "host", "cause"), CASES, ids=[f"{s}-{errno.errorcode[n]}-{c[:12]}" for s, n, _, c in CASES])
def test_cause(step: str, number: int, host: Surroundings, cause: str) -> None:
    fix = explain(step, number, host)
    assert cause in fix.cause
    assert fix.advice


def test_root_is_not_bound_by_the_switch_for_users() -> None:
    assert "apparmor" not in explain("mounts", errno.EPERM, around(apparmor_restricts_userns=1, uid=0)).cause


def test_the_restriction_is_explained_and_its_price_said() -> None:
    fix = explain("mounts", errno.EACCES, around(apparmor_restricts_userns=1))
    assert "for every program on this machine" in fix.advice
    assert any("=0" in command for command in fix.commands)


@pytest.mark.parametrize("family", ["debian", "fedora", "arch", "suse", "alpine"])
def test_every_family_has_its_package_and_its_manager(family: str) -> None:
    host = replace(PLAIN, distribution=Distribution("x", "", "x", family))
    words = install_words(family, (LIBNFTABLES[family],))
    assert words[-1] == LIBNFTABLES[family]
    assert {"debian": "apt-get", "fedora": "dnf", "arch": "pacman", "suse": "zypper", "alpine": "apk"}[family] == words[0]
    assert any(words[0] in command for command in explain("ruleset", errno.ELIBACC, host).commands)


def test_an_unknown_family_gets_the_cause_and_no_wrong_command() -> None:
    fix = explain("ruleset", errno.ELIBACC, replace(PLAIN, distribution=Distribution("nixos", "", "NixOS", "")))
    assert (fix.commands, install_words("", ("x",))) == ((), ())
