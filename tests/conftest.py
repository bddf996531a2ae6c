"""What every test shares: the loud skip, and a home that belongs to nobody."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A deadline for an example is a timed assertion: on a busy machine it fails by luck.
settings.register_profile("paddock", deadline=None)
settings.load_profile("paddock")

MUST_WORK = os.environ.get("PADDOCK_MUST_WORK") == "1"
NOT_APPLICABLE = "not applicable: "

# What a test may see of the developer's environment; everything else (tokens, agents' variables, git identities, mirrors) would make it pass or fail by luck.
PASSED_ON = {"PATH", "LANG", "TZ", "TERM", "TMPDIR", "PADDOCK_MUST_WORK", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR"}

DEVELOPER_ENVIRONMENT = dict(os.environ)


def must(condition: object, reason: str) -> None:
    """Go on when ``condition`` holds; otherwise skip, or fail where everything has to work (``PADDOCK_MUST_WORK=1``). ``reason`` says what is missing."""
    if condition:
        return
    if MUST_WORK:
        pytest.fail(f"must work here: {reason}", pytrace=False)
    pytest.skip(reason, allow_module_level=True)


def applies(condition: object, reason: str) -> None:
    """Skip quietly where the test has no meaning: a test about root run by somebody else. Never for something that could be installed or switched on."""
    if not condition:
        pytest.skip(NOT_APPLICABLE + reason, allow_module_level=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where everything has to work, however the test skipped."""
    report = yield
    if MUST_WORK and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if NOT_APPLICABLE not in reason:
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} skipped although everything must work here: {reason}"
    return report


@pytest.fixture(autouse=True)
def isolated_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home, configuration, state and runtime folder of its own for every test. Yields the home."""
    home = tmp_path_factory.mktemp("home")
    kept = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith("LC_")}
    kept |= {"HOME": str(home), "USER": "tester", "LOGNAME": "tester", "SHELL": "/bin/sh"}
    for name, folder in {"CONFIG": ".config", "CACHE": ".cache", "DATA": ".local/share", "STATE": ".local/state"}.items():
        (home / folder).mkdir(parents=True)
        kept[f"XDG_{name}_HOME"] = str(home / folder)
    runtime = tmp_path_factory.mktemp("runtime")
    runtime.chmod(0o700)
    kept["XDG_RUNTIME_DIR"] = str(runtime)
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(kept)
    yield home
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the project's tree."""
    return Path(__file__).resolve().parents[1]
