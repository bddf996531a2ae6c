"""git: who commits and how lines end, without programs and logins."""

from __future__ import annotations

from collections.abc import Iterator

from paddock.model import paths
from paddock.model.settings import Notice, Origin, Scope
from paddock.planner.gitconfig import Setting, settings_of
from paddock.planner.presets import certificates
from paddock.planner.presets.base import KEY, Given, Gives
from paddock.planner.presets.urls import without_login

__all__ = ["configure", "hosts"]

# git-config(1): section -> keys that say how git behaves. Sections and keys that can name a program, a login or another file to read are not here.
_ANY = frozenset({"*"})
_KEPT: dict[str, frozenset[str]] = {
    "user": frozenset({"name", "email", "useconfigonly"}),
    "author": frozenset({"name", "email"}),
    "committer": frozenset({"name", "email"}),
    "init": frozenset({"defaultbranch", "defaultobjectformat", "defaultrefformat"}),
    "core": frozenset(
        {
            "abbrev",
            "autocrlf",
            "eol",
            "excludesfile",
            "filemode",
            "ignorecase",
            "longpaths",
            "precomposeunicode",
            "quotepath",
            "safecrlf",
            "symlinks",
            "whitespace",
        }
    ),
    "advice": _ANY,
    "apply": frozenset({"whitespace", "ignorewhitespace"}),
    "blame": _ANY,
    "branch": frozenset({"autosetupmerge", "autosetuprebase", "sort"}),
    "checkout": frozenset({"defaultremote", "guess"}),
    "color": _ANY,
    "column": _ANY,
    "commit": frozenset({"cleanup", "status", "verbose"}),
    "diff": frozenset({"algorithm", "colormoved", "context", "ignoresubmodules", "mnemonicprefix", "noprefix", "renames", "submodule", "wserrorhighlight"}),
    "feature": _ANY,
    "fetch": frozenset({"all", "fsckobjects", "prune", "prunetags", "recursesubmodules", "writecommitgraph"}),
    "format": frozenset({"pretty"}),
    "grep": frozenset({"column", "extendedregexp", "linenumber", "patterntype"}),
    "help": frozenset({"autocorrect"}),
    "http": frozenset({"followredirects", "postbuffer", "sslcainfo", "sslverify", "version"}),
    "index": frozenset({"threads", "version"}),
    "log": _ANY,
    "merge": frozenset({"autostash", "conflictstyle", "ff", "renames", "stat", "verbosity"}),
    "pull": frozenset({"ff", "rebase", "twohead"}),
    "push": frozenset({"autosetupremote", "default", "followtags", "recursesubmodules"}),
    "rebase": frozenset({"abbreviatecommands", "autosquash", "autostash", "missingcommitscheck", "stat", "updaterefs"}),
    "receive": frozenset({"fsckobjects"}),
    "rerere": _ANY,
    "safe": frozenset({"directory"}),
    "status": _ANY,
    "submodule": frozenset({"recurse", "fetchjobs"}),
    "tag": frozenset({"sort"}),
    "transfer": frozenset({"fsckobjects"}),
    "url": frozenset({"insteadof", "pushinsteadof"}),
    "versionsort": _ANY,
}


def configure(given: Given, gives: Gives) -> None:
    """Copies of the user's files; what they include is copied in, so that no include is left."""
    for path in _files(given):
        if given.view.read(path) is None:
            continue
        kept = [setting for _, setting in settings_of(given.view, path, given.home) if _keeps(setting)]
        gives.user_file(given, path, "".join(_written(setting) for setting in kept).encode("utf-8", "surrogateescape"))
        for setting in kept:
            if setting.section == "http" and setting.key == "sslcainfo":
                certificates.show(given, gives, setting.value or "")


def hosts(given: Given, gives: Gives) -> None:
    """The mirrors of the user's own configuration (``url.<base>.insteadOf``). A repository's remotes stand in the project and are its word."""
    before = len(gives.hosts)
    for file in (*_files(given), "/etc/gitconfig"):
        for where, setting in settings_of(given.view, file, given.home):
            if setting.section == "url" and setting.key in ("insteadof", "pushinsteadof"):
                gives.address(given, setting.subsection, where, setting.line, "git")
    if len(gives.hosts) == before:
        text = "the preset git gives no host: the user's configuration names no mirror (url.<base>.insteadOf), and remotes are a project's word"
        gives.notices.append(Notice(text, Origin(Scope.BUILTIN, "builtin", key=KEY, text="git"), "info"))


def _files(given: Given) -> Iterator[str]:
    moved = given.environ.get("GIT_CONFIG_GLOBAL", "")
    if moved:
        # It takes the place of both usual files (git(1)).
        if moved.startswith("/") and not paths.is_beneath(paths.normalise(moved), "/dev"):
            yield paths.normalise(moved)
        return
    yield paths.join(given.config_home, "git/config")
    yield paths.join(given.home, ".gitconfig")


def _keeps(setting: Setting) -> bool:
    keys = _KEPT.get(setting.section)
    return keys is not None and (keys is _ANY or setting.key in keys) and not (setting.value or "").lstrip().startswith("!")


def _written(setting: Setting) -> str:
    """One setting as a section of its own: the order of repeated keys is kept, and nothing depends on what stood around it."""
    section = setting.section
    if setting.subsection:
        sub = without_login(setting.subsection) if section in ("http", "url") else setting.subsection
        section += ' "' + sub.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if setting.value is None:
        return f"[{section}]\n\t{setting.key}\n"
    value = without_login(setting.value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t").replace("\b", "\\b")
    return f'[{section}]\n\t{setting.key} = "{value}"\n'
