"""Each profile on a small project of its kind. The project's own tests succeed inside with the policy that ``paddock init`` writes, and with ``--profile``;
what must not be read there is refused.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from pathlib import Path

import pytest

from paddock.model.paths import is_beneath
from paddock.settings.profiles import PROFILES
from tests.conftest import DEVELOPER_ENVIRONMENT, applies
from tests.programs.conftest import Serve, need
from tests.programs.servers import Answer, Pages
from tests.programs.world import World

EXAMPLES = Path(__file__).resolve().parents[2] / "examples/profiles"
KEY = "secrets/deploy.key"
WORDS = "not a real key: what a deployment would sign with\n"
ASK = 'fetch("http://127.0.0.1:4170/?knots=18").then(a => a.text()).then(t => process.stdout.write(t))'
JAVA = "mkdir -p target && javac -d target src/Knots.java && java -cp target Knots"
# profile -> the programs it needs, its tests, and what they say when they succeed
OFFLINE: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "web": (("node", "npm"), ("npm", "test"), "# pass 1"),
    "python": ((), ("python3", "-m", "unittest", "-v"), "test_eighteen_knots"),
    "rust": ((), ("cargo", "test", "--offline"), "test tests::eighteen_knots ... ok"),
    "go": (("go",), ("go", "test", "-v", "./..."), "--- PASS: TestEighteenKnots"),
    "java": (("javac", "java"), ("sh", "-c", JAVA), "eighteen knots"),
}
LANGUAGES = pytest.mark.parametrize("name", OFFLINE)


def test_every_language_has_an_example() -> None:
    assert set(OFFLINE) == {profile.name for profile in PROFILES.values() if profile.kind == "language"}
    assert {path.name for path in EXAMPLES.iterdir() if path.is_dir()} == set(OFFLINE)


def example(name: str, project: Path) -> dict[str, str]:
    """Copy the project of a language. Returns what its tools need in the environment."""
    need(*OFFLINE[name][0])
    shutil.copytree(EXAMPLES / name, project, dirs_exist_ok=True)
    if name != "rust":
        return {}
    applies(shutil.which("cargo"), "cargo is not installed")  # `./dev` installs none
    home = DEVELOPER_ENVIRONMENT.get("RUSTUP_HOME") or f"{DEVELOPER_ENVIRONMENT['HOME']}/.rustup"
    return {"RUSTUP_HOME": home} if os.path.isdir(home) else {}


@LANGUAGES
def test_the_policy_that_init_writes(world: World, project: Path, name: str) -> None:
    extra = example(name, project)
    _, tests, success = OFFLINE[name]
    assert world.paddock("init", cwd=project).good().out.startswith("  found")
    assert world.paddock("policy", "validate", ".paddock/settings.json", cwd=project).good().out == ""
    done = world.run(*tests, cwd=project, options=["--trust-project"], extra=extra).good()
    assert success in done.out + done.err
    canary = world.run("cat", KEY, cwd=project, options=["--trust-project"])
    assert (canary.code, canary.out) == (1, "")
    assert canary.refused(str(project / KEY))["rule"]["key"] == "sandbox.filesystem.denyRead"
    (project / ".paddock/settings.json").unlink()
    assert world.run("cat", KEY, cwd=project).good().out == WORDS


@LANGUAGES
def test_the_profile_without_a_file(world: World, project: Path, isolated_environment: Path, name: str) -> None:
    extra = example(name, project)
    _, tests, success = OFFLINE[name]
    done = world.run(*tests, cwd=project, options=["--profile", name], extra=extra).good()
    assert success in done.out + done.err
    key = isolated_environment / ".ssh/id_ed25519"
    key.parent.mkdir()
    key.write_text("key\n")
    canary = world.run("cat", key, cwd=project, options=["--profile", name])
    assert (canary.code, canary.out) == (1, "")
    assert canary.refused(str(key))["area"] == "file"
    assert world.run("cat", key, cwd=project, options=["--profile", name, "--allow-read", key]).good().out == "key\n"


def test_a_development_server_is_reached_at_the_port_of_its_script(world: World, project: Path) -> None:
    example("web", project)
    world.paddock("init", cwd=project).good()
    ask = f"npm run dev & until node -e '{ASK}' 2>/dev/null; do :; done; kill $!"
    assert "9.26" in world.run("timeout", "60", "sh", "-c", ask, cwd=project, options=["--trust-project"]).out
    plans = [json.loads(world.paddock("run", "--dry-run", "--json", "-", *words, cwd=project).good().out) for words in (["--trust-project"], [])]
    assert [plan["network"]["publish"] for plan in plans] == [[4170], []], "nothing is published for a project that nobody accepted"


def test_untrusted(world: World, project: Path, isolated_environment: Path) -> None:
    (project / "input").write_text("read me\n")
    (isolated_environment / "notes").write_text("mine\n")
    options = ["--profile", "untrusted"]
    assert world.run("cat", "input", cwd=project, options=options).out == "read me\n"
    made = world.run("touch", "made", cwd=project, options=options)
    assert (made.code, "Read-only" in made.err, (project / "made").exists()) == (1, True, False)
    world.run("touch", "made", cwd=project).good()
    mine = isolated_environment / "notes"
    assert world.run("cat", mine, cwd=project).good().out == "mine\n"
    refused = world.run("cat", mine, cwd=project, options=options)
    assert (refused.code, refused.out) == (1, "")
    assert refused.refused(str(mine))["rule"]["file"] == "--profile untrusted"


@pytest.mark.parametrize("name", [name for name, profile in PROFILES.items() if profile.kind != "managed"])
def test_the_fence_of_a_profile_holds(world: World, project: Path, name: str) -> None:
    hidden = PROFILES[name].settings.get("sandbox", {}).get("filesystem", {}).get("denyRead", [])  # type: ignore[attr-defined]  # data of this shape
    python = os.path.realpath(sys.executable)
    applies(not any(is_beneath(python, place) for place in hidden if place.startswith("/")), "the profile hides the interpreter that would try")
    found = json.loads(world.paddock("verify", "--json", "--profile", name, cwd=project).out)
    results = {canary["name"]: canary["result"] for canary in found["canaries"]}
    assert set(results.values()) <= {"held", "does not apply"}, results
    assert found["held"]


def test_what_a_person_keeps_is_not_for_untrusted_code(world: World, project: Path, isolated_environment: Path) -> None:
    own = isolated_environment / ".config/paddock/settings.json"
    own.parent.mkdir()
    own.write_text('{"paddock": {"environment": {"keep": ["SITE_TOKEN"]}}}')
    extra = {"SITE_TOKEN": "t0p"}
    assert world.run("sh", "-c", "echo $SITE_TOKEN", cwd=project, extra=extra).out == "t0p\n"
    assert world.run("sh", "-c", "echo $SITE_TOKEN", cwd=project, extra=extra, options=["--profile", "web"]).out == "t0p\n"
    assert world.run("sh", "-c", "echo $SITE_TOKEN", cwd=project, extra=extra, options=["--profile", "untrusted"]).out == "\n"


def test_no_host_is_allowed_beside_the_untrusted_profile(world: World, serve: Serve, project: Path) -> None:
    name = "beside.servers.example"
    reach = ("python3", "-c", f"import urllib.request; print(urllib.request.urlopen('http://{name}/').read().decode())")
    with serve.http(name, Pages({"/": Answer(b"reached")})):
        assert world.run(*reach, cwd=project, allow=[name]).good().out == "reached\n"
        twin = world.run(*reach, cwd=project, allow=[name], options=["--profile", "untrusted"])
    assert (twin.code, twin.out) == (1, "")
    assert twin.refused(f"{name}:80")["rule"]["file"] == "--profile untrusted"


def test_containers(world: World, project: Path, tmp_path: Path) -> None:
    """The engine's socket is out of reach inside; calls are asked about, and run outside when they ask to."""
    (project / "Dockerfile").write_text("FROM scratch\n")
    world.paddock("init", "--profile", "containers", cwd=project).good()
    asked = world.paddock("check", "make && docker build .", cwd=project)
    assert (asked.code, "Bash(docker *) asks about docker build ." in asked.out) == (10, True)
    assert world.paddock("check", "make", cwd=project).code == 0
    outside = world.paddock("check", "--input", '{"command": "docker ps", "dangerouslyDisableSandbox": true}', cwd=project)
    assert (outside.code, "OUTSIDE" in outside.out) == (10, True)
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(tmp_path / "engine.sock"))
        engine.listen()
        reach = ("python3", "-c", f"import socket; socket.socket(socket.AF_UNIX).connect({str(tmp_path / 'engine.sock')!r})")
        world.unfenced(*reach, cwd=project).good()
        refused = world.run(*reach, cwd=project)
    assert (refused.code, "PermissionError" in refused.err or "ConnectionRefusedError" in refused.err) == (1, True)


