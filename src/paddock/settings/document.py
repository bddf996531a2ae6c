"""JSON text to values that know where they stand.

The grammar is RFC 8259 and nothing else: no comments, no trailing commas, no second value, no duplicate names, no lone surrogates, no numbers that a double
cannot hold. The standard library's reader keeps no positions and lets the last duplicate win, and a policy file in which a name stands twice is a trap, so
this one is ours.

This file knows text and places. It must not know settings, files or scopes.
"""

from __future__ import annotations

from paddock.errors import Problem, SettingsError
from paddock.model.text import cap, escape

__all__ = ["MAX_DEPTH", "Document", "Node", "parse"]

MAX_DEPTH = 64
"""Objects and arrays inside each other. The deepest known key needs five; the limit keeps a hostile file from exhausting the interpreter's stack."""

_MAX_NUMBER = 64  # characters of one number literal: no setting needs more, and int() of a huge literal is quadratic

_SPACE = " \t\n\r"
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_LITERALS: tuple[tuple[str, object], ...] = (("true", True), ("false", False), ("null", None))
_HEX = frozenset("0123456789abcdefABCDEF")
_DIGITS = frozenset("0123456789")


class Node:
    """One value. ``start`` and ``end`` are offsets into the text (half open); ``key`` is the offset of its name in the object above, -1 when it has none.

    ``value`` is ``str | int | float | bool | None``, ``list[Node]`` or ``dict[str, Node]``.
    """

    __slots__ = ("end", "key", "start", "value")

    def __init__(self, value: object, start: int, end: int) -> None:
        self.value = value
        self.start = start
        self.end = end
        self.key = -1

    def plain(self) -> object:
        """The value without places, as ``json.loads`` would give it."""
        value = self.value
        if isinstance(value, dict):
            return {name: node.plain() for name, node in value.items()}
        if isinstance(value, list):
            return [node.plain() for node in value]
        return value


