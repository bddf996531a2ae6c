"""The how-to page about managed settings, followed: its files give the rows that it prints."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from paddock.cli.output import Output
from paddock.cli.policy import main
from paddock.session.supervise import LIMIT_EXIT
from paddock.settings.table import KEYS
from tests.session.seat import Seat, take_seat


@pytest.fixture
def seat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seat:
    return take_seat(tmp_path, monkeypatch)


def run(*words: str) -> str:
    out = io.StringIO()
    assert main(list(words), Output(out, io.StringIO())) == 0
    return out.getvalue()


def rows(text: str) -> set[tuple[str, ...]]:
    return {tuple(line.split()) for line in text.splitlines()}


def test_the_page_prints_what_happens(seat: Seat, repository: Path) -> None:
    page = (repository / "docs/how-to/managed-settings.md").read_text(encoding="utf-8")
    managed, user = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    shown = next(block for block in re.findall(r"```text\n(.*?)```", page, re.DOTALL) if "policy show --origin" in block)
    file = seat.world.write("managed", managed, "paddock")
    seat.world.write("user", user, "paddock")
    assert json.loads(managed)
    printed = rows(run("show", "--origin").replace(str(file), "/etc/paddock/managed-settings.json"))
    wanted = rows("\n".join(line for line in shown.splitlines() if line.strip().startswith(("paddock.", "sandbox."))))
    assert len(wanted) == 3
    assert wanted <= printed
    explained = next(block for block in re.findall(r"```text\n(.*?)```", page, re.DOTALL) if "policy explain" in block)
    assert explained.split("\n", 1)[1] == run("explain", "files.example.net").replace(str(file), "/etc/paddock/managed-settings.json")


def test_every_limit_of_the_page_is_one_and_none_is_missing(repository: Path) -> None:
    page = (repository / "docs/how-to/limits.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    named = set(json.loads(shown)["paddock"]["limits"])
    assert named == {key.rpartition(".")[2] for key in KEYS if key.startswith("paddock.limits.")}
    assert named == set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert f"exit code {LIMIT_EXIT}" in page
    assert f"| {LIMIT_EXIT} |" in (repository / "docs/reference/exit-codes.md").read_text(encoding="utf-8")
