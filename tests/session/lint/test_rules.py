"""The rules at their edges: what each finds besides its example, and what it must not."""

from __future__ import annotations

from pathlib import Path

import pytest

from paddock.session.lint.finding import Finding
from paddock.session.lint.reading import Question, lint
from paddock.settings.managed import Roots
from tests.settings.world import World

KEY = "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def all_found(world: World, **environ: str) -> list[Finding]:
    given = {**world.environ, "PATH": "/usr/local/bin:/usr/bin:/bin", **environ}
    return lint(Question(str(world.project), given, roots=Roots(str(world.system), "linux")))


def ids(world: World, content: object, scope: str = "project", **environ: str) -> set[str]:
    world.write(scope, content)
    return {item.id for item in all_found(world, **environ)}


def allow(rule: str) -> object:
    return {"permissions": {"allow": [rule]}}


def deny(rule: str) -> object:
    return {"permissions": {"deny": [rule]}}


@pytest.mark.parametrize(
    ("name", "rule", "words"),
    [
        ("allow", "Bash(npm run build && npm test)", "spells out 2: npm run build; npm test"),
        ("deny", "Bash(cd * && rm *)", "spells out 2"),
        ("deny", "Bash(curl * | sh)", "spells out 2"),
        ("ask", "Bash(a; b; c)", "spells out 3"),
        ("deny", "Bash(* > /etc/*)", "redirection"),
        ("allow", "Bash(npm test > out.txt)", "redirection"),
        ("allow", "Bash(FOO=1 make *)", "sets FOO"),
        ("allow", "Bash(timeout 30 make *)", "only the exact command"),
        ("allow", "Bash(find . -exec *)", "only the exact command"),
        ("allow", "Bash(nohup ./serve:*)", "only the exact command"),
    ],
)
def test_rules_that_no_command_matches(world: World, name: str, rule: str, words: str) -> None:
    world.write("project", {"permissions": {name: [rule]}})
    found = [item for item in all_found(world) if item.id == "rule-never-matches"]
    assert len(found) == 1
    assert words in found[0].reason
    assert found[0].action is None


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("allow", 'Bash(git commit -m "a && b")'),
        ("allow", "Bash(FOO=1 make all)"),
        ("allow", "Bash(NODE_ENV=test npm test)"),
        ("allow", "Bash(timeout 30 make)"),
        ("deny", "Bash(timeout 30 make *)"),
        ("deny", "Bash(FOO=1 make *)"),
        ("allow", "Bash(npm:*)"),
        ("allow", "Bash(* --version)"),
        ("allow", "Bash(git * main)"),
        ("allow", "Bash(grep 'a|b' *)"),
        ("deny", "Bash(rm -rf *)"),
        ("deny", "Bash(dangerouslyDisableSandbox:true)"),
        ("allow", "Bash(npm  run   build)"),
        ("allow", "Bash(find . -name x -delete)"),
        ("allow", "Monitor(tail -f *)"),
        ("deny", 'Bash("unclosed *)'),
    ],
)
def test_rules_that_a_command_matches(world: World, name: str, rule: str) -> None:
    assert "rule-never-matches" not in ids(world, {"permissions": {name: [rule]}})


BROAD: tuple[str, ...] = (
    "Bash",
    "Bash(*)",
    "Bash(python *)",
    "Bash(python3:*)",
    "Bash(python*)",
    "Bash(node -e *)",
    "Bash(bash -c *)",
    "Bash(npx *)",
    "Bash(sudo *)",
)
BROAD += (
    "Bash(docker run *)",
    "Bash(docker *)",
    "Bash(uv run *)",
    "Bash(/usr/bin/env *)",
    "Bash(* --flag)",
    "Monitor",
    "Edit",
    "WebFetch",
    "Agent",
    "Bash(make *)",
)
NARROW: tuple[str, ...] = (
    "Bash(python tools/x.py *)",
    "Bash(npm run test:*)",
    "Bash(npm test)",
    "Bash(git *)",
    "Bash(docker ps *)",
    "Bash(cargo test *)",
    "Bash(python --version)",
)
NARROW += ("Edit(src/**)", "WebFetch(domain:example.com)", "WebSearch", "Read", "Bash(uv sync *)", "Bash(envsubst *)", "mcp__github")


@pytest.mark.parametrize("rule", BROAD)
def test_broad_rules(world: World, rule: str) -> None:
    assert "allow-too-broad" in ids(world, allow(rule))
    assert "allow-too-broad" not in ids(world, deny(rule)), "to deny much is no mistake"


