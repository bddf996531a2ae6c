"""Folders of Paddock's own that are missing: made before the command could make them, or the run is refused."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from paddock.errors import UnsupportedError
from paddock.events import place as making
from paddock.model.plan import Access, Kind, Place
from paddock.model.settings import Context, Origin, Scope
from paddock.planner.plan import Draft, draft
from paddock.session import prepare as prepare_module
from paddock.session.prepare import make_own_folders
from tests.session.faults import World


@dataclass
class Layout:
    """The part of a plan that is asked for."""

    layout: tuple[Place, ...]


def at(home: Path) -> Context:
    text = str(home)
    return Context(text, text, "", text, f"{text}/.claude", f"{text}/.config/own", f"{text}/.state/own", f"{text}/.cache/own")


def layout(home: Path, access: Access) -> Layout:
    return Layout((Place(str(home), access, Kind.DIRECTORY, Origin(Scope.CLI, "--allow-write")),))


def make(home: Path, access: Access) -> bool:
    return make_own_folders(at(home), layout(home, access))  # type: ignore[arg-type]  # the stand-in has the one field that is used


def fail_with(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fail(folder: str) -> None:
        raise OSError(number, "no", folder)

    monkeypatch.setattr(making, "make_folder", fail)


def test_they_are_made_once(tmp_path: Path) -> None:
    assert make(tmp_path, Access.WRITE)
    assert (tmp_path / ".state/own").is_dir()
    assert (tmp_path / ".config/own").is_dir()
    assert not make(tmp_path, Access.WRITE)


def test_a_passing_failure_where_the_command_could_make_them_refuses_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, errno.ENOSPC)
    with pytest.raises(UnsupportedError, match="could not be kept from the command"):
        make(tmp_path, Access.WRITE)
    assert not make(tmp_path, Access.READ)


def test_what_nobody_here_may_make_needs_no_keeping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, errno.EACCES)
    assert not make(tmp_path, Access.WRITE)


def test_folders_that_another_run_makes_meanwhile_are_hidden_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    state = world.base / "state/paddock"
    plain = draft

    def while_another_run_starts(*arguments: Any, **named: Any) -> Draft:
        made = plain(*arguments, **named)
        for name in ("state", "cache", "config"):
            (world.base / name / "paddock").mkdir(parents=True, exist_ok=True)
        return made

    monkeypatch.setattr(prepare_module, "draft", while_another_run_starts)
    plan = world.prepared("true").plan
    assert [place.access for place in plan.layout if place.path == str(state)] == [Access.HIDDEN]
