"""The recipes for continuous integration: they say what the CI systems expect, every line for Paddock is one that it takes, and their shell parts work here."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from paddock.cli import doctor, run, setup, verify
from paddock.cli.options import Option, parse
from paddock.errors import PaddockError
from paddock.fence.launcher.namespaces import ENTER
from tests.conftest import must
from tests.fence.running import PYTHON
from tests.programs.world import PADDOCK
from tests.session.test_doctor import able

FOLDER = Path(__file__).resolve().parents[2] / "examples/ci"
RECIPES = sorted(FOLDER.glob("*.yml"))
PAGE = FOLDER.parents[1] / "docs/how-to/ci.md"
OPTIONS: dict[str, tuple[Option, ...]] = {"run": run.OPTIONS, "verify": verify.OPTIONS, "doctor": doctor.OPTIONS, "setup": setup.OPTIONS}


# -- the part of YAML that the recipes are written in; anything else is an error


def load(path: Path) -> Any:
    lines = [line.rstrip() for line in path.read_text(encoding="utf-8").splitlines()]
    assert not [line for line in lines if "\t" in line]
    value, rest = block([line for line in lines if line.strip() and not line.lstrip().startswith("#")], 0)
    assert rest == []
    return value


def depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def block(lines: list[str], indent: int) -> tuple[Any, list[str]]:
    """The mapping or list that begins at this indent, and what comes after it."""
    items: list[Any] = []
    pairs: dict[str, Any] = {}
    while lines and depth(lines[0]) == indent:
        line = lines[0].strip()
        if line.startswith("- "):
            assert not pairs, line
            if re.match(r"- [\w-]+:( |$)", line):
                value, lines = block([" " * (indent + 2) + line[2:], *lines[1:]], indent + 2)
            else:
                value, lines = scalar(line[2:]), lines[1:]
            items.append(value)
            continue
        found = re.fullmatch(r"([\w-]+):(?: (.*))?", line)
        assert found, line
        assert not items, line
        name, text = found.groups()
        assert name not in pairs, f"{name} is there twice"
        pairs[name], lines = content(text or "", lines[1:], indent)
    assert not lines or depth(lines[0]) < indent, lines[0]
    return items or pairs, lines


def content(text: str, lines: list[str], indent: int) -> tuple[Any, list[str]]:
    """What stands behind a key."""
    inner = lines[: next((n for n, line in enumerate(lines) if depth(line) <= indent), len(lines))]
    if text == "|":
        start = depth(inner[0])
        return "\n".join(line[start:] for line in inner), lines[len(inner) :]
    if text or not inner:
        assert not inner, lines[0]
        return scalar(text), lines
    return block(lines, depth(inner[0]))


def scalar(text: str) -> object:
    assert text[:1] not in ("[", "{", "&", "*", "!", "|", ">", "%", "@", "`", "'", '"'), text
    assert ": " not in text.replace("${{", ""), text
    assert " #" not in text, text
    return {"true": True, "false": False, "": None}.get(text, int(text) if text.isdigit() else text)


def scripts(path: Path) -> list[str]:
    """Every shell part of a recipe, in order."""
    document = load(path)
    if "jobs" in document:
        return [step["run"] for job in document["jobs"].values() for step in job["steps"] if "run" in step]
    return [line for job in document.values() if isinstance(job, dict) for line in (*job["before_script"], *job["script"])]


def variables(path: Path) -> dict[str, str]:
    document = load(path)
    job = document["jobs"]["test"] if "jobs" in document else document["fenced-tests"]
    found: dict[str, str] = job["env"] if "jobs" in document else job["variables"]
    return found


# -- what they say


def test_the_recipes_are_there() -> None:
    assert [path.name for path in RECIPES] == ["github-actions-container.yml", "github-actions.yml", "gitlab-ci.yml"]


@pytest.mark.parametrize("path", [path for path in RECIPES if path.name.startswith("github")], ids=lambda path: path.name)
def test_a_workflow_has_the_shape_that_its_system_expects(path: Path) -> None:
    document = load(path)
    assert set(document) == {"name", "on", "permissions", "jobs"}
    assert document["permissions"] == {"contents": "read"}
    job = document["jobs"]["test"]
    assert job["runs-on"] == "ubuntu-24.04"
    assert isinstance(job["timeout-minutes"], int)
    for step in job["steps"]:
        assert ("uses" in step) != ("run" in step), step
    assert next(step for step in job["steps"] if "checkout" in step.get("uses", ""))["with"] == {"persist-credentials": False}
    assert job["steps"][-1]["if"] == "always()"


def test_the_pipeline_has_the_shape_that_its_system_expects() -> None:
    document = load(FOLDER / "gitlab-ci.yml")
    job = document["fenced-tests"]
    assert job["stage"] in document["stages"]
    assert job["allow_failure"] == {"exit_codes": [13]}
    assert job["artifacts"] == {"when": "always", "paths": ["paddock-reports/"], "reports": {"junit": "paddock-reports/paddock.xml"}}


def test_containers_get_what_doctor_advises() -> None:
    options = load(FOLDER / "github-actions-container.yml")["jobs"]["test"]["container"]["options"]
    for wanted in ("seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined"):
        assert f"--security-opt {wanted}" in options
        assert f'"{wanted}"' in (FOLDER / "gitlab-ci.yml").read_text(encoding="utf-8")
        assert wanted in PAGE.read_text(encoding="utf-8")


def commands(text: str, known: dict[str, str]) -> list[list[str]]:
    """The words of each call of Paddock in a piece of shell, variables filled in."""
    for name, value in known.items():
        text = re.sub(rf"\$(\{{{name}[^}}]*\}}|{name}\b)", value, text)
    lines = [line.strip() for line in text.replace("\\\n", " ").splitlines()]
    return [shlex.split(line) for line in lines if line.startswith("paddock ")]


def calls() -> list[list[str]]:
    found = [words for path in RECIPES for text in scripts(path) for words in commands(text, variables(path))]
    found += commands((FOLDER / "fenced.sh").read_text(encoding="utf-8"), {"PADDOCK_OPTIONS": "--trust-project", "reports": "reports"})
    shell = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
    return found + commands(shell, {})


def test_every_call_is_one_that_paddock_takes() -> None:
    found = calls()
    assert {words[1] for words in found} == {"run", "verify", "doctor", "setup"}
    for words in found:
        parsed = parse(words[2:], OPTIONS[words[1]])
        assert bool(parsed.rest) == (words[1] == "run"), words


def test_a_call_that_paddock_does_not_take_would_be_found() -> None:
    (words,) = commands('paddock run $PADDOCK_OPTIONS --junit "$reports/x.xml" -- true', {"PADDOCK_OPTIONS": "--trustproject", "reports": "r"})
    with pytest.raises(PaddockError, match="unknown option --trustproject"):
        parse(words[2:], OPTIONS["run"])


# -- what they do


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A checked-out project with the script in it, and a PATH on which `paddock` is this tree's and installing is a matter of a moment."""
    able()
    must(PYTHON, "there is no Python")
    project = tmp_path / "project"
    (project / "ci").mkdir(parents=True)
    (project / "ci/fenced.sh").write_text((FOLDER / "fenced.sh").read_text())
    (project / "test_sums.py").write_text("import unittest\n\n\nclass Sums(unittest.TestCase):\n    def test(self):\n        self.assertEqual(1 + 1, 2)\n")
    (project / "requirements.txt").write_text("")
    programs = tmp_path / "programs"
    programs.mkdir()
    put(programs / "paddock", f'exec {shlex.join(PADDOCK)} "$@"')
    for name in ("pipx", "apt-get", "sudo", "ln"):
        put(programs / name, f'echo "{name} $*" >> {tmp_path}/installed')
    put(programs / "python3", f'exec {PYTHON} "$@"')
    return project


