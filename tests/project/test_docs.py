"""The documentation is true: generated pages are current, links lead somewhere, and the marked examples run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.docs import PAGES, stale
from tests.conftest import must
from tests.project.source import ROOT, tracked_files

TEXTS = [path for path in tracked_files() if path.suffix == ".md" and "examples" not in path.relative_to(ROOT).parts]
EXAMPLE = re.compile(r"<!-- test: (?P<kind>\w+) -->\n```(?P<language>\w+)\n(?P<text>.*?)```", re.DOTALL)


def examples(kind: str) -> list[tuple[str, str]]:
    """The marked blocks of one kind, as (file, text)."""
    return [(path.name, found["text"]) for path in TEXTS for found in EXAMPLE.finditer(path.read_text(encoding="utf-8")) if found["kind"] == kind]


def test_every_mark_is_read() -> None:
    marks = sum(path.read_text(encoding="utf-8").count("<!-- test:") for path in TEXTS)
    assert marks == len(examples("fenced")) + len(examples("settings"))
    assert examples("fenced")
    assert examples("settings")


def test_the_generated_pages_are_current() -> None:
    assert not stale(), "run ./dev docs"
    assert all((ROOT / page).exists() for page in PAGES)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        file, _, heading = target.partition("#")
        place = (path.parent / file).resolve() if file else path
        assert place.exists(), f"{path.name}: {target}"
        if heading:
            slugs = {re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in place.read_text().splitlines() if line.startswith("#")}
            assert heading in slugs, f"{path.name}: {target}"


@pytest.fixture
def command() -> Path:
    path = Path(sys.executable).with_name("paddock")
    must(path.exists(), "Paddock is not installed beside this interpreter: use ./dev test")
    return path


@pytest.mark.parametrize(("file", "text"), examples("fenced"))
def test_a_command_of_the_documentation_gets_as_far_as_it_says(file: str, text: str, command: Path, tmp_path: Path) -> None:
    for line in text.splitlines():
        words = f"{command}{line.removeprefix('paddock')}"
        assert line.startswith("paddock "), f"{file}: {line}"
        done = subprocess.run(["/bin/sh", "-c", words], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode != 125, f"{line}\n{done.stderr}"


@pytest.mark.parametrize(("file", "text"), examples("settings"))
def test_settings_of_the_documentation_load(file: str, text: str, command: Path, tmp_path: Path) -> None:
    json.loads(text)
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "settings.json").write_text(text)
    done = subprocess.run([command, "policy", "show"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"{file}: {done.stderr}"


def test_every_verb_has_its_page() -> None:
    from paddock.cli.main import VERBS

    page = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
    assert all(f"## paddock {verb}\n" in page for verb in VERBS)
