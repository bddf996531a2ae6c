"""What a failed step means to the person in front of it: the failures that people really meet, with the fix."""

from __future__ import annotations

import errno
import os

from paddock.fence.launcher.state import StepFailed

__all__ = ["explain"]

_FORBIDDEN = frozenset((errno.EPERM, errno.EACCES, errno.EUSERS, errno.ENOSPC))

_NAMESPACES = (
    "this host does not let you make user namespaces. Debian and older Ubuntu: sysctl kernel.unprivileged_userns_clone=1; Ubuntu from 23.10: an AppArmor "
    "profile is needed, or sysctl kernel.apparmor_restrict_unprivileged_userns=0; everywhere: sysctl user.max_user_namespaces above 0; in a container: one "
    "started with the right to make them. `paddock doctor` tries each step"
)
_INSIDE = (
    "this runs in a fence of Paddock already (PADDOCK=1), where no other can be built; `paddock run` narrows the one around, where it was built by the same "
    "version and holds what it says"
)
_LIBRARY = "install libnftables (Debian and Ubuntu: apt install libnftables1), or run `paddock setup`"
_PROC = "this looks like a container that hides parts of /proc: the kernel then refuses a new /proc to whoever is inside"
_OWNER = "inside, user 0 has no more rights than any other owner of files: run Paddock as the user whom the path belongs to"


def explain(failure: StepFailed) -> str:
    """The hint for a failure; empty when there is none to give.

    A ban on user namespaces shows at the first step where the ban is a sysctl, and only at the first mount or network request where it is AppArmor, which lets
    the namespace be made and then takes the capabilities away.
    """
    if failure.changed:
        return "something changed the files while the fence was built; run it again"
    if failure.number == errno.ELIBACC:
        return _LIBRARY
    if "/proc" in failure.step and failure.number == errno.EPERM and failure.step.startswith("mount a fresh"):
        return _PROC
    if failure.number == errno.EACCES and failure.step.startswith(("show ", "hide ", "empty ")):
        return _OWNER
    early = failure.step.startswith(("make user", "map the caller", "bring up lo", "make a mount", "copy the host"))
    if not early or failure.number not in _FORBIDDEN:
        return ""
    return _INSIDE if os.environ.get("PADDOCK") == "1" else _NAMESPACES
