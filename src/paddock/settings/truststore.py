"""What people accepted: small files, 0600, below Paddock's state folder, which is never writable from inside a fence.

One for a project's settings, accepted as a set; one for the hosts that its tools' files name (``part``), where every entry is bound to a file's content.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from paddock.errors import SettingsError
from paddock.model.settings import Entry
from paddock.settings.document import parse
from paddock.settings.files import read_optional
from paddock.settings.gitfiles import in_main_checkout
from paddock.settings.trust import recorded

__all__ = ["HOSTS", "accepted_entries", "forget_trust", "is_trusted", "record_trust"]

_VERSION = 1
_TRIES = 8

HOSTS = "-hosts"
"""The part for hosts that files of tools name."""


def is_trusted(state_home: str, project_root: str, digest: str) -> bool:
    """Whether exactly the set with this digest was accepted for this project, or for the same folder of the main checkout when it is a linked worktree.
    False for anything unreadable, damaged or writable by others.
    """
    if not digest:
        return False
    return any(_record(state_home, place).get("digest") == digest for place in dict.fromkeys((project_root, in_main_checkout(project_root))))


def accepted_entries(state_home: str, project_root: str, part: str = "") -> tuple[tuple[str, str], ...]:
    """What was accepted last, as (key, entry as the record names it), so that a changed set can be shown as a difference."""
    entries = _record(state_home, project_root, part).get("entries")
    if not isinstance(entries, list):
        return ()
    return tuple((str(item.get("key")), str(item.get("text"))) for item in entries if isinstance(item, dict))


def record_trust(state_home: str, project_root: str, digest: str, entries: Sequence[Entry], part: str = "") -> str:
    """Accept a set of entries in place of any earlier one; returns the file. Raises ``OSError`` when it cannot be written.

    Written beside its place and renamed over it, so that a reader finds the old set or the new one, never half of one.
    """
    import json  # accepting is rare, reading is not

    path = _path(state_home, project_root, part)
    folder = path.rpartition("/")[0]
    os.makedirs(folder, mode=0o700, exist_ok=True)
    _sweep(folder, path.rpartition("/")[2])
    shown = [{"key": entry.origin.key, "text": recorded(entry)} for entry in entries]
    record = {"version": _VERSION, "project": project_root, "digest": digest, "entries": shown}
    data = json.dumps(record, indent=1).encode("ascii") + b"\n"
    draft = f"{path}.{os.getpid()}.{os.urandom(4).hex()}"
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with open(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(fd)
        os.replace(draft, path)
    except OSError:
        os.unlink(draft)
        raise
    return path


def _sweep(folder: str, name: str) -> None:
    """Remove the drafts of writers that were killed before they could rename them; the second last part of a draft's name is the writer's process id."""
    for draft in os.listdir(folder):
        start, _, rest = draft.partition(".json.")
        pid = rest.partition(".")[0]
        if f"{start}.json" == name and pid.isdecimal() and not os.path.exists(f"/proc/{pid}"):
            try:
                os.unlink(f"{folder}/{draft}")
            except FileNotFoundError:
                continue  # another one was faster


def forget_trust(state_home: str, project_root: str) -> bool:
    """Take acceptance back; False when there was none. In a linked worktree also what holds there from the main checkout."""
    found = False
    for place in dict.fromkeys((project_root, in_main_checkout(project_root))):
        for part in ("", HOSTS):
            try:
                os.unlink(_path(state_home, place, part))
            except FileNotFoundError:
                continue
            found = True
    return found


def _path(state_home: str, project_root: str, part: str) -> str:
    from hashlib import sha256  # only for projects that widen something

    return f"{state_home}/trust/{sha256(os.fsencode(project_root)).hexdigest()}{part}.json"


def _whole(path: str) -> tuple[bytes, os.stat_result] | None:
    """The record as it is or was a moment ago: one that is renamed over while it is read does not read as unchanged, and the new one is there at once."""
    for _ in range(_TRIES - 1):
        try:
            return read_optional(path)
        except SettingsError:
            continue
    return read_optional(path)


def _record(state_home: str, project_root: str, part: str = "") -> dict[str, object]:
    path = _path(state_home, project_root, part)
    try:
        found = _whole(path)
        if found is None or found[1].st_uid != os.geteuid() or found[1].st_mode & 0o022:
            return {}
        record = parse(path, found[0]).root.plain()
    except SettingsError:
        return {}  # an unreadable record accepts nothing, which is the safe side
    usable = isinstance(record, dict) and record.get("version") == _VERSION and record.get("project") == project_root
    return record if usable and isinstance(record, dict) else {}
