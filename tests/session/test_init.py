"""``paddock init`` without its command line: the look at a project, the proposal, the text, the writing."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddock.errors import SettingsError, UnsupportedError, UsageError
from paddock.session import init_look
from paddock.session.init import PLACE, draft, write
from paddock.session.init_look import Found, look
from paddock.session.init_propose import choose, missing, propose
from paddock.session.init_text import added, render
from paddock.settings.document import parse
from paddock.settings.profiles import PROFILES


def put(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def scripts(**named: str) -> str:
    return json.dumps({"scripts": named})


def drafted(root: Path, *names: str) -> tuple[dict[str, object], list[tuple[str, str]]]:
    made = draft(str(root), dict(os.environ), names)
    return json.loads(made.files[0].after), list(made.widening)


# -- the look


@pytest.mark.parametrize(
    ("file", "profile"),
    [
        ("package.json", "web"),
        ("pnpm-lock.yaml", "web"),
        ("packages/one/package.json", "web"),
        ("uv.lock", "python"),
        ("services/api/pyproject.toml", "python"),
        ("Cargo.toml", "rust"),
        ("go.work", "go"),
        ("pom.xml", "java"),
        ("build.gradle.kts", "java"),
    ],
)
def test_a_language_is_seen(tmp_path: Path, file: str, profile: str) -> None:
    put(tmp_path, **{file: "{}"})
    assert look(str(tmp_path)).languages == {profile: [file]}


@pytest.mark.parametrize("file", ["node_modules/a/package.json", "a/b/c/Cargo.toml", ".cache/go.mod", "tests/data/pom.xml", "package.json.orig"])
def test_what_is_not_the_projects_own_is_not(tmp_path: Path, file: str) -> None:
    put(tmp_path, **{file: "{}"})
    assert look(str(tmp_path)).languages == {}


@pytest.mark.parametrize(
    ("name", "command", "port"),
    [
        ("start", "vite", 5173),
        ("dev", "vite --port 4000", 4000),
        ("dev", "PORT=4001 next dev", 4001),
        ("dev", "next dev -p 4002", 4002),
        ("dev", "node server.js --port=4003", 4003),
        ("dev", "tsc && ./node_modules/.bin/vite", 5173),
        ("dev", "node server.js", 0),
        ("dev", "vite --port 99999", 0),
        ("build", "vite build", None),
        ("test", "vitest", None),
        ("start", "node server.js", None),
    ],
)
def test_a_development_server_is_seen(tmp_path: Path, name: str, command: str, port: int | None) -> None:
    put(tmp_path, **{"package.json": scripts(**{name: command})})
    assert [server.port for server in look(str(tmp_path)).servers] == ([] if port is None else [port])


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = put(tmp_path / "outside", **{"package.json": scripts(dev="vite"), "sub/Cargo.toml": ""})
    project = put(tmp_path / "project", **{"go.mod": ""})
    (project / "package.json").symlink_to(outside / "package.json")
    (project / "sub").symlink_to(outside / "sub")
    found = look(str(project))
    assert (list(found.languages), found.servers) == (["go"], [])
    (project / "package.json").unlink()
    (project / "package.json").write_text((outside / "package.json").read_text())
    assert list(look(str(project)).languages) == ["go", "web"]


@pytest.mark.parametrize("text", ["not json", "[]", '{"scripts": 3}', "[" * 100_000, '{"a": "\\ud800"', "\0"])
def test_a_package_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    put(tmp_path, **{"package.json": text})
    assert look(str(tmp_path)).unreadable == ["package.json"]


def test_a_fifo_in_the_way_of_a_package_holds_nothing_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "package.json")
    assert look(str(tmp_path)).languages == {}


def test_the_look_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init_look, "MOST_ENTRIES", 10)
    for number in range(9):
        (tmp_path / f"f{number}").touch()
    put(tmp_path, **{"Cargo.toml": ""})
    found = look(str(tmp_path))
    assert (list(found.languages), found.cut) == (["rust"], False)
    (tmp_path / "one-more").touch()
    assert look(str(tmp_path)).cut


def test_secrets_by_their_names(tmp_path: Path) -> None:
    names = ("secrets/deploy.key", "deploy/tls.key", ".env.production", "terraform.tfstate", "src/secrets/store.go", "keys.py", "bundle.pem", ".env")
    put(tmp_path, **dict.fromkeys(names, ""))
    found = look(str(tmp_path))
    assert found.secrets == [".env.production", "secrets", "terraform.tfstate", "deploy/tls.key"]
    assert found.environment == [".env"]


# -- the choice and the proposal


def test_named_languages_stand_in_place_of_found_ones_and_additions_join() -> None:
    found = Found(languages={"web": ["package.json"]})
    chosen = {names: [profile.name for profile in choose(found, names)] for names in ((), ("team",), ("python",), ("python", "team"), ("untrusted",))}
    assert chosen == {(): ["web"], ("team",): ["web", "team"], ("python",): ["python"], ("python", "team"): ["python", "team"], ("untrusted",): ["untrusted"]}


@pytest.mark.parametrize("names", [("untrusted", "web"), ("enterprise", "team")])
def test_what_stands_alone_joins_nothing(names: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="stands alone"):
        choose(Found(), names)


def test_the_port_of_a_server_goes_before_all_ports(tmp_path: Path) -> None:
    put(tmp_path, **{"package.json": scripts(dev="vite")})
    settings, widening = drafted(tmp_path)
    assert settings["paddock"]["network"]["publish"] == [5173]  # type: ignore[index]  # JSON
    assert "sandbox" not in settings
    assert widening == [("paddock.network.tools", "npm"), ("paddock.network.publish", "5173")]
    put(tmp_path, **{"package.json": scripts(dev="node server.js")})
    settings, widening = drafted(tmp_path)
    assert settings["sandbox"]["network"]["allowLocalBinding"] is True  # type: ignore[index]
    assert widening == [("paddock.network.tools", "npm"), ("sandbox.network.allowLocalBinding", "true")]
    put(tmp_path, **{"package.json": scripts(build="vite build")})
    assert "sandbox" not in drafted(tmp_path)[0]
    assert "sandbox" in drafted(tmp_path, "web")[0], "somebody chose it as it is"


@pytest.mark.parametrize(("file", "tools"), [("pom.xml", ["maven"]), ("build.gradle", ["gradle"])])
def test_of_maven_and_gradle_the_one_that_is_used(tmp_path: Path, file: str, tools: list[str]) -> None:
    put(tmp_path, **{file: ""})
    assert drafted(tmp_path)[0]["paddock"]["network"]["tools"] == tools  # type: ignore[index]


def test_profiles_are_not_changed_by_what_is_made_of_them() -> None:
    before = json.dumps({name: profile.settings for name, profile in PROFILES.items()})
    found = Found(languages={"web": ["package.json"], "java": ["pom.xml"]}, java={"maven"}, secrets=["secrets"])
    propose(found, choose(found, ("team", "containers")), named=False)
    assert json.dumps({name: profile.settings for name, profile in PROFILES.items()}) == before


def test_a_name_with_wildcards_hides_itself_only(tmp_path: Path) -> None:
    put(tmp_path, **{"a*.key": "", "ab.key.txt": ""})
    settings, _ = drafted(tmp_path)
    assert settings["sandbox"]["filesystem"]["denyRead"] == ["./a\\*.key"]  # type: ignore[index]


def test_a_name_that_no_file_could_show_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "tab\t.key").touch()
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.key")).touch()
    assert "sandbox" not in drafted(tmp_path)[0]


# -- what is there already


def test_nothing_is_said_twice_and_no_value_of_somebody_is_touched(tmp_path: Path) -> None:
    put(tmp_path, **{"uv.lock": "", "secrets/x": "", ".env.production": ""})
    put(tmp_path, **{".claude/settings.json": '{"sandbox": {"allowUnsandboxedCommands": true, "filesystem": {"denyRead": ["./.env.*"]}}}'})
    settings, _ = drafted(tmp_path, "team")
    assert settings["sandbox"]["filesystem"]["denyRead"] == ["./secrets"]  # type: ignore[index]
    assert "allowUnsandboxedCommands" not in settings["sandbox"]  # type: ignore[operator]


def test_additions_keep_every_character(tmp_path: Path) -> None:
    before = '{\n\t"model":  "x",\n\t"paddock": { "limits": {"processes": 7} },\n\t"permissions": {\n\t\t"ask": [\n\t\t\t"Bash(make *)"\n\t\t]\n\t}\n}\n\n'
    put(tmp_path, **{"go.mod": "", PLACE: before})
    (file,) = draft(str(tmp_path), dict(os.environ), ()).files
    kept = iter(file.after)
    assert all(char in kept for char in before), "the old text is part of the new one, in its order"
    after = json.loads(file.after)
    assert after["paddock"]["limits"] == {"processes": 7}
    assert after["paddock"]["network"]["tools"] == ["go"]
    assert after["permissions"]["ask"] == ["Bash(make *)", "Bash(git push *)"]
    assert '\n\t\t\t"Bash(make *)",\n\t\t\t"Bash(git push *)"\n\t\t]' in file.after
    assert list(after) == ["model", "paddock", "permissions"]
    write(file)
    assert not draft(str(tmp_path), dict(os.environ), ()).files, "the second time nothing is missing"


@pytest.mark.parametrize(
    "text", ["{}", "{ }", "{\n}", '{"paddock": {}}', '{"paddock": {"network": {"tools": []}}}', '{"paddock":{"network":{\n"tools":[ "npm"]}}}']
)
def test_additions_to_any_shape_are_json(text: str) -> None:
    after = added(parse("x", text), {"paddock": {"network": {"tools": ["go"], "publish": [1]}}, "env": {"A": "1"}})
    assert json.loads(after)["paddock"]["network"] == {"tools": [*(["npm"] if "npm" in text else []), "go"], "publish": [1]}
    assert json.loads(after)["env"] == {"A": "1"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('ab"\\\n,{}[]: é', max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text("abc", max_size=2), JSON, max_size=4)


def joined(old: dict[str, object], new: dict[str, object]) -> dict[str, object]:
    """What additions mean, on values."""
    out = dict(old)
    for name, value in new.items():
        there = out.get(name)
        if name not in out:
            out[name] = value
        elif isinstance(value, dict) and isinstance(there, dict):
            out[name] = joined(there, value)
        elif isinstance(value, list) and isinstance(there, list):
            out[name] = there + value
    return out


@given(OBJECTS, OBJECTS, st.sampled_from([None, 0, 2, "\t"]))
def test_additions_to_any_text_mean_what_they_say(old: dict[str, object], new: dict[str, object], indent: int | str | None) -> None:
    assert json.loads(added(parse("x", json.dumps(old, indent=indent)), new)) == joined(old, new)


@given(OBJECTS)
def test_what_is_rendered_is_read_again(value: dict[str, object]) -> None:
    assert json.loads(render(value)) == value
    assert missing(value, value, [], "/p") == {}


def test_a_file_that_no_run_would_take_is_left_alone(tmp_path: Path) -> None:
    put(tmp_path, **{PLACE: '{"sandbox": {"netwrk": {}}}'})
    with pytest.raises(SettingsError, match="netwrk"):
        draft(str(tmp_path), dict(os.environ), ())


def test_a_home_is_no_project(isolated_environment: Path) -> None:
    for folder in (isolated_environment, isolated_environment.parent):
        with pytest.raises(UsageError, match="no project"):
            draft(str(folder), dict(os.environ), ())
    draft(str(isolated_environment / ".config"), dict(os.environ), ())


def test_a_folder_below_the_repositorys_root_is_told(tmp_path: Path) -> None:
    put(tmp_path, **{".git/HEAD": "ref: refs/heads/main\n", ".git/config": "", ".git/objects/x": "", ".git/refs/x": "", "part/go.mod": ""})
    assert draft(str(tmp_path / "part"), dict(os.environ), ()).above == str(tmp_path)
    assert draft(str(tmp_path), dict(os.environ), ()).above == ""


# -- the writing


def test_a_new_file_is_readable_for_others_and_by_nobody_elses_name(tmp_path: Path) -> None:
    (file,) = draft(str(put(tmp_path, **{"go.mod": ""})), dict(os.environ), ()).files
    write(file)
    assert (tmp_path / PLACE).read_text() == file.after
    assert os.listdir(tmp_path / ".paddock") == ["settings.json"]
    with pytest.raises(UnsupportedError, match="is there meanwhile"):
        write(file)


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    project = put(tmp_path / "project", **{"go.mod": ""})
    (elsewhere := tmp_path / "elsewhere").mkdir()
    (file,) = draft(str(project), dict(os.environ), ()).files
    (project / ".paddock").symlink_to(elsewhere)
    with pytest.raises(UnsupportedError, match="cannot be written") as raised:
        write(file)
    assert "symbolic link" in raised.value.hint
    assert os.listdir(elsewhere) == []
    (project / ".paddock").unlink()
    (project / ".paddock").mkdir()
    (project / PLACE).symlink_to(elsewhere / "planted")
    with pytest.raises(UnsupportedError):
        write(file)
    assert os.listdir(elsewhere) == []


def test_a_file_that_changed_since_it_was_read_stays(tmp_path: Path) -> None:
    put(tmp_path, **{"go.mod": "", PLACE: "{}"})
    (file,) = draft(str(tmp_path), dict(os.environ), ()).files
    (tmp_path / PLACE).write_text('{"model": "y"}')
    with pytest.raises(UnsupportedError, match="changed meanwhile"):
        write(file)
    assert (tmp_path / PLACE).read_text() == '{"model": "y"}'
    assert os.listdir(tmp_path / ".paddock") == ["settings.json"]


def test_additions_keep_the_mode(tmp_path: Path) -> None:
    put(tmp_path, **{"go.mod": "", PLACE: "{}"})
    (tmp_path / PLACE).chmod(0o640)
    (file,) = draft(str(tmp_path), dict(os.environ), ()).files
    write(file)
    assert stat.S_IMODE((tmp_path / PLACE).stat().st_mode) == 0o640
