"""A stage for the example projects: copies of them in a throw-away home full of planted secrets, and the real ``paddock`` to run them with.

The demo shows what happens on it; the acceptance test checks it. Nothing here touches the real home.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.registries import npm_hosts, npm_registry, pip_hosts, pip_indexes, reachable

__all__ = ["ATTEMPTS", "Attempt", "Ran", "Stage", "online"]

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
PLACEHOLDER = "registry.example"
PLANTED = "planted-by-the-stage"

# Variables that say how this machine reaches its registries; an ordinary shell has them too, and none is a secret.
TRANSPORT = ("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")


@dataclass(frozen=True)
class Attempt:
    """One of the seven things that the hostile package tries, and how the report names it: the event's area, its act and a part of its subject."""

    words: str
    area: str
    act: str
    subject: str


ATTEMPTS = (
    Attempt("read an ssh key", "file", "read", "/.ssh"),
    Attempt("append to a shell start-up file", "file", "write", "/.bashrc"),
    Attempt("look up a TXT record", "dns", "lookup", "c2VjcmV0.collector.example"),
    Attempt("post to an unlisted host", "network", "connect", "collector.example:80"),
    Attempt("connect to an IP address", "network", "connect", "192.0.2.10:4444"),
    Attempt("read ./.env", "file", "read", "/.env"),
    Attempt("read a token variable", "environment", "variable", "DEPLOY_TOKEN"),
)


@dataclass(frozen=True)
class Ran:
    """One finished ``paddock run``: exit code, what it printed, and its report for programs (empty where it did not get as far as writing one)."""

    code: int
    out: str
    err: str
    report: Mapping[str, Any]

    @property
    def refused(self) -> list[Mapping[str, Any]]:
        """Everything that was withheld, in one form: records of refusals, and the variables that were taken out."""
        variables = [{"area": "environment", "act": "variable", "subject": v["name"], "rule": v["rule"]} for v in self.report.get("removed_variables", [])]
        return [*self.report.get("refused", []), *variables]

    def refusal_of(self, attempt: Attempt) -> Mapping[str, Any] | None:
        """The refusal that answers this attempt."""
        for record in self.refused:
            names = attempt.subject.casefold() in record["subject"].casefold()
            if names and record["area"] == attempt.area and record.get("act") == attempt.act:
                return record
        return None


