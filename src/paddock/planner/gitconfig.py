"""Reading git's configuration files without git: git-config(1), section SYNTAX.

Asking git would run what the configuration names. Only what the planner needs is understood: sections, keys, quoting, continued lines and ``include.path``.
Conditional includes are read too, whatever their condition: what they might set is then protected as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from paddock.model import paths
from paddock.planner.view import View

__all__ = ["Setting", "expand", "general_files", "parse", "settings_of"]

MAX_INCLUDES = 16
MAX_BYTES = 1 << 18
_ESCAPES = {"n": "\n", "t": "\t", "b": "\b", '"': '"', "\\": "\\"}
_BLANKS = " \t\n\r"
_KEY = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")
_LETTERS = _KEY - frozenset("0123456789-")


class Setting(NamedTuple):
    """``section`` and ``key`` are lower case, ``subsection`` as it was written; ``value`` is None for a key without ``=``. ``line`` counts from 1.

    A key above the first section has an empty one: git lists it and gives it no meaning.
    """

    section: str
    subsection: str
    key: str
    value: str | None
    line: int


def parse(text: str) -> Iterator[Setting]:
    """Every setting in order. What is no configuration ends the reading: git would refuse the file as a whole."""
    reader = _Reader(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    section = subsection = ""
    try:
        while (character := reader.next_start()) is not None:
            if character == "[":
                section, subsection = reader.header()
                continue
            line = reader.line
            key, value = reader.setting(character)
            yield Setting(section, subsection, key, value, line)
    except _NoConfiguration:
        return


class _NoConfiguration(Exception):  # noqa: N818 - ends the reading and leaves this file never
    pass


class _Reader:
    """One pass over the text, character by character as git makes it (config.c); what lies behind the end is a line end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.line = 1

    def _next(self) -> str:
        character = self._text[self._at : self._at + 1] or "\n"
        self._at += 1
        self.line += character == "\n"
        return character

    @property
    def _ended(self) -> bool:
        return self._at > len(self._text)

    def next_start(self) -> str | None:
        """The next character that begins something, past blanks and comments; None at the end."""
        comment = False
        while not self._ended:
            character = self._next()
            if character == "\n":
                comment = False
            elif character in "#;":
                comment = True
            elif not comment and character not in _BLANKS:
                return character
        return None

    def header(self) -> tuple[str, str]:
        """Section and subsection, from behind the bracket. ``[a.b]`` is an old way to write ``[a "b"]`` and knows no capitals."""
        name: list[str] = []
        while (character := self._next()) != "]":
            if character in _BLANKS:
                return "".join(name).lower(), self._subsection(character)
            if character not in _KEY and character != ".":
                raise _NoConfiguration
            name.append(character)
        section, _, subsection = "".join(name).lower().partition(".")
        return section, subsection

    def _subsection(self, character: str) -> str:
        while character in _BLANKS:
            if character == "\n":
                raise _NoConfiguration
            character = self._next()
        if character != '"':
            raise _NoConfiguration
        out: list[str] = []
        while (character := self._next()) != '"':
            if character == "\\":
                character = self._next()
            if character == "\n":
                raise _NoConfiguration
            out.append(character)
        if self._next() != "]":
            raise _NoConfiguration
        return _text(out)

    def setting(self, first: str) -> tuple[str, str | None]:
        """Key and value, from behind the key's first character."""
        if first not in _LETTERS:
            raise _NoConfiguration
        name = [first]
        while (character := self._next()) in _KEY:
            name.append(character)
        while character in " \t":
            character = self._next()
        if character not in "=\n":
            raise _NoConfiguration
        return "".join(name).lower(), None if character == "\n" else self._value()

    def _value(self) -> str:
        out: list[str] = []
        blanks: list[str] = []
        quoted = comment = False
        while (character := self._next()) != "\n":
            if comment:
                continue
            if not quoted and character in _BLANKS:
                if out:
                    blanks.append(character)
                continue
            if not quoted and character in "#;":
                comment = True
                continue
            out += blanks
            blanks.clear()
            if character == "\\":
                character = self._next()
                if character != "\n":
                    out.append(_escaped(character))
            elif character == '"':
                quoted = not quoted
            else:
                out.append(character)
        if quoted:
            raise _NoConfiguration
        return _text(out)


def _escaped(character: str) -> str:
    if character not in _ESCAPES:
        raise _NoConfiguration
    return _ESCAPES[character]


def _text(characters: list[str]) -> str:
    """As C sees it: up to the first NUL. A character of UTF-8 may have been begun on one line and ended on the next, so it is put together again."""
    text = "".join(characters).partition("\0")[0]
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def settings_of(view: View, path: str, home: str, _seen: set[str] | None = None) -> Iterator[tuple[str, Setting]]:
    """``(file, setting)`` for a configuration file and everything that it includes."""
    seen = set() if _seen is None else _seen
    content = None if path in seen or len(seen) >= MAX_INCLUDES else view.read(path, MAX_BYTES)
    if content is None:
        return
    seen.add(path)
    for setting in parse(content.decode("utf-8", "surrogateescape")):
        yield path, setting
        if setting.section in ("include", "includeif") and setting.key == "path" and setting.value:
            yield from settings_of(view, expand(setting.value, paths.ancestors(path)[0], home), home, seen)


def general_files(environ: Mapping[str, str], home: str) -> tuple[str, ...]:
    """The configuration files that hold in every repository of a person, whether or not they exist: git-config(1), FILES and ENVIRONMENT."""
    config = environ.get("XDG_CONFIG_HOME", "")
    xdg = config if config.startswith("/") and "\0" not in config else paths.join(home, ".config")
    user = [environ["GIT_CONFIG_GLOBAL"]] if "GIT_CONFIG_GLOBAL" in environ else [f"{xdg}/git/config", paths.join(home, ".gitconfig")]
    system = [] if environ.get("GIT_CONFIG_NOSYSTEM", "0") not in ("", "0", "false", "no") else [environ.get("GIT_CONFIG_SYSTEM", "/etc/gitconfig")]
    return tuple(paths.normalise(file) for file in (*system, *user) if file.startswith("/") and "\0" not in file)


def expand(value: str, base: str, home: str) -> str:
    """A path in a configuration: ``~/`` is home, anything relative is relative to ``base``."""
    value = value.replace("\0", "")
    if value == "~" or value.startswith("~/"):
        return paths.join(home, value[2:] or ".")
    return paths.join(base, value)
