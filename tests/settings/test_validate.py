from __future__ import annotations

import json

import pytest

from paddock.errors import Problem, SettingsError, UsageError
from paddock.model.settings import Scope
from paddock.settings.document import parse
from paddock.settings.layer import Family, Layer
from paddock.settings.validate import option_layer, read_layer
from tests.settings.world import World


def read(content: object, scope: Scope = Scope.PROJECT) -> tuple[Layer, list[Problem]]:
    return read_layer(parse("team.json", content if isinstance(content, str) else json.dumps(content)), scope, Family.CLAUDE)


def test_every_entry_knows_its_place_and_its_words() -> None:
    layer, problems = read(
        """{
  "env": {"A": "secret"},
  "sandbox": {
    "enabled":  true,
    "filesystem": {"denyRead": ["~/x",
      "y"]},
    "credentials": {"files": [{"path": "~/.aws",  "mode": "deny"}]}
  }
}"""
    )
    assert problems == []
    first, second = layer.lists["sandbox.filesystem.denyRead"]
    assert (first.value, first.origin.line, first.origin.column) == ("~/x", 5, 33)
    assert (second.value, second.origin.line, second.origin.column) == ("y", 6, 7)
    assert (second.origin.file, second.origin.key, second.origin.scope) == ("team.json", "sandbox.filesystem.denyRead", Scope.PROJECT)
    assert layer.scalars["sandbox.enabled"].value is True
    assert layer.scalars["sandbox.enabled"].origin.text == "true"
    assert layer.lists["sandbox.credentials.files"][0].value == {"path": "~/.aws", "mode": "deny"}
    assert layer.lists["sandbox.credentials.files"][0].origin.text == '{"path": "~/.aws", "mode": "deny"}'


def test_the_value_of_a_variable_is_in_no_text() -> None:
    layer, _ = read({"env": {"A": "planted-secret"}, "paddock": {"environment": {"set": {"B": "planted-secret"}}}})
    for name, key in (("A", "env"), ("B", "paddock.environment.set")):
        entry = layer.maps[key][name]
        assert entry.value == "planted-secret"
        assert "planted" not in str(entry.origin) + entry.origin.text


@pytest.mark.parametrize(
    ("content", "key", "hint"),
    [
        ({"sandbox": {"mode": "strict"}}, "sandbox.mode", '"enabled": true'),
        ({"sandbox": {"allowedDomains": []}}, "sandbox.allowedDomains", "sandbox.network.allowedDomains"),
        ({"sandbox": {"denyRead": []}}, "sandbox.denyRead", "sandbox.filesystem.denyRead"),
        ({"sandbox": {"network": {"allow": []}}}, "sandbox.network.allow", "allowedDomains"),
        ({"sandbox": {"network": {"deny": []}}}, "sandbox.network.deny", "deniedDomains"),
        ({"sandbox": {"filesystem": {"denyReed": []}}}, "sandbox.filesystem.denyReed", "did you mean sandbox.filesystem.denyRead?"),
        ({"sandbox": {"filesystem": {"denyread": []}}}, "sandbox.filesystem.denyread", "did you mean sandbox.filesystem.denyRead?"),
        ({"permissions": {"alow": []}}, "permissions.alow", "did you mean permissions.allow?"),
        ({"paddock": {"limit": {}}}, "paddock.limit", "did you mean paddock.limits?"),
        ({"paddock": {"limits": {"memory": 5}}}, "paddock.limits.memory", "did you mean paddock.limits.memoryMb?"),
        ({"paddock": {"zzz": 1}}, "paddock.zzz", "known here: audit, backend"),
    ],
)
def test_unknown_names_are_problems_with_the_nearest_spelling(content: object, key: str, hint: str) -> None:
    _, (problem,) = read(content)
    assert problem.message == f"unknown setting {key}"
    assert hint in problem.hint
    assert problem.line == 1


