"""The entry that lifts one protected name, in words."""

from __future__ import annotations

import pytest

from paddock.model.settings import Origin, Scope
from paddock.model.unprotect import PROTECTED, SEALED, Lifting

NAME = Origin(Scope.BUILTIN, "builtin", key=PROTECTED, text=".vscode")


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("/p/.mcp.json", ".mcp.json"),
        ("/p/a/.github/workflows", "a/.github/workflows"),
        ("/p2/.envrc", "/p2/.envrc"),
        ("/p", "/p"),
    ],
)
def test_the_entry(path: str, entry: str) -> None:
    assert Lifting("/p").entry(path) == entry


def test_a_name_with_anything_in_it_stays_one_word_and_one_string() -> None:
    remedy = Lifting("/p").remedy('/p/it\'s "x"/.envrc', NAME)
    assert remedy.startswith("--unprotect 'it'\\''s \"x\"/.envrc', or add ")
    assert '"it\'s \\"x\\"/.envrc"' in remedy


@pytest.mark.parametrize(
    ("rule", "lock", "lifts"),
    [
        (NAME, None, True),
        (NAME, Origin(Scope.MANAGED, "/etc/m.json", 1), False),
        (Origin(Scope.BUILTIN, "builtin", key=SEALED), None, False),
        (Origin(Scope.PROJECT, "s.json", 1, 1, "sandbox.filesystem.denyWrite"), None, False),
        (None, None, False),
    ],
)
def test_who_may_lift(rule: Origin | None, lock: Origin | None, *, lifts: bool) -> None:
    lifting = Lifting("/p", lock)
    assert lifting.lifts(rule) is lifts
    assert lifting.remedy("/p/.vscode", rule).startswith("--unprotect ") is lifts


def test_a_rule_that_somebody_wrote_is_no_matter_of_names() -> None:
    assert Lifting("/p").remedy("/p/x", Origin(Scope.PROJECT, "s.json", 1, 1, "sandbox.filesystem.denyWrite")) == ""
