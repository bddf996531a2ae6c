"""The script that stands before git, run without a fence against the real git: it lets no kept file be changed, and changes nothing else about git."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from paddock.planner.preflight_script import FOLDER, KEPT, SCRIPT
from tests.conftest import must

COMMANDS = ["checkout", "switch", "restore", "reset", "merge", "rebase", "stash", "cherry-pick", "revert"]
WORDS = [
    *("main", "changed", "removed", "harmless", "-", "--", ".mcp.json", "a", ".", "-q", "-f", "-b", "x", "--hard", "--keep", "HEAD", "main~1", "-m", "words"),
    *("--onto", "--detach", "-s", "--source=changed", "-S", "-W", "-u", "pop", "apply", "push", "--no-ff", "--squash", "-n", "main..changed", "branch", "-i"),
    *("-X", "ours", "", "a b", "'q'", "$(x)", "*", "--abort", "--continue", "stash@{0}", "-p", "--orphan"),
]
GLOBALS: list[list[str]] = [[], [], [], ["-C", "."], ["-c", "user.name=z"], ["--no-pager"], ["--literal-pathspecs"], ["-C"], ["--git-dir=.git"], ["--bogus"]]
ROUNDS = 60


class Bench:
    """A repository to copy, and the script beside it."""

    def __init__(self, base: Path) -> None:
        real = shutil.which("git")
        must(real is not None, "no git")
        self.real = str(real)
        self.base = base
        self.made = base / "made"
        self.used = base / "used"
        self.tools = base / "tools"
        self.tools.mkdir()
        fixed = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "n"), ("EMAIL", "n"), ("DATE", "1700000000 +0000"))}
        self.environ = {**os.environ, **fixed, "GIT_CONFIG_NOSYSTEM": "1", "GIT_EDITOR": "true", "PATH": f"{self.tools}:{os.environ['PATH']}"}
        script = self.tools / "git"
        script.write_text(SCRIPT.replace(FOLDER, str(self.tools)).replace(KEPT, str(base / "kept")))
        script.chmod(0o755)
        self.made.mkdir()
        self._repository()

    def _repository(self) -> None:
        for words in (["init", "-q", "-b", "main"], ["config", "core.fileMode", "true"]):
            self.git(self.made, *words)
        for branch, files in (
            ("main", {".mcp.json": "1", "a": "1"}),
            ("changed", {".mcp.json": "2", "a": "2"}),
            ("removed", {".mcp.json": None}),
            ("harmless", {"a": "3"}),
        ):
            if branch != "main":
                self.git(self.made, "checkout", "-q", "-b", branch, "main")
            for name, text in files.items():
                (self.made / name).unlink() if text is None else (self.made / name).write_text(text)
            self.git(self.made, "add", "-A")
            self.git(self.made, "commit", "-q", "-m", branch)
        self.git(self.made, "checkout", "-q", "main")

    def git(self, folder: Path, *words: str, tool: str = "") -> subprocess.CompletedProcess[bytes]:
        argv = [tool or self.real, *words]
        return subprocess.run(argv, cwd=folder, env=self.environ, capture_output=True, stdin=subprocess.DEVNULL, check=False, timeout=60)

    def keep(self, *lines: str) -> None:
        (self.base / "kept").write_text("".join(line + "\n" for line in (*lines, f"r\t{self.used}\t-\t-")))

    def fresh(self) -> None:
        shutil.rmtree(self.used, ignore_errors=True)
        shutil.copytree(self.made, self.used, symlinks=True)

    def through(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return self.git(self.used, *words, tool=str(self.tools / "git"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_any_words_of_git_s_mean_the_same_where_nothing_is_kept(bench: Bench) -> None:
    bench.keep('e\t(^|/|")(\\.nothing)(/|"?$)\t-\t-', 'x\t(^|/|")(node_modules)/\t-\t-')
    source = random.Random(5)  # noqa: S311 -- the same words in every run
    for _ in range(ROUNDS):
        words = [*source.choice(GLOBALS), source.choice([*COMMANDS, "pull", "nonsense"]), *(source.choice(WORDS) for _ in range(source.randint(0, 4)))]
        seen = []
        for tool in (bench.real, str(bench.tools / "git")):
            bench.fresh()
            ran = bench.git(bench.used, *words, tool=tool)
            seen.append(
                (
                    ran.returncode,
                    ran.stdout,
                    ran.stderr,
                    bench.git(bench.used, "status", "--porcelain", "-b").stdout,
                    bench.git(bench.used, "for-each-ref").stdout,
                )
            )
        assert seen[0] == seen[1], words


def test_no_words_of_git_s_change_a_kept_file(bench: Bench) -> None:
    bench.keep(f"k\t{bench.used}/.mcp.json\t.mcp.json\t-")
    source = random.Random(6)  # noqa: S311 -- the same words in every run
    stopped = 0
    for number in range(4 * ROUNDS):
        words = [source.choice(COMMANDS), *(source.choice(WORDS) for _ in range(source.randint(1, 4)))]
        bench.fresh()
        file = bench.used / ".mcp.json"
        if number % 3 == 0:
            file.write_text("by a person")
        if number % 6 == 0:
            bench.git(bench.used, "stash")
        before = file.read_text()
        stopped += b"so nothing was touched" in bench.through(*words).stderr
        assert file.exists(), words
        assert file.read_text() == before, words
    assert stopped > ROUNDS // 10