def test_unknown_names_at_the_top_belong_to_other_readers() -> None:
    layer, problems = read({"somebodyElses": {"sandbox": 1}, "$schema": "x", "sandbox": {"enabled": True}})
    assert problems == []
    assert list(layer.scalars) == ["sandbox.enabled"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"sandbox": []}, "sandbox is an object of settings"),
        ({"sandbox": {"network": None}}, "sandbox.network is an object of settings"),
        ({"sandbox": {"enabled": "true"}}, "sandbox.enabled: expected true or false, found a string"),
        ({"sandbox": {"enabled": 1}}, "sandbox.enabled: expected true or false, found the number 1"),
        ({"sandbox": {"enabled": None}}, "sandbox.enabled: expected true or false, found null"),
        ({"sandbox": {"filesystem": {"denyRead": "~/x"}}}, "sandbox.filesystem.denyRead: expected a list, found a string"),
        ({"sandbox": {"filesystem": {"denyRead": [3]}}}, "sandbox.filesystem.denyRead: expected a path, found the number 3"),
        ({"sandbox": {"filesystem": {"denyRead": [""]}}}, "sandbox.filesystem.denyRead: a path cannot be empty"),
        ({"sandbox": {"filesystem": {"denyRead": ["a\0b"]}}}, "sandbox.filesystem.denyRead: a path cannot contain NUL"),
        ({"sandbox": {"filesystem": {"denyRead": ["~other/x"]}}}, '"~other/x": only "~" and "~/…" are understood'),
        ({"sandbox": {"credentials": {"files": [{"path": "x"}]}}}, '"mode" is missing'),
        ({"sandbox": {"credentials": {"files": [{"path": "x", "mode": "hide"}]}}}, 'expected "deny" or "mask", found "hide"'),
        ({"sandbox": {"credentials": {"files": [{"path": "x", "mode": "deny", "moed": 1}]}}}, 'unknown name "moed"'),
        ({"sandbox": {"credentials": {"envVars": [{"name": "A B", "mode": "deny"}]}}}, '"A B" is not the name of an environment variable'),
        ({"sandbox": {"bwrapPath": "bin/bwrap"}}, '"bin/bwrap" is not an absolute path'),
        ({"env": {"A": 1}}, "env: expected a string, found the number 1"),
        ({"env": {"1A": "x"}}, '"1A" is not the name of an environment variable'),
        ({"env": {"A": "x\0"}}, "cannot contain NUL"),
        ({"paddock": {"network": {"publish": [0]}}}, "expected a whole number from 1 to 65535, found 0"),
        ({"paddock": {"network": {"publish": [True]}}}, "expected a whole number from 1 to 65535, found true"),
        ({"paddock": {"limits": {"processes": 1.5}}}, "expected a whole number of at least 1, found the number 1.5"),
        ({"paddock": {"limits": {"timeoutSeconds": 0}}}, "expected a number above 0, found 0"),
        ({"paddock": {"backend": "docker"}}, 'expected one of "auto", "namespaces", "bubblewrap", "landlock", found "docker"'),
        ({"paddock": {"environment": {"remove": ["A=B"]}}}, "cannot match the name of an environment variable"),
        ({"sandbox": {"network": {"allowedDomains": ["https://a.example/x"]}}}, "is a URL or a range, not a host (did you mean a.example?)"),
        ({"sandbox": {"network": {"allowedDomains": ["a.example:99999"]}}}, "sandbox.network.allowedDomains: "),
        ({"sandbox": {"network": {"deniedDomains": ["a b"]}}}, "sandbox.network.deniedDomains: "),
        ({"sandbox": {"network": {"deniedDomains": [""]}}}, "sandbox.network.deniedDomains: an empty entry"),
        ({"paddock": {"network": {"dns": ["a/b"]}}}, "paddock.network.dns: "),
        ({"cleanupPeriodDays": 0}, "cleanupPeriodDays: expected a whole number of at least 1, found 0"),
        ([], "settings are one JSON object"),
    ],
)
def test_wrong_values_say_what_was_expected(content: object, message: str) -> None:
    layer, (problem,) = read(content)
    assert message in problem.message
    assert not layer.lists
    assert not layer.scalars
    assert not layer.maps


def test_every_form_of_a_host_pattern_is_read() -> None:
    forms = [
        "a.example",
        "A.Example.",
        "*.a.example",
        "a.example:443",
        "*",
        "127.0.0.1:80",
        "[::1]",
        "[::1]:443",
        "::1:443",
        "localhost:3000",
        "api-*.a.example",
    ]
    layer, problems = read({"sandbox": {"network": {"allowedDomains": forms, "deniedDomains": forms}}})
    assert problems == []
    assert [entry.value for entry in layer.lists["sandbox.network.allowedDomains"]] == forms


