"""The table, the schema that is made from it, and what a release does not do."""

from __future__ import annotations

import pytest

from paddock.errors import PolicyError
from paddock.model.settings import Scope
from paddock.settings.schema import json_schema
from paddock.settings.support import NOT_GIVEN, UNSUPPORTED, refuse_unsupported
from paddock.settings.table import KEYS, SECTIONS, TABLE, Class, Key, Merge, Widens
from paddock.settings.types import Shape
from tests.settings.world import World

# The keys of the `paddock` object as the design lists them. Another key needs a line there first.
DESIGNED = {
    "backend", "network.tools", "network.proxyEnv", "network.publish", "network.upstreamCa", "network.dns", "network.http", "network.upstream",
    "filesystem.unprotect", "filesystem.allowManagedUnprotectOnly", "filesystem.project", "environment.keep", "environment.remove", "environment.set",
    "limits.memoryMb", "limits.diskMb", "limits.processes", "limits.cpuSeconds", "limits.timeoutSeconds", "limits.openFiles",
    "programs.only", "programs.fromRules", "audit", "hooks.failClosed", "mcp.servers", "credentials",
}  # fmt: skip


def test_our_keys_are_exactly_the_designed_ones() -> None:
    assert {key.name.removeprefix("paddock.") for key in TABLE if key.name.startswith("paddock.")} == DESIGNED


def test_rows_are_whole() -> None:
    assert len(KEYS) == len(TABLE)
    assert not set(KEYS) & SECTIONS
    for key in TABLE:
        assert key.about.endswith((".", "…")), key.name
        assert key.scopes, key.name
        assert (key.widens is Widens.VALUES) == bool(key.widening_values), key.name
        assert not key.lock or KEYS[key.lock].scopes == {Scope.MANAGED}, key.name
        assert key.merge is Merge.SCALAR or not (key.stricter or key.one_way or key.tighten_only), key.name
        assert not (key.one_way or key.tighten_only) or key.stricter, key.name
        if key.widens is Widens.OUTSIDE_PROJECT:
            assert key.shape.is_path, key.name


def test_every_column_of_every_row_exists_and_has_the_kind_that_it_should() -> None:
    columns = Key.__annotations__
    kinds = {
        "frozenset": frozenset,
        "tuple": tuple,
        "str": str,
        "bool": bool,
        "Shape": Shape,
        "Merge": Merge,
        "Class": Class,
        "Widens": Widens,
        "object": object,
    }
    for key in TABLE:
        for name, value in vars(key).items():
            allowed = tuple(kinds[part.strip().partition("[")[0]] for part in columns[name].split("|"))
            assert isinstance(value, allowed), f"{key.name}: {name}"
    with pytest.raises(AttributeError, match="is fixed"):
        TABLE[0].default = 1
    assert {key.held for key in TABLE} == {"", "always", "interactive"}
    assert {key.every_admin for key in TABLE} == {"", "any", "stricter"}
    assert all(Scope.MANAGED in key.scopes for key in TABLE if key.every_admin or key.broken)


def test_the_schema_has_every_key_and_no_other() -> None:
    found: dict[str, dict[str, object]] = {}

    def visit(prefix: str, schema: dict[str, object]) -> None:
        properties = schema.get("properties", {})
        assert isinstance(properties, dict)
        assert "comment" in str(properties.pop("//"))
        for name, inner in properties.items():
            dotted = f"{prefix}{name}"
            if dotted in SECTIONS:
                assert inner["additionalProperties"] is False
                visit(dotted + ".", inner)
            else:
                found[dotted] = inner

    schema = json_schema()
    assert schema["additionalProperties"] is True
    visit("", schema)
    assert set(found) == set(KEYS)
    for name, row in found.items():
        assert row["description"] == KEYS[name].about
        assert row["x-class"] == KEYS[name].cls.value
    assert found["paddock.limits.processes"]["default"] == 1280
    assert found["sandbox.filesystem.denyRead"]["items"] == {"type": "string"}
    assert found["sandbox.bwrapPath"]["x-scopes"] == ["managed"]


def test_everything_of_the_refused_class_is_refused_and_nothing_enforced_is_refused_whole() -> None:
    rows = {row.key for row in UNSUPPORTED}
    assert {key.name for key in TABLE if key.cls is Class.REFUSED} <= rows
    partly = {row.key for row in UNSUPPORTED if KEYS[row.key].cls is not Class.REFUSED}
    assert partly == {"sandbox.credentials.files", "sandbox.credentials.envVars"}, "mode mask only"
    assert all(KEYS[row.key].cls in (Class.BY_CONSTRUCTION, Class.TOOL_LAYER) for row in NOT_GIVEN)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ({"sandbox": {"network": {"tlsTerminate": {}}}}, "sandbox.network.tlsTerminate"),
        ({"sandbox": {"network": {"httpProxyPort": 3128}}}, "sandbox.network.httpProxyPort"),
        ({"sandbox": {"credentials": {"envVars": [{"name": "T", "mode": "mask"}]}}}, "sandbox.credentials.envVars"),
        ({"sandbox": {"credentials": {"files": [{"path": "~/x", "mode": "mask", "injectHosts": ["a"]}]}}}, "sandbox.credentials.files"),
        ({"paddock": {"audit": {"file": "x"}}}, "paddock.audit"),
    ],
)
def test_less_protection_than_asked_for_is_refused_with_the_place(world: World, content: object, key: str) -> None:
    path = world.write("user", content)
    with pytest.raises(PolicyError) as caught:
        refuse_unsupported(world.load())
    assert str(caught.value).startswith(f"{path}:")
    assert key in str(caught.value)
    assert caught.value.hint


def test_what_is_enforced_is_not_refused(world: World) -> None:
    limits = {"timeoutSeconds": 5, "openFiles": 100, "cpuSeconds": 9, "processes": 50, "memoryMb": 100, "diskMb": 100}
    deny = {"files": [{"path": "~/x", "mode": "deny"}], "envVars": [{"name": "T", "mode": "deny"}]}
    world.write("user", {"paddock": {"limits": limits}, "sandbox": {"credentials": deny, "network": {"allowedDomains": ["a"]}}})
    refuse_unsupported(world.load())


def test_all_refusals_come_at_once(world: World) -> None:
    world.write("user", {"paddock": {"credentials": {"x": 1}, "audit": {"file": "x"}}})
    with pytest.raises(PolicyError) as caught:
        refuse_unsupported(world.load())
    assert str(caught.value).count("; ") == 1


def test_what_would_only_widen_is_not_given_and_said_once(world: World) -> None:
    network = {"allowAllUnixSockets": True, "allowUnixSockets": ["/a", "/b"]}
    world.write(
        "user", {"sandbox": {"excludedCommands": ["docker *", "x"], "filesystem": {"disabled": True}, "ignoreViolations": {"a": ["b"]}, "network": network}}
    )
    settings = world.load()
    refuse_unsupported(settings)
    assert {n.level for n in settings.notices} == {"info"}
    assert [n.text.split()[0] for n in settings.notices] == [
        "sandbox.excludedCommands",
        "sandbox.filesystem.disabled",
        "sandbox.network.allowAllUnixSockets",
        "sandbox.network.allowUnixSockets",
        "sandbox.ignoreViolations",
    ]


def test_allowing_every_host_is_loud(world: World) -> None:
    world.write("user", {"sandbox": {"network": {"allowedDomains": ["*"]}}})
    (notice,) = world.load().notices
    assert notice.level == "warning"
    assert "every host" in notice.text
