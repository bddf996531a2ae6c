"""Attacks by what a project brings along, or what a command left in it for the next: links under names that a rule opens."""

from __future__ import annotations

import pytest

from paddock.model.plan import Access
from paddock.planner.strays import Strays
from paddock.planner.toolchains import reopened
from paddock.planner.view import View
from tests.planner.fakes import APP, HOME, Link, Tree, effective, filesystem, layout, tree

KEY = f"{HOME}/.ssh/id"
SECRETS = [f"{HOME}/.ssh"]


def planted(name: str, target: str) -> Tree:
    return tree({KEY: "x", f"{APP}/{name}": Link(target), f"{APP}/own/file": "x", f"{APP}/near": Link("own")})


@pytest.mark.parametrize("rule", ["data", "data/id", "d*", "dat[a]", "**/id"])
@pytest.mark.parametrize("target", [f"{HOME}/.ssh", "../.ssh", "near/../../.ssh"])
def test_a_rule_for_the_project_does_not_open_what_a_link_in_it_leads_to(rule: str, target: str) -> None:
    policy = filesystem(deny_read=SECRETS, allow_read=[f"{APP}/{rule}"], allow_write=[APP, f"{APP}/{rule}"])
    found = layout(policy, planted("data", target))
    assert effective(found.places(), KEY) is Access.HIDDEN
    if "**" not in rule:  # a search follows no link, so it meets none
        assert any("a link that commands can change" in notice.text for notice in found.notices)


def test_a_pattern_that_begins_behind_a_link_opens_nothing_there() -> None:
    found = layout(filesystem(deny_read=SECRETS, allow_read=[f"{APP}/data/*"], allow_write=[APP]), planted("data", f"{HOME}/.ssh"))
    assert effective(found.places(), KEY) is Access.HIDDEN


def test_a_link_in_another_place_that_is_written_counts_as_well() -> None:
    files = tree({KEY: "x", f"{APP}/a": "x", "/srv/shared/way": Link(f"{HOME}/.ssh")})
    policy = filesystem(deny_read=SECRETS, allow_write=[APP, "/srv/shared", "/srv/shared/way"])
    assert effective(layout(policy, files).places(), KEY) is Access.HIDDEN


@pytest.mark.parametrize(("rule", "path"), [(f"{HOME}/.ssh", KEY), (f"{APP}/near", f"{APP}/own/file"), (f"{HOME}/way", KEY)])
def test_named_targets_links_within_the_project_and_a_persons_own_links_work(rule: str, path: str) -> None:
    files = planted("data", f"{HOME}/.ssh").add(f"{HOME}/way", Link(f"{HOME}/.ssh"))
    policy = filesystem(deny_read=[*SECRETS, f"{APP}/own"], allow_read=[rule], allow_write=[APP])
    assert effective(layout(policy, files).places(), path) is not Access.HIDDEN


def test_a_folder_on_the_path_that_became_a_link_opens_nothing_of_the_home() -> None:
    view = View(tree({f"{HOME}/letters/one": "x", f"{HOME}/.tools/bin/x": "x", f"{APP}/.venv/bin": Link(f"{HOME}/letters")}))
    environ = {"PATH": f"{APP}/.venv/bin:{HOME}/.tools/bin:/usr/bin"}
    assert reopened(view, HOME, environ, Strays(view, (APP,))) == (f"{HOME}/.tools",)
