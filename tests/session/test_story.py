from __future__ import annotations

import pytest

from paddock.events.record import Record
from paddock.model.events import Event
from paddock.model.settings import Origin, Scope
from paddock.session.story import snippet, story


def origin(key: str, scope: Scope = Scope.PROJECT, text: str = "x") -> Origin:
    return Origin(scope, "builtin" if scope is Scope.BUILTIN else "/p/.claude/settings.json", 9, 5, key, text)


def record(
    area: str,
    act: str,
    subject: str,
    rule: Origin | None = None,
    *,
    remedy: str = "yes",
    kind: str = "violation",
    count: int = 1,
    detail: tuple[tuple[str, str | int], ...] = (("port", 443),),
) -> Record:
    return Record("7f3a9c11", 2, 1_700_000_000.0, Event(kind, area, act, subject, "because", rule, remedy, detail), count, 1_700_000_060.0)


def test_story() -> None:
    lines = dict(story(record("file", "read", "/h/.ssh/id", origin("sandbox.filesystem.denyRead", text="~/"), count=3)))
    assert lines == {
        "what": "the command tried to read /h/.ssh/id",
        "outcome": "refused",
        "when": "2023-11-14T22:13:20.000Z, and again until 2023-11-14T22:14:20.000Z: 3 times",
        "run": "7f3a9c11",
        "why": "because",
        "rule": 'sandbox.filesystem.denyRead "~/"',
        "from": "/p/.claude/settings.json:9 (project settings)",
        "port": "443",
        "to allow": "yes",
    }


def test_story_without_a_rule_or_a_remedy() -> None:
    lines = dict(story(record("network", "connect", "evil.test:443", remedy="")))
    assert lines["rule"] == "no entry decided; what is not allowed is refused"
    assert lines["to allow"] == "nothing in the settings allows this"


def test_story_of_something_allowed_offers_nothing() -> None:
    made = record("network", "connect", "good.test:443", kind="flow")
    assert "to allow" not in dict(story(made))
    assert snippet(made) is None


FS = "sandbox.filesystem"


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (record("file", "read", "/h/.ssh/id", origin(f"{FS}.denyRead")), {"sandbox": {"filesystem": {"allowRead": ["/h/.ssh/id"]}}}),
        (record("file", "write", "/opt/x"), {"sandbox": {"filesystem": {"allowWrite": ["/opt/x"]}}}),
        (record("file", "write", "/p/.git/hooks", origin(f"{FS}.denyWrite", Scope.BUILTIN)), None),
        (record("file", "write", "/p/.git/hooks", origin("protected names", Scope.BUILTIN)), None),
        (
            record("file", "write", "/p/.git/hooks/x", origin("protected names", Scope.BUILTIN), detail=(("unprotect", ".git/hooks"),)),
            {"paddock": {"filesystem": {"unprotect": [".git/hooks"]}}},
        ),
        (record("file", "write", "/p/x", origin(f"{FS}.denyWrite")), None),
        (record("file", "write", "/p/x", origin("permissions.deny")), None),
        (record("network", "connect", "evil.test:443"), {"sandbox": {"network": {"allowedDomains": ["evil.test:443"]}}}),
        (record("network", "connect", "[2001:db8::1]:443"), {"sandbox": {"network": {"allowedDomains": ["[2001:db8::1]:443"]}}}),
        (record("network", "connect", "bad host\n:443"), None),
        (record("network", "connect", "evil.test:443", origin("sandbox.network.deniedDomains")), None),
        (record("dns", "lookup", "TXT evil.test"), {"paddock": {"network": {"dns": ["evil.test"]}}}),
        (record("dns", "lookup", "A evil.test"), {"sandbox": {"network": {"allowedDomains": ["evil.test"]}}}),
        (record("dns", "lookup", "evil.test"), {"sandbox": {"network": {"allowedDomains": ["evil.test"]}}}),
        (record("environment", "variable", "GH_TOKEN"), {"paddock": {"environment": {"keep": ["GH_TOKEN"]}}}),
        (record("environment", "variable", "GH_TOKEN", origin("sandbox.credentials.envVars")), None),
        (record("file", "read", "/h/x", origin(f"{FS}.denyRead", Scope.MANAGED)), None),
        (record("file", "read", "/h/x", remedy=""), None),
        (record("run", "limit", "x"), None),
    ],
)
def test_snippet(made: Record, expected: object) -> None:
    assert snippet(made) == expected
