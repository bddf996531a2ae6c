from __future__ import annotations

import io
import json
import os

import pytest

from paddock.cli.output import Output
from paddock.cli.why import main
from paddock.errors import UsageError
from paddock.events.log import EventLog
from paddock.events.memory import Recorder
from paddock.model.events import Event
from paddock.model.settings import Origin, Scope

RULE = Origin(Scope.PROJECT, "/p/.claude/settings.json", 9, 5, "sandbox.filesystem.denyRead", "~/")


def run(*words: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(list(words), Output(out, err))
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def filled(isolated_environment: object) -> None:
    with EventLog(f"{os.environ['XDG_STATE_HOME']}/paddock", "7f3a9c11") as log:
        recorder = Recorder(log)
        recorder.emit(Event("violation", "file", "read", "/h/.ssh/\x1b[2Jkey", "hidden", RULE, 'add "~/.ssh/key" to allowRead'))
        recorder.emit(Event("violation", "network", "connect", "169.254.169.254:80", "a metadata address"))


def test_the_whole_story(filled: None) -> None:
    code, out, err = run("7f3a9c11-1")
    assert (code, err) == (0, "")
    assert "the command tried to read /h/.ssh/\\x1b[2Jkey" in out
    assert 'sandbox.filesystem.denyRead "~/"' in out
    assert "/p/.claude/settings.json:9 (project settings)" in out
    assert 'add "~/.ssh/key" to allowRead' in out
    assert "\x1b" not in out
    head, _, paste = out.partition("{")
    assert ".paddock/settings.local.json" in head
    assert json.loads("{" + paste) == {"sandbox": {"filesystem": {"allowRead": ["/h/.ssh/\x1b[2Jkey"]}}}


def test_nothing_to_paste_where_nothing_should_allow_it(filled: None) -> None:
    _, out, _ = run("7f-2")
    assert "nothing in the settings allows this" in out
    assert "{" not in out


def test_json(filled: None) -> None:
    value = json.loads(run("--json", "7f3a9c11-1")[1])
    assert (value["id"], value["rule"]["line"], value["paste_into"]) == ("7f3a9c11-1", 9, ".paddock/settings.local.json")
    assert json.loads(run("--json", "7f3a9c11-2")[1])["paste"] is None


@pytest.mark.parametrize("words", [[], ["7f3a9c11-9"], ["nonsense"], ["7f3a9c11-1", "7f3a9c11-2"]])
def test_wrong_words(filled: None, words: list[str]) -> None:
    with pytest.raises(UsageError):
        run(*words)


def test_help() -> None:
    assert "usage: paddock why" in run("--help")[1]