def put(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def sh(job: Path, script: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{job.parent}/programs:/usr/bin:/bin", "RUNNER_TEMP": str(job.parent), **more}
    return subprocess.run(["/bin/sh", "-e", "-c", script], cwd=job, env=environment, capture_output=True, text=True, check=False, timeout=120)


def installed_here(path: Path) -> list[str]:
    """A recipe's shell parts; what installs into fixed places is left out, and what needs a package index does nothing."""
    parts = []
    for text in scripts(path):
        lines = [
            line
            for line in text.splitlines()
            if "/opt/paddock" not in line and "setup --yes" not in line and " -m venv" not in line and "pip install" not in line
        ]
        parts.append("\n".join(lines).replace(".venv/bin/python", "python3"))
    return [part for part in parts if part]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_the_shell_parts_of_a_recipe_work(job: Path, path: Path) -> None:
    known = {name: value for name, value in variables(path).items() if "${{" not in value}
    parts = installed_here(path)
    assert any("fenced.sh" in part for part in parts)
    said = ""
    for part in parts:
        done = sh(job, part, PADDOCK_SOURCE="paddock", **known)
        assert done.returncode == 0, f"{part}\n{done.stdout}\n{done.stderr}"
        said += done.stderr
    assert "passed, and nothing was refused" in said
    assert json.loads((job / "paddock-reports/paddock.json").read_text())["exit"] == 0
    suite = ET.parse(job / "paddock-reports/paddock.xml").getroot()[0]  # noqa: S314 -- our own file
    assert (suite.attrib["failures"], suite.attrib["errors"]) == ("0", "0")


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("true", 0, "passed, and nothing was refused"),
        ("exit 3", 3, "FAILED by itself with exit code 3"),
        ("exit 13", 13, "FAILED by itself with exit code 13"),
        ("cat secret; true", 13, "passed, but tried something"),
        ("cat secret; exit 1", 1, "FAILED by itself with exit code 1"),
        ("echo '#!/bin/sh' > go; chmod +x go; true", 12, "passed, but left files"),
    ],
)
def test_the_script_tells_a_failed_test_from_a_refused_act(job: Path, command: str, code: int, words: str) -> None:
    (job / "secret").write_text("x")
    done = sh(job, f"sh ci/fenced.sh sh -c {shlex.quote(command)}", PADDOCK_OPTIONS="--deny-read ./secret --deny-write ./ci")
    assert done.returncode == code, done.stderr
    assert done.stderr.splitlines()[-1].startswith("fenced: sh -c ")
    assert words in done.stderr.splitlines()[-1]


