"""What holds for any settings: no restriction is lost, an unseen project widens nothing, order does not matter, and no text is a crash."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import HealthCheck, assume, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from paddock.errors import PolicyError, SettingsError, UsageError
from paddock.model.globs import covers, is_glob
from paddock.model.paths import is_beneath, normalise
from paddock.model.settings import Context, Origin, Scope, Settings
from paddock.permissions.match import PathMatcher
from paddock.permissions.rule import notices
from paddock.planner.meaning import policy_from
from paddock.settings.examples import EXAMPLES
from paddock.settings.gathered import Gathered, LoadRequest
from paddock.settings.layer import Family
from paddock.settings.load import settle
from paddock.settings.managed import Roots
from paddock.settings.overrides import EVERY, REFERENCE
from paddock.settings.paths import resolve
from paddock.settings.schema import json_schema
from paddock.settings.table import KEYS, Class
from paddock.settings.tier import AdminSource, Rank, select
from paddock.settings.types import check
from paddock.settings.validate import _node as node_of
from tests.settings.world import World

CONTEXT = Context("/p", "/p", "", "/h", "/h/.claude", "/h/.config/paddock", "/nowhere/state", "/nowhere/cache")
RANKED = (Scope.MANAGED, Scope.CLI, Scope.LOCAL, Scope.PROJECT, Scope.USER)
PATHS = ["/a", "/a/b", "~/c", "~/", "/d/*", "/d/**/e", "/p", "/p/x"]
RULES = ["Read(//a/**)", "Edit(//a)", "Edit(x)", "WebFetch(domain:a.example)", "Bash(rm *)", "Read(.env)", "Edit(", "Write(x)"]
HOSTS = ["a.example", "*.b.example:443", "*", "10.0.0.1"]
LISTS: dict[str, Sequence[object]] = {
    "permissions.deny": [rule for rule in RULES if rule != "Edit("],
    "permissions.ask": RULES,
    "permissions.allow": RULES,
    "sandbox.filesystem.denyRead": PATHS,
    "sandbox.filesystem.denyWrite": PATHS,
    "sandbox.filesystem.allowRead": PATHS,
    "sandbox.filesystem.allowWrite": PATHS,
    "sandbox.network.allowedDomains": HOSTS,
    "sandbox.network.deniedDomains": HOSTS,
    "sandbox.credentials.envVars": [{"name": "A", "mode": "deny"}, {"name": "B", "mode": "deny"}, {"name": "A", "mode": "mask"}],
    "paddock.environment.remove": ["A", "B*"],
    "paddock.environment.keep": ["A", "B"],
    "paddock.network.publish": [80, 443],
    "deniedMcpServers": [{"serverName": "a"}, {"serverName": "b"}],
}
SWITCHES = [
    "allowManagedPermissionRulesOnly",
    "sandbox.network.allowManagedDomainsOnly",
    "sandbox.filesystem.allowManagedReadPathsOnly",
    "sandbox.network.strictAllowlist",
    "sandbox.filesystem.disabled",
    "sandbox.enabled",
    "sandbox.network.allowLocalBinding",
    "disableAllHooks",
    "paddock.network.proxyEnv",
]
RESTRICTIONS = (
    "sandbox.filesystem.denyRead",
    "sandbox.filesystem.denyWrite",
    "sandbox.network.deniedDomains",
    "paddock.environment.remove",
    "deniedMcpServers",
)
OPENINGS = ("allowed", "publish", "dns_names", "upstream_ca")


def document(flat: Mapping[str, object]) -> dict[str, object]:
    """Dotted keys to nested objects."""
    out: dict[str, object] = {}
    for dotted, value in flat.items():
        *sections, leaf = dotted.split(".")
        inner = out
        for section in sections:
            inner = inner.setdefault(section, {})  # type: ignore[assignment]  # a section is an object
        inner[leaf] = value
    return out


LIST_VALUES = st.dictionaries(st.sampled_from(sorted(LISTS)), st.integers(0, 255), max_size=5).map(
    lambda chosen: {name: [item for at, item in enumerate(LISTS[name]) if mask >> at & 1] for name, mask in chosen.items()}
)
FILES = st.builds(
    lambda lists, switches: {**lists, **switches},
    LIST_VALUES,
    st.dictionaries(st.sampled_from(SWITCHES), st.booleans(), max_size=3),
)
STACKS = st.dictionaries(st.sampled_from(RANKED), FILES, max_size=5)


def load(stack: Mapping[Scope, Mapping[str, object]], overrides: frozenset[str] = EVERY, *, trusted: bool = False) -> Settings:
    """Layers through everything but the disk."""
    request = LoadRequest("/p", {"HOME": "/h"}, trust_project=trusted, roots=Roots(platform="linux"), overrides=overrides)
    out = Gathered(overrides)
    for scope in RANKED:
        if scope in stack:
            layer = out.take(scope, Family.CLAUDE, f"/{scope.value}.json", json.dumps(document(stack[scope])))
            out.layers += [layer] if layer is not None else []
    return settle(out, CONTEXT, request)


def written(stack: Mapping[Scope, Mapping[str, object]], key: str) -> set[str]:
    return {json.dumps(item) for content in stack.values() for item in content.get(key, ())}  # type: ignore[attr-defined]  # lists only


def effective(settings: Settings, key: str) -> set[str]:
    return {json.dumps(entry.value) for entry in settings.list(key) if entry.origin.scope is not Scope.BUILTIN}


def plain(rules: Sequence[object]) -> set[object]:
    """Paths, patterns or numbers without the places they came from."""
    return {getattr(rule, "path", None) or getattr(rule, "pattern", None) or rule for rule in rules}


def locked_rules(stack: Mapping[Scope, Mapping[str, object]]) -> bool:
    return stack.get(Scope.MANAGED, {}).get("allowManagedPermissionRulesOnly") is True


@pytest.mark.parametrize("overrides", [EVERY, REFERENCE], ids=["run", "reference"])
@given(stack=STACKS, trusted=st.booleans())
def test_no_restriction_is_ever_lost(overrides: frozenset[str], stack: dict[Scope, dict[str, object]], trusted: bool) -> None:
    settings = load(stack, overrides, trusted=trusted)
    for key in RESTRICTIONS:
        skipped = {json.dumps(item) for item in PATHS if is_glob(item)} if overrides == REFERENCE and key.endswith("denyWrite") else set()
        assert effective(settings, key) == written(stack, key) - skipped, key
    rules = written({Scope.MANAGED: stack.get(Scope.MANAGED, {})} if locked_rules(stack) else stack, "permissions.deny")
    assert effective(settings, "permissions.deny") == rules, "the one documented exception is the lock on rules"
    denied = {name for name in ("A", "B") if json.dumps({"name": name, "mode": "deny"}) in written(stack, "sandbox.credentials.envVars")}
    assert {rule.name for rule in policy_from(settings).environment.deny} >= denied
    # Nothing is both in force and void.
    void = {id(entry) for entry, _ in settings.void}
    assert not [entry for found in settings.lists.values() for entry in found if id(entry) in void]


@given(stack=STACKS)
def test_an_unseen_project_widens_nothing(stack: dict[Scope, dict[str, object]]) -> None:
    without = policy_from(load({scope: content for scope, content in stack.items() if scope is not Scope.PROJECT}))
    with_it = policy_from(load(stack))
    for name in OPENINGS:
        assert plain(getattr(with_it.network, name)) <= plain(getattr(without.network, name)), name
    assert with_it.network.local_binding <= without.network.local_binding
    roots = [rule.path for rule in without.filesystem.allow_write]
    assert all(any(is_beneath(rule.path, root) for root in roots) for rule in with_it.filesystem.allow_write)
    kept = {rule.name for rule in without.environment.keep}
    assert {rule.name for rule in with_it.environment.keep} <= kept
    closed = {rule.path for rule in without.filesystem.deny_read}
    assert {rule.path for rule in with_it.filesystem.deny_read} >= closed
    shown = {rule.path for rule in without.filesystem.allow_read}
    assert all(rule.path in shown or is_beneath(rule.path, "/p") for rule in with_it.filesystem.allow_read)


@given(stack=STACKS)
def test_a_run_gives_no_more_than_the_reference(stack: dict[Scope, dict[str, object]]) -> None:
    assume("Edit(" not in str(stack))
    strict, reference = policy_from(load(stack)), policy_from(load(stack, REFERENCE))
    assert plain(strict.network.allowed) <= plain(reference.network.allowed)
    assert plain(strict.network.denied) == plain(reference.network.denied)
    assert plain(strict.filesystem.allow_write) <= plain(reference.filesystem.allow_write)
    assert plain(strict.filesystem.deny_write) >= plain(reference.filesystem.deny_write)
    assert plain(strict.filesystem.deny_read) >= plain(reference.filesystem.deny_read)


@given(stack=STACKS)
def test_loading_twice_is_loading_once(stack: dict[Scope, dict[str, object]]) -> None:
    one, two = load(stack, trusted=True), load(stack, trusted=True)
    assert one == two
    # What is in force, written down as the one managed file there is, is in force again.
    lists = {name: [json.loads(item) for item in sorted(effective(one, name))] for name in RESTRICTIONS}
    again = load({Scope.MANAGED: lists})
    assert {name: effective(again, name) for name in RESTRICTIONS} == {name: effective(one, name) for name in RESTRICTIONS}


ADMIN = st.dictionaries(st.sampled_from(list(Rank)), FILES, min_size=1)


@given(ADMIN, st.randoms())
def test_the_choice_does_not_depend_on_the_order_in_which_sources_are_found(sources: dict[Rank, dict[str, object]], random: object) -> None:
    def source(rank: Rank) -> AdminSource:
        layer = Gathered(REFERENCE).take(Scope.MANAGED, Family.CLAUDE, rank.value, json.dumps(document(sources[rank])))
        assert layer is not None
        return AdminSource(rank, rank.value, (layer,))

    def outcome(ranks: list[Rank]) -> object:
        found = select([source(rank) for rank in ranks])
        return found.source.rank if found.source else None, [(layer.file, layer.lists, layer.scalars) for layer in found.layers]

    ranks = list(sources)
    shuffled = list(ranks)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert outcome(ranks) == outcome(shuffled)


@given(ADMIN)
def test_a_lock_of_any_administrator_holds(sources: dict[Rank, dict[str, object]]) -> None:
    chain = []
    for rank, content in sources.items():
        layer = Gathered(REFERENCE).take(Scope.MANAGED, Family.CLAUDE, rank.value, json.dumps(document(content)))
        assert layer is not None
        chain.append(AdminSource(rank, rank.value, (layer,)))
    selection = select(chain)
    for key in ("sandbox.network.allowManagedDomainsOnly", "sandbox.network.strictAllowlist"):
        wanted = any(content.get(key) is True for rank, content in sources.items() if rank is not Rank.USER_POLICY)
        got = next((layer.scalars[key].value for layer in selection.layers if key in layer.scalars), False)
        if wanted:
            assert got is True, key


# -- no text is a crash

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 70000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([*PATHS, *RULES, *HOSTS, "mask", "deny"])
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["path", "name", "mode", "command", "hooks", "serverName", "x"]), inner, max_size=4)
    ),
    max_leaves=10,
)
ANY_FILE = st.dictionaries(
    st.sampled_from(sorted(KEYS)) | st.sampled_from(["sandbox", "sandbox.network", "permissions", "paddock.x", "other"]), JSON, max_size=6
)


def nested(flat: Mapping[str, object]) -> dict[str, object]:
    """Like ``document``, for keys that may contradict each other."""
    out: dict[str, object] = {}
    for dotted, value in flat.items():
        inner = out
        *sections, leaf = dotted.split(".")
        for section in sections:
            below = inner.get(section)
            if not isinstance(below, dict):
                below = inner[section] = {}
            inner = below
        inner[leaf] = value
    return out


@given(flat=ANY_FILE, scope=st.sampled_from(RANKED), strict=st.booleans())
@hypothesis_settings(max_examples=300)
def test_any_values_of_any_keys_end_in_settings_or_in_an_error(flat: dict[str, object], scope: Scope, strict: bool) -> None:
    out = Gathered(EVERY if strict else REFERENCE)
    layer = out.take(scope, Family.CLAUDE, "/f.json", json.dumps(nested(flat)))
    out.layers += [layer] if layer is not None else []
    request = LoadRequest("/p", {"HOME": "/h"}, roots=Roots(platform="linux"), overrides=out.overrides)
    said = "loaded"
    try:
        settings = settle(out, CONTEXT, request)
        notices(settings)
        policy_from(settings)
    except (SettingsError, PolicyError) as error:
        said = str(error)
    assert said


@given(data=st.binary(max_size=60) | st.text(max_size=60).map(str.encode), scope=st.sampled_from(["managed", "local", "project", "user"]))
@example(data=b"\xff\xfe{\x00}\x00", scope="user")
@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_in_any_file_end_in_settings_or_in_an_error(world: World, data: bytes, scope: str) -> None:
    path = world.write(scope, {})
    path.write_bytes(data)
    problems = []
    try:
        world.load()
    except SettingsError as error:
        problems = error.problems
    assert all(problem.file == str(path) for problem in problems)
    path.unlink()


@given(words=st.lists(st.text(max_size=10), max_size=3), text=st.text(max_size=20))
@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_words_on_the_command_line_end_in_settings_or_in_an_error(world: World, words: list[str], text: str) -> None:
    said = "loaded"
    try:
        world.load(sources=tuple(words), settings=(text,))
    except (SettingsError, UsageError) as error:
        said = str(error)
    assert said


GLOBBY = st.text(alphabet="ab/.*?[]!\\-~", min_size=1, max_size=12)


@given(written_=GLOBBY | st.text(min_size=1, max_size=12), scope=st.sampled_from(list(Scope)))
def test_any_path_entry_is_absolute_and_normal_or_an_error(written_: str, scope: Scope) -> None:
    origin = Origin(scope, "/h/.claude/settings.json", 1, 1, "k", written_)
    assume("\0" not in written_)  # validation refuses it before anybody resolves it
    try:
        path, _ = resolve(written_, origin, CONTEXT)
    except PolicyError:
        path = ""
    assert not path or path == normalise(path)


@given(specifier=GLOBBY, list_name=st.sampled_from(["allow", "ask", "deny"]), tool=st.sampled_from(["Read", "Edit"]), path=st.text(alphabet="ab./", max_size=8))
def test_any_rule_is_matched_without_a_crash(specifier: str, list_name: str, tool: str, path: str) -> None:
    matcher = PathMatcher.of(f"{tool}({specifier})", list_name, Origin(Scope.PROJECT, "/p/.claude/settings.json", 1), CONTEXT)
    if matcher is not None:
        where = normalise(f"/p/{path}")
        found = matcher.matches(where, tool)
        assert isinstance(found, bool)
        if found:
            assert matcher.matches(f"{where.rstrip('/')}/below", tool), "a folder covers what is in it"


def oracle(pattern: str) -> re.Pattern[str]:
    """The same pattern as a regular expression, for patterns without sets and backslashes."""
    out = ""
    for part in pattern.strip("/").split("/"):
        out += "(?:/[^/]+)*" if part == "**" else "/" + "".join("[^/]*" if c == "*" else "[^/]" if c == "?" else re.escape(c) for c in part)
    return re.compile(f"{out}(?:/.*)?", re.DOTALL)


PARTS = st.lists(st.sampled_from(["a", "b", "ab", "*", "**", "a*", "?", "*b*"]), min_size=1, max_size=5)


@given(pattern=PARTS, path=st.lists(st.sampled_from(["a", "b", "ab", "abb"]), min_size=1, max_size=6))
@hypothesis_settings(max_examples=400)
def test_globs_agree_with_regular_expressions(pattern: list[str], path: list[str]) -> None:
    glob, where = "/" + "/".join(pattern), "/" + "/".join(path)
    assert covers(glob, where) == bool(oracle(glob).fullmatch(where))


# -- the table


@pytest.mark.parametrize("name", list(EXAMPLES))
def test_every_example_is_right(name: str) -> None:
    assert name in KEYS
    assert list(check(KEYS[name].shape, node_of(EXAMPLES[name]))) == []


def test_every_key_has_an_example_in_the_order_of_the_table_and_in_the_schema() -> None:
    assert list(EXAMPLES) == list(KEYS)
    assert json.dumps(json_schema()).count('"examples"') == len(KEYS)


def test_all_examples_load_together_where_they_are_allowed(world: World) -> None:
    fine = {name: value for name, value in EXAMPLES.items() if KEYS[name].cls is not Class.REFUSED and name != "policyHelper"}
    world.write("managed", document({name: value for name, value in fine.items() if not KEYS[name].shape.is_path}))
    world.write("user", document({name: value for name, value in fine.items() if Scope.USER in KEYS[name].scopes}))
    settings = world.load()
    assert isinstance(settings.scalar("sandbox.enabled"), bool)
    assert {entry.origin.key for found in settings.lists.values() for entry in found} >= {"permissions.deny"}
