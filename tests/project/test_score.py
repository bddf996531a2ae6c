"""The page of the escape corpus' score counts what the results say, and names what is open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import score


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Four cases of two categories."""
    cases = [
        {"id": "read-1", "category": "read"},
        {"id": "dns-1", "category": "dns"},
        {"id": "read-2", "category": "read"},
        {"id": "dns-2", "category": "dns"},
    ]
    (tmp_path / "cases.json").write_text(json.dumps(cases), encoding="utf-8")
    return tmp_path


def test_counts_by_category_and_names_what_is_open(corpus: Path) -> None:
    results = {"read-1": "pass", "read-2": "fail", "dns-1": "refused", "dns-2": "na"}
    text = score.page(corpus, [score.Score("root", results)])
    assert "| read | 2 | 1 |" in text
    assert "| dns | 2 | 0 (1 not applicable) |" in text
    assert "| **all** | **4** | **1 (1 not applicable)** |" in text
    assert "- read: `read-2`" in text
    assert "- dns: `dns-1` (declined)" in text


def test_a_case_without_a_result_is_open(corpus: Path) -> None:
    text = score.page(corpus, [score.Score("root", {"read-1": "pass", "read-2": "pass", "dns-1": "pass"})])
    assert "- dns: `dns-2`" in text


def test_nothing_open_is_said(corpus: Path) -> None:
    text = score.page(corpus, [score.Score("root", dict.fromkeys(("read-1", "read-2", "dns-1", "dns-2"), "pass"))])
    assert text.endswith("## Not held, as root\n\nNone.\n")


def test_the_version_follows_the_cases(corpus: Path) -> None:
    before = score.version(corpus)
    (corpus / "cases.json").write_text("[]", encoding="utf-8")
    assert score.version(corpus) != before