@pytest.mark.parametrize("rule", NARROW)
def test_rules_that_are_no_broader_than_they_look(world: World, rule: str) -> None:
    assert "allow-too-broad" not in ids(world, allow(rule))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"permissions": {"allow": ["Bash(git push origin x)"], "ask": ["Bash(git push *)"]}}, True),
        ({"permissions": {"allow": ["Edit(src/**)"], "ask": ["Edit(src/**)"]}}, False),  # it still opens the folder in the fence
        ({"permissions": {"allow": ["Edit(src/**)"], "deny": ["Edit"]}}, False),
        ({"permissions": {"allow": ["Edit(src/**)"], "deny": ["Edit(src)"]}}, True),
        ({"permissions": {"allow": ["Bash(ls)"], "ask": ["Bash"]}}, False),  # a bare question is not asked about what runs inside
        ({"permissions": {"allow": ["mcp__a__b"], "deny": ["mcp__a"]}}, True),
        ({"permissions": {"ask": ["Bash(git push *)"], "deny": ["Bash(git *)"]}}, True),
        ({"permissions": {"ask": ["Bash(git *)"], "deny": ["Bash(git push *)"]}}, False),
        ({"sandbox": {"network": {"allowedDomains": ["a.example.com"], "deniedDomains": ["*.example.com"]}}}, True),
        ({"sandbox": {"network": {"allowedDomains": ["*.example.com"], "deniedDomains": ["a.example.com"]}}}, False),
        ({"sandbox": {"filesystem": {"allowWrite": ["./out/a"], "denyWrite": ["./out"]}}}, True),
        ({"sandbox": {"filesystem": {"allowWrite": ["./out"], "denyWrite": ["./out/a"]}}}, False),
    ],
)
def test_shadows(world: World, content: object, found: bool) -> None:
    assert ("entry-shadowed" in ids(world, content)) is found


def test_a_shadow_from_another_file_is_told_and_left(world: World) -> None:
    world.write("user", deny("Bash(aws *)"))
    world.write("project", allow("Bash(aws s3 ls)"))
    found = [item for item in all_found(world) if item.id == "entry-shadowed"]
    assert [(item.file, item.action) for item in found] == [(str(world.path("project")), None)]
    assert str(world.path("user")) in found[0].reason


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        (["Bash(git log *)", "Bash(git log -1)"], True),
        (["Bash(find *)", "Bash(find . -name x -delete)"], False),  # the exact rule allows what the pattern does not
        (["Edit(src/**)", "Edit(src/a)"], True),
        (["Edit", "Edit(src/**)"], False),
        (["Bash", "Bash(npm test)"], False),  # the broad one should go
        (["WebFetch(domain:*.example.com)", "WebFetch(domain:a.example.com)"], True),
        (["Bash(git log:*)", "Bash(git log *)"], True),
    ],
)
def test_redundant_rules(world: World, rules: list[str], found: bool) -> None:
    assert ("rule-redundant" in ids(world, {"permissions": {"allow": rules}})) is found


def test_of_two_spellings_the_first_stays(world: World) -> None:
    world.write("project", '{"permissions": {"allow": ["Bash(git log:*)", "Bash(git log *)"]}}')
    assert [item.text for item in all_found(world)] == ["Bash(git log *)"]


def hosts(*names: str) -> object:
    return {"sandbox": {"network": {"allowedDomains": list(names)}}}


@pytest.mark.parametrize("name", ["*", "*.com", "*.co.uk", "*.io", "a.*"])
def test_hosts_that_anybody_can_have(world: World, name: str) -> None:
    assert "host-everything" in ids(world, hosts(name))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("github.com", True),
        ("*.github.com", True),
        ("*.amazonaws.com", True),
        ("pastebin.com:443", True),
        ("*.s3.amazonaws.com", False),
        ("team.blob.core.windows.net", False),
        ("*.blob.core.windows.net", True),
        ("*.github.io", True),
        ("team.github.io", False),
        ("api.example.com", False),
        ("*.example.com", False),
    ],
)
def test_hosts_that_take_data_of_anybody(world: World, name: str, found: bool) -> None:
    assert ("host-takes-anything" in ids(world, hosts(name))) is found
    if not name.endswith(":443"):
        assert ("host-takes-anything" in ids(world, allow(f"WebFetch(domain:{name})"))) is found


@pytest.mark.parametrize(
    ("filesystem", "found"),
    [
        ({"allowWrite": ["/usr/local/bin"]}, True),
        ({"allowWrite": ["/usr"]}, True),
        ({"allowWrite": ["/usr"], "denyWrite": ["/usr/bin", "/usr/local/bin", "/bin"]}, False),
        ({"allowWrite": ["/usr/local/binary"]}, False),
    ],
)
def test_folders_on_path(world: World, filesystem: object, found: bool) -> None:
    assert ("write-on-path" in ids(world, {"sandbox": {"filesystem": filesystem}})) is found


