from __future__ import annotations

import io
import json
import os

import pytest

from paddock.cli.log import main
from paddock.cli.output import Output
from paddock.errors import UsageError
from paddock.events.log import EventLog
from paddock.events.memory import Recorder
from paddock.model.events import Event


def run(*words: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(list(words), Output(out, err))
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def filled(isolated_environment: object) -> None:
    with EventLog(f"{os.environ['XDG_STATE_HOME']}/paddock", "7f3a9c11") as log:
        recorder = Recorder(log)
        recorder.emit(Event("run.start", "run", "start", "npm ci"))
        for _ in range(3):
            recorder.emit(Event("violation", "network", "connect", "evil\x1b[2J.test:443", "no entry\nallows it"))
        recorder.emit(Event("run.end", "run", "end", detail=(("code", 3), ("seconds", 0.5))))


def test_table(filled: None) -> None:
    code, out, err = run()
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["id", "time", "kind", "act", "subject", "reason"]
    assert len(lines) == 4
    assert "evil\\x1b[2J.test:443 \N{MULTIPLICATION SIGN}3" in out
    assert "no entry\\x0aallows it" in out
    assert lines[-1].endswith("code 3, seconds 0.5")
    assert all(line.isprintable() for line in lines)


def test_one_long_name_does_not_push_everything_aside(isolated_environment: object) -> None:
    with EventLog(f"{os.environ['XDG_STATE_HOME']}/paddock", "7f3a9c11") as log:
        Recorder(log).emit(Event("violation", "file", "read", "/p/" + "x" * 4000, "y" * 900))
    assert max(map(len, run()[1].splitlines())) < 260
    assert "x" * 4000 in run("--json")[1]


def test_filters(filled: None) -> None:
    assert len(run("--kind", "violation")[1].splitlines()) == 2
    assert len(run("-n", "1")[1].splitlines()) == 2
    assert len(run("-n", "0")[1].splitlines()) == 4
    assert len(run("--run", "7f", "--since", "1h")[1].splitlines()) == 4
    assert run("--run", "nope") == (0, "", "paddock: nothing in the log matches\n")


def test_json_lines(filled: None) -> None:
    _, out, _ = run("--json", "--kind", "violation")
    (value,) = [json.loads(line) for line in out.splitlines()]
    assert (value["schema"], value["id"], value["count"], value["subject"]) == (1, "7f3a9c11-2", 3, "evil\x1b[2J.test:443")


def test_nothing_yet() -> None:
    assert run() == (0, "", "paddock: nothing in the log matches\n")
    assert run("--json") == (0, "", "")


@pytest.mark.parametrize("words", [["extra"], ["--kind", "nope"], ["-n", "-1"], ["-n", "x"], ["--since", "never"], ["--colour"]])
def test_wrong_words(words: list[str]) -> None:
    with pytest.raises(UsageError):
        run(*words)


def test_help() -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert "--since TIME" in out
