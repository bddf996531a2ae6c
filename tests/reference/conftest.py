"""Real agents, driven by a scripted endpoint instead of a model: what is installed, and a seat for each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import DEVELOPER_ENVIRONMENT, must

# `./dev test` installs the agents of tests/reference/package.json here, where everything has to work.
AGENTS = Path(sys.prefix) / "agents" / "node_modules" / ".bin"
SECRET = "planted-in-a-denied-file"
# The slowest step is the start of the agent; it must end by itself, and a test must not hang when it does not.
PATIENCE_SECONDS = 120


def agent_program(name: str) -> str:
    """Where an agent is installed. Skips loudly."""
    places = f"{AGENTS}{os.pathsep}{DEVELOPER_ENVIRONMENT.get('PATH', '')}"
    found = shutil.which(name, path=places)
    must(found, f"the agent {name} is not installed (PADDOCK_MUST_WORK=1 ./dev test installs it)")
    return str(found)


def paddock_program() -> str:
    """The installed command: what an agent's configuration names has to be a file."""
    found = Path(sys.executable).with_name("paddock")
    must(found.exists(), "Paddock is not installed beside this interpreter: use ./dev test")
    return str(found)


@dataclass(frozen=True)
class Seat:
    """A home, a project with a denied file in it, and the environment of a person who sits there."""

    home: Path
    project: Path
    environ: Mapping[str, str]
    paddock: str

    def call(self, *argv: str | Path, cwd: Path | None = None, extra: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Start a program as the person would, with nothing on standard input."""
        words = [str(word) for word in argv]
        environ = {**self.environ, **(extra or {})}
        return subprocess.run(
            words, cwd=cwd or self.project, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
        )

    def good(self, *argv: str | Path) -> str:
        """Start a program that has to succeed. Returns what it printed."""
        done = self.call(*argv)
        assert done.returncode == 0, f"{argv}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def log(self) -> list[dict[str, Any]]:
        """All events of this person's runs."""
        return [json.loads(line) for line in self.good(self.paddock, "log", "--json", "-n", "0").splitlines()]

    def fenced_calls(self) -> list[str]:
        """The names of the calls that fenced runs were started for, in order."""
        return [event["detail"]["tool_use"] for event in self.log() if event["kind"] == "run.start" and "tool_use" in event.get("detail", {})]

    def refused(self) -> list[str]:
        """What was refused in fenced runs."""
        return [event["subject"] for event in self.log() if event["kind"] == "violation"]

    def settings(self, document: Mapping[str, object]) -> None:
        """Write the person's settings for Paddock."""
        path = self.home / ".config" / "paddock" / "settings.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document))


@pytest.fixture
def seat(tmp_path: Path) -> Seat:
    home = tmp_path / "home"
    project = home / "project"
    project.mkdir(parents=True)
    (project / "notes.txt").write_text("notes for everybody\n")
    (project / "canary.txt").write_text(SECRET + "\n")
    kept = {name: os.environ[name] for name in ("TMPDIR", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR") if name in os.environ}
    path = os.pathsep.join(("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"))
    node = shutil.which("node", path=DEVELOPER_ENVIRONMENT.get("PATH"))
    if node and not shutil.which("node", path=path):
        path = f"{path}{os.pathsep}{Path(node).parent}"
    environ = kept | {"HOME": str(home), "PATH": path, "USER": "tester", "LOGNAME": "tester", "SHELL": "/bin/bash", "TERM": "dumb"}
    made = Seat(home, project, environ, paddock_program())
    made.settings({"sandbox": {"filesystem": {"denyRead": [str(project / "canary.txt")]}}, "permissions": {"deny": ["Bash(curl *)", "Read(canary.txt)"]}})
    return made
