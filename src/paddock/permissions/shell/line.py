"""The parts of a shell command line. Data only."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Command", "Line", "Redirect", "Word"]


class Word(NamedTuple):
    """``text`` as it was written; ``value`` what the shell makes of it before anything is expanded, None when that depends on the run (variables,
    substitutions, braces). ``glob``: an unquoted wildcard or brace makes several words of it, or none. ``tilde``: it begins with an unquoted ``~``.
    """

    text: str
    value: str | None
    glob: bool = False
    tilde: bool = False


class Redirect(NamedTuple):
    """``operator`` is ``>``, ``>>``, ``>|``, ``&>``, ``&>>``, ``>&``, ``<``, ``<&``, ``<<`` or ``<<<``; ``target`` is None for a here-document."""

    operator: str
    target: Word | None

    @property
    def writes(self) -> bool:
        """Whether it may change a file."""
        return ">" in self.operator

    @property
    def duplicates(self) -> bool:
        """Whether it only makes one descriptor a copy of another, or closes it (``2>&1``, ``>&-``)."""
        value = self.target.value if self.target is not None else None
        if self.operator in (">&-", "<&-"):
            return True
        return self.operator in (">&", "<&") and value is not None and (value.rstrip("-").isdecimal() or value == "-")


class Command(NamedTuple):
    """One simple command. ``text`` as it was written, redirections included.

    ``assignments`` are the variables set for it: name and whole text. ``inside``: it stands in a substitution of another command. ``top``: it is part of the
    line's own chain, and not of a loop, function, group or substitution.
    """

    text: str
    words: tuple[Word, ...]
    assignments: tuple[tuple[str, str], ...] = ()
    redirects: tuple[Redirect, ...] = ()
    inside: bool = False
    top: bool = True

    @property
    def name(self) -> str:
        """The program's word without quotes; empty when it depends on the run, or when there is none."""
        return (self.words[0].value or "") if self.words else ""


class Line(NamedTuple):
    """A whole command line. ``problem`` says why it could not be understood completely; nothing in ``commands`` may then be taken for all of it.

    ``guesses`` are then what may be commands, found without a grammar: something for deny and ask rules to be tried on, and for nothing else.
    ``repeats``: it has loops or functions, so a part may run more than once.
    """

    commands: tuple[Command, ...]
    problem: str = ""
    guesses: tuple[Command, ...] = ()
    repeats: bool = False

    @property
    def simple(self) -> tuple[Command, ...]:
        """The commands that run something, redirections of groups left out."""
        return tuple(command for command in self.commands if command.words or command.assignments)
