"""What must not stand in any file: registries' hosts, paths of one machine, download addresses in lock files."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path

import pytest

from scripts.registries import apt_hosts, npm_hosts, pip_hosts
from tests.conftest import DEVELOPER_ENVIRONMENT
from tests.project.source import ROOT, tracked_files


@cache
def registry_hosts() -> frozenset[str]:
    """The hosts that this machine's npm, pip and apt download from, asked of the tools: writing them down here is what this test forbids."""
    return frozenset(npm_hosts(DEVELOPER_ENVIRONMENT) | pip_hosts(DEVELOPER_ENVIRONMENT) | apt_hosts())


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace")


def test_the_tools_of_this_machine_tell_at_least_one_host() -> None:
    assert registry_hosts()


def test_no_file_names_a_registry() -> None:
    named = {host for path in tracked_files() for host in registry_hosts() if host in text_of(path).lower()}
    assert not named


def test_no_file_names_a_place_of_one_machine() -> None:
    own = {str(ROOT), str(Path.home())} - {"/", "/root", "/home"}
    assert not [(str(path), place) for path in tracked_files() for place in own if place in text_of(path)]


def test_lock_files_hold_no_download_address() -> None:
    locks = [path for path in tracked_files() if path.name == "package-lock.json"]
    assert locks
    for path in locks:
        packages = json.loads(text_of(path))["packages"]
        assert not [name for name, entry in packages.items() if "resolved" in entry]
        assert [name for name, entry in packages.items() if "integrity" in entry], f"{path} pins nothing"


def test_requirements_hold_versions_only() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        lines = [line for line in text_of(path).splitlines() if line and not line.startswith("#")]
        assert lines
        assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", line) for line in lines), path


KINDS = ("feature", "bugfix", "doc", "misc")


@pytest.mark.parametrize("path", sorted((ROOT / "changes").glob("*")), ids=lambda path: path.name)
def test_a_change_fragment_is_named_and_filled(path: Path) -> None:
    if path.name == "README.md":
        return
    assert re.fullmatch(rf"[a-z0-9-]+\.({'|'.join(KINDS)})\.md", path.name), f"name it SLUG.KIND.md, KIND one of {KINDS}"
    text = text_of(path).strip()
    assert text.endswith(".")
    assert not text.startswith("#")
    assert len(text) <= 600, "one or two sentences for a user"


def test_no_environment_of_a_developer_reaches_a_test() -> None:
    assert not [name for name in os.environ if "TOKEN" in name or name.startswith(("CLAUDE", "PIP_", "npm_"))]