def test_folders_on_path_by_other_entries(world: World) -> None:
    assert "write-on-path" in ids(world, allow("Edit(//usr/local/**)"))
    assert "write-on-path" in ids(world, {"permissions": {"additionalDirectories": ["/usr/local"]}})
    assert "write-on-path" not in ids(world, {"permissions": {"additionalDirectories": ["/usr/local"]}}, PATH="/opt/bin")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"sandbox": {"filesystem": {"denyRead": ["/etc"]}}}, True),
        ({"sandbox": {"filesystem": {"denyRead": ["/etc/**/*.crt"]}}}, True),
        (deny("Read(//etc/ssl/certs/**)"), True),
        ({"sandbox": {"filesystem": {"denyRead": ["~/company"]}}}, True),
        ({"sandbox": {"filesystem": {"denyRead": ["~/company"], "allowRead": ["~/company/ca.pem"]}}}, False),
        ({"sandbox": {"filesystem": {"denyRead": ["~/company/private"]}}}, False),
        ({"sandbox": {"credentials": {"files": [{"path": "~/company/ca.pem", "mode": "deny"}]}}}, True),
    ],
)
def test_certificates(world: World, content: object, found: bool) -> None:
    assert ("hides-certificates" in ids(world, content, NODE_EXTRA_CA_CERTS=f"{world.home}/company/ca.pem")) is found


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        (".env", "A=1", True),
        (".env.production", "A=1", True),
        (".env.example", "A=", False),
        ("server.key", KEY, True),
        ("server.key", "no key at all", False),
        ("tls.pem", CERTIFICATE, False),
        ("tls.pem", KEY, True),
        ("deep/er/id_ed25519", KEY, True),
        ("node_modules/x/.env", "A=1", False),
        ("environment.ts", "A", False),
        ("secrets.enc.yaml", "A", False),
    ],
)
def test_secrets_in_the_project(world: World, name: str, text: str, found: bool) -> None:
    place = world.project / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    reported = [item for item in all_found(world) if item.id == "secret-readable"]
    assert [item.file for item in reported] == ([str(place)] if found else [])
    world.write("project", {"sandbox": {"filesystem": {"denyRead": [f"./{name}"]}}})
    assert not all_found(world)
    world.write("project", {"sandbox": {"filesystem": {"denyRead": ["~/"], "allowRead": ["."]}}})
    assert ("secret-readable" in {item.id for item in all_found(world)}) is found


def test_the_look_at_the_project_has_bounds_and_follows_no_link(world: World) -> None:
    for number in range(30):
        (world.project / f"{number}.env").write_text("A=1")
    (world.project / "loop").symlink_to(world.project)
    (world.project / "out").symlink_to(world.folder("elsewhere"))
    (world.folder("elsewhere") / ".env").write_text("A=1")
    found = all_found(world)
    assert len(found) == 20
    assert not [item for item in found if "/loop/" in item.file or "elsewhere" in item.file]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"sandbox": {"filesystem": {"allowRead": ["/run"]}}}, True),
        ({"sandbox": {"filesystem": {"allowRead": ["/"]}}}, False),
        ({"sandbox": {"filesystem": {"allowWrite": ["/var/run/docker.sock"]}}}, True),
        ({"sandbox": {"network": {"allowUnixSockets": ["~/.docker/run/docker.sock"]}}}, True),
        ({"sandbox": {"network": {"allowAllUnixSockets": True}}}, True),
        ({"sandbox": {"network": {"allowAllUnixSockets": False}}}, False),
        ({"sandbox": {"network": {"allowUnixSockets": ["/srv/agent.sock"]}}}, True),
    ],
)
def test_sockets(world: World, content: object, found: bool) -> None:
    assert ("socket-host-access" in ids(world, content, SSH_AUTH_SOCK="/srv/agent.sock")) is found


def test_a_mode_without_questions_is_the_users_own_business(world: World) -> None:
    mode = {"permissions": {"defaultMode": "bypassPermissions"}}
    assert "mode-bypass-in-project" in ids(world, mode)
    world.path("project").unlink()
    assert "mode-bypass-in-project" not in ids(world, mode, "user")


@pytest.mark.parametrize("rule", ["Read(", "WebFetch(example.com)", "NotebookRead(x)", "Read(~other/x)", "()"])
def test_what_is_no_rule(world: World, rule: str) -> None:
    for name, level in (("deny", "error"), ("ask", "error"), ("allow", "warning")):
        world.write("project", {"permissions": {name: [rule]}})
        found = [item for item in all_found(world) if item.id == "rule-malformed"]
        assert [item.level for item in found] == [level], (name, rule)


def test_what_does_not_count_shadows_nothing(world: World) -> None:
    world.write("managed", {"allowManagedPermissionRulesOnly": True}, "paddock")
    assert "entry-shadowed" not in ids(world, {"permissions": {"allow": ["Bash(ls)"], "deny": ["Bash(ls)"]}})
