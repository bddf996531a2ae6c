"""The demo: what a person does all day in two real projects, inside the fence, and then a poisoned package; with a table of what was allowed and refused."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.stage import ATTEMPTS, Ran, Stage, online

MARKS = {True: "ok", False: "FAILED"}


@dataclass
class Demo:
    """The run of the demo. ``rows`` become the table: what, outcome, by which rule."""

    stage: Stage
    connected: bool
    rows: list[tuple[str, str, str]] = field(default_factory=list)
    failures: int = 0

    def say(self, text: str = "") -> None:
        """A line of the story."""
        print(text, flush=True)

    def step(self, words: str, ran: Ran) -> None:
        """Show one fenced command and keep its row."""
        good = ran.code == 0
        self.failures += not good
        self.say(f"  $ paddock run -- {words}    [{MARKS[good]}, {ran.report.get('seconds', '?')} s]")
        if not good:
            self.say("\n".join(f"      {line}" for line in (ran.out + ran.err).strip().splitlines()[-15:]))
        hosts = sorted({str(flow["subject"]) for flow in ran.report.get("flows", [])})
        self.rows.append((words, "allowed" if good else f"exit {ran.code}", f"reached {', '.join(hosts)}" if hosts else "no network used"))

    def registry_step(self, words: str, *argv: str, cwd: Path) -> bool:
        """A step that needs a registry."""
        if not self.connected:
            self.say(f"  $ paddock run -- {words}    [left out: no registry answers from here]")
            self.rows.append((words, "left out", "no registry answers from here"))
            return False
        self.step(words, self.stage.run(*argv, cwd=cwd))
        return True

    def npm_project(self) -> Path:
        """The life of an npm project."""
        project = self.stage.copy("npm-project", dependencies=self.connected)
        self.say(f"\nAn npm project, {project}")
        self.trust(project)
        if self.registry_step("npm ci", "npm", "ci", cwd=project):
            self.step("npm test", self.stage.run("npm", "test", cwd=project))
        answered, _, printed = self.stage.serve(project)
        self.failures += not answered
        self.say(f"  $ paddock run -- npm run dev    [{MARKS[answered]}: the host's browser {'reached' if answered else 'did not reach'} it]")
        if not answered:
            self.say(printed)
        self.rows.append(("npm run dev", "allowed" if answered else "not reached", "sandbox.network.allowLocalBinding"))
        self.git(project, "src/tides.js", verify=self.connected)
        return project

    def python_project(self) -> None:
        """The life of a Python project."""
        project = self.stage.copy("python-project")
        self.say(f"\nA Python project, {project}")
        self.trust(project)
        python = os.path.realpath(sys.executable)
        self.step("python3 -m venv .venv", self.stage.run(python, "-m", "venv", ".venv", cwd=project))
        if self.registry_step("pip install -e .[test]", ".venv/bin/pip", "install", "-q", "-e", ".[test]", cwd=project):
            self.step("pytest", self.stage.run(".venv/bin/pytest", "-q", cwd=project))
        self.git(project, "src/tally/__init__.py", verify=True)

    def git(self, project: Path, file: str, *, verify: bool) -> None:
        """Work on a branch, with the project's own hook."""
        self.step("git switch -c topic", self.stage.run("git", "switch", "-q", "-c", "topic", cwd=project))
        with (project / file).open("a") as text:
            text.write("\n")
        words = ["git", "commit", "-q", "-a", "-m", "Change a line", *([] if verify else ["--no-verify"])]
        self.step("git commit" + (" (its hook runs inside, too)" if verify else " --no-verify"), self.stage.run(*words, cwd=project))
        self.step("git switch main", self.stage.run("git", "switch", "-q", "main", cwd=project))
        status = self.stage.outside("git", "status", "--porcelain", cwd=project)
        self.failures += bool(status)
        self.say(f"  git status, outside, says: {status.strip() or 'nothing to commit, working tree clean'}")

    def trust(self, project: Path) -> None:
        """Accept what the project's settings widen, once."""
        done = self.stage.paddock("trust", "--yes", cwd=project)
        self.failures += done.returncode != 0
        self.say(f"  $ paddock trust    [{MARKS[done.returncode == 0]}]")
        if done.returncode:
            self.say(done.stdout + done.stderr)

    def hostile_package(self, project: Path) -> None:
        """A dependency with a poisoned install script."""
        self.say("\nA dependency with a poisoned install script, in the npm project")
        ran, attempts = self.stage.install_hostile_package(project, self.stage.hostile_tarball())
        self.say("  $ paddock run -- npm install left-padded\n")
        self.say("\n".join(f"    {line}" for line in ran.err.strip().splitlines()))
        said: dict[str, Any] = {attempt["attempt"]: attempt for attempt in attempts}
        for attempt in ATTEMPTS:
            result, refusal = said.get(attempt.words), ran.refusal_of(attempt)
            stopped = result is not None and not result["succeeded"]
            self.failures += not (stopped and refusal)
            outcome = "did not run" if result is None else "refused" if stopped else "SUCCEEDED"
            self.rows.append((f"hostile: {attempt.words}", outcome, self.rule(refusal)))
        startup = (self.stage.home / ".bashrc").read_text()
        self.failures += "left-padded" in startup

    def rule(self, refusal: Any) -> str:
        """The rule of a refusal, with its place."""
        if refusal is None:
            return "no rule was reported"
        rule = refusal.get("rule")
        if rule is None:
            return "no entry of sandbox.network.allowedDomains allows it"
        file = str(rule.get("file", "")).replace(str(self.stage.projects), "").replace(str(self.stage.home), "~").lstrip("/")
        place = f"{file}:{rule['line']}" if rule.get("line") else file
        text = f' "{rule["text"]}"' if rule.get("text") else ""
        return f"{rule.get('key', '')}{text}  {place}".strip()

    def table(self) -> None:
        """Everything once more, side by side."""
        head = ("what", "outcome", "how, or by which rule")
        widths = [max(len(row[column]) for row in [head, *self.rows]) for column in range(2)]
        self.say()
        for row in (head, ("-" * widths[0], "-" * widths[1], "-" * len(head[2])), *self.rows):
            self.say(f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}")
        self.say()


def main() -> int:
    """Run the demo. Returns 1 when anything was not as it should be."""
    started = time.monotonic()
    command = Path(sys.executable).with_name("paddock")
    connected = online(os.environ)
    with tempfile.TemporaryDirectory(prefix="paddock-demo-") as base:
        demo = Demo(Stage(Path(base), command), connected)
        demo.say(f"A throw-away home with planted secrets: {demo.stage.home}")
        if not connected:
            demo.say("No package registry answers from here, so the steps that download are left out; everything else runs.")
        project = demo.npm_project()
        demo.python_project()
        demo.hostile_package(project)
        demo.table()
        verdict = f"{demo.failures} things did not go as they should" if demo.failures else "Everything went as it should"
        demo.say(f"{verdict} ({time.monotonic() - started:.0f} s).")
    return 1 if demo.failures else 0


if __name__ == "__main__":
    sys.exit(main())
