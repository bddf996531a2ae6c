"""The installed command starts isolated: nothing from the working folder, the user's site or PYTHON variables runs before or with Paddock."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import must
from tests.project.source import ROOT

INTERPRETER = Path(sys.executable).resolve()
CONFESSION = "import os, sys\nopen(os.environ['CONFESS'], 'a').write(__name__ + '\\n')\n"
POISONED = ("sitecustomize", "usercustomize", "json", "dataclasses", "os", "paddock")


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The console script in an environment of its own that holds a plain, not editable, copy of the package. Returns the script's path."""
    bin_folder = tmp_path_factory.mktemp("installed") / "bin"
    bin_folder.mkdir()
    (bin_folder / "python3").symlink_to(INTERPRETER)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = bin_folder.parent / "lib" / version / "site-packages"
    shutil.copytree(ROOT / "src" / "paddock", site / "paddock", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "bin" / "paddock", bin_folder)
    return bin_folder / "paddock"


@pytest.fixture
def poisoned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder full of modules that confess when they are imported, announced by every variable that could. Returns the confession file."""
    for name in POISONED:
        (tmp_path / f"{name}.py").write_text(CONFESSION)
    monkeypatch.chdir(tmp_path)
    confession = tmp_path / "confession"
    monkeypatch.setenv("CONFESS", str(confession))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONUSERBASE", str(tmp_path))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "json.py"))
    return confession


def run(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=False, timeout=60)


def test_a_plain_interpreter_would_import_the_poison(poisoned: Path) -> None:
    """The twin: without isolation, the same folder and variables do run the planted code."""
    done = run(INTERPRETER, "-c", "import json, dataclasses")
    assert done.returncode == 0
    assert {"sitecustomize", "json", "dataclasses"} <= set(poisoned.read_text().split())


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["run"], ["no-such-verb"]], ids=" ".join)
def test_the_command_never_does(installed: Path, poisoned: Path, arguments: list[str]) -> None:
    done = run(installed, *arguments)
    assert "paddock" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not poisoned.exists(), f"was imported: {poisoned.read_text()}"


def test_the_version_is_printed(installed: Path) -> None:
    from paddock import __version__

    done = run(installed, "--version")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, f"paddock {__version__}", "")


def test_a_link_elsewhere_works(installed: Path, tmp_path: Path) -> None:
    """Tools that keep each program in an environment of its own put a link on the PATH; links to links and relative ones too."""
    (tmp_path / "first").symlink_to(installed)
    (tmp_path / "second").symlink_to("first")
    assert run(tmp_path / "second", "--version").returncode == 0


def test_a_hostile_path_is_not_asked_for_helpers(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evil = tmp_path / "evil"
    evil.mkdir()
    for name in ("readlink", "dirname", "python3", "env", "printf"):
        (evil / name).write_text(f"#!/bin/sh\necho {name} >>{tmp_path}/used\n")
        (evil / name).chmod(0o755)
    link = tmp_path / "paddock"
    link.symlink_to(installed)
    monkeypatch.setenv("PATH", f"{evil}:{os.environ['PATH']}")
    assert run("sh", "-c", "readlink x").returncode == 0
    assert (tmp_path / "used").read_text() == "readlink\n", "the twin: the planted programs do come first"
    assert run(link, "--version").returncode == 0
    assert (tmp_path / "used").read_text() == "readlink\n"


def test_relative_calls_work(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(installed.parent)
    assert run("./paddock", "--version").returncode == 0
    monkeypatch.chdir(installed.parent.parent)
    assert run("bin/paddock", "--version").returncode == 0


def test_without_an_interpreter_beside_it_the_command_refuses(tmp_path: Path) -> None:
    shutil.copy(ROOT / "bin" / "paddock", tmp_path)
    done = run(tmp_path / "paddock", "--version")
    assert done.returncode == 125
    assert "no interpreter beside" in done.stderr


def test_an_editable_installation_is_found(installed: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(installed.parent.parent, copy, symlinks=True)
    site = next((copy / "lib").glob("python*/site-packages"))
    shutil.rmtree(site / "paddock")
    assert run(copy / "bin" / "paddock", "--version").returncode == 1
    for useless in ("", "\n", "src\n"):
        (site / "_editable_impl_paddock.pth").write_text(useless)
        done = subprocess.run([copy / "bin" / "paddock", "--version"], cwd=ROOT / "src", capture_output=True, text=True, check=False)
        assert done.returncode == 1, "the working folder holds the package, and must not be where it comes from"
    (site / "_editable_impl_paddock.pth").write_text(f"{ROOT / 'src'}\n")
    assert run(copy / "bin" / "paddock", "--version").returncode == 0


def test_output_that_cannot_be_written_is_a_failure(installed: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([installed, "--version"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode != 0


def test_the_development_environment_has_the_command() -> None:
    command = Path(sys.executable).with_name("paddock")
    must(command.exists(), "Paddock is not installed beside this interpreter: use ./dev test")
    assert run(command, "--version").returncode == 0
    assert command.read_bytes() == (ROOT / "bin" / "paddock").read_bytes(), "an installer has rewritten the script"
