"""One real launch with a folder's own plan, and which layers held in it, as the command inside saw them.

What a launch step says of itself is not believed here where the command can look for itself: its namespaces, its capabilities, its filters, the root's mount,
and whether a file that was handed in for reading can be opened for writing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from paddock.errors import LaunchError, PaddockError
from paddock.fence.kernel.landlock import abi
from paddock.fence.namespaces import Fence, start
from paddock.model.plan import Plan
from paddock.model.record import record, replace
from paddock.session.launch_trial import Notices, wait

__all__ = ["NEEDED", "Launch", "Layer", "try_launch"]

NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
NEEDED = ("namespaces", "mounts", "capabilities", "seccomp", "capture")
"""Without one of these there is no fence; the others make a fence stronger or tell more."""

_READLINK = ("/usr/bin/readlink", "/bin/readlink")
_DOORS = frozenset(("capture", "dns-tcp", "dns-udp"))
# Words of the shell itself, and one program from a fixed place: nothing that the project or a PATH could put there.
_SCRIPT = """
while read -r line; do echo "status $line"; done </proc/self/status
while read -r _ _ _ _ point options _; do [ "$point" = / ] && echo "root $options"; done </proc/self/mountinfo
for name in cgroup ipc mnt net pid user uts; do echo "namespace $name $("$1" /proc/self/ns/$name)"; done
(: >>/proc/self/fd/0) 2>/dev/null && echo "reopened yes" || echo "reopened no"
exit 0
"""


@record
class Layer:
    """Whether one layer held, and what was seen of it."""

    active: bool
    detail: str


@record
class Launch:
    """``failure`` is empty when the command ran and ended well; then every layer is in ``layers``. ``notices`` is what the fence said about itself."""

    failure: str
    hint: str
    layers: Mapping[str, Layer]
    notices: tuple[str, ...]

    @property
    def fenced(self) -> bool:
        """Whether the command ran with every needed layer around it."""
        return not self.failure and all(self.layers[name].active for name in NEEDED)

    @property
    def strength(self) -> str:
        """``full``, ``reduced`` (something that is not needed is missing) or ``none``."""
        if not self.fenced:
            return "none"
        return "full" if all(layer.active for layer in self.layers.values()) else "reduced"


def try_launch(plan: Plan) -> Launch:
    """Build the fence of ``plan`` around a command that looks around, and take it down. Nothing is left behind and nothing is logged.

    Must be called from a process with a single thread.
    """
    notices = Notices()
    try:
        readlink = next((path for path in _READLINK if os.path.exists(path)), "")
        if not readlink:
            raise LaunchError("there is no readlink to look around with", step="look around", hint="install coreutils")
        text, observed, doors = _launch(replace(plan, argv=("/bin/sh", "-c", _SCRIPT, "sh", readlink)), notices)
    except (PaddockError, OSError) as error:
        return Launch(str(error), getattr(error, "hint", ""), {}, tuple(notices.said))
    return Launch("", "", _layers(text, observed=observed, doors=doors), tuple(notices.said))


def _launch(plan: Plan, notices: Notices) -> tuple[str, bool, frozenset[str]]:
    """What the command printed, whether somebody watched, and which doors there were."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    handed_in = _file_for_reading()
    try:
        with open(os.devnull, "wb") as nowhere:
            fence = start(plan, notices, stdio=(handed_in, writer, nowhere.fileno()))
            try:
                _run(fence)
                observed, doors = fence.observer is not None, frozenset(listener.role for listener in fence.listeners)
            finally:
                fence.close()
                for listener in fence.listeners:
                    os.close(listener.fd)
        os.close(writer)
        writer = -1
        with open(reader, "rb", closefd=False) as said:
            return said.read().decode("utf-8", "replace"), observed, doors
    finally:
        for fd in (reader, handed_in, *((writer,) if writer >= 0 else ())):
            os.close(fd)


def _run(fence: Fence) -> None:
    fence.spawn()
    code = wait(fence)
    if code != 0:
        raise LaunchError(f"the command inside ended with {code} instead of 0", step="run a command")


def _file_for_reading() -> int:
    """A file of the host's, open for reading only. It has no name any more, so that no mount but Landlock alone stands before its content."""
    from tempfile import mkstemp

    fd, path = mkstemp(prefix="paddock-status-")
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.unlink(path)
        os.close(fd)


def _layers(text: str, *, observed: bool, doors: frozenset[str]) -> dict[str, Layer]:
    lines = [line.partition(" ") for line in text.splitlines()]
    status = {name: value.strip() for head, _, rest in lines if head == "status" for name, _, value in (rest.partition(":"),)}
    inside = {name: number for head, _, rest in lines if head == "namespace" for name, _, number in (rest.partition(" "),)}
    root = next((rest.split(",") for head, _, rest in lines if head == "root"), [])
    reopened = next((rest for head, _, rest in lines if head == "reopened"), "")
    apart = [name for name in NAMESPACES if inside.get(name, "") not in ("", os.readlink(f"/proc/self/ns/{name}"))]
    powers = {name: status.get(name, "?") for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
    filters = status.get("Seccomp_filters", "?")
    version = abi()
    return {
        "namespaces": Layer(len(apart) == len(NAMESPACES), ", ".join(apart)),
        "mounts": Layer("ro" in root, "the root is read-only" if "ro" in root else "the root is not read-only"),
        "capabilities": Layer(
            all(value.strip("0") == "" for value in powers.values()) and status.get("NoNewPrivs") == "1",
            "none, and none to gain" if status.get("NoNewPrivs") == "1" else "new privileges can be gained",
        ),
        "seccomp": Layer(status.get("Seccomp") == "2", f"{filters} filters"),
        "landlock": Layer(version > 0 and reopened == "no", f"ABI {version}" if version else "this kernel has none"),
        "observer": Layer(observed, "refused file accesses are reported" if observed else "refused file accesses are not reported"),
        "capture": Layer(doors >= _DOORS, ", ".join(sorted(doors))),
    }
