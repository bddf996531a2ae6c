"""A project's first policy: what to write, where, and the writing. Nothing that exists is replaced; a file that is there is added to on request only."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from paddock.errors import InternalError, SettingsError, UnsupportedError, UsageError
from paddock.model.paths import is_beneath
from paddock.model.record import record
from paddock.model.settings import Context, Scope
from paddock.session.init_look import Found, look
from paddock.session.init_propose import choose, missing, propose
from paddock.session.init_text import added, diff, render
from paddock.settings.document import Document, parse
from paddock.settings.files import read_optional
from paddock.settings.gathered import Gathered
from paddock.settings.layer import Family, Layer
from paddock.settings.overrides import EVERY
from paddock.settings.places import context_for
from paddock.settings.profiles import Profile
from paddock.settings.trust import Gate, written
from paddock.settings.validate import COMMENT

__all__ = ["MANAGED", "PLACE", "Draft", "File", "draft", "settings_text", "write", "write_new"]

PLACE = ".paddock/settings.json"
MANAGED = "/etc/paddock/managed-settings.json"
_OTHERS = ((".paddock/settings.local.json", Scope.LOCAL, Family.PADDOCK), (".claude/settings.json", Scope.PROJECT, Family.CLAUDE))


@record
class File:
    """A file as it is and as it could be. ``path`` is absolute; ``before`` None: there is none."""

    path: str
    before: str | None
    after: str

    @property
    def needed(self) -> bool:
        """Whether something is missing from it."""
        return self.before != self.after

    def diff(self) -> list[str]:
        """The change, line by line."""
        return diff(self.path, self.before, self.after)


@record
class Draft:
    """What ``init`` would do. ``widening`` are the entries that would wait for ``paddock trust``, as (key, text). ``above`` is the root of the repository where
    that is another folder, empty otherwise.
    """

    found: Found
    profiles: tuple[Profile, ...]
    files: tuple[File, ...]
    widening: tuple[tuple[str, str], ...]
    above: str = ""


def settings_text(profile: Profile) -> str:
    """The text of a profile that goes into no project."""
    return render(profile.settings)


def draft(cwd: str, environ: Mapping[str, str], names: Sequence[str]) -> Draft:
    """Look at the project and say what could be written. Changes nothing.

    Raises ``UsageError`` for profiles that do not exist or go together, ``SettingsError`` for a settings file of the project that cannot be used.
    """
    context = context_for(cwd, environ)
    if is_beneath(context.home, context.project_root):
        raise UsageError(f"{context.project_root} is no project: it is your home folder, or holds it", hint="change to the folder of a project")
    found = look(context.project_root)
    profiles = choose(found, names)
    proposal = propose(found, profiles, named=any(profile.kind == "language" and profile.name in names for profile in profiles))
    others = [_plain(document) for place, scope, family in _OTHERS if (document := _there(context, place, scope, family)) is not None]
    own = _there(context, PLACE, Scope.PROJECT, Family.PADDOCK)
    new = missing(proposal, _plain(own) if own is not None else None, others, context.project_root)
    path = f"{context.project_root}/{PLACE}"
    file = File(path, None, render({COMMENT: proposal[COMMENT], **new})) if own is None else File(path, own.text, added(own, new))
    widening = _widening(file.after, path, context)
    before = _widening(own.text, path, context) if own is not None else ()
    files = (file,) if new or not (own or others) else ()
    above = context.git_root if context.git_root != context.project_root else ""
    return Draft(found, profiles, (*files, *_readme(context, profiles)), tuple(entry for entry in widening if entry not in before), above)


def _widening(text: str, path: str, context: Context) -> tuple[tuple[str, str], ...]:
    """What waits for trust in the text of the project's file."""
    layer = _layer(Gathered(EVERY), path, text, Scope.PROJECT, Family.PADDOCK)
    return tuple((entry.origin.key, written(entry)) for entry in Gate.of([layer], context).waiting([layer]))


def _readme(context: Context, profiles: Sequence[Profile]) -> tuple[File, ...]:
    """The note for new members, where a profile brings one and there is none yet."""
    path = f"{context.project_root}/.paddock/README.md"
    if os.path.lexists(path) or not any(profile.readme for profile in profiles):
        return ()
    return (File(path, None, "".join(profile.readme for profile in profiles)),)


def _there(context: Context, place: str, scope: Scope, family: Family) -> Document | None:
    """A settings file of the project that is there. Raises ``SettingsError`` when a run would not take it: it has to be mended first."""
    path = f"{context.project_root}/{place}"
    found = read_optional(path)
    if found is None:
        return None
    document = parse(path, found[0])
    _layer(Gathered(EVERY), path, document.text, scope, family)
    return document


def _layer(gathered: Gathered, path: str, text: str, scope: Scope, family: Family) -> Layer:
    layer = gathered.take(scope, family, path, text)
    if gathered.problems:
        raise SettingsError(gathered.problems)
    if layer is None:
        raise InternalError(f"{path} was not read")
    return layer


def _plain(document: Document) -> Mapping[str, object]:
    value = document.root.plain()
    return value if isinstance(value, dict) else {}


def write(file: File) -> None:
    """Make the file, or add to it what is missing. Raises ``UnsupportedError``; then the file is as it was.

    The project is not trusted: no link is followed, neither for the folder nor for the file, and what was not there when it was looked at is not replaced.
    """
    folder, _, name = file.path.rpartition("/")
    try:
        if file.before is None:
            _make_folder(folder)
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            _write_in(fd, name, file)
        finally:
            os.close(fd)
    except FileExistsError as error:
        raise UnsupportedError(f"{file.path} is there meanwhile", cause="somebody else made it", hint="run `paddock init` again") from error
    except OSError as error:
        raise UnsupportedError(f"{file.path} cannot be written", cause=error.strerror or str(error), hint=_hint(error)) from error


def write_new(path: str, text: str) -> None:
    """Make a file that somebody has named, in a folder that is there. Raises ``UsageError`` when there is one, or when it cannot be written."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UsageError(f"{path} cannot be made: {error.strerror}", hint="name a file that does not exist, in a folder that does") from error
    with open(fd, "w", encoding="utf-8") as file:
        file.write(text)


def _hint(error: OSError) -> str:
    import errno

    return "it, or its folder, is a symbolic link: write the file by hand" if error.errno in (errno.ELOOP, errno.ENOTDIR) else ""


def _make_folder(folder: str) -> None:
    try:
        os.mkdir(folder, 0o755)
    except FileExistsError:
        return  # opened without following a link in a moment


def _write_in(fd: int, name: str, file: File) -> None:
    """A new file under a name that was free; for one that is there, a new file that takes its name whole: readers see the old text or the new one."""
    new = name if file.before is None else f".{name}.{os.urandom(6).hex()}"
    made = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=fd)
    try:
        with open(made, "wb") as out:
            out.write(file.after.encode("utf-8"))
            out.flush()
            os.fsync(made)
            if file.before is not None:
                os.fchmod(made, _unchanged(fd, name, file))
                os.rename(new, name, src_dir_fd=fd, dst_dir_fd=fd)
    except BaseException:
        os.unlink(new, dir_fd=fd)
        raise


def _unchanged(folder: int, name: str, file: File) -> int:
    """The mode of the file, which must still hold what was read. Raises ``UnsupportedError``."""
    there = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    with open(there, "rb") as old:
        if old.read() != (file.before or "").encode("utf-8"):
            raise UnsupportedError(f"{file.path} was changed meanwhile", cause="somebody else wrote it after it was read", hint="run `paddock init` again")
        return os.fstat(there).st_mode & 0o777
