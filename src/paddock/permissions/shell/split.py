"""A command line into its simple commands, on the grammar of tree-sitter-bash.

Whatever the grammar does not understand is a problem of the whole line: no rule allows a line that was not understood. What was found is still there, so that
deny and ask rules can be tried on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from paddock.permissions.shell.evaluated import Evaluated, assigned_by_expansion, is_own_name, runs_unknown_code
from paddock.permissions.shell.joining import LOOKED_AT, ambiguous, join_continuations
from paddock.permissions.shell.leaves import hidden_code
from paddock.permissions.shell.line import Command, Line, Redirect, Word
from paddock.permissions.shell.words import text_of, word_of

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Query

__all__ = ["split"]

_CHAIN: Final = frozenset({"program", "list", "pipeline", "redirected_statement", "negated_command"})
"""Nodes whose commands are parts of the line's own chain."""
_SUBSTITUTIONS: Final = frozenset({"command_substitution", "process_substitution"})
_REDIRECTS: Final = frozenset({"file_redirect", "heredoc_redirect", "herestring_redirect"})
_WHOLE: Final = frozenset({"declaration_command", "unset_command", "test_command"})
"""Built-in commands with a grammar of their own."""
_COUNTED: Final = frozenset({"command", *_WHOLE, *_REDIRECTS})
_HEREDOC_PARTS: Final = frozenset({"heredoc_start", "heredoc_body", "heredoc_end", "file_descriptor"})
_RESERVED: Final = frozenset(
    {*("!", "{", "}", "]]", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in", "select", "then", "until", "while")}
)
"""Words that are no program where a command begins: the grammar has read something else than the shell will. bash(1), RESERVED WORDS."""
_LOOPS: Final = frozenset({"for_statement", "c_style_for_statement", "while_statement", "until_statement", "function_definition"})
"""What may run more than once, or elsewhere in the line."""
_EVALUATES: Final = {"arithmetic_expansion": "arithmetic", "expansion": "expansion"}
_READERS: Final = frozenset({"read", "mapfile", "readarray", "getopts", "let", "printf"})
"""Built-in commands that set the variables they name."""
_QUOTES: Final = str.maketrans("", "", "\"'\\")
_DEEPEST: Final = 200
"""Levels of nesting. Python's own stack ends at about a thousand."""


@lru_cache(maxsize=1)
def _parser() -> Parser:
    import tree_sitter_bash  # a library of machine code: loaded only when a command line has to be read
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


@lru_cache(maxsize=1)
def _counted() -> Query:
    import tree_sitter_bash
    from tree_sitter import Language, Query

    return Query(Language(tree_sitter_bash.language()), " ".join(f"({kind}) @found" for kind in sorted(_COUNTED)))


@lru_cache(maxsize=64)
def split(command: str) -> Line:
    """The simple commands of a line, in the order in which they are written; those inside a substitution follow the command that holds it.

    Never raises for any text.
    """
    problem = ambiguous(command)
    joined, unjoined = join_continuations(command[:LOOKED_AT])
    tree = _parser().parse(joined.encode("utf-8", "replace"))
    walk = _Walk()
    hidden = ""
    try:
        walk.statement(tree.root_node, top=True, inside=False)
        hidden = hidden_code(tree.root_node, joined)
    except RecursionError:
        walk.problem = "it is nested too deeply"
    except UnicodeDecodeError:
        walk.problem = "the grammar takes a character of it apart"
    if tree.root_node.has_error or walk.seen != _count(tree.root_node):
        problem = problem or "it is not a complete command that could be understood"
    problem = problem or unjoined or walk.problem or hidden
    walk.second_readings()
    return Line(tuple(walk.commands), problem, tuple(_guesses(command[:LOOKED_AT])) if problem else (), walk.repeats)


def _guesses(command: str) -> Iterator[Command]:
    """Every stretch between separators, quotes left out, as if it were a command."""
    plain = command.replace("\\\n", "").translate(_QUOTES)
    for part in re.split(r"[;&|\n\r(){}`<>]", plain):
        words = part.removeprefix("$").split()
        # "do rm x", "then rm x", "! rm x": what stands behind a word of the grammar begins a command too.
        while words and words[0] in _RESERVED:
            words = words[1:]
        if words:
            yield Command(" ".join(words), tuple(Word(word, word) for word in words), (), (), inside=False, top=False)


def _count(root: Node) -> int:
    """Commands and redirections of the whole tree. The walk must have seen every one: a place that it does not know must not hide any."""
    from tree_sitter import QueryCursor

    return sum(map(len, QueryCursor(_counted()).captures(root).values()))


class _Walk:
    """Collects commands. A node of an unknown kind is walked through, so that nothing in it is missed."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.problem = ""
        self.seen = 0
        self.repeats = False
        self._depth = 0
        self._evaluated: list[Evaluated] = []
        self._set: set[str] = set()

    def second_readings(self) -> None:
        """Add what the line computes with, where that may run something, as a command that cannot be told. Last: any part may set what another one uses."""
        for command in self.commands:
            if command.name in _READERS:
                self._set.update(found for word in command.words[1:] for found in (word.value or "").replace("=", " ").split())
        for found in self._evaluated:
            if runs_unknown_code(found, self._set):
                self.commands.append(Command(found.text, (Word(found.text, None),), (), (), inside=True, top=False))

    def statement(self, node: Node, *, top: bool, inside: bool) -> None:
        """Everything that a statement runs."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise RecursionError
        kind = node.type
        if kind in _LOOPS:
            self.repeats = True
            self._loop(node, top=top, inside=inside)
        if kind in ("command", *_WHOLE):
            self._command(node, (), top=top, inside=inside)
        elif kind == "redirected_statement":
            self._redirected(node, top=top, inside=inside)
        elif kind in ("variable_assignment", "variable_assignments"):
            self._assignment(node, top=top, inside=inside)
        elif kind == "compound_statement" and text_of(node).startswith("(("):
            self._whole(node, top=top, inside=inside)
        elif kind in _SUBSTITUTIONS:
            self._children(node, top=False, inside=True)
        elif kind in _EVALUATES:
            self._below(node)
        elif kind != "comment":
            self._children(node, top=top and kind in _CHAIN, inside=inside)
        self._depth -= 1

    def _loop(self, node: Node, *, top: bool, inside: bool) -> None:
        """The variable of a ``for`` or ``select``, and what a ``for (( ))`` computes."""
        if node.type == "for_statement" and (variable := node.child_by_field_name("variable")) is not None:
            self._sets(text_of(variable), text_of(node), top=top, inside=inside)
        elif node.type == "c_style_for_statement":
            head = text_of(node).removeprefix("for").lstrip()
            body = node.child_by_field_name("body")
            end = len(head) if body is None else len(head) - len(text_of(body))
            self._evaluated.append(Evaluated("arithmetic", head[:end].strip().rstrip("; \t\n").removesuffix("do").rstrip("; \t\n")))

    def _sets(self, name: str, text: str, *, top: bool, inside: bool) -> None:
        """A variable that is set by something else than an assignment. The line's own ones need no rule."""
        self._set.add(name)
        if not is_own_name(name):
            self.commands.append(Command(text, (), ((name, text),), (), inside, top))

    def _children(self, node: Node, *, top: bool, inside: bool) -> None:
        for child in node.children:
            if child.type in _REDIRECTS:
                self._bare_redirects((child,), top=top, inside=inside)
            elif child.is_named:
                self.statement(child, top=top, inside=inside)

    def _redirected(self, node: Node, *, top: bool, inside: bool) -> None:
        redirects = tuple(child for child in node.children if child.type in _REDIRECTS)
        body = node.child_by_field_name("body")
        if body is not None and body.type in ("command", *_WHOLE):
            self._command(body, redirects, top=top, inside=inside, whole=node)
            return
        if body is not None:
            self.statement(body, top=top, inside=inside)
        self._bare_redirects(redirects, top=top, inside=inside)

    def _bare_redirects(self, redirects: tuple[Node, ...], *, top: bool, inside: bool) -> None:
        """Redirections of a group, a loop or nothing at all."""
        text = " ".join(text_of(redirect) for redirect in redirects)
        self.commands.append(Command(text, (), (), tuple(map(_redirect, redirects)), inside, top))
        for redirect in redirects:
            self._behind(redirect, top=top, inside=inside)

    def _command(self, node: Node, redirects: tuple[Node, ...], *, top: bool, inside: bool, whole: Node | None = None) -> None:
        words: list[Word] = []
        assignments: list[tuple[str, str]] = []
        own: list[Node] = []
        for child in node.children:
            kind = child.type
            if kind in _REDIRECTS:
                own.append(child)
            elif kind == "variable_assignment" and node.type == "command":
                assignments.append(self._assigned(child))
            elif child.is_named:
                words.append(word_of(child))
            elif node.type in _WHOLE:
                words.append(Word(child.type, child.type))
        found = tuple(_redirect(child) for child in (*own, *redirects))
        self.seen += 1
        self.commands.append(Command(text_of(whole or node), tuple(words), tuple(assignments), found, inside, top))
        if node.type == "test_command" and words and words[0].text == "[[":
            self._evaluated.append(Evaluated("test", text_of(node)))
        if words and words[0].text in _RESERVED:
            self.problem = f"{words[0].text!r} stands where a program is expected"
        for child in node.children:
            if child.type not in _REDIRECTS:
                self._below(child)
        for redirect in (*own, *redirects):
            self._behind(redirect, top=top, inside=inside)

    def _behind(self, redirect: Node, *, top: bool, inside: bool) -> None:
        """What a redirection runs, and what the grammar keeps behind the mark of a here-document: the rest of that line."""
        self.seen += 1
        if redirect.type != "heredoc_redirect":
            self._below(redirect)
            return
        for child in redirect.children:
            if child.type in _HEREDOC_PARTS:
                self._below(child)
            elif child.type in _REDIRECTS:
                self._bare_redirects((child,), top=top, inside=inside)
            elif child.is_named:
                if redirect.child_by_field_name("argument") is not None:
                    self.problem = "words of a command stand behind the mark of a here-document"
                self.statement(child, top=top, inside=inside)

    def _assignment(self, node: Node, *, top: bool, inside: bool) -> None:
        parts = node.children if node.type == "variable_assignments" else [node]
        self.commands.append(Command(text_of(node), (), tuple(self._assigned(part) for part in parts if part.is_named), (), inside, top))
        for part in parts:
            self._below(part)

    def _assigned(self, node: Node) -> tuple[str, str]:
        text = text_of(node)
        found = node.child_by_field_name("name")
        name = text_of(found) if found is not None else text.partition("=")[0]
        bare, bracket, subscript = name.partition("[")
        if bracket:
            self._evaluated.append(Evaluated("subscript", subscript.removesuffix("]")))
        if not text.partition("=")[2].isdecimal():
            self._set.add(bare.removesuffix("+"))
        return name, text

    def _whole(self, node: Node, *, top: bool, inside: bool) -> None:
        self.commands.append(Command(text_of(node), (Word("((", "(("),), (), (), inside, top))
        self._evaluated.append(Evaluated("arithmetic", text_of(node)))
        self._below(node)

    def _below(self, node: Node) -> None:
        """Commands in the substitutions of a word, a redirection or an assignment."""
        if node.type in _SUBSTITUTIONS:
            self.statement(node, top=False, inside=True)
            return
        if not node.child_count:
            return
        self._depth += 1
        if self._depth > _DEEPEST:
            raise RecursionError
        kind = node.type
        if kind in _EVALUATES:
            text = text_of(node)
            self._evaluated.append(Evaluated(_EVALUATES[kind], text))
            if kind == "expansion" and (name := assigned_by_expansion(text)):
                self._sets(name, text, top=False, inside=True)
        elif kind == "variable_assignment":
            self._assigned(node)
        for child in node.children:
            self._below(child)
        self._depth -= 1


def _redirect(node: Node) -> Redirect:
    if node.type == "heredoc_redirect":
        return Redirect("<<", None)
    if node.type == "herestring_redirect":
        return Redirect("<<<", None)
    target = node.child_by_field_name("destination")
    operator = "".join(text_of(child) for child in node.children if not child.is_named and child.type != "file_descriptor")
    return Redirect(operator, word_of(target) if target is not None else Word("", None))
