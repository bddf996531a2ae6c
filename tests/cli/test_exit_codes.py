"""The one table of exit codes is the program's."""

from __future__ import annotations

from pathlib import Path

from paddock import errors
from paddock.cli.explain import DENIED_EXIT
from paddock.cli.main import VERBS
from paddock.cli.verify import BROKEN_EXIT
from paddock.session.supervise import LIMIT_EXIT, TIMEOUT_EXIT
from paddock.session.verdict import EXIT_CODE as VIOLATION_EXIT


def rows(repository: Path) -> dict[str, str]:
    """Code to the rest of its rows."""
    found: dict[str, str] = {}
    for line in (repository / "docs/reference/exit-codes.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[0][:1].isdigit():
            found[cells[0]] = found.get(cells[0], "") + " ".join(cells[1:])
    return found


def test_every_code_that_an_error_ends_with_has_a_row(repository: Path) -> None:
    classes = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.PaddockError)]
    codes = {str(cls.exit_code) for cls in classes} | {str(LIMIT_EXIT), str(TIMEOUT_EXIT), str(DENIED_EXIT), str(BROKEN_EXIT), str(VIOLATION_EXIT), "130"}
    assert len(classes) > 5
    assert codes <= rows(repository).keys()


def test_every_verb_is_in_the_table(repository: Path) -> None:
    text = " ".join(rows(repository).values())
    assert not [verb for verb in VERBS if f"`{verb}" not in text]