def test_a_team(world: World, project: Path) -> None:
    example("python", project)
    world.paddock("init", "--profile", "team", cwd=project).good()
    assert world.paddock("policy", "validate", ".paddock/settings.json", cwd=project).good().out == ""
    assert world.paddock("check", "git push origin main", cwd=project).code == 10
    assert world.paddock("check", "git status", cwd=project).code == 0
    world.run("python3", "-m", "unittest", cwd=project, options=["--trust-project"]).good()
    (project / ".env.local").write_text("TOKEN=1\n")
    assert world.run("cat", ".env.local", cwd=project).refused(str(project / ".env.local"))["area"] == "file"
    written = world.run("sh", "-c", "echo x >> .paddock/README.md", cwd=project)
    assert written.code != 0
    assert "x\n" not in (project / ".paddock/README.md").read_text().splitlines(keepends=True)


def test_the_enterprise_profile_as_a_managed_file(world: World, project: Path) -> None:
    world.paddock("init", "--profile", "enterprise", "--output", "managed.json", cwd=project).good()
    assert world.paddock("policy", "validate", "--scope", "managed", "managed.json", cwd=project).good().out == ""
    twin = world.paddock("policy", "validate", "--scope", "project", "managed.json", cwd=project)
    assert "paddock.filesystem.allowManagedUnprotectOnly" in twin.out + twin.err
