"""Which deny rules name a program, whatever it is called with: those the fence can keep, for everybody who starts programs inside. Pure."""

from __future__ import annotations

from paddock.errors import PolicyError
from paddock.permissions.classify import Form, classify
from paddock.permissions.patterns import CommandPattern

__all__ = ["program_named"]

# What the name of a program is made of, where a rule is to be carried out by it: no blank, no quote, nothing that a shell or a pattern reads otherwise.
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+/@,:%")


def program_named(text: str) -> str:
    """The first word of ``Bash(curl)``, ``Bash(curl *)`` and ``Bash(curl:*)``, and nothing for any other rule (``Bash(git push *)``, ``Bash(cu*)``)."""
    try:
        found = classify(text, "deny")
    except PolicyError:
        return ""  # whoever reads the list for its own sake says what is wrong with it
    specifier = found.rule.specifier
    if found.form != Form.SPECIFIER or found.rule.tool != "Bash" or specifier is None:
        return ""
    pattern = CommandPattern.of(specifier.strip())
    name = pattern.parts[0] if pattern.exact else pattern.parts[0][:-1] if pattern.bare else ""
    return name if name.strip("./") and _PLAIN.issuperset(name.removeprefix("~")) else ""