@dataclass
class Stage:
    """The stage itself. ``base`` is an empty folder of its own; ``command`` the installed console script."""

    base: Path
    command: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def __post_init__(self) -> None:
        """Build the home and the environment."""
        self.home = self.base / "home"
        self.projects = self.home / "projects"
        self.projects.mkdir(parents=True)
        self.plant_secrets()
        self.configure_tools()
        self.inside = self.variables()
        self.runs = 0

    def plant_secrets(self) -> None:
        """What a poisoned package looks for."""
        for name, text in {
            ".ssh/id_ed25519": f"-----BEGIN OPENSSH PRIVATE KEY-----\n{PLANTED}\n",
            ".bashrc": "# the person's own start-up file\n",
            ".netrc": f"machine code.example login somebody password {PLANTED}\n",
            ".aws/credentials": f"[default]\naws_secret_access_key = {PLANTED}\n",
        }.items():
            path = self.home / name
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.write_text(text)
            path.chmod(0o600)

    def configure_tools(self) -> None:
        """The person's own configuration: who commits, and where npm and pip download from, as on this machine."""
        (self.home / ".gitconfig").write_text("[user]\n\tname = Somebody\n\temail = somebody@example.org\n[init]\n\tdefaultBranch = main\n")
        npm = [f"{key}={value}" for key in ("registry", "cafile") if (value := self.ask("npm", "config", "get", key)) not in ("", "null", "undefined")]
        (self.home / ".npmrc").write_text("\n".join([*npm, "fund=false", "audit=false", "update-notifier=false"]) + "\n")
        lines = ["[global]", "disable-pip-version-check = true"]
        for line in self.ask(sys.executable, "-m", "pip", "config", "list").splitlines():
            key, _, value = line.partition("=")
            if key.rpartition(".")[2] in ("index-url", "extra-index-url", "find-links", "cert"):
                lines.append(f"{key.rpartition('.')[2]} = {value.strip(chr(39)).replace(chr(92) + 'n', chr(10) + '    ')}")
        (self.home / ".config" / "pip").mkdir(parents=True)
        (self.home / ".config" / "pip" / "pip.conf").write_text("\n".join(dict.fromkeys(lines)) + "\n")

    def ask(self, *argv: str) -> str:
        """What a tool says about its own configuration, as this machine's user sees it."""
        if not shutil.which(argv[0], path=self.environment.get("PATH")):
            return ""
        done = subprocess.run(argv, capture_output=True, text=True, check=False, env=dict(self.environment), cwd="/", timeout=60)
        return done.stdout.strip() if done.returncode == 0 else ""

    def variables(self) -> dict[str, str]:
        """The environment of the person on the stage."""
        kept = {name: self.environment[name] for name in TRANSPORT if name in self.environment}
        system = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        node = shutil.which("node", path=self.environment.get("PATH"))
        path = system if node is None or Path(node).parent.as_posix() in system.split(":") else f"{Path(node).parent}:{system}"
        return kept | {
            "PATH": path,
            "HOME": str(self.home),
            "USER": "somebody",
            "LOGNAME": "somebody",
            "SHELL": "/bin/bash",
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "DEPLOY_TOKEN": PLANTED,
        }

    def copy(self, example: str, *, dependencies: bool = True) -> Path:
        """A fresh copy of an example project, with its registries filled in, as a repository with one commit and its hooks switched on.

        ``dependencies`` false takes them out of an npm project, for machines without a registry.
        """
        project = self.projects / example
        shutil.copytree(EXAMPLES / example, project, ignore=shutil.ignore_patterns("node_modules", "__pycache__", ".venv", "*.egg-info", ".pytest_cache"))
        settings = project / ".claude" / "settings.json"
        hosts = sorted(npm_hosts(self.environment) | pip_hosts(self.environment)) or [PLACEHOLDER]
        # All on one line, so that the lines below have the same numbers wherever this runs.
        settings.write_text(settings.read_text().replace(f'"{PLACEHOLDER}"', ", ".join(json.dumps(host) for host in hosts)))
        if not dependencies:
            manifest = json.loads((project / "package.json").read_text())
            del manifest["dependencies"]
            (project / "package.json").write_text(json.dumps(manifest, indent=2) + "\n")
            (project / "package-lock.json").unlink()
        hooks = next(name for name in (".husky", ".githooks") if (project / name).is_dir())
        for words in (["init", "-q", "-b", "main"], ["config", "core.hooksPath", hooks], ["add", "-A"], ["commit", "-q", "--no-verify", "-m", "Start"]):
            self.outside("git", *words, cwd=project)
        return project

    def outside(self, *argv: str, cwd: Path) -> str:
        """Run something as the person would, without a fence. Raises ``CalledProcessError``."""
        return subprocess.run(argv, cwd=cwd, env=self.inside, capture_output=True, text=True, check=True, timeout=300).stdout

    def paddock(self, *words: str | Path, cwd: Path, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a verb of Paddock."""
        argv = [str(self.command), *(str(word) for word in words)]
        return subprocess.run(argv, cwd=cwd, env=self.inside, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=seconds)

    def run(self, *argv: str | Path, cwd: Path, options: Sequence[str | Path] = (), extra: Mapping[str, str] | None = None) -> Ran:
        """``paddock run -- ARGV`` with a report. ``extra`` joins the environment."""
        self.runs += 1
        report = self.base / f"report-{self.runs}.json"
        words = [str(word) for word in (self.command, "run", "--json", report, *options, "--", *argv)]
        done = subprocess.run(
            words, cwd=cwd, env=self.inside | dict(extra or {}), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=300
        )
        return Ran(done.returncode, done.stdout, done.stderr, json.loads(report.read_text()) if report.exists() and report.stat().st_size else {})

    def hostile_tarball(self) -> Path:
        """The hostile package as a file that npm installs without a registry."""
        name = self.outside("npm", "pack", "--silent", str(EXAMPLES / "hostile-package"), cwd=self.base).strip().splitlines()[-1]
        return self.base / name

    def place_tarball(self, project: Path, tarball: Path) -> str:
        """Copy a package to where git does not look. Returns its path from the project, as npm wants it."""
        copy = project / "node_modules" / ".incoming" / tarball.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tarball, copy)
        return f"./{copy.relative_to(project)}"

    def install_hostile_package(
        self, project: Path, tarball: Path, *, fenced: bool = True, extra: Mapping[str, str] | None = None
    ) -> tuple[Ran, list[dict[str, Any]]]:
        """Install the hostile package as a dependency and return the run and what the package says about its attempts."""
        words = ["npm", "install", "--no-save", "--offline", "--foreground-scripts", self.place_tarball(project, tarball)]
        if fenced:
            ran = self.run(*words, cwd=project, extra=extra)
        else:
            done = subprocess.run(words, cwd=project, env=self.inside | dict(extra or {}), capture_output=True, text=True, check=False, timeout=300)
            ran = Ran(done.returncode, done.stdout, done.stderr, {})
        confession = project / "node_modules" / ".left-padded.json"
        attempts = json.loads(confession.read_text()) if confession.exists() else []
        confession.unlink(missing_ok=True)
        return ran, attempts

    def serve(self, project: Path) -> tuple[bool, int, str]:
        """Start the dev server inside, ask it from here as a browser would, and stop it with the signal that Ctrl-C sends.

        Returns whether it answered, the exit code, and what it printed.
        """
        import signal

        port = free_port()
        words = [str(self.command), "run", "--", "npm", "run", "dev"]
        process = subprocess.Popen(
            words,
            cwd=project,
            env=self.inside | {"PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        answered = wait_for_page(f"http://127.0.0.1:{port}/", process)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        try:
            printed, _ = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            printed, _ = process.communicate()
        return answered, process.returncode, printed


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_page(address: str, process: subprocess.Popen[str], *, seconds: float = 30) -> bool:
    """Ask until there is an answer, the server has ended or the time is up. The page must be the tide table, not anybody's error page."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < until:
        try:
            with opener.open(address, timeout=5) as page:
                return b"tides" in page.read()
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    return False


def online(environment: Mapping[str, str]) -> bool:
    """Whether the registries of both npm and pip answer."""
    addresses = [npm_registry(environment), *pip_indexes(environment)[:1]]
    return all(addresses) and all(reachable(address) for address in addresses)
