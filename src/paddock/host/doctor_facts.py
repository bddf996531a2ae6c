"""What doctor and setup want to know beyond ``host.facts``: the distribution, a container around us, and which fixed system programs there are.

Read when somebody asks for a diagnosis, never for a run. Everything here is a hint for explaining a failure; whether a step works is found by trying it.
"""

from __future__ import annotations

import os

from paddock.host.facts import Facts, gather
from paddock.model.record import record

__all__ = ["PROGRAM_FOLDERS", "Distribution", "Surroundings", "distribution", "find_program", "look_around", "parse_os_release"]

# Programs that run with privileges come from here, never from a PATH that somebody else may have set.
PROGRAM_FOLDERS = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")

_FAMILIES = {
    "debian": "debian",
    "ubuntu": "debian",
    "fedora": "fedora",
    "rhel": "fedora",
    "centos": "fedora",
    "arch": "arch",
    "suse": "suse",
    "opensuse": "suse",
    "sles": "suse",
    "alpine": "alpine",
}


@record
class Distribution:
    """``id`` and ``version`` as os-release(5) says them; ``family`` is ``debian``, ``fedora``, ``arch``, ``suse``, ``alpine`` or empty for one that we do not
    know.
    """

    id: str
    version: str
    name: str
    family: str


@record
class Surroundings:
    """``container`` names the runtime around us (``docker``, ``podman``, ``lxc``, ``kubernetes``, or ``container``), empty for none. ``seccomp`` says that a
    filter applies to us already, ``masked_proc`` that parts of ``/proc`` are covered, ``chroot`` that our root is not the mount namespace's. ``apparmor`` is
    the profile we run under.
    """

    facts: Facts
    distribution: Distribution
    container: str
    seccomp: bool
    masked_proc: bool
    chroot: bool
    apparmor: str
    max_net_namespaces: int | None


def parse_os_release(text: str) -> Distribution:
    """The fields of an os-release(5) file; a file without them gives an unknown distribution."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith("#"):
            fields[key] = value.strip("\"'")
    names = [fields.get("ID", ""), *fields.get("ID_LIKE", "").split()]
    family = next((_FAMILIES[n.partition("-")[0]] for n in names if n.partition("-")[0] in _FAMILIES), "")
    return Distribution(fields.get("ID", ""), fields.get("VERSION_ID", ""), fields.get("PRETTY_NAME", "") or fields.get("ID", "") or "unknown Linux", family)


def distribution() -> Distribution:
    """The distribution of this machine (os-release(5) says where it is written)."""
    return parse_os_release(_read("/etc/os-release") or _read("/usr/lib/os-release"))


def look_around() -> Surroundings:
    """Look once. Starts nothing and changes nothing."""
    return Surroundings(
        facts=gather(cgroups=True),
        distribution=distribution(),
        container=_container(),
        seccomp=_status_field("Seccomp") == "2",
        masked_proc=_is_proc_masked(_read("/proc/self/mountinfo")),
        chroot=_is_chroot(_read("/proc/self/mountinfo")),
        apparmor=_read("/proc/self/attr/current").strip("\0\n "),
        max_net_namespaces=_number("/proc/sys/user/max_net_namespaces"),
    )


def find_program(name: str) -> str:
    """The absolute path of a system program, or empty."""
    for folder in PROGRAM_FOLDERS:
        path = f"{folder}/{name}"
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return ""


def _container() -> str:
    """The marks that the runtimes leave (systemd-detect-virt(1) looks for the same ones)."""
    if os.path.exists("/run/.containerenv"):
        return "podman"
    if os.path.exists("/.dockerenv"):
        return "docker"
    if os.path.exists("/run/secrets/kubernetes.io"):
        return "kubernetes"
    named = _read("/run/systemd/container").strip()
    return named or ("container" if "/docker/" in _read("/proc/1/cgroup") or "/kubepods" in _read("/proc/1/cgroup") else "")


def _is_proc_masked(mountinfo: str) -> bool:
    """Whether something is mounted below ``/proc`` (proc(5): the fifth field is the mount point). The kernel then refuses a fresh ``/proc`` to those without
    privileges.
    """
    points = [line.split()[4] for line in mountinfo.splitlines() if len(line.split()) > 4]
    return any(point.startswith("/proc/") and point != "/proc/sys/fs/binfmt_misc" for point in points)


def _is_chroot(mountinfo: str) -> bool:
    """Whether no mount stands at our root: then it is a folder of somebody's, and user_namespaces(7) forbids new user namespaces."""
    points = [line.split()[4] for line in mountinfo.splitlines() if len(line.split()) > 4]
    return bool(mountinfo) and "/" not in points


def _status_field(name: str) -> str:
    for line in _read("/proc/self/status").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return value.strip()
    return ""


def _number(path: str) -> int | None:
    text = _read(path).strip()
    return int(text) if text.isdigit() else None


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(1024 * 1024)
    except OSError:
        return ""