class Document:
    """A parsed text: its root and the way from offsets to lines. Lines and columns count from 1; columns count characters, not bytes."""

    __slots__ = ("_at", "_line", "_start", "file", "root", "text")

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.root = Node(None, 0, 0)
        self._rewind()

    def _rewind(self) -> None:
        self._at = 0
        self._line = 1
        self._start = 0

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset. Cheapest in the order of the text: it goes on from the last answer, so that all places of a file cost one pass."""
        if offset < self._at:
            self._rewind()
        newline = self.text.rfind("\n", self._at, offset)
        if newline >= 0:
            self._line += self.text.count("\n", self._at, offset)
            self._start = newline + 1
        self._at = offset
        return self._line, offset - self._start + 1

    def problem(self, offset: int, message: str, hint: str = "") -> Problem:
        """A problem at an offset of this text. Messages quote the file, and what a file holds must not act on a terminal."""
        line, column = self.place(offset)
        message = message if message.isprintable() else escape(message)
        return Problem(self.file, line, column, message, hint)

    def source(self, node: Node) -> str:
        """The text of a value as it was written, white space runs as one space."""
        return " ".join(self.text[node.start : node.end].split())


def parse(file: str, data: bytes | str) -> Document:
    """Read one JSON text. ``file`` is only used in messages.

    Raises ``SettingsError``: the first error of the grammar, or every duplicate name.
    """
    text = data if isinstance(data, str) else _decode(file, data)
    document = Document(file, text)
    reader = _Reader(document)
    document.root = reader.text_value()
    if reader.problems:
        raise SettingsError(reader.problems)
    return document


def _decode(file: str, data: bytes) -> str:
    """UTF-8 to text. A byte order mark is refused: RFC 8259 section 8.1 forbids writing one, and readers disagree about it."""
    if data.startswith(b"\xef\xbb\xbf"):
        raise SettingsError([Problem(file, 1, 1, "the file starts with a byte order mark", "save it as UTF-8 without one")])
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8")) + 1
        problem = Problem(file, before.count(b"\n") + 1, column, f"byte 0x{data[error.start]:02x} is not UTF-8", "settings files are UTF-8")
        raise SettingsError([problem]) from None


class _Reader:
    """Recursive descent over one text; ``at`` is the next character."""

    __slots__ = ("at", "document", "problems", "text")

    def __init__(self, document: Document) -> None:
        self.document = document
        self.text = document.text
        self.at = 0
        self.problems: list[Problem] = []

    def fail(self, message: str, hint: str = "", at: int | None = None) -> SettingsError:
        return SettingsError([self.document.problem(self.at if at is None else at, message, hint)])

    def skip(self) -> str:
        """Step over white space and return the next character, ``""`` at the end."""
        text, at = self.text, self.at
        try:
            while text[at] in _SPACE:
                at += 1
        except IndexError:
            self.at = len(text)
            return ""
        self.at = at
        return text[at]

    def text_value(self) -> Node:
        if not self.skip():
            raise self.fail("the file is empty", "write {} for no settings")
        node = self.value(0)
        if self.skip():
            raise self.fail("text after the end of the JSON value", self.comment_hint())
        return node

    def value(self, depth: int) -> Node:
        char = self.skip()
        start = self.at
        if char == '"':
            return Node(self.string(), start, self.at)
        if char in ("{", "["):
            if depth >= MAX_DEPTH:
                raise self.fail(f"more than {MAX_DEPTH} objects and arrays inside each other")
            value = self.object(depth + 1) if char == "{" else self.array(depth + 1)
            return Node(value, start, self.at)
        if char == "-" or (char and char in _DIGITS):
            return Node(self.number(), start, self.at)
        for word, literal in _LITERALS:
            if self.text.startswith(word, start):
                self.at = start + len(word)
                return Node(literal, start, self.at)
        raise self.unexpected(char, "a value")

    def object(self, depth: int) -> dict[str, Node]:
        out: dict[str, Node] = {}
        self.at += 1
        if self.skip() == "}":
            self.at += 1
            return out
        while True:
            if self.skip() != '"':
                raise self.unexpected(self.skip(), "a name in double quotes")
            key = self.at
            name = self.string()
            if self.skip() != ":":
                raise self.unexpected(self.skip(), "':' after the name")
            self.at += 1
            node = self.value(depth)
            node.key = key
            if name in out:
                line, _ = self.document.place(out[name].key)
                self.problems.append(self.document.problem(key, f'"{_shown(name)}" stands twice in this object, first in line {line}', "remove one of them"))
            else:
                out[name] = node
            if self.closes("}"):
                return out

    def array(self, depth: int) -> list[Node]:
        out: list[Node] = []
        self.at += 1
        if self.skip() == "]":
            self.at += 1
            return out
        while True:
            out.append(self.value(depth))
            if self.closes("]"):
                return out

    def closes(self, bracket: str) -> bool:
        """After a member: True at the closing bracket, False after a comma that another member follows."""
        char = self.skip()
        if char == bracket:
            self.at += 1
            return True
        if char != ",":
            raise self.unexpected(char, f"',' or '{bracket}'")
        comma = self.at
        self.at += 1
        if self.skip() == bracket:
            raise self.fail("a comma before the closing bracket", "remove the comma: JSON has no trailing commas", comma)
        return False

    def string(self) -> str:
        """A string; ``at`` is its opening quote and ends behind the closing one."""
        text, start = self.text, self.at
        quote = text.find('"', start + 1)
        if quote < 0:
            raise self.fail("this string has no closing quote")
        escape = text.find("\\", start + 1, quote)
        if escape < 0:
            chunk = text[start + 1 : quote]
            self.check_control(chunk, start + 1)
            self.at = quote + 1
            return chunk
        parts: list[str] = []
        at = start + 1
        while escape >= 0:
            chunk = text[at:escape]
            self.check_control(chunk, at)
            decoded, at = self.escape(escape)
            parts += (chunk, decoded)
            if quote < at:  # it was an escaped quote; searched again only then, so that a text full of escapes stays linear
                quote = text.find('"', at)
                if quote < 0:
                    raise self.fail("this string has no closing quote")
            escape = text.find("\\", at, quote)
        self.check_control(text[at:quote], at)
        parts.append(text[at:quote])
        self.at = quote + 1
        return "".join(parts)

    def escape(self, at: int) -> tuple[str, int]:
        """The character behind the backslash at ``at``, and the offset after it."""
        char = self.text[at + 1 : at + 2]
        if char == "u":
            return self.unicode_escape(at)
        if char not in _ESCAPES or not char:
            raise self.fail(f"'\\{_shown(char)}' is not an escape of JSON", 'a backslash is written "\\\\"', at)
        return _ESCAPES[char], at + 2

    def unicode_escape(self, at: int) -> tuple[str, int]:
        unit = self.hex_unit(at)
        if not 0xD800 <= unit < 0xE000:
            return chr(unit), at + 6
        if unit < 0xDC00 and self.text.startswith("\\u", at + 6):
            low = self.hex_unit(at + 6)
            if 0xDC00 <= low < 0xE000:
                return chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)), at + 12
        raise self.fail("half of a surrogate pair does not name a character", at=at)

    def hex_unit(self, at: int) -> int:
        digits = self.text[at + 2 : at + 6]
        if len(digits) != 4 or not _HEX.issuperset(digits):
            raise self.fail("'\\u' takes four hexadecimal digits", at=at)
        return int(digits, 16)

    def check_control(self, chunk: str, start: int) -> None:
        if chunk.isprintable():
            return
        for index, char in enumerate(chunk):
            if char < " ":
                raise self.fail("a line break or control character inside a string", 'write it as an escape, such as "\\n"', start + index)

    def number(self) -> int | float:
        text, start = self.text, self.at
        at = self.digits(start + 1 if text[start] == "-" else start)
        whole = True
        first = start + 1 if text[start] == "-" else start
        if text[first] == "0" and at > first + 1:
            raise self.fail("a number does not start with a zero")
        if text[at : at + 1] == ".":
            at = self.digits(at + 1)
            whole = False
        if text[at : at + 1] in ("e", "E"):
            at = self.digits(at + 2 if text[at + 1 : at + 2] in ("+", "-") else at + 1)
            whole = False
        literal = text[start:at]
        if len(literal) > _MAX_NUMBER:
            raise self.fail("this number is too long")
        self.at = at
        if whole:
            return int(literal)
        value = float(literal)
        if value - value != 0.0:  # an infinity: the literal is beyond the range of a double
            raise self.fail("this number is too large", at=start)
        return value

    def digits(self, at: int) -> int:
        """Offset behind a run of at least one digit."""
        end = at
        while self.text[end : end + 1] in _DIGITS:
            end += 1
        if end == at:
            raise self.fail("a digit is missing here", at=at)
        return end

    def unexpected(self, char: str, wanted: str) -> SettingsError:
        if not char:
            return self.fail(f"the text ends where {wanted} should be", "is the file truncated?")
        return self.fail(f"expected {wanted}, found {_shown(char)!r}", self.comment_hint())

    def comment_hint(self) -> str:
        if self.text.startswith(("//", "/*", "#"), self.at):
            return 'JSON has no comments; write "//": "words" as a member of the object'
        if self.text.startswith("'", self.at):
            return "strings take double quotes"
        return ""


def _shown(text: str) -> str:
    """Text of a file as it may stand in a message."""
    return cap(text, 60)
