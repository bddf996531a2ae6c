"""From a step that failed to its cause on this host and the fix for this distribution: data and one pure function.

The order of the rules matters: the first that fits is the answer, and the last of each step is what is left when no known cause fits.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from paddock.host.doctor_facts import Surroundings
from paddock.model.record import record

__all__ = ["LIBNFTABLES", "Fix", "explain", "install_words"]

# One name per family, or what the library is called there so that the package manager finds the package.
LIBNFTABLES = {
    "debian": "libnftables1",
    "fedora": "libnftables.so.1()(64bit)",
    "arch": "nftables",
    "suse": "libnftables1",
    "alpine": "so:libnftables.so.1",
}
_INSTALL: dict[str, tuple[str, ...]] = {
    "debian": ("apt-get", "install", "--yes", "--no-install-recommends"),
    "fedora": ("dnf", "install", "--assumeyes"),
    "arch": ("pacman", "--sync", "--needed", "--noconfirm"),
    "suse": ("zypper", "--non-interactive", "install"),
    "alpine": ("apk", "add"),
}
_DENIED = (errno.EPERM, errno.EACCES)


@record
class Fix:
    """``cause`` is one sentence; ``advice`` says what to do and what it means; ``commands`` are what to type, empty when there is nothing to type."""

    cause: str
    advice: str
    commands: tuple[str, ...] = ()


@record
class _Rule:
    steps: tuple[str, ...]
    fits: Callable[[int, Surroundings], bool]
    fix: Callable[[Surroundings], Fix]


def install_words(family: str, packages: tuple[str, ...]) -> tuple[str, ...]:
    """The argument list that installs packages on a distribution of this family; empty for a family that we do not know."""
    return (*_INSTALL[family], *packages) if family in _INSTALL else ()


def explain(step: str, number: int, around: Surroundings) -> Fix:
    """Why ``step`` failed with errno ``number`` here, and what helps. ``step`` is a name of ``session.doctor``."""
    for rule in _RULES:
        if step in rule.steps and rule.fits(number, around):
            return rule.fix(around)
    return Fix("the kernel refused it for a reason that Paddock does not know", "please report this with the output of `paddock doctor --json`")


def _sysctl(name: str, value: int) -> tuple[str, ...]:
    return (f"sudo sysctl --write {name}={value}", f"echo '{name} = {value}' | sudo tee /etc/sysctl.d/60-paddock.conf")


def _clone_switch(_: Surroundings) -> Fix:
    return Fix(
        "the sysctl kernel.unprivileged_userns_clone is 0: this kernel makes user namespaces for root only",
        "switch it on; browsers and container tools need the same",
        _sysctl("kernel.unprivileged_userns_clone", 1),
    )


def _no_user_namespaces(_: Surroundings) -> Fix:
    return Fix("the sysctl user.max_user_namespaces is 0: user namespaces are switched off", "allow some", _sysctl("user.max_user_namespaces", 15000))


def _too_many(around: Surroundings) -> Fix:
    limit = around.facts.max_user_namespaces
    return Fix(
        f"the limit of user namespaces is reached (user.max_user_namespaces is {limit}), or namespaces are nested more than 32 deep",
        "end what holds namespaces, or raise the limit",
        _sysctl("user.max_user_namespaces", max(15000, 2 * (limit or 0))),
    )


def _apparmor(around: Surroundings) -> Fix:
    return Fix(
        "the sysctl kernel.apparmor_restrict_unprivileged_userns is 1: namespaces that a program without an AppArmor profile makes have no capabilities",
        f"Ubuntu does this from 23.10 on (here: {around.distribution.name}). Ask the administrator: a profile that allows `userns` for one root-owned launcher"
        " keeps the restriction for everything else; the commands below lift it for every program on this machine. Paddock does neither by itself",
        _sysctl("kernel.apparmor_restrict_unprivileged_userns", 0),
    )


def _container_filter(around: Surroundings) -> Fix:
    return Fix(
        f"this is a container ({around.container or 'with a system call filter'}) whose filter forbids new namespaces",
        "start the container with a seccomp profile that allows clone, unshare, mount, pivot_root and setns in user namespaces;"
        " `seccomp=unconfined` works too and takes the filter away from the whole container",
        _container_commands(around, "seccomp=PROFILE.json"),
    )


def _container_mounts(around: Surroundings) -> Fix:
    return Fix(
        f"this is a container ({around.container}) whose runtime forbids mounts inside user namespaces",
        "start the container with an AppArmor profile that allows mount (or with none)",
        _container_commands(around, "apparmor=PROFILE"),
    )


def _container_commands(around: Surroundings, option: str) -> tuple[str, ...]:
    runtime = around.container if around.container in ("docker", "podman") else ""
    return (f"{runtime} run --security-opt {option} …",) if runtime else ()


def _masked_proc(around: Surroundings) -> Fix:
    words = {
        "podman": "podman run --security-opt unmask=ALL …",
        "docker": "docker run --security-opt systempaths=unconfined …",
        "kubernetes": "securityContext: {procMount: Unmasked}",
    }
    command = words.get(around.container, "")
    return Fix(
        "parts of /proc are covered here (a container does that), and the kernel then gives nobody inside a fresh /proc",
        "let the container see its own /proc whole",
        (command,) if command else (),
    )


def _chroot(_: Surroundings) -> Fix:
    return Fix("Paddock runs in a chroot, where the kernel makes no user namespaces (user_namespaces(7))", "enter it with pivot_root or as a container instead")


def _old_kernel(around: Surroundings) -> Fix:
    major, minor = around.facts.kernel
    return Fix(f"this kernel ({major}.{minor}) lacks the call; the fence needs Linux 5.12 or newer", "boot a newer kernel")


def _no_userns_built(_: Surroundings) -> Fix:
    return Fix("this kernel is built without user namespaces (CONFIG_USER_NS)", "boot the distribution's own kernel")


def _net_limit(around: Surroundings) -> Fix:
    return Fix(
        f"the limit of network namespaces is reached (user.max_net_namespaces is {around.max_net_namespaces})",
        "raise it",
        _sysctl("user.max_net_namespaces", 15000),
    )


def _library(around: Surroundings) -> Fix:
    family = around.distribution.family
    words = install_words(family, (LIBNFTABLES[family],)) if family else ()
    commands = ("paddock setup", "sudo " + " ".join(f"'{w}'" if "(" in w else w for w in words)) if words else ()
    return Fix("the library libnftables.so.1 is not installed or cannot be loaded", "install it", commands)


def _nf_tables(around: Surroundings) -> Fix:
    where = "on the machine that runs the container" if around.container else "on this machine"
    return Fix(
        "the kernel does not take the rules: the modules nf_tables, nft_chain_nat and nft_ct are not loaded or not built",
        f"load them {where}, and let them be loaded at boot",
        ("sudo modprobe --all nf_tables nft_chain_nat nft_ct", "printf 'nf_tables\\nnft_chain_nat\\nnft_ct\\n' | sudo tee /etc/modules-load.d/paddock.conf"),
    )


_WITHOUT_LANDLOCK = "until then writing is fenced by mounts alone, and a file as standard input, output or error is refused"


def _landlock_off(_: Surroundings) -> Fix:
    return Fix(
        "Landlock is built into this kernel and switched off at boot",
        "add landlock to the `lsm=` list of the kernel's command line (the present list is in /sys/kernel/security/lsm), then boot again; " + _WITHOUT_LANDLOCK,
    )


def _landlock_missing(around: Surroundings) -> Fix:
    if around.seccomp:
        cause = "the container's filter forbids the Landlock calls, or the kernel lacks them"
        return Fix(cause, "use a newer container runtime, whose default profile allows them; " + _WITHOUT_LANDLOCK)
    major, minor = around.facts.kernel
    cause = f"this kernel ({major}.{minor}) is built without Landlock (CONFIG_SECURITY_LANDLOCK, Linux 5.13)"
    return Fix(cause, "boot the distribution's newer kernel; " + _WITHOUT_LANDLOCK)


def _seccomp_missing(_: Surroundings) -> Fix:
    return Fix("this kernel is built without system call filters (CONFIG_SECCOMP_FILTER)", "boot the distribution's own kernel")


def _no_notify(around: Surroundings) -> Fix:
    major, minor = around.facts.kernel
    return Fix(
        f"system calls cannot be handed to the guard: a tracer or another fence takes them already, or the kernel ({major}.{minor}) is older than 5.19",
        "protected names that do not exist yet can be made, and refused file accesses are missing in the report; a run that denies a missing path is refused",
    )


def _always(_number: int, _around: Surroundings) -> bool:
    return True


_NAMESPACES = ("user-namespace", "id-maps", "namespaces")
_INSIDE = ("id-maps", "namespaces", "loopback", "mounts", "tmpfs", "proc", "second-user-namespace")

_RULES: tuple[_Rule, ...] = (
    _Rule(("user-namespace",), lambda n, a: n in _DENIED and a.facts.unprivileged_userns_clone == 0, _clone_switch),
    _Rule(("user-namespace",), lambda n, a: n == errno.ENOSPC and a.facts.max_user_namespaces == 0, _no_user_namespaces),
    _Rule(("user-namespace", "second-user-namespace"), lambda n, _: n in (errno.ENOSPC, errno.EUSERS), _too_many),
    _Rule(("user-namespace",), lambda n, _: n in (errno.EINVAL, errno.ENOSYS), _no_userns_built),
    _Rule(("user-namespace",), lambda n, a: n in _DENIED and a.chroot, _chroot),
    _Rule(("user-namespace", *_INSIDE), lambda n, a: n in _DENIED and a.facts.apparmor_restricts_userns == 1 and a.facts.uid != 0, _apparmor),
    _Rule(("proc",), lambda n, a: n in _DENIED and a.masked_proc, _masked_proc),
    _Rule(_NAMESPACES, lambda n, a: n in _DENIED and a.seccomp, _container_filter),
    _Rule(("mounts", "tmpfs", "proc"), lambda n, a: n in _DENIED and bool(a.container), _container_mounts),
    _Rule(("namespaces",), lambda n, _: n in (errno.ENOSPC, errno.EUSERS), _net_limit),
    _Rule(("mounts", "tmpfs", "proc"), lambda n, _: n == errno.ENOSYS, _old_kernel),
    _Rule(("ruleset",), lambda n, _: n == errno.ELIBACC, _library),
    _Rule(("ruleset",), _always, _nf_tables),
    _Rule(("landlock",), lambda n, _: n == errno.EOPNOTSUPP, _landlock_off),
    _Rule(("landlock",), _always, _landlock_missing),
    _Rule(("filter",), _always, _seccomp_missing),
    _Rule(("observer",), _always, _no_notify),
)
