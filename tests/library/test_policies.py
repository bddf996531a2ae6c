"""``paddock.Policy``: where policies come from, what is wrong with them, what they answer; and the small pieces below the library."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import paddock
from paddock.library import PUBLIC, workspace
from paddock.library.helper import start_line
from paddock.library.wire import error_from_json, error_to_json, settings_from_json, settings_to_json
from paddock.model.record import names
from paddock.model.settings import Settings
from paddock.session.prepare import Request, load_settings
from tests.project.source import PACKAGE, Module


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def settings(file: Path, value: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value))


def reaches(policy: paddock.Policy, host: str) -> bool:
    return policy.explain(host)["reach"].allowed


# -- the door


def test_importing_loads_nothing_and_asking_loads_what_was_asked_for() -> None:
    code = "import sys, paddock; before = set(sys.modules); paddock.PaddockError; print(sorted(set(sys.modules) - before)); print('subprocess' in sys.modules)"
    environ = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-S", "-c", code], env=environ, capture_output=True, text=True, check=True)
    modules, heavy = done.stdout.splitlines()
    assert "paddock.errors" in modules
    assert "paddock.session" not in modules
    assert heavy == "False"


def test_the_table_of_public_names_is_what_type_checkers_see() -> None:
    door = Module(PACKAGE / "__init__.py").path.read_text(encoding="utf-8")
    for name, place in PUBLIC.items():
        assert f"from {place} import {name} as {name}\n" in door
        assert getattr(paddock, name).__name__ == name
    assert door.count(" import ") == len(PUBLIC) + 2  # annotations, and importlib in the function
    assert (PACKAGE / "py.typed").exists()


def test_a_name_that_does_not_exist_says_which_does() -> None:
    with pytest.raises(AttributeError, match="did you mean 'Policy'"):
        paddock.Polcy  # noqa: B018 -- asked for on purpose
    assert not hasattr(paddock, "__path_hooks__")


# -- load


def test_load_reads_the_files_of_a_folder_once(project: Path, isolated_environment: Path) -> None:
    file = isolated_environment / ".config/paddock/settings.json"
    settings(file, {"sandbox": {"network": {"allowedDomains": ["a.example"]}}})
    policy = paddock.Policy.load(project)
    settings(file, {"sandbox": {"network": {"allowedDomains": ["b.example"]}}})
    assert reaches(policy, "a.example")
    assert not reaches(policy, "b.example")
    assert reaches(paddock.Policy.load(), "b.example")
    assert repr(policy) == f"<paddock.Policy.load({str(project)!r})>"


def test_project_files_widen_nothing_before_they_are_trusted(project: Path) -> None:
    settings(project / ".claude/settings.json", {"sandbox": {"network": {"allowedDomains": ["a.example"]}}})
    assert not reaches(paddock.Policy.load(), "a.example")
    assert reaches(paddock.Policy.load(trust_project=True), "a.example")
    done = paddock.run(["true"])
    assert "paddock trust" in done.notices[0]


def test_what_is_wrong_with_a_file_is_said_at_once_with_its_place(project: Path) -> None:
    (project / ".claude").mkdir()
    (project / ".claude/settings.json").write_text('{\n"sandbox": {"filesystem": {"denyReed": []}}}')
    with pytest.raises(paddock.SettingsError, match=r"settings\.json:2:28: .*denyReed.*did you mean sandbox\.filesystem\.denyRead"):
        paddock.Policy.load(project)
    with pytest.raises(paddock.UsageError, match="absent"):
        paddock.Policy.load(project / "absent")


def test_a_policy_stays_when_the_environment_changes(project: Path, isolated_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (isolated_environment / ".ssh").mkdir()
    policy = paddock.Policy.from_settings({})
    monkeypatch.setenv("HOME", "/nonexistent")
    assert not policy.explain(str(isolated_environment / ".ssh"))["read"].allowed


# -- from_settings


def test_a_dict_means_what_a_file_means(project: Path) -> None:
    (project / "data").write_text("x")
    policy = paddock.Policy.from_settings({"sandbox": {"filesystem": {"denyRead": ["data"]}}, "paddock": {"limits": {"openFiles": 64}}})
    done = paddock.run(["sh", "-c", "cat data; ulimit -n"], policy=policy, capture_output=True, text=True)
    assert done.stdout == "64\n"
    (refused,) = done.violations
    assert (refused.subject, refused.rule.file if refused.rule else "") == (str(project / "data"), "Policy.from_settings()")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"sandbox": {"network": {"allowedDomain": []}}}, "unknown setting sandbox.network.allowedDomain (did you mean sandbox.network.allowedDomains?)"),
        ({"sandbox": {"filesystem": {"denyRead": "x"}}}, "sandbox.filesystem.denyRead: expected a list, found a string"),
        ({"paddock": {"limits": {"openFiles": 1.5}}}, "paddock.limits.openFiles: expected a whole number"),
        ({"paddock": {"limits": {"openFiles": {1}}}}, "paddock.limits.openFiles: {1} is not a value of JSON"),
        ({"sandbox": {"filesystem": {"denyRead": [b"x"]}}}, "sandbox.filesystem.denyRead[0]: b'x' is not a value of JSON"),
        ({"paddock": {"limits": {"timeoutSeconds": float("nan")}}}, "paddock.limits.timeoutSeconds: nan is not a value of JSON"),
        ({3: {}}, "settings: the name 3 is not a string"),
        ([], "settings are a dict"),
    ],
)
def test_what_is_wrong_with_a_dict_is_said_with_its_key(value: dict[str, object], said: str) -> None:
    with pytest.raises(paddock.SettingsError) as caught:
        paddock.Policy.from_settings(value)
    assert str(caught.value).startswith(f"Policy.from_settings(): {said}")


def test_paths_and_tuples_are_taken(project: Path) -> None:
    policy = paddock.Policy.from_settings({"sandbox": {"filesystem": {"denyRead": (project / "x",)}}})
    (project / "x").write_text("")
    assert not policy.explain("x")["read"].allowed


def test_no_file_of_the_folder_or_the_user_counts(project: Path, isolated_environment: Path) -> None:
    settings(isolated_environment / ".config/paddock/settings.json", {"sandbox": {"network": {"allowedDomains": ["a.example"]}}})
    assert not reaches(paddock.Policy.from_settings({}), "a.example")


def test_policies_are_combined_and_do_not_change() -> None:
    base = paddock.Policy.from_settings({"sandbox": {"network": {"allowedDomains": ["a.example"]}}})
    more = base.with_settings({"sandbox": {"network": {"allowedDomains": ["b.example"]}}})
    less = more.with_settings({"sandbox": {"network": {"deniedDomains": ["a.example"]}}})
    assert [reaches(p, h) for p in (base, more, less) for h in ("a.example", "b.example")] == [True, False, True, True, False, True]
    with pytest.raises(AttributeError, match="with_settings"):
        base._given = ()
    with pytest.raises(TypeError, match=r"Policy\.load\(\)"):
        paddock.Policy()


def test_a_loaded_policy_is_combined_with_its_files(project: Path, isolated_environment: Path) -> None:
    settings(isolated_environment / ".config/paddock/settings.json", {"sandbox": {"network": {"allowedDomains": ["a.example"]}}})
    policy = paddock.Policy.load(project).with_settings({"sandbox": {"network": {"allowedDomains": ["b.example"]}}})
    assert reaches(policy, "a.example")
    assert reaches(policy, "b.example")


# -- the profile for code that nobody has looked at


def test_untrusted_gets_an_empty_folder_that_is_gone_afterwards(isolated_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (isolated_environment / "private").write_text("s3cret")
    monkeypatch.setenv("ANYTHING", "s3cret")
    script = 'pwd; ls -A; echo x >made; mkdir -p deep/er; chmod 0 deep; ls /home "$1" "$2"; env; echo home=$HOME'
    argv = ["sh", "-c", script, "sh", str(isolated_environment), "/root"]
    done = paddock.run(argv, policy=paddock.Policy.profile("untrusted"), capture_output=True, text=True)
    folder = done.stdout.splitlines()[0]
    assert not os.path.exists(folder)
    assert "s3cret" not in done.stdout
    assert "private" not in done.stdout
    assert "home=/tmp\n" in done.stdout


def test_untrusted_has_no_network_and_limits(project: Path) -> None:
    policy = paddock.Policy.profile("untrusted")
    assert not reaches(policy, "a.example")
    assert not reaches(policy, "127.0.0.1:80")
    assert paddock.run(["sh", "-c", "ulimit -n"], policy=policy, capture_output=True).stdout == b"1024\n"


def test_untrusted_may_only_read_a_folder_that_is_named(project: Path) -> None:
    (project / "input").write_text("given\n")
    done = paddock.run(["sh", "-c", "cat input; touch made"], policy=paddock.Policy.profile("untrusted"), cwd=project, capture_output=True)
    assert (done.returncode, done.stdout) == (1, b"given\n")
    assert [(v.act, v.subject) for v in done.violations] == [("write", f"{project}/made")]
    assert [path.name for path in project.iterdir()] == ["input"]


def test_an_unknown_profile_names_the_nearest() -> None:
    with pytest.raises(paddock.UsageError) as caught:
        paddock.Policy.profile("untrused")
    assert caught.value.hint == "did you mean 'untrusted'?"


# -- explain


def test_explanations_name_rule_file_line_and_remedy(project: Path) -> None:
    (project / ".claude").mkdir()
    (project / ".claude/settings.json").write_text('{"sandbox": {"filesystem": {\n"denyRead": ["data"]}}}')
    (project / "data").write_text("")
    policy = paddock.Policy.load()
    answer = policy.explain("data")
    read = answer["read"]
    assert (answer.kind, answer.subject) == ("path", f"{project}/data")
    assert (read.decision, read.rule, read.file, read.line) == ("deny", 'sandbox.filesystem.denyRead "data"', f"{project}/.claude/settings.json", 2)
    assert "sandbox.filesystem.allowRead" in read.remedy
    assert "allowedDomains" in policy.explain("a.example")["reach"].remedy
    assert "deny" in str(answer)
    assert policy.explain("PATH", kind="env")["see"].allowed
    assert policy.explain("sh", kind="command")["start"].allowed
    with pytest.raises(paddock.UsageError, match="not a kind"):
        policy.explain("x", kind="thing")


def test_explaining_from_many_threads_at_once(project: Path) -> None:
    policy = paddock.Policy.load()
    found: list[bool] = []
    threads = [threading.Thread(target=lambda: found.append(policy.explain("/etc/passwd")["read"].allowed)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 8


# -- over the border


def test_settings_survive_the_way_to_the_helper(project: Path, isolated_environment: Path) -> None:
    rules = {"network": {"allowedDomains": ["a.example"]}, "credentials": {"envVars": [{"name": "X", "mode": "deny"}]}}
    settings(project / ".claude/settings.json", {"sandbox": rules, "env": {"A": "ü"}, "hooks": {}})
    loaded = load_settings(Request((), str(project), dict(os.environ)))
    assert loaded.trust_needed
    again = settings_from_json(json.loads(json.dumps(settings_to_json(loaded))))
    assert again == loaded
    assert set(settings_to_json(loaded)) == set(names(Settings))


@pytest.mark.parametrize(
    "error",
    [
        paddock.UsageError("a", hint="b"),
        paddock.SettingsError([paddock.errors.Problem("f", 1, 2, "m", "h"), paddock.errors.Problem("g", 0, 0, "n")]),
        paddock.PolicyError("a", hint="b", code="c"),
        paddock.UnsupportedError("a", cause="b", hint="c"),
        paddock.LaunchError("a", step="b", errno=5, hint="c"),
        paddock.CommandNotFoundError("a", hint="b"),
        paddock.CommandNotExecutableError("a"),
        paddock.InternalError("a"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_the_way_back(error: paddock.PaddockError) -> None:
    again = error_from_json(json.loads(json.dumps(error_to_json(error))))
    assert type(again) is type(error)
    assert (str(again), again.hint) == (str(error), error.hint)
    assert error_to_json(again) == error_to_json(error)


def test_an_error_of_another_version_is_not_lost() -> None:
    error = error_from_json({"class": "BrandNewError", "message": "a", "hint": "b"})
    assert (type(error), str(error), error.hint) == (paddock.InternalError, "BrandNewError: a", "b")


# -- the helper


def test_the_helper_is_isolated_and_imports_three_packages_only(project: Path) -> None:
    words = start_line(0, 0, 0)
    assert words[0] == os.path.realpath(sys.executable)
    assert words[1:3] == ["-I", "-S"]
    assert words[words.index("-c") + 5 :: 2] == ["paddock", "h11", "dns"]
    probe = words[words.index("-c") + 1].partition("from paddock.library")[0] + "import paddock, h11, dns\nimport pytest\n"
    done = subprocess.run([*words[:5], "-c", probe, *words[words.index("-c") + 2 :]], capture_output=True, text=True, check=False, env={}, cwd=project)
    assert "No module named 'pytest'" in done.stderr, "a package that stands beside the three is not found"


def test_a_caller_that_is_killed_takes_the_fence_along(tmp_path: Path) -> None:
    code = "import paddock; paddock.run(['sh', '-c', 'pwd; exec sleep 1000'], policy=paddock.Policy.profile('untrusted'))"
    environ = {**os.environ, "PYTHONPATH": ":".join(sys.path), "TMPDIR": str(tmp_path)}
    caller = subprocess.Popen([sys.executable, "-c", code], env=environ, stdout=subprocess.PIPE)
    assert caller.stdout is not None
    folder = caller.stdout.readline().decode().strip()
    assert os.path.isdir(folder)
    caller.send_signal(signal.SIGKILL)
    assert caller.stdout.read() == b"", "end of file: the helper was the last that held the pipe"
    assert not os.path.lexists(folder)
    caller.wait()
    caller.stdout.close()


def test_a_key_at_the_terminal_interrupts_the_call_and_ends_the_fence(project: Path) -> None:
    run = "paddock.run(['sh', '-c', 'echo; exec sleep 1000'], policy=paddock.Policy.from_settings({}))"
    code = f"import paddock, sys\ntry: {run}\nexcept KeyboardInterrupt: sys.exit(77)"
    environ = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    caller = subprocess.Popen([sys.executable, "-c", code], env=environ, stdout=subprocess.PIPE, start_new_session=True)
    assert caller.stdout is not None
    caller.stdout.readline()
    os.killpg(caller.pid, signal.SIGINT)
    assert caller.stdout.read() == b""
    assert caller.wait() == 77
    caller.stdout.close()


# -- the fresh folder


def test_a_folder_is_removed_however_deep_and_closed_it_is() -> None:
    top = workspace.make()
    assert os.stat(top).st_mode & 0o777 == 0o700
    here = os.open(top, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=here)
        after = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = after
    os.close(here)
    Path(top, "closed").mkdir()
    Path(top, "closed", "file").write_text("")
    os.chmod(Path(top, "closed"), 0)
    workspace.remove(top)
    assert not os.path.lexists(top)
    workspace.remove(top)


def test_links_are_removed_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("")
    top = workspace.make()
    os.symlink(tmp_path, f"{top}/way")
    os.mkdir(f"{top}/1")
    os.symlink(tmp_path, f"{top}/1/way")
    workspace.remove(top)
    assert (tmp_path / "kept").exists()
    os.symlink(tmp_path, top)
    with pytest.raises(OSError, match="Not a directory"):
        workspace.remove(top)
    os.unlink(top)
