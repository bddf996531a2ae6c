"""What Paddock is made of on this machine, and which files its hooks are: the places whose writers matter."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping

from paddock.model import paths
from paddock.model.settings import Context, Entry

__all__ = ["hook_files", "program_places", "program_trees"]

# What the gate imports from beside Paddock.
_LIBRARIES = ("h11", "dns")


def program_places() -> tuple[str, ...]:
    """The interpreter, everything mapped into it, the folders that it imports from, and the command itself."""
    command = f"{os.path.dirname(sys.executable)}/paddock"
    folders = [entry for entry in sys.path if entry.startswith("/")]
    found = dict.fromkeys([sys.executable, *_mapped(), *folders, *((command,) if os.path.exists(command) else ())])
    return tuple(found)


def _mapped() -> list[str]:
    """The binary and its shared libraries (proc(5), maps), the one for the network's rules included."""
    import contextlib
    import ctypes

    with contextlib.suppress(OSError):  # without it no fence can be built, and the launch says so
        ctypes.CDLL("libnftables.so.1")
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        names = [line.rstrip("\n").partition("/") for line in maps]
    return sorted({f"/{rest}" for _, slash, rest in names if slash and not rest.endswith(" (deleted)")})


def program_trees() -> tuple[str, ...]:
    """Folders of which every file is loaded, or could be: the package, its libraries, the standard library."""
    package = paths.ancestors(paths.normalise(__file__))[1]
    libraries = [f"{entry}/{name}" for name in _LIBRARIES for entry in sys.path if entry.startswith("/") and os.path.isdir(f"{entry}/{name}")]
    return tuple(dict.fromkeys((package, *libraries, os.path.dirname(os.__file__ or package))))


def hook_files(hooks: Iterable[Entry], context: Context, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The existing files that hook commands name: the program, and whichever of its words is a file."""
    lines = [_words(command, context) for hook in hooks for command in _commands(hook.value)]
    found = (_file(word, context, environ if number == 0 else {}) for words in lines for number, word in enumerate(words))
    return tuple(dict.fromkeys(file for file in found if file))


def _commands(value: object) -> Iterator[str]:
    """Every ``command`` in a hook entry, at whichever depth (spec 7.1)."""
    if isinstance(value, dict):
        if isinstance(value.get("command"), str):
            yield value["command"]
        for inner in value.values():
            yield from _commands(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _commands(inner)


def _words(command: str, context: Context) -> list[str]:
    from shlex import split

    for name in ("$CLAUDE_PROJECT_DIR", "${CLAUDE_PROJECT_DIR}"):
        command = command.replace(name, context.project_root)
    try:
        return split(command)
    except ValueError:
        return []  # an unclosed quote: the shell refuses it as well


def _file(word: str, context: Context, environ: Mapping[str, str]) -> str:
    """The file that a word names, looked for on the PATH of ``environ`` when it has no slash; empty for none."""
    if word.startswith("~/"):
        word = f"{context.home}/{word[2:]}"
    if "\0" in word or not word:
        return ""
    if "/" in word:
        path = paths.join(context.cwd, word)
        return path if os.path.isfile(path) else ""
    folders = environ.get("PATH", "").split(":")
    return next((f"{folder}/{word}" for folder in folders if folder.startswith("/") and os.path.isfile(f"{folder}/{word}")), "")
