"""Whether a file of git's configuration holds nothing but what git itself writes there, and nothing that could start a program: git-config(1). Pure.

It reads a *subset* of the syntax on purpose: one setting per line, as git writes them, no escapes, no continued lines. Whatever it does not understand is not
harmless. So there is no second reading of a file under which it could mean something else.
"""

from __future__ import annotations

import re

__all__ = ["MAX_BYTES", "harmless"]

MAX_BYTES = 1 << 18

_HEADER = re.compile(r'\[([A-Za-z0-9-]+)(?: "([^"\\\x00-\x1f\x7f]*)")?\]')
_SETTING = re.compile(r"([A-Za-z][A-Za-z0-9-]*) = (.*)")
_VALUE = re.compile(r'[^"\\;#\x00-\x1f\x7f]*|"[^"\\\x00-\x1f\x7f]*"')

_FLAG = re.compile(r"true|false|yes|no|on|off|0|1")
_NUMBER = re.compile(r"[0-9]{1,12}[kmg]?")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,200}")
_REF = re.compile(r"(?!-)[A-Za-z0-9._/@+*:^-]{1,1000}")
_REMOTE = re.compile(r"\.|(?!-)[A-Za-z0-9._/-]{1,200}")
_TEXT = re.compile(r"[^\x00-\x1f\x7f]{0,1000}")
_OFF = re.compile(r"false|no|off|0")
# A transport with a name and two colons is a program (git-remote-NAME); a host or path that begins with a dash is an option to one.
_URL = re.compile(
    r"(?:(?:https?|ssh|git|file)://(?!-)(?:[^/@\s]*@)?(?!-)[^\s]*|(?![-:])(?:[A-Za-z0-9._-]+@)?(?!-)[A-Za-z0-9._-]+:(?!//|[:-])[^\s]*|(?!-)[^:\x00-\x1f]*)"
)

# section -> key -> what its value must look like. A section that ends with "." has a subsection.
_KEYS: dict[str, dict[str, re.Pattern[str]]] = {
    "core": {
        "repositoryformatversion": _NUMBER,
        **dict.fromkeys(("filemode", "bare", "logallrefupdates", "ignorecase", "precomposeunicode", "symlinks", "sparsecheckout", "sparsecheckoutcone"), _FLAG),
        **dict.fromkeys(("autocrlf", "eol", "safecrlf", "abbrev", "compression", "longpaths", "quotepath", "bigfilethreshold", "sharedrepository"), _WORD),
        "fsmonitor": _OFF,
    },
    "extensions": {"objectformat": _WORD, "refstorage": _WORD, "partialclone": _REMOTE, "worktreeconfig": _OFF, "noop": _WORD},
    "user": {"name": _TEXT, "email": _TEXT, "useconfigonly": _FLAG},
    "init": {"defaultbranch": _REF},
    "pull": {"rebase": _WORD, "ff": _WORD},
    "push": {"default": _WORD, "autosetupremote": _FLAG, "followtags": _FLAG},
    "fetch": {"prune": _FLAG, "prunetags": _FLAG, "parallel": _NUMBER},
    "rebase": {"autosquash": _FLAG, "autostash": _FLAG, "updaterefs": _FLAG},
    "merge": {"conflictstyle": _WORD, "ff": _WORD, "renamelimit": _NUMBER},
    "diff": {"algorithm": _WORD, "renames": _WORD, "mnemonicprefix": _FLAG, "colormoved": _WORD, "renamelimit": _NUMBER},
    "rerere": {"enabled": _FLAG, "autoupdate": _FLAG},
    "gc": {"auto": _NUMBER, "autodetach": _FLAG, "pruneexpire": _WORD},
    "commit": {"gpgsign": _OFF, "verbose": _FLAG},
    "tag": {"gpgsign": _OFF},
    "advice": {},
    "color": {"ui": _WORD},
    "log": {"date": _WORD, "showsignature": _OFF},
    "index": {"version": _NUMBER, "sparse": _FLAG, "threads": _WORD},
    "feature": {"manyfiles": _FLAG},
    "maintenance": {"auto": _FLAG, "strategy": _WORD},
    "protocol": {"version": _NUMBER},
    "pack": {"threads": _NUMBER, "writereverseindex": _FLAG},
    "remote": {"pushdefault": _REMOTE},
    "remote.": {
        "url": _URL,
        "pushurl": _URL,
        "fetch": _REF,
        "push": _REF,
        "tagopt": re.compile(r"--(?:no-)?tags"),
        "partialclonefilter": re.compile(r"(?!-)[a-z0-9:=+-]{1,100}"),
        **dict.fromkeys(("prune", "prunetags", "mirror", "promisor", "skipfetchall", "skipdefaultupdate"), _FLAG),
    },
    "branch.": {"remote": _REMOTE, "pushremote": _REMOTE, "merge": _REF, "rebase": _WORD, "description": _TEXT},
    "submodule": {"active": _REF, "recurse": _FLAG},
    "submodule.": {"active": _FLAG, "url": _URL},
}


def harmless(content: bytes) -> str:
    """Empty when every setting is harmless, otherwise what is in the way, for a person: the setting, or that the file is too long or cannot be read."""
    if len(content) > MAX_BYTES:
        return "it is too long"
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return "it is not text"
    section: str | None = None
    for line in text.split("\n"):
        bare = line.strip(" \t")
        if not bare or (bare[0] in "#;" and "\r" not in bare):
            continue
        if (head := _HEADER.fullmatch(bare)) is not None:
            section = head[1].lower() + ("." if head[2] is not None else "")
            continue
        found = _SETTING.fullmatch(bare)
        if found is None or section is None or not _allowed(section, found[1].lower(), found[2]):
            return f"the setting {(section or '').rstrip('.')}.{found[1].lower()}" if found is not None else "a line that is not plain"
    return ""


def _allowed(section: str, key: str, value: str) -> bool:
    if _VALUE.fullmatch(value) is None:
        return False
    if section == "advice":
        return _FLAG.fullmatch(value) is not None
    wanted = _KEYS.get(section, {}).get(key)
    return wanted is not None and wanted.fullmatch(value.strip('"')) is not None
