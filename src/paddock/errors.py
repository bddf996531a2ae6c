"""Every exception that Paddock raises on purpose.

    PaddockError                      never raised itself
    ├── UsageError                    the caller's words are off                     125
    ├── SettingsError                 a settings file is wrong (list of problems)    125
    ├── PolicyError                   settings are well formed but ask for
    │                                 something that cannot be meant                 125
    ├── UnsupportedError              this host cannot give a layer that was asked   125
    ├── LaunchError                   a step of building the fence failed            125
    ├── CommandNotFoundError          the command does not exist inside              127
    ├── CommandNotExecutableError     the command exists and cannot be executed      126
    └── InternalError                 Paddock is at fault: please report             125

Each class says whose fault it is (``fault``) and which exit code the command line ends with (``exit_code``). ``hint`` is the smallest change that would help;
an error without one has none to offer.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "CommandNotExecutableError",
    "CommandNotFoundError",
    "InternalError",
    "LaunchError",
    "PaddockError",
    "PolicyError",
    "Problem",
    "SettingsError",
    "UnsupportedError",
    "UsageError",
]


class PaddockError(Exception):
    """Base of all; abstract. ``str()`` is one sentence for people, without a trailing newline."""

    fault: ClassVar[str] = "nobody"
    exit_code: ClassVar[int] = 125

    def __init__(self, message: str, *, hint: str = "") -> None:
        if type(self) is PaddockError:
            raise TypeError("PaddockError is abstract: raise one of its children")
        super().__init__(message)
        self.hint = hint


class UsageError(PaddockError):
    """The command line or the arguments of a library call are wrong."""

    fault = "caller"


class Problem:
    """One thing that is wrong in one settings source, at a place.

    ``line`` and ``column`` count from 1; 0 means that the place is not known (an unreadable file).
    """

    __slots__ = ("column", "file", "hint", "line", "message")

    def __init__(self, file: str, line: int, column: int, message: str, hint: str = "") -> None:
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class SettingsError(PaddockError):
    """One or more settings sources cannot be used; ``problems`` lists every problem found, not only the first."""

    fault = "settings"

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(p) for p in problems) or "settings cannot be read")
        self.problems = problems


class PolicyError(PaddockError):
    """The settings are well formed and still cannot be carried out as they stand. ``code`` names the kind of mistake for programs, where there is a name."""

    fault = "settings"

    def __init__(self, message: str, *, hint: str = "", code: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class UnsupportedError(PaddockError):
    """This host cannot give a layer that the policy asks for. ``cause`` names what was tried and failed."""

    fault = "host"

    def __init__(self, message: str, *, cause: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.cause = cause


class LaunchError(PaddockError):
    """A step of building the fence failed; nothing of the command has run. ``step`` is the step's own description."""

    fault = "host"

    def __init__(self, message: str, *, step: str = "", errno: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.step = step
        self.errno = errno


class CommandNotFoundError(PaddockError):
    """The command does not exist inside the fence."""

    fault = "caller"
    exit_code = 127


class CommandNotExecutableError(PaddockError):
    """The command exists inside the fence and cannot be executed."""

    fault = "caller"
    exit_code = 126


class InternalError(PaddockError):
    """Something that should never happen did."""

    fault = "paddock"