def test_the_script_tells_a_run_that_did_not_start(job: Path) -> None:
    done = sh(job, "sh ci/fenced.sh no-such-command")
    assert (done.returncode, "did not start (exit code 127)" in done.stderr) == (127, True)
    done = sh(job, "sh ci/fenced.sh true", PADDOCK_OPTIONS="--no-such-option")
    assert (done.returncode, "did not start (exit code 125)" in done.stderr) == (125, True)


def test_the_script_is_out_of_reach_of_what_it_runs(job: Path) -> None:
    attempt = "echo 'echo planted' > ci/fenced.sh; mv ci other; true"
    done = sh(job, f"sh ci/fenced.sh sh -c {shlex.quote(attempt)}", PADDOCK_OPTIONS="--deny-write ./ci")
    assert done.returncode == 13, done.stderr
    assert (job / "ci/fenced.sh").read_text() == (FOLDER / "fenced.sh").read_text()


def test_the_reports_are_out_of_reach_too(job: Path) -> None:
    attempt = "rm -rf paddock-reports; mkdir paddock-reports; echo forged > paddock-reports/paddock.xml; mv paddock-reports elsewhere; true"
    done = sh(job, f"sh ci/fenced.sh sh -c {shlex.quote(attempt)}")
    assert done.returncode == 13, done.stderr
    assert json.loads((job / "paddock-reports/paddock.json").read_text())["cause"] == "violation"
    assert ET.parse(job / "paddock-reports/paddock.xml").getroot()[0].attrib["failures"] != "0"  # noqa: S314 -- our own file


