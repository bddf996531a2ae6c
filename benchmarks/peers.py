"""The peers: how each is installed at its newest release, and the words that make it run a command with the project writable and no network.

Installed below a folder that is thrown away, by the package managers' own configuration.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Peer", "install", "srt_settings"]

SRT = "@anthropic-ai/sandbox-runtime"
CODEX = "@openai/codex"
ZEROBOX = "zerobox"
MINUTES = 600


@dataclass(frozen=True)
class Peer:
    """``words`` turns a command into the words of one sandboxed run of it."""

    name: str
    package: str
    version: str
    words: Callable[[Sequence[str]], list[str]]


def srt_settings(path: Path, hosts: Sequence[str] = ()) -> Path:
    """Writes settings for srt: the working folder is writable, ``hosts`` may be reached. Returns ``path``."""
    network = {"allowedDomains": list(hosts), "deniedDomains": []}
    path.write_text(json.dumps({"network": network, "filesystem": {"denyRead": [], "allowRead": [], "allowWrite": ["."], "denyWrite": []}}))
    return path


def install(base: Path) -> tuple[Peer, ...]:
    """Every peer. Raises ``SystemExit`` where one cannot be had: a comparison that leaves one out would be no comparison."""
    for program in ("npm", "bwrap", "socat", "rg", "curl"):
        if not shutil.which(program):
            raise SystemExit(f"bench: {program} is missing, and a peer needs it; ./dev bench installs it")
    return (*_from_npm(base / "npm", srt_settings(base / "srt.json")), _from_pip(base / "pip"))


def _from_npm(prefix: Path, settings: Path) -> tuple[Peer, Peer]:
    _call(["npm", "install", "--silent", "--prefix", str(prefix), f"{SRT}@latest", f"{CODEX}@latest"])
    programs = prefix / "node_modules" / ".bin"

    def version(package: str) -> str:
        return str(json.loads((prefix / "node_modules" / package / "package.json").read_text())["version"])

    # Its program takes a command line for a shell; -c hands it on as it stands.
    srt = Peer("srt", SRT, version(SRT), lambda words: [str(programs / "srt"), "--settings", str(settings), "-c", " ".join(words)])
    mode = 'sandbox_mode="workspace-write"'
    return srt, Peer("codex sandbox", CODEX, version(CODEX), lambda words: [str(programs / "codex"), "sandbox", "-c", mode, "--", *words])


def _from_pip(prefix: Path) -> Peer:
    _call([sys.executable, "-m", "venv", str(prefix)])
    _call([str(prefix / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", ZEROBOX])
    program = str(prefix / "bin" / "zerobox")
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=60).stdout.split()
    # --strict-sandbox: never without the sandbox where it cannot be had.
    return Peer("zerobox", ZEROBOX, shown[-1], lambda words: [program, "--strict-sandbox", "--allow-write=.", "--", *words])


def _call(argv: Sequence[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=MINUTES, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise SystemExit(f"bench: could not install a peer: {' '.join(argv)}\n{done.stderr}")
