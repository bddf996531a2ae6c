"""The reference page of the library, from signatures and docstrings: what ``help(paddock.run)`` says, as a page."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import is_dataclass

from paddock.model.record import is_record_class

__all__ = ["library_page"]

_HEAD = """# Library

`import paddock` loads next to nothing; each name is loaded when it is first used. [How to use it](../how-to/library.md).
"""
_GROUPS = (
    ("Running", ("run",)),
    ("Policies", ("Policy", "Explanation")),
    ("Results", ("CompletedProcess", "CalledProcessError", "TimeoutExpired")),
    (
        "Errors",
        (
            "PaddockError",
            "UsageError",
            "SettingsError",
            "PolicyError",
            "UnsupportedError",
            "LaunchError",
            "CommandNotFoundError",
            "CommandNotExecutableError",
            "InternalError",
        ),
    ),
)


def library_page(generated: str) -> str:
    """The whole page. Every public name has its place on it."""
    import paddock
    from paddock.library import PUBLIC
    from paddock.library.policies import Verdict
    from paddock.library.results import Flow, Violation
    from paddock.model.settings import Origin
    from paddock.model.usage import Usage

    missing = set(PUBLIC) - {name for _, names in _GROUPS for name in names}
    if missing:
        raise SystemExit(f"docs: the library page has no place for {sorted(missing)}")
    parts = [_HEAD, generated]
    for title, group in _GROUPS:
        parts.append(f"## {title}\n")
        for name in group:
            parts += _entry(f"paddock.{name}", getattr(paddock, name))
        if title == "Policies":
            parts += _profiles()
    parts.append("## What results and answers hold\n")
    for record in (Violation, Flow, Usage, Verdict, Origin):
        parts += _entry(record.__name__, record)
    return "\n".join(parts)


def _profiles() -> list[str]:
    from paddock.settings.profiles import PROFILES

    names = ", ".join(f'"{p.name}"' for p in PROFILES.values() if p.kind != "managed")
    return ["### Profiles\n", f"Settings like any others, with the scope of the command line: {names}. [What each says](profiles.md).\n"]


def _entry(name: str, thing: object) -> list[str]:
    if inspect.isfunction(thing):
        return [f"### {name}\n", _signature(name, thing), _text(thing)]
    parts = [f"### {name}\n"]
    if isinstance(thing, type) and (is_record_class(thing) or is_dataclass(thing)):
        parts.append("Fields: " + ", ".join(f"`{field}: {kind}`" for field, kind in thing.__annotations__.items()) + ".\n")
    parts.append(_text(thing))
    for own, member in vars(thing).items():
        if own.startswith("_"):
            continue
        function = member.__func__ if isinstance(member, classmethod) else member
        if inspect.isfunction(function):
            parts += [f"#### {name}.{own}\n", _signature(f"{name}.{own}", function), _text(function)]
        elif isinstance(member, property):
            parts.append(f"- `.{own}`: {_text(member.fget)}")
    return parts


def _signature(name: str, function: Callable[..., object]) -> str:
    """With quotes of annotations taken off: they are text only because nothing evaluates them."""
    signature = inspect.signature(function)
    shown = [str(parameter).replace("'", "") for key, parameter in signature.parameters.items() if key not in ("self", "cls")]
    kinds = [parameter.kind for key, parameter in signature.parameters.items() if key not in ("self", "cls")]
    if inspect.Parameter.KEYWORD_ONLY in kinds:
        shown.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    line = f"{name}({', '.join(shown)})"
    if len(line) > 100:
        line = f"{name}(\n    " + ",\n    ".join(shown) + ",\n)"
    return f"```python\n{line}\n```\n"


def _text(thing: object) -> str:
    """A docstring as Markdown: code in single backticks, examples in blocks."""
    text = re.sub(r"``(.+?)``", r"`\1`", inspect.getdoc(thing) or "")
    return (
        re.sub(r"((?:^(?:>>>|\.\.\. ).*\n?(?:^(?!>>>|\n).+\n?)*)+)", lambda found: f"```python\n{found[1].rstrip()}\n```\n", text, flags=re.MULTILINE).rstrip()
        + "\n"
    )