def test_a_relative_path_has_no_meaning_in_a_managed_file() -> None:
    content = {"sandbox": {"filesystem": {"denyRead": ["secrets", "/srv/x", "~/y"]}, "credentials": {"files": [{"path": "k", "mode": "deny"}]}}}
    _, problems = read(content, Scope.MANAGED)
    assert [p.column for p in problems] == [42, 98]
    assert all("no meaning in a managed file" in p.message for p in problems)
    assert read(content)[1] == []


def test_all_problems_of_all_files_come_at_once(world: World) -> None:
    project = world.write("project", {"sandbox": {"enabled": 1, "mode": 2}})
    user = world.write("user", '{"sandbox": }')
    ours = world.write("user", {"paddock": {"limits": {"processes": "many"}}}, "paddock")
    with pytest.raises(SettingsError) as caught:
        world.load()
    found = [(p.file, p.line) for p in caught.value.problems]
    assert found == [(str(project), 3), (str(project), 4), (str(ours), 4), (str(user), 1)]
    assert str(caught.value).count("\n") == 3


def test_options_become_entries_of_the_command_line() -> None:
    layer = option_layer("sandbox.network.allowedDomains", "a.example", "--allow-domain")
    (entry,) = layer.lists["sandbox.network.allowedDomains"]
    assert (entry.value, entry.origin.scope, entry.origin.file, entry.origin.line) == ("a.example", Scope.CLI, "--allow-domain", 0)
    assert [e.value for e in option_layer("paddock.network.publish", [80, 81], "--publish").lists["paddock.network.publish"]] == [80, 81]
    assert option_layer("paddock.limits.timeoutSeconds", 1.5, "--timeout").scalars["paddock.limits.timeoutSeconds"].value == 1.5
    assert option_layer("paddock.environment.set", {"A": "b"}, "--set").maps["paddock.environment.set"]["A"].value == "b"


@pytest.mark.parametrize(
    ("key", "value"), [("paddock.network.publish", 70000), ("sandbox.filesystem.denyRead", ""), ("paddock.limits.processes", "5"), ("env", "A=b")]
)
def test_an_option_with_a_wrong_value_is_the_callers_mistake(key: str, value: object) -> None:
    with pytest.raises(UsageError, match="--option: "):
        option_layer(key, value, "--option")


def test_a_comment_is_text_and_counts_for_nothing() -> None:
    plain = {"sandbox": {"network": {"allowedDomains": ["a.example"]}}, "paddock": {"limits": {"processes": 3}}}
    said = {
        "//": ["two", "lines"],
        "sandbox": {"//": "why", "network": {"//": [], "allowedDomains": ["a.example"]}},
        "paddock": {"limits": {"//": "few", "processes": 3}},
    }
    layer, problems = read(said)
    assert problems == []
    bare, _ = read(plain)
    assert [(key.name, entry.value) for key, entry in layer.entries()] == [(key.name, entry.value) for key, entry in bare.entries()]
    assert layer.others == []


@pytest.mark.parametrize("moved", [{"denyRead": ["~/"]}, 1, None, ["text", ["~/"]]])
def test_a_comment_that_is_no_text_is_wrong(moved: object) -> None:
    _, problems = read({"sandbox": {"filesystem": {"//": moved}}})
    assert [problem.message for problem in problems] == ['"//" is a comment: a text, or a list of texts']
    assert read({"//": moved})[1] == [], "the names at the top belong to other readers"


@pytest.mark.parametrize("twice", ['{"sandbox": {"//": "a", "//": "b"}}'])
def test_two_comments_in_one_object_are_a_duplicate(twice: str) -> None:
    with pytest.raises(SettingsError, match="stands twice"):
        read(twice)


def test_a_comment_is_no_name_of_a_variable() -> None:
    _, problems = read({"paddock": {"environment": {"set": {"//": "text"}}}})
    assert [problem.message.partition(":")[0] for problem in problems] == ["paddock.environment.set"]
