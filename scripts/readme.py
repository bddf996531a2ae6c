"""The README's piece of real output: the hostile package in the example project, as a terminal of ordinary width shows it.

``./dev docs`` writes it with the generated pages, and ``tests/acceptance/test_picture.py`` fails when it is behind.
"""

from __future__ import annotations

import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from fcntl import ioctl
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.stage import Stage

README = Path(__file__).resolve().parents[1] / "README.md"
BLOCK = re.compile(r"(<!-- output: hostile -->\n```text\n)(.*?)(```)", re.DOTALL)
COLUMNS = 110


def shown(stage: Stage) -> str:
    """The block that ends the run, with what differs from run to run (its name, the place of the throw-away home) made equal."""
    project = stage.copy("npm-project", dependencies=False)
    stage.paddock("trust", "--yes", cwd=project)
    tarball = stage.hostile_tarball()
    argv = [str(stage.command), "run", "--", "npm", "install", "--no-save", "--offline", "--foreground-scripts", str(stage.place_tarball(project, tarball))]
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    environment = stage.inside | {"NO_COLOR": "1", "TERM": "xterm"}
    with subprocess.Popen(argv, cwd=project, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs):
        os.close(theirs)
        text = b""
        while part := read(ours):
            text += part
    os.close(ours)
    block = text.decode().replace("\r\n", "\n")
    block = block[block.index("paddock: ") :]
    return "$ paddock run -- npm install left-padded\n" + re.sub(r"\b[0-9a-f]{8}(?=[,)-])", "5d1f03a7", block).replace(str(stage.home), "/home/you")


def read(terminal: int) -> bytes:
    """What the terminal shows next; nothing when its last user has gone (Linux says so with EIO)."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def written() -> str:
    """What the README shows."""
    found = BLOCK.search(README.read_text(encoding="utf-8"))
    if not found:
        raise SystemExit("readme: README.md has no block marked `output: hostile`")
    return found[2]


def main() -> None:
    """Write it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as base:
        text = shown(Stage(Path(base), Path(sys.executable).with_name("paddock")))
    README.write_text(BLOCK.sub(lambda found: found[1] + text + found[3], README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