def test_the_script_follows_no_link_that_was_planted(job: Path) -> None:
    victim = job.parent / "victim"
    victim.mkdir()
    assert sh(job, f"paddock run -- /bin/ln -s {victim} paddock-reports").returncode == 0
    done = sh(job, "sh ci/fenced.sh true")
    assert (done.returncode, list(victim.iterdir())) == (125, [])
    assert "is a link" in done.stderr


def test_the_policy_of_the_page_is_the_one_that_was_reviewed(job: Path) -> None:
    """Its lines, with a repository beside as the origin: what the branch changed in its settings does not count."""
    must(sh(job, "command -v git").returncode == 0, "git is not installed")
    script = re.search(r"```sh\n(git fetch.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert script is not None
    setup = """
    export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.net GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.net
    git init -q -b main ../origin && mkdir ../origin/.paddock
    echo '{"sandbox": {"filesystem": {"denyRead": ["./secret"]}}}' > ../origin/.paddock/settings.json
    git -C ../origin add . && git -C ../origin commit -qm one
    git init -q -b topic . && git remote add origin ../origin
    mkdir .paddock && echo '{}' > .paddock/settings.json; echo hidden > secret
    """
    assert sh(job, setup).returncode == 0
    done = sh(job, script[1].replace("make test", "cat secret"))
    assert done.returncode == 1
    assert "hidden" not in done.stdout
    assert "Permission denied" in done.stderr
    assert sh(job, "paddock run -- cat secret").stdout == "hidden\n"


# -- what a container forbids, one thing at a time


REFUSE_UNSHARE = """
import errno, os, sys
sys.path[:0] = sys.argv[1:2]
from paddock.fence.kernel.bpf import ALLOW, Clause, Rule, assemble, has_bits, refuse
from paddock.fence.kernel.numbers import AUDIT_ARCH, NUMBERS
from paddock.fence.kernel.process import no_new_privileges
from paddock.fence.kernel.seccomp import install
no_new_privileges()
install(assemble((Rule(("unshare",), (Clause((has_bits(0, 0x7E020000),), refuse(errno.EPERM)),), ALLOW),), NUMBERS, AUDIT_ARCH, None))
os.execvp(sys.argv[2], sys.argv[2:])
"""


def test_a_filter_like_a_containers_is_named(job: Path) -> None:
    before = shlex.join([PYTHON, "-I", "-S", "-c", REFUSE_UNSHARE, str(FOLDER.parents[1] / "src")])
    done = sh(job, f"{before} paddock run -- true")
    assert done.returncode == 125
    assert "cannot build the fence" in done.stderr
    assert "in a container: one started with the right to make them" in done.stderr
    told = sh(job, f"{before} paddock doctor --json")
    document = json.loads(told.stdout)
    step = next(step for step in document["steps"] if step["name"] == document["first_failure"])
    assert (told.returncode, step["name"], step["errno"]) == (1, "user-namespace", 1)


def test_the_step_that_the_page_names_is_the_one_that_fails() -> None:
    assert f"`{ENTER}`" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("before", "words", "hint"),
    [
        ("mount -t tmpfs none /proc/irq", "cannot build the fence", "a container that hides parts of /proc"),
        ("echo 0 > /proc/sys/user/max_user_namespaces", "user namespaces are switched off", "sysctl -w user.max_user_namespaces"),
    ],
)
def test_what_else_a_container_forbids_is_named(job: Path, before: str, words: str, hint: str) -> None:
    must(sh(job, "command -v unshare").returncode == 0, "util-linux is not installed")
    script = f"{before}; paddock run -- true"
    done = sh(job, f"unshare --user --map-root-user --mount sh -ec {shlex.quote(script)}")
    assert done.returncode == 125
    assert words in done.stderr
    assert words in PAGE.read_text(encoding="utf-8")
    assert hint in done.stderr
