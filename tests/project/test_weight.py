"""What `paddock run -- true` loads. Start-up is most of what a run costs, and every module here is paid for by every run."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.project.source import ROOT

# Modules of the standard library that the direct path loads on top of a bare `-I -S` interpreter, over all supported versions. Growing this list needs a reason
# in the commit.
ALLOWED = {
    "__future__", "_blake2", "_collections", "_collections_abc", "_ctypes", "_functools", "_hashlib", "_json", "_operator", "_socket", "_sre", "_stat",
    "_struct", "_typing", "_weakrefset", "array", "binascii", "collections", "collections.abc", "contextlib", "copy", "copyreg", "ctypes", "ctypes._endian",
    "encodings.ascii", "enum", "errno", "fcntl", "functools", "genericpath", "hashlib", "importlib", "importlib._bootstrap", "importlib._bootstrap_external",
    "importlib.machinery", "itertools", "json", "json.decoder", "json.encoder", "json.scanner", "keyword", "operator", "os", "os.path", "posixpath", "re",
    "re._casefix", "re._compiler", "re._constants", "re._parser", "reprlib", "resource", "select", "signal", "stat", "struct", "types", "typing", "typing.io",
    "typing.re", "warnings", "weakref",
}  # fmt: skip
# Never, whatever else happens: each of these costs as much as building the fence does.
BANNED = {
    "argparse",
    "ast",
    "dataclasses",
    "inspect",
    "asyncio",
    "email",
    "http",
    "logging",
    "pathlib",
    "shutil",
    "ssl",
    "subprocess",
    "tempfile",
    "traceback",
    "urllib",
    "h11",
    "dns",
    "tree_sitter",
    "tree_sitter_bash",
}
SHOW = """
import sys
bare = set(sys.modules)
sys.path.insert(0, sys.argv[1])
import paddock.cli.main
code = paddock.cli.main.main(sys.argv[3:])
loaded = sorted(set(sys.modules) - bare)
import json
with open(sys.argv[2], "w") as out:
    json.dump({"code": code, "loaded": loaded}, out)
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The modules that one real run has loaded by its end."""
    folder = tmp_path_factory.mktemp("weight")
    out = folder / "modules.json"
    (folder / "project").mkdir()
    argv = [sys.executable, "-I", "-S", "-c", SHOW, str(ROOT / "src"), str(out), "run", "--setting-sources", "cli", "--", "true"]
    done = subprocess.run(argv, cwd=folder / "project", capture_output=True, text=True, check=False, timeout=60, start_new_session=True)
    assert out.exists(), done.stderr
    answer = json.loads(out.read_text())
    assert answer["code"] == 0, done.stderr
    names: list[str] = answer["loaded"]
    return names


def test_a_run_loads_our_own_rooms(loaded: list[str]) -> None:
    assert {"paddock.cli.run", "paddock.session.run", "paddock.planner.plan"} <= set(loaded)


def test_a_run_loads_nothing_heavy(loaded: list[str]) -> None:
    assert not BANNED.intersection(loaded)


def test_a_run_loads_only_what_is_listed(loaded: list[str]) -> None:
    listed = ALLOWED | {"paddock"}
    extra = [name for name in loaded if name not in listed and name.split(".")[0] != "paddock"]
    assert not extra, "add a reason to the commit and the name to the list, or import it where it is used"


def test_a_run_without_a_terminal_loads_nothing_for_one(loaded: list[str]) -> None:
    assert not {"termios", "tty", "pty", "paddock.session.terminal"}.intersection(loaded)


def test_the_door_loads_nothing() -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); before = set(sys.modules); import paddock; print(sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code, str(ROOT / "src")], capture_output=True, text=True, check=True)
    assert set(eval(done.stdout)) <= {"paddock", "__future__"}  # noqa: S307 -- our own list of names
